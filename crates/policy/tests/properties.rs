//! Any text is read or refused with mistakes that point into it; any policy within the rules is read as it was
//! written.

use std::fmt::Write as _;
use std::path::Path;
use std::time::Duration;

use proptest::collection::{btree_set, vec};
use proptest::option;
use proptest::prelude::*;
use ratewarden_detect::{By, Detector, Filter, Kind, detectors};
use ratewarden_model::Severity;
use ratewarden_policy::{Bounded, EXAMPLE, Mistakes, Policy, Remark, read};

const FILE: &str = "/etc/ratewarden.toml";

const BASE: &str = "[listen]\nhttp = \"127.0.0.1:8080\"\n[upstream]\nurl = \"http://127.0.0.1:8265\"\n";

/// Whether a remark points into the text.
fn points_into(remark: &Remark, text: &str) -> bool {
    let line = text.split('\n').nth(remark.line - 1);
    let room = line.map_or(0, |line| line.chars().count() + 1);
    !remark.message.is_empty() && (1..=room.max(1)).contains(&remark.column)
}

fn is_told(mistakes: &Mistakes, text: &str) -> bool {
    !mistakes.remarks().is_empty() && mistakes.remarks().iter().all(|remark| points_into(remark, text))
}

fn holds(text: &str) -> bool {
    match read(text, Path::new(FILE)) {
        Ok(read) => read.warnings.iter().all(|remark| points_into(remark, text)),
        Err(mistakes) => is_told(&mistakes, text) && !mistakes.to_string().contains('\u{1b}'),
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    #[test]
    fn no_text_panics(text in "\\PC{0,200}") {
        prop_assert!(holds(&text));
    }

    #[test]
    fn no_text_of_tomls_own_characters_panics(text in "[a-z=\\[\\]{}\"'.,#\n\t 0-9_\u{1b}ü-]{0,200}") {
        prop_assert!(holds(&text));
    }

    #[test]
    fn no_damage_to_a_policy_panics(at in 0..EXAMPLE.len(), gone in 0_usize..40, put in "[a-z=\\[\\]{}\"'.,#\n 0-9ü-]{0,20}") {
        let at = EXAMPLE.floor_char_boundary(at);
        let end = EXAMPLE.floor_char_boundary((at + gone).min(EXAMPLE.len())).max(at);
        let damaged = [&EXAMPLE[..at], &put, &EXAMPLE[end..]].concat();
        prop_assert!(holds(&damaged));
    }

    #[test]
    fn no_line_out_of_place_panics(from in 0_usize..200, to in 0_usize..200) {
        let mut lines: Vec<&str> = EXAMPLE.lines().collect();
        let (from, to) = (from % lines.len(), to % lines.len());
        lines.swap(from, to);
        prop_assert!(holds(&lines.join("\n")));
    }
}

/// A limit's TOML after its name, and whether what was read is what it says.
#[derive(Debug, Clone)]
struct Written {
    text: String,
    calls: u64,
    seconds: Option<u64>,
    per: usize,
    shadow: bool,
}

fn algorithm() -> impl Strategy<Value = (String, u64, Option<u64>)> {
    let number = 1_u64..=100_000;
    let seconds = 1_u64..=86_400;
    prop_oneof![
        (number.clone(), seconds.clone()).prop_map(|(calls, seconds)| {
            // A full bucket may not take longer than two years.
            (format!("rate = \"{calls}/{seconds}s\""), calls, Some(seconds))
        }),
        (number.clone(), seconds).prop_map(|(calls, seconds)| {
            (format!("window = \"{calls}/{seconds}s\""), calls, Some(seconds))
        }),
        (number.clone(), prop_oneof!["minute", "hour", "day", "week", "month", "year"]).prop_map(
            |(calls, each)| {
                (
                    format!("quota = {{ calls = {calls}, each = \"{each}\", zone = \"Europe/Berlin\" }}"),
                    calls,
                    None,
                )
            }
        ),
        number.prop_map(|calls| (format!("concurrent = {calls}"), calls, None)),
    ]
}

fn written() -> impl Strategy<Value = Written> {
    let keys = btree_set(
        prop_oneof![
            Just("caller".to_owned()),
            Just("address".to_owned()),
            Just("route".to_owned()),
            Just("path:id".to_owned()),
            "header:[a-z-]{1,9}",
            "query:[a-z]{1,9}",
            "body:[a-z]{1,4}\\.[a-z]{1,4}",
        ],
        0..6,
    );
    let parts = (
        option::of(prop_oneof!["GET", "PUT", "LINK"]),
        option::of(prop_oneof![
            Just("request.path.startsWith(\"/a\")"),
            Just("!(caller.plan in [\"a\", \"b\"])"),
            Just("\"x\" in request.query || request.headers[\"x-y\"] == \"z\""),
        ]),
        option::of(prop_oneof![Just("1"), Just("\"query:n\""), Just("\"body-bytes:1KiB\"")]),
    );
    (algorithm(), keys, parts, any::<bool>()).prop_map(|((algorithm, calls, seconds), keys, (method, when, cost), shadow)| {
        let method = method.map_or_else(String::new, |method| format!("method = \"{method}\", "));
        let when = when.map_or_else(String::new, |when| format!("when = '{when}'\n"));
        let cost = cost.map_or_else(String::new, |cost| format!("cost = {cost}\n"));
        let per: Vec<String> = keys.iter().map(|key| format!("\"{key}\"")).collect();
        let text = format!(
            "match = {{ {method}path = \"/a/{{id}}\" }}\n{when}per = [{}]\n{algorithm}\n{cost}shadow = {shadow}\n",
            per.join(", ")
        );
        Written { text, calls, seconds, per: keys.len(), shadow }
    })
}

fn limit<'p>(policy: &'p Policy, name: &str) -> Option<&'p ratewarden_policy::Limit> {
    policy.limits.iter().find(|limit| limit.name == name)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]

    #[test]
    fn a_policy_within_the_rules_is_read_as_it_was_written(
        limits in vec(written(), 0..6),
        timeouts in vec(1_u64..86_400, 3),
        keys in 1_024_u64..1_000_000,
        max in 0_u64..1_000_000,
        clamp: bool,
    ) {
        let mut text = BASE.to_owned();
        for (index, limit) in limits.iter().enumerate() {
            let _ = write!(text, "[[limit]]\nname = \"limit {index}\"\n{}", limit.text);
        }
        let _ = write!(text, "[timeouts]\nheader = \"{}s\"\nbody = \"{}ms\"\nidle = \"{}s\"\n", timeouts[0], timeouts[1], timeouts[2]);
        let _ = write!(text, "[caps]\nkeys = {keys}\n[[bound]]\nname = \"b\"\nquery = \"n\"\nmax = {max}\nover = \"{}\"\n", if clamp { "clamp" } else { "refuse" });
        let policy = match read(&text, Path::new(FILE)) {
            Ok(read) => read.policy,
            Err(mistakes) => return Err(TestCaseError::fail(format!("{mistakes}\n{text}"))),
        };
        prop_assert_eq!(policy.limits.len(), limits.len());
        for (index, written) in limits.iter().enumerate() {
            let read = limit(&policy, &format!("limit {index}")).ok_or_else(|| TestCaseError::fail("a limit is lost"))?;
            prop_assert_eq!(read.algorithm.capacity(), written.calls);
            prop_assert_eq!(read.window, written.seconds.map(Duration::from_secs));
            prop_assert_eq!((read.per.len(), read.shadow), (written.per, written.shadow));
        }
        prop_assert_eq!(policy.timeouts.header, Duration::from_secs(timeouts[0]));
        prop_assert_eq!(policy.timeouts.body, Duration::from_millis(timeouts[1]));
        prop_assert_eq!(policy.caps.keys as u64, keys);
        let expected = Bounded::Query { name: "n".into(), max, clamp, required: false };
        prop_assert_eq!(&policy.bounds[0].what, &expected);
    }
}

