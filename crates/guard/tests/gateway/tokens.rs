//! Callers by token: whom they are counted as, and the keys of their issuer.

use std::time::Duration;

use ratewarden_guard::Guard;
use ratewarden_testkit::issuer::SigningKey;

use crate::admin::send;
use crate::http2_tls::write_certificate;
use crate::operator::admin;
use crate::server::{Echo, Gateway, exchange, wait_for_lines, wait_until};
use crate::token_issuer::{Says, TokenIssuer, call, claims, jwks, reason, seconds};

const PATIENCE: Duration = Duration::from_secs(20);

#[test]
fn each_subject_is_counted_for_itself_whatever_its_token() {
    let key = SigningKey::rsa(1);
    let issuer = TokenIssuer::with(&key, "a");
    let few = issuer.rules("[[limit]]\nname = \"few\"\nper = [\"caller\"]\nrate = \"2/1h\"\nburst = 2\n");
    let gateway = Gateway::start(Echo::start().address, &few);
    let token = |subject: &str, algorithm: &str| key.token(algorithm, Some("a"), &claims(subject));
    let (ann, ann_again) = (token("ann", "RS256"), token("ann", "PS256"));
    assert_eq!([&ann, &ann_again, &ann].map(|token| call(&gateway, token).status), [200, 200, 429]);
    assert_eq!(call(&gateway, &token("bob", "RS256")).status, 200);
    let forwarded = call(&gateway, &token("carl", "RS256")).body;
    assert!(forwarded.contains("authorization: Bearer ey"), "the server behind sees it: {forwarded}");
}

