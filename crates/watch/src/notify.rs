//! From the policy's `[[alert]]` tables to what alerts are started with.

use std::str::FromStr as _;
use std::time::{SystemTime, UNIX_EPOCH};

use ratewarden_alerts as alerts;
use ratewarden_detect::NewsState;
use ratewarden_policy as policy;

use crate::secrets::{SecretError, read_secret};

/// A receiver that cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum NotifyError {
    /// Its secret.
    #[error("alert `{receiver}`")]
    Secret {
        /// Whose.
        receiver: String,
        /// Why not.
        #[source]
        source: SecretError,
    },
    /// Its URL or address.
    #[error("alert `{receiver}`: {why}")]
    Address {
        /// Whose.
        receiver: String,
        /// Why not.
        why: String,
    },
}

/// What this machine calls itself.
#[must_use]
pub fn host_name() -> String {
    let name = std::fs::read_to_string("/etc/hostname").map(|name| name.trim().to_owned());
    name.ok().filter(|name| !name.is_empty()).unwrap_or_else(|| "localhost".to_owned())
}

/// What alerts are to make of news.
#[must_use]
pub const fn alert_state(state: NewsState) -> alerts::State {
    match state {
        NewsState::Opened => alerts::State::Opened,
        NewsState::Joined => alerts::State::Grown,
        NewsState::Ended => alerts::State::Ended,
    }
}

/// The clock, in milliseconds since 1970.
#[must_use]
pub fn wall_ms() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    since.map_or(0, |since| i64::try_from(since.as_millis()).unwrap_or(i64::MAX))
}

/// What alerts of a policy are started with; `None` where it names no receiver. `host` is what this machine calls
/// itself, unless the policy says.
///
/// # Errors
/// When a secret cannot be read, or an address is none.
pub fn alerts_config(wanted: &policy::Alerts, host: &str) -> Result<Option<alerts::Config>, NotifyError> {
    if wanted.receivers.is_empty() {
        return Ok(None);
    }
    let receivers = wanted.receivers.iter().map(receiver).collect::<Result<_, _>>()?;
    let mut config = alerts::Config::new(receivers);
    config.group_wait = wanted.group_wait;
    config.cool_down = wanted.cool_down;
    config.timeout = wanted.timeout;
    config.caps.waiting = wanted.max_waiting;
    config.caps.bytes = wanted.max_bytes;
    config.roots.clone_from(&wanted.ca);
    config.host = wanted.host.clone().unwrap_or_else(|| host.to_owned());
    Ok(Some(config))
}

fn receiver(wanted: &policy::Receiver) -> Result<alerts::Receiver, NotifyError> {
    let secret = |source: &policy::SecretSource| {
        read_secret(source).map_err(|source| NotifyError::Secret { receiver: wanted.name.clone(), source })
    };
    let address = |why: String| NotifyError::Address { receiver: wanted.name.clone(), why };
    let url = |text: &str| alerts::HttpUrl::from_str(text).map_err(|error| address(error.to_string()));
    let kind = match &wanted.via {
        policy::Via::Webhook { url: to, secret: key, token } => {
            let to = match to {
                policy::PostTo::Url(text) => url(text)?,
                policy::PostTo::Secret(source) => url(secret(source)?.expose())?,
            };
            let bearer = |token: ratewarden_model::Secret| {
                (
                    "authorization".to_owned(),
                    ratewarden_model::Secret::new(format!("Bearer {}", token.expose())),
                )
            };
            let headers = token.as_ref().map(secret).transpose()?.map(bearer).into_iter().collect();
            alerts::Kind::Webhook(alerts::Webhook {
                url: to,
                secret: key.as_ref().map(secret).transpose()?,
                headers,
            })
        }
        policy::Via::Slack(source) => alerts::Kind::Slack(url(secret(source)?.expose())?),
        policy::Via::PagerDuty { url: to, key } => {
            alerts::Kind::PagerDuty { url: url(to)?, routing_key: secret(key)? }
        }
        policy::Via::Mail(mail) => alerts::Kind::Mail(Box::new(mail_of(mail, &secret, &address)?)),
        policy::Via::Syslog { peer, facility } => alerts::Kind::Syslog(alerts::Syslog {
            peer: match peer.clone() {
                policy::SyslogPeer::Udp(to) => alerts::SyslogPeer::Udp(to),
                policy::SyslogPeer::Tcp(to) => alerts::SyslogPeer::Tcp(to),
                policy::SyslogPeer::Unix(path) => alerts::SyslogPeer::Unix(path),
            },
            facility: facility.0,
        }),
        policy::Via::File(path) => alerts::Kind::File(path.clone()),
    };
    Ok(alerts::Receiver {
        name: wanted.name.clone(),
        kind,
        severity: wanted.severity,
        rules: wanted.rules.clone(),
    })
}

fn mail_of(
    mail: &policy::Mail,
    secret: &dyn Fn(&policy::SecretSource) -> Result<ratewarden_model::Secret, NotifyError>,
    wrong: &dyn Fn(String) -> NotifyError,
) -> Result<alerts::Mail, NotifyError> {
    let address = |text: &String| {
        alerts::MailAddress::from_str(text).map_err(|error| wrong(format!("`{text}`: {error}")))
    };
    let login = mail.login.as_ref().map(|(user, source)| Ok((user.clone(), secret(source)?))).transpose()?;
    Ok(alerts::Mail {
        server: mail.host.clone(),
        port: mail.port,
        encryption: match mail.encryption {
            policy::MailEncryption::StartTls => alerts::Encryption::StartTls,
            policy::MailEncryption::Tls => alerts::Encryption::Tls,
            policy::MailEncryption::None => alerts::Encryption::None,
        },
        login,
        from: address(&mail.from)?,
        to: mail.to.iter().map(address).collect::<Result<_, _>>()?,
    })
}
