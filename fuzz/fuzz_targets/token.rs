//! Tokens and the keys they are verified with. An input is a set of keys (JWKS), a token as it comes, or, where it has
//! two lines, a header and claims that are signed rightly, so that what is behind the signature is reached too.

#![no_main]

use std::path::PathBuf;
use std::sync::LazyLock;

use libfuzzer_sys::fuzz_target;
use ratewarden_callers::{Caller, Failed, Identifier, Peer, VerifiedTokens};
use ratewarden_testkit::issuer::SigningKey;

const SECRET: &[u8] = b"thirty-two bytes are enough, these";
const NOW: u64 = 1_700_000_000;

fn identifier(jwt: &str) -> Identifier {
    let text = format!(
        "[listen]\nhttp = \"127.0.0.1:1\"\n[upstream]\nurl = \"http://127.0.0.1:2\"\n\
         [[caller]]\nfrom = \"jwt:sub\"\njwt = {{ {jwt}, plan-claim = \"plan\" }}\n[[plan]]\nname = \"pro\"\n"
    );
    let policy = ratewarden_policy::read(&text, &folder().join("p.toml")).expect("it is right").policy;
    Identifier::build(&policy, &[7; 16], None).expect("its file is there")
}

fn folder() -> PathBuf {
    std::env::temp_dir()
}

static SHARED: LazyLock<Identifier> = LazyLock::new(|| {
    let file = folder().join(format!("token-fuzz-{}", std::process::id()));
    std::fs::write(&file, SECRET).expect("there is a place for files");
    let identifier = identifier(&format!("secret-file = {file:?}, issuer = \"a\", audience = \"b\""));
    let _ = std::fs::remove_file(file);
    identifier
});

static REMOTE: LazyLock<Identifier> = LazyLock::new(|| identifier("jwks = \"http://127.0.0.1:1/\""));

fn identify(identifier: &Identifier, token: &str, seen: &mut VerifiedTokens) -> Result<Caller, Failed> {
    let peer = Peer { address: [127, 0, 0, 1].into(), certificate_subject: None };
    let value = format!("Bearer {token}");
    let fields: &[(&str, &str)] = &[("authorization", &value)];
    identifier.identify(fields, &peer, seen, NOW)
}

/// Where it is a caller, it is one for good reason, and the same the second time.
fn check(identifier: &Identifier, token: &str) -> Option<Caller> {
    let mut seen = VerifiedTokens::default();
    let first = identify(identifier, token, &mut seen);
    assert_eq!(seen.len(), usize::from(first.is_ok()));
    assert_eq!(first, identify(identifier, token, &mut seen));
    if let Err(failed) = &first {
        assert!(matches!(failed.status(), 401 | 503) && !failed.reason().is_empty());
    }
    let caller = first.ok()?;
    assert!(caller.is_verified() && caller.display().to_string().len() == "jwt:000000".len());
    Some(caller)
}

fuzz_target!(|input: &[u8]| {
    if input.starts_with(b"{\"keys\"") {
        let keys = REMOTE.remote_keys().next().expect("it has keys to fetch");
        if keys.put(input).is_ok() {
            assert_eq!(keys.put(input), Ok(false), "the same keys are no news");
        }
        return;
    }
    let Ok(text) = std::str::from_utf8(input) else { return };
    let Some((header, claims)) = text.split_once('\n') else {
        // Nobody who does not know the secret finds a token.
        let token = text.trim();
        assert!(token.is_empty() || check(&SHARED, token).is_none());
        let _ = check(&REMOTE, token);
        return;
    };
    let token = SigningKey::secret(SECRET).signed("HS256", header, claims);
    let Some(caller) = check(&SHARED, &token) else { return };
    let claims: serde_json::Value = serde_json::from_str(claims).expect("it was read");
    let header: serde_json::Value = serde_json::from_str(header).expect("it was read");
    assert_eq!((&header["alg"], &claims["iss"]), (&"HS256".into(), &"a".into()));
    assert!(claims["exp"].as_f64().is_some_and(|exp| exp + 60.0 > NOW as f64));
    assert!(caller.user().is_some_and(|user| !user.is_empty()));
    assert!(matches!(caller.plan(), None | Some("pro")));
});
