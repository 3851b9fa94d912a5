//! Which calls a limit is for, and per what they are counted.

use super::*;

#[test]
fn methods_are_in_capitals() {
    of_limit(
        "match = { method = [\"GET\", «\"post\"»] }\n",
        ".match.method[1]",
        "methods are told apart by case",
        "write `POST`",
    );
    of_limit("match = { method = «\"GET POST\"» }\n", ".match.method", "`GET POST` is not a method", "");
}

#[test]
fn a_path_is_a_template() {
    let path = |value: &str, message: &str, hint: &str| {
        of_limit(&format!("match = {{ path = «\"{value}\"» }}\n"), ".match.path", message, hint);
    };
    path("api/jobs", "a path begins with `/`", "");
    path("http://a/b", "a path begins with `/`", "only the path, without scheme and host");
    path("/a?b=1", "`?` does not belong to a path", "a query is matched with `query = { name = \"value\" }`");
    path("/a/../b", "calls with the segment `..` are refused, whatever the limit", "");
    path(
        "/caf\u{e9}",
        "the segment `caf\u{e9}` is `caf%C3%A9` once a path is normalised",
        "write `caf%C3%A9`",
    );
    path("/a//b", "no path has two slashes in a row once it is normalised", "");
    path(
        "/v{n}",
        "`v{n}` is no parameter: braces hold the name of a whole segment",
        "`/{name}/` is one whole segment, `/{*rest}` all that is left",
    );
    path("/{*rest}/a", "`{*rest}` takes all that is left, so nothing can follow it", "");
    path("/{a}/{a}", "the parameter `a` is there twice", "");
    path("/{}", "`` is no parameter name: letters, digits, `_` and `-`, at most 64", "");
}

#[test]
fn a_key_is_known_and_there_once() {
    let per = |value: &str, place: &str, message: &str, hint: &str| {
        of_limit(&format!("per = {value}\n"), &format!(".per[{place}]"), message, hint);
    };
    let known = "`caller`, `address`, `user`, `route`, `method`, `header:NAME`, `query:NAME`, `path:NAME`, `cookie:NAME` or `body:FIELD`";
    per("[«\"ip\"»]", "0", &format!("found `ip`, expected {known}"), "");
    per(
        "[\"caller\", «\"adress\"»]",
        "1",
        &format!("found `adress`, expected {known}"),
        "did you mean `address`?",
    );
    per("[\"caller\", «\"caller\"»]", "1", "is there already", "");
    per("[\"header:X-A\", «\"header:x-a\"»]", "1", "is there already", "");
    per("[«\"header:\"»]", "0", "`` is not the name of a header field", "");
    per(
        "[«\"body:a..b\"»]",
        "0",
        "`a..b` is not a field of a JSON body",
        "names joined by dots, such as `spec.cpus`, at most 16",
    );
    per("[«\"query:\"»]", "0", "a query parameter has a name of 1 to 256 bytes", "");
}

#[test]
fn a_path_key_is_a_parameter_of_the_template() {
    let message = "`match.path` has no parameter `id`";
    of_limit(
        "per = [«\"path:id\"»]\n",
        ".per[0]",
        message,
        "add `match.path`, such as `match = { path = \"/…/{id}\" }`",
    );
    of_limit(
        "match = { path = \"/a\" }\nper = [«\"path:id\"»]\n",
        ".per[0]",
        message,
        "write it into `match.path`, in braces",
    );
    of_limit(
        "match = { path = \"/{job}\" }\nper = [«\"path:id\"»]\n",
        ".per[0]",
        message,
        "the template has `job`",
    );
    of_limit(
        "match = { path = \"/{job}\" }\nper = [«\"path:jbo\"»]\n",
        ".per[0]",
        "`match.path` has no parameter `jbo`",
        "did you mean `job`?",
    );
}

#[test]
fn a_plan_is_declared() {
    of_limit(
        "match = { plan = «\"free\"» }\n",
        ".match.plan",
        "there is no plan `free`",
        "add [[plan]] with `name = \"free\"`",
    );
    of_limit(
        "match = { plan = «\"fre\"» }\n[[plan]]\nname = \"free\"\n",
        ".match.plan",
        "there is no plan `fre`",
        "did you mean `free`?",
    );
    of_limit(
        "match = { plan = «\"gold\"» }\n[[plan]]\nname = \"free\"\n",
        ".match.plan",
        "there is no plan `gold`",
        "the plans are `free`",
    );
    one(
        "[[bound]]\nname = \"a\"\nquery = \"q\"\nmax = 1\nmatch = { plan = «\"free\"» }\n",
        "bound[0].match.plan",
        "there is no plan `free`",
        "add [[plan]] with `name = \"free\"`",
    );
}

#[test]
fn a_condition_is_marked_inside_its_string() {
    of_limit(
        "when = 'request.method == \"GET\" && «caler».plan == \"pro\"'\n",
        ".when",
        "there is no variable `caler`",
        "did you mean `caller`?",
    );
    of_limit(
        "when = \"request.method == \\\"G\u{fc}T\\\" && «caler».plan == 'pro'\"\n",
        ".when",
        "there is no variable `caler`",
        "did you mean `caller`?",
    );
    of_limit(
        "when = '''\nrequest.method == \"GET\" &&\n  «caler».plan == \"pro\"\n'''\n",
        ".when",
        "there is no variable `caler`",
        "did you mean `caller`?",
    );
    of_limit(
        "when = 'request.path «=» \"/\"'\n",
        ".when",
        "is not CEL: token recognition error at: '= '",
        "",
    );
    of_limit(
        "when = '«request.path»'\n",
        ".when",
        "is a string, expected true or false",
        "compare it with something",
    );
    of_limit("when = «''»\n", ".when", "found 0 bytes, expected 1 to 1024", "");
}
