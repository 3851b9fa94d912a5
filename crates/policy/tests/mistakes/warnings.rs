//! What is allowed but most likely not meant.

use super::*;

/// The text has exactly this warning, beside none.
fn warned(text: &str, key: &str, message: &str, hint: &str) {
    let (text, line, column, width) = unmark(text);
    let warnings = read(&text, file()).unwrap_or_else(|mistakes| panic!("{mistakes}")).warnings;
    assert_eq!(warnings.len(), 1, "{warnings:#?}");
    check(&warnings[0], (line, column, width), key, message, hint);
}

fn of(text: &str, key: &str, message: &str, hint: &str) {
    warned(&format!("{BASE}{}{text}", limit("")), key, message, hint);
}

#[test]
fn a_policy_that_limits_nobody_is_told() {
    let warnings = read(BASE, file()).unwrap().warnings;
    assert_eq!(
        (&*warnings[0].key, &*warnings[0].message),
        ("limit", "there is none, so every call is admitted")
    );
    warned(
        &format!("{BASE}«[[limit]]»\nname = \"a\"\nrate = \"1/1s\"\nshadow = true\n"),
        "limit",
        "all are in shadow, so nothing is enforced",
        "take `shadow = true` out of those that should be",
    );
}

#[test]
fn a_caller_who_makes_up_keys_is_told() {
    let message = "without `keys` every new value is a new caller, whom no limit has seen yet";
    let hint = "add `keys`, or a limit with `per = [\"address\"]`";
    of("[[caller]]\nfrom = «\"header:x-api-key\"»\n", "caller[0].from", message, hint);
    let both = format!(
        "{BASE}{}[[limit]]\nname = \"b\"\nper = [\"address\"]\nrate = \"1/1s\"\n[[caller]]\nfrom = \"bearer\"\n",
        limit("")
    );
    assert_eq!(read(&both, file()).unwrap().warnings, []);
}

#[test]
fn a_caller_who_is_never_asked_is_told() {
    let late = "[[caller]]\nfrom = «\"header:x-api-key\"»\nkeys = \"k\"\n";
    of(
        &format!("[[caller]]\nfrom = \"address\"\n{late}"),
        "caller[1].from",
        "is never asked: every call has an address, and an earlier [[caller]] takes it",
        "",
    );
    of(
        &format!("[[caller]]\nfrom = \"bearer\"\nkeys = \"k\"\nrequired = true\n{late}"),
        "caller[1].from",
        "is never asked: an earlier [[caller]] is required",
        "",
    );
    of(
        "[[caller]]\nfrom = \"bearer\"\nkeys = \"k\"\n[[caller]]\nfrom = «\"jwt:sub\"»\njwt = { jwks = \"a\" }\n",
        "caller[1].from",
        "is never asked: an earlier [[caller]] takes every bearer token",
        "",
    );
}

#[test]
fn who_accepts_the_tokens_of_other_services_is_told() {
    of(
        "[[caller]]\nfrom = \"jwt:sub\"\njwt = «{ jwks = \"https://login.example.com/jwks\" }»\n",
        "caller[0].jwt",
        "tokens that were issued for other services are accepted too",
        "add the `audience` that tokens for this API have",
    );
}

#[test]
fn trust_in_everybody_or_nobody_is_told() {
    of(
        "[trust]\nproxies = [«\"0.0.0.0/0\"»]\n",
        "trust.proxies[0]",
        "everybody is trusted, so everybody chooses the address they are counted by",
        "",
    );
    warned(
        &format!(
            "[listen]\nhttp = \"127.0.0.1:1\"\nproxy-protocol = «true»\n[upstream]\nurl = \"http://a\"\n{}",
            limit("")
        ),
        "listen.proxy-protocol",
        "no proxy is trusted to use it",
        "add the proxy to `trust.proxies`",
    );
}

#[test]
fn tables_without_use_are_told() {
    of("«[tls]»\ncertificate = \"c\"\nkey = \"k\"\n", "tls", "nothing uses it without `listen.https`", "");
    of("«[admin]»\ntoken-env = \"T\"\n", "admin", "nothing uses it without `listen.admin`", "");
    of(
        "«[[plan]]»\nname = \"pro\"\n",
        "plan[0]",
        "no caller can have this plan",
        "plans come from a `keys` file or from `jwt.plan-claim`, or are the `default`",
    );
}

