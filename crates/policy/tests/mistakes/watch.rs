//! What is watched, and who is told.

use std::time::Duration;

use ratewarden_model::Severity;
use ratewarden_policy::{
    Exempt, Facility, Mail, MailEncryption, Penalties, PostTo, SecretSource, SyslogPeer, Via,
};

use super::*;

fn watch(text: &str, key: &str, message: &str, hint: &str) {
    one(&format!("[watch]\n{text}"), &format!("watch{key}"), message, hint);
}

/// A receiver that is reached so has exactly this mistake.
fn alert(via: &str, key: &str, message: &str, hint: &str) {
    one(&format!("[[alert]]\nname = \"a\"\n{via}\n"), &format!("alert[0]{key}"), message, hint);
}

fn via(text: &str) -> Via {
    let text = format!("[watch]\nstate = \"s\"\n[[alert]]\nname = \"a\"\n{text}\n");
    policy(&text).alerts.receivers.remove(0).via
}

fn file_of(name: &str) -> SecretSource {
    SecretSource::File(format!("/etc/ratewarden/{name}").into())
}

#[test]
fn watching_has_defaults() {
    let read = policy("");
    assert_eq!(read.watch.lateness, 10);
    assert_eq!((read.watch.never_ban.len(), read.watch.penalties, read.bans.len()), (0, None, 0));
    let alerts = read.alerts;
    assert_eq!(
        (alerts.group_wait.as_secs(), alerts.cool_down.as_secs(), alerts.timeout.as_secs()),
        (30, 600, 15)
    );
    assert_eq!(
        (alerts.max_waiting.get(), alerts.max_bytes.get(), alerts.receivers),
        (10_000, 16 << 20, vec![])
    );
}

#[test]
fn what_is_said_of_watching_is_read() {
    let text = "[watch]\nlateness = \"1m\"\nlog-format = \"nginx-main\"\ngeoip = \"c.mmdb\"\nstate = \"/var/s\"\n\
                never-ban = [\"10.0.0.0/8\", \"caller:ci\", \"user:ann\"]\n\
                penalties = { admin = \"http://127.0.0.1:9090\", token-env = \"T\" }\n";
    let read = policy(text).watch;
    assert_eq!((read.lateness, read.log_format.as_deref()), (60, Some("nginx-main")));
    assert_eq!(read.geoip.as_deref(), Some(Path::new("/etc/ratewarden/c.mmdb")));
    assert_eq!(read.state.as_deref(), Some(Path::new("/var/s")));
    assert!(matches!(&read.never_ban[0], Exempt::Network(network) if network.to_string() == "10.0.0.0/8"));
    assert_eq!(read.never_ban[1..], [Exempt::Caller("ci".into()), Exempt::User("ann".into())]);
    let Some(Penalties::Admin { server, token }) = read.penalties else { panic!("bans go to a gateway") };
    assert_eq!((server.port, token), (9090, Some(SecretSource::Environment("T".into()))));
}

#[test]
fn a_log_format_is_understood_or_marked() {
    watch(
        "log-format = «\"nginx-comined\"»\n",
        ".log-format",
        "\"nginx-comined\" is neither a known form nor a format with variables",
        "did you mean nginx-combined?",
    );
    watch(
        "json-fields = \"time=ts,«a»dress=ip\"\n",
        ".json-fields",
        "\"adress\" is no field",
        "did you mean address?",
    );
}

#[test]
fn time_and_spared_ones_are_checked() {
    watch("lateness = «\"11m\"»\n", ".lateness", "found 11m, expected at most 10m", "");
    watch("lateness = «\"500ms\"»\n", ".lateness", "found 500ms, expected whole seconds", "");
    watch(
        "never-ban = [«\"ci\"»]\n",
        ".never-ban[0]",
        "`ci` is not an address or a prefix",
        "a caller is written `caller:ci`",
    );
    watch(
        "never-ban = [«\"10.0.0.1/8\"»]\n",
        ".never-ban[0]",
        "`10.0.0.1/8` has bits set after the prefix",
        "the network is `10.0.0.0/8`",
    );
    watch(
        "penalties = { file = \"a\", «token-env» = \"T\" }\n",
        ".penalties.token-env",
        "is only there with `admin`",
        "",
    );
    watch(
        "penalties = { admin = \"http://a\", token-env = \"T\", «token-file» = \"f\" }\n",
        ".penalties.token-file",
        "cannot be there with `token-env`: at most one of `token-file` or `token-env`",
        "",
    );
}

