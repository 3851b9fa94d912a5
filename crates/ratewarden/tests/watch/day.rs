//! A day's log: who abuses what, with the numbers.

use std::fs;

use ratewarden_testkit::schema::closed;
use ratewarden_traffic::MONDAY_MS;
use serde_json::Value;

use crate::cli::run;
use crate::logs::{Folder, HOUR_MS, abuse, adds_up, findings, has, nginx, report, traffic};

const SCHEMA: &str = include_str!("../../../../docs/schema/watch-1.schema.json");

/// A field that the document has and the schema forgot is an error.
fn schema() -> jsonschema::Validator {
    jsonschema::validator_for(&closed(serde_json::from_str(SCHEMA).unwrap())).unwrap()
}

#[test]
fn a_days_log_says_who_abuses_what_and_nothing_of_anybody_else() {
    let folder = Folder::new();
    let calls = traffic(24);
    let log = folder.write("access.log", nginx(&calls));
    let files = ["report.json", "report.txt"].map(|name| folder.argument(name));
    let ran = run(&["watch", &log, "-o", &files[0], "-o", &files[1]]);
    ran.ends_with(0);
    assert_eq!(ran.stderr, "");
    let document: Value = serde_json::from_str(&fs::read_to_string(&files[0]).unwrap()).unwrap();
    assert_eq!(fs::read_to_string(&files[1]).unwrap(), ran.stdout, "the same page");
    let wrong: Vec<String> = schema().iter_errors(&document).map(|error| error.to_string()).collect();
    assert!(wrong.is_empty(), "{wrong:?}");

    adds_up(&document);
    assert_eq!(document["sources"][0]["calls"], calls.len());
    let scenarios = abuse(MONDAY_MS + 2 * HOUR_MS);
    for scenario in &scenarios {
        let (_, subject) = &scenario.subject;
        assert!(has(&document, scenario.rule, subject), "{} of {subject}", scenario.name);
        assert!(ran.stdout.contains(scenario.rule) && ran.stdout.contains(subject), "{}", ran.stdout);
    }
    for finding in findings(&document) {
        let subject = &finding["subject"]["value"];
        assert!(scenarios.iter().any(|scenario| scenario.subject.1 == *subject), "honest: {finding}");
        assert!(finding["count"].as_u64().unwrap() > 0 && finding["samples"][0].is_string(), "{finding}");
        assert!(!finding["remediation"]["summary"].as_str().unwrap().is_empty(), "{finding}");
    }
    let brute = findings(&document).iter().find(|finding| {
        finding["rule"] == "watch.login-brute-force" && finding["subject"]["value"] == "203.0.113.5"
    });
    assert_eq!(brute.unwrap()["count"], 300, "as many as there were");
}

#[test]
fn a_log_without_abuse_has_no_finding_and_says_so() {
    let folder = Folder::new();
    let calls = ratewarden_traffic::background::website(
        3,
        MONDAY_MS + 8 * HOUR_MS,
        std::time::Duration::from_secs(3_600),
    );
    let log = folder.write("access.log", nginx(&calls));
    assert_eq!(findings(&report(&[&log])), [] as [Value; 0]);
    let ran = run(&["watch", &log]);
    assert!(ran.ends_with(0).stdout.contains("No abuse was seen."), "{}", ran.stdout);
}
