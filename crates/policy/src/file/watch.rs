//! What is watched, and what becomes of findings.

use ratewarden_model::Severity;

use crate::form::{Choice, Count, Many, OneOf, Several};
use crate::policy::{Facility, MailEncryption, Server};
use crate::table::table;
use crate::words::{
    Exempt, FilePath, HostName, Lasting, MailAddress, Name, Pause, Peer, PostUrl, RulePattern, Size, Text,
    Variable, Whole,
};

table! {
    /// How calls are watched. `ratewarden watch` does it with logs. A gateway does it with the calls that it decides as soon as
    /// the file has this table, `[[detector]]`, `[[alert]]` or `[alerts]`; without any of them it pays nothing for it. Options
    /// of the command line go before.
    Watch {
        /// A call may come so much later than others and still count in its place; at most 10 minutes. A gateway's own calls
        /// are never later than two seconds.
        "lateness" lateness: Whole<600>, Default "\"10s\"";
        /// How lines are written: a name such as `nginx-combined` or `json-caddy`, or a `log_format` of nginx. Without it
        /// that is found out.
        "log-format" log_format: Text<4096>, Optional;
        /// Which values of JSON lines are what: `time=ts,address=client.ip,path=request.uri`.
        "json-fields" json_fields: Text<4096>, Optional;
        /// File of countries or cities (MaxMind's form, `.mmdb`). Without it detectors that need places are off.
        "geoip" geoip: FilePath, Optional;
        /// File of autonomous systems (`.mmdb`).
        "geoip-asn" geoip_asn: FilePath, Optional;
        /// Folder for what survives a restart: how far each log was read, alerts that wait, findings that are open, bans. It is made
        /// where there is none. Without it everything begins anew.
        "state" state: FilePath, Optional;
        /// Whom no detector bans, whatever it finds: addresses, prefixes, `caller:NAME` as findings show it, `user:NAME`.
        "never-ban" never_ban: Many<Exempt, 1024>, Default "[]";
        /// Where `ratewarden watch` places bans of detectors. Without it they are only told of. A gateway places its own in
        /// itself.
        "penalties" penalties: Penalties, Optional;
    }
}

table! {
    /// Where bans of detectors are placed.
    Penalties {
        /// The admin listener of a gateway.
        "admin" admin: Server, Optional;
        /// File with its token; white space at its end is no part of it.
        "token-file" token_file: FilePath, Optional;
        /// Environment variable with its token.
        "token-env" token_env: Variable, Optional;
        /// A file that bans are appended to, one JSON line each.
        "file" file: FilePath, Optional;
    }
    ExactlyOne ["admin", "file"];
    AtMostOne ["token-file", "token-env"];
    Needs ["token-file", "admin"];
    Needs ["token-env", "admin"];
}

table! {
    /// Somebody who is told of findings: exactly one way to reach them. Secrets stand in files or environment variables.
    Alert {
        /// The name, unique. What waits for a receiver is kept by it.
        "name" name: Name, Required;
        /// Findings that are less bad are not sent.
        "severity" severity: OneOf<Severity>, Default "\"high\"";
        /// Rules whose findings are sent: `watch.flood`, or `watch.*` for all that begin so. `[]` is all.
        "rules" rules: Many<RulePattern, 128>, Default "[]";
        /// A JSON document by POST.
        "webhook" webhook: Webhook, Optional;
        /// An incoming webhook of Slack.
        "slack" slack: Slack, Optional;
        /// The Events API v2 of PagerDuty.
        "pagerduty" pagerduty: PagerDuty, Optional;
        /// Mail.
        "mail" mail: Mail, Optional;
        /// Syslog (RFC 5424).
        "syslog" syslog: Syslog, Optional;
        /// A file that alerts are appended to, one JSON line each.
        "file" file: FilePath, Optional;
    }
    ExactlyOne ["webhook", "slack", "pagerduty", "mail", "syslog", "file"];
}

table! {
    /// A JSON document by POST.
    Webhook {
        /// Where it is. One that is a secret itself belongs into `url-file` or `url-env`.
        "url" url: PostUrl, Optional;
        /// File with the URL.
        "url-file" url_file: FilePath, Optional;
        /// Environment variable with the URL.
        "url-env" url_env: Variable, Optional;
        /// File with the secret that bodies are signed with (HMAC-SHA256), at least 16 bytes. Without one they are not signed.
        "secret-file" secret_file: FilePath, Optional;
        /// Environment variable with it.
        "secret-env" secret_env: Variable, Optional;
        /// File with a token that is sent as `Authorization: Bearer TOKEN`.
        "token-file" token_file: FilePath, Optional;
        /// Environment variable with it.
        "token-env" token_env: Variable, Optional;
    }
    ExactlyOne ["url", "url-file", "url-env"];
    AtMostOne ["secret-file", "secret-env"];
    AtMostOne ["token-file", "token-env"];
}

