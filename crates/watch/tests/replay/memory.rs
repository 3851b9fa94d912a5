//! However many callers there are.

use ratewarden_model::{Call, CallCaller};
use ratewarden_watch::replay::LISTED;

use super::{MIDNIGHT, call, replay};

/// Resident memory in bytes.
fn resident() -> usize {
    let text = std::fs::read_to_string("/proc/self/statm").unwrap();
    text.split(' ').nth(1).unwrap().parse::<usize>().unwrap() * 4_096
}

#[test]
fn a_million_callers_fit_and_the_one_who_floods_is_found() {
    let policy = "[caps]\nkeys = 65_536\n[[caller]]\nfrom = \"header:x-api-key\"\n\
        [[limit]]\nname = \"a\"\nper = [\"caller\"]\nrate = \"10/1h\"\n\
        [[limit]]\nname = \"b\"\nmatch = { method = \"GET\" }\nper = [\"caller\"]\nrate = \"20/1h\"\n";
    let mut replay = replay(policy);
    let before = resident();
    for number in 0..1_000_000_u32 {
        let key = format!("key {number}");
        let caller = CallCaller::Credential(key.as_bytes());
        replay.see(&Call { caller, ..call(MIDNIGHT + i64::from(number), 1, "/") });
        if number % 1_000 == 0 {
            let caller = CallCaller::Credential(b"the one");
            replay.see(&Call { caller, ..call(MIDNIGHT + i64::from(number), 1, "/") });
        }
    }
    let grown = resident().saturating_sub(before) >> 20;
    // 2 × 65,536 keys of 48 bytes and 32,768 accounts of some 250, in a debug build and beside other tests.
    assert!(cfg!(not(target_os = "linux")) || grown < 96, "{grown} MiB");
    let report = replay.finish();
    let limit = &report.limits[0];
    let callers = limit.callers.unwrap();
    assert!(limit.callers_error > 0.0 && (970_000..1_030_000).contains(&callers), "{callers}");
    let first = &limit.rejected_callers[0];
    assert!(limit.rejected_callers.len() <= LISTED);
    assert!((985..=990).contains(&first.rejected), "{first:?}");
    assert!(first.calls - first.calls_error <= 1_000 && 1_000 <= first.calls, "{first:?}");
}
