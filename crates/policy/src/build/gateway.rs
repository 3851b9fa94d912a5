//! Listeners, certificates, trust and upstreams.

use std::collections::BTreeSet;
use std::net::{IpAddr, SocketAddr};
use std::num::NonZeroU32;

use super::Builder;
use crate::file::{self, File};
use crate::form::{At, Count, Several};
use crate::notes::Place;
use crate::policy::{
    Caps, Gateway, HealthCheck, Listen, SecretSource, Server, Timeouts, Tls, Trust, Upstream,
};
use crate::table::Field;

const LISTEN: &str = "add [listen] with `http = \"127.0.0.1:8080\"`";
const UPSTREAM: &str = "add [upstream] with `url = \"http://127.0.0.1:8265\"`";

impl Builder<'_> {
    /// Both parts of a gateway, or none where none is needed: one alone was most likely meant to be both.
    pub(super) fn gateway(&mut self, file: &File) -> Option<Gateway> {
        let listen = self.listen(file);
        let upstream = file.upstream.value().and_then(|upstream| self.upstream(upstream, file));
        let parts = [
            (matches!(file.listen, Field::Absent), "listen", "where the gateway listens", LISTEN),
            (matches!(file.upstream, Field::Absent), "upstream", "where admitted calls go", UPSTREAM),
        ];
        if self.needs_gateway || parts.iter().any(|(is_absent, ..)| !is_absent) {
            for (_, name, what, hint) in parts.iter().filter(|(is_absent, ..)| *is_absent) {
                let message = format!("is missing: {what}");
                self.notes.mistake(&(0..0), &Place::Root.key(name), message).hint(*hint);
            }
        }
        Some(Gateway { listen: listen?, upstream: upstream? })
    }

    fn listen(&mut self, file: &File) -> Option<Listen> {
        let listen = file.listen.value()?;
        let root = Place::Root.key("listen");
        let mut taken = BTreeSet::new();
        for (name, addresses) in [("http", &listen.http), ("https", &listen.https)] {
            for address in addresses.value().map_or(&[][..], |several| &several.0) {
                self.once(address, &root.key(name), &mut taken);
            }
        }
        if let Some(admin) = listen.admin.get() {
            self.once(admin, &root.key("admin"), &mut taken);
            if !admin.value.ip().to_canonical().is_loopback() && matches!(file.admin, Field::Absent) {
                let message =
                    format!("`{}` is not a loopback address, so an operator needs a token", admin.value);
                let draft = self.notes.mistake(&admin.span, &root.key("admin"), message);
                draft.hint("add [admin] with `token-file` or `token-env`, or listen on 127.0.0.1");
            }
        }
        if let (Some(https), Field::Absent) = (listen.https.get(), &file.tls) {
            let draft = self.notes.mistake(&https.span, &root.key("https"), "there is no certificate for it");
            draft.hint("add [tls] with `certificate` and `key`");
        }
        Some(Listen {
            http: addresses(&listen.http),
            https: addresses(&listen.https),
            admin: listen.admin.value().copied(),
            threads: listen.threads.value().and_then(nonzero),
            proxy_protocol: *listen.proxy_protocol.value()?,
        })
    }

    fn once(&mut self, address: &At<SocketAddr>, place: &Place<'_>, taken: &mut BTreeSet<SocketAddr>) {
        // Port 0 is a different port each time.
        if address.value.port() != 0 && !taken.insert(address.value) {
            self.notes.mistake(&address.span, place, format!("`{}` is listened on already", address.value));
        }
    }

    pub(super) fn tls(&self, tls: &file::Tls) -> Option<Tls> {
        Some(Tls {
            certificate: self.path(tls.certificate.value()?),
            key: self.path(tls.key.value()?),
            client_ca: tls.client_ca.known()?.map(|file| self.path(file)),
            client_required: tls.client_certificate.value().is_some_and(|choice| choice.0.is_required()),
        })
    }

    pub(super) fn admin(&self, admin: &file::Admin) -> Option<SecretSource> {
        self.secret(&admin.token_file, &admin.token_env)
    }

    pub(super) fn trust(&self, trust: &file::Trust) -> Option<Trust> {
        Some(Trust {
            proxies: trust.proxies.value()?.0.iter().map(|at| at.value).collect(),
            header: trust.header.value()?.0,
            ipv6_prefix: u8::try_from(trust.ipv6_prefix.value()?.0).ok()?,
        })
    }

    fn upstream(&mut self, upstream: &file::Upstream, file: &File) -> Option<Upstream> {
        let root = Place::Root.key("upstream");
        if let Some(server) = upstream.url.get() {
            self.not_itself(server, file, &root.key("url"));
        }
        let health = match upstream.health.get() {
            None => None,
            Some(health) => self.health(&health.value, &root.key("health")),
        };
        let mut taken = BTreeSet::new();
        let urls = root.key("urls");
        for server in upstream.urls.value().map_or(&[][..], |several| &several.0) {
            let At { value, span, .. } = server;
            if !taken.insert((value.https, &value.host, value.port)) {
                self.notes.mistake(span, &urls.item(server.index), "this server is there already");
            }
            self.not_itself(server, file, &urls.item(server.index));
        }
        let one = upstream.url.value().map(|server| vec![server.clone()]);
        let several =
            || upstream.urls.value().map(|several| several.0.iter().map(|at| at.value.clone()).collect());
        Some(Upstream {
            servers: one.or_else(several)?,
            profile: upstream.profile.value()?.0,
            http2: *upstream.http2.value()?,
            ca: upstream.ca.value().map(|file| self.path(file)),
            pool: nonzero(upstream.pool.value()?)?,
            health,
        })
    }

    /// Notes a server that is the gateway: the first call would go round until every connection is taken.
    fn not_itself(&mut self, server: &At<Server>, file: &File, place: &Place<'_>) {
        let Some(listen) = file.listen.value() else { return };
        let local = server.value.host == "localhost";
        let host = server.value.host.parse::<IpAddr>().ok();
        let here = |at: &At<SocketAddr>| {
            let ip = at.value.ip();
            let loopback = local || host.is_some_and(|host| host.is_loopback());
            let same = host == Some(ip) || loopback && (ip.is_unspecified() || local && ip.is_loopback());
            at.value.port() == server.value.port && same
        };
        let all = [&listen.http, &listen.https].into_iter().filter_map(|field| field.value());
        if all.flat_map(|several| &several.0).any(here) {
            self.notes.mistake(&server.span, place, "this is where the gateway itself listens");
        }
    }

    fn health(&mut self, health: &file::Health, place: &Place<'_>) -> Option<HealthCheck> {
        if let (Some(every), Some(timeout)) = (health.every.get(), health.timeout.get())
            && timeout.value.0 > every.value.0
        {
            let message = "is longer than `every`, so checks would overtake each other";
            self.notes.mistake(&timeout.span, &place.key("timeout"), message);
        }
        Some(HealthCheck {
            path: health.path.value()?.0.clone(),
            every: health.every.value()?.0,
            timeout: health.timeout.value()?.0,
            unhealthy_after: nonzero(health.unhealthy_after.value()?)?,
            healthy_after: nonzero(health.healthy_after.value()?)?,
        })
    }
}

