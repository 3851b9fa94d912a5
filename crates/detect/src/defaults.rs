//! What is looked for without any configuration.
//!
//! Thresholds are those of the table in docs/detectors.md, where each has its reason. What needs a number that only the
//! operator knows (clusters alive, jobs an hour, calls a day) is not here: a policy gives it. What is looked for in how
//! callers show who they are stands in `identity`; here is what they do.

mod identity;

use ratewarden_model::rules::{Rule, abuse};

use crate::spec::{By, Detector, Filter, Kind, RouteKind as Is, Shows, Statuses};

/// All detectors that work without configuration.
#[must_use]
pub fn detectors() -> Vec<Detector> {
    let groups = [control(), identity::detectors(), reads(), floods(), probes(), long_term()];
    groups.into_iter().flatten().collect()
}

const HIDDEN: [u16; 4] = [400, 401, 403, 404];

fn detector(rule: &Rule, name: &str, filter: Filter, per: &[By], kind: Kind, seconds: u32) -> Detector {
    let name = if name.is_empty() { rule.id.trim_start_matches("watch.") } else { name };
    Detector {
        name: name.to_owned(),
        rule: rule.id.to_owned(),
        severity: rule.severity,
        filter,
        per: per.to_vec(),
        kind,
        seconds,
        about: None,
    }
}

fn is(kinds: &[Is]) -> Filter {
    Filter { kinds: kinds.to_vec(), ..Filter::default() }
}

/// Calls that are not for static files, and not a browser's question whether it may ask. Any other method counts: a list
/// of those that do would be a list of those that hide.
fn dynamic() -> Filter {
    is(&[Is::Dynamic])
}

/// Dynamic calls of which nothing says that a page, a user or a known program makes them. Who is told that what he has is
/// still right (304) fetches nothing: so builds begin, by the dozen at the same minute.
fn bare() -> Filter {
    Filter { statuses: fetched(), without: vec![Shows::Credential, Shows::User, Shows::Referer], ..dynamic() }
}

/// The same with or without a page that they say they are of, which whoever likes can say.
fn paged() -> Filter {
    Filter { without: vec![Shows::Credential, Shows::User], ..dynamic() }
}

fn fetched() -> Statuses {
    Statuses::ranges(vec![(0, 303), (305, u16::MAX)])
}

const fn burst(calls: u32) -> Kind {
    Kind::Rate { calls, filled: 1 }
}

const fn distinct(of: By, values: u32) -> Kind {
    Kind::Distinct { of, values, percent: 0 }
}

fn control() -> Vec<Detector> {
    vec![
        detector(&abuse::ROUTE_VELOCITY, "", is(&[Is::Control]), &[By::Route], burst(500), 60),
        detector(&abuse::CLUSTER_CREATIONS, "", is(&[Is::Cluster]), &[By::Caller], burst(11), 300),
        detector(&abuse::JOB_FLOOD, "", is(&[Is::Job]), &[By::Caller], burst(101), 60),
        detector(&abuse::JOB_QUEUE, "", is(&[Is::Job]), &[By::All], burst(1000), 300),
        detector(
            &abuse::HOARDING,
            "",
            is(&[Is::Job]),
            &[By::Caller],
            Kind::Level { resource: ratewarden_model::Resource::Gpu, most: None, percent: Some(50) },
            1800,
        ),
        detector(
            &abuse::HOARDING,
            "hoarding of processors",
            is(&[Is::Job]),
            &[By::Caller],
            Kind::Level { resource: ratewarden_model::Resource::Cpu, most: None, percent: Some(50) },
            1800,
        ),
    ]
}

