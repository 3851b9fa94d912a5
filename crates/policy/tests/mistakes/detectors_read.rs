//! Detectors without a mistake: those that are built in, as a file changes them, and new ones, as they are meant.

use ratewarden_detect::{By, Detector, Filter, Kind, RouteKind, Shows, Statuses, detectors};
use ratewarden_model::{Resource, Severity};

use super::*;

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
