//! One promise for all formats: whatever the target says, no control character of it reaches a reader.

use ratewarden_model::{Redactor, ScanReport};
use serde_json::Value;

use crate::{Format, Options, render, sample, text};

/// Puts an escape into every string of a document but those that only one word fits.
fn poison(value: &mut Value, key: &str) -> usize {
    const WORDS: [&str; 5] = ["severity", "confidence", "algorithm", "outcome", "kind"];
    match value {
        Value::String(text) if !WORDS.contains(&key) && key != "grade" => {
            *text = format!("{text}\u{1b}[31m\u{9b}2J\u{202e}\u{7f}");
            1
        }
        Value::Array(items) => items.iter_mut().map(|item| poison(item, key)).sum(),
        Value::Object(fields) => fields.iter_mut().map(|(key, field)| poison(field, key)).sum(),
        _ => 0,
    }
}

#[test]
fn no_control_character_of_any_field_reaches_any_format() {
    for (name, report) in sample::all() {
        let mut document = serde_json::to_value(&report).unwrap();
        assert!(poison(&mut document, "") > 5, "{name}");
        let report: ScanReport = serde_json::from_value(document).unwrap();
        for format in Format::ALL {
            let written = render(&report, format, &Options::default()).unwrap();
            let steering: Vec<_> = written.chars().filter(|&c| c != '\n' && text::steers(c)).collect();
            assert!(steering.is_empty(), "{name} as {format}: {steering:?}");
        }
    }
}

#[test]
fn every_format_ends_with_a_line_break_and_survives_redaction() {
    let mut redactor = Redactor::default();
    redactor.add("hunter22");
    for (name, report) in sample::all() {
        for format in Format::ALL {
            let written = render(&report, format, &Options::default()).unwrap();
            assert!(written.ends_with('\n') && !written.ends_with("\n\n"), "{name} as {format}");
            assert_eq!(redactor.redact(&written), written);
        }
    }
}
