//! Detectors.

use ratewarden_detect::{By, Detector, Filter, Kind, RouteKind, Shows, Statuses, detectors};
use ratewarden_model::{Resource, Severity};

use super::*;

/// The detector has exactly this mistake.
fn of(text: &str, key: &str, message: &str, hint: &str) {
    one(&format!("[[detector]]\n{text}"), &format!("detector[0]{key}"), message, hint);
}

fn own(rest: &str) -> String {
    format!("name = \"mine\"\n{rest}")
}

/// The detector of this name that a file of `[[detector]]` tables makes.
fn built(text: &str, name: &str) -> Detector {
    let all = policy(text).detectors;
    all.into_iter().find(|detector| detector.name == name).expect(name)
}

fn built_in(name: &str) -> Detector {
    detectors().into_iter().find(|detector| detector.name == name).expect(name)
}

#[test]
fn without_tables_detectors_are_those_that_are_built_in() {
    assert_eq!(policy("").detectors, detectors());
}

#[test]
fn names_of_built_in_detectors_differ_and_leave_room_for_new_ones() {
    let all = detectors();
    let names: std::collections::BTreeSet<&str> = all.iter().map(|detector| &*detector.name).collect();
    assert_eq!(names.len(), all.len());
    assert!(all.len() + 64 <= ratewarden_detect::MAX_DETECTORS);
}

#[test]
fn what_is_not_said_of_a_built_in_detector_stays() {
    let text = "[[detector]]\nname = \"flood\"\nover = \"600/20s\"\nseverity = \"high\"\n\
                [[detector]]\nname = \"low-and-slow\"\nspread = 3\n\
                [[detector]]\nname = \"hot-key\"\nshare = { percent = 40 }\n\
                [[detector]]\nname = \"crawl\"\nmatch = { path = \"/shop/*\" }\nper = [\"caller\"]\n\
                [[detector]]\nname = \"hoarding of processors\"\nlevel = { most = 64 }\n\
                [[detector]]\nname = \"baseline\"\nenabled = false\n";
    let all = policy(text).detectors;
    assert_eq!(all.len(), detectors().len() - 1);
    assert!(all.iter().all(|detector| detector.name != "baseline"));
    let changed = |name: &str| all.iter().find(|detector| detector.name == name).expect(name);
    let before = built_in("flood");
    let kind = Kind::Rate { calls: 600, filled: 1 };
    let flood = Detector { kind, seconds: 20, severity: Severity::High, ..before };
    assert_eq!(*changed("flood"), flood);
    let before = built_in("low-and-slow");
    assert_eq!(*changed("low-and-slow"), Detector { kind: Kind::Rate { calls: 120, filled: 3 }, ..before });
    let before = built_in("hot-key");
    let kind = Kind::Share { of: By::Key, percent: 40, calls: 500 };
    assert_eq!(*changed("hot-key"), Detector { kind, ..before });
    let before = built_in("crawl");
    let filter = Filter { paths: vec!["/shop/*".into()], ..before.filter.clone() };
    assert_eq!(*changed("crawl"), Detector { filter, per: vec![By::Caller], ..before });
    let before = built_in("hoarding of processors");
    let kind = Kind::Level { resource: Resource::Cpu, most: Some(64.0), percent: Some(50) };
    assert_eq!(*changed("hoarding of processors"), Detector { kind, ..before });
}

/// A new detector of this kind, for all calls of a caller.
fn detector(name: &str, kind: Kind, seconds: u32) -> Detector {
    Detector {
        about: None,
        name: name.into(),
        rule: format!("watch.{name}"),
        severity: Severity::Medium,
        filter: Filter::default(),
        per: vec![By::Caller],
        kind,
        seconds,
    }
}

