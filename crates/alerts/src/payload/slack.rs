//! Slack's incoming webhooks: a text for notifications and a block for each finding.

use serde_json::json;

use super::{From, details, headline};
use crate::item::{Batch, Item, cut};

/// Slack refuses a section with more than 3 000 characters; escaping makes five of one.
const SECTION: usize = 2_900;

/// The body of the post.
pub(crate) fn document(batch: &Batch, from: &From) -> String {
    let mut blocks: Vec<_> =
        batch.items.iter().map(|item| json!({"type": "section", "text": markdown(&section(item))})).collect();
    let foot = format!("ratewarden on {} · {}", escaped(&from.host), batch.name());
    blocks.push(json!({"type": "context", "elements": [markdown(&cut(&foot, SECTION))]}));
    let first = batch.items.first().map(headline).unwrap_or_default();
    let text = match batch.items.len() {
        0 | 1 => first,
        several => format!("{first} (+{} more)", several - 1),
    };
    json!({ "text": shortened(&escaped(&text)), "blocks": blocks }).to_string()
}

fn markdown(text: &str) -> serde_json::Value {
    json!({ "type": "mrkdwn", "text": text, "verbatim": true })
}

fn section(item: &Item) -> String {
    let mut text = format!("*{}*", escaped(&headline(item)).replace('*', "∗"));
    for line in details(item) {
        text.push('\n');
        text.push_str(&escaped(&line));
    }
    shortened(&text)
}

/// Cut so that no escape is cut in two.
fn shortened(text: &str) -> String {
    let short = cut(text, SECTION);
    match short.rfind('&') {
        Some(at) if short.len() < text.len() && !short.get(at..).unwrap_or_default().contains(';') => {
            format!("{}…", short.get(..at).unwrap_or_default())
        }
        _ => short,
    }
}

/// Without what Slack reads as a link, a mention or a channel: the three characters it asks to be escaped.
fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use super::super::tests::{batch, from};
    use super::*;

    #[test]
    fn a_finding_mentions_nobody() {
        let body = document(&batch("<!channel> <http://evil.test|click> a&b"), &from());
        assert!(!body.contains("<!") && !body.contains("<http"), "{body}");
        let body: Value = serde_json::from_str(&body).unwrap();
        let first = body["blocks"][0]["text"]["text"].as_str().unwrap();
        assert!(first.contains("&lt;!channel&gt;") && first.contains("a&amp;b"), "{first}");
        assert_eq!(
            (body["blocks"].as_array().unwrap().len(), &body["blocks"][3]["type"]),
            (4, &json!("context"))
        );
        assert!(body["text"].as_str().unwrap().ends_with("(+2 more)"));
    }

    #[test]
    fn a_section_stays_within_what_slack_takes_and_cuts_no_escape() {
        for length in 0..8 {
            let text = shortened(&format!("{}{}", "a".repeat(length), escaped(&"<".repeat(2_000))));
            assert!(text.chars().count() <= 3_000);
            let rest = text.replace("&lt;", "");
            assert!(!rest.contains('&'), "{}", &rest[rest.len().saturating_sub(20)..]);
        }
    }
}
