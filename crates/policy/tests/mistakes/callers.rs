//! Callers, tokens, credentials and plans.

use ratewarden_policy::{CallerFrom, JwtKey};

use super::*;

const FROM: &str = "`header:NAME`, `bearer`, `basic`, `cookie:NAME`, `jwt:CLAIM`, `mtls` or `address`";

#[test]
fn a_caller_stands_somewhere_that_is_known() {
    let from = |value: &str, message: &str, hint: &str| {
        one(&format!("[[caller]]\nfrom = «\"{value}\"»\n"), "caller[0].from", message, hint);
    };
    from(
        "heder:x-api-key",
        &format!("found `heder:x-api-key`, expected {FROM}"),
        "did you mean `header:x-api-key`?",
    );
    from("x-api-key", &format!("found `x-api-key`, expected {FROM}"), "");
    from("header", &format!("found `header`, expected {FROM}"), "did you mean `header:NAME`?");
    from("adress", &format!("found `adress`, expected {FROM}"), "did you mean `address`?");
    from("header:x y", "`x y` is not the name of a header field", "");
    from("cookie:a=b", "`a=b` is not the name of a cookie", "");
    from("jwt:", "a claim has a name of 1 to 256 bytes", "");
    from("mtls", "clients are not asked for certificates", "add `client-ca` to [tls]");
}

#[test]
fn callers_are_looked_for_once_and_at_least_once() {
    whole(
        &format!("caller = «[]»\n{BASE}"),
        "caller",
        "found no caller",
        "leave the key out: calls are then counted per address",
    );
    one(
        "[[caller]]\nfrom = \"header:X-Key\"\n[[caller]]\nfrom = «\"header:x-key\"»\n",
        "caller[1].from",
        "callers are looked for there already",
        "",
    );
}

#[test]
fn keys_and_tokens_belong_to_their_callers() {
    one(
        "[[caller]]\nfrom = \"address\"\nkeys = «\"k\"»\n",
        "caller[0].keys",
        "there is no key to look up in it",
        "`keys` is for `header:NAME`, `bearer`, `basic` and `cookie:NAME`",
    );
    one(
        "[[caller]]\nfrom = «\"jwt:sub\"»\n",
        "caller[0].jwt",
        "is missing: how tokens are verified",
        "such as `jwt = { jwks = \"jwks.json\" }`",
    );
    one(
        "[[caller]]\nfrom = \"bearer\"\njwt = «{ jwks = \"a\" }»\n",
        "caller[0].jwt",
        "is only there with `from = \"jwt:CLAIM\"`",
        "",
    );
}

#[test]
fn a_token_is_verified_with_one_key_of_the_right_kind() {
    let jwt = |text: &str, key: &str, message: &str, hint: &str| {
        one(
            &format!("[[caller]]\nfrom = \"jwt:sub\"\njwt = {text}\n"),
            &format!("caller[0].jwt{key}"),
            message,
            hint,
        );
    };
    let one_of = "`secret-file`, `secret-env`, `public-key` or `jwks`";
    jwt("«{ issuer = \"a\" }»", "", &format!("one of {one_of} is missing"), "");
    jwt(
        "{ jwks = \"a\", «public-key» = \"b\" }",
        ".public-key",
        &format!("cannot be there with `jwks`: exactly one of {one_of}"),
        "",
    );
}

#[test]
fn shared_secrets_and_public_keys_do_not_mix() {
    let jwt = |text: &str, message: &str| {
        one(
            &format!("[[caller]]\nfrom = \"jwt:sub\"\njwt = {text}\n"),
            "caller[0].jwt.algorithms",
            message,
            "accepting both is how a public key is passed off as a secret",
        );
    };
    jwt(
        "{ jwks = \"a\", algorithms = [\"RS256\", «\"HS256\"»] }",
        "tokens are verified with public keys, but `HS256` takes a shared secret",
    );
    jwt(
        "{ secret-env = \"A\", algorithms = «\"RS256\"» }",
        "tokens are verified with a shared secret, but `RS256` takes public keys",
    );
    let all = mistakes(&format!(
        "{BASE}[[caller]]\nfrom = \"jwt:sub\"\njwt = {{ jwks = \"a\", algorithms = [\"none\"] }}\n"
    ));
    assert_eq!((all.remarks().len(), &*all.remarks()[0].key), (1, "caller[0].jwt.algorithms[0]"), "{all}");
}

#[test]
fn keys_are_not_fetched_from_anybody() {
    let jwks = |url: &str, message: &str, hint: &str| {
        one(
            &format!("[[caller]]\nfrom = \"jwt:sub\"\njwt = {{ jwks = «\"{url}\"» }}\n"),
            "caller[0].jwt.jwks",
            message,
            hint,
        );
    };
    jwks(
        "http://login.example.com/jwks",
        "keys fetched over `http://` could be anybody's",
        "write `https://`; only this machine may be asked without",
    );
    jwks("https://a/b c", "`https://a/b c` is not a URL", "");
    policy(&format!(
        "{BASE}[[caller]]\nfrom = \"jwt:sub\"\njwt = {{ jwks = \"http://127.0.0.1:1/jwks?x=1\" }}\n"
    ));
}

#[test]
fn authorities_are_for_a_server_that_is_asked() {
    let jwks_ca = |jwt: &str, message: &str, hint: &str| {
        one(
            &format!("[[caller]]\nfrom = \"jwt:sub\"\njwt = {{ {jwt} }}\n"),
            "caller[0].jwt.jwks-ca",
            message,
            hint,
        );
    };
    jwks_ca(
        "jwks = \"a\", jwks-ca = «\"ca.pem\"»",
        "nobody is asked for the keys",
        "`jwks` is a file; `jwks-ca` is for a URL",
    );
    jwks_ca("secret-env = \"A\", «jwks-ca» = \"ca.pem\"", "is only there with `jwks`", "");
}

#[test]
fn what_is_left_out_of_a_token_is_as_strict_as_it_can_be() {
    let read = policy(&format!(
        "{BASE}[[caller]]\nfrom = \"jwt:sub\"\njwt = {{ jwks = \"https://a.example:8443?x=1\" }}\n"
    ));
    let CallerFrom::Jwt(jwt) = &read.callers[0].from else { panic!("{read:?}") };
    assert_eq!((jwt.skew.as_secs(), jwt.require_exp, jwt.algorithms.len()), (60, true, 0));
    let JwtKey::JwksUrl(jwks) = &jwt.key else { panic!("{jwt:?}") };
    assert_eq!((&*jwks.server.host, jwks.server.port, &*jwks.target), ("a.example", 8443, "/?x=1"));
}

#[test]
fn a_lock_out_doubles_up_to_something_longer() {
    one(
        "[credentials]\nlockout = \"2m\"\nlockout-max = «\"1m\"»\n",
        "credentials.lockout-max",
        "1m is shorter than `lockout`, which is 2m",
        "",
    );
    one(
        "[credentials]\nlockout = «\"2h\"»\n",
        "credentials.lockout",
        "2h is longer than `lockout-max`, which is 1h when left out",
        "",
    );
    one(
        "[credentials]\nper-source = «\"5_000_000_000/1d\"»\n",
        "credentials.per-source",
        "at most 4294967295 calls can be counted in a period",
        "",
    );
}

#[test]
fn one_plan_is_the_default() {
    one(
        "[[plan]]\nname = \"a\"\ndefault = true\n[[plan]]\nname = \"b\"\ndefault = «true»\n",
        "plan[1].default",
        "another plan is the default already",
        "",
    );
}
