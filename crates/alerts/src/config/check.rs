//! What cannot be meant: everything that is wrong is said at once.

use std::collections::HashSet;

use super::{Config, Encryption, Kind, Syslog, SyslogPeer};

/// Everything that is wrong with a configuration.
#[derive(Debug, thiserror::Error)]
#[error("alerts cannot be sent as they are configured: {}", .0.iter().map(ToString::to_string).collect::<Vec<_>>().join("; "))]
pub struct ConfigError(pub Vec<Problem>);

/// One thing that is wrong.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("receiver `{receiver}`: {what}")]
pub struct Problem {
    /// Whose; empty where it is nobody's.
    pub receiver: String,
    /// What was found and what was expected.
    pub what: String,
}

/// Fewer bytes than this can be guessed from one message.
const SHORTEST_SECRET: usize = 16;

impl Config {
    /// Says everything that is wrong.
    ///
    /// # Errors
    /// [`ConfigError`] with all problems at once.
    pub fn check(&self) -> Result<(), ConfigError> {
        let mut problems = Vec::new();
        let mut names = HashSet::new();
        for receiver in &self.receivers {
            let mut wrong =
                |what: &str| problems.push(Problem { receiver: receiver.name.clone(), what: what.into() });
            if receiver.name.is_empty() || receiver.name.chars().any(char::is_control) {
                wrong("a name has one character at least, and none that cannot be seen");
            }
            if !names.insert(&receiver.name) {
                wrong("two receivers have this name");
            }
            receiver.kind.check(&mut wrong);
        }
        if self.timeout.is_zero() || self.retry.first.is_zero() || self.silence.is_zero() {
            let what = "`timeout`, `retry.first` and `silence` must not be zero".into();
            problems.push(Problem { receiver: String::new(), what });
        }
        if problems.is_empty() { Ok(()) } else { Err(ConfigError(problems)) }
    }
}

impl Kind {
    fn check(&self, wrong: &mut dyn FnMut(&str)) {
        match self {
            Self::Webhook(webhook) => {
                if webhook.secret.as_ref().is_some_and(|secret| secret.expose().len() < SHORTEST_SECRET) {
                    wrong("the secret has fewer than 16 bytes and can be guessed");
                }
                for (name, value) in &webhook.headers {
                    if hyper::header::HeaderName::from_bytes(name.as_bytes()).is_err()
                        || hyper::header::HeaderValue::from_str(value.expose()).is_err()
                    {
                        wrong("a header field has a name or a value that HTTP does not allow");
                    }
                }
            }
            Self::PagerDuty { routing_key, .. } if routing_key.expose().is_empty() => {
                wrong("the routing key is empty");
            }
            Self::Mail(mail) => {
                if mail.server.is_empty() || mail.port == 0 {
                    wrong("the mail server has no name or no port");
                }
                if mail.to.is_empty() {
                    wrong("nobody is named whom mail is to");
                }
                if mail.login.is_some() && mail.encryption == Encryption::None {
                    wrong("a password is not sent without encryption: use STARTTLS or TLS");
                }
            }
            Self::Syslog(syslog) => syslog.check(wrong),
            Self::PagerDuty { .. } | Self::Slack(_) | Self::File(_) => {}
        }
    }
}

impl Syslog {
    fn check(&self, wrong: &mut dyn FnMut(&str)) {
        if self.facility > 23 {
            wrong("a facility is a number from 0 to 23");
        }
        if let SyslogPeer::Udp(at) | SyslogPeer::Tcp(at) = &self.peer
            && !at.rsplit_once(':').is_some_and(|(host, port)| {
                !host.is_empty() && port.parse::<u16>().is_ok_and(|port| port > 0)
            })
        {
            wrong("a syslog server is written `host:port`");
        }
    }
}

#[cfg(test)]
mod tests {
    use ratewarden_model::{Secret, Severity};

    use super::super::{Mail, Receiver, Webhook};
    use super::*;
    use crate::endpoint::HttpUrl;

    #[test]
    fn everything_that_is_wrong_is_said_at_once() {
        let url: HttpUrl = "http://127.0.0.1:1/".parse().unwrap();
        let webhook = |secret: &str| Receiver {
            name: "a".into(),
            kind: Kind::Webhook(Webhook {
                url: url.clone(),
                secret: Some(Secret::new(secret)),
                headers: vec![("x-a".into(), Secret::new("b\r\nc: d"))],
            }),
            severity: Severity::Low,
            rules: Vec::new(),
        };
        let config = Config::new(vec![webhook("short-and-sweet"), webhook("0123456789abcdef")]);
        let error = config.check().unwrap_err();
        assert_eq!(error.0.len(), 4, "{error}");
        assert!(!error.to_string().contains("short-and-sweet"), "{error}");
        assert!(!format!("{config:?}").contains("short-and-sweet"));
    }

    #[test]
    fn a_receiver_that_cannot_be_meant_is_refused() {
        let said = |kind| {
            let receiver = Receiver { name: "a".into(), kind, severity: Severity::Low, rules: Vec::new() };
            Config::new(vec![receiver]).check().map_err(|error| error.0.len()).err().unwrap_or(0)
        };
        let syslog = |at: &str, facility| Kind::Syslog(Syslog { peer: SyslogPeer::Tcp(at.into()), facility });
        assert_eq!(
            ["logs:514", "[::1]:514", "logs", ":514", "logs:0"].map(|at| said(syslog(at, 3))),
            [0, 0, 1, 1, 1]
        );
        assert_eq!(said(syslog("logs", 24)), 2);
        let mail = |encryption, to: &[&str], login: Option<&str>| {
            Kind::Mail(Box::new(Mail {
                server: "mail.test".into(),
                port: 587,
                encryption,
                login: login.map(|password| ("ann".into(), Secret::new(password))),
                from: "watch@gate.test".parse().unwrap(),
                to: to.iter().map(|to| to.parse().unwrap()).collect(),
            }))
        };
        assert_eq!(said(mail(Encryption::StartTls, &["b@c.test"], Some("p"))), 0);
        assert_eq!(said(mail(Encryption::None, &[], Some("p"))), 2);
    }
}