#[test]
fn every_receiver_is_read_as_it_is_meant() {
    assert_eq!(
        via("webhook = { url = \"https://a.example/h?k=1\", secret-file = \"s\", token-env = \"T\" }"),
        Via::Webhook {
            url: PostTo::Url("https://a.example/h?k=1".into()),
            secret: Some(file_of("s")),
            token: Some(SecretSource::Environment("T".into())),
        }
    );
    assert_eq!(
        via("webhook = { url-file = \"u\" }"),
        Via::Webhook { url: PostTo::Secret(file_of("u")), secret: None, token: None }
    );
    assert_eq!(via("slack = { url-file = \"u\" }"), Via::Slack(file_of("u")));
    assert_eq!(
        via("pagerduty = { key-file = \"k\" }"),
        Via::PagerDuty { url: "https://events.pagerduty.com/v2/enqueue".into(), key: file_of("k") }
    );
    let mail = Mail {
        host: "smtp.example.com".into(),
        port: 465,
        encryption: MailEncryption::Tls,
        login: Some(("u".into(), file_of("p"))),
        from: "a@example.com".into(),
        to: vec!["b@example.com".into(), "c@example.com".into()],
    };
    assert_eq!(
        via(
            "mail = { server = \"smtp.example.com\", encryption = \"tls\", user = \"u\", password-file = \"p\", \
             from = \"a@example.com\", to = [\"b@example.com\", \"c@example.com\"] }"
        ),
        Via::Mail(Box::new(mail))
    );
    let peer = |text: &str| match via(&format!("syslog = {{ {text} }}")) {
        Via::Syslog { peer, facility } => (peer, facility),
        other => panic!("{other:?}"),
    };
    let daemon = Facility(3);
    assert_eq!(peer("udp = \"a\""), (SyslogPeer::Udp("a:514".into()), daemon));
    assert_eq!(peer("tcp = \"[::1]:9\""), (SyslogPeer::Tcp("[::1]:9".into()), daemon));
    assert_eq!(
        peer("unix = \"/dev/log\", facility = \"local7\""),
        (SyslogPeer::Unix("/dev/log".into()), Facility(23))
    );
    assert_eq!(via("file = \"a\""), Via::File("/etc/ratewarden/a".into()));
}

#[test]
fn what_receivers_want_and_have_in_common_is_read() {
    let text = "[watch]\nstate = \"s\"\n[[alert]]\nname = \"a\"\nfile = \"f\"\nseverity = \"low\"\nrules = [\"watch.*\"]\n\
                [alerts]\ngroup-wait = \"none\"\ncool-down = \"1h\"\nmax-waiting = 5\nmax-bytes = \"1KiB\"\nhost = \"edge\"\n";
    let alerts = policy(text).alerts;
    let receiver = &alerts.receivers[0];
    assert_eq!((receiver.severity, &receiver.rules), (Severity::Low, &vec!["watch.*".to_owned()]));
    assert_eq!((alerts.group_wait, alerts.cool_down), (Duration::ZERO, Duration::from_secs(3_600)));
    assert_eq!((alerts.max_waiting.get(), alerts.max_bytes.get()), (5, 1_024));
    assert_eq!(alerts.host.as_deref(), Some("edge"));
}

#[test]
fn a_receiver_is_reached_in_exactly_one_way() {
    let ways = "`webhook`, `slack`, `pagerduty`, `mail`, `syslog` or `file`";
    one("«[[alert]]»\nname = \"a\"\n", "alert[0]", &format!("one of {ways} is missing"), "");
    alert(
        "file = \"f\"\n«slack» = { url-env = \"U\" }",
        ".slack",
        &format!("cannot be there with `file`: exactly one of {ways}"),
        "",
    );
    let twice = "[[alert]]\nname = \"a\"\nfile = \"f\"\n[[alert]]\nname = «\"a\"»\nfile = \"g\"\n";
    one(twice, "alert[1].name", "the name `a` is taken by an earlier alert", "");
}

