use std::fs;

use ratewarden_testkit::issuer::{SigningKey, unsigned};
use tempfile::TempDir;

use super::VerifiedTokens;
use crate::{Caller, Failed, Identifier, Peer};

const NOW: u64 = 1_700_000_000;
const CLAIMS: &str = r#"{"sub":"ann","exp":1700000100}"#;
const SECRET: &[u8] = b"a secret that has at least thirty-two bytes, and then some up to 64.";

/// A policy with files beside it.
struct Bench(TempDir);

impl Bench {
    fn new(files: &[(&str, &str)]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        for (name, content) in files {
            fs::write(folder.path().join(name), content).unwrap();
        }
        Self(folder)
    }

    fn build(&self, jwt: &str, before: Option<&Identifier>) -> Result<Identifier, String> {
        let text = format!(
            "[listen]\nhttp = \"127.0.0.1:1\"\n[upstream]\nurl = \"http://127.0.0.1:2\"\n\
             [[plan]]\nname = \"free\"\ndefault = true\n[[plan]]\nname = \"pro\"\n\
             [[caller]]\nfrom = \"jwt:sub\"\njwt = {{ {jwt} }}\n"
        );
        let policy = ratewarden_policy::read(&text, &self.0.path().join("ratewarden.toml"))
            .unwrap_or_else(|mistakes| panic!("{mistakes}"))
            .policy;
        Identifier::build(&policy, &[7; 16], before).map_err(|error| error.to_string())
    }
}

/// What verifies with this set of keys.
fn with_jwks(jwks: &str, more: &str) -> Identifier {
    Bench::new(&[("jwks.json", jwks)]).build(&format!("jwks = \"jwks.json\"{more}"), None).unwrap()
}

fn with_pem(key: &SigningKey) -> Identifier {
    Bench::new(&[("key.pem", &key.pem())]).build("public-key = \"key.pem\"", None).unwrap()
}

fn set(keys: &[String]) -> String {
    format!("{{\"keys\":[{}]}}", keys.join(","))
}

fn at(identifier: &Identifier, seen: &mut VerifiedTokens, token: &str, now: u64) -> Result<Caller, Failed> {
    let peer = Peer { address: "192.0.2.1".parse().unwrap(), certificate_subject: None };
    let value = format!("Bearer {token}");
    let fields: &[(&str, &str)] = &[("authorization", &value)];
    identifier.identify(fields, &peer, seen, now)
}

/// The user of a token, or why there is none.
fn user(identifier: &Identifier, token: &str) -> Result<String, &'static str> {
    let caller = at(identifier, &mut VerifiedTokens::default(), token, NOW);
    caller.map(|caller| caller.user().unwrap().to_owned()).map_err(|failed| failed.reason())
}

#[test]
fn the_examples_of_rfc_7515_are_verified() {
    let claims =
        "eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ";
    let rsa = r#"{"kty":"RSA","e":"AQAB","n":"ofgWCuLjybRlzo0tZWJjNiuSfb4p4fAkd_wWJcyQoTbji9k0l8W26mPddxHmfHQp-Vaw-4qPCJrcS2mJPMEzP1Pt0Bm4d4QlL-yRT-SFd2lZS-pCgNMsD1W_YpRPEwOWvG6b32690r2jZ47soMZo9wGzjb_7OMg0LOL-bSf63kpaSHSXndS5z5rexMdbBYUsLA9e-KXBdQOS-UTo7WTBEMa2R2CapHg665xsmtdVMTBQY4uDZlxvb3qCo5ZwKh9kG4LT6_I5IhlJH7aGhyxXFvUK-DWNmoudF8NAco9_h9iaGNj8q2ethFkMLs91kzk2PAcDTW9gb54h4FRWyuXpoQ"}"#;
    let curve = r#"{"kty":"EC","crv":"P-256","x":"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU","y":"x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0"}"#;
    for (jwk, header, signature) in [
        (
            rsa,
            "eyJhbGciOiJSUzI1NiJ9",
            "cC4hiUPoj9Eetdgtv3hF80EGrhuB__dzERat0XF9g2VtQgr9PJbu3XOiZj5RZmh7AAuHIm4Bh-0Qc_lF5YKt_O8W2Fp5jujGbds9uJdbF9CUAr7t1dnZcAcQjbKBYNX4BAynRFdiuB--f_nZLgrnbyTyWzO75vRK5h6xBArLIARNPvkSjtQBMHlb1L07Qe7K0GarZRmB_eSN9383LcOLn6_dO--xi12jzDwusC-eOkHWEsqtFZESc6BfI7noOPqvhJ1phCnvWh6IeYI2w9QOYEUipUTI8np6LbgGY9Fs98rqVt5AXLIhWkWywlVmtVrBp0igcN_IoypGlUPQGe77Rw",
        ),
        (
            curve,
            "eyJhbGciOiJFUzI1NiJ9",
            "DtEhU3ljbEg8L38VWAfUAqOyKAM6-Xx-F4GawxaepmXFCgfTjDxw5djxLa8ISlSApmWQxfKTUJqPP3-Kg6NU1Q",
        ),
    ] {
        let jwks = set(&[jwk.to_owned()]);
        let folder = Bench::new(&[("jwks.json", &jwks)]);
        // They name their issuer and nobody else, so that is who calls.
        let text = "[listen]\nhttp = \"127.0.0.1:1\"\n[upstream]\nurl = \"http://127.0.0.1:2\"\n\
                    [[caller]]\nfrom = \"jwt:iss\"\njwt = { jwks = \"jwks.json\" }\n";
        let policy = ratewarden_policy::read(text, &folder.0.path().join("p.toml")).unwrap().policy;
        let identifier = Identifier::build(&policy, &[7; 16], None).unwrap();
        let token = format!("{header}.{claims}.{signature}");
        let then = |now| at(&identifier, &mut VerifiedTokens::default(), &token, now);
        assert_eq!(then(1_300_819_379).unwrap().user(), Some("joe"));
        assert_eq!(then(1_300_819_440).unwrap_err().reason(), "token_expired");
    }
}