#[test]
fn what_a_restart_forgets_is_told() {
    let hint = "add [store] with `file = \"ratewarden.db\"`";
    of(
        "[[limit]]\nname = \"b\"\nquota = «{ calls = 1, each = \"day\" }»\n",
        "limit[1].quota",
        "without [store] a restart begins the quota anew",
        hint,
    );
    of(
        "«[[penalty]]»\nafter = \"1 rejections/1m\"\nban = \"1m\"\n",
        "penalty",
        "without [store] a restart lifts every ban",
        hint,
    );
    let kept = format!(
        "{BASE}[[limit]]\nname = \"b\"\nquota = {{ calls = 1, each = \"day\" }}\n[store]\nfile = \"a\"\n"
    );
    assert_eq!(read(&kept, file()).unwrap().warnings, []);
}

#[test]
fn a_cost_that_is_never_admitted_is_told() {
    of(
        "[[limit]]\nname = \"b\"\nrate = \"10/1m\"\ncost = \"query:n\"\ncost-max = «11»\n",
        "limit[1].cost-max",
        "a cost over 10 is never admitted: the limit has no more",
        "",
    );
}

#[test]
fn a_method_that_looks_like_a_slip_is_told() {
    of(
        "[[limit]]\nname = \"b\"\nrate = \"1/1s\"\nmatch = { method = «\"PSOT\"» }\n",
        "limit[1].match.method",
        "`PSOT` is not a usual method",
        "did you mean `POST`?",
    );
    let own = format!(
        "{BASE}{}[[limit]]\nname = \"b\"\nrate = \"1/1s\"\nmatch = {{ method = \"PURGE\" }}\n",
        limit("")
    );
    assert_eq!(read(&own, file()).unwrap().warnings, []);
}

#[test]
fn what_only_a_gateway_does_is_told_where_there_is_none() {
    assert_eq!(read("", file()).unwrap().warnings, []);
    let message = "only a gateway does this, and without [listen] and [upstream] there is none";
    warned("«[[limit]]»\nname = \"a\"\nrate = \"1/1s\"\n", "limit", message, "");
    warned("«[[penalty]]»\nafter = \"1 rejections/1m\"\nban = \"1m\"\n", "penalty", message, "");
    warned("«[tls]»\ncertificate = \"c\"\nkey = \"k\"\n", "tls", message, "");
}

#[test]
fn detectors_and_bans_without_effect_are_told() {
    warned("«[[detector]]»\nname = \"flood\"\n", "detector[0]", "nothing of it is changed", "");
    warned(
        "[[detector]]\nname = \"flood\"\nban = «\"10m\"»\n",
        "detector[0].ban",
        "is only told of: nothing says where bans are placed",
        "add `penalties = { file = \"bans.ndjson\" }`, or a gateway's `admin`, to [watch]",
    );
    let gateway = "[listen]\nhttp = \"127.0.0.1:1\"\n[upstream]\nurl = \"http://127.0.0.1:2\"\n";
    let limit = "[[limit]]\nname = \"all\"\nrate = \"1/1s\"\n";
    let banning = format!("{gateway}{limit}[[detector]]\nname = \"flood\"\nban = \"10m\"\n");
    assert_eq!(read(&banning, file()).unwrap().warnings, [], "a gateway places bans in itself");
    warned(
        "[watch]\npenalties = «{ file = \"bans\" }»\n",
        "watch.penalties",
        "no detector bans anybody",
        "add `ban = \"10m\"` to a [[detector]]",
    );
    warned(
        "[watch]\nnever-ban = [«\"0.0.0.0/0\"»]\n",
        "watch.never-ban[0]",
        "everybody is spared, so nobody is banned",
        "",
    );
}

#[test]
fn alerts_that_are_lost_or_never_sent_are_told() {
    warned(
        "«[[alert]]»\nname = \"a\"\nfile = \"f\"\n",
        "alert",
        "without `watch.state` a restart forgets what was not delivered yet",
        "add `state = \"state\"` to [watch]",
    );
    let text = |rules: &str| {
        format!(
            "[watch]\nstate = \"s\"\n[[detector]]\nname = \"mine\"\ndaily = 5\n[[alert]]\nname = \"a\"\nfile = \"f\"\nrules = [{rules}]\n"
        )
    };
    warned(
        &text("«\"watch.flod\"»"),
        "alert[0].rules[0]",
        "there is no rule `watch.flod`",
        "did you mean `watch.flood`?",
    );
    let known = text("\"watch.mine\", \"watch.*\", \"*\", \"watch.flood\"");
    assert_eq!(read(&known, file()).unwrap().warnings, []);
}