/// The place of a limit in the order in which limits are asked.
fn order(text: &str) -> Vec<String> {
    let text = format!("{BASE}{text}");
    read(&text, Path::new(FILE)).map_or_else(
        |mistakes| vec![mistakes.to_string()],
        |read| read.policy.limits.into_iter().map(|limit| limit.name).collect(),
    )
}

#[test]
fn limits_of_single_callers_come_before_what_all_share() {
    let limit =
        |name: &str, per: &str| format!("[[limit]]\nname = \"{name}\"\nper = [{per}]\nrate = \"1/1s\"\n");
    let text = [
        limit("all", ""),
        limit("route", "\"route\""),
        limit("query", "\"query:q\""),
        limit("caller", "\"route\", \"caller\""),
        limit("tenant", "\"body:a\", \"method\""),
        limit("cookie", "\"cookie:c\""),
    ]
    .concat();
    assert_eq!(order(&text), ["caller", "cookie", "query", "tenant", "all", "route"]);
}

#[test]
fn defaults_are_those_of_the_page() {
    let policy = read(BASE, Path::new(FILE)).map(|read| read.policy);
    let all = read(EXAMPLE, Path::new(FILE)).map(|read| read.policy);
    let (Ok(policy), Ok(all)) = (policy, all) else { panic!("both are policies") };
    // The example writes the defaults out.
    assert_eq!((policy.timeouts, policy.caps, policy.credentials), (all.timeouts, all.caps, all.credentials));
    assert_eq!((policy.answer, policy.trust.ipv6_prefix), (all.answer, all.trust.ipv6_prefix));
    assert_eq!(policy.callers.len(), 1);
    assert_eq!(policy.callers[0].from, ratewarden_policy::CallerFrom::Address);
}

