//! What is watched, and who is told.

use std::num::NonZeroUsize;
use std::path::PathBuf;

use ratewarden_logs::{Mistake, Options};

use super::{Builder, Names};
use crate::condition::in_literal;
use crate::file::{self, File};
use crate::form::At;
use crate::notes::Place;
use crate::policy::{
    Alerts, Exempt, Facility, Mail, MailEncryption, Penalties, PostTo, Receiver, SyslogPeer, Via, Watch,
};
use crate::table::Field;
use crate::words::{self, FilePath, Peer, Text};

impl Builder<'_> {
    pub(super) fn watch(&mut self, watch: &file::Watch) -> Option<Watch> {
        let root = Place::Root.key("watch");
        self.understood(&watch.log_format, &root.key("log-format"), Options::parse_log_format);
        self.understood(&watch.json_fields, &root.key("json-fields"), Options::parse_json_fields);
        let never_ban = watch.never_ban.value()?.0.iter().map(|at| match &at.value {
            words::Exempt::Network(network) => Exempt::Network(*network),
            words::Exempt::Caller(name) => Exempt::Caller(name.clone()),
            words::Exempt::User(name) => Exempt::User(name.clone()),
        });
        Some(Watch {
            lateness: watch.lateness.value()?.0,
            log_format: watch.log_format.known()?.map(|text| text.0.clone()),
            json_fields: watch.json_fields.known()?.map(|text| text.0.clone()),
            geoip: self.file(&watch.geoip)?,
            geoip_asn: self.file(&watch.geoip_asn)?,
            state: self.file(&watch.state)?,
            never_ban: never_ban.collect(),
            penalties: match watch.penalties.known()? {
                None => None,
                Some(table) => Some(self.penalties_of_watch(table)?),
            },
        })
    }

    /// A file name that may be absent; `None` only where a mistake has been noted.
    fn file(&self, field: &Field<FilePath>) -> Option<Option<PathBuf>> {
        Some(field.known()?.map(|file| self.path(file)))
    }

    fn penalties_of_watch(&self, table: &file::Penalties) -> Option<Penalties> {
        if let Some(file) = table.file.value() {
            return Some(Penalties::File(self.path(file)));
        }
        let token = self.secret(&table.token_file, &table.token_env);
        Some(Penalties::Admin { server: table.admin.value()?.clone(), token })
    }

    /// Notes what the reader of logs does not understand, at its place in the text.
    fn understood(
        &mut self,
        field: &Field<Text<4096>>,
        place: &Place<'_>,
        read: fn(&mut Options, &str) -> Result<(), Mistake>,
    ) {
        let Some(At { value: Text(text), span, .. }) = field.get() else { return };
        let Err(mistake) = read(&mut Options::default(), text) else { return };
        let leading = text.len() - text.trim_start().len();
        let rest = text.get(leading..).unwrap_or("");
        let within = rest
            .char_indices()
            .nth(mistake.column().saturating_sub(1))
            .map(|(at, c)| leading + at..leading + at + c.len_utf8());
        let written = self.text.get(span.clone()).unwrap_or("");
        let at = within
            .filter(|within| within.start > leading)
            .and_then(|within| in_literal(written, text, &within))
            .map_or_else(|| span.clone(), |at| span.start + at.start..span.start + at.end);
        let said = mistake.to_string();
        let message = said.rsplit_once(" (at column ").map_or(said.as_str(), |(message, _)| message);
        let message: String = message.chars().filter(|c| !c.is_control()).collect();
        self.notes.mistake(&at, place, message).hint_if(mistake.advice().map(ToOwned::to_owned));
    }

    pub(super) fn alerts(&mut self, file: &File) -> Option<Alerts> {
        let root = Place::Root.key("alert");
        let mut names = Names::new("alert");
        let mut receivers = Vec::new();
        for alert in &file.alert.value()?.0 {
            let place = root.item(alert.index);
            if let Some(name) = alert.value.name.get() {
                names.add(&name.value.0, &name.span, &place, self.notes);
            }
            receivers.extend(self.receiver(&alert.value, &place));
        }
        let all = file.alerts.value()?;
        let bound = |number: u64| usize::try_from(number).ok().and_then(NonZeroUsize::new);
        Some(Alerts {
            receivers,
            group_wait: all.group_wait.value()?.0,
            cool_down: all.cool_down.value()?.0,
            timeout: all.timeout.value()?.0,
            max_waiting: bound(all.max_waiting.value()?.0)?,
            max_bytes: bound(all.max_bytes.value()?.0)?,
            ca: self.file(&all.ca)?,
            host: all.host.known()?.map(|host| host.0.clone()),
        })
    }

    fn receiver(&mut self, alert: &file::Alert, place: &Place<'_>) -> Option<Receiver> {
        let via = self.via(alert, place);
        let rules = alert.rules.value()?.0.iter().map(|at| at.value.0.clone());
        Some(Receiver {
            name: alert.name.value()?.0.clone(),
            via: via?,
            severity: alert.severity.value()?.0,
            rules: rules.collect(),
        })
    }

    /// How it is reached; exactly one is written where there is no mistake.
    fn via(&mut self, alert: &file::Alert, place: &Place<'_>) -> Option<Via> {
        if let Some(webhook) = alert.webhook.value() {
            return self.webhook(webhook);
        }
        if let Some(slack) = alert.slack.value() {
            return self.secret(&slack.url_file, &slack.url_env).map(Via::Slack);
        }
        if let Some(pagerduty) = alert.pagerduty.value() {
            let key = self.secret(&pagerduty.key_file, &pagerduty.key_env)?;
            return Some(Via::PagerDuty { url: pagerduty.url.value()?.0.clone(), key });
        }
        if let Some(mail) = alert.mail.value() {
            return self.mail(mail, &place.key("mail")).map(|mail| Via::Mail(Box::new(mail)));
        }
        if let Some(syslog) = alert.syslog.value() {
            let peer = self.syslog(syslog)?;
            let facility: Facility = syslog.facility.value()?.0;
            return Some(Via::Syslog { peer, facility });
        }
        alert.file.value().map(|file| Via::File(self.path(file)))
    }

    fn webhook(&self, webhook: &file::Webhook) -> Option<Via> {
        let url = match webhook.url.value() {
            Some(url) => PostTo::Url(url.0.clone()),
            None => PostTo::Secret(self.secret(&webhook.url_file, &webhook.url_env)?),
        };
        Some(Via::Webhook {
            url,
            secret: self.secret(&webhook.secret_file, &webhook.secret_env),
            token: self.secret(&webhook.token_file, &webhook.token_env),
        })
    }

    fn mail(&mut self, mail: &file::Mail, place: &Place<'_>) -> Option<Mail> {
        let password = self.secret(&mail.password_file, &mail.password_env);
        let has_password = mail.password_file.is_written() || mail.password_env.is_written();
        if let (Some(user), false) = (mail.user.get(), has_password) {
            let message = "is only there with `password-file` or `password-env`";
            self.notes.mistake(&user.span, &place.key("user"), message);
        }
        let encryption = mail.encryption.get();
        if let (Some(At { value, span, .. }), true) = (encryption, has_password)
            && value.0 == MailEncryption::None
        {
            let message = "a password is not sent without encryption";
            let draft = self.notes.mistake(span, &place.key("encryption"), message);
            draft.hint("write `starttls` or `tls`");
        }
        let encryption = encryption?.value.0;
        let server = mail.server.value()?;
        let login = mail.user.value().map(|user| user.0.clone()).zip(password);
        Some(Mail {
            host: server.host.clone(),
            port: server.port.unwrap_or(match encryption {
                MailEncryption::StartTls => 587,
                MailEncryption::Tls => 465,
                MailEncryption::None => 25,
            }),
            encryption,
            login,
            from: mail.from.value()?.0.clone(),
            to: mail.to.value()?.0.iter().map(|at| at.value.0.clone()).collect(),
        })
    }

    fn syslog(&self, syslog: &file::Syslog) -> Option<SyslogPeer> {
        if let Some(peer) = syslog.udp.value() {
            return Some(SyslogPeer::Udp(with_port(peer, 514)));
        }
        if let Some(peer) = syslog.tcp.value() {
            return Some(SyslogPeer::Tcp(with_port(peer, 601)));
        }
        syslog.unix.value().map(|file| SyslogPeer::Unix(self.path(file)))
    }
}

/// `host:port`, an IPv6 address in brackets.
fn with_port(peer: &Peer, default: u16) -> String {
    let port = peer.port.unwrap_or(default);
    if peer.host.contains(':') { format!("[{}]:{port}", peer.host) } else { format!("{}:{port}", peer.host) }
}