pub(super) fn timeouts(timeouts: &file::Timeouts) -> Option<Timeouts> {
    Some(Timeouts {
        header: timeouts.header.value()?.0,
        body: timeouts.body.value()?.0,
        idle: timeouts.idle.value()?.0,
        connect: timeouts.connect.value()?.0,
        response: timeouts.response.value()?.0,
        shutdown: timeouts.shutdown.value()?.0,
    })
}

pub(super) fn caps(caps: &file::Caps) -> Option<Caps> {
    let size = |number: u64| usize::try_from(number).ok();
    Some(Caps {
        headers: size(caps.headers.value()?.0)?,
        head_bytes: size(caps.head_bytes.value()?.0)?,
        body_bytes: caps.body_bytes.value()?.0,
        inspect_bytes: size(caps.inspect_bytes.value()?.0)?,
        connections: size(caps.connections.value()?.0)?,
        connections_per_address: size(caps.connections_per_address.value()?.0)?,
        keys: size(caps.keys.value()?.0)?,
    })
}

fn addresses(field: &Field<Several<SocketAddr, 64>>) -> Vec<SocketAddr> {
    field.value().map_or_else(Vec::new, |several| several.0.iter().map(|at| at.value).collect())
}

fn nonzero<const MIN: u64, const MAX: u64>(count: &Count<MIN, MAX>) -> Option<NonZeroU32> {
    u32::try_from(count.0).ok().and_then(NonZeroU32::new)
}
