//! Tokens that are not accepted: none passes, and who sends them again and again is locked out.

use ratewarden_testkit::issuer::{SigningKey, unsigned};

use crate::server::{Echo, Gateway, wait_for_lines};
use crate::token_issuer::{TokenIssuer, call, claims, reason, seconds};

/// So many that nobody is locked out.
const MANY: &str = "[credentials]\nper-source = \"10000/1s\"\nper-target = \"10000/1s\"\n";

#[test]
fn every_forgery_is_a_failed_credential_and_says_why() {
    let key = SigningKey::rsa(1);
    let issuer = TokenIssuer::with(&key, "a");
    let echo = Echo::start();
    let gateway = Gateway::start(echo.address, &issuer.rules(MANY));
    let right = claims("ann");
    let with = |from: &str, to: &str| {
        assert!(right.contains(from), "{right} has no {from}");
        key.token("RS256", Some("a"), &right.replace(from, to))
    };
    let (exp, nbf) = (seconds(600).to_string(), seconds(-5).to_string());
    let good = key.token("RS256", Some("a"), &right);
    let (signed, _) = good.rsplit_once('.').unwrap();
    for (token, why) in [
        (format!("{}.", unsigned(r#"{"alg":"none","kid":"a"}"#, &right)), "token_algorithm"),
        (format!("{signed}."), "token_signature"),
        (SigningKey::secret(key.pem().as_bytes()).token("HS256", Some("a"), &right), "token_algorithm"),
        (SigningKey::rsa(2).token("RS256", Some("a"), &right), "token_signature"),
        (with(&exp, &seconds(-61).to_string()), "token_expired"),
        (with(&format!(",\"nbf\":{nbf}"), &format!(",\"nbf\":{}", seconds(300))), "token_early"),
        (with(&format!("\"exp\":{exp}"), "\"x\":1"), "token_no_expiry"),
        (with("https://login.test", "https://evil.test"), "token_issuer"),
        (with("\"jobs\"", "[\"mail\",\"chat\"]"), "token_audience"),
        (with("\"sub\":\"ann\"", "\"sub\":{}"), "token_nameless"),
        ("rw_a-key-and-no-token".to_owned(), "token_malformed"),
    ] {
        let answer = call(&gateway, &token);
        assert_eq!((answer.status, &*reason(&answer)), (401, why), "{}", answer.body);
        assert_eq!(answer.field("www-authenticate"), Some("Bearer error=\"invalid_token\""));
        assert!(!answer.body.contains("ann"), "{}", answer.body);
    }
    assert_eq!(echo.answered(), 0, "none has reached the server");
    assert_eq!(call(&gateway, &good).status, 200);
    // Without a name the keys that there are get tried.
    assert_eq!(call(&gateway, &key.token("RS256", None, &right)).status, 200);
    assert_eq!(call(&gateway, &with(&exp, &seconds(-50).to_string())).status, 200, "clocks differ");
}

#[test]
fn guessing_tokens_locks_the_guesser_out_as_guessing_keys_does() {
    let key = SigningKey::ed25519();
    let issuer = TokenIssuer::with(&key, "a");
    let folder = tempfile::tempdir().unwrap();
    let log = folder.path().join("access.log");
    let more = format!("[credentials]\nper-source = \"3/1h\"\n[log]\naccess = {:?}\n", log.to_str().unwrap());
    let trust = "[trust]\nproxies = [\"127.0.0.1\"]\n";
    let mut gateway = Gateway::start(Echo::start().address, &issuer.rules(&format!("{trust}{more}")));
    let right = key.token("EdDSA", Some("a"), &claims("ann"));
    let elsewhere = format!("x-forwarded-for: 192.0.2.9\r\nauthorization: Bearer {right}\r\n");
    assert_eq!(gateway.get("/", &elsewhere).status, 200);
    let forger = SigningKey::ed25519();
    let guesses: Vec<u16> = (0..5)
        .map(|number| forger.token("EdDSA", Some("a"), &claims(&format!("ann-{number}"))))
        .map(|token| call(&gateway, &token).status)
        .collect();
    assert_eq!(guesses, [401, 401, 401, 401, 429]);
    assert_eq!(call(&gateway, &right).status, 429, "a right guess is not told from a wrong one");
    gateway.stop();
    let lines = wait_for_lines(&log, 7);
    // Two workers write them, and one of the two remembers the right token, which costs it no signature.
    let banned: Vec<_> = lines.iter().filter(|line| line["decision"] == "banned").collect();
    assert_eq!(banned.len(), 2);
    assert!(banned.iter().any(|line| line["caller"] == ""), "forgeries are not looked at: {banned:?}");
}

#[test]
fn many_who_guess_at_one_subject_do_not_lock_it_out() {
    let key = SigningKey::ed25519();
    let issuer = TokenIssuer::with(&key, "a");
    let rules = issuer.rules(
        "[trust]\nproxies = [\"127.0.0.1\"]\n[credentials]\nper-source = \"100/1h\"\nper-target = \"3/1h\"\n",
    );
    let gateway = Gateway::start(Echo::start().address, &rules);
    let forger = SigningKey::ed25519();
    let from = |address: usize, token: &str| {
        let fields = format!("x-forwarded-for: 192.0.2.{address}\r\nauthorization: Bearer {token}\r\n");
        gateway.get("/", &fields).status
    };
    let guess = forger.token("EdDSA", Some("a"), &claims("ann"));
    let guesses: Vec<u16> = (1..=6).map(|address| from(address, &guess)).collect();
    assert_eq!(guesses, [401, 401, 401, 401, 429, 429]);
    assert_eq!(from(7, &forger.token("EdDSA", Some("a"), &claims("bob"))), 401);
    assert_eq!(from(8, &key.token("EdDSA", Some("a"), &claims("ann"))), 200, "ann herself notices nothing");
}

#[test]
fn a_call_without_a_token_is_tried_with_the_next_caller() {
    let key = SigningKey::ed25519();
    let issuer = TokenIssuer::with(&key, "a");
    let next = "[[caller]]\nfrom = \"header:x-api-key\"\nrequired = true\n";
    let gateway = Gateway::start(Echo::start().address, &issuer.rules(&format!("{next}{MANY}")));
    let token = key.token("EdDSA", Some("a"), &claims("ann"));
    let bearer = format!("authorization: Bearer {token}\r\n");
    for (fields, status) in [
        (bearer.clone(), 200),
        (format!("authorization: bearer  {token} \r\n"), 200),
        ("x-api-key: k\r\n".to_owned(), 200),
        ("authorization: Basic YW5uOng=\r\nx-api-key: k\r\n".to_owned(), 200),
        (String::new(), 401),
        // What is there must be right; the key that is there too does not help.
        ("authorization: Bearer x.y.z\r\nx-api-key: k\r\n".to_owned(), 401),
        ("authorization: Bearer\r\nx-api-key: k\r\n".to_owned(), 401),
        (format!("{bearer}{bearer}"), 400),
        (format!("{bearer}authorization: Basic YW5uOng=\r\n"), 400),
    ] {
        assert_eq!(gateway.get("/", &fields).status, status, "{fields}");
    }
}

#[test]
fn a_token_of_a_hundred_kilobytes_is_refused_wherever_it_gets() {
    let key = SigningKey::ed25519();
    let issuer = TokenIssuer::with(&key, "a");
    let long = claims("ann").replacen('{', &format!("{{\"groups\":\"{}\",", "g".repeat(75_000)), 1);
    let token = key.token("EdDSA", Some("a"), &long);
    assert!(token.len() > 100_000);
    let gateway = Gateway::start(Echo::start().address, &issuer.rules(MANY));
    assert_eq!(call(&gateway, &token).status, 431, "a head has at most 64 KiB");
    let larger = issuer.rules(&format!("{MANY}[caps]\nhead-bytes = \"1MiB\"\n"));
    let gateway = Gateway::start(Echo::start().address, &larger);
    let answer = call(&gateway, &token);
    assert_eq!((answer.status, &*reason(&answer)), (401, "token_malformed"));
    let fits = claims("ann").replacen('{', &format!("{{\"groups\":\"{}\",", "g".repeat(11_000)), 1);
    assert_eq!(call(&gateway, &key.token("EdDSA", Some("a"), &fits)).status, 200);
}

#[test]
fn a_key_that_cannot_be_used_stops_the_start() {
    let rules = |jwt: &str| format!("[[caller]]\nfrom = \"jwt:sub\"\njwt = {{ {jwt} }}\n");
    for (jwt, why) in [
        ("public-key = \"no-such.pem\"", "no-such.pem"),
        (
            "secret-env = \"RATEWARDEN_TEST_NO_SUCH\"",
            "RATEWARDEN_TEST_NO_SUCH: environment variable not found",
        ),
        (
            "jwks = \"https://login.test/jwks\", jwks-ca = \"no-such-ca.pem\", audience = \"a\"",
            "no-such-ca.pem",
        ),
    ] {
        let error = Gateway::refusal(&rules(jwt)).to_string();
        assert!(error.contains(why), "{error}");
    }
}
