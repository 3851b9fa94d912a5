//! The document itself, `ratewarden.scan/1`: stable, described by docs/schema/scan-1.schema.json.
//!
//! Nothing is reworded or cut here. Characters that steer terminals are written as `\u…`, which every JSON reader
//! turns back: the text stays exact, and `cat report.json` stays harmless.

use ratewarden_model::ScanReport;

use crate::{ReportError, text};

pub(crate) fn render(report: &ScanReport) -> Result<String, ReportError> {
    document(report)
}

/// Any document, indented, with a newline at its end.
pub(crate) fn document(document: &impl serde::Serialize) -> Result<String, ReportError> {
    Ok(harmless(&serde_json::to_string_pretty(document)?))
}

/// JSON that is harmless on a terminal: what would steer one is written as `\u…`. Ends with a newline.
#[must_use]
pub fn harmless(json: &str) -> String {
    safe(json) + "\n"
}

/// JSON without characters that steer a terminal.
pub(crate) fn safe(plain: &str) -> String {
    let mut safe = String::with_capacity(plain.len() + 1);
    for c in plain.chars() {
        // Beyond ASCII, characters occur in JSON only within strings, so an escape is always in place.
        if text::steers(c) && !c.is_ascii_control() || c == '\u{7f}' {
            safe.push_str(&format!("\\u{:04x}", u32::from(c)));
        } else {
            safe.push(c);
        }
    }
    safe
}

#[cfg(test)]
mod tests {
    use jsonschema::Validator;
    use ratewarden_testkit::schema::closed;
    use serde_json::{Value, json};

    use super::*;
    use crate::sample;

    const SCHEMA: &str = include_str!("../../../docs/schema/scan-1.schema.json");

    fn document(report: &ScanReport) -> Value {
        serde_json::from_str(&render(report).unwrap()).unwrap()
    }

    fn validator(schema: &Value) -> Validator {
        jsonschema::validator_for(schema).unwrap()
    }

    fn complaints(validator: &Validator, document: &Value) -> Vec<String> {
        validator.iter_errors(document).map(|error| format!("{}: {error}", error.instance_path())).collect()
    }

    #[test]
    fn every_kind_of_report_fits_the_published_schema_and_the_schema_names_every_field() {
        let schema: Value = serde_json::from_str(SCHEMA).unwrap();
        assert!(jsonschema::meta::is_valid(&schema));
        let (open, closed) = (validator(&schema), validator(&closed(schema)));
        for (name, report) in sample::all() {
            let document = document(&report);
            assert_eq!(complaints(&open, &document), Vec::<String>::new(), "{name}");
            assert_eq!(complaints(&closed, &document), Vec::<String>::new(), "{name}");
        }
    }

    #[test]
    fn a_wrong_document_does_not_fit() {
        let validator = validator(&serde_json::from_str(SCHEMA).unwrap());
        let wrong = [
            ("/score", json!(101)),
            ("/grade", json!("G")),
            ("/schema", json!("ratewarden.scan/2")),
            ("/findings/0/severity", json!("urgent")),
            ("/findings/0/deduction", json!(-1)),
            ("/limiters/0/algorithm", json!("magic")),
            ("/limiters/0/window_ms", json!("60s")),
            ("/limiters/0/timeline/requests/0/outcome", json!("lost")),
        ];
        for (place, value) in wrong {
            let mut document = document(&sample::token_bucket());
            *document.pointer_mut(place).unwrap() = value;
            assert!(!validator.is_valid(&document), "{place}");
        }
        let mut document = document(&sample::token_bucket());
        document.as_object_mut().unwrap().remove("aborted");
        assert!(!validator.is_valid(&document), "a field is missing");
    }

    #[test]
    fn what_is_written_reads_back_the_same() {
        for (name, report) in sample::all() {
            let text = render(&report).unwrap();
            assert!(text.ends_with("}\n"), "{name}");
            assert_eq!(serde_json::from_str::<ScanReport>(&text).unwrap(), report, "{name}");
        }
    }

    #[test]
    fn the_score_is_the_sum_of_the_deductions_in_the_document() {
        let document = document(&sample::token_bucket());
        let taken: u64 =
            document["findings"].as_array().unwrap().iter().filter_map(|f| f["deduction"].as_u64()).sum();
        assert_eq!(document["score"], 100 - taken);
    }
}
