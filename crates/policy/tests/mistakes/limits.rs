//! What limits, bounds and penalties hold to: how calls are counted, what they cost, and what follows. Which calls they are of
//! is in `matching`.

use super::*;

const ALGORITHMS: &str = "`rate`, `window`, `quota` or `concurrent`";

#[test]
fn a_limit_has_exactly_one_algorithm() {
    one("«[[limit]]»\nname = \"a\"\n", "limit[0]", &format!("one of {ALGORITHMS} is missing"), "");
    of_limit(
        "«window» = \"1/1s\"\n",
        ".window",
        &format!("cannot be there with `rate`: exactly one of {ALGORITHMS}"),
        "",
    );
    one(
        "[[limit]]\nname = \"a\"\nconcurrent = 1\n«burst» = 1\n",
        "limit[0].burst",
        "is only there with `rate`",
        "",
    );
}

#[test]
fn what_cannot_be_counted_is_refused() {
    one(
        "[[limit]]\nname = \"a\"\nwindow = «\"5_000_000_000/1d\"»\n",
        "limit[0].window",
        "at most 4294967295 calls can be counted in a period",
        "",
    );
    one(
        "[[limit]]\nname = \"a\"\nwindow = «\"1/1000d\"»\n",
        "limit[0].window",
        "the limit takes more than two years to recover",
        "",
    );
    one(
        "[[limit]]\nname = \"a\"\nquota = { calls = «200_000_000_000», each = \"day\" }\n",
        "limit[0].quota.calls",
        "at most 137438953471 calls can be counted in a period",
        "",
    );
    one(
        "[[limit]]\nname = \"a\"\nquota = { calls = 1, each = «\"dayly\"» }\n",
        "limit[0].quota.each",
        "found the string \"dayly\", expected `minute`, `hour`, `day`, `week`, `month` or `year`",
        "did you mean `day`?",
    );
    of_limit(
        "burst = «0»\n",
        ".burst",
        "found the number 0, expected a whole number from 1",
        "zero never means unlimited here",
    );
    let too_slow = "[[limit]]\nname = \"a\"\nrate = «\"1/1d\"»\nburst = 1_000\n";
    one(too_slow, "limit[0].rate", "the limit takes more than two years to recover", "");
}

#[test]
fn a_cost_can_be_paid() {
    of_limit(
        "cost = «11»\n",
        ".cost",
        "a cost of 11 is never admitted: the limit has at most 10",
        "`burst = 11` or more makes room for one call",
    );
    of_limit(
        "burst = 5\ncost = «6»\n",
        ".cost",
        "a cost of 6 is never admitted: the limit has at most 5",
        "`burst = 6` or more makes room for one call",
    );
    one(
        "[[limit]]\nname = \"a\"\nconcurrent = 3\ncost = «4»\n",
        "limit[0].cost",
        "a cost of 4 is never admitted: the limit has at most 3",
        "",
    );
    of_limit(
        "cost = «0»\n",
        ".cost",
        "a call that costs nothing is not limited",
        "0 is only for limits with `settle`, which charges after the response",
    );
    of_limit("cost-max = «5»\n", ".cost-max", "is only there with a cost that stands in the call", "");
    let known = "`query:NAME`, `header:NAME`, `body:FIELD` or `body-bytes:SIZE`";
    of_limit(
        "cost = «\"querry:n\"»\n",
        ".cost",
        &format!("found `querry:n`, expected {known}"),
        "did you mean `query:n`?",
    );
    of_limit("cost = «\"5\"»\n", ".cost", &format!("found `5`, expected {known}"), "");
    of_limit(
        "cost = «true»\n",
        ".cost",
        "found `true`, expected a whole number from 0, or where the cost stands, such as `query:limit`",
        "",
    );
    of_limit(
        "cost = «\"body-bytes:1\"»\n",
        ".cost",
        "`1` is not a size",
        "such as `1KiB`: each started KiB costs one",
    );
}

#[test]
fn what_is_settled_comes_after_a_response() {
    of_limit(
        "settle = «\"response\"»\n",
        ".settle",
        "found `response`, expected `response-bytes:SIZE`, `response-header:NAME` or `status:5xx=COST`",
        "",
    );
    for wrong in ["9xx=0", "200", "200=-1", "500-400=0", "20=1", "2xx=", "+00=1"] {
        of_limit(
            &format!("settle = «\"status:{wrong}\"»\n"),
            ".settle",
            &format!("`{wrong}` is not a status and a cost"),
            "such as `status:5xx=0`, `status:404=0` or `status:500-503=0`",
        );
    }
    one(
        "[[limit]]\nname = \"a\"\nconcurrent = 1\nsettle = «\"status:5xx=0\"»\n",
        "limit[0].settle",
        "calls under way are given back when they end; nothing can be charged after the response",
        "",
    );
}

#[test]
fn a_bound_bounds_one_thing() {
    let bound = |text: &str, key: &str, message: &str, hint: &str| {
        one(&format!("[[bound]]\nname = \"a\"\n{text}"), &format!("bound[0]{key}"), message, hint);
    };
    one(
        "«[[bound]]»\nname = \"a\"\nmax = 1\n",
        "bound[0]",
        "one of `query`, `body` or `response` is missing",
        "",
    );
    bound(
        "query = \"a\"\n«response» = true\nmax = \"1B\"\n",
        ".response",
        "cannot be there with `query`: exactly one of `query`, `body` or `response`",
        "",
    );
    bound(
        "response = true\nmax = «10»\n",
        ".max",
        "found the number 10, expected a size, such as `10MiB`",
        "\"10B\" is 10 bytes",
    );
    bound("query = \"n\"\nmax = «\"10B\"»\n", ".max", "found a size, expected a number", "");
    bound(
        "response = true\nmax = \"1B\"\nover = «\"clamp\"»\n",
        ".over",
        "a response cannot be lowered, only refused",
        "leave it out",
    );
    bound(
        "response = true\nmax = \"1B\"\nrequired = «true»\n",
        ".required",
        "is only there with `query` or `body`",
        "",
    );
    bound("response = «false»\nmax = \"1B\"\n", ".response", "`false` bounds nothing", "");
    bound(
        "body = «\".a\"»\nmax = 1\n",
        ".body",
        "`.a` is not a field of a JSON body",
        "names joined by dots, such as `spec.cpus`, at most 16",
    );
}

#[test]
fn a_penalty_has_an_offence_and_a_longest_ban() {
    let after = |value: &str, message: &str, hint: &str| {
        one(
            &format!("[[penalty]]\nafter = «\"{value}\"»\nban = \"1m\"\n"),
            "penalty[0].after",
            message,
            hint,
        );
    };
    let form = "such as `20 rejections/1m` or `10 failed-credentials/1m`";
    after("20/1m", "`20/1m` is not a number of offences in a time", form);
    after("20 rejections", "`20 rejections` is not a number of offences in a time", form);
    after("x rejections/1m", "`x rejections/1m` is not a number of offences in a time", form);
    after(
        "20 rejection/1m",
        "found `rejection`, expected `rejections` or `failed-credentials`",
        "did you mean `rejections`?",
    );
    let penalty = "[[penalty]]\nafter = \"1 rejections/1m\"\n";
    one(
        &format!("{penalty}ban = \"2m\"\nup-to = «\"1m\"»\n"),
        "penalty[0].up-to",
        "1m is shorter than `ban`, which is 2m",
        "",
    );
    one(
        &format!("{penalty}ban = «\"2d\"»\n"),
        "penalty[0].ban",
        "2d is longer than `up-to`, which is 1d when left out",
        "",
    );
}
