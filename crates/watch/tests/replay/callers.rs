//! Whom calls are counted against.

use ratewarden_callers::{Identifier, NewKey};
use ratewarden_model::{Basis, Call, CallCaller};
use ratewarden_watch::Replay;
use ratewarden_watch::replay::Outcome;

use super::{MIDNIGHT, call, policy, replay};

const ONE: &str = "[[limit]]\nname = \"a\"\nper = [\"caller\"]\nrate = \"1/24h\"\n";

fn callers(policy: &str, calls: &[Call<'_>]) -> Vec<String> {
    let mut replay = replay(policy);
    for call in calls.iter().chain(calls) {
        replay.see(call);
    }
    let mut limit = replay.finish().limits.remove(0);
    assert_eq!(limit.callers, limit.callers_rejected);
    limit.rejected_callers.drain(..).map(|caller| caller.caller).collect()
}

#[test]
fn an_ipv6_network_is_one_caller_and_an_ipv4_address_is() {
    let at = |address: &str| Call { address: Some(address.parse().unwrap()), ..call(MIDNIGHT, 1, "/") };
    let calls = ["2001:db8::1", "2001:db8::ffff", "2001:db8:1::1", "192.0.2.1", "::ffff:192.0.2.1"].map(at);
    let mut found = callers(ONE, &calls);
    found.sort();
    assert_eq!(found, ["192.0.2.1", "2001:db8:1::", "2001:db8::"]);
    assert_eq!(callers(&format!("[trust]\nipv6-prefix = 32\n{ONE}"), &calls).len(), 2);
}

#[test]
fn a_credential_is_counted_where_the_policy_looks_for_one_and_is_not_shown() {
    let with = |secret: &'static [u8], last| Call {
        caller: CallCaller::Credential(secret),
        ..call(MIDNIGHT, last, "/")
    };
    let calls =
        [with(b"secret-1", 1), with(b"secret-1", 2), with(b"Bearer secret-2", 1), call(MIDNIGHT, 1, "/")];
    assert_eq!(callers(ONE, &calls), ["192.0.2.1", "192.0.2.2"], "this policy knows addresses only");
    for (from, kind) in [("header:x-api-key", "key:"), ("bearer", "token:"), ("cookie:session", "cookie:")] {
        let found = callers(&format!("[[caller]]\nfrom = \"{from}\"\n{ONE}"), &calls);
        assert_eq!(found.len(), 3, "{found:?}");
        assert_eq!(found.iter().filter(|name| name.starts_with(kind)).count(), 2, "{found:?}");
        assert!(found.iter().all(|name| !name.contains("secret")), "{found:?}");
    }
}

#[test]
fn a_key_that_the_policys_file_knows_is_its_owner_and_another_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let new = NewKey::generate("ann", "pro").unwrap();
    std::fs::write(folder.path().join("keys.txt"), &new.line).unwrap();
    let text = format!(
        "[listen]\nhttp = \"127.0.0.1:1\"\n[upstream]\nurl = \"http://127.0.0.1:2\"\n[[plan]]\nname = \"pro\"\n\
         [[caller]]\nfrom = \"header:x-api-key\"\nkeys = \"keys.txt\"\n{ONE}match = {{ plan = \"pro\" }}\n\
         [credentials]\nper-source = \"3/1h\"\n"
    );
    let policy = ratewarden_policy::read(&text, &folder.path().join("p.toml")).unwrap().policy;
    let mut replay = Replay::new(&policy, &[1; 16]).unwrap();
    let with = |secret| Call { caller: CallCaller::Credential(secret), ..call(MIDNIGHT, 1, "/") };
    replay.see(&with(new.key.as_bytes()));
    // As a gateway with the same secret logs her.
    let id = Identifier::build(&policy, &[1; 16], None).unwrap().named("ann").id();
    let caller = CallCaller::Hashed { id, name: b"ann" };
    replay.see(&Call { caller, basis: Basis::Proved, ..call(MIDNIGHT, 2, "/") });
    for _ in 0..6 {
        replay.see(&with(b"guess"));
    }
    // Ann proved herself from this address before it was locked out; somebody else did not.
    replay.see(&with(new.key.as_bytes()));
    replay.see(&call(MIDNIGHT, 1, "/"));
    let report = replay.finish();
    let limit = &report.limits[0];
    assert_eq!((limit.matched, limit.callers, limit.rejected), (Some(3), Some(1), Some(2)));
    assert_eq!(limit.rejected_callers[0].caller, "ann");
    assert_eq!(report.refused.get("credentials_unknown"), Some(&4), "{:?}", report.refused);
    assert_eq!(report.banned, 3, "two guesses and who called from there without a key");
    assert_eq!(report.penalties.iter().map(|penalty| penalty.bans).sum::<u64>(), 1, "{:?}", report.penalties);
}

