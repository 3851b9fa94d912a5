//! What receivers get: pure, from the items of a message. Each form is written in docs/alerts.md.
//!
//! A finding quotes what clients sent. So characters that act instead of being seen (control characters, line and
//! paragraph separators, overrides of direction) are blanked in everything that is text, and each form has its own
//! escaping and lengths on top.

pub(crate) mod json;
pub(crate) mod mail;
pub(crate) mod pagerduty;
pub(crate) mod slack;
pub(crate) mod syslog;

use jiff::Timestamp;
use ratewarden_model::Finding;

use crate::item::{Item, LeftOut, cut};

/// Who sends, and to whom.
#[derive(Debug, Clone)]
pub(crate) struct From {
    /// The receiver's name.
    pub(crate) receiver: String,
    /// What this machine calls itself.
    pub(crate) host: String,
}

/// RFC 3339, UTC, with milliseconds.
pub(crate) fn time(at_ms: i64) -> String {
    let at = Timestamp::from_millisecond(at_ms).unwrap_or(Timestamp::UNIX_EPOCH);
    format!("{at:.3}")
}

/// One line without anything that acts, at most so many characters.
pub(crate) fn line(text: &str, characters: usize) -> String {
    let blank = |c: char| if acts(c) { ' ' } else { c };
    cut(&text.chars().map(blank).collect::<String>(), characters)
}

fn acts(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{2028}' | '\u{2029}' | '\u{202A}'..='\u{202E}' | '\u{2066}'..='\u{2069}' | '\u{FEFF}')
}

/// One line that says it all: `High: no rate limit: address 192.0.2.1`.
pub(crate) fn headline(item: &Item) -> String {
    match item {
        Item::Opened { finding, .. } => format!("{}: {}", finding.severity, about(finding)),
        Item::Ended { finding, .. } => format!("ended: {}", about(finding)),
        Item::LeftOut(left_out) => format!(
            "{} findings were left out because alerts could not be delivered in time (the worst: {})",
            left_out.count, left_out.worst
        ),
    }
}

fn about(finding: &Finding) -> String {
    let subject = line(&finding.subject.label(), 200);
    format!("{}: {} {subject}", line(&finding.title, 200), finding.subject.kind())
}

/// What else is to be said, a line each.
pub(crate) fn details(item: &Item) -> Vec<String> {
    match item {
        Item::Opened { finding, unsaid, .. } => of_finding(finding, *unsaid),
        Item::Ended { finding, .. } => seen(finding).into_iter().chain([rule(finding)]).collect(),
        Item::LeftOut(left_out) => of_left_out(left_out),
    }
}

fn of_finding(finding: &Finding, unsaid: u32) -> Vec<String> {
    let mut lines = Vec::new();
    if !finding.description.is_empty() {
        lines.push(line(&finding.description, 1_000));
    }
    lines.extend(seen(finding));
    if unsaid > 0 {
        lines.push(format!("It had opened {unsaid} more times since it last ended, within the cool-down."));
    }
    if !finding.remediation.summary.is_empty() {
        lines.push(format!("To do: {}", line(&finding.remediation.summary, 500)));
    }
    lines.push(rule(finding));
    lines
}

fn seen(finding: &Finding) -> Option<String> {
    finding.seen.as_ref().map(|seen| {
        let error = if seen.count_error > 0 { format!(" ± {}", seen.count_error) } else { String::new() };
        format!(
            "Seen {}{error} over {}, from {} to {}.",
            seen.count,
            line(&seen.threshold, 60),
            line(&seen.first_seen, 40),
            line(&seen.last_seen, 40)
        )
    })
}

fn rule(finding: &Finding) -> String {
    format!("Rule {}, fingerprint {}", line(&finding.rule, 100), line(&finding.fingerprint, 100))
}

fn of_left_out(left_out: &LeftOut) -> Vec<String> {
    vec![
        format!("From {} to {}.", time(left_out.since_ms), time(left_out.until_ms)),
        "Those that are still open are told when they grow; the others are in what `watch` printed.".into(),
    ]
}

#[cfg(test)]
pub(crate) mod tests {
    use proptest::prelude::*;
    use ratewarden_model::{Seen, Severity, Subject, SubjectKind, rules};

