//! The file as a whole: syntax, unknown and missing keys, types, names.

use std::fmt::Write as _;

use ratewarden_policy::{MAX_FILE_BYTES, MAX_REMARKS};

use super::*;

#[test]
fn syntax_errors_stand_alone() {
    let hint = "a string has quotes, such as \"10s\" or \"127.0.0.1:8080\"";
    whole("[listen]\nhttp = «localhost:8080»\n", "", "string values must be quoted", hint);
    whole("[timeouts]\nidle = «10s»\n", "", "string values must be quoted", hint);
    whole("[listen]\nhttp = 127.0«.0.1:8080»\n", "", "invalid float", hint);
    let all = mistakes("a = \n[b\nc = 1\nc = 2\n");
    let found: Vec<(usize, usize, &str)> =
        all.remarks().iter().map(|remark| (remark.line, remark.column, &*remark.message)).collect();
    assert_eq!(found, [(1, 5, "a value is missing"), (2, 3, "unclosed table, expected `]`")], "{all}");
    assert!(all.to_string().contains("  1 | a =\n    |     ^\n"), "{all}");
    whole("[listen]\nhttp = \"127.0.0.1:1\"\n«http» = \"127.0.0.1:2\"\n", "", "duplicate key", "");
}

#[test]
fn an_unknown_key_has_a_suggestion() {
    one("[timeouts]\n«idel» = \"1s\"\n", "timeouts.idel", "unknown key", "did you mean `idle`?");
    one("[«timeout»]\nidle = \"1s\"\n", "timeout", "unknown key", "did you mean `timeouts`?");
    one("[caps]\n«head_bytes» = \"1KiB\"\n", "caps.head_bytes", "unknown key", "did you mean `head-bytes`?");
    one("[store]\nfile = \"a\"\n«colour» = 1\n", "store.colour", "unknown key", "known here: `file`");
    of_limit("«\"a b\"» = 1\n", ".\"a b\"", "unknown key", KNOWN_IN_LIMITS);
}

const KNOWN_IN_LIMITS: &str = "known here: `name`, `match`, `when`, `per`, `rate`, `burst`, `window`, `quota`, \
                               `concurrent`, `cost`, `cost-max`, `settle` or `shadow`";

const LISTEN: &str = "add [listen] with `http = \"127.0.0.1:8080\"`";
const UPSTREAM: &str = "add [upstream] with `url = \"http://127.0.0.1:8265\"`";

#[test]
fn a_missing_key_is_told_at_its_table() {
    one("«[tls]»\nkey = \"key.pem\"\n", "tls.certificate", "is missing: a file name", "");
    one("«[[limit]]»\nrate = \"1/1s\"\n", "limit[0].name", "is missing: a name of 1 to 64 characters", "");
    one("«[upstream.health]»\n", "upstream.health.path", "is missing: a path, such as `/healthz`", "");
}

#[test]
fn a_gateway_listens_and_has_somewhere_to_send_calls() {
    policy("");
    whole(
        "«»[listen]\nhttp = \"127.0.0.1:1\"\n",
        "upstream",
        "is missing: where admitted calls go",
        UPSTREAM,
    );
    whole("«»[upstream]\nurl = \"http://a\"\n", "listen", "is missing: where the gateway listens", LISTEN);
    let all = read_gateway("[cap]\n", file()).expect_err("no gateway");
    let keys: Vec<&str> = all.remarks().iter().map(|remark| remark.key.as_str()).collect();
    assert_eq!(keys, ["listen", "upstream", "cap"], "{all}");
    assert_eq!((all.remarks()[0].line, all.remarks()[0].column), (1, 1));
    let shown = all.to_string();
    assert_eq!(shown.matches('^').count(), 3, "only the wrong key can be marked: {all}");
    assert!(shown.contains("hint: add [listen] with `http = \"127.0.0.1:8080\"`"), "{all}");
    assert!(read_gateway(BASE, file()).is_ok_and(|(gateway, _)| gateway.listen.http.len() == 1));
}

#[test]
fn a_wrong_type_names_what_was_found() {
    one(
        "[timeouts]\nidle = «[1]»\n",
        "timeouts.idle",
        "found an array, expected a duration, such as `10s`",
        "",
    );
    one(
        "[caps]\nkeys = «\"5000\"»\n",
        "caps.keys",
        "found the string \"5000\", expected a whole number from 1024 to 100_000_000",
        "write it without quotes: 5000",
    );
    one(
        "[answer]\non-success = «\"yes\"»\n",
        "answer.on-success",
        "found the string \"yes\", expected `true` or `false`",
        "",
    );
    one(
        "[log]\naccess = «1979-05-27»\n",
        "log.access",
        "found a date, expected `off`, `stdout` or a file name",
        "",
    );
    one(
        "[caps]\nkeys = «1.5e6»\n",
        "caps.keys",
        "found the number 1.5e6, expected a whole number from 1024 to 100_000_000",
        "",
    );
    one(
        "[[limit]]\nname = \"a\"\nrate = \"1/1s\"\nmatch = «\"/a\"»\n",
        "limit[0].match",
        "found the string \"/a\", expected a table",
        "",
    );
}

#[test]
fn brackets_are_told_from_double_brackets() {
    one(
        "«[limit]»\nname = \"a\"\nrate = \"1/1s\"\n",
        "limit",
        "found a table, expected an array of tables",
        "write `[[limit]]`, with two brackets",
    );
    one(
        "«[[timeouts]]»\nidle = \"1s\"\n",
        "timeouts",
        "found an array, expected a table",
        "there is only one: write `[timeouts]`, with single brackets",
    );
    of_limit(
        "per = «\"caller\"»\n",
        ".per",
        "found the string \"caller\", expected an array, each what calls are counted per, such as `caller`",
        "write [\"caller\"]",
    );
}

