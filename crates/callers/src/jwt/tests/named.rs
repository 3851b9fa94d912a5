//! Whom a token names, right or wrong, and whose signature is worth the work.

use super::*;

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
