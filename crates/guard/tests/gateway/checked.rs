//! Real gateways that ask `/check`, configured as `docs/check.md` shows it.

use std::io::Write as _;
use std::net::{Ipv4Addr, SocketAddr};
use std::time::Duration;

use ratewarden_testkit::{Server, Services, StartError, configured, require};
use socket2::{Domain, Socket, Type};

use crate::server::{Answer, Echo, Gateway};

/// What the configurations are copied from.
const PAGE: &str = include_str!("../../../../docs/check.md");

/// Two jobs for each caller; whoever has no key is its address.
pub(crate) const RULES: &str = "[[caller]]\nfrom = \"header:x-api-key\"\n\
    [[limit]]\nname = \"jobs\"\nmatch = { method = \"POST\", path = \"/jobs\" }\nper = [\"caller\"]\nrate = \"2/1h\"\n";

/// A gateway that asks, the Ratewarden it asks, and the server behind it.
pub(crate) struct Front {
    pub(crate) name: &'static str,
    server: Server,
    pub(crate) upstream: Echo,
    ratewarden: Gateway,
}

type Start = fn(&Services, &dyn Fn(u16) -> String) -> Result<Server, StartError>;

/// A gateway as it stands in the page.
struct Known {
    name: &'static str,
    /// What there says where it listens, and the same for a port.
    listens: &'static str,
    listen: fn(u16) -> String,
    start: Start,
}

const KNOWN: [Known; 3] = [
    Known {
        name: "nginx",
        listens: "listen 8080;",
        listen: |port| format!("listen 127.0.0.1:{port};"),
        start: |services, write| configured::nginx(services, write),
    },
    Known {
        name: "envoy",
        listens: "address: 0.0.0.0, port_value: 8080",
        listen: |port| format!("address: 127.0.0.1, port_value: {port}"),
        start: |services, write| configured::envoy(services, write),
    },
    Known {
        name: "caddy",
        listens: ":8080 {",
        listen: |port| format!(":{port} {{"),
        start: |services, write| configured::caddy(services, write),
    },
];

/// Every gateway in turn, each with counters of its own. None where they are not installed.
pub(crate) fn fronts(rules: &str) -> impl Iterator<Item = Front> {
    require().into_iter().flat_map(move |services| {
        KNOWN.iter().map(move |Known { name, listens, listen, start }| {
            let upstream = Echo::start();
            let ratewarden = asked_by_them(upstream.address, rules);
            let asked = ratewarden.guard().admin().unwrap();
            let written = move |port| {
                let mut text = snippet(name).to_owned();
                for (shown, used) in [
                    (*listens, listen(port)),
                    ("the admin token", "open-sesame".to_owned()),
                    // Envoy has addresses in two parts, and one in a URL as well.
                    ("127.0.0.1:9090", asked.to_string()),
                    ("127.0.0.1, port_value: 9090", format!("127.0.0.1, port_value: {}", asked.port())),
                    ("127.0.0.1:8000", upstream.address.to_string()),
                    (
                        "127.0.0.1, port_value: 8000",
                        format!("127.0.0.1, port_value: {}", upstream.address.port()),
                    ),
                ] {
                    text = text.replace(shown, &used);
                }
                text + "\n"
            };
            let server = start(services, &written).unwrap_or_else(|error| panic!("{error}"));
            Front { name, server, upstream, ratewarden }
        })
    })
}

/// Ratewarden with the policy that the page shows, and these rules behind it.
fn asked_by_them(upstream: SocketAddr, rules: &str) -> Gateway {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("admin.token"), "open-sesame\n").unwrap();
    let policy =
        snippet("policy").replace("127.0.0.1:8081", "127.0.0.1:0").replace("127.0.0.1:9090", "127.0.0.1:0");
    let policy = policy.replace("127.0.0.1:8000", &upstream.to_string());
    Gateway::of(folder, &format!("{policy}\n[timeouts]\nshutdown = \"200ms\"\n{rules}"))
}

/// What the page shows for a gateway, or for Ratewarden.
fn snippet(name: &str) -> &'static str {
    let (_, behind) = PAGE.split_once(&format!("<!-- {name} -->\n```")).expect(name);
    behind.split_once('\n').unwrap().1.split_once("\n```\n").unwrap().0
}

impl Front {
    /// One call from 127.0.0.`from`, with these field lines.
    pub(crate) fn call(&self, from: u8, method: &str, target: &[u8], fields: &str) -> Answer {
        let stream = Socket::new(Domain::IPV4, Type::STREAM, None).unwrap();
        stream.bind(&SocketAddr::from((Ipv4Addr::new(127, 0, 0, from), 0)).into()).unwrap();
        stream.connect(&self.server.address().into()).unwrap();
        stream.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
        let mut stream = std::net::TcpStream::from(stream);
        let rest = format!(" HTTP/1.1\r\nhost: a.test\r\ncontent-length: 2\r\n{fields}\r\nhi");
        stream.write_all(&[method.as_bytes(), b" ", target, rest.as_bytes()].concat()).unwrap();
        Answer::read(&stream).unwrap_or_else(|| panic!("{}: no answer\n{}", self.name, self.server.log()))
    }

