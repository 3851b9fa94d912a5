//! Calls that can be kept and compared.

use std::net::IpAddr;

use ratewarden_logs::{Fault, Options, Reader};
use ratewarden_model::{Basis, Call, CallCaller, Held};

/// A call with text of its own.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Owned {
    pub(crate) at_ms: i64,
    pub(crate) address: Option<IpAddr>,
    pub(crate) credential: String,
    pub(crate) hashed: bool,
    pub(crate) id: Option<u128>,
    pub(crate) basis: Basis,
    pub(crate) user: String,
    pub(crate) method: String,
    pub(crate) target: String,
    pub(crate) status: u16,
    pub(crate) bytes: u64,
    pub(crate) micros: Option<u64>,
    pub(crate) agent: String,
    pub(crate) referer: String,
    pub(crate) key: String,
    pub(crate) held: Option<Held>,
}

/// The first moment of the samples: 2026-11-28T01:02:03Z.
pub(crate) const BEGUN: i64 = 1_795_827_723_000;

impl From<&Call<'_>> for Owned {
    fn from(call: &Call<'_>) -> Self {
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        let (credential, hashed) = match call.caller {
            CallCaller::Nobody => (String::new(), false),
            CallCaller::Credential(raw) => (text(raw), false),
            CallCaller::Hashed { name, .. } => (text(name), true),
        };
        Self {
            at_ms: call.at_ms,
            address: call.address,
            credential,
            hashed,
            id: call.caller_id(),
            basis: call.basis,
            user: text(call.user),
            method: text(call.method),
            target: text(call.target),
            status: call.status,
            bytes: call.bytes,
            micros: call.micros,
            agent: text(call.agent),
            referer: text(call.referer),
            key: text(call.key),
            held: call.held,
        }
    }
}

impl Owned {
    /// Nothing known but the time, so many milliseconds after the first moment of the samples.
    pub(crate) fn after(millis: i64) -> Self {
        Self::from(&Call::at(BEGUN + millis))
    }

    pub(crate) fn coming_from(self, address: &str) -> Self {
        Self { address: Some(address.parse().unwrap()), ..self }
    }

    pub(crate) fn asked(self, method: &str, target: &str) -> Self {
        Self { method: method.into(), target: target.into(), ..self }
    }

    pub(crate) fn answered(self, status: u16, bytes: u64) -> Self {
        Self { status, bytes, ..self }
    }

    pub(crate) fn took(self, micros: u64) -> Self {
        Self { micros: Some(micros), ..self }
    }

    pub(crate) fn agent(self, agent: &str) -> Self {
        Self { agent: agent.into(), ..self }
    }

    pub(crate) fn user(self, user: &str) -> Self {
        Self { user: user.into(), ..self }
    }
}

/// What a reader makes of one line.
pub(crate) fn read(reader: &mut Reader, line: &[u8]) -> (Vec<Owned>, Result<(), Fault>) {
    let mut calls = Vec::new();
    let result = reader.read(line, |call| calls.push(Owned::from(call)));
    (calls, result)
}

/// The one call of a line.
pub(crate) fn one(options: &Options, line: &str) -> Owned {
    let (mut calls, result) = read(&mut Reader::new(options), line.as_bytes());
    assert_eq!((calls.len(), result), (1, Ok(())), "{line}");
    calls.remove(0)
}

/// Why a line is no call.
pub(crate) fn fault(options: &Options, line: &str) -> Fault {
    let (calls, result) = read(&mut Reader::new(options), line.as_bytes());
    assert!(calls.is_empty(), "{calls:?}");
    result.unwrap_err()
}

/// The sample of a form.
pub(crate) fn sample(name: &str) -> String {
    let path = format!("{}/tests/samples/{name}.log", env!("CARGO_MANIFEST_DIR"));
    std::fs::read_to_string(path).unwrap()
}

/// Every call of a sample, all of whose lines must be read.
pub(crate) fn calls(name: &str) -> Vec<Owned> {
    let mut reader = Reader::new(&Options::default());
    let mut all = Vec::new();
    for line in sample(name).lines() {
        let (calls, result) = read(&mut reader, line.as_bytes());
        assert_eq!(result, Ok(()), "{line}");
        all.extend(calls);
    }
    all
}

/// The names of all samples: each is the name of its form.
pub(crate) const SAMPLES: [&str; 19] = [
    "nginx-combined",
    "nginx-main",
    "nginx-ingress",
    "apache-common",
    "apache-vhost",
    "traefik-clf",
    "envoy-text",
    "haproxy-http",
    "aws-alb",
    "nginx-error",
    "cassandra-audit",
    "json-envoy",
    "json-caddy",
    "json-traefik",
    "json-apigateway",
    "json-cloudtrail",
    "json-ratewarden",
    "json-anyscale",
    "json",
];
