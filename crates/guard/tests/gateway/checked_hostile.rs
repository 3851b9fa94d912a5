//! Clients that speak the language of `/check` themselves, to be counted as somebody or something else.

use crate::admin::{TOKEN, guarded, json, send_with};
use crate::checked::{RULES, fronts};

/// Whoever asks is a gateway.
const TRUST: &str = "[trust]\nproxies = [\"127.0.0.1\"]\n";

/// Fields that would have another call judged, or another caller, if anybody believed them.
const CLAIMS: [&str; 18] = [
    "x-original-method: GET\r\nx-original-uri: /free\r\n",
    "x-original-method: GET\r\n",
    "x-original-uri: /free\r\n",
    "x-original-url: /free\r\n",
    "x-forwarded-method: GET\r\nx-forwarded-uri: /free\r\n",
    "x-forwarded-method: GET\r\n",
    "x-forwarded-uri: /free\r\n",
    "x-original-method: GET\r\nx-original-uri: /free\r\nx-forwarded-method: GET\r\nx-forwarded-uri: /free\r\n",
    "x-original-uri: /free\r\nx-original-uri: /free\r\nx-forwarded-uri: /free\r\nx-forwarded-uri: /free\r\n",
    "x-envoy-original-path: /free\r\n",
    "x-http-method-override: GET\r\n",
    "x-forwarded-for: 192.0.2.9\r\n",
    "x-forwarded-for: 192.0.2.9\r\nx-forwarded-for: 192.0.2.8, 127.0.0.1\r\n",
    "x-real-ip: 192.0.2.9\r\nforwarded: for=192.0.2.9\r\n",
    "x-ratewarden-token: wrong\r\n",
    "x-ratewarden-status: 200\r\n",
    "connection: x-original-method, x-original-uri, x-forwarded-method, x-forwarded-uri, x-ratewarden-token\r\n",
    "connection: x-forwarded-for, x-forwarded-uri\r\nx-forwarded-for: 192.0.2.9\r\n",
];

/// Other spellings of the limited route, and queries that mean something to `/check` itself.
const TARGETS: [&[u8]; 11] = [
    b"/jobs?reject=500",
    b"/jobs?reject=403",
    b"/jobs?reject=200",
    b"/jobs?a=\xff",
    b"/jobs?a=\xc3\xa9",
    b"/%6aobs",
    b"/jobs?",
    b"http://a.test/jobs",
    b"/free/../jobs",
    b"/./jobs",
    b"/free/%2e%2e/jobs",
];

#[test]
fn no_field_makes_a_client_another_caller_or_its_call_another_one() {
    for front in fronts(RULES) {
        // Without a key, so that the address is who calls.
        let job = |fields: &str| front.call(5, "POST", b"/jobs", fields);
        assert_eq!([job("").status, job("").status], [200, 200], "{}: {}", front.name, front.log());
        for claim in CLAIMS {
            let answer = job(claim);
            assert!((400..500).contains(&answer.status), "{}: {claim}{answer:?}", front.name);
        }
        assert_eq!(front.upstream.answered(), 2, "{}: nothing more arrived", front.name);
    }
}

#[test]
fn nobody_spends_what_another_address_has() {
    for front in fronts(RULES) {
        let job = |from, fields| front.call(from, "POST", b"/jobs", fields).status;
        for _ in 0..4 {
            job(6, "x-forwarded-for: 127.0.0.5\r\n");
            job(6, "x-real-ip: 127.0.0.5\r\nforwarded: for=127.0.0.5\r\n");
        }
        assert_eq!(job(6, ""), 429, "{}: its own are spent", front.name);
        assert_eq!([job(5, ""), job(5, ""), job(5, "")], [200, 200, 429], "{}", front.name);
    }
}

#[test]
fn no_spelling_of_a_route_and_no_query_gets_past_its_limit() {
    for front in fronts(RULES) {
        assert_eq!([front.job("ann").status, front.job("ann").status], [200, 200], "{}", front.name);
        for target in TARGETS {
            let answer = front.call(5, "POST", target, "x-api-key: ann\r\n");
            let target = String::from_utf8_lossy(target);
            assert!((400..500).contains(&answer.status), "{}: {target}: {answer:?}", front.name);
            assert_ne!(answer.status, 403, "{}: {target}: a query is no wish of the gateway", front.name);
        }
        assert_eq!(front.upstream.answered(), 2, "{}: nothing more arrived", front.name);
    }
}

#[test]
fn a_question_says_once_and_in_one_form_which_call_it_is_about() {
    let (gateway, _folder) = guarded(&[TRUST, RULES].concat());
    let ask =
        |target: &str, fields: &str| send_with(&gateway, "GET", target, &format!("{TOKEN}{fields}"), "");
    let by_hand = "x-original-method: POST\r\nx-original-uri: /jobs\r\n";
    let forwarded = "x-forwarded-method: POST\r\nx-forwarded-uri: /jobs\r\n";
    for fields in [
        String::new(),
        "x-original-uri: /jobs\r\n".to_owned(),
        "x-original-method: POST\r\n".to_owned(),
        "x-forwarded-uri: /jobs\r\n".to_owned(),
        format!("{by_hand}{forwarded}"),
        format!("{by_hand}x-forwarded-uri: /free\r\n"),
        format!("{forwarded}x-original-method: GET\r\n"),
        format!("{by_hand}x-original-uri: /free\r\n"),
        "x-original-method: POST\r\nx-original-uri: /jobs?\u{e9}\r\n".to_owned(),
    ] {
        let answer = ask("/check", &fields);
        assert_eq!((answer.status, &json(&answer)["reason"]), (400, &"question".into()), "{fields}");
        let told = ask("/check?reject=403", &fields);
        let by_nginx = fields.contains("x-original-");
        assert_eq!(told.status, if by_nginx { 403 } else { 400 }, "{fields}");
        assert_eq!(told.field("x-ratewarden-status"), by_nginx.then_some("400"), "{fields}");
    }
    assert_eq!([ask("/check", by_hand).status, ask("/check", forwarded).status], [200, 200]);
    let rejected = ask("/check?reject=403", by_hand);
    assert_eq!((rejected.status, rejected.field("x-ratewarden-status")), (403, Some("429")));
    assert_eq!(ask("/check?reject=403", forwarded).status, 429, "the query is the client's");
}

#[test]
fn behind_the_prefix_the_path_says_it_all() {
    let (gateway, _folder) = guarded(&[TRUST, RULES].concat());
    let ask = |target: &str, fields: &str| {
        send_with(&gateway, "POST", target, &format!("{TOKEN}{fields}"), "").status
    };
    let claim = "x-original-method: GET\r\nx-original-uri: /free\r\n";
    assert_eq!(
        [ask("/check/jobs", claim), ask("/check/jobs", ""), ask("/check/jobs", claim)],
        [200, 200, 429]
    );
    // A 5xx would be an outage to Envoy, which can be told to let calls pass then.
    assert_eq!(ask("/check/jobs?reject=500", ""), 429);
}