#[test]
fn every_kind_is_read_as_it_is_meant() {
    let failed = Statuses::ranges(vec![(500, 599), (404, 404)]);
    for (text, kind, seconds) in [
        ("over = \"20/1m\"\nspread = 5", Kind::Rate { calls: 20, filled: 5 }, 60),
        (
            "distinct = { of = \"address\", over = \"8000/1h\" }",
            Kind::Distinct { of: By::Address, values: 8_000, percent: 0 },
            3_600,
        ),
        (
            "share = { of = \"key\", percent = 30, calls = 500, in = \"5m\" }",
            Kind::Share { of: By::Key, percent: 30, calls: 500 },
            300,
        ),
        (
            "ratio = { failed = [\"5xx\", 404], percent = 50, calls = 100, in = \"1m\" }",
            Kind::Ratio { failed, percent: 50, calls: 100 },
            60,
        ),
        ("sequence = \"60/2m\"", Kind::Sequence { numbers: 60 }, 120),
        (
            "growth = { times = 3, factor = 100, to = 1_000, in = \"1h\" }",
            Kind::Growth { times: 3, factor: 100, limit: 1_000 },
            3_600,
        ),
        (
            "peers = { bytes = \"100MiB\", factor = 20, in = \"10m\" }",
            Kind::Peers { bytes: 100 << 20, factor: 20 },
            600,
        ),
        (
            "level = { resource = \"cluster\", most = 20 }",
            Kind::Level { resource: Resource::Cluster, most: Some(20.0), percent: None },
            1_800,
        ),
        (
            "level = { resource = \"gpu\", percent = 50, in = \"7d\" }",
            Kind::Level { resource: Resource::Gpu, most: None, percent: Some(50) },
            604_800,
        ),
        ("travel = { km = 500, per-hour = 1000 }", Kind::Travel { kmh: 1_000, km: 500 }, 86_400),
        ("baseline = { factor = 5, calls = 200 }", Kind::Baseline { factor: 5, calls: 200 }, 3_600),
        ("daily = 10_000", Kind::Daily { calls: 10_000 }, 86_400),
    ] {
        let read = built(&format!("[[detector]]\nname = \"mine\"\n{text}\n"), "mine");
        assert_eq!(read, detector("mine", kind, seconds), "{text}");
    }
}

#[test]
fn calls_are_chosen_and_grouped_as_the_file_says() {
    let text = "[[detector]]\nname = \"mine\"\nover = \"1/1s\"\nper = []\nseverity = \"info\"\n\
                match = { method = [\"GET\", \"HEAD\"], path = \"/a/*\", status = [\"4xx\", 200, \"500-503\"], \
                is = \"login\", is-not = [\"static\"], shows = \"user\", shows-not = [\"credential\", \"query\"] }\n";
    let filter = Filter {
        when: None,
        methods: vec!["GET".into(), "HEAD".into()],
        paths: vec!["/a/*".into()],
        statuses: Statuses::ranges(vec![(400, 499), (200, 200), (500, 503)]),
        kinds: vec![RouteKind::Login],
        not_kinds: vec![RouteKind::Static],
        with: vec![Shows::User],
        without: vec![Shows::Credential, Shows::Query],
    };
    let meant = detector("mine", Kind::Rate { calls: 1, filled: 1 }, 1);
    let read = built(text, "mine");
    assert_eq!(read, Detector { filter, per: vec![By::All], severity: Severity::Info, ..meant });
}

#[test]
fn a_new_detector_with_the_name_of_a_rule_is_of_that_rule() {
    let text = "[[detector]]\nname = \"clusters-alive\"\nlevel = { resource = \"cluster\", most = 20 }\n";
    let read = built(text, "clusters-alive");
    assert_eq!((&*read.rule, read.severity), ("watch.clusters-alive", Severity::High));
}

#[test]
fn a_new_detector_has_exactly_one_kind() {
    let kinds = "`over`, `distinct`, `share`, `ratio`, `sequence`, `growth`, `peers`, `level`, `travel`, \
                 `baseline` or `daily`";
    one(
        "«[[detector]]»\nname = \"mine\"\n",
        "detector[0]",
        &format!("one of {kinds} is missing"),
        "`mine` is not built in, and a new one needs a kind",
    );
    of(
        "name = «\"flod\"»\nenabled = false\n",
        ".name",
        "`flod` is not built in, and a new one needs a kind",
        "did you mean `flood`?",
    );
    of(
        &own("over = \"1/1s\"\n«daily» = 5\n"),
        ".daily",
        &format!("cannot be there with `over`: at most one of {kinds}"),
        "",
    );
    of(
        "name = \"flood\"\ndaily = «5»\n",
        ".daily",
        "`flood` is told by `over`",
        "to look for something else, give it another name",
    );
    of(&own("daily = 5\nspread = «2»\n"), ".spread", "is only there with `over`", "");
    of("name = \"hot-key\"\nspread = «2»\n", ".spread", "is only there with `over`", "");
}