#[test]
fn an_application_that_passes_a_token_on_is_told_about_the_same_caller() {
    let key = SigningKey::ed25519();
    let issuer = TokenIssuer::with(&key, "a");
    let few = issuer.rules("[[limit]]\nname = \"few\"\nper = [\"caller\"]\nrate = \"2/1h\"\nburst = 2\n");
    let gateway = Gateway::start(Echo::start().address, &format!("admin = \"127.0.0.1:0\"\n---\n{few}"));
    let ask = |token: &str| {
        let question = format!(r#"{{"address":"192.0.2.1","headers":{{"authorization":"Bearer {token}"}}}}"#);
        let answer = send(&gateway, "POST", "/v1/check", &question).body;
        let verdict: serde_json::Value = serde_json::from_str(&answer).unwrap();
        format!(
            "{} {}",
            verdict["decision"].as_str().unwrap(),
            verdict["reason"].as_str().unwrap_or_default()
        )
    };
    let ann = key.token("EdDSA", Some("a"), &claims("ann"));
    assert_eq!((&*ask(&ann), call(&gateway, &ann).status), ("admit ", 200));
    assert_eq!((&*ask(&ann), call(&gateway, &ann).status), ("reject limit", 429));
    let forged = SigningKey::ed25519().token("EdDSA", Some("a"), &claims("ann"));
    assert_eq!(ask(&forged), "reject token_signature");
}

#[test]
fn the_plan_that_a_token_names_decides_which_limits_hold() {
    let key = SigningKey::ed25519();
    let issuer = TokenIssuer::with(&key, "a");
    let rules = issuer.rules(
        "[[plan]]\nname = \"free\"\ndefault = true\n[[plan]]\nname = \"pro\"\n\
         [[limit]]\nname = \"free\"\nmatch = { plan = \"free\" }\nrate = \"1/1h\"\nburst = 1\n",
    );
    let gateway =
        Gateway::start(Echo::start().address, &rules.replace("audience", "plan-claim = \"tier\", audience"));
    for (tier, statuses) in [("pro", [200, 200]), ("free", [200, 429]), ("gold", [200, 429])] {
        let claims = claims(tier).replacen('{', &format!("{{\"tier\":\"{tier}\","), 1);
        let token = key.token("EdDSA", Some("a"), &claims);
        assert_eq!([(); 2].map(|()| call(&gateway, &token).status), statuses, "{tier}");
    }
}

#[test]
fn neither_a_token_nor_its_subject_is_shown_anywhere() {
    let key = SigningKey::ed25519();
    let issuer = TokenIssuer::with(&key, "a");
    let folder = tempfile::tempdir().unwrap();
    let log = folder.path().join("access.log");
    let more =
        format!("[log]\naccess = {:?}\n[[limit]]\nname = \"all\"\nrate = \"1/1h\"\n", log.to_str().unwrap());
    let rules = format!("admin = \"127.0.0.1:0\"\n---\n{}", issuer.rules(&more));
    let mut gateway = Gateway::start(Echo::start().address, &rules);
    let token = key.token("EdDSA", Some("a"), &claims("ann@sekrit.test"));
    let forged = SigningKey::ed25519().token("EdDSA", Some("a"), &claims("ann@sekrit.test"));
    let statuses = [&token, &token, &forged].map(|token| call(&gateway, token).status);
    assert_eq!(statuses, [200, 429, 401]);
    let shown =
        ["/metrics", "/v1/callers", "/v1/penalties", "/v1/limits"].map(|page| admin(&gateway, page, "").body);
    assert!(shown[1].contains("\"label\":\"jwt:"), "{}", shown[1]);
    gateway.stop();
    let lines = wait_for_lines(&log, 3);
    assert!(lines[0]["caller"].as_str().unwrap().starts_with("jwt:"), "{lines:?}");
    assert_eq!(lines[2]["reason"], "token_signature");
    let everything = format!("{}{}", std::fs::read_to_string(&log).unwrap(), shown.concat());
    let parts = token.split('.').chain(forged.split('.'));
    for secret in parts.chain(["sekrit", "ann@"]) {
        assert!(!everything.contains(secret), "{secret}: {everything}");
    }
}

#[test]
fn a_new_key_is_fetched_when_the_first_token_comes_with_it_and_the_old_one_ends() {
    let (old, new) = (SigningKey::rsa(1), SigningKey::rsa(2));
    let issuer = TokenIssuer::with(&old, "old");
    let gateway =
        Gateway::start(Echo::start().address, &issuer.rules("[credentials]\nper-source = \"3/1h\"\n"));
    let (before, after) =
        (old.token("RS256", Some("old"), &claims("ann")), new.token("RS256", Some("new"), &claims("ann")));
    // Enough that both workers remember it.
    for _ in 0..20 {
        assert_eq!(call(&gateway, &before).status, 200);
    }
    assert_eq!(issuer.asked(), 1);
    issuer.now_says(Says::Keys(jwks(&[(&new, "new")])));
    let first = call(&gateway, &after);
    assert_eq!((first.status, &*reason(&first)), (503, "token_keys_awaited"));
    assert_eq!(first.field("retry-after"), Some("1"));
    // However long it takes, it is no failed credential: nobody is locked out.
    wait_until(PATIENCE, || {
        let answer = call(&gateway, &after);
        assert!(matches!(answer.status, 200 | 503), "{}", answer.body);
        answer.status == 200
    });
    assert_eq!(issuer.asked(), 2);
    let ended = call(&gateway, &before);
    assert_eq!((ended.status, &*reason(&ended)), (401, "token_key"));
    assert_eq!(issuer.asked(), 2, "it is not asked again so soon");
    assert_eq!(call(&gateway, &after).status, 200);
}

#[test]
fn an_issuer_that_fails_later_leaves_the_keys_as_they_were() {
    let (key, other) = (SigningKey::p256(), SigningKey::p256());
    for says in [
        Says::Bytes("HTTP/1.1 500 Oh\r\ncontent-length: 0\r\n\r\n".to_owned()),
        Says::Bytes("HTTP/1.1 302 Found\r\nlocation: /other\r\ncontent-length: 0\r\n\r\n".to_owned()),
        Says::Bytes("no HTTP".to_owned()),
        Says::Bytes(String::new()),
        Says::Keys("{\"keys\":[]}".to_owned()),
        Says::Keys("[".repeat(100_000)),
        Says::Endless,
    ] {
        let issuer = TokenIssuer::with(&key, "a");
        let rules = format!("admin = \"127.0.0.1:0\"\n---\n{}", issuer.rules(""));
        let gateway = Gateway::start(Echo::start().address, &rules);
        issuer.now_says(says.clone());
        let unknown = other.token("ES256", Some("b"), &claims("bob"));
        assert_eq!(call(&gateway, &unknown).status, 503);
        wait_until(PATIENCE, || {
            let metrics = admin(&gateway, "/metrics", "").body;
            metrics.contains("ratewarden_jwks_fetches_total{result=\"failed\"} 1\n")
        });
        assert_eq!(call(&gateway, &unknown).status, 503, "whether it is wrong nobody knows: {says:?}");
        assert_eq!(call(&gateway, &key.token("ES256", Some("a"), &claims("ann"))).status, 200, "{says:?}");
    }
}

#[test]
fn no_call_waits_for_an_issuer() {
    let key = SigningKey::p384();
    let issuer = TokenIssuer::with(&key, "a");
    let gateway = Gateway::start(Echo::start().address, &issuer.rules(""));
    issuer.now_says(Says::Nothing);
    call(&gateway, &SigningKey::p384().token("ES384", Some("b"), &claims("bob")));
    wait_until(PATIENCE, || issuer.asked() == 2);
    // The issuer has the question and does not answer it; the gateway gives it five seconds.
    let begun = std::time::Instant::now();
    for number in 0..20 {
        let token = key.token("ES384", Some("a"), &claims(&format!("ann-{number}")));
        assert_eq!([call(&gateway, &token).status, gateway.get("/", "").status], [200, 200]);
    }
    assert!(begun.elapsed() < Duration::from_secs(4), "{:?}", begun.elapsed());
}

#[test]
fn an_issuer_that_is_down_at_the_start_refuses_tokens_only() {
    let key = SigningKey::ed25519();
    let issuer = TokenIssuer::start(Says::Bytes("HTTP/1.1 503 Down\r\ncontent-length: 0\r\n\r\n".to_owned()));
    let rules = issuer.rules("[credentials]\nper-source = \"1/1h\"\n");
    let gateway = Gateway::start(Echo::start().address, &rules);
    let token = key.token("EdDSA", Some("a"), &claims("ann"));
    for _ in 0..5 {
        let answer = call(&gateway, &token);
        assert_eq!((answer.status, &*reason(&answer)), (503, "token_keys_awaited"));
    }
    assert_eq!(gateway.get("/", "").status, 200);
    issuer.now_says(Says::Keys(jwks(&[(&key, "a")])));
    // A reload asks at once; without one it is ten seconds.
    gateway.guard().reload().unwrap();
    assert_eq!(call(&gateway, &token).status, 200);
    let asked = issuer.asked();
    gateway.guard().reload().unwrap();
    assert_eq!((call(&gateway, &token).status, issuer.asked()), (200, asked), "keys outlive a reload");
}

#[test]
fn an_issuer_is_believed_only_with_a_certificate_of_an_authority_that_is_trusted() {
    let folder = tempfile::tempdir().unwrap();
    write_certificate(folder.path());
    let key = SigningKey::ed25519();
    let issuer = TokenIssuer::with(&key, "a");
    let tls = format!(
        "[listen]\nhttps = \"127.0.0.1:0\"\nthreads = 1\n[tls]\ncertificate = \"cert.pem\"\nkey = \"key.pem\"\n\
         [upstream]\nurl = \"http://{}\"\n[timeouts]\nshutdown = \"200ms\"\n",
        issuer.address
    );
    std::fs::write(folder.path().join("tls.toml"), tls).unwrap();
    let tls = Guard::start(&folder.path().join("tls.toml")).unwrap();
    let echo = Echo::start();
    for (ca, status) in [("", 503), (", jwks-ca = \"cert.pem\"", 200)] {
        let policy = format!(
            "[listen]\nhttp = \"127.0.0.1:0\"\nthreads = 1\n[upstream]\nurl = \"http://{}\"\n\
             [timeouts]\nshutdown = \"200ms\"\n[[caller]]\nfrom = \"jwt:sub\"\n\
             jwt = {{ jwks = \"https://{}/jwks?of=test\", audience = \"jobs\"{ca} }}\n",
            echo.address,
            tls.https()[0]
        );
        let file = folder.path().join("ratewarden.toml");
        std::fs::write(&file, policy).unwrap();
        let guard = Guard::start(&file).unwrap();
        let token = key.token("EdDSA", Some("a"), &claims("ann"));
        let call = format!("GET / HTTP/1.1\r\nhost: a\r\nauthorization: Bearer {token}\r\n\r\n");
        let answer = exchange(guard.http()[0], &call);
        assert_eq!(answer.status, status, "{}", answer.body);
        guard.stop();
    }
    tls.stop();
}

#[test]
fn a_token_that_ends_is_refused_though_it_was_remembered() {
    let key = SigningKey::ed25519();
    let issuer = TokenIssuer::with(&key, "a");
    let rules = issuer.rules("").replace("audience", "skew = \"1s\", audience");
    let gateway = Gateway::start(Echo::start().address, &rules);
    let soon = claims("ann").replace(&seconds(600).to_string(), &seconds(1).to_string());
    let token = key.token("EdDSA", Some("a"), &soon);
    assert_eq!(call(&gateway, &token).status, 200);
    wait_until(PATIENCE, || reason(&call(&gateway, &token)) == "token_expired");
}
