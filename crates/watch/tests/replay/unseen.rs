//! What a log cannot show is said, and no figure stands for it.

use ratewarden_model::Call;

use super::{MIDNIGHT, adds_up, call, replay};

#[test]
fn a_limit_on_what_is_not_in_a_log_is_not_replayed_and_hinders_no_other() {
    let unseen = [
        "per = [\"header:x-team\"]\nrate = \"1/1h\"",
        "per = [\"cookie:session\"]\nrate = \"1/1h\"",
        "per = [\"body:user_id\"]\nrate = \"1/1h\"",
        "match = { header = { x-tier = \"free\" } }\nper = [\"caller\"]\nrate = \"1/1h\"",
        "when = 'request.headers[\"x-tier\"] == \"free\"'\nper = [\"caller\"]\nrate = \"1/1h\"",
    ];
    let limits =
        unseen.iter().enumerate().map(|(number, text)| format!("[[limit]]\nname = \"u{number}\"\n{text}\n"));
    let seen = "[[limit]]\nname = \"seen\"\nper = [\"caller\"]\nrate = \"3/1h\"\n";
    let mut replay = replay(&(limits.collect::<String>() + seen));
    for second in 0..10 {
        replay.see(&call(MIDNIGHT + second, 1, "/"));
    }
    let report = replay.finish();
    assert!(adds_up(&report));
    assert_eq!((report.admitted, report.rejected), (3, 7));
    for limit in &report.limits {
        let expected = if limit.name == "seen" { (Some(10), Some(7)) } else { (None, None) };
        assert_eq!((limit.matched, limit.rejected), expected, "{}", limit.name);
        assert_eq!(limit.unsupported.is_empty(), limit.name == "seen", "{limit:?}");
    }
}

#[test]
fn calls_without_a_duration_are_no_proof_that_none_were_under_way() {
    let policy = "[[limit]]\nname = \"open\"\nper = [\"caller\"]\nconcurrent = 1\n";
    let figures = |durations: [Option<u64>; 3]| {
        let mut replay = replay(policy);
        for (at, micros) in (MIDNIGHT..).zip(durations) {
            replay.see(&Call { micros, ..call(at, 1, "/") });
        }
        let limit = replay.finish().limits.remove(0);
        (
            limit.rejected,
            limit.unsupported.len(),
            limit.assumptions.iter().any(|one| one.contains("held no place")),
        )
    };
    let second = Some(1_000_000);
    assert_eq!(figures([second, second, second]), (Some(2), 0, false));
    assert_eq!(figures([None, second, second]), (Some(1), 0, true));
    assert_eq!(figures([None; 3]), (None, 1, false));
}

#[test]
fn full_seconds_and_queries_that_are_missing_are_said_where_they_matter() {
    let policy = "[[limit]]\nname = \"fast\"\nper = [\"caller\"]\nrate = \"5/1s\"\n\
        [[limit]]\nname = \"slow\"\nper = [\"caller\"]\nrate = \"100/1h\"\n\
        [[limit]]\nname = \"query\"\nper = [\"query:user\"]\nrate = \"100/1h\"\n";
    let said = |target, step: i64| {
        let mut replay = replay(policy);
        for number in 0..4 {
            replay.see(&call(MIDNIGHT + number * step, 1, target));
        }
        let limits = replay.finish().limits;
        limits.into_iter().map(|limit| limit.assumptions.len()).collect::<Vec<_>>()
    };
    assert_eq!(said("/", 1_000), [1, 0, 1]);
    assert_eq!(said("/?user=1", 1_001), [0, 0, 0]);
}

#[test]
fn what_the_gateway_would_refuse_is_refused_and_what_names_nobody_meets_no_limit() {
    let policy = "[[bound]]\nname = \"pages\"\nquery = \"size\"\nmax = 10\nover = \"refuse\"\n\
        [[limit]]\nname = \"a\"\nper = []\nrate = \"100/1h\"\n";
    let mut replay = replay(policy);
    for target in ["/", "/?size=5", "/?size=50", "/a/../b", "/%zz", "keyspace.table", "http://h/x?size=1"] {
        replay.see(&call(MIDNIGHT, 1, target));
    }
    replay.see(&Call { address: None, ..call(MIDNIGHT, 1, "/") });
    replay.see(&Call { user: b"ann", address: None, ..call(MIDNIGHT, 1, "/") });
    let report = replay.finish();
    assert!(adds_up(&report));
    assert_eq!((report.admitted, report.unattributed, report.limits[0].callers), (4, 1, Some(2)));
    assert_eq!(report.refused.get("bound_exceeded"), Some(&1), "{:?}", report.refused);
    assert_eq!(report.refused.get("not_http"), Some(&1), "{:?}", report.refused);
    assert_eq!(report.refused.values().sum::<u64>(), 4);
}