#[test]
fn a_list_has_a_most() {
    let mut many = String::new();
    for index in 0..257 {
        let _ = writeln!(
            many,
            "{}name = \"{index}\"\nrate = \"1/1s\"",
            if index == 0 { "«[[limit]]»\n" } else { "[[limit]]\n" }
        );
    }
    one(&many, "limit", "found 257 elements, expected at most 256", "");
    whole(
        "[listen]\nhttp = «[]»\n[upstream]\nurl = \"http://a\"\n",
        "listen.http",
        "found an empty array, expected an address and a port, such as `127.0.0.1:8080`",
        "",
    );
}

#[test]
fn names_are_unique_and_plain() {
    let two = |table: &str, rest: &str| {
        format!("[[{table}]]\nname = \"a\"\n{rest}[[{table}]]\nname = «\"a\"»\n{rest}")
    };
    one(&two("limit", "rate = \"1/1s\"\n"), "limit[1].name", "the name `a` is taken by an earlier limit", "");
    one(
        &two("bound", "query = \"q\"\nmax = 1\n"),
        "bound[1].name",
        "the name `a` is taken by an earlier bound",
        "",
    );
    one(
        &two("penalty", "after = \"1 rejections/1s\"\nban = \"1s\"\n"),
        "penalty[1].name",
        "the name `a` is taken by an earlier penalty",
        "",
    );
    one(&two("plan", ""), "plan[1].name", "the name `a` is taken by an earlier plan", "");
    let plan = |name: &str| format!("[[plan]]\nname = «{name}»\n");
    one(&plan("\"\""), "plan[0].name", "found a name of 0 bytes, expected 1 to 64", "");
    one(&plan("' a'"), "plan[0].name", "a name neither begins nor ends with a space", "");
    one(
        &plan("'gr\u{fc}n'"),
        "plan[0].name",
        "`\u{fc}` has no place in a name",
        "printable ASCII, without `\"` and `\\`: it stands in header fields",
    );
    one(
        "[[penalty]]\nafter = \"1 rejections/1s\"\nban = \"1s\"\n[[penalty]]\nafter = «\"1  rejections/1000ms\"»\nban = \"1s\"\n",
        "penalty[1].name",
        "the name `1 rejections/1s` is taken by an earlier penalty",
        "",
    );
}

#[test]
fn all_mistakes_are_told_at_once_in_the_order_of_the_file() {
    let text = "[listen]\nhtp = \"a\"\nadmin = \"0.0.0.0:9090\"\n[upstream]\nurl = \"http://a/b\"\n[timeouts]\nidle = 60\n\
                [[limit]]\nname = \"a\"\nper = [\"calller\", \"path:id\"]\nrate = \"1/1m\"\ncost = 5\nwhen = 'request.pth'\n\
                [[limit]]\nname = \"a\"\nrate = \"1000\"\nwindow = \"10/1m\"\nmatch = { plan = \"free\" }\n";
    let all = mistakes(text);
    let keys: Vec<(usize, &str)> =
        all.remarks().iter().map(|remark| (remark.line, remark.key.as_str())).collect();
    assert_eq!(
        keys,
        [
            (1, "listen"),
            (2, "listen.htp"),
            (3, "listen.admin"),
            (5, "upstream.url"),
            (7, "timeouts.idle"),
            (10, "limit[0].per[0]"),
            (10, "limit[0].per[1]"),
            (12, "limit[0].cost"),
            (13, "limit[0].when"),
            (15, "limit[1].name"),
            (16, "limit[1].rate"),
            (17, "limit[1].window"),
            (18, "limit[1].match.plan"),
        ],
        "{all}"
    );
    let shown = all.to_string();
    assert!(shown.starts_with("/etc/ratewarden/ratewarden.toml:1:1: listen: one of `http` or `https` is missing\n  1 | [listen]\n    | ^^^^^^^^\n"), "{shown}");
    assert!(
        shown.contains(
            ":2:1: listen.htp: unknown key\n  2 | htp = \"a\"\n    | ^^^\n  hint: did you mean `http`?\n"
        ),
        "{shown}"
    );
}

#[test]
fn mistakes_without_end_are_counted() {
    let mut text = BASE.to_owned();
    for index in 0..5_000 {
        let _ = writeln!(text, "[x{index}]");
    }
    let all = mistakes(&text);
    assert_eq!((all.remarks().len(), all.left_out()), (MAX_REMARKS, 5_000 - MAX_REMARKS));
    assert!(all.to_string().ends_with("\nand 4900 more mistakes"));
}

#[test]
fn a_file_that_is_too_large_is_not_read() {
    let text = format!("{BASE}#{}", "x".repeat(MAX_FILE_BYTES));
    let all = mistakes(&text);
    assert!(all.remarks()[0].message.ends_with("expected at most 1048576"), "{all}");
}

#[test]
fn a_file_from_an_editor_on_windows_is_read_alike() {
    let text = format!("\u{feff}{}", BASE.replace('\n', "\r\n"));
    policy(&text);
    let all = mistakes(&format!("{text}[timeouts]\r\nidle = 60\r\n"));
    assert_eq!((all.remarks()[0].line, all.remarks()[0].column), (6, 8), "{all}");
    assert!(!all.to_string().contains('\r'), "{all}");
}
