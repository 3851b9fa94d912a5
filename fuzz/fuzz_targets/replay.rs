//! Calls with anything in them: a replay adds up, and neither its page nor its document steers a terminal; what is
//! suggested of the same calls is a policy.
//!
//! A line is a call; its fields, parted by tabs, are milliseconds since the call before, an address, a kind of caller and its
//! credential, user, method, target, status, bytes, microseconds, agent and referrer.

#![no_main]

use std::path::Path;

use libfuzzer_sys::fuzz_target;
use ratewarden_model::{Call, CallCaller};
use ratewarden_report::Options;
use ratewarden_watch::replay::pretty;
use ratewarden_watch::{Replay, Suggest, suggest};

const POLICY: &str = r#"
[listen]
http = "127.0.0.1:1"
[upstream]
url = "http://127.0.0.1:2"
[caps]
keys = 1_024
[[caller]]
from = "header:x-api-key"
[[caller]]
from = "cookie:s"
[[caller]]
from = "basic"
[[limit]]
name = "rate"
per = ["caller", "route"]
rate = "2/1s"
[[limit]]
name = "window"
match = { path = "/{a}/{*b}" }
per = ["path:b", "user"]
window = "3/1m"
cost = "query:n"
[[limit]]
name = "quota"
when = 'request.path != "/" && request.query.size() < 3'
per = []
quota = { calls = 9, each = "month", zone = "UTC" }
[[limit]]
name = "open"
per = ["address", "header:user-agent"]
concurrent = 1
[[penalty]]
name = "p"
after = "2 rejections/1m"
ban = "1s"
"#;

fn text(field: &[u8]) -> &str {
    std::str::from_utf8(field).unwrap_or_default()
}

fn number(field: &[u8]) -> Option<u64> {
    text(field).parse().ok()
}

fuzz_target!(|data: &[u8]| {
    let policy = ratewarden_policy::read(POLICY, Path::new("/p.toml")).unwrap().policy;
    let mut replay = Replay::new(&policy, &[1; 16]).unwrap();
    let mut suggest = Suggest::new(suggest::Options::default(), &[1; 16]).unwrap();
    let mut at_ms = 1_795_737_600_000_i64;
    for line in data.split(|&byte| byte == b'\n').take(200) {
        let mut fields = line.split(|&byte| byte == b'\t');
        let mut next = || fields.next().unwrap_or_default();
        at_ms = at_ms.saturating_add(text(next()).parse().unwrap_or(0));
        let address = text(next()).parse().ok();
        let caller = match (next(), next()) {
            (b"hashed", name) => CallCaller::Hashed { id: 7, name },
            (b"", _) => CallCaller::Nobody,
            (_, secret) => CallCaller::Credential(secret),
        };
        let (user, method, target) = (next(), next(), next());
        let status = number(next()).and_then(|status| u16::try_from(status).ok()).unwrap_or(0);
        let (bytes, micros) = (number(next()).unwrap_or(0), number(next()));
        let (agent, referer) = (next(), next());
        let call = Call {
            address,
            caller,
            user,
            method,
            target,
            status,
            bytes,
            micros,
            agent,
            referer,
            ..Call::at(at_ms)
        };
        replay.see(&call);
        suggest.see(&call);
    }
    let report = replay.finish();
    let refused: u64 = report.refused.values().sum();
    let ends = report.admitted + report.rejected + report.banned + report.unattributed + refused;
    assert_eq!(report.calls, ends);
    let shown = [pretty(&report, &Options::default()), report.to_json().unwrap()];
    assert!(shown.iter().all(|text| !text.contains(|c: char| c.is_control() && c != '\n')), "{shown:?}");
    // It reads what it has written.
    assert!(!matches!(suggest.finish(), Err(suggest::SuggestError::Mistakes(_))));
});