#[test]
fn tokens_of_every_algorithm_are_verified_with_their_keys() {
    let secret = Bench::new(&[("secret", std::str::from_utf8(SECRET).unwrap())]);
    let secret = secret.build("secret-file = \"secret\"", None).unwrap();
    for algorithm in ["HS256", "HS384", "HS512"] {
        let token = SigningKey::secret(SECRET).token(algorithm, None, CLAIMS);
        assert_eq!(user(&secret, &token).as_deref(), Ok("ann"), "{algorithm}");
    }
    let keys = [
        (SigningKey::rsa(1), &["RS256", "RS384", "RS512", "PS256", "PS384", "PS512"][..]),
        (SigningKey::p256(), &["ES256"]),
        (SigningKey::p384(), &["ES384"]),
        (SigningKey::ed25519(), &["EdDSA"]),
    ];
    let all = with_jwks(&set(&keys.iter().map(|(key, _)| key.jwk("")).collect::<Vec<_>>()), "");
    for (key, algorithms) in &keys {
        let (pem, jwks) = (with_pem(key), with_jwks(&set(&[key.jwk("\"kid\":\"a\"")]), ""));
        for algorithm in *algorithms {
            let token = key.token(algorithm, Some("a"), CLAIMS);
            for identifier in [&pem, &jwks, &all] {
                assert_eq!(user(identifier, &token).as_deref(), Ok("ann"), "{algorithm}");
            }
            let (message, signature) = token.rsplit_once('.').unwrap();
            let other = if signature.starts_with('A') { "B" } else { "A" };
            let forged = format!("{message}.{other}{}", &signature[1..]);
            assert_eq!(user(&pem, &forged), Err("token_signature"), "{algorithm}");
            let claims = unsigned("", CLAIMS.replace("ann", "bob").as_str());
            let header = token.split('.').next().unwrap();
            let swapped = format!("{header}{claims}.{signature}");
            assert_eq!(user(&pem, &swapped), Err("token_signature"), "{algorithm}");
        }
    }
}

