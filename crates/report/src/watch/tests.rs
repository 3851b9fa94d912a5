use ratewarden_model::rules::abuse;
use ratewarden_model::{Seen, Subject, SubjectKind, UnreadableReason};
use serde_json::Value;

use super::*;

fn report() -> WatchReport {
    let subject = Subject::named(SubjectKind::Address, "203.0.113.7");
    let finding = Finding {
        seen: Some(Seen {
            first_seen: "2026-11-28T01:00:00Z".into(),
            last_seen: "2026-11-28T01:02:00Z".into(),
            count: 12_345,
            count_error: 3,
            threshold: "300/10s".into(),
            samples: vec!["2026-11-28T01:00:00Z GET /a\u{1b}[31m 200".into()],
        }),
        ..Finding::new(&abuse::FLOOD, subject, "203.0.113.7", "Flood.").evidence("calls", 12_345)
    };
    WatchReport {
        schema: ratewarden_model::watch_report::SCHEMA.into(),
        version: "0".into(),
        sources: vec![WatchedSource {
            name: "access.log".into(),
            form: Some("nginx-combined".into()),
            lines: 20_001,
            calls: 20_000,
            unreadable: 1,
            reasons: vec![UnreadableReason {
                reason: "the line is of no known form".into(),
                lines: 1,
                first_line: 17,
                sample: "garbage".into(),
            }],
            error: None,
        }],
        from: Some("2026-11-28T00:00:00Z".into()),
        to: Some("2026-11-28T02:00:00Z".into()),
        findings: vec![finding],
        notes: vec!["A note.".into()],
    }
}

#[test]
fn a_person_sees_who_what_how_much_and_what_to_do() {
    let text = render_watch_pretty(&report(), &Options::default());
    for wanted in [
        "20 000 calls",
        "203.0.113.7",
        "12 345",
        "± 3",
        "300/10s",
        "watch.flood",
        "first line 17",
        "nginx-combined",
        "→ Limit calls",
    ] {
        assert!(text.contains(wanted), "{wanted} in\n{text}");
    }
    assert!(!text.contains('\u{1b}'), "{text}");
    assert!(text.lines().all(|line| line.chars().count() <= 100), "{text}");
}

#[test]
fn a_source_of_which_nothing_is_understood_is_told_what_to_do() {
    let mut report = report();
    report.findings.clear();
    (report.sources[0].calls, report.sources[0].form) = (0, None);
    let text = render_watch_pretty(&report, &Options::default());
    assert!(text.contains("--log-format") && text.contains("No abuse was seen."), "{text}");
}

#[test]
fn the_document_fits_its_schema_and_reads_back_the_same() {
    let schema: Value =
        serde_json::from_str(include_str!("../../../../docs/schema/watch-1.schema.json")).unwrap();
    let validator = jsonschema::validator_for(&schema).unwrap();
    let text = render_watch_json(&report()).unwrap();
    let document: Value = serde_json::from_str(&text).unwrap();
    let complaints: Vec<String> =
        validator.iter_errors(&document).map(|error| format!("{}: {error}", error.instance_path())).collect();
    assert_eq!(complaints, Vec::<String>::new());
    assert_eq!(serde_json::from_str::<WatchReport>(&text).unwrap(), report());
    for (place, value) in
        [("/schema", "ratewarden.watch/2"), ("/findings/0/count", "many"), ("/sources/0/lines", "x")]
    {
        let mut wrong = document.clone();
        *wrong.pointer_mut(place).unwrap() = value.into();
        assert!(!validator.is_valid(&wrong), "{place}");
    }
}

#[test]
fn a_finding_of_a_stream_is_one_line() {
    let line = render_finding_line("opened", &report().findings[0]).unwrap();
    assert!(!line.contains('\n'));
    let value: Value = serde_json::from_str(&line).unwrap();
    assert_eq!((value["state"].as_str(), value["rule"].as_str()), (Some("opened"), Some("watch.flood")));
}
