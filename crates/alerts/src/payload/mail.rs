//! Mail: a subject of one line and plain text.

use super::{From, details, headline, line, time};
use crate::item::Batch;

/// The subject. It holds nothing that could end a header field; encoding it is the mail library's.
pub(crate) fn subject(batch: &Batch) -> String {
    let first = batch.items.first().map(headline).unwrap_or_default();
    let more = match batch.items.len() {
        0 | 1 => String::new(),
        several => format!(" (+{} more)", several - 1),
    };
    format!("[Ratewarden] {}{more}", line(&first, 150))
}

/// The text.
pub(crate) fn text(batch: &Batch, from: &From) -> String {
    let mut text = String::new();
    for item in &batch.items {
        text.push_str(&headline(item));
        text.push_str(&format!("\n  At {}.\n", time(item.at_ms())));
        for detail in details(item) {
            text.push_str("  ");
            text.push_str(&detail);
            text.push('\n');
        }
        text.push('\n');
    }
    text.push_str(&format!("-- \nRatewarden on {}, delivery {}\n", line(&from.host, 200), batch.name()));
    text
}

#[cfg(test)]
mod tests {
    use super::super::tests::{batch, from};
    use super::*;

    #[test]
    fn a_subject_is_one_line_whatever_a_client_sent() {
        let subject = subject(&batch("ann\r\nBcc: all@evil.test\r\n\r\nbody"));
        assert!(!subject.contains(['\r', '\n']), "{subject:?}");
        assert!(subject.starts_with("[Ratewarden] high: ") && subject.ends_with(" (+2 more)"), "{subject}");
    }

    #[test]
    fn the_text_names_every_finding_and_the_delivery() {
        let text = text(&batch("ann\nfake: line"), &from());
        assert!(text.contains("user ann fake: line") && text.contains("ended: "), "{text}");
        assert!(text.contains(&batch("").name()) && text.contains("12 findings were left out"), "{text}");
    }
}
