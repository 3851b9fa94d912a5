//! Tokens through the whole of it, from a policy to a caller: here what is a token at all and whose signature holds. Keys,
//! whom a token names, and what is remembered have files of their own.

mod keys;
mod named;
mod remembered;

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
