//! However many callers there are.

use ratewarden_model::{Call, CallCaller};
use ratewarden_watch::replay::LISTED;

use super::{MIDNIGHT, call, replay};

/// Resident memory in bytes.
fn resident() -> usize {
    let text = std::fs::read_to_string("/proc/self/statm").unwrap();
    text.split(' ').nth(1).unwrap().parse::<usize>().unwrap() * 4_096
}

/// As even as a keyed hash: the finaliser of `MurmurHash3`, twice.
fn hash(number: u32) -> u128 {
    let mixed = |number: u64| {
        let number = (number ^ (number >> 33)).wrapping_mul(0xff51_afd7_ed55_8ccd);
        let number = (number ^ (number >> 33)).wrapping_mul(0xc4ce_b9fe_1a85_ec53);
        number ^ (number >> 33)
    };
    let high = mixed(u64::from(number) + 1);
    u128::from(high) << 64 | u128::from(mixed(high))
}

#[test]
fn a_million_callers_fit_and_the_one_who_floods_is_found() {
    let policy = "[caps]\nkeys = 65_536\n[[limit]]\nname = \"a\"\nper = [\"caller\"]\nrate = \"10/1h\"\n";
    let mut replay = replay(policy);
    let before = resident();
    for number in 0..1_000_000_u32 {
        let caller = CallCaller::Hashed { id: hash(number), name: b"" };
        replay.see(&Call { caller, ..call(MIDNIGHT + i64::from(number), 1, "/") });
        if number % 1_000 == 0 {
            let caller = CallCaller::Hashed { id: 0, name: b"" };
            replay.see(&Call { caller, ..call(MIDNIGHT + i64::from(number), 1, "/") });
        }
    }
    let grown = resident().saturating_sub(before) >> 20;
    // 2 × 65,536 keys of 48 bytes and 16,384 accounts of some 250, in a debug build and beside other tests.
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
