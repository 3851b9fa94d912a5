//! Slack and PagerDuty, as far as they can be had on loopback: what is posted to them.

use ratewarden_alerts::{Kind, State};
use ratewarden_model::Secret;

use super::receiver::{Answer, Hook};
use super::{PATIENCE, config, finding, now_ms, receiver, start, status};

#[test]
fn slack_gets_text_and_blocks_with_its_three_characters_escaped() {
    let folder = tempfile::tempdir().unwrap();
    let busy = Answer::Status(429, vec![("retry-after", "1".into())], "rate_limited".into());
    let hook = Hook::start(&[busy, Answer::Status(200, vec![], "ok".into())]);
    let alerts =
        start(&config(vec![receiver("slack", Kind::Slack(hook.url().parse().unwrap()))]), folder.path());
    let _ = alerts.handle(&finding(1), State::Opened, now_ms());
    assert!(alerts.flush(PATIENCE));
    let got = hook.got();
    assert_eq!(got.len(), 2);
    let body = got[1].json();
    assert!(body["text"].as_str().unwrap().starts_with("high: "), "{body}");
    let block = body["blocks"][0]["text"]["text"].as_str().unwrap();
    assert!(block.contains("Too many &lt;calls&gt; &amp; more."), "{block}");
    assert_eq!(got[1].header("ratewarden-signature"), "");
}

#[test]
fn pagerduty_is_triggered_and_resolved_under_one_key_and_never_grouped() {
    let folder = tempfile::tempdir().unwrap();
    let accepted = Answer::Status(202, vec![], "{\"status\":\"success\"}".into());
    let hook = Hook::start(&vec![accepted; 3]);
    let pagerduty =
        Kind::PagerDuty { url: hook.url().parse().unwrap(), routing_key: Secret::new("R0UT1NGKEY") };
    let grouped = ratewarden_alerts::Config {
        group_wait: std::time::Duration::from_secs(3_600),
        ..config(vec![receiver("pd", pagerduty)])
    };
    let alerts = start(&grouped, folder.path());
    let now = now_ms();
    for (number, state) in [(1, State::Opened), (2, State::Opened), (1, State::Ended)] {
        let _ = alerts.handle(&finding(number), state, now);
    }
    super::until("they are there", || status(&alerts, 0).delivered == 3);
    let events: Vec<_> = hook.got().iter().map(super::receiver::Got::json).collect();
    let said: Vec<_> = events.iter().map(|event| (&event["event_action"], &event["dedup_key"])).collect();
    let (one, two) = (finding(1).fingerprint.into(), finding(2).fingerprint.into());
    assert_eq!(said, [(&"trigger".into(), &one), (&"trigger".into(), &two), (&"resolve".into(), &one)]);
    assert_eq!(events[0]["payload"]["severity"], "error");
    assert!(events.iter().all(|event| event["routing_key"] == "R0UT1NGKEY"));
}