fn reads() -> Vec<Detector> {
    let read = || Filter { kinds: vec![Is::Read], not_kinds: vec![Is::Static], ..Filter::default() };
    let numbers = |filter: Filter| Filter { with: vec![Shows::Number], ..filter };
    vec![
        detector(
            &abuse::HOT_KEY,
            "",
            Filter { kinds: vec![Is::Write], ..Filter::default() },
            &[By::Template],
            Kind::Share { of: By::Key, percent: 30, calls: 500 },
            300,
        ),
        detector(
            &abuse::HOT_KEY,
            "hot key of a table",
            Filter {
                methods: ["INSERT", "UPDATE", "DELETE", "BATCH"].map(str::to_owned).to_vec(),
                ..Filter::default()
            },
            &[By::Template],
            Kind::Share { of: By::Key, percent: 30, calls: 500 },
            300,
        ),
        detector(
            &abuse::UNBOUNDED_READ,
            "",
            read(),
            &[By::Caller, By::Route],
            Kind::Peers { bytes: 100 << 20, factor: 20 },
            600,
        ),
        detector(
            &abuse::GROWING_LIMIT,
            "",
            Filter { with: vec![Shows::Limit], ..read() },
            &[By::Caller, By::Template],
            Kind::Growth { times: 3, factor: 100, limit: 1000 },
            3600,
        ),
        detector(
            &abuse::UNPAGED_READ,
            "",
            Filter {
                with: vec![Shows::Large],
                without: vec![Shows::Paging, Shows::Limit, Shows::Referer, Shows::Id],
                ..read()
            },
            &[By::Caller, By::Template],
            burst(12),
            900,
        ),
        detector(
            &abuse::ENUMERATION,
            "",
            numbers(Filter { without: vec![Shows::Credential, Shows::User, Shows::Referer], ..read() }),
            &[By::Address, By::Template],
            Kind::Sequence { numbers: 60 },
            120,
        ),
        detector(
            &abuse::ENUMERATION,
            "enumeration by a known caller or from pages",
            numbers(read()),
            &[By::Caller, By::Template],
            Kind::Sequence { numbers: 300 },
            120,
        ),
    ]
}

fn floods() -> Vec<Detector> {
    vec![
        detector(&abuse::FLOOD, "", bare(), &[By::Address], burst(300), 10),
        detector(
            &abuse::FLOOD,
            "flood with pages",
            Filter { without: vec![Shows::Credential], ..dynamic() },
            &[By::Address],
            burst(2000),
            10,
        ),
        detector(
            &abuse::FLOOD,
            "flood whatever it shows",
            Filter::default(),
            &[By::Address],
            burst(10_000),
            10,
        ),
        detector(
            &abuse::FLOOD,
            "flood of a known caller",
            Filter { with: vec![Shows::Credential], ..dynamic() },
            &[By::Token],
            burst(6000),
            60,
        ),
        detector(
            &abuse::CACHE_BYPASS,
            "",
            Filter { with: vec![Shows::Query], ..bare() },
            &[By::Address, By::Path],
            Kind::Distinct { of: By::Query, values: 30, percent: 80 },
            3,
        ),
        detector(
            &abuse::RANDOM_PATHS,
            "",
            bare(),
            &[By::Address],
            Kind::Distinct { of: By::Path, values: 45, percent: 80 },
            3,
        ),
        // A map that is zoomed through and links that are fetched before a click ask for much as well, but not so much of
        // one program. The window is as short as that of a hand.
        detector(
            &abuse::CACHE_BYPASS,
            "cache bypass with pages",
            Filter { with: vec![Shows::Query], ..paged() },
            &[By::Address, By::Path, By::Agent],
            Kind::Distinct { of: By::Query, values: 300, percent: 80 },
            6,
        ),
        detector(
            &abuse::RANDOM_PATHS,
            "random paths with pages",
            paged(),
            &[By::Address],
            Kind::Distinct { of: By::Template, values: 150, percent: 80 },
            10,
        ),
        detector(
            &abuse::AGENT_SWITCHING,
            "",
            Filter { without: vec![Shows::Credential], ..dynamic() },
            &[By::Address],
            Kind::Distinct { of: By::Agent, values: 10, percent: 70 },
            20,
        ),
    ]
}

fn probes() -> Vec<Detector> {
    vec![
        detector(&abuse::CRAWL, "", bare(), &[By::Address], distinct(By::Template, 40), 10),
        detector(
            &abuse::CRAWL,
            "crawl with pages",
            Filter { without: vec![Shows::Credential, Shows::User], ..dynamic() },
            &[By::Address],
            distinct(By::Template, 300),
            60,
        ),
        detector(
            &abuse::PROBING,
            "",
            Filter { statuses: Statuses::of(&HIDDEN), ..dynamic() },
            &[By::Address],
            distinct(By::Template, 10),
            10,
        ),
        detector(
            &abuse::PROBING,
            "sensitive files",
            is(&[Is::Sensitive]),
            &[By::Address],
            distinct(By::Path, 4),
            10,
        ),
    ]
}

fn long_term() -> Vec<Detector> {
    let known = Kind::Baseline { factor: 5, calls: 200 };
    vec![
        detector(
            &abuse::NO_CLIENT_ADDRESSES,
            "",
            Filter::default(),
            &[By::Address],
            Kind::Front { addresses: 8, agents: 8 },
            3600,
        ),
        detector(&abuse::BASELINE, "", dynamic(), &[By::Route], known.clone(), 3600),
        detector(
            &abuse::BASELINE,
            "baseline of a caller",
            Filter { with: vec![Shows::Credential], ..dynamic() },
            &[By::Token],
            known,
            3600,
        ),
    ]
}
