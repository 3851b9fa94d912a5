//! Mistakes in detectors, and in the bans they ask for.

use ratewarden_detect::detectors;

use super::*;

/// The detector has exactly this mistake.
fn of(text: &str, key: &str, message: &str, hint: &str) {
    one(&format!("[[detector]]\n{text}"), &format!("detector[0]{key}"), message, hint);
}

fn own(rest: &str) -> String {
    format!("name = \"mine\"\n{rest}")
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
