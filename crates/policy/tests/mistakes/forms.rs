//! Values that are not of their form: durations, rates, sizes, addresses, names.

use super::*;

#[test]
fn a_duration_has_a_unit_and_is_not_zero() {
    let idle = |value: &str, message: &str, hint: &str| {
        one(&format!("[timeouts]\nidle = «{value}»\n"), "timeouts.idle", message, hint);
    };
    let units = "a whole number and a unit: `500ms`, `10s`, `1m`, `24h`, `7d`";
    idle(
        "60",
        "found the number 60, expected a duration, such as `10s`",
        "a duration has a unit: \"60s\" is 60 seconds",
    );
    idle("\"60\"", "`60` is not a duration", units);
    idle("\"1 min\"", "`1 min` is not a duration", units);
    idle("\"0s\"", "`0s` is zero", "zero never means unlimited here");
    idle("\"2d\"", "found 2d, expected at most 1d", "");
}

#[test]
fn a_rate_has_calls_and_a_duration() {
    let rate = |value: &str, message: &str, hint: &str| {
        one(&format!("[[limit]]\nname = \"a\"\nrate = «{value}»\n"), "limit[0].rate", message, hint);
    };
    let form = "calls per duration: `100/1m`, `10/1s`, `10_000/24h`";
    rate(
        "100",
        "found the number 100, expected a rate, such as `100/1m`",
        "a rate has a duration: \"100/1m\" is 100 calls a minute",
    );
    rate("\"100\"", "`100` is not a rate", form);
    rate("\"100/1\"", "`100/1` is not a rate", form);
    rate("\"0/1m\"", "`0` is zero", "zero never means unlimited here");
    rate("\"1000000000/1s\"", "the rate is too high to be counted: at most 100 million calls a second", "");
    rate("\"1/1000d\"", "the limit takes more than two years to recover", "");
}

#[test]
fn a_size_has_a_binary_unit() {
    let head = |value: &str, message: &str, hint: &str| {
        one(&format!("[caps]\nhead-bytes = «{value}»\n"), "caps.head-bytes", message, hint);
    };
    head(
        "65536",
        "found the number 65536, expected a size, such as `64KiB`",
        "a size has a unit: \"65536B\" is 65536 bytes",
    );
    head("\"64KB\"", "`64KB` is not a size", "units are binary: `64KiB`");
    head("\"64k\"", "`64k` is not a size", "units are binary: `64KiB`");
    head("\"big\"", "`big` is not a size", "a whole number and a unit: `512B`, `64KiB`, `10MiB`, `1GiB`");
    head("\"0KiB\"", "`0KiB` is zero", "zero never means unlimited here");
    head("\"2MiB\"", "found 2MiB, expected at most 1MiB", "");
    one(
        "[caps]\nbody-bytes = «\"unlimited\"»\n",
        "caps.body-bytes",
        "`unlimited` is not a size",
        "a whole number and a unit: `512B`, `64KiB`, `10MiB`, `1GiB`",
    );
}

#[test]
fn a_number_has_a_least_and_a_most() {
    let pool = |value: &str, hint: &str| {
        let text =
            format!("[listen]\nhttp = \"127.0.0.1:1\"\n[upstream]\nurl = \"http://a\"\npool = «{value}»\n");
        whole(
            &text,
            "upstream.pool",
            &format!("found the number {value}, expected a whole number from 1 to 4096"),
            hint,
        );
    };
    pool("0", "zero never means unlimited here");
    pool("4097", "");
    pool("-1", "");
    pool("99999999999999999999", "");
    assert_eq!(
        policy(&BASE.replace("[upstream]", "[upstream]\npool = 0x10")).gateway.unwrap().upstream.pool.get(),
        16
    );
    assert_eq!(policy(&format!("{BASE}[caps]\nkeys = 2_000\n")).caps.keys, 2_000);
}

#[test]
fn a_word_of_a_few_has_a_suggestion() {
    one(
        "[trust]\nheader = «\"x-forwarded-fr\"»\n",
        "trust.header",
        "found the string \"x-forwarded-fr\", expected `x-forwarded-for` or `forwarded`",
        "did you mean `x-forwarded-for`?",
    );
    one(
        "[answer]\nfields = «\"rfc\"»\n",
        "answer.fields",
        "found the string \"rfc\", expected `draft`, `legacy`, `both` or `none`",
        "",
    );
    one(
        "[answer]\nbody = «\"probelm\"»\n",
        "answer.body",
        "found the string \"probelm\", expected `problem` or `none`",
        "did you mean `problem`?",
    );
    one(
        "[answer]\nbody = «5»\n",
        "answer.body",
        "found the number 5, expected `problem` or `none`, or a table",
        "",
    );
}