#[test]
fn a_credential_that_was_none_has_no_quota_of_its_own() {
    let tried =
        |id| Call { caller: CallCaller::Hashed { id, name: b"" }, status: 401, ..call(MIDNIGHT, 1, "/") };
    assert_eq!(callers(ONE, &[tried(1), tried(2), tried(3)]), ["192.0.2.1"]);
}

/// A call by the gateway's own log.
fn logged(basis: Basis, id: u128, name: &'static [u8]) -> Call<'static> {
    let caller = match basis {
        Basis::Claimed => return Call { user: name, basis, ..call(MIDNIGHT, 1, "/") },
        _ => CallCaller::Hashed { id, name },
    };
    Call { caller, basis, ..call(MIDNIGHT, 1, "/") }
}

const TOKENS_FIRST: &str = "[[caller]]\nfrom = \"jwt:sub\"\njwt = { jwks = \"https://issuer.test/jwks\" }\n\
    [[caller]]\nfrom = \"basic\"\n";

#[test]
fn the_gateways_own_log_proves_only_who_was_proved_and_by_the_hash() {
    // Two issuers have an ann, and two secrets have the same last digits.
    let proved = [logged(Basis::Proved, 1, b"ann"), logged(Basis::Proved, 2, b"ann")];
    assert_eq!(callers(ONE, &proved), ["ann", "ann"]);
    let unchecked = [1 << 64 | 5, 2 << 64 | 5].map(|id| logged(Basis::Unchecked, id, b"key:000005"));
    assert_eq!(callers(ONE, &unchecked).len(), 2);
    let identifier = Identifier::build(&policy(ONE), &[7; 16], None).unwrap();
    assert_eq!(identifier.proved(1, "ann").user(), None, "a key has no user");
    assert!(identifier.proved(0xabc, "jwt:000abc").user().is_some(), "a token has one");
    // A secret that nobody checked says nothing for whoever has it.
    let weight = |call: &Call<'_>| {
        let mut replay = super::replay(ONE);
        for _ in 0..20 {
            replay.see(call);
        }
        let report = replay.finish();
        format!("{:?}", report.limits[0].rejected_callers[0])
    };
    assert!(weight(&proved[0]).contains("proved"), "{}", weight(&proved[0]));
    assert!(!weight(&unchecked[0]).contains("proved"), "{}", weight(&unchecked[0]));
}

#[test]
fn a_claimed_user_is_nobodys_token_whatever_the_policy_looks_for_first() {
    let claimed = [logged(Basis::Claimed, 9, b"alice"), logged(Basis::Claimed, 9, b"bob")];
    let policy = policy(&format!("{TOKENS_FIRST}{ONE}"));
    let secret = [7; 16];
    let alice = Identifier::build(&policy, &secret, None).unwrap().named("alice").id();
    let mut replay = Replay::new(&policy, &secret).unwrap();
    let outcomes: Vec<_> = claimed
        .iter()
        .chain([&logged(Basis::Proved, alice, b"alice"), &claimed[0]])
        .map(|call| replay.see(call).unwrap())
        .collect();
    assert_eq!(outcomes, [Outcome::Admitted, Outcome::Admitted, Outcome::Admitted, Outcome::Rejected]);
    // Where the policy takes no Basic credentials, it is the address that counts.
    assert_eq!(callers(ONE, &claimed), ["192.0.2.1"]);
    let nowhere = claimed.map(|call| Call { address: None, ..call });
    assert_eq!(callers(ONE, &nowhere).len(), 2);
}

#[test]
fn a_credential_that_was_refused_has_no_quota_however_it_was_answered() {
    let tried = [1, 2].map(|id| Call { status: 429, ..logged(Basis::Refused, id, b"") });
    assert_eq!(callers(ONE, &tried), ["192.0.2.1"]);
}

#[test]
fn users_of_basic_credentials_and_of_audit_records_are_callers() {
    let user = |user: &'static [u8], address: Option<&str>| Call {
        user,
        address: address.map(|address| address.parse().unwrap()),
        ..call(MIDNIGHT, 1, "/")
    };
    let calls = [user(b"ann", Some("192.0.2.1")), user(b"bob", Some("192.0.2.1")), user(b"cleo", None)];
    let mut found = callers(&format!("[[caller]]\nfrom = \"basic\"\n{ONE}"), &calls);
    found.sort();
    assert_eq!(found, ["ann", "bob", "cleo"]);
    assert_eq!(callers(ONE, &calls), ["192.0.2.1", "cleo"]);
}
