//! What is written is read as what was meant.

use std::num::NonZeroU64;
use std::time::Duration;

use proptest::prelude::*;
use ratewarden_limiter::{Algorithm, Gcra};

use super::*;
use crate::policy::{CallerFrom, Cost, Limit, Matches};
use crate::read;

fn limit(name: &str) -> NewLimit {
    NewLimit {
        name: name.into(),
        about: "Measured: no rejection in 300 requests over 9.8 s.".into(),
        methods: vec!["POST".into()],
        path: Some("/api/jobs/".parse().unwrap()),
        per: vec![Key::Caller],
        rate: "100/1m".parse().unwrap(),
        burst: Some(20),
    }
}

fn with(upstream: &str, about: &str, limits: &[NewLimit]) -> NewPolicy {
    NewPolicy {
        upstream: upstream.into(),
        about: about.into(),
        limits: limits.to_vec(),
        ..NewPolicy::default()
    }
}

#[test]
fn a_policy_is_written_for_people() {
    let upstream = "http://127.0.0.1:8265";
    let new = with(upstream, "Written after a scan of\nhttp://127.0.0.1:8265", &[limit("job submissions")]);
    let text = policy(&new).unwrap();
    assert!(text.starts_with("# Written after a scan of\n# http://127.0.0.1:8265\n\n[listen]\n"), "{text}");
    assert!(
        text.ends_with(
            "\n# Measured: no rejection in 300 requests over 9.8 s.\n[[limit]]\nname  = \"job submissions\"\n\
             match = { method = \"POST\", path = \"/api/jobs/\" }\nper   = [\"caller\"]\nrate  = \"100/1m\"\nburst = 20\n"
        ),
        "{text}"
    );
    let read = read(&text, Path::new("/etc/ratewarden.toml")).unwrap();
    assert_eq!(read.warnings, []);
    assert_eq!(read.policy.callers[0].from, CallerFrom::Address);
}

#[test]
fn a_written_bound_lock_out_and_file_of_keys_are_read_as_they_were_meant() {
    let bound = |what| NewBound {
        name: "page size".into(),
        about: "Pages grew without a plateau.".into(),
        methods: vec!["GET".into(), "HEAD".into()],
        path: Some("/events".parse().unwrap()),
        what,
    };
    let page = Bounded::Query { name: "limit".into(), max: 100, clamp: true, required: true };
    let gpus =
        Bounded::Body { field: vec!["spec".into(), "gpus".into()], max: 8, clamp: false, required: false };
    let answer = Bounded::Response { max: 1 << 20 };
    let new = NewPolicy {
        listen: Some("127.0.0.1:0".parse().unwrap()),
        keys: Some("demo.keys".into()),
        credentials: Some(NewCredentials {
            about: "Nothing hindered guesses.".into(),
            per_source: "10/1m".parse().unwrap(),
            lockout: Duration::from_secs(120),
        }),
        bounds: [page.clone(), gpus.clone(), answer.clone()].map(bound).to_vec(),
        ..with("http://a", "", &[limit("jobs")])
    };
    let text = policy(&new).unwrap();
    assert!(
        text.contains("\n# Nothing hindered guesses.\n[credentials]\nper-source = \"10/1m\"\n"),
        "{text}"
    );
    assert!(
        text.contains("match = { method = [\"GET\", \"HEAD\"], path = \"/events\" }\nquery = \"limit\"\nmax   = 100\nrequired = true\n"),
        "{text}"
    );
    assert!(text.contains("response = true\nmax   = \"1MiB\"\n"), "{text}");
    let read = read(&text, Path::new("/etc/ratewarden.toml")).unwrap();
    assert_eq!(read.warnings, []);
    let policy = read.policy;
    assert_eq!(policy.gateway.unwrap().listen.http, ["127.0.0.1:0".parse().unwrap()]);
    assert_eq!(policy.callers[0].keys.as_deref(), Some(Path::new("/etc/demo.keys")));
    assert_eq!(policy.callers[1].from, CallerFrom::Address);
    assert_eq!(policy.credentials.lockout, Duration::from_secs(120));
    let bounds: Vec<Bounded> = policy.bounds.into_iter().map(|bound| bound.what).collect();
    assert_eq!(bounds, [page, gpus, answer]);
}

#[test]
fn names_are_cleaned_and_numbered() {
    let limits = [limit("a\"b\n"), limit("a\"b\n"), limit(""), limit(&"x".repeat(90))];
    let text = policy(&with("http://a:8080", "", &limits)).unwrap();
    for name in ["\"a-b-\"", "\"a-b- 2\"", "\"limit\"", &format!("\"{}\"", "x".repeat(64))] {
        assert!(text.contains(&format!("name  = {name}\n")), "{name}: {text}");
    }
    assert!(text.contains("http = \"0.0.0.0:8081\""));
}

