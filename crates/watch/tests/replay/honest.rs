//! Real shapes of honest and of abusive callers, and the verdict on each.

use ratewarden_model::Call;
use ratewarden_watch::replay::RejectedCaller;

use super::{MIDNIGHT, call, replay};

const POLICY: &str = "[[limit]]\nname = \"a\"\nper = [\"caller\"]\nrate = \"60/1m\"\n";

fn browser(call: Call<'static>) -> Call<'static> {
    Call { agent: b"Mozilla/5.0 (X11; Linux x86_64) Firefox/140.0", referer: b"https://a.example/", ..call }
}

fn verdict(calls: impl IntoIterator<Item = Call<'static>>) -> RejectedCaller {
    let mut replay = replay(POLICY);
    for call in calls {
        replay.see(&call);
    }
    replay.finish().limits.remove(0).rejected_callers.remove(0)
}

#[test]
fn a_page_with_many_parts_and_a_reloading_owner_look_honest() {
    // A slide deck of 108 files in a minute, then reading.
    let deck = (0..108).map(|number| browser(call(MIDNIGHT + number * 100, 1, "/slides/x.svg")));
    let seen = verdict(deck);
    assert!(seen.looks_honest && seen.rejected > 0, "{seen:?}");
    // An owner who reloads at 133 calls a minute for two minutes.
    let owner = (0..266).map(|number| browser(call(MIDNIGHT + number * 451, 1, "/")));
    let seen = verdict(owner);
    assert!(seen.looks_honest, "{seen:?}");
    assert!(seen.reasons.iter().any(|reason| reason.contains("browser")), "{seen:?}");
}

#[test]
fn a_steady_client_a_little_over_the_limit_looks_honest() {
    let steady = (0..1_500).map(|number| call(MIDNIGHT + number * 950, 1, "/api"));
    let seen = verdict(steady);
    assert!(seen.looks_honest && seen.rejected < 30, "{seen:?}");
}

#[test]
fn floods_guesses_and_probes_do_not_look_honest() {
    let flood = (0..6_000).map(|number| call(MIDNIGHT + number * 10, 1, "/api"));
    assert!(!verdict(flood).looks_honest);
    // Even with a forged agent and referrer.
    let forged = (0..6_000).map(|number| browser(call(MIDNIGHT + number * 10, 1, "/api")));
    assert!(!verdict(forged).looks_honest);
    let guesses = (0..300).map(|number| Call { status: 401, ..call(MIDNIGHT + number * 100, 1, "/login") });
    let seen = verdict(guesses);
    assert!(!seen.looks_honest && seen.reasons[0].starts_with("-2"), "{seen:?}");
    const PATHS: [&str; 30] = [
        "/1", "/2", "/3", "/4", "/5", "/6", "/7", "/8", "/9", "/10", "/11", "/12", "/13", "/14", "/15",
        "/16", "/17", "/18", "/19", "/20", "/21", "/22", "/23", "/24", "/25", "/26", "/27", "/28", "/29",
        "/30",
    ];
    let probe = (0..90).map(|number| Call {
        status: if number % 3 == 0 { 200 } else { 404 },
        ..call(MIDNIGHT + i64::try_from(number).unwrap() * 100, 1, PATHS[number % 30])
    });
    let seen = verdict(probe);
    assert!(!seen.looks_honest, "{seen:?}");
}

#[test]
fn a_nightly_batch_of_a_known_caller_looks_honest() {
    let folder = tempfile::tempdir().unwrap();
    let new = ratewarden_callers::NewKey::generate("batch", "").unwrap();
    std::fs::write(folder.path().join("keys.txt"), &new.line).unwrap();
    let text = format!(
        "[listen]\nhttp = \"127.0.0.1:1\"\n[upstream]\nurl = \"http://127.0.0.1:2\"\n\
         [[caller]]\nfrom = \"header:x-api-key\"\nkeys = \"keys.txt\"\n{POLICY}"
    );
    let policy = ratewarden_policy::read(&text, &folder.path().join("p.toml")).unwrap().policy;
    let mut replay = ratewarden_watch::Replay::new(&policy, &[1; 16]).unwrap();
    let caller = ratewarden_model::CallCaller::Hashed { id: 0, name: b"batch" };
    for number in 0..3_000 {
        replay.see(&Call {
            caller,
            basis: ratewarden_model::Basis::Proved,
            ..call(MIDNIGHT + number * 250, 1, "/api")
        });
    }
    let seen = replay.finish().limits.remove(0).rejected_callers.remove(0);
    assert!(seen.looks_honest && seen.rejected > 2_000, "{seen:?}");
}
