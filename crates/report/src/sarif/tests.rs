//! Against the schema of OASIS, and against what code scanning demands beyond it.

use std::collections::HashSet;

use serde_json::Value;

use super::*;
use crate::{Format, sample};

/// As OASIS wrote it but for one pattern: a closing bracket alone is literal in ECMA 262, and an error in other
/// dialects of regular expressions.
fn official() -> jsonschema::Validator {
    let text =
        include_str!("../../tests/schemas/sarif-2.1.0.json").replace("-[a-zA-Z]{2}]?$", r"-[a-zA-Z]{2}\\]?$");
    jsonschema::validator_for(&serde_json::from_str(&text).unwrap()).unwrap()
}

fn document(report: &ScanReport, anchor: Option<&str>) -> Value {
    let options = Options { anchor: anchor.map(str::to_owned), ..Options::default() };
    serde_json::from_str(&crate::render(report, Format::Sarif, &options).unwrap()).unwrap()
}

fn results(document: &Value) -> &Vec<Value> {
    document["runs"][0]["results"].as_array().unwrap()
}

#[test]
fn every_kind_of_report_is_valid_sarif() {
    let validator = official();
    assert!(
        !validator.is_valid(&json!({"version": "2.1.0", "runs": [{"results": []}]})),
        "a run without a tool"
    );
    for (name, report) in sample::all() {
        for anchor in [None, Some("api/openapi.yaml")] {
            let document = document(&report, anchor);
            let errors: Vec<_> =
                validator.iter_errors(&document).map(|e| format!("{}: {e}", e.instance_path())).collect();
            assert_eq!(errors, Vec::<String>::new(), "{name}");
        }
    }
}

#[test]
fn every_result_carries_what_code_scanning_demands() {
    for (name, report) in sample::all() {
        let document = document(&report, None);
        let rules = document["runs"][0]["tool"]["driver"]["rules"].as_array().unwrap();
        assert_eq!(results(&document).len(), report.findings.len(), "{name}");
        for result in results(&document) {
            let index = usize::try_from(result["ruleIndex"].as_u64().unwrap()).unwrap();
            assert_eq!(rules[index]["id"], result["ruleId"], "{name}");
            let location = &result["locations"][0]["physicalLocation"];
            let uri = location["artifactLocation"]["uri"].as_str().unwrap();
            assert!(
                !uri.is_empty() && !uri.starts_with('/') && !uri.contains([':', '?', '#', '@', ' ']),
                "{uri}"
            );
            assert_eq!(location["region"]["startLine"], 1);
            assert_eq!(result["partialFingerprints"][FINGERPRINT].as_str().unwrap().len(), 32);
            assert!(!result["message"]["text"].as_str().unwrap().is_empty());
        }
        for rule in rules {
            let number: f64 = rule["properties"]["security-severity"].as_str().unwrap().parse().unwrap();
            assert!((0.0..=10.0).contains(&number));
            for field in ["shortDescription", "fullDescription", "help"] {
                assert!(rule[field]["text"].is_string(), "{} has no {field}", rule["id"]);
            }
            assert!(rule["helpUri"].as_str().unwrap().starts_with("https://"));
            assert!(rule["properties"]["tags"].as_array().unwrap().contains(&Value::from("security")));
        }
    }
}

#[test]
fn results_on_one_line_are_not_merged() {
    let document = document(&sample::everything_wrong(), Some("openapi.yaml"));
    let hashes: HashSet<_> = results(&document)
        .iter()
        .map(|result| result["partialFingerprints"]["primaryLocationLineHash"].as_str().unwrap())
        .collect();
    assert_eq!(hashes.len(), results(&document).len());
}

#[test]
fn results_stand_at_the_file_that_named_the_target() {
    let document = document(&sample::token_bucket(), Some("./api/openapi.yaml"));
    for result in results(&document) {
        assert_eq!(result["locations"][0]["physicalLocation"]["artifactLocation"]["uri"], "api/openapi.yaml");
    }
}

#[test]
fn severities_become_levels() {
    let document = document(&sample::everything_wrong(), None);
    for result in results(&document) {
        let expected = match result["properties"]["severity"].as_str().unwrap() {
            "critical" | "high" => "error",
            "medium" => "warning",
            _ => "note",
        };
        assert_eq!(result["level"], expected);
    }
}

#[test]
fn an_aborted_scan_was_not_successful_and_says_why() {
    let report = sample::aborted();
    let invocation = &document(&report, None)["runs"][0]["invocations"][0];
    assert_eq!(invocation["executionSuccessful"], false);
    let said = invocation["toolExecutionNotifications"][0]["message"]["text"].as_str().unwrap();
    assert!(said.contains(report.aborted.as_deref().unwrap()), "{said}");
    let fine = &document(&sample::token_bucket(), None)["runs"][0]["invocations"][0];
    assert_eq!(fine["executionSuccessful"], true);
}

#[test]
fn more_results_than_code_scanning_reads_are_cut_with_the_worst_kept() {
    let mut report = sample::token_bucket();
    let low = report.findings.iter().find(|finding| finding.severity == Severity::Low).unwrap().clone();
    report.findings.extend(std::iter::repeat_n(low, 6_000));
    report.findings.rotate_left(3);
    let document = document(&report, None);
    assert_eq!(results(&document).len(), MOST_RESULTS);
    assert_eq!(results(&document)[0]["level"], "error");
    let text = document["runs"][0]["invocations"][0].to_string();
    assert!(text.contains("left out"), "{text}");
}

#[test]
fn a_rule_of_another_version_is_described_from_its_finding() {
    let mut report = sample::token_bucket();
    report.findings[0].rule = "scan.from-the-future".into();
    let document = document(&report, None);
    let result = results(&document).iter().find(|result| result["ruleId"] == "scan.from-the-future").unwrap();
    let index = usize::try_from(result["ruleIndex"].as_u64().unwrap()).unwrap();
    assert_eq!(document["runs"][0]["tool"]["driver"]["rules"][index]["id"], "scan.from-the-future");
}
