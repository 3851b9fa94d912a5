//! Keys that are fetched, and tokens that were verified before.

use super::*;

const URL: &str = "jwks = \"http://127.0.0.1:1/jwks\", audience = \"jobs\"";
const CLAIMS: &str = r#"{"sub":"ann","exp":1700000100,"aud":"jobs"}"#;

fn reason(identifier: &Identifier, seen: &mut VerifiedTokens, token: &str) -> &'static str {
    at(identifier, seen, token, NOW).map_or_else(|failed| failed.reason(), |_| "")
}

#[test]
fn while_there_are_no_keys_nobody_is_at_fault() {
    let identifier = Bench::new(&[]).build(URL, None).unwrap();
    let keys = identifier.remote_keys().next().unwrap();
    let key = SigningKey::ed25519();
    let token = key.token("EdDSA", Some("a"), CLAIMS);
    let failed = at(&identifier, &mut VerifiedTokens::default(), &token, NOW).unwrap_err();
    assert_eq!((failed.status(), failed.reason()), (503, "token_keys_awaited"));
    assert!(keys.take_wanted() && !keys.is_loaded());
    assert!(keys.put(b"<html>").unwrap_err().starts_with("it is no JWKS"));
    assert!(!keys.is_loaded());
    assert_eq!(keys.put(set(&[key.jwk("\"kid\":\"a\"")]).as_bytes()), Ok(true));
    assert!(keys.is_loaded() && !keys.take_wanted());
    assert_eq!(user(&identifier, &token).as_deref(), Ok("ann"));
}

#[test]
fn a_key_that_is_not_there_is_asked_for_before_it_is_wrong() {
    let identifier = Bench::new(&[]).build(URL, None).unwrap();
    let keys = identifier.remote_keys().next().unwrap();
    let (old, new) = (SigningKey::ed25519(), SigningKey::ed25519());
    keys.put(set(&[old.jwk("\"kid\":\"old\"")]).as_bytes()).unwrap();
    let token = new.token("EdDSA", Some("new"), CLAIMS);
    assert_eq!(user(&identifier, &token), Err("token_keys_awaited"));
    assert!(keys.take_wanted());
    keys.settle(true);
    assert_eq!(user(&identifier, &token), Err("token_key"), "it was asked for and is not there");
    assert!(!keys.take_wanted());
    keys.settle(false);
    assert_eq!(user(&identifier, &token), Err("token_keys_awaited"));
    assert!(keys.put(b"{\"keys\":[]}").is_err());
    assert_eq!(user(&identifier, &old.token("EdDSA", Some("old"), CLAIMS)).as_deref(), Ok("ann"));
}

#[test]
fn a_token_is_remembered_until_it_ends_or_the_keys_change() {
    let folder = Bench::new(&[]);
    let identifier = folder.build(URL, None).unwrap();
    let keys = identifier.remote_keys().next().unwrap();
    let (old, new) = (SigningKey::ed25519(), SigningKey::ed25519());
    let jwks = set(&[old.jwk("\"kid\":\"a\"")]);
    keys.put(jwks.as_bytes()).unwrap();
    let mut seen = VerifiedTokens::default();
    let token = old.token("EdDSA", Some("a"), CLAIMS);
    let first = at(&identifier, &mut seen, &token, NOW).unwrap();
    assert_eq!(seen.len(), 1);
    assert_eq!(at(&identifier, &mut seen, &token, NOW).unwrap(), first);
    assert_eq!(keys.put(jwks.as_bytes()), Ok(false), "the same keys are no news");
    assert_eq!((reason(&identifier, &mut seen, &token), seen.len()), ("", 1));
    let late = at(&identifier, &mut seen, &token, NOW + 160).unwrap_err();
    assert_eq!((late.reason(), seen.len()), ("token_expired", 0));
    assert_eq!(reason(&identifier, &mut seen, &token), "");
    keys.put(set(&[new.jwk("\"kid\":\"a\"")]).as_bytes()).unwrap();
    assert_eq!((reason(&identifier, &mut seen, &token), seen.len()), ("token_signature", 0));
    // Another policy with the same keys has other rules.
    let token = new.token("EdDSA", Some("a"), CLAIMS);
    assert_eq!(reason(&identifier, &mut seen, &token), "");
    let other = folder.build(&URL.replace("jobs", "mail"), Some(&identifier)).unwrap();
    assert!(other.remote_keys().next().unwrap().is_loaded(), "keys outlive a reload");
    assert_eq!((reason(&other, &mut seen, &token), seen.len()), ("token_audience", 0));
}

#[test]
fn only_so_many_tokens_are_remembered_and_those_in_use_stay() {
    let secret = SigningKey::secret(SECRET);
    let folder = Bench::new(&[("secret", std::str::from_utf8(SECRET).unwrap())]);
    let identifier = folder.build("secret-file = \"secret\"", None).unwrap();
    let mut seen = VerifiedTokens::default();
    let token = |number: u32| secret.token("HS256", None, &format!(r#"{{"sub":{number},"exp":1700000100}}"#));
    let used = token(0);
    for number in 1..=20_000 {
        at(&identifier, &mut seen, &token(number), NOW).unwrap();
        if number % 1_000 == 0 {
            at(&identifier, &mut seen, &used, NOW).unwrap();
        }
        assert!(seen.len() <= 8_192);
    }
    assert!(seen.len() > 4_000);
    let before = seen.len();
    at(&identifier, &mut seen, &used, NOW).unwrap();
    assert_eq!(seen.len(), before, "it was there");
    let forged = SigningKey::secret(&[1; 32]).token("HS256", None, CLAIMS);
    at(&identifier, &mut seen, &forged, NOW).unwrap_err();
    assert_eq!(seen.len(), before, "a guess takes no place");
}
