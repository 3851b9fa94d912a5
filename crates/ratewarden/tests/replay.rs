//! `ratewarden replay` and `ratewarden policy suggest`: the real binary on real files.

#![cfg(unix)]
#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

#[path = "cli/run.rs"]
#[expect(dead_code, reason = "the demo API is for the tests that scan")]
mod cli;
#[path = "watch/logs.rs"]
#[expect(dead_code, reason = "findings are for the tests of watching")]
mod logs;
#[path = "replay/suggest.rs"]
mod suggest;

use std::fs::{self, File};
use std::io::Write as _;
use std::process::Stdio;
use std::time::Duration;

use cli::{Ran, program, run};
use logs::{Folder, as_logged, nginx};
use ratewarden_testkit::schema::closed;
use ratewarden_traffic::{MONDAY_MS, OwnedCall, Traffic, background, scenario};
use serde_json::{Value, json};

const POLICY: &str = "\
[[caller]]
from = \"address\"

[[limit]]
name = \"logins\"
match = { method = \"POST\", path = \"/login\" }
per = [\"caller\"]
rate = \"10/1m\"
burst = 10

[[limit]]
name = \"teams\"
per = [\"header:x-team\"]
rate = \"1000/1h\"
";

/// An hour of honest visitors, and three hundred logins of 203.0.113.5 in a minute.
fn calls() -> Traffic {
    let honest = background::website(7, MONDAY_MS + 9 * logs::HOUR_MS, Duration::from_secs(3_600));
    let logins = scenario::login_brute_force(7, MONDAY_MS + 9 * logs::HOUR_MS + 600_000);
    as_logged(honest.merge(logins.calls))
}

/// A field that the document has and the schema forgot is an error.
#[track_caller]
fn holds(schema: &str, document: &Value) {
    let schema = jsonschema::validator_for(&closed(serde_json::from_str(schema).unwrap())).unwrap();
    let wrong: Vec<String> = schema.iter_errors(document).map(|error| error.to_string()).collect();
    assert!(wrong.is_empty(), "{wrong:?}");
}

#[track_caller]
fn json_of(ran: &Ran) -> Value {
    serde_json::from_str(&ran.stdout).unwrap()
}

/// A folder with a policy and a log, and their names.
fn place() -> (Folder, String, String) {
    let folder = Folder::new();
    let (policy, log) =
        (folder.write("ratewarden.toml", POLICY), folder.write("access.log", nginx(&calls())));
    (folder, policy, log)
}

#[test]
fn a_replay_says_for_each_limit_what_it_would_have_rejected_and_whose() {
    let (folder, policy, log) = place();
    let files = ["report.json", "report.txt"].map(|name| folder.argument(name));
    let ran = run(&["replay", "-c", &policy, &log, "-o", &files[0], "-o", &files[1]]);
    ran.ends_with(0);
    assert_eq!(ran.stderr, "");
    let report: Value = serde_json::from_str(&fs::read_to_string(&files[0]).unwrap()).unwrap();
    holds(include_str!("../../../docs/schema/replay-1.schema.json"), &report);
    assert_eq!(fs::read_to_string(&files[1]).unwrap(), ran.stdout);

    assert_eq!((&report["calls"], &report["unreadable"]), (&json!(calls().len()), &json!(0)));
    let logins = &report["limits"][0];
    assert_eq!((&logins["name"], &logins["matched"]), (&json!("logins"), &json!(300)));
    let rejected = logins["rejected"].as_u64().unwrap();
    // Ten at once, and ten more in the minute that it lasts.
    assert!((275..=290).contains(&rejected), "{rejected}");
    assert_eq!(logins["rejected_callers"][0]["caller"], "203.0.113.5");
    assert_eq!(logins["rejected_callers"][0]["looks_honest"], false);
    let teams = &report["limits"][1];
    assert_eq!(teams["rejected"], Value::Null);
    assert!(teams["unsupported"].to_string().contains("x-team"), "{teams}");
    for words in ["logins", "203.0.113.5", "does not look honest", "NOT REPLAYED", "x-team"] {
        assert!(ran.stdout.contains(words), "{words}: {}", ran.stdout);
    }
}

#[test]
fn whichever_way_calls_come_in_the_report_is_the_same() {
    let (folder, policy, log) = place();
    let text = nginx(&calls());
    let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    gzip.write_all(text.as_bytes()).unwrap();
    let packed = folder.write("packed.gz", gzip.finish().unwrap());
    let zstd = folder.write("packed.zst", zstd::encode_all(text.as_bytes(), 1).unwrap());
    let half = text[..text.len() / 2].rfind('\n').unwrap() + 1;
    let (old, new) = (folder.write("set.log.1", &text[..half]), folder.write("set.log", &text[half..]));
    let report = |files: &[&str]| {
        let mut all = vec!["replay", "--format", "json", "-c", &policy];
        all.extend(files);
        let mut report = json_of(run(&all).ends_with(0));
        report["sources"] = json!(null);
        report
    };
    let expected = report(&[&log]);
    assert_eq!(report(&[&packed]), expected);
    assert_eq!(report(&[&zstd]), expected);
    assert_eq!(report(&[&new, &old]), expected, "oldest first");
    let arguments = ["replay", "--format", "json", "-c", &policy];
    let ran = program(&arguments).stdin(Stdio::from(File::open(&log).unwrap())).output().unwrap();
    let mut piped = json_of(Ran::of(&ran).ends_with(0));
    assert_eq!(piped["sources"][0]["name"], "standard input");
    piped["sources"] = json!(null);
    assert_eq!(piped, expected);
}

#[test]
fn logs_of_several_servers_of_one_time_are_read_side_by_side() {
    let (folder, policy, _) = place();
    let mut all = calls().into_calls();
    // A wrong clock, once, does not put off what comes after it in its log.
    all.insert(500, OwnedCall { at_ms: 4_070_908_800_000, ..all[500].clone() });
    let log = folder.write("all.log", nginx(&all));
    let of_server =
        |server: usize| -> Vec<OwnedCall> { all.iter().skip(server).step_by(2).cloned().collect() };
    let (one, other) = (of_server(0), of_server(1));
    let one = folder.write("web1.log", nginx(&one));
    let other = folder.write("web2.log", nginx(&other));
    let rejected = |files: &[&str]| {
        let mut all = vec!["replay", "--format", "json", "-c", &policy];
        all.extend(files);
        json_of(run(&all).ends_with(0))["limits"][0]["rejected"].as_u64().unwrap()
    };
    let expected = rejected(&[&log]);
    let found = rejected(&[&one, &other]);
    // One log may be a second, and the line that says so, ahead of the other: what comes back meanwhile comes early.
    assert!(found.abs_diff(expected) <= expected / 100, "{found} of {expected}");
}

#[test]
fn lines_that_are_no_call_are_counted_and_said_with_their_place() {
    let (folder, policy, _) = place();
    let text = nginx(&calls());
    let first = text.find('\n').unwrap() + 1;
    let log = folder.write("torn.log", format!("{}garbage\n\n{}", &text[..first], &text[first..]));
    let ran = run(&["replay", "-c", &policy, "--format", "json", &log]);
    let report = json_of(ran.ends_with(0));
    assert_eq!((&report["unreadable"], &report["calls"]), (&json!(2), &json!(calls().len())));
    let source = &report["sources"][0];
    assert_eq!(source["lines"], calls().len() + 2);
    assert!(ran.stderr.contains("1 line is no call") && ran.stderr.contains("line 2: a"), "{}", ran.stderr);
    assert!(ran.stderr.contains("(the line is empty); the first is line 3"), "{}", ran.stderr);
}

#[test]
fn a_log_that_cannot_be_read_is_said_and_the_others_are_replayed() {
    let (folder, policy, log) = place();
    let gone = folder.argument("gone.log");
    let ran = run(&["replay", "-c", &policy, "--format", "json", &gone, &log]);
    let report = json_of(ran.ends_with(3));
    assert_eq!(report["calls"], calls().len());
    assert!(
        ran.stderr.starts_with("error: ") && ran.stderr.contains("gone.log could not be opened"),
        "{}",
        ran.stderr
    );
}

#[test]
fn a_policy_with_mistakes_is_refused_with_all_of_them_and_their_places() {
    let (folder, _, log) = place();
    let wrong = folder.write(
        "wrong.toml",
        "[[limit]]\nname = \"a\"\nper = [\"caler\"]\nrate = \"10/1m\"\n\n[[limit]]\nname = \"b\"\nper = [\"caller\"]\nrate = \"ten\"\n",
    );
    let ran = run(&["replay", "-c", &wrong, &log]);
    ran.ends_with(2);
    assert_eq!(ran.stdout, "");
    assert!(ran.stderr.starts_with("error: 2 mistakes in "), "{}", ran.stderr);
    for words in ["wrong.toml:3:", "wrong.toml:9:", "\nhint: "] {
        assert!(ran.stderr.contains(words), "{words}: {}", ran.stderr);
    }
    let gone = folder.argument("gone.toml");
    run(&["replay", "-c", &gone, &log]).refuses("cannot read the policy", "-c names the policy");
}

#[test]
fn a_report_is_never_written_over_what_is_read() {
    let (folder, policy, _) = place();
    let log = folder.write("calls.json", "{}\n");
    run(&["replay", "-c", &policy, &log, "-o", &log]).refuses("written over", "name of its own");
    run(&["replay", "-c", &policy, &log, "-o", "report.pdf"]).refuses("report.pdf", ".json or .txt");
    let below = folder.argument("missing/report.json");
    run(&["replay", "-c", &policy, &log, "-o", &below]).refuses("missing", "folder that exists");
    assert_eq!(fs::read_to_string(&log).unwrap(), "{}\n");
}

/// A line of JSON with a credential, twenty times.
fn keyed(folder: &Folder) -> String {
    let line = r#"{"time":"2026-03-02T09:00:00Z","credential":"a-secret-key-0815","method":"GET","path":"/","status":200}"#;
    folder.write("keyed.json", format!("{line}\n").repeat(20))
}

#[test]
fn callers_are_hashed_under_the_secret_of_the_store_that_the_policy_names_and_it_is_not_made() {
    let (folder, ..) = place();
    let log = keyed(&folder);
    let policy = folder.write(
        "with-store.toml",
        "[store]\nfile = \"state.db\"\n[[caller]]\nfrom = \"header:x-api-key\"\n[[limit]]\nname = \"all\"\nper = [\"caller\"]\nrate = \"2/1m\"\nburst = 2\n",
    );
    let map = "time=time,credential=credential,method=method,path=path,status=status";
    let caller = || {
        let ran = run(&["replay", "-c", &policy, "--json-fields", map, "--format", "json", &log]);
        let report = json_of(ran.ends_with(0));
        assert!(!ran.stdout.contains("a-secret-key"), "{report}");
        report["limits"][0]["rejected_callers"][0]["caller"].as_str().unwrap().to_owned()
    };
    let of_machine = caller();
    assert!(!folder.path("state.db").exists(), "a replay makes no store");
    assert_eq!(caller(), of_machine, "the same in each run");
    let store = ratewarden_counters::Disk::open(&folder.path("state.db")).unwrap();
    assert_eq!(store.secret([7; 16]).unwrap(), [7; 16]);
    drop(store);
    let of_store = caller();
    assert_ne!(of_store, of_machine);
    assert_eq!(caller(), of_store);
    folder.write("state.db", "this is no store, but a text of some length");
    let ran = run(&["replay", "-c", &policy, "--json-fields", map, &log]);
    ran.refuses("cannot use the store", "as the user of the gateway");
}