    use super::*;
    use crate::item::Batch;

    pub(crate) fn finding(subject: &str) -> Box<Finding> {
        let subject = Subject::named(SubjectKind::User, subject);
        let seen = Seen {
            first_seen: "2026-01-01T00:00:00Z".into(),
            last_seen: "2026-01-01T00:01:00Z".into(),
            count: 700,
            count_error: 3,
            threshold: "500/1m".into(),
            samples: vec!["POST /a".into()],
        };
        let finding = Finding::new(&rules::NO_LIMIT, subject, "a", "Too many calls.");
        Box::new(Finding { seen: Some(seen), ..finding })
    }

    /// A finding in which clients wrote whatever they liked, at any length.
    pub(crate) fn any_finding() -> impl Strategy<Value = Finding> {
        let text =
            || prop_oneof!["[<>&\\]\"\\\\*\r\n :.@|a-z]{0,1500}", any::<String>(), "\u{10ffff}{0,800}"];
        (text(), text(), text(), text(), text()).prop_map(
            |(title, description, subject, rule, fingerprint)| Finding {
                title,
                description,
                rule,
                fingerprint,
                ..*finding(&subject)
            },
        )
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]
        #[test]
        fn every_form_keeps_to_its_lengths_whatever_is_in_a_finding(finding in any_finding()) {
            let item = Item::Opened { at_ms: 0, finding: Box::new(finding), unsaid: u32::MAX };
            let batch = Batch { id: 1, due_ms: 0, items: vec![item.clone(), item.clone()], bytes: 0 };
            prop_assert!(!mail::subject(&batch).contains(acts));
            prop_assert!(mail::text(&batch, &from()).lines().count() < 30);
            let slack: serde_json::Value = serde_json::from_str(&slack::document(&batch, &from())).unwrap();
            for block in slack["blocks"].as_array().unwrap() {
                let text = block["text"]["text"].as_str().unwrap_or_default();
                prop_assert!(text.chars().count() <= 3_000 && !text.contains(['<', '>']));
            }
            let event = pagerduty::document(&item, &from(), &ratewarden_model::Secret::new("key"));
            let event: serde_json::Value = serde_json::from_str(&event).unwrap();
            let length = |value: &serde_json::Value| value.as_str().unwrap().chars().count();
            prop_assert!(length(&event["dedup_key"]) <= 255 && length(&event["payload"]["summary"]) <= 1_024);
            prop_assert_eq!(json::lines(&batch, &from()).lines().count(), 2);
        }
    }

    pub(crate) fn from() -> From {
        From { receiver: "on call".into(), host: "gate-1".into() }
    }

    pub(crate) fn batch(subject: &str) -> Batch {
        let left_out = LeftOut {
            count: 12,
            since_ms: 0,
            until_ms: 60_000,
            worst: Severity::Critical,
            fingerprints: std::collections::BTreeSet::new(),
        };
        let items = vec![
            Item::Opened { at_ms: 1_767_225_600_000, finding: finding(subject), unsaid: 2 },
            Item::Ended { at_ms: 1_767_225_660_000, finding: finding(subject) },
            Item::LeftOut(left_out),
        ];
        Batch { id: 0xabcd, due_ms: 0, items, bytes: 0 }
    }

    #[test]
    fn what_acts_is_blanked_in_text() {
        let text = line("a\r\nBcc: x\u{202e}b\u{0}\u{2028}\u{7f}", 100);
        assert_eq!(text, "a  Bcc: x b   ");
    }

    #[test]
    fn an_alert_says_who_what_and_how_much() {
        let batch = batch("ann");
        let text: Vec<String> = batch
            .items
            .iter()
            .map(|item| format!("{}|{}", headline(item), details(item).join("|")))
            .collect();
        assert!(text[0].starts_with("high: ") && text[0].contains("user ann"), "{}", text[0]);
        assert!(
            text[0].contains("Seen 700 ± 3 over 500/1m") && text[0].contains("2 more times"),
            "{}",
            text[0]
        );
        assert!(text[1].starts_with("ended: "), "{}", text[1]);
        assert!(text[2].starts_with("12 findings were left out"), "{}", text[2]);
    }
}
