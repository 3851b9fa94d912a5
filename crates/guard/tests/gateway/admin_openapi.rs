//! The OpenAPI document of the admin listener against what a running gateway answers.
//!
//! Every answer that the document names is provoked, but for [`NOT_PROVOKED`], and must be as it says: status, media
//! type, fields, and a body without anything that is not described.

use std::io::{BufRead as _, BufReader, Write as _};
use std::net::TcpStream;
use std::time::Duration;

use serde_json::{Value, json};

use crate::admin::{TOKEN, guarded, json as body_of, send, send_with};
use crate::described::Described;
use crate::server::{Answer, Gateway, exchange, wait_until};

/// Answers that would need ten seconds of silence, or more bans than a test should make.
const NOT_PROVOKED: [(&str, &str, &str); 3] =
    [("POST", "/v1/check", "408"), ("POST", "/v1/penalties", "408"), ("POST", "/v1/penalties", "503")];

/// One limit of every kind, and a ban for who insists.
const RULES: &str = "[trust]\nproxies = [\"127.0.0.1\"]\n[[caller]]\nfrom = \"header:x-api-key\"\n\
    [[limit]]\nname = \"few\"\nmatch = { path = \"/few\" }\nper = [\"caller\"]\nrate = \"1/1h\"\n\
    [[limit]]\nname = \"window\"\nwindow = \"1000/1m\"\n\
    [[limit]]\nname = \"month\"\nquota = { calls = 1_000_000, each = \"month\", zone = \"UTC\" }\n\
    [[limit]]\nname = \"under way\"\nper = []\nconcurrent = 100\n\
    [[penalty]]\nname = \"again\"\nafter = \"1 rejections/1h\"\nban = \"10m\"\n";

#[test]
fn every_answer_is_as_the_document_says() {
    let (gateway, _folder) = guarded(RULES);
    let described = Described::by(&gateway);
    let call = || gateway.get("/few", "x-api-key: sekrit\r\n").status;
    assert_eq!([call(), call(), call(), call()], [200, 429, 429, 429]);
    without_token(&described, &gateway);
    for path in ["/metrics", "/v1/openapi.json", "/v1/limits", "/v1/callers", "/v1/findings", "/v1/penalties"]
    {
        described.get(&gateway, path, path, 200);
    }
    let kinds = body_of(&send(&gateway, "GET", "/v1/limits", ""));
    let kinds: Vec<&Value> = kinds.as_array().unwrap().iter().map(|limit| &limit["algorithm"]).collect();
    let known = &described.document["components"]["schemas"]["Limit"]["properties"]["algorithm"]["enum"];
    assert_eq!(json!(kinds), *known);
    for target in
        ["/v1/callers?limit=0", "/v1/findings?limit=0", "/v1/penalties?limit=0", "/v1/decisions?decision=no"]
    {
        described.get(&gateway, target.split('?').next().unwrap(), target, 400);
    }
    sick(&described);
    decisions_for_applications(&described, &gateway);
    decisions_for_gateways(&described, &gateway);
    bans(&described, &gateway);
    live(&described, &gateway);
    let mut missing: Vec<(String, String, String)> = Vec::new();
    for (method, path, operation) in described.operations() {
        for key in operation["responses"].as_object().unwrap().keys() {
            let answer = (method.clone(), path.to_owned(), key.clone());
            let is_left = NOT_PROVOKED.contains(&(method.as_str(), path, key.as_str()));
            if !is_left && !described.seen.borrow().contains(&answer) {
                missing.push(answer);
            }
        }
    }
    // An answer to HEAD has no body to look at.
    missing.retain(|(method, ..)| method != "HEAD");
    assert!(missing.is_empty(), "never answered: {missing:?}");
}

fn without_token(described: &Described, gateway: &Gateway) {
    for (method, path, operation) in described.operations().filter(|(method, ..)| method != "HEAD") {
        let answer = send_with(gateway, &method, &path.replace("{id}", &"0".repeat(32)), "", "");
        let is_open = operation.get("security").is_some();
        assert_eq!(answer.status, if is_open { 200 } else { 401 }, "{method} {path}");
        described.hold(&method, path, &answer);
    }
}