fn pick(words: &'static [&'static str]) -> impl Strategy<Value = &'static str> {
    proptest::sample::select(words)
}

/// The TOML of a kind, what it means, and its seconds.
fn kind() -> impl Strategy<Value = (String, Kind, u32)> {
    let seconds = 1_u32..=604_800;
    let number = 1_u32..=8_000;
    prop_oneof![
        (number.clone(), seconds.clone(), 1_u32..=8).prop_map(|(calls, seconds, filled)| {
            let text = format!("over = \"{calls}/{seconds}s\"\nspread = {filled}");
            (text, Kind::Rate { calls, filled }, seconds)
        }),
        (number.clone(), seconds.clone(), 0_u32..=100).prop_map(|(values, seconds, percent)| {
            let over = format!("over = \"{values}/{seconds}s\"");
            let text = format!("distinct = {{ of = \"agent\", {over}, percent = {percent} }}");
            (text, Kind::Distinct { of: By::Agent, values, percent }, seconds)
        }),
        (number.clone(), seconds.clone(), 1_u32..=100).prop_map(|(calls, seconds, percent)| {
            let rest = format!("percent = {percent}, calls = {calls}");
            let text = format!("share = {{ in = \"{seconds}s\", of = \"key\", {rest} }}");
            (text, Kind::Share { of: By::Key, percent, calls }, seconds)
        }),
        (number, seconds, 2_u32..=100).prop_map(|(size, seconds, factor)| {
            let rest = format!("factor = {factor}, in = \"{seconds}s\"");
            let text = format!("peers = {{ bytes = \"{size}KiB\", {rest} }}");
            (text, Kind::Peers { bytes: u64::from(size) << 10, factor }, seconds)
        }),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]
    #[test]
    fn detectors_are_read_as_they_were_written(
        kinds in vec(kind(), 0..20),
        severity in pick(&["critical", "high", "medium", "low", "info"]),
        off in btree_set(0_usize..40, 0..6),
    ) {
        let built_in = detectors();
        let mut text = String::new();
        for (index, (kind, ..)) in kinds.iter().enumerate() {
            let _ = write!(text, "[[detector]]\nname = \"d{index}\"\nseverity = \"{severity}\"\n{kind}\n");
        }
        for index in &off {
            let _ = write!(text, "[[detector]]\nname = \"{}\"\nenabled = false\n", built_in[*index].name);
        }
        let own = kinds.iter().enumerate().map(|(index, (_, kind, seconds))| Detector {
            name: format!("d{index}"),
            rule: format!("watch.d{index}"),
            severity: severity.parse().unwrap_or(Severity::Info),
            filter: Filter::default(),
            per: vec![By::Caller],
            kind: kind.clone(),
            seconds: *seconds,
            about: None,
        });
        let kept = built_in.iter().enumerate().filter(|(index, _)| !off.contains(index));
        let meant: Vec<Detector> = kept.map(|(_, detector)| detector.clone()).chain(own).collect();
        match read(&text, Path::new(FILE)) {
            Ok(read) => prop_assert_eq!(read.policy.detectors, meant),
            Err(mistakes) => return Err(TestCaseError::fail(format!("{mistakes}\n{text}"))),
        }
    }
}
