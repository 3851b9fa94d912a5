//! What cannot be carried is named, with its place and its reason.

use ratewarden_sigma::{MAX_COMPILED, MAX_FILE_BYTES, MAX_RULES, Refusal, compile};

use crate::{rule, rules};

fn refusal(text: &str) -> Refusal {
    let compiled = rules(text);
    assert_eq!(compiled.detectors.len(), 0, "{text}");
    let [refusal] = compiled.refused.as_slice() else { panic!("{text}\n{:?}", compiled.refused) };
    refusal.clone()
}

#[test]
fn what_a_rule_asks_for_and_cannot_have_is_named_with_its_reason() {
    for (selection, what, why) in [
        ("cs-host: a", "`cs-host`", "calls do not keep it"),
        ("CommandLine: a", "`CommandLine`", "no such field"),
        ("cs-uri|base64offset|contains: a", "base64offset", "other encodings"),
        ("cs-uri|windash|contains: a", "windash", "command lines"),
        ("cs-uri|fieldref: cs-username", "fieldref", "compares two fields"),
        ("cs-uri|expand: '%x%'", "expand", "values that the rule does not have"),
        ("cs-uri|frobnicate: a", "frobnicate", "a modifier that is not known"),
        ("cs-uri|contains|startswith: a", "startswith", "do not go together"),
        ("cs-uri|re: '(a'", "`cs-uri|re`", "regular expression cannot be read"),
        ("cs-uri|re: '(?=a)'", "`cs-uri|re`", "look-around"),
        ("cs-uri|re: 'a{1000}{1000}'", "`cs-uri|re`", "too large"),
        ("cs-uri|cidr: 192.0.2.0/24", "cidr", "wants the client's address"),
        ("c-ip|cidr: 192.0.2.0/40", "cidr", "is no network"),
        ("cs-uri|gt: 7", "cs-uri|gt", "is no number"),
        ("sc-status|gt: many", "sc-status|gt", "`many` is no number"),
        ("sc-status|exists: 1", "exists", "`true` or `false`"),
        ("sc-status: []", "`sc-status`", "has no value"),
        ("sc-status: {a: b}", "`sc-status`", "neither text nor a number"),
    ] {
        let refusal = refusal(&rule(&format!("  s:\n    {selection}\n  condition: s")));
        assert!(refusal.what.contains(what) && refusal.why.contains(why), "{selection}: {refusal}");
        assert!(refusal.what.starts_with("selection `s`"), "{refusal}");
        assert_eq!((refusal.line, refusal.rule.as_deref()), (Some(1), Some("A rule")));
    }
}

#[test]
fn a_rule_that_is_not_whole_is_named_with_its_reason() {
    let web = "logsource: {category: webserver}";
    for (text, what) in [
        (format!("title: x\n{web}\n"), "detection is missing"),
        (format!("title: x\n{web}\ndetection: {{s: {{cs-method: a}}}}\n"), "condition is missing"),
        (format!("{web}\ndetection: {{s: {{cs-method: a}}, condition: s}}\n"), "title is missing"),
        (format!("title: x\nlevel: bad\n{web}\ndetection: {{s: {{cs-method: a}}, condition: s}}\n"), "level `bad` is none"),
        (format!("title: x\n{web}\ndetection: {{s: {{}}, condition: s}}\n"), "is empty"),
        (format!("title: x\n{web}\ndetection: {{s: ~, condition: s}}\n"), "is empty"),
        (format!("title: x\n{web}\ndetection: {{s: {{cs-method: a}}, condition: t}}\n"), "no selection `t`"),
        (format!("title: x\n{web}\ndetection: {{s: {{cs-method: a}}, timeframe: 1m, condition: s | count() > 5}}\n"), "a correlation rule says it"),
        ("title: x\naction: global\n".to_owned(), "gone from Sigma"),
        ("title: x\nlogsource: {product: windows, category: process_creation}\ndetection: {s: {User: a}, condition: s}\n".to_owned(), "product windows"),
        ("title: x\nlogsource: {category: application}\ndetection: {s: [word], condition: s}\n".to_owned(), "webserver or proxy"),
        ("title: x\nlogsource: {category: webserver, service: error}\ndetection: {s: [word], condition: s}\n".to_owned(), "error log"),
        ("- a\n- b\n".to_owned(), "title is missing"),
    ] {
        let refusal = refusal(&text);
        assert!(refusal.to_string().contains(what), "{text}: {refusal}");
    }
    let known = "title: x\nlogsource: {product: nginx}\ndetection: {s: {status: 404}, condition: s}\n";
    assert_eq!(rules(known).detectors.len(), 1);
}

#[test]
fn a_broken_document_takes_none_of_its_neighbours_with_it() {
    let good = rule("  s:\n    cs-method: PUT\n  condition: s");
    let text = format!("{good}---\ntitle: [broken\n---\n{}", good.replace("A rule", "Another"));
    let compiled = rules(&text);
    assert_eq!((compiled.detectors.len(), compiled.rules), (2, 3));
    let refusal = &compiled.refused[0];
    assert_eq!(compiled.refused.len(), 1);
    assert!(refusal.line == Some(10) && refusal.to_string().starts_with("rules.yml:"), "{refusal}");
}

#[test]
fn files_that_are_no_rules_are_named() {
    let long = vec![b'#'; MAX_FILE_BYTES + 1];
    let sources = [("a", &b"\xff\xfe"[..]), ("b", &long), ("c", b"# nothing\n"), ("d", b"")];
    let refused = compile(sources).refused;
    let shown: Vec<_> = refused.iter().map(ToString::to_string).collect();
    assert_eq!(
        shown,
        [
            "a: the file is not UTF-8 from byte 0 on",
            "b: the file has more than 1048576 bytes",
            "c: the file has no rule in it",
            "d: the file has no rule in it",
        ]
    );
}