fn sick(described: &Described) {
    let nobody = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let health = "health = { path = \"/\", every = \"200ms\", timeout = \"200ms\" }\n";
    let gateway = Gateway::start_with(nobody, health, "admin = \"127.0.0.1:0\"\n---");
    let ready = || exchange(gateway.guard().admin().unwrap(), "GET /readyz HTTP/1.1\r\nhost: a\r\n\r\n");
    wait_until(Duration::from_secs(20), || ready().status == 503);
    described.hold("GET", "/readyz", &ready());
}

fn decisions_for_applications(described: &Described, gateway: &Gateway) {
    let post = |body: &str, status| described.post(gateway, "/v1/check", body, status);
    let ann = r#"{"caller": "ann", "address": "192.0.2.1", "path": "/few?a=1", "headers": {"X-A": "b"}}"#;
    let decision = |answer: &Answer| body_of(answer)["decision"].as_str().unwrap().to_owned();
    assert_eq!(
        [post(ann, 200), post(ann, 200), post(ann, 200)].map(|answer| decision(&answer)),
        ["admit", "reject", "reject"]
    );
    assert_eq!(body_of(&post(ann, 200))["reason"], "banned");
    post(r#"{"address": "2001:db8::1", "path": "/few", "cost": 18446744073709551615}"#, 200);
    post(r#"{"caller": "bob", "path": "/a/../b", "method": "POST"}"#, 200);
    for wrong in
        [r#"{"caller": "ann", "colour": "red"}"#, r#"{"caller": 1}"#, r#"{"caller": "ann", "cost": 0}"#]
    {
        post(wrong, 400);
    }
    for meaningless in ["{}", r#"{"caller": ""}"#, r#"{"caller": "ann", "method": "A B"}"#] {
        post(meaningless, 422);
    }
    for path in ["/v1/check", "/v1/penalties"] {
        let long = format!(r#"{{"caller": "{}"}}"#, "a".repeat(70_000));
        described.hold("POST", path, &send(gateway, "POST", path, &long));
        let form = send_with(gateway, "POST", path, &format!("{TOKEN}content-type: text/plain\r\n"), "{}");
        assert_eq!(form.status, 415);
        described.hold("POST", path, &form);
    }
}

fn decisions_for_gateways(described: &Described, gateway: &Gateway) {
    let methods: Vec<String> =
        described.operations().filter(|(_, path, _)| *path == "/check").map(|found| found.0).collect();
    for method in &methods {
        let passed = send_with(gateway, method, "/check/free", TOKEN, "");
        assert_eq!(passed.status, 200, "{method}");
        described.hold(method, "/check", &passed);
    }
    let ask = |target: &str, fields: &str| {
        let answer = send_with(gateway, "GET", target, &format!("{TOKEN}{fields}"), "");
        described.hold("GET", "/check", &answer);
        answer.status
    };
    let few = "x-original-method: GET\r\nx-original-uri: /few\r\nx-forwarded-for: 192.0.2.7\r\n";
    assert_eq!([ask("/check", few), ask("/check", few), ask("/check?reject=403", few)], [200, 429, 403]);
    assert_eq!([ask("/check", few), ask("/check", "")], [429, 400], "a ban, and no question");
}

fn bans(described: &Described, gateway: &Gateway) {
    let post = |body: &str, status| described.post(gateway, "/v1/penalties", body, status);
    let id =
        body_of(&post(r#"{"caller": "carl", "for": "10m", "reason": "asked support"}"#, 201))["id"].clone();
    post(r#"{"address": "2001:db8::7", "for": "1h"}"#, 201);
    post(&format!(r#"{{"id": "{}", "for": "1h"}}"#, "ab".repeat(16)), 201);
    for wrong in [
        r#"{"caller": "carl"}"#,
        r#"{"caller": "carl", "for": 5}"#,
        r#"{"caller": "c", "for": "1h", "a": 1}"#,
    ] {
        post(wrong, 400);
    }
    for meaningless in [
        r#"{"for": "1h"}"#,
        r#"{"caller": "a", "address": "::1", "for": "1h"}"#,
        r#"{"id": "1", "for": "1h"}"#,
        r#"{"address": "192.0.2.1", "for": "1h", "finding": ""}"#,
    ] {
        post(meaningless, 422);
    }
    post(r#"{"address":"192.0.2.1","for":"2h"}"#, 201);
    post(r#"{"address":"192.0.2.1","for":"1h","extend_only":true}"#, 200);
    post(r#"{"address":"192.0.2.1","for":"1h","finding":"watch.flood","reason":"320 seen"}"#, 201);
    post(r#"{"address":"192.0.2.1","for":"30m","finding":"watch.flood"}"#, 200);
    described.get(gateway, "/v1/penalties", "/v1/penalties?limit=10000", 200);
    let target = format!("/v1/penalties/{}", id.as_str().unwrap());
    let path = "/v1/penalties/{id}";
    described.get(gateway, path, &target, 200);
    for status in [204, 404] {
        let answer = send(gateway, "DELETE", &target, "");
        assert_eq!(answer.status, status);
        described.hold("DELETE", path, &answer);
    }
    described.get(gateway, path, &target, 404);
}

/// A reader of decisions, its head read.
fn reader(gateway: &Gateway) -> (BufReader<TcpStream>, String) {
    let mut stream = TcpStream::connect(gateway.guard().admin().unwrap()).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
    stream.write_all(format!("GET /v1/decisions HTTP/1.1\r\nhost: a\r\n{TOKEN}\r\n").as_bytes()).unwrap();
    let mut reader = BufReader::new(stream);
    let mut head = String::new();
    while !head.ends_with("\r\n\r\n") {
        assert!(reader.read_line(&mut head).unwrap() > 0, "{head}");
    }
    (reader, head)
}

fn live(described: &Described, gateway: &Gateway) {
    let (mut first, head) = reader(gateway);
    assert!(head.starts_with("HTTP/1.1 200 "), "{head}");
    let response = &described.operation("GET", "/v1/decisions")["responses"]["200"]["content"];
    let schema = &response["application/x-ndjson"]["schema"];
    assert!(head.to_ascii_lowercase().contains("content-type: application/x-ndjson\r\n"), "{head}");
    let mut next = || {
        loop {
            let mut line = String::new();
            assert!(first.read_line(&mut line).unwrap() > 0, "the stream has ended");
            if line.starts_with('{') {
                break serde_json::from_str::<Value>(&line).unwrap();
            }
        }
    };
    gateway.get("/free", "x-api-key: other\r\n");
    gateway.get("/few", "x-api-key: sekrit\r\n");
    gateway.get("/a/../b", "");
    send(gateway, "GET", "/check/free", "");
    for _ in 0..4 {
        let line = next();
        assert_eq!(described.errors(schema, &line), Vec::<String>::new(), "{line}");
    }
    assert_eq!(described.errors(schema, &json!({"lost": 5})), Vec::<String>::new());
    described.note("GET", "/v1/decisions", "200");
    let _further: Vec<_> = (1..8).map(|_| reader(gateway)).collect();
    described.get(gateway, "/v1/decisions", "/v1/decisions", 503);
}

#[test]
fn parameters_are_known_by_the_names_and_within_the_bounds_of_the_document() {
    let (gateway, _folder) = guarded(RULES);
    let described = Described::by(&gateway);
    let mut checked = 0;
    for (method, path, operation) in described.operations() {
        let Some(parameters) = operation["parameters"].as_array() else { continue };
        assert_eq!(method, "GET", "{path}");
        let names: Vec<&str> = parameters.iter().map(|one| one["name"].as_str().unwrap()).collect();
        let unknown = body_of(&send(&gateway, "GET", &format!("{path}?nosuch=1"), ""));
        let detail = format!("there is no parameter `nosuch`; known are {}", names.join(", "));
        assert_eq!(unknown["detail"], detail, "{path}");
        for parameter in parameters.iter().filter(|parameter| parameter["schema"].get("maximum").is_some()) {
            let [least, most] =
                ["minimum", "maximum"].map(|bound| parameter["schema"][bound].as_u64().unwrap());
            for (value, status) in [(least - 1, 400), (least, 200), (most, 200), (most + 1, 400)] {
                let target = format!("{path}?{}={value}", parameter["name"].as_str().unwrap());
                assert_eq!(send(&gateway, "GET", &target, "").status, status, "{target}");
                checked += 1;
            }
        }
    }
    assert_eq!(checked, 12, "three lists have a limit");
}
