//! The loudest honest traffic is told from abuse by plain measures: by each, what nobody honest reaches is less than
//! what the scenarios have. A detector that calls honest traffic abuse has then no excuse.
#![expect(clippy::unwrap_used, reason = "a test may stop where its own data is wrong")]

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::time::Duration;

use ratewarden_traffic::{MONDAY_MS, OwnedCall, Traffic, background, scenario};

const SECOND: i64 = 1_000;
const MINUTE: i64 = 60_000;
const HOUR: i64 = 3_600_000;

/// What is counted of a call: for whom, and what must be distinct (its place in the log where every call counts).
type Count = fn(usize, &OwnedCall) -> Option<(String, String)>;

/// By what honest traffic and abuse are told apart.
struct Measure {
    name: &'static str,
    window_ms: i64,
    count: Count,
    scenarios: &'static [&'static str],
}

fn address(call: &OwnedCall) -> Option<String> {
    call.address.map(|address| address.to_string())
}

/// The credential, else the address.
fn source(call: &OwnedCall) -> Option<String> {
    call.credential.clone().or_else(|| address(call))
}

fn path(call: &OwnedCall) -> &str {
    call.target.split('?').next().unwrap()
}

fn is_file(call: &OwnedCall) -> bool {
    let path = path(call);
    [".css", ".js", ".png", ".jpg", ".webp", ".svg", ".woff2", ".ico", ".tgz", ".xml"]
        .iter()
        .any(|end| path.ends_with(end))
}

fn failed(call: &OwnedCall) -> bool {
    matches!(call.status, 400 | 401 | 403 | 404)
}

fn login(call: &OwnedCall) -> bool {
    call.method == "POST" && path(call).contains("login") && call.status != 302
}

const MEASURES: [Measure; 12] = [
    Measure {
        name: "failing tokens of an address in a minute",
        window_ms: MINUTE,
        count: |_, call| Some((address(call)?, call.credential.clone().filter(|_| failed(call))?)),
        scenarios: &["token-guessing", "token-guessing-routes"],
    },
    Measure {
        name: "failing tokens at a route in ten minutes",
        window_ms: 10 * MINUTE,
        count: |_, call| Some((path(call).to_owned(), call.credential.clone().filter(|_| failed(call))?)),
        scenarios: &["token-guessing-distributed", "token-guessing-user"],
    },
    Measure {
        name: "tries at a login by an address in three seconds",
        window_ms: 3 * SECOND,
        count: |at, call| Some((address(call)?, at.to_string())).filter(|_| login(call)),
        scenarios: &["six-unauthorized", "seven-app-logins", "nine-blog-logins", "login-brute-force"],
    },
    Measure {
        name: "tries at a login by an address in an hour",
        window_ms: HOUR,
        count: |at, call| Some((address(call)?, at.to_string())).filter(|_| login(call)),
        scenarios: &["low-and-slow"],
    },
    Measure {
        name: "users that fail at an address in a minute",
        window_ms: MINUTE,
        count: |_, call| Some((address(call)?, call.user.clone().filter(|_| failed(call))?)),
        scenarios: &["account-spread", "user-enumeration"],
    },
    Measure {
        name: "failing paths that are no files, of an address in ten seconds",
        window_ms: 10 * SECOND,
        count: |_, call| {
            Some((address(call)?, path(call).to_owned())).filter(|_| failed(call) && !is_file(call))
        },
        scenarios: &["probing", "sensitive-files", "random-paths"],
    },
    Measure {
        name: "paths without referer or credential of an address in 30 seconds",
        window_ms: 30 * SECOND,
        count: |_, call| {
            let bare = call.referer.is_empty() && call.credential.is_none() && !is_file(call);
            Some((address(call)?, path(call).to_owned())).filter(|_| bare)
        },
        scenarios: &["crawl"],
    },
    Measure {
        name: "queries of one path by an address in ten seconds",
        window_ms: 10 * SECOND,
        count: |_, call| Some((format!("{} {}", address(call)?, path(call)), call.target.clone())),
        scenarios: &["cache-bypass"],
    },
    Measure {
        name: "agents of an address without credential or referer in 20 seconds",
        window_ms: 20 * SECOND,
        count: |_, call| {
            let bare = call.referer.is_empty() && call.credential.is_none();
            Some((address(call)?, call.agent.clone())).filter(|_| bare)
        },
        scenarios: &["agent-switching"],
    },
    Measure {
        name: "jobs of a caller in a minute",
        window_ms: MINUTE,
        count: |at, call| Some((source(call)?, at.to_string())).filter(|_| call.target == "/api/jobs/"),
        scenarios: &["job-flood", "jobs-per-hour"],
    },
    Measure {
        name: "clusters created by a caller in five minutes",
        window_ms: 5 * MINUTE,
        count: |at, call| {
            Some((source(call)?, at.to_string())).filter(|_| call.target == "/ext/v0/clusters/")
        },
        scenarios: &["cluster-creations"],
    },
    Measure {
        name: "programs of a token in an hour",
        window_ms: HOUR,
        count: |_, call| Some((call.credential.clone()?, call.agent.clone())),
        scenarios: &["token-spread", "token-networks"],
    },
];

/// The most distinct things that anybody has within the window.
fn most(calls: &Traffic, measure: &Measure) -> (usize, String) {
    /// What stands in the window, and how often each.
    type Window = (VecDeque<(i64, String)>, BTreeMap<String, usize>);
    let mut open: BTreeMap<String, Window> = BTreeMap::new();
    let mut best = (0, String::new());
    for (at, call) in calls.iter().enumerate() {
        let Some((who, what)) = (measure.count)(at, call) else { continue };
        let (queue, counts) = open.entry(who.clone()).or_default();
        queue.push_back((call.at_ms, what.clone()));
        *counts.entry(what).or_default() += 1;
        while queue.front().is_some_and(|&(first, _)| call.at_ms - first >= measure.window_ms) {
            let (_, gone) = queue.pop_front().unwrap();
            let count = counts.get_mut(&gone).unwrap();
            *count -= 1;
            if *count == 0 {
                counts.remove(&gone);
            }
        }
        if counts.len() > best.0 {
            best = (counts.len(), who);
        }
    }
    best
}

#[test]
fn nobody_honest_reaches_what_abuse_has() {
    let mut loudest = vec![(0, String::new(), ""); MEASURES.len()];
    // Behind a balancer there is no client's address that anything could be counted of.
    for (name, make) in background::ALL.into_iter().filter(|(name, _)| *name != "behind-balancer") {
        let calls = make(21, MONDAY_MS + 8 * HOUR, Duration::from_secs(3 * 3_600));
        for (loudest, measure) in loudest.iter_mut().zip(&MEASURES) {
            let (count, who) = most(&calls, measure);
            if count > loudest.0 {
                *loudest = (count, who, name);
            }
        }
    }
    let mut wrong = BTreeSet::new();
    for ((count, who, background), measure) in loudest.into_iter().zip(&MEASURES) {
        for name in measure.scenarios {
            let abuse = most(&scenario::by_name(name, 21, MONDAY_MS).unwrap().calls, measure).0;
            if abuse <= count {
                wrong.insert(format!("{}: {who} of {background} has {count}, {name} {abuse}", measure.name));
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}