#[test]
fn a_kind_of_a_new_detector_says_everything() {
    let missing = |kind: &str, rest: &str, key: &str, message: &str| {
        of(&own(&format!("{kind} = «{{ {rest} }}»\n")), &format!(".{kind}{key}"), message, "");
    };
    missing("distinct", "of = \"key\"", ".over", "is missing: so many in a time, such as `20/1m`");
    missing(
        "share",
        "of = \"key\", percent = 5, calls = 5",
        ".in",
        "is missing: a duration of whole seconds, such as `10s`",
    );
    missing("travel", "km = 5", ".per-hour", "is missing: a whole number from 1 to 1_000_000");
    missing("level", "resource = \"gpu\"", "", "one of `most` or `percent` is missing");
    missing("peers", "factor = 2, in = \"1s\"", ".bytes", "is missing: a size, such as `64KiB`");
    let all = mistakes("[[detector]]\nname = \"mine\"\nratio = {}\n");
    let keys: Vec<&str> = all.remarks().iter().map(|remark| &*remark.key).collect();
    let parts = ["failed", "percent", "calls", "in"].map(|part| format!("detector[0].ratio.{part}"));
    assert_eq!(keys, parts, "{all}");
}

#[test]
fn bounds_of_what_is_counted_hold() {
    let zero = "zero never means unlimited here";
    of(&own("over = «\"0/1m\"»\n"), ".over", "`0` is zero", zero);
    of(
        &own("over = «20»\n"),
        ".over",
        "found the number 20, expected so many in a time, such as `20/1m`",
        "it has a time: \"20/1m\" is 20 in a minute",
    );
    of(&own("over = «\"20/8d\"»\n"), ".over", "found 8d, expected at most 7d", "");
    of(&own("over = «\"20/1500ms\"»\n"), ".over", "found 1500ms, expected whole seconds", "");
    of(
        &own("over = «\"5_000_000_000/1s\"»\n"),
        ".over",
        "found the number 5_000_000_000, expected 1 to 4_294_967_295",
        "",
    );
    of(
        &own("distinct = { of = \"key\", over = «\"8001/1m\"» }\n"),
        ".distinct.over",
        "found the number 8001, expected 1 to 8000",
        "",
    );
    of(&own("sequence = «\"1/1m\"»\n"), ".sequence", "found the number 1, expected 2 to 400", "");
    of(
        &own("baseline = { factor = «0», calls = 5 }\n"),
        ".baseline.factor",
        "found the number 0, expected a whole number from 2 to 4_294_967_295",
        zero,
    );
    of(
        &own("over = \"1/1s\"\nspread = «9»\n"),
        ".spread",
        "found the number 9, expected a whole number from 1 to 8",
        "",
    );
}

#[test]
fn words_of_calls_and_groups_are_known() {
    let by = "`caller`, `token`, `user`, `address`, `prefix`, `network`, `asn`, `country`, `route`, `template`, \
              `path`, `query`, `agent` or `key`";
    of(
        &own("over = \"1/1s\"\nper = [«\"adress\"»]\n"),
        ".per[0]",
        &format!("found the string \"adress\", expected {by}"),
        "did you mean `address`?",
    );
    of(&own("over = \"1/1s\"\nper = [\"user\", «\"user\"»]\n"), ".per[1]", "is there already", "");
    let calls = |text: &str, key: &str, message: &str, hint: &str| {
        of(&own(&format!("over = \"1/1s\"\nmatch = {{ {text} }}\n")), &format!(".match{key}"), message, hint);
    };
    calls("status = «\"4x\"»", ".status", "`4x` is not a status", "404, \"4xx\" or \"500-503\"");
    calls("path = «\"api\"»", ".path", "`api` is not a path", "write `/api` or `*/api`");
    calls(
        "path = «\"/jobs/{id}/logs\"»",
        ".path",
        "`/jobs/{id}/logs` has a brace",
        "a part that differs is a star: `/jobs/*/logs`",
    );
    calls("path = «\"/a?b\"»", ".path", "`/a?b` is not a path", "only the path, without query and spaces");
    calls("«methods» = \"GET\"", ".methods", "unknown key", "did you mean `method`?");
    calls("is = \"login\", is-not = [«\"login\"»]", ".is-not", "`login` is there with `is` as well", "");
    of(
        "name = \"flood\"\nmatch = { shows = [«\"referer\"»] }\n",
        ".match.shows",
        "`referer` is there with `shows-not` as well",
        "",
    );
}

