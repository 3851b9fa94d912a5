//! What is allowed but most likely not meant.

use ratewarden_limiter::{Algorithm, Each};

use super::Builder;
use crate::file::{Caller, File};
use crate::form::At;
use crate::notes::{Place, short};
use crate::policy::{CallerFrom, Cost, Gateway, Key, Policy};
use crate::suggestion::nearest;
use crate::words::{CallerWord, KeySet};

/// Methods of RFC 9110, RFC 5789 and RFC 4918, and QUERY; others are taken, but may be slips.
const METHODS: [&str; 17] = [
    "GET",
    "HEAD",
    "POST",
    "PUT",
    "PATCH",
    "DELETE",
    "OPTIONS",
    "CONNECT",
    "TRACE",
    "QUERY",
    "PROPFIND",
    "PROPPATCH",
    "MKCOL",
    "COPY",
    "MOVE",
    "LOCK",
    "UNLOCK",
];

impl Builder<'_> {
    pub(super) fn warn(&mut self, file: &File, policy: &Policy) {
        self.warn_of_no_limits(file, policy);
        self.warn_of_idle_tables(file, policy);
        self.warn_of_trust(file, policy);
        self.warn_of_callers(file, policy);
        self.warn_of_plans(file, policy);
        self.warn_of_costs(file, policy);
        self.warn_of_methods(file);
        self.warn_of_restarts(file, policy);
        self.warn_of_watching(file, policy);
    }

    fn warn_of_no_limits(&mut self, file: &File, policy: &Policy) {
        let place = Place::Root.key("limit");
        if policy.gateway.is_none() {
            return;
        }
        if policy.limits.is_empty() {
            self.notes.warning(&(0..0), &place, "there is none, so every call is admitted");
        } else if policy.limits.iter().all(|limit| limit.shadow)
            && let Some(list) = file.limits.get()
        {
            let draft = self.notes.warning(&list.span, &place, "all are in shadow, so nothing is enforced");
            draft.hint("take `shadow = true` out of those that should be");
        }
    }

    fn warn_of_idle_tables(&mut self, file: &File, policy: &Policy) {
        let Some(Gateway { listen, .. }) = &policy.gateway else {
            return self.warn_of_no_gateway(file, policy);
        };
        if let (Some(tls), true) = (file.tls.get(), listen.https.is_empty()) {
            self.notes.warning(&tls.span, &Place::Root.key("tls"), "nothing uses it without `listen.https`");
        }
        if let (Some(admin), None) = (file.admin.get(), listen.admin) {
            self.notes.warning(
                &admin.span,
                &Place::Root.key("admin"),
                "nothing uses it without `listen.admin`",
            );
        }
    }

    /// What only a gateway does, in a file without one.
    fn warn_of_no_gateway(&mut self, file: &File, policy: &Policy) {
        for (name, is_empty, span) in [
            ("tls", false, file.tls.get().map(|at| &at.span)),
            ("admin", false, file.admin.get().map(|at| &at.span)),
            ("limit", policy.limits.is_empty(), file.limits.get().map(|at| &at.span)),
            ("bound", policy.bounds.is_empty(), file.bounds.get().map(|at| &at.span)),
            ("penalty", policy.penalties.is_empty(), file.penalties.get().map(|at| &at.span)),
        ] {
            let Some(span) = span.filter(|_| !is_empty) else { continue };
            let message = "only a gateway does this, and without [listen] and [upstream] there is none";
            self.notes.warning(span, &Place::Root.key(name), message);
        }
    }

    fn warn_of_trust(&mut self, file: &File, policy: &Policy) {
        if let Some(listen) = file.listen.value()
            && let Some(At { value: true, span, .. }) = listen.proxy_protocol.get()
            && policy.trust.proxies.is_empty()
        {
            let place = Place::Root.key("listen");
            let draft =
                self.notes.warning(span, &place.key("proxy-protocol"), "no proxy is trusted to use it");
            draft.hint("add the proxy to `trust.proxies`");
        }
        let Some(proxies) = file.trust.value().and_then(|trust| trust.proxies.value()) else { return };
        let root = Place::Root.key("trust");
        for network in proxies.0.iter().filter(|network| network.value.prefix() == 0) {
            let place = root.key("proxies");
            let message = "everybody is trusted, so everybody chooses the address they are counted by";
            self.notes.warning(&network.span, &place.item(network.index), message);
        }
    }

    fn warn_of_callers(&mut self, file: &File, policy: &Policy) {
        let Some(list) = file.callers.value() else { return };
        let root = Place::Root.key("caller");
        let by_address = policy.limits.iter().any(|limit| {
            limit.per.contains(&Key::Address) && !limit.per.contains(&Key::Caller) && !limit.shadow
        });
        let mut last: Option<&str> = None;
        let mut bearer = false;
        for caller in &list.0 {
            let place = root.item(caller.index);
            let Some(from) = caller.value.from.get() else { continue };
            if let Some(why) = last {
                let message = format!("is never asked: {why}");
                self.notes.warning(&from.span, &place.key("from"), message);
            }
            let takes_bearer = matches!(from.value, CallerWord::Bearer | CallerWord::Jwt(_));
            if takes_bearer && bearer && last.is_none() {
                let message = "is never asked: an earlier [[caller]] takes every bearer token";
                self.notes.warning(&from.span, &place.key("from"), message);
            }
            bearer |= takes_bearer;
            self.warn_of_audience(&caller.value, &place);
            if from.value == CallerWord::Address {
                last = Some("every call has an address, and an earlier [[caller]] takes it");
            } else if caller.value.required.value() == Some(&true) {
                last = Some("an earlier [[caller]] is required");
            }
            let free = matches!(
                from.value,
                CallerWord::Header(_) | CallerWord::Bearer | CallerWord::Basic | CallerWord::Cookie(_)
            );
            if free && !caller.value.keys.is_written() && !by_address {
                let message = "without `keys` every new value is a new caller, whom no limit has seen yet";
                let draft = self.notes.warning(&from.span, &place.key("from"), message);
                draft.hint("add `keys`, or a limit with `per = [\"address\"]`");
            }
        }
    }

    /// An issuer that is asked over the network commonly serves many; its tokens are not all meant for this API.
    fn warn_of_audience(&mut self, caller: &Caller, place: &Place<'_>) {
        let Some(jwt) = caller.jwt.get() else { return };
        if matches!(jwt.value.jwks.value(), Some(KeySet::Url { .. })) && !jwt.value.audience.is_written() {
            let message = "tokens that were issued for other services are accepted too";
            let draft = self.notes.warning(&jwt.span, &place.key("jwt"), message);
            draft.hint("add the `audience` that tokens for this API have");
        }
    }

    fn warn_of_plans(&mut self, file: &File, policy: &Policy) {
        let given = policy.callers.iter().any(|caller| {
            caller.keys.is_some() || matches!(&caller.from, CallerFrom::Jwt(jwt) if jwt.plan_claim.is_some())
        });
        let Some(plans) = file.plans.value() else { return };
        for plan in plans.0.iter().filter(|plan| !given && plan.value.default.value() == Some(&false)) {
            let place = Place::Root.key("plan");
            let draft =
                self.notes.warning(&plan.span, &place.item(plan.index), "no caller can have this plan");
            draft.hint("plans come from a `keys` file or from `jwt.plan-claim`, or are the `default`");
        }
    }

    fn warn_of_costs(&mut self, file: &File, policy: &Policy) {
        let Some(limits) = file.limits.value() else { return };
        for limit in &limits.0 {
            let built = policy
                .limits
                .iter()
                .find(|built| Some(&built.name) == limit.value.name.value().map(|name| &name.0));
            let (Some(built), Some(most)) = (built, limit.value.cost_max.get()) else { continue };
            let capacity = built.algorithm.capacity();
            if matches!(built.cost, Cost::From { .. }) && most.value.0 > capacity {
                let root = Place::Root.key("limit");
                let message = format!("a cost over {capacity} is never admitted: the limit has no more");
                self.notes.warning(&most.span, &root.item(limit.index).key("cost-max"), message);
            }
        }
    }

    fn warn_of_methods(&mut self, file: &File) {
        let limits = file.limits.value().map_or(&[][..], |many| &many.0);
        let bounds = file.bounds.value().map_or(&[][..], |many| &many.0);
        let of_limits = limits.iter().map(|limit| ("limit", limit.index, limit.value.matches.value()));
        let of_bounds = bounds.iter().map(|bound| ("bound", bound.index, bound.value.matches.value()));
        for (table, index, matches) in of_limits.chain(of_bounds) {
            let methods = matches.and_then(|matches| matches.method.value());
            for method in methods.map_or(&[][..], |several| &several.0) {
                let name = method.value.0.as_str();
                let near = nearest(name, METHODS).filter(|_| !METHODS.contains(&name));
                let Some(near) = near else { continue };
                let root = Place::Root.key(table);
                let item = root.item(index);
                let message = format!("`{}` is not a usual method", short(name));
                let draft = self.notes.warning(&method.span, &item.key("match").key("method"), message);
                draft.hint(format!("did you mean `{near}`?"));
            }
        }
    }

    fn warn_of_restarts(&mut self, file: &File, policy: &Policy) {
        if policy.store.is_some() || policy.gateway.is_none() {
            return;
        }
        let hint = "add [store] with `file = \"ratewarden.db\"`";
        let Some(limits) = file.limits.value() else { return };
        for limit in &limits.0 {
            let name = limit.value.name.value().map(|name| &name.0);
            let long = policy.limits.iter().any(|built| {
                Some(&built.name) == name
                    && matches!(&built.algorithm, Algorithm::Quota(quota)
                        if !matches!(quota.calendar().each(), Each::Minute | Each::Hour))
            });
            if let (Some(quota), true) = (limit.value.quota.get(), long) {
                let root = Place::Root.key("limit");
                let message = "without [store] a restart begins the quota anew";
                self.notes.warning(&quota.span, &root.item(limit.index).key("quota"), message).hint(hint);
            }
        }
        if let (Some(list), false) = (file.penalties.get(), policy.penalties.is_empty()) {
            let message = "without [store] a restart lifts every ban";
            self.notes.warning(&list.span, &Place::Root.key("penalty"), message).hint(hint);
        }
    }
}
