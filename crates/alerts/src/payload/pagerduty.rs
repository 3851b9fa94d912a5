//! PagerDuty's Events API v2: a finding triggers, its end resolves; the fingerprint is what both are known by.

use ratewarden_model::{Finding, Secret, Severity};
use serde_json::{Value, json};

use super::{From, headline, line, time};
use crate::item::Item;

/// The body of the post. The routing key is a secret and stands in it.
pub(crate) fn document(item: &Item, from: &From, routing_key: &Secret) -> String {
    let event = match item {
        Item::Opened { finding, unsaid, .. } => {
            let mut details = serde_json::to_value(finding).unwrap_or_default();
            if let Value::Object(details) = &mut details {
                details.insert("opened_within_cool_down".into(), (*unsaid).into());
            }
            let payload = payload(item, from, finding.severity, &details);
            json!({ "event_action": "trigger", "dedup_key": key(finding), "payload": with_rule(payload, finding) })
        }
        Item::Ended { finding, .. } => json!({ "event_action": "resolve", "dedup_key": key(finding) }),
        Item::LeftOut(left_out) => {
            let details = json!({ "count": left_out.count, "since": time(left_out.since_ms) });
            let key = line(&format!("ratewarden-left-out-{}-{}", from.host, from.receiver), 255);
            let payload = payload(item, from, left_out.worst, &details);
            json!({ "event_action": "trigger", "dedup_key": key, "payload": payload })
        }
    };
    let mut event = event;
    if let Value::Object(event) = &mut event {
        event.insert("routing_key".into(), routing_key.expose().into());
        event.insert("client".into(), "Ratewarden".into());
    }
    event.to_string()
}

/// At most 255 characters, as PagerDuty wants.
fn key(finding: &Finding) -> String {
    line(&finding.fingerprint, 255)
}

fn payload(item: &Item, from: &From, severity: Severity, details: &Value) -> Value {
    json!({
        "summary": line(&headline(item), 1_024),
        "source": line(&from.host, 255),
        "severity": word(severity),
        "timestamp": time(item.at_ms()),
        "custom_details": details,
    })
}

fn with_rule(mut payload: Value, finding: &Finding) -> Value {
    if let Value::Object(payload) = &mut payload {
        payload.insert("class".into(), line(&finding.rule, 255).into());
        payload.insert("group".into(), line(&finding.category, 255).into());
        payload.insert("component".into(), line(&finding.subject.label(), 255).into());
    }
    payload
}

/// PagerDuty has four severities, critical, error, warning and info.
const fn word(severity: Severity) -> &'static str {
    match severity {
        Severity::Critical => "critical",
        Severity::High => "error",
        Severity::Medium => "warning",
        Severity::Low | Severity::Info => "info",
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::{batch, from};
    use super::*;

    #[test]
    fn a_finding_triggers_and_its_end_resolves_the_same() {
        let key = Secret::new("R0UTE");
        let events: Vec<Value> = batch("ann\r\n")
            .items
            .iter()
            .map(|item| serde_json::from_str(&document(item, &from(), &key)).unwrap())
            .collect();
        assert_eq!(
            (&events[0]["event_action"], &events[1]["event_action"]),
            (&json!("trigger"), &json!("resolve"))
        );
        assert_eq!(events[0]["dedup_key"], events[1]["dedup_key"]);
        assert!(events.iter().all(|event| event["routing_key"] == "R0UTE"));
        let payload = &events[0]["payload"];
        assert_eq!((&payload["severity"], &payload["source"]), (&json!("error"), &json!("gate-1")));
        assert_eq!(payload["component"], "ann  ");
        assert_eq!(payload["custom_details"]["opened_within_cool_down"], 2);
        assert_eq!(
            (&events[2]["event_action"], &events[2]["payload"]["severity"]),
            (&json!("trigger"), &json!("critical"))
        );
    }
}