#[test]
fn what_groups_have_one_of_is_not_counted_in_them() {
    let message = "calls are grouped by `caller`, so no group has two of them";
    of(&own("distinct = { of = «\"caller\"», over = \"5/1m\" }\n"), ".distinct", message, "");
    let message = "calls are grouped by `key`, so no group has two of them";
    of("name = \"hot-key\"\nper = «[\"key\"]»\n", ".per", message, "");
}

#[test]
fn names_are_those_of_rules_and_unique() {
    of(
        "name = «\"Job Exports!\"»\nover = \"1/1s\"\n",
        ".name",
        "`Job Exports!` cannot be the end of a rule's name",
        "lower-case letters, digits and dashes: `job-exports`",
    );
    of(
        "name = «\"7\"»\nover = \"1/1s\"\n",
        ".name",
        "`7` cannot be the end of a rule's name",
        "lower-case letters, digits and dashes, a letter first",
    );
    one(
        "[[detector]]\nname = \"flood\"\nenabled = false\n[[detector]]\nname = «\"flood\"»\nover = \"1/1s\"\n",
        "detector[1].name",
        "the name `flood` is taken by an earlier detector",
        "",
    );
}

#[test]
fn new_detectors_have_a_most() {
    let table = |index: usize| format!("[[detector]]\nname = \"d{index}\"\ndaily = 1\n");
    let most: String = (0..64).map(table).collect();
    assert_eq!(policy(&most).detectors.len(), detectors().len() + 64);
    let all = mistakes(&format!("{most}{}{}", table(64), table(65)));
    assert_eq!(all.remarks().len(), 1, "{all}");
    assert_eq!(all.remarks()[0].message, "found more than 64 new detectors");
    assert_eq!(all.remarks()[0].key, "detector[64]");
}

#[test]
fn a_ban_has_somebody_to_hit() {
    let text = "[watch]\npenalties = { file = \"bans\" }\n[[detector]]\nname = \"flood\"\nban = \"10m\"\n\
                [[detector]]\nname = \"crawl\"\nban = \"1m\"\nenabled = false\n";
    let bans = policy(text).bans;
    assert_eq!(bans.len(), 1, "who is switched off bans nobody: {bans:?}");
    assert_eq!((&*bans[0].detector, &*bans[0].rule), ("flood", "watch.flood"));
    assert_eq!((bans[0].ban.as_secs(), bans[0].up_to.as_secs()), (600, 86_400));
    let hint = "whom they are about is the first of `per`: `caller`, `token` or `address`";
    of(
        &own("per = [\"route\", \"caller\"]\ndaily = 5\nban = «\"1m\"»\n"),
        ".ban",
        "its findings are about `route`, and that cannot be banned",
        hint,
    );
    of(
        "name = \"hot-key\"\nban = «\"1m\"»\n",
        ".ban",
        "its findings are about `key`, and that cannot be banned",
        hint,
    );
    of(
        &own("per = [\"user\"]\ndaily = 5\nban = «\"1m\"»\n"),
        ".ban",
        "its findings are about users, and those are not banned: anybody can give a user's name",
        &format!("without `ban` they are told of; {hint}"),
    );
    of(
        &own("daily = 5\nban = «\"2d\"»\n"),
        ".ban",
        "2d is longer than `ban-up-to`, which is 1d when left out",
        "",
    );
    of(&own("daily = 5\n«ban-up-to» = \"2d\"\n"), ".ban-up-to", "is only there with `ban`", "");
}
