use std::path::Path;

use super::*;
use crate::keys::NewKey;

fn identifier(callers: &str) -> Identifier {
    let text =
        format!("[listen]\nhttp = \"127.0.0.1:1\"\n[upstream]\nurl = \"http://127.0.0.1:2\"\n{callers}");
    let policy = ratewarden_policy::read(&text, Path::new("/ratewarden.toml")).unwrap().policy;
    Identifier::build(&policy, &[7; 16], None).unwrap()
}

fn identify(identifier: &Identifier, fields: &[(&str, &str)]) -> Result<Caller, Failed> {
    let peer = Peer { address: "192.0.2.1".parse().unwrap(), certificate_subject: Some("CN=robot") };
    identifier.identify(fields, &peer, &mut VerifiedTokens::default(), 0)
}

fn shown(caller: &Caller) -> String {
    caller.display().to_string()
}

#[test]
fn the_first_source_that_is_present_decides() {
    let identifier = identifier("[[caller]]\nfrom = \"header:x-api-key\"\n[[caller]]\nfrom = \"basic\"\n");
    let key = identify(&identifier, &[("X-API-Key", "sekrit"), ("authorization", "Basic YW5uOng=")]).unwrap();
    assert!(shown(&key).starts_with("key:") && !shown(&key).contains("sekrit"), "{}", shown(&key));
    assert!(!key.is_verified(), "anybody can make up a key");
    let ann = identify(&identifier, &[("authorization", "basic YW5uOng=")]).unwrap();
    assert_eq!((shown(&ann).as_str(), ann.user()), ("ann", Some("ann")));
    let nobody = identify(&identifier, &[("authorization", "Bearer x")]).unwrap();
    assert_eq!(shown(&nobody), "192.0.2.1");
}

#[test]
fn what_two_servers_would_read_differently_is_refused() {
    let identifier = identifier(
        "[[caller]]\nfrom = \"header:x-api-key\"\n[[caller]]\nfrom = \"cookie:sid\"\n[[caller]]\nfrom = \"bearer\"\n",
    );
    for (fields, reason) in [
        (&[("x-api-key", "a"), ("X-Api-Key", "b")][..], "credentials_duplicate"),
        (&[("x-api-key", "a"), ("x-api-key", "a")], "credentials_duplicate"),
        (&[("x-api-key", "")], "credentials_empty"),
        (&[("x-api-key", "  ")], "credentials_empty"),
        (&[("cookie", "sid=1; sid=2")], "credentials_duplicate"),
        (&[("authorization", "Bearer a"), ("authorization", "Basic b")], "credentials_duplicate"),
        (&[("authorization", "Bearer")], "credentials_empty"),
    ] {
        assert_eq!(
            identify(&identifier, fields).map_err(|failed| failed.reason()),
            Err(reason),
            "{fields:?}"
        );
    }
}

#[test]
fn a_known_key_is_its_owner_and_an_unknown_one_is_nobody() {
    let folder = tempfile::tempdir().unwrap();
    let (old, new) = (NewKey::generate("ann", "pro").unwrap(), NewKey::generate("bob", "").unwrap());
    let file = folder.path().join("keys.txt");
    std::fs::write(&file, format!("{}\n{}\n", old.line, new.line)).unwrap();
    let policy = format!(
        "[[plan]]\nname = \"free\"\ndefault = true\n[[plan]]\nname = \"pro\"\n[[caller]]\nfrom = \"bearer\"\nkeys = {:?}\n",
        file.to_str().unwrap()
    );
    let identifier = identifier(&policy);
    let ann = identify(&identifier, &[("authorization", &format!("Bearer {}", old.key))]).unwrap();
    assert_eq!((shown(&ann).as_str(), ann.plan(), ann.is_verified()), ("ann", Some("pro"), true));
    let bob = identify(&identifier, &[("authorization", &format!("bearer  {} ", new.key))]).unwrap();
    assert_eq!((shown(&bob).as_str(), bob.plan()), ("bob", Some("free")));
    let failed = identify(&identifier, &[("authorization", "Bearer rw_guess")]).unwrap_err();
    assert_eq!((failed.status(), failed.reason()), (401, "credentials_unknown"));
    assert!(failed.target().is_some());
    let nobody = identify(&identifier, &[]).unwrap();
    assert_eq!((shown(&nobody).as_str(), nobody.plan()), ("192.0.2.1", Some("free")));
}

#[test]
fn required_credentials_are_asked_for_and_certificates_name_their_owner() {
    let required = identifier("[[caller]]\nfrom = \"header:x-api-key\"\nrequired = true\n");
    assert_eq!(identify(&required, &[]).map_err(|failed| failed.status()), Err(401));
    let robots = identifier(
        "[[caller]]\nfrom = \"mtls\"\n[tls]\ncertificate = \"c\"\nkey = \"k\"\nclient-ca = \"a\"\n",
    );
    let robot = identify(&robots, &[]).unwrap();
    assert_eq!((shown(&robot).as_str(), robot.is_verified()), ("CN=robot", true));
}
