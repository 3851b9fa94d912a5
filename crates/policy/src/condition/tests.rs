//! Conditions that hold, and what is said of those that do not.

use proptest::prelude::*;

use super::*;

fn faults(text: &str) -> Vec<Fault> {
    compile(text).err().unwrap_or_default()
}

/// The one fault: what is marked, the message, the hint.
fn fault(text: &str) -> (&str, String, String) {
    let all = faults(text);
    let [one] = &*all else { panic!("{text}: {all:?}") };
    (&text[one.at.clone()], one.message.clone(), one.hint.clone().unwrap_or_default())
}

#[test]
fn a_condition_speaks_of_the_call() {
    for text in [
        "true",
        "request.method == 'POST' && request.path.startsWith('/x')",
        "request.headers['x-team'] == 'red' || has(request.query.kind)",
        "caller.plan in ['pro', 'team'] && caller.name != '' && caller.address.startsWith('10.')",
        "request.query.exists(k, k.contains('['))",
        "size(request.path) > 100 && int(request.query['limit']) > 500",
        "request.path.matches('^/v[0-9]+/')",
        "request.headers.all(k, [1, 2].exists(n, n == 1 || k == 'a'))",
        ".request.path == '/'",
        "!(request.path.endsWith('.png')) ? true : 'a' + 'b' == 'ab'",
    ] {
        assert_eq!(faults(text), [], "{text}");
    }
}

#[test]
fn an_unknown_variable_is_marked() {
    let (marked, message, hint) = fault("request.path == '/ü' && caler.plan == 'pro'");
    assert_eq!(
        (marked, &*message, &*hint),
        ("caler", "there is no variable `caler`", "did you mean `caller`?")
    );
    let (marked, message, hint) = fault("request.pth == '/'");
    assert_eq!((marked, &*message), ("request", "`request` has no `pth`"));
    assert_eq!(hint, "did you mean `request.path`?");
    assert_eq!(fault("path == '/'").2, "did you mean `request.path`?");
    assert!(fault("nothing.like == 1").2.starts_with("known are `request.method`, "));
    assert_eq!(fault("caller == 'me'").2, "name one of `caller.name`, `caller.plan` or `caller.address`");
    assert_eq!(fault("request.path.length == 1").1, "`request.path` is a string and has no `length`");
    assert_eq!(faults("a == b").len(), 2);
    assert_eq!(fault("[1].all(k, k == j)").0, "j");
}

#[test]
fn a_header_with_dashes_is_no_subtraction() {
    let (marked, _, hint) = fault("request.headers.x-team == 'red'");
    assert_eq!((marked, &*hint), ("team", "write `request.headers[\"x-team\"]`"));
    let (_, message, hint) = fault("request.headers['X-Team'] == 'red'");
    assert_eq!(message, "names of header fields are in lower case here");
    assert_eq!(hint, "write `request.headers[\"x-team\"]`");
}

#[test]
fn an_unknown_function_has_a_suggestion() {
    let (_, message, hint) = fault("request.path.startswith('/')");
    assert_eq!((&*message, &*hint), ("there is no function `startswith`", "did you mean `startsWith`?"));
    assert!(fault("now() > 1").2.starts_with("known are"));
    assert_eq!(fault("Call{a: 1} == 1").1, "there is no type `Call`");
}

#[test]
fn a_pattern_is_not_the_callers() {
    assert_eq!(
        fault("request.path.matches(request.query['p'])").1,
        "the pattern of `matches` must be written here"
    );
    assert!(fault("request.path.matches('[')").1.starts_with("cannot be computed: "));
}

#[test]
fn the_result_is_true_or_false() {
    assert_eq!(fault("request.path").1, "is a string, expected true or false");
    assert_eq!(fault("size(request.path)").1, "is a number, expected true or false");
    assert!(fault("request.path > 5").1.starts_with("cannot be computed: found no matching overload"));
}

#[test]
fn a_syntax_error_is_marked_where_it_is() {
    let (marked, message, _) = fault("request.path = '/'");
    assert!(
        marked == "=" && message.starts_with("is not CEL: token recognition error"),
        "{marked} {message}"
    );
    assert_eq!(fault("request.path ==").1, "is not CEL: mismatched input the end");
    assert_eq!(faults("'ü' == 'ü' junk")[0].at, 13..14);
    assert_eq!(fault("").1, "is not CEL: mismatched input the end");
}

#[test]
fn what_would_take_too_much_is_refused() {
    assert!(fault(&"(".repeat(1_000)).1.contains("brackets within each other"));
    assert!(fault(&format!("{} true", "x".repeat(2_000))).1.contains("expected at most 1024"));
    assert!(fault(&vec!["1"; 100].join(" + ")).1.contains("within each other"));
    assert!(fault("[1].all(a, [1].all(b, [1].all(c, true)))").1.contains("loops"));
    let nested = format!("{}true{}", "(".repeat(MAX_BRACKETS), ")".repeat(MAX_BRACKETS));
    assert_eq!(faults(&nested), []);
}

#[test]
fn the_widest_condition_fits_the_stack() {
    for part in
        ["a?b:", "!", "-", "a.", "a<", "a[", "f(", "{a:", "''", "a.all(x,", "a||", "[[", "\"\"\"", "- -"]
    {
        let text: String = part.chars().cycle().take(MAX_BYTES).collect();
        let _ = faults(&text);
        let capped = part.repeat(MAX_BRACKETS / 2);
        let _ = faults(&format!("{capped}{}", "a?b:".repeat((MAX_BYTES - capped.len()) / 4)));
    }
}

#[test]
fn a_part_of_a_literal_is_found_through_its_escapes() {
    let found =
        |literal: &'static str, text: &str, part| in_literal(literal, text, &part).map(|at| &literal[at]);
    assert_eq!(found("'abc'", "abc", 1..2), Some("b"));
    assert_eq!(found(r#""a\"bc""#, "a\"bc", 2..4), Some("bc"));
    assert_eq!(found(r#""\u00fcb""#, "üb", 2..3), Some("b"));
    assert_eq!(found("'''\nab'''", "ab", 1..2), Some("b"));
    assert_eq!(found("'ab'", "ab", 2..2), Some(""));
    assert_eq!(found("'ab'", "xy", 0..1), None);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]
    #[test]
    fn no_condition_panics(text in "[a-z.()\\[\\]'\"&|!=<>+?:{}, ü0-9]{0,60}") {
        for fault in faults(&text) {
            prop_assert!(text.get(fault.at.clone()).is_some(), "{fault:?}");
        }
    }
}