#[test]
fn no_header_talks_its_way_past_the_signature() {
    let key = SigningKey::rsa(1);
    let pem = key.pem();
    let identifier = with_pem(&key);
    let other = SigningKey::rsa(2);
    let none = |alg: &str| format!("{}.", unsigned(&format!("{{\"alg\":\"{alg}\"}}"), CLAIMS));
    // The public key as a secret: the oldest forgery there is.
    let confused = |secret: &[u8]| SigningKey::secret(secret).token("HS256", None, CLAIMS);
    let own = format!(r#"{{"alg":"RS256","jwk":{}}}"#, other.jwk(""));
    for (token, reason) in [
        (none("none"), "token_algorithm"),
        (none("None"), "token_algorithm"),
        (none("RS256"), "token_signature"),
        (none("HS256"), "token_algorithm"),
        (confused(pem.as_bytes()), "token_algorithm"),
        (confused(pem.trim_end().as_bytes()), "token_algorithm"),
        (other.token("RS256", None, CLAIMS), "token_signature"),
        (other.signed("RS256", &own, CLAIMS), "token_signature"),
        (key.token("ES256", None, CLAIMS), "token_algorithm"),
        (key.signed("PS256", r#"{"alg":"RS256"}"#, CLAIMS), "token_signature"),
        (key.signed("RS256", r#"{"alg":"RS256","crit":["exp"],"exp":1}"#, CLAIMS), "token_malformed"),
        (key.signed("RS256", r#"{"alg":"RS256","alg":"none"}"#, CLAIMS), "token_malformed"),
        (key.signed("RS256", r#"{"typ":"JWT"}"#, CLAIMS), "token_malformed"),
        (key.signed("RS256", r#"{"alg":7}"#, CLAIMS), "token_malformed"),
        (key.signed("RS256", "[]", CLAIMS), "token_malformed"),
        (key.token("RS256", None, "[]"), "token_malformed"),
        (key.token("RS256", None, "{"), "token_malformed"),
    ] {
        assert_eq!(user(&identifier, &token), Err(reason), "{token}");
    }
}

#[test]
fn what_is_no_token_is_refused_whatever_it_is() {
    let key = SigningKey::ed25519();
    let identifier = with_pem(&key);
    let token = key.token("EdDSA", None, CLAIMS);
    let long = format!(r#"{{"sub":"ann","exp":1700000100,"x":"{}"}}"#, "a".repeat(100_000));
    let deep = format!(r#"{{"sub":"ann","exp":1700000100,"x":{}}}"#, "[".repeat(5_000));
    for (token, reason) in [
        ("a", "token_malformed"),
        ("a.b", "token_malformed"),
        ("..", "token_malformed"),
        ("a.b.c.d.e", "token_malformed"),
        (&format!("{token}."), "token_malformed"),
        (&format!("{token}="), "token_signature"),
        (&token.replacen('.', "=.", 1), "token_malformed"),
        (&token.replacen('.', " .", 1), "token_malformed"),
        (&key.token("EdDSA", None, &long), "token_malformed"),
        (&key.token("EdDSA", None, &deep), "token_malformed"),
        ("", "credentials_empty"),
    ] {
        assert_eq!(user(&identifier, token), Err(reason), "{:.60}", token);
    }
    assert_eq!(user(&identifier, &token).as_deref(), Ok("ann"));
}

#[test]
fn the_policy_says_which_algorithms_are_accepted() {
    let key = SigningKey::rsa(1);
    let strict = with_jwks(&set(&[key.jwk("\"kid\":\"a\"")]), ", algorithms = [\"PS256\"]");
    assert!(user(&strict, &key.token("PS256", Some("a"), CLAIMS)).is_ok());
    assert_eq!(user(&strict, &key.token("RS256", Some("a"), CLAIMS)), Err("token_algorithm"));
    let narrow = with_jwks(&set(&[key.jwk("\"kid\":\"a\",\"alg\":\"RS512\"")]), "");
    assert!(user(&narrow, &key.token("RS512", Some("a"), CLAIMS)).is_ok());
    assert_eq!(user(&narrow, &key.token("RS256", Some("a"), CLAIMS)), Err("token_algorithm"));
}

#[test]
fn a_key_is_found_by_its_name_and_without_one_a_few_are_tried() {
    let (one, two) = (SigningKey::rsa(1), SigningKey::rsa(2));
    let both = with_jwks(&set(&[one.jwk("\"kid\":\"one\""), two.jwk("\"kid\":\"two\"")]), "");
    assert!(user(&both, &one.token("RS256", Some("one"), CLAIMS)).is_ok());
    assert!(user(&both, &two.token("RS256", Some("two"), CLAIMS)).is_ok());
    assert!(user(&both, &two.token("RS256", None, CLAIMS)).is_ok());
    assert_eq!(user(&both, &two.token("RS256", Some("one"), CLAIMS)), Err("token_signature"));
    assert_eq!(user(&both, &two.token("RS256", Some("three"), CLAIMS)), Err("token_key"));
    // The work that one token makes is bounded: the last of many is not tried.
    let others = (0..8).map(|_| SigningKey::ed25519().jwk(""));
    let last = SigningKey::ed25519();
    let many = with_jwks(&set(&others.chain([last.jwk("")]).collect::<Vec<_>>()), "");
    assert_eq!(user(&many, &last.token("EdDSA", None, CLAIMS)), Err("token_signature"));
}

#[test]
fn keys_that_are_for_something_else_or_secret_are_not_used() {
    let key = SigningKey::p256();
    let others = [
        key.jwk("\"kid\":\"a\",\"use\":\"enc\""),
        key.jwk("\"kid\":\"a\",\"key_ops\":[\"sign\"]"),
        key.jwk("\"kid\":\"a\",\"alg\":\"ES384\""),
        key.jwk("\"kid\":\"a\",\"alg\":\"RSA-OAEP\""),
        r#"{"kty":"oct","kid":"a","k":"AyM1SysPpbyDfgZld3umj1qzKObwVMkoqQ-EstJQLr_T-1qS0gZH75aKtMN3Yj0iPS4hcgUuTwjAzZr1Z9CAow"}"#.to_owned(),
        r#"{"kty":"EC","crv":"P-521","kid":"a","x":"AA","y":"AA"}"#.to_owned(),
        r#"{"kty":"EC","crv":"P-256","kid":"a","x":"AA","y":"AA"}"#.to_owned(),
        r#"{"kty":"RSA","kid":"a","n":"AQAB","e":"AQAB"}"#.to_owned(),
        r#"{"kty":"what","kid":"a"}"#.to_owned(),
        "7".to_owned(),
    ];
    let folder = Bench::new(&[("jwks.json", &set(&others))]);
    let error = folder.build("jwks = \"jwks.json\"", None).map(|_| ()).unwrap_err();
    assert!(error.ends_with("it has no key for signatures that can be used"), "{error}");
    let with_one: Vec<String> =
        others.into_iter().chain([key.jwk("\"kid\":\"a\",\"use\":\"sig\"")]).collect();
    let identifier = with_jwks(&set(&with_one), "");
    assert!(user(&identifier, &key.token("ES256", Some("a"), CLAIMS)).is_ok());
}

#[test]
fn a_key_that_cannot_be_used_is_named_with_what_is_wrong() {
    let rsa = SigningKey::rsa(1).pem();
    let many = set(&vec![SigningKey::rsa(1).jwk(""); 101]);
    let files = [
        ("rsa.pem", rsa.as_str()),
        ("private.pem", "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n"),
        ("broken.pem", "-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----\n"),
        ("short", "short\n"),
        ("medium", "a secret of not more than 32 byte\r\n"),
        ("many.json", many.as_str()),
    ];
    let folder = Bench::new(&files);
    for (jwt, why) in [
        ("public-key = \"none.pem\"", "none.pem: No such file or directory"),
        ("public-key = \"private.pem\"", "private.pem: this is a private key"),
        ("public-key = \"broken.pem\"", "broken.pem: it cannot be read, or is neither"),
        ("public-key = \"short\"", "short: a PEM block `BEGIN PUBLIC KEY` was expected"),
        (
            "public-key = \"rsa.pem\", algorithms = [\"ES256\", \"EdDSA\"]",
            "rsa.pem: it does not fit ES256, EdDSA",
        ),
        ("secret-file = \"rsa.pem\"", "rsa.pem: this is a key in PEM and not a secret"),
        ("secret-file = \"short\"", "short: the secret has 5 bytes"),
        ("secret-file = \"medium\", algorithms = \"HS512\"", "medium: it does not fit HS512"),
        (
            "secret-env = \"RATEWARDEN_TEST_NO_SUCH\"",
            "RATEWARDEN_TEST_NO_SUCH: environment variable not found",
        ),
        ("jwks = \"short\"", "short: it is no JWKS"),
        ("jwks = \"many.json\"", "many.json: it has 101 keys, at most 100 are taken"),
    ] {
        let error = folder.build(jwt, None).map(|_| ()).unwrap_err();
        let start = "cannot use the key of tokens ";
        assert!(error.starts_with(start) && error.contains(why), "{jwt}: {error}");
    }
    assert!(folder.build("secret-file = \"medium\"", None).is_ok());
}

#[test]
fn a_token_names_a_caller_who_is_shown_by_a_hash_and_a_plan_that_there_is() {
    let key = SigningKey::ed25519();
    let identifier = with_jwks(&set(&[key.jwk("")]), ", plan-claim = \"tier\"");
    let caller = |claims: &str| {
        let token = key.token("EdDSA", None, claims);
        at(&identifier, &mut VerifiedTokens::default(), &token, NOW).unwrap()
    };
    let ann = caller(r#"{"sub":"ann","exp":1700000100,"tier":"pro"}"#);
    assert_eq!((ann.plan(), ann.user(), ann.is_verified()), (Some("pro"), Some("ann"), true));
    let shown = ann.display().to_string();
    assert!(shown.starts_with("jwt:") && !shown.contains("ann"), "{shown}");
    let later = caller(r#"{"sub":"ann","exp":1700000999,"tier":"gold"}"#);
    assert_eq!((later.plan(), later.id()), (Some("free"), ann.id()), "another token, the same caller");
    assert_ne!(caller(r#"{"sub":"bob","exp":1700000100}"#).id(), ann.id());
    assert_ne!(caller(r#"{"sub":"ann","exp":1700000100,"iss":"x"}"#).id(), ann.id());
    assert_ne!(caller(r#"{"sub":"x\u0000ann","exp":1700000100}"#).id(), ann.id());
}

#[test]
fn a_failed_token_is_a_guess_at_whom_it_names_and_an_absent_one_is_none() {
    let key = SigningKey::ed25519();
    let identifier = with_pem(&key);
    let failed = |token: &str| at(&identifier, &mut VerifiedTokens::default(), token, NOW).unwrap_err();
    let other = SigningKey::ed25519();
    let (one, two) = (other.token("EdDSA", None, CLAIMS), other.token("EdDSA", Some("x"), CLAIMS));
    assert_eq!((failed(&one).status(), failed(&one).target()), (401, failed(&two).target()));
    let bob = other.token("EdDSA", None, &CLAIMS.replace("ann", "bob"));
    assert_ne!(failed(&one).target(), failed(&bob).target());
    assert!(failed("garbage").target().is_some());
    let ann = at(&identifier, &mut VerifiedTokens::default(), &key.token("EdDSA", None, CLAIMS), NOW);
    assert_ne!(failed(&one).target(), Some(ann.unwrap().id()), "guesses do not lock the caller out");
    let peer = Peer { address: "192.0.2.1".parse().unwrap(), certificate_subject: None };
    let mut seen = VerifiedTokens::default();
    let mut identify = |fields: &[(&str, &str)]| identifier.identify(fields, &peer, &mut seen, NOW);
    assert_eq!(identify(&[]).unwrap().display().to_string(), "192.0.2.1");
    assert!(identify(&[("authorization", "Basic YTpi")]).is_ok());
    let twice = identify(&[("authorization", "Bearer a"), ("authorization", "Bearer a")]).unwrap_err();
    assert_eq!((twice.status(), twice.reason()), (400, "credentials_duplicate"));
}

#[test]
fn a_signature_is_checked_only_where_the_caller_that_is_claimed_is_worth_it() {
    let key = SigningKey::ed25519();
    let identifier = with_pem(&key);
    let (ann, bob) =
        (key.token("EdDSA", None, CLAIMS), key.token("EdDSA", None, &CLAIMS.replace("ann", "bob")));
    let forged = SigningKey::ed25519().token("EdDSA", None, CLAIMS);
    let mut seen = VerifiedTokens::default();
    let id = at(&identifier, &mut VerifiedTokens::default(), &ann, NOW).unwrap().id();
    let peer = Peer { address: "192.0.2.1".parse().unwrap(), certificate_subject: None };
    let mut recognise = |token: &str, is_worth_it: bool| {
        let value = format!("Bearer {token}");
        let fields: &[(&str, &str)] = &[("authorization", &value)];
        let mut asked = Vec::new();
        let mut ask = |claimed| {
            asked.push(claimed == id);
            is_worth_it
        };
        let found = identifier.recognise(fields, &peer, &mut seen, NOW, &mut ask);
        (found.map(|caller| caller.id()), asked)
    };
    assert_eq!(recognise(&ann, false), (None, vec![true]), "right, and not looked at");
    assert_eq!(recognise(&forged, true), (None, vec![true]));
    assert_eq!(recognise("garbage", true), (None, vec![]), "it claims nothing");
    assert_eq!(recognise(&bob, false), (None, vec![false]));
    assert_eq!(recognise(&ann, true), (Some(id), vec![true]));
    assert_eq!(recognise(&ann, false), (Some(id), vec![]), "what was verified costs no signature");
}

mod remembered;