table! {
    /// An incoming webhook of Slack. Its URL is a secret.
    Slack {
        /// File with the URL.
        "url-file" url_file: FilePath, Optional;
        /// Environment variable with the URL.
        "url-env" url_env: Variable, Optional;
    }
    ExactlyOne ["url-file", "url-env"];
}

table! {
    /// The Events API v2 of PagerDuty.
    PagerDuty {
        /// File with the routing key of the integration.
        "key-file" key_file: FilePath, Optional;
        /// Environment variable with it.
        "key-env" key_env: Variable, Optional;
        /// Where events go; in the EU `https://events.eu.pagerduty.com/v2/enqueue`.
        "url" url: PostUrl, Default "\"https://events.pagerduty.com/v2/enqueue\"";
    }
    ExactlyOne ["key-file", "key-env"];
}

table! {
    /// Mail.
    Mail {
        /// The server, with its port; without one 587 for `starttls`, 465 for `tls`, 25 for `none`.
        "server" server: Peer, Required;
        /// How the connection is protected.
        "encryption" encryption: OneOf<MailEncryption>, Default "\"starttls\"";
        /// The name to log in with.
        "user" user: Text<256>, Optional;
        /// File with the password.
        "password-file" password_file: FilePath, Optional;
        /// Environment variable with the password.
        "password-env" password_env: Variable, Optional;
        /// Whom it is from.
        "from" from: MailAddress, Required;
        /// Whom it is to.
        "to" to: Several<MailAddress, 64>, Required;
    }
    AtMostOne ["password-file", "password-env"];
    Needs ["password-file", "user"];
    Needs ["password-env", "user"];
}

impl Choice for MailEncryption {
    const WORDS: &'static [(&'static str, Self, &'static str)] = &[
        ("starttls", Self::StartTls, "Plain at first, then TLS; without it nothing is sent."),
        ("tls", Self::Tls, "TLS from the first byte."),
        ("none", Self::None, "None, and no log-in: for a server on the same machine."),
    ];
}

table! {
    /// Syslog (RFC 5424).
    Syslog {
        /// A host, one message a datagram (RFC 5426); port 514 when left out.
        "udp" udp: Peer, Optional;
        /// A host, counted octets (RFC 6587); port 601 when left out.
        "tcp" tcp: Peer, Optional;
        /// A datagram socket, such as `/dev/log`.
        "unix" unix: FilePath, Optional;
        /// The facility.
        "facility" facility: OneOf<Facility>, Default "\"daemon\"";
    }
    ExactlyOne ["udp", "tcp", "unix"];
}

impl Choice for Facility {
    const WORDS: &'static [(&'static str, Self, &'static str)] = &[
        ("daemon", Self(3), "3, programs that run by themselves."),
        ("user", Self(1), "1, programs of users."),
        ("auth", Self(4), "4, who may do what."),
        ("authpriv", Self(10), "10, the same, for fewer eyes."),
        ("local0", Self(16), "16, for one's own use, as the others."),
        ("local1", Self(17), "17."),
        ("local2", Self(18), "18."),
        ("local3", Self(19), "19."),
        ("local4", Self(20), "20."),
        ("local5", Self(21), "21."),
        ("local6", Self(22), "22."),
        ("local7", Self(23), "23."),
    ];
}

table! {
    /// What all receivers have in common. Bounds are for each of them.
    Alerts {
        /// How long the first finding of a message waits for others, at most an hour; `none`: each is a message.
        "group-wait" group_wait: Pause<3_600>, Default "\"30s\"";
        /// For how long after its end a finding that opens again is counted and not sent, at most 7 days; `none`: it is sent.
        "cool-down" cool_down: Pause<604_800>, Default "\"10m\"";
        /// How long a try to deliver may take.
        "timeout" timeout: Lasting<600>, Default "\"15s\"";
        /// Findings that wait for a receiver. Beyond it new ones are left out and counted; ends always have room.
        "max-waiting" max_waiting: Count<1, 1_000_000>, Default "10_000";
        /// Bytes of findings that wait for a receiver, at most 1 GiB.
        "max-bytes" max_bytes: Size<1_073_741_824>, Default "\"16MiB\"";
        /// PEM file with authorities that are trusted beside the machine's own, for HTTPS and mail.
        "ca" ca: FilePath, Optional;
        /// What this machine calls itself in messages; without it its host name.
        "host" host: HostName, Optional;
    }
}