#[test]
fn secrets_do_not_stand_in_the_file() {
    let known = "known here: `url-file` or `url-env`";
    alert(
        "slack = { url-env = \"U\", «hook» = \"https://hooks.example/T0/B0\" }",
        ".slack.hook",
        "unknown key",
        known,
    );
    alert(
        "webhook = { url = «\"https://ann:hunter22@a.example/\"» }",
        ".webhook.url",
        "`https://ann:hunter22@a.example` has a user",
        "credentials do not belong into a URL: it is logged and shown",
    );
}

#[test]
fn addresses_of_receivers_are_checked() {
    let mail = |from: &str| format!("mail = {{ server = \"a\", from = {from}, to = \"b@example.com\" }}");
    alert(&mail("«\"ann\"»"), ".mail.from", "`ann` is not a mail address", "");
    alert(
        &mail("«\"Ann <ann@example.com>\"»"),
        ".mail.from",
        "`Ann <ann@example.com>` is not a mail address",
        "without a name before it: `ann@example.com`",
    );
    alert(
        "syslog = { udp = «\"udp://a:514\"» }",
        ".syslog.udp",
        "`udp://a:514` is not a host",
        "the host and its port alone, such as `logs.example.com:514`",
    );
    alert("syslog = { udp = «\"a:0\"» }", ".syslog.udp", "`a:0` has no valid port", "a port is 1 to 65535");
    alert(
        "webhook = { url = «\"https://a/ b\"» }",
        ".webhook.url",
        "what follows the host is no path and query",
        "no spaces, no `#`, no `\\`",
    );
    let login =
        |rest: &str| format!("mail = {{ server = \"a\", from = \"a@b.c\", to = \"b@b.c\", user = {rest} }}");
    alert(&login("«\"u\"»"), ".mail.user", "is only there with `password-file` or `password-env`", "");
    alert(
        &login("\"u\", password-env = \"P\", encryption = «\"none\"»"),
        ".mail.encryption",
        "a password is not sent without encryption",
        "write `starttls` or `tls`",
    );
}

#[test]
fn bounds_of_alerts_hold() {
    one(
        "[alerts]\ngroup-wait = «\"0s\"»\n",
        "alerts.group-wait",
        "`0s` is zero",
        "write `none` for no waiting at all",
    );
    one("[alerts]\ncool-down = «\"8d\"»\n", "alerts.cool-down", "found 8d, expected at most 7d", "");
    alert(
        "file = \"f\"\nrules = [«\"watch.*.x\"»]",
        ".rules[0]",
        "`watch.*.x` is not a rule",
        "`watch.flood`, or `watch.*` for all that begin so; the star is last",
    );
}

#[test]
fn ten_mistakes_of_watching_are_told_at_once() {
    let text = "[watch]\nlatenes = \"1s\"\nlateness = 10\nnever-ban = [\"ci\"]\npenalties = {}\n\
                [[detector]]\nname = \"flod\"\nenabled = false\n\
                [[detector]]\nname = \"flood\"\nover = \"0/1m\"\nseverity = \"hi\"\n\
                [[detector]]\nname = \"Mine\"\ndistinct = { of = \"caler\", over = \"9000/1h\" }\nban = \"10\"\n\
                [[alert]]\nname = \"a\"\nrules = [\"Watch\"]\n\
                [alerts]\nmax-waiting = 0\n";
    let all = mistakes(text);
    let keys: Vec<(usize, &str)> = all.remarks().iter().map(|remark| (remark.line, &*remark.key)).collect();
    assert_eq!(
        keys,
        [
            (2, "watch.latenes"),
            (3, "watch.lateness"),
            (4, "watch.never-ban[0]"),
            (5, "watch.penalties"),
            (7, "detector[0].name"),
            (11, "detector[1].over"),
            (12, "detector[1].severity"),
            (14, "detector[2].name"),
            (15, "detector[2].distinct.of"),
            (15, "detector[2].distinct.over"),
            (16, "detector[2].ban"),
            (17, "alert[0]"),
            (19, "alert[0].rules[0]"),
            (21, "alerts.max-waiting"),
        ],
        "{all}"
    );
}