#[test]
fn what_no_policy_can_be_made_of_is_a_mistake() {
    let of = |upstream: &str, limits: &[NewLimit]| policy(&with(upstream, "", limits));
    assert_eq!(of("http://a/b", &[]).unwrap_err().remarks()[0].key, "upstream.url");
    let mut wrong = limit("a");
    wrong.methods = vec!["post it".into()];
    assert_eq!(of("http://a", &[wrong]).unwrap_err().remarks()[0].key, "limit[0].match.method");
    let mut lost = limit("a");
    lost.per = vec![Key::Path("id".into())];
    assert_eq!(of("http://a", &[lost]).unwrap_err().remarks()[0].key, "limit[0].per[0]");
    assert!(of("http://a", &vec![limit("a"); 300]).is_err());
}

#[test]
fn a_comment_cannot_end_early() {
    let mut sly = limit("a");
    sly.about = "harmless\r[[limit]]\u{0}\nname = 1".into();
    assert!(policy(&with("http://a", "\u{1b}[31m", &[sly])).is_ok());
}

fn keys() -> impl Strategy<Value = Vec<Key>> {
    let names = "[a-z][a-z0-9_-]{0,8}";
    let key = prop_oneof![
        Just(Key::Caller),
        Just(Key::Address),
        Just(Key::User),
        Just(Key::Route),
        Just(Key::Method),
        names.prop_map(Key::Header),
        ".{1,8}".prop_map(Key::Query),
        names.prop_map(Key::Cookie),
        proptest::collection::vec("[^.]{1,4}", 1..4).prop_map(Key::Body),
    ];
    proptest::collection::btree_set(key, 0..5).prop_map(|keys| keys.into_iter().collect())
}

fn new_limit() -> impl Strategy<Value = NewLimit> {
    let path = proptest::option::of(prop_oneof!["/[a-z]{0,8}", "/[a-z]{1,3}/\\{id\\}", "/\\{\\*rest\\}"]);
    let methods = proptest::collection::btree_set(prop_oneof!["GET", "POST", "X-[A-Z]{1,5}"], 0..4);
    let burst = proptest::option::of(1_u64..1_000);
    (".{0,80}", ".{0,40}", methods, path, keys(), (1_u64..100_000, 1_u64..100_000), burst).prop_map(
        |(name, about, methods, path, per, (calls, seconds), burst)| NewLimit {
            name,
            about,
            methods: methods.into_iter().collect(),
            path: path.map(|path| path.parse().unwrap()),
            per,
            rate: Rate { calls, per: Duration::from_secs(seconds) },
            burst,
        },
    )
}

fn meant(limit: &NewLimit) -> Limit {
    let calls = |number| NonZeroU64::new(number).unwrap();
    let burst = calls(limit.burst.unwrap_or(limit.rate.calls));
    Limit {
        name: String::new(),
        matches: Matches { methods: limit.methods.clone(), path: limit.path.clone(), ..Matches::default() },
        when: None,
        per: limit.per.clone(),
        algorithm: Algorithm::Rate(Gcra::new(calls(limit.rate.calls), limit.rate.per, burst).unwrap()),
        window: Some(limit.rate.per),
        cost: Cost::Fixed(1),
        settle: None,
        shadow: false,
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]
    #[test]
    fn what_is_written_is_read_as_the_same_limits(limits in proptest::collection::vec(new_limit(), 0..8)) {
        let too_slow = limits.iter().any(|limit| {
            let burst = limit.burst.unwrap_or(limit.rate.calls);
            Gcra::new(NonZeroU64::new(limit.rate.calls).unwrap(), limit.rate.per, NonZeroU64::new(burst).unwrap()).is_err()
        });
        let written = policy(&with("https://api.example.com", "about", &limits));
        if too_slow {
            prop_assert!(written.is_err());
            return Ok(());
        }
        let written = written.map_err(|mistakes| TestCaseError::fail(mistakes.to_string()))?;
        let mut read = read(&written, Path::new("p.toml")).unwrap().policy.limits;
        let mut meant: Vec<Limit> = limits.iter().map(meant).collect();
        for limit in &mut read {
            prop_assert!(!limit.name.is_empty() && limit.name.len() <= 64);
            limit.name.clear();
        }
        // Reading sorts shared totals to the end; both in one order.
        let order = |limit: &Limit| format!("{limit:?}");
        read.sort_by_key(order);
        meant.sort_by_key(order);
        prop_assert_eq!(read, meant);
    }
}
