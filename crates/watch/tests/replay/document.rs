//! The document and the page.

use ratewarden_model::{Call, CallCaller};
use ratewarden_report::Options;
use ratewarden_testkit::schema::closed;
use ratewarden_watch::ReplayReport;
use ratewarden_watch::replay::{Source, pretty};
use serde_json::Value;

use super::{MIDNIGHT, call, replay};

const SCHEMA: &str = include_str!("../../../../docs/schema/replay-1.schema.json");

fn report() -> ReplayReport {
    let policy = "\
        [[limit]]\nname = \"all calls\"\nper = [\"caller\"]\nrate = \"100/1m\"\nburst = 20\n\
        [[limit]]\nname = \"teams\"\nper = [\"header:x-team\"]\nrate = \"1000/1h\"\n\
        [[limit]]\nname = \"daily\"\nshadow = true\nper = [\"caller\"]\nquota = { calls = 500, each = \"day\", zone = \"UTC\" }\n\
        [[limit]]\nname = \"open\"\nper = [\"caller\"]\nconcurrent = 3\n\
        [[penalty]]\nname = \"again and again\"\nafter = \"200 rejections/1m\"\nban = \"5m\"\n\
        [[caller]]\nfrom = \"basic\"\n";
    let mut replay = replay(policy);
    for number in 0..2_000 {
        replay.see(&call(MIDNIGHT + number * 20, 1, "/api/jobs/"));
        if number % 50 == 0 {
            let user = "an\u{1b}[2Jn\u{202e}".as_bytes();
            replay.see(&Call { user, status: 429, ..call(MIDNIGHT + number * 20, 2, "/api/jobs/") });
            replay.see(&Call { caller: CallCaller::Nobody, address: None, ..call(MIDNIGHT, 3, "/") });
            replay.see(&call(MIDNIGHT + number * 20, 4, "/a/../b"));
        }
        if number < 25 {
            replay.see(&call(MIDNIGHT + number * 20, 5, "/api/jobs/"));
        }
    }
    let source = Source {
        name: "access.log".into(),
        form: "nginx-combined".into(),
        lines: 2_147,
        calls: 2_145,
        unreadable: 2,
    };
    replay.finish().with_sources(vec![source])
}

#[test]
fn the_document_is_what_its_schema_says_and_is_harmless_on_a_terminal() {
    let text = report().to_json().unwrap();
    assert!(!text.contains('\u{1b}') && !text.contains('\u{202e}'));
    let document: Value = serde_json::from_str(&text).unwrap();
    assert_eq!(document["limits"][1]["rejected"], Value::Null);
    let schema: Value = serde_json::from_str(SCHEMA).unwrap();
    for schema in [schema.clone(), closed(schema)] {
        let validator = jsonschema::validator_for(&schema).unwrap();
        let complaints: Vec<String> = validator
            .iter_errors(&document)
            .map(|error| format!("{}: {error}", error.instance_path()))
            .collect();
        assert!(complaints.is_empty(), "{complaints:#?}");
    }
}

#[test]
fn a_page_is_as_wide_as_it_may_be_and_says_what_was_not_replayed() {
    let report = report();
    for width in [40, 60, 100] {
        let page = pretty(&report, &Options { width, ..Options::default() });
        let widest = page.lines().map(|line| line.chars().count()).max().unwrap();
        assert!(widest <= width, "{widest} of {width}\n{page}");
        assert!(!page.contains('\u{1b}') && !page.contains('\u{202e}'), "{page}");
    }
    let page = pretty(&report, &Options::default());
    for part in [
        "NOT REPLAYED",
        "none of them rejected",
        "does not look honest",
        "429 or 503 then",
        "2 lines unreadable",
    ] {
        assert!(page.contains(part), "{part} in\n{page}");
    }
    if std::env::var_os("SHOW").is_some() {
        println!("{page}");
    }
    let coloured = pretty(&report, &Options { colour: true, ..Options::default() });
    assert!(coloured.contains("\u{1b}[1m"));
}
