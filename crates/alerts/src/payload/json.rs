//! JSON: the body of a webhook, and a line of a file.

use serde_json::{Value, json};

use super::{From, time};
use crate::item::{Batch, Item};

/// The version that every document carries.
const SCHEMA: &str = "ratewarden.alert/1";

/// The body of a webhook.
pub(crate) fn document(batch: &Batch, from: &From) -> String {
    json!({
        "schema": SCHEMA,
        "delivery": batch.name(),
        "receiver": from.receiver,
        "host": from.host,
        "alerts": batch.items.iter().map(alert).collect::<Vec<_>>(),
    })
    .to_string()
}

/// Lines of a file, each with its line end.
pub(crate) fn lines(batch: &Batch, from: &From) -> String {
    let line = |item| {
        let mut line = json!({
            "schema": SCHEMA,
            "delivery": batch.name(),
            "receiver": from.receiver,
            "host": from.host,
        });
        if let (Value::Object(line), Value::Object(alert)) = (&mut line, alert(item)) {
            line.extend(alert);
        }
        format!("{line}\n")
    };
    batch.items.iter().map(line).collect()
}

fn alert(item: &Item) -> Value {
    let at = time(item.at_ms());
    match item {
        Item::Opened { finding, unsaid, .. } => {
            json!({ "state": "opened", "at": at, "unsaid": unsaid, "finding": finding })
        }
        Item::Ended { finding, .. } => json!({ "state": "ended", "at": at, "finding": finding }),
        Item::LeftOut(left_out) => json!({
            "state": "left-out",
            "at": at,
            "count": left_out.count,
            "since": time(left_out.since_ms),
            "worst": left_out.worst,
        }),
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::{batch, from};
    use super::*;

    #[test]
    fn a_webhook_gets_findings_as_they_stand_in_every_document() {
        let body: Value = serde_json::from_str(&document(&batch("ann\n"), &from())).unwrap();
        assert_eq!((&body["schema"], &body["receiver"]), (&json!(SCHEMA), &json!("on call")));
        assert_eq!(body["delivery"], "0000000000000000000000000000abcd");
        let states: Vec<&Value> =
            body["alerts"].as_array().unwrap().iter().map(|alert| &alert["state"]).collect();
        assert_eq!(states, ["opened", "ended", "left-out"]);
        let first = &body["alerts"][0];
        assert_eq!((&first["at"], &first["unsaid"]), (&json!("2026-01-01T00:00:00.000Z"), &json!(2)));
        assert_eq!(
            (&first["finding"]["count"], &first["finding"]["subject"]["value"]),
            (&json!(700), &json!("ann\n"))
        );
        assert_eq!(body["alerts"][2]["worst"], "critical");
    }

    #[test]
    fn a_file_gets_one_object_a_line() {
        let text = lines(&batch("ann\nbob\u{2028}"), &from());
        assert!(text.ends_with('\n'));
        let lines: Vec<Value> = text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        assert_eq!(lines.len(), 3);
        assert_eq!((&lines[1]["state"], &lines[1]["delivery"]), (&json!("ended"), &json!(batch("").name())));
    }
}
