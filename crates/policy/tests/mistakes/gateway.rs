//! Listeners, certificates and upstreams.

use super::*;

/// A policy whose `[listen]` and `[upstream]` are these.
fn gateway(listen: &str, upstream: &str, rest: &str) -> String {
    format!("[listen]\n{listen}\n[upstream]\n{upstream}\n{rest}")
}

const HTTP: &str = "http = \"127.0.0.1:8080\"";
const UPSTREAM: &str = "url = \"http://127.0.0.1:8265\"";

#[test]
fn somebody_must_be_listened_to_and_somebody_answer() {
    whole(
        &format!("«[listen]»\nthreads = 2\n[upstream]\n{UPSTREAM}\n"),
        "listen",
        "one of `http` or `https` is missing",
        "",
    );
    whole(
        &format!("[listen]\n{HTTP}\n«[upstream]»\nprofile = \"ray\"\n"),
        "upstream",
        "one of `url` or `urls` is missing",
        "",
    );
    let both = "url = \"http://a\"\n«urls» = [\"http://b\"]";
    whole(
        &gateway(HTTP, both, ""),
        "upstream.urls",
        "cannot be there with `url`: exactly one of `url` or `urls`",
        "",
    );
}

#[test]
fn an_address_is_listened_on_once() {
    whole(
        &gateway("http = [\"127.0.0.1:8080\", «\"127.0.0.1:8080\"»]", UPSTREAM, ""),
        "listen.http",
        "`127.0.0.1:8080` is listened on already",
        "",
    );
    whole(
        &gateway(&format!("{HTTP}\nadmin = «\"127.0.0.1:8080\"»"), UPSTREAM, ""),
        "listen.admin",
        "`127.0.0.1:8080` is listened on already",
        "",
    );
    assert_eq!(
        policy(&gateway("http = [\"127.0.0.1:0\", \"127.0.0.1:0\"]", UPSTREAM, ""))
            .gateway
            .unwrap()
            .listen
            .http
            .len(),
        2
    );
}

#[test]
fn https_needs_a_certificate() {
    whole(
        &gateway("https = «\"127.0.0.1:8443\"»", UPSTREAM, ""),
        "listen.https",
        "there is no certificate for it",
        "add [tls] with `certificate` and `key`",
    );
    let tls = "[tls]\ncertificate = \"c\"\nkey = \"k\"\n«client-certificate» = \"required\"\n";
    whole(
        &gateway("https = \"127.0.0.1:8443\"", UPSTREAM, tls),
        "tls.client-certificate",
        "is only there with `client-ca`",
        "",
    );
}

#[test]
fn an_admin_listener_that_others_reach_needs_a_token() {
    let listen = |admin: &str| format!("{HTTP}\nadmin = {admin}");
    let hint = "add [admin] with `token-file` or `token-env`, or listen on 127.0.0.1";
    whole(
        &gateway(&listen("«\"0.0.0.0:9090\"»"), UPSTREAM, ""),
        "listen.admin",
        "`0.0.0.0:9090` is not a loopback address, so an operator needs a token",
        hint,
    );
    whole(
        &gateway(&listen("\"0.0.0.0:9090\""), UPSTREAM, "«[admin]»\n"),
        "admin",
        "one of `token-file` or `token-env` is missing",
        "",
    );
    policy(&gateway(&listen("\"0.0.0.0:9090\""), UPSTREAM, "[admin]\ntoken-env = \"TOKEN\"\n"));
    policy(&gateway(&listen("\"[::1]:9090\""), UPSTREAM, ""));
    policy(&gateway(&listen("\"[::ffff:127.0.0.1]:9090\""), UPSTREAM, ""));
}

#[test]
fn an_upstream_is_scheme_host_and_port() {
    let url = |value: &str, message: &str, hint: &str| {
        whole(
            &gateway(HTTP, &format!("url = «\"{value}\"»"), ""),
            "upstream.url",
            &format!("`{value}` {message}"),
            hint,
        );
    };
    url("127.0.0.1:8265", "has no scheme", "write `http://127.0.0.1:8265` or `https://…`");
    url("http://a/api", "has the path `/api`", "calls keep their own path; a server has none");
    url("tcp://a", "has an unknown scheme", "`http://` or `https://`, in lower case");
    url("http://me:secret@a", "has a user", "credentials do not belong into a URL: it is logged and shown");
    url("http://a:99999", "has no valid port", "a port is 1 to 65535");
    url("http://", "has no host that can be connected to", "");
    whole(
        &gateway(HTTP, "urls = [\"http://a\", «\"http://A:80\"»]", ""),
        "upstream.urls[1]",
        "this server is there already",
        "",
    );
}

#[test]
fn a_gateway_is_not_its_own_upstream() {
    for (listen, url) in [
        ("127.0.0.1:8080", "http://127.0.0.1:8080"),
        ("0.0.0.0:8080", "http://127.0.0.1:8080"),
        ("[::]:8080", "http://[::1]:8080"),
        ("127.0.0.1:8080", "http://localhost:8080"),
    ] {
        let text = gateway(&format!("http = \"{listen}\""), &format!("url = «\"{url}\"»"), "");
        whole(&text, "upstream.url", "this is where the gateway itself listens", "");
    }
    policy(&gateway("http = \"127.0.0.1:8080\"", "url = \"http://10.0.0.1:8080\"", ""));
}

#[test]
fn a_health_check_ends_before_the_next() {
    let health = |text: &str| gateway(HTTP, &format!("{UPSTREAM}\nhealth = {{ path = \"/\", {text} }}"), "");
    let message = "is longer than `every`, so checks would overtake each other";
    whole(&health("every = \"1s\", timeout = «\"2s\"»"), "upstream.health.timeout", message, "");
    whole(
        &gateway(HTTP, &format!("{UPSTREAM}\nhealth = {{ path = «\"a b\"» }}"), ""),
        "upstream.health.path",
        "`a b` is not a path that can be asked for",
        "it begins with `/` and has no spaces and no `#`",
    );
}