#[test]
fn an_address_has_a_port_and_is_no_name() {
    let http = |value: &str, message: &str, hint: &str| {
        let text = format!("[listen]\nhttp = «\"{value}\"»\n[upstream]\nurl = \"http://a\"\n");
        whole(&text, "listen.http", &format!("`{value}` is not an address and a port{message}"), hint);
    };
    http(":8080", "", "every address is `0.0.0.0:8080`, or `[::]:8080` with IPv6");
    http("localhost:8080", "", "names are not looked up: write `127.0.0.1:8080`");
    http("127.0.0.1", "", "the port is missing");
    http("127.0.0.1:99999", "", "such as `127.0.0.1:8080` or `[::1]:8080`");
}

#[test]
fn a_network_is_an_address_or_a_prefix() {
    let proxy = |value: &str, message: &str, hint: &str| {
        one(
            &format!("[trust]\nproxies = [\"127.0.0.1\", «\"{value}\"»]\n"),
            "trust.proxies[1]",
            message,
            hint,
        );
    };
    proxy(
        "proxy.local",
        "`proxy.local` is not an address or a prefix",
        "such as `127.0.0.1`, `10.0.0.0/8` or `2001:db8::/32`; names are not looked up",
    );
    proxy("10.0.0.1/8", "`10.0.0.1/8` has bits set after the prefix", "the network is `10.0.0.0/8`");
    proxy("10.0.0.0/40", "`10.0.0.0/40` has a prefix of more than 32 bits", "");
}

#[test]
fn a_file_and_a_variable_are_names() {
    one("[store]\nfile = «\"\"»\n", "store.file", "found no file name", "");
    one(
        "[store]\nfile = «\"~/a.db\"»\n",
        "store.file",
        "`~/a.db`: `~` is a shell's word",
        "write the whole path",
    );
    one(
        "[log]\naccess = «\"stderr\"»\n",
        "log.access",
        "stderr has the gateway's own log",
        "write `stdout` or a file name",
    );
    let admin = BASE.replace("[upstream]", "admin = \"127.0.0.1:9090\"\n[upstream]");
    whole(
        &format!("{admin}[admin]\ntoken-env = «\"$TOKEN\"»\n"),
        "admin.token-env",
        "`$TOKEN` is not the name of an environment variable",
        "the name alone, without `$`; never the secret itself",
    );
}

#[test]
fn header_names_and_values_are_those_of_http() {
    of_limit(
        "match = { header = { «\"x team\"» = \"red\" } }\n",
        ".match.header.\"x team\"",
        "`x team` is not the name of a header field",
        "",
    );
    of_limit(
        "match = { header = { «\"X-Team: \"» = \"red\" } }\n",
        ".match.header.\"X-Team: \"",
        "`X-Team: ` is not the name of a header field",
        "write `X-Team`",
    );
    of_limit(
        "match = { header = { x-team = «\" red\"» } }\n",
        ".match.header.x-team",
        "` red` cannot be the value of a header field",
        "1 to 1024 printable ASCII characters, no space at either end",
    );
    of_limit(
        "match = { header = { X-Team = \"a\", «x-team» = \"b\" } }\n",
        ".match.header.x-team",
        "is there already; case makes no difference",
        "",
    );
    of_limit("match = { header = «{}» }\n", ".match.header", "found 0 entries, expected 1 to 16", "");
}

#[test]
fn a_time_zone_is_one_of_the_database() {
    let zone = |value: &str, hint: &str| {
        let text = format!(
            "[[limit]]\nname = \"a\"\nquota = {{ calls = 1, each = \"day\", zone = «\"{value}\"» }}\n"
        );
        one(&text, "limit[0].quota.zone", &format!("`{value}` is not a time zone"), hint);
    };
    zone("Europe/Berln", "did you mean `Europe/Berlin`?");
    zone("", "a name of the IANA database, such as `UTC` or `Europe/Berlin`");
}