    /// A job of the owner of a key.
    pub(crate) fn job(&self, key: &str) -> Answer {
        self.call(5, "POST", b"/jobs?a=1", &format!("x-api-key: {key}\r\n"))
    }

    /// What the gateway printed, for messages.
    pub(crate) fn log(&self) -> String {
        self.server.log()
    }
}

#[test]
fn who_is_over_a_limit_gets_429_and_nobody_else_notices() {
    for front in fronts(RULES) {
        let statuses = |key: &str| [front.job(key).status, front.job(key).status];
        assert_eq!(statuses("ann"), [200, 200], "{}: {}", front.name, front.log());
        let rejected = front.job("ann");
        assert_eq!(rejected.status, 429, "{}: {rejected:?}\n{}", front.name, front.log());
        assert_eq!(rejected.field("content-type"), Some("application/problem+json"), "{}", front.name);
        let wait: u64 = rejected.field("retry-after").unwrap().parse().unwrap();
        assert!((1..=1_800).contains(&wait), "{}: {wait}", front.name);
        for (name, begins) in [("ratelimit", "\"jobs\";r=0;t="), ("ratelimit-policy", "\"jobs\";q=2;w=3600")]
        {
            let value = rejected.field(name).unwrap_or_else(|| panic!("{}: no {name}", front.name));
            assert!(value.starts_with(begins), "{}: {name}: {value}", front.name);
        }
        assert_eq!(front.upstream.answered(), 2, "{}: only what was admitted arrives", front.name);
        assert_eq!(statuses("bob"), [200, 200], "{}: another caller", front.name);
        let read = front.call(5, "GET", b"/jobs", "x-api-key: ann\r\n");
        assert_eq!(read.status, 200, "{}: another route", front.name);
        assert_eq!(front.upstream.answered(), 5, "{}", front.name);
    }
}

#[test]
fn the_upstream_sees_the_call_and_the_caller_that_were_judged() {
    for front in fronts(RULES) {
        let seen =
            front.call(7, "POST", b"/%6aobs?a=%20", "x-api-key: ann\r\nx-forwarded-for: 192.0.2.1\r\n");
        let said = &seen.body;
        assert!(said.starts_with("POST /%6aobs?a=%20 HTTP/1.") && said.ends_with("hi"), "{said}");
        let lower = said.to_ascii_lowercase();
        assert!(lower.contains("x-api-key: ann\r\n"), "{}: {said}", front.name);
        let addresses = lower.lines().find_map(|line| line.strip_prefix("x-forwarded-for: ")).unwrap();
        assert!(addresses.ends_with("127.0.0.7"), "{}: {addresses}", front.name);
        assert!(!lower.contains("open-sesame") && !lower.contains("x-original-"), "{}: {said}", front.name);
        assert_eq!([front.job("ann").status, front.job("ann").status], [200, 429], "{}", front.name);
    }
}

#[test]
fn wrong_credentials_are_answered_with_401_and_what_would_be_right() {
    let folder = tempfile::tempdir().unwrap();
    let keys = folder.path().join("keys.txt");
    let new = ratewarden_callers::NewKey::generate("ann", "").unwrap();
    std::fs::write(&keys, &new.line).unwrap();
    let rules = format!("[[caller]]\nfrom = \"bearer\"\nkeys = {keys:?}\n");
    for front in fronts(&rules) {
        let wrong = front.call(5, "GET", b"/", "authorization: Bearer rw_guess\r\n");
        assert_eq!((wrong.status, wrong.field("www-authenticate")), (401, Some("Bearer")), "{}", front.name);
        assert_eq!(front.upstream.answered(), 0, "{}", front.name);
        let right = front.call(5, "GET", b"/", &format!("authorization: Bearer {}\r\n", new.key));
        assert_eq!(right.status, 200, "{}: {right:?}", front.name);
    }
}

#[test]
fn a_number_that_nobody_can_lower_on_the_way_is_refused() {
    let rules = "[[bound]]\nname = \"pages\"\nquery = \"limit\"\nmax = 100\n[[bound]]\nname = \"answers\"\n\
        response = true\nmax = \"1KiB\"\n[[limit]]\nname = \"all\"\nrate = \"2/1h\"\n";
    for front in fronts(rules) {
        for _ in 0..3 {
            let refused = front.call(5, "GET", b"/items?limit=101", "");
            assert_eq!(refused.status, 422, "{}: {refused:?}\n{}", front.name, front.log());
        }
        assert_eq!(front.upstream.answered(), 0, "{}", front.name);
        let statuses = [(); 3].map(|()| front.call(5, "GET", b"/items?limit=100", "").status);
        assert_eq!(statuses, [200, 200, 429], "{}: what is refused spends nothing", front.name);
    }
}

#[test]
fn no_call_passes_where_nobody_can_be_asked() {
    for (mut front, status) in fronts(RULES).zip([500, 403, 502]) {
        assert_eq!(front.job("ann").status, 200, "{}", front.name);
        front.ratewarden.stop();
        let refused = front.job("ann");
        assert_eq!(refused.status, status, "{}: {refused:?}\n{}", front.name, front.log());
        assert_eq!(front.upstream.answered(), 1, "{}", front.name);
    }
}
