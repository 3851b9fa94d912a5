//! RFC 5424: a header, structured data that programs read, and a sentence for people.

use ratewarden_model::{Finding, Severity};

use super::{From, headline, line, time};
use crate::item::{Batch, Item, cut};

/// The name of our structured data: 32473 is the number that RFC 5612 keeps for those who have none of their own.
const DATA: &str = "ratewarden@32473";
/// Bytes of a message: what every receiver should take (RFC 5424 section 6.1).
const LONGEST: usize = 2_048;

/// One message.
pub(crate) fn message(item: &Item, batch: &Batch, from: &From, facility: u8) -> String {
    let (severity, kind, finding) = match item {
        Item::Opened { finding, .. } => (level(finding.severity), "opened", Some(finding)),
        Item::Ended { finding, .. } => (6, "ended", Some(finding)),
        Item::LeftOut(left_out) => (level(left_out.worst), "left-out", None),
    };
    let priority = u16::from(facility.min(23)) * 8 + severity;
    let head = format!(
        "<{priority}>1 {} {} ratewarden {} {kind}",
        time(item.at_ms()),
        word(&from.host, 255),
        std::process::id()
    );
    let mut data = format!("[{DATA} delivery=\"{}\"", batch.name());
    if let Some(finding) = finding {
        data.push_str(&of_finding(finding));
    }
    data.push(']');
    let mut message = format!("{head} {data} \u{FEFF}{}", line(&headline(item), 600));
    // Head and data are far shorter, so only the sentence is cut.
    while message.len() > LONGEST {
        let characters = message.chars().count();
        message = cut(&message, characters - (message.len() - LONGEST).div_ceil(4).max(1));
    }
    message
}

fn of_finding(finding: &Finding) -> String {
    let subject = finding.subject.label();
    let fields = [
        ("rule", finding.rule.as_str(), 60),
        ("severity", finding.severity.as_str(), 10),
        ("kind", finding.subject.kind(), 10),
        ("subject", subject.as_str(), 150),
        ("fingerprint", finding.fingerprint.as_str(), 64),
    ];
    let field = |(name, value, most): (&str, &str, usize)| format!(" {name}=\"{}\"", value_of(value, most));
    let count = finding.seen.as_ref().map(|seen| format!(" count=\"{}\"", seen.count)).unwrap_or_default();
    fields.map(field).concat() + &count
}

/// A value of structured data: `"`, `\` and `]` are escaped (section 6.3.3).
fn value_of(text: &str, characters: usize) -> String {
    line(text, characters).replace('\\', "\\\\").replace('"', "\\\"").replace(']', "\\]")
}

/// A field of the header: printable ASCII without spaces, or `-`.
fn word(text: &str, longest: usize) -> String {
    let word: String = text.chars().filter(char::is_ascii_graphic).take(longest).collect();
    if word.is_empty() { "-".into() } else { word }
}

/// Severities of section 6.2.1: critical, error, warning, notice, informational.
const fn level(severity: Severity) -> u16 {
    match severity {
        Severity::Critical => 2,
        Severity::High => 3,
        Severity::Medium => 4,
        Severity::Low => 5,
        Severity::Info => 6,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::tests::{batch, from};
    use super::*;

    #[test]
    fn a_message_has_the_form_of_rfc_5424() {
        let batch = batch(r#"ann"]\ x"#);
        let text = message(&batch.items[0], &batch, &from(), 3);
        let head =
            format!("<27>1 2026-01-01T00:00:00.000Z gate-1 ratewarden {} opened [", std::process::id());
        assert!(text.starts_with(&head), "{text}");
        assert!(text.contains(r#" subject="ann\"\]\\ x" "#) && text.contains(r#" count="700"] "#), "{text}");
        assert!(message(&batch.items[1], &batch, &from(), 3).starts_with("<30>1 "));
        assert!(message(&batch.items[2], &batch, &from(), 23).starts_with("<186>1 "));
    }

    #[test]
    fn a_message_is_one_line_within_what_receivers_take() {
        let batch = batch(&"\u{10ffff}\n<1>".repeat(2_000));
        for item in &batch.items {
            let text = message(item, &batch, &From { host: "a b\n".into(), ..from() }, 3);
            assert!(text.len() <= LONGEST && !text.contains('\n'), "{} {text}", text.len());
            assert!(text.contains(" ab ratewarden "), "{text}");
        }
    }

    /// What stands between the brackets of the structured data, by section 6.3 of RFC 5424, and what follows.
    fn data(text: &str) -> Option<(Vec<(String, String)>, &str)> {
        let mut rest = text.split_once(" [ratewarden@32473")?.1;
        let mut fields = Vec::new();
        while let Some(field) = rest.strip_prefix(' ') {
            let (name, after) = field.split_once("=\"")?;
            let mut value = String::new();
            let mut characters = after.char_indices();
            rest = loop {
                match characters.next()? {
                    (at, '"') => break after.get(at + 1..)?,
                    (_, '\\') => value.push(characters.next()?.1),
                    (_, ']') => return None,
                    (_, c) => value.push(c),
                }
            };
            fields.push((name.to_owned(), value));
        }
        Some((fields, rest.strip_prefix("] \u{FEFF}")?))
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]
        #[test]
        fn structured_data_stays_whole_whatever_is_in_it(
            finding in super::super::tests::any_finding(), host in any::<String>(),
        ) {
            let item = Item::Opened { at_ms: i64::MAX, finding: Box::new(finding.clone()), unsaid: 0 };
            let from = From { host, receiver: String::new() };
            let text = message(&item, &batch(""), &from, 255);
            prop_assert!(text.len() <= LONGEST && !text.contains(|c: char| c.is_control()), "{}", text);
            let (fields, sentence) = data(&text).unwrap();
            let names: Vec<&str> = fields.iter().map(|(name, _)| name.as_str()).collect();
            prop_assert_eq!(names, ["delivery", "rule", "severity", "kind", "subject", "fingerprint", "count"]);
            prop_assert_eq!(&fields[4].1, &line(&finding.subject.label(), 150));
            prop_assert!(sentence.starts_with("high: "));
        }
    }
}
