//! Which keys are taken, and which of them a token is tried with.

use super::*;

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