#[test]
fn two_rules_of_one_id_are_one_and_a_refusal() {
    let good = rule("  s:\n    cs-method: PUT\n  condition: s");
    let compiled = compile([("a.yml", good.clone()), ("b.yml", good)]);
    assert_eq!(compiled.detectors.len(), 1);
    let shown = compiled.refused[0].to_string();
    assert_eq!(shown, "b.yml:1: “A rule”: its id `a-rule` is that of the rule at a.yml:1 already");
}

#[test]
fn rules_that_are_too_many_are_named_one_by_one_and_files_after_the_last_are_not_read() {
    let one = |number: usize| {
        rule("  s:\n    cs-method: PUT\n  condition: s").replace("A rule", &format!("R{number}"))
    };
    let compiled = compile((0..MAX_COMPILED + 3).map(|number| (format!("{number}.yml"), one(number))));
    assert_eq!((compiled.detectors.len(), compiled.refused.len()), (MAX_COMPILED, 3));
    assert!(
        compiled.refused[2].to_string().contains("“R1026”: it is left out: 1024 rules"),
        "{}",
        compiled.refused[2]
    );
    let compiled = compile((0..MAX_RULES + 5).map(|number| (format!("{number}.yml"), "title: x")));
    assert_eq!((compiled.rules, compiled.refused.len()), (MAX_RULES, MAX_RULES + 1));
    assert!(compiled.refused[MAX_RULES].why.contains("not read"));
}

#[test]
fn nothing_in_a_rule_moves_the_terminal() {
    let text = "title: \"a\\e[31m\\u202Eb\"\nlogsource: {category: webserver}\ndetection: {s: {cs-method: PUT}, condition: s}\n";
    let about = rules(text).detectors[0].about.clone().unwrap();
    assert_eq!(about.title, "a\\u{1b}[31m\\u{202e}b");
}

#[test]
fn correlations_that_cannot_be_carried_are_named_with_their_reason() {
    let base = rule("  s:\n    cs-method: PUT\n  condition: s") + "name: base\n";
    for (correlation, what) in [
        ("type: event_count\n  rules: [base]\n  timespan: 1m\n  condition: {lt: 5}", "only begun"),
        ("type: event_count\n  rules: [base]\n  timespan: 1m\n  condition: {eq: 5}", "only begun"),
        ("type: event_count\n  rules: [base]\n  timespan: 1m\n  condition: {gte: 0}", "holds always"),
        ("type: event_count\n  rules: [base]\n  timespan: 1m\n  condition: {gte: 100000}", "counts further"),
        (
            "type: event_count\n  rules: [base]\n  timespan: 1m\n  condition: {gt: 5, gte: 5}",
            "both gt and gte",
        ),
        ("type: event_count\n  rules: [base]\n  timespan: 1m", "no map with gt"),
        ("type: event_count\n  rules: [base]\n  condition: {gte: 5}", "`timespan` is missing"),
        ("type: event_count\n  rules: [base]\n  timespan: 1y\n  condition: {gte: 5}", "timespan `1y`"),
        (
            "type: event_count\n  rules: [other]\n  timespan: 1m\n  condition: {gte: 5}",
            "its rule `other` is not there",
        ),
        ("type: event_count\n  timespan: 1m\n  condition: {gte: 5}", "`rules` is missing"),
        (
            "type: event_count\n  rules: [base]\n  group-by: [cs-host]\n  timespan: 1m\n  condition: {gte: 5}",
            "`cs-host` calls do not keep it",
        ),
        (
            "type: event_count\n  rules: [base]\n  group-by: [cs-referer]\n  timespan: 1m\n  condition: {gte: 5}",
            "not grouped by it",
        ),
        (
            "type: event_count\n  rules: [base]\n  gap: 5m\n  timespan: 1m\n  condition: {gte: 5}",
            "`gap` is not known",
        ),
        ("type: value_count\n  rules: [base]\n  timespan: 1m\n  condition: {gte: 5}", "`field` is missing"),
        (
            "type: value_count\n  rules: [base]\n  timespan: 1m\n  condition: {gte: 5, field: sc-bytes}",
            "different values of it",
        ),
        (
            "type: value_sum\n  rules: [base]\n  timespan: 1m\n  condition: {gte: 5, field: sc-status}",
            "no number that is summed up",
        ),
        (
            "type: value_percentile\n  rules: [base]\n  timespan: 1m\n  condition: {gte: 5, field: sc-bytes}",
            "`percentile` is no whole",
        ),
        ("type: temporal\n  rules: [base]\n  timespan: 1m", "only one rule"),
        ("type: temporal\n  rules: [base, base]\n  timespan: 1m\n  condition: base and base", "in words"),
        (
            "type: temporal_ordered\n  rules: [base, base]\n  timespan: 1m\n  condition: {gte: 1}",
            "all of them hold",
        ),
        ("type: session\n  rules: [base]\n  timespan: 1m", "type `session` is not known"),
        (
            "type: event_count\n  rules: [base]\n  group-by: [x]\n  aliases: {x: {base: c-ip, other: cs-method}}\n  timespan: 1m\n  condition: {gte: 5}",
            "alias of different fields",
        ),
    ] {
        let compiled = rules(&format!("{base}---\ntitle: C\ncorrelation:\n  {correlation}\n"));
        let shown: Vec<_> = compiled.refused.iter().map(ToString::to_string).collect();
        assert_eq!(shown.len(), 1, "{correlation}: {shown:?}");
        assert!(
            shown[0].starts_with("rules.yml:11: “C”: ") && shown[0].contains(what),
            "{correlation}: {shown:?}"
        );
    }
}
