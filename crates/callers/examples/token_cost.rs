//! What it costs to know the caller of a token: the first time, when its signature is verified, and again, when it is
//! remembered. `cargo run --release -p ratewarden-callers --example token_cost`

#![expect(clippy::unwrap_used, reason = "a measurement that cannot go on has failed")]

use std::time::Instant;

use ratewarden_callers::{Identifier, Peer, VerifiedTokens};
use ratewarden_testkit::issuer::SigningKey;

const TOKENS: u32 = 2_000;
const NOW: u64 = 1_700_000_000;

fn main() {
    let secret = [b'a'; 64];
    println!("algorithm  bytes  first (µs)  again (µs)");
    for (key, pem, algorithms) in [
        (SigningKey::secret(&secret), None, &["HS256"][..]),
        (SigningKey::rsa(1), Some(SigningKey::rsa(1).pem()), &["RS256", "PS256"]),
        with_pem(SigningKey::p256(), &["ES256"]),
        with_pem(SigningKey::p384(), &["ES384"]),
        with_pem(SigningKey::ed25519(), &["EdDSA"]),
    ] {
        let identifier = match &pem {
            Some(pem) => identifier("public-key", pem.as_bytes()),
            None => identifier("secret-file", &secret),
        };
        for algorithm in algorithms {
            measure(&identifier, &key, algorithm);
        }
    }
}

fn with_pem(
    key: SigningKey,
    algorithms: &'static [&'static str],
) -> (SigningKey, Option<String>, &'static [&'static str]) {
    let pem = key.pem();
    (key, Some(pem), algorithms)
}

fn identifier(how: &str, key: &[u8]) -> Identifier {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("key"), key).unwrap();
    let text = format!(
        "[listen]\nhttp = \"127.0.0.1:1\"\n[upstream]\nurl = \"http://127.0.0.1:2\"\n\
         [[caller]]\nfrom = \"jwt:sub\"\njwt = {{ {how} = \"key\" }}\n"
    );
    let policy = ratewarden_policy::read(&text, &folder.path().join("ratewarden.toml")).unwrap().policy;
    Identifier::build(&policy, &[7; 16], None).unwrap()
}

fn measure(identifier: &Identifier, key: &SigningKey, algorithm: &str) {
    let scope = "read write ".repeat(40);
    let token = |number| {
        let claims = format!(
            r#"{{"iss":"https://login.example.com","aud":"jobs","sub":"user-{number}","exp":1700000100,"scope":"{scope}"}}"#
        );
        format!("Bearer {}", key.token(algorithm, None, &claims))
    };
    let tokens: Vec<String> = (0..TOKENS).map(token).collect();
    let peer = Peer { address: [192, 0, 2, 1].into(), certificate_subject: None };
    let mut seen = VerifiedTokens::default();
    let [first, again] = [(); 2].map(|()| {
        let begun = Instant::now();
        for token in &tokens {
            let fields: &[(&str, &str)] = &[("authorization", token)];
            identifier.identify(fields, &peer, &mut seen, NOW).unwrap();
        }
        begun.elapsed().as_secs_f64() * 1e6 / f64::from(TOKENS)
    });
    let bytes = tokens.first().map_or(0, String::len);
    println!("{algorithm:<9}  {bytes:>5}  {first:>10.1}  {again:>10.2}");
}
