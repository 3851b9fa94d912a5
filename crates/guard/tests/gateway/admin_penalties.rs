//! Bans as an operator sees them, imposes them and lifts them.

use serde_json::{Value, json};

use crate::admin::{guarded, json as body_of, send};
use crate::server::{Echo, Gateway};

fn penalties(gateway: &Gateway) -> Vec<Value> {
    body_of(&send(gateway, "GET", "/v1/penalties", ""))["penalties"].as_array().unwrap().clone()
}

fn add(gateway: &Gateway, wanted: &Value) -> Value {
    let answer = send(gateway, "POST", "/v1/penalties", &wanted.to_string());
    assert_eq!(answer.status, 201, "{wanted}: {}", answer.body);
    let penalty = body_of(&answer);
    let location = format!("/v1/penalties/{}", penalty["id"].as_str().unwrap());
    assert_eq!(answer.field("location"), Some(location.as_str()));
    penalty
}

#[test]
fn a_ban_of_a_rule_is_shown_with_who_why_and_until_when_and_can_be_lifted() {
    let (gateway, _folder) = guarded(
        "[[caller]]\nfrom = \"header:x-api-key\"\n[[limit]]\nname = \"few\"\nper = [\"caller\"]\nrate = \"1/1h\"\n\
         [[penalty]]\nname = \"again\"\nafter = \"1 rejections/1h\"\nban = \"10m\"\n\
         [[penalty]]\nname = \"too\"\nper = \"address\"\nafter = \"3 rejections/1h\"\nban = \"5m\"\n",
    );
    let call = |key: &str| gateway.get("/", &format!("x-api-key: {key}\r\n")).status;
    assert_eq!(penalties(&gateway), Vec::<Value>::new());
    assert_eq!([call("sekrit"), call("sekrit"), call("sekrit"), call("sekrit")], [200, 429, 429, 429]);
    let [ban] = penalties(&gateway).try_into().unwrap();
    assert_eq!((&ban["kind"], &ban["rule"], &ban["times"]), (&json!("caller"), &json!("again"), &json!(1)));
    let label = ban["label"].as_str().unwrap();
    assert!(label.starts_with("key:") && !ban.to_string().contains("sekrit"), "{ban}");
    let left = ban["seconds_left"].as_u64().unwrap();
    assert!((590..=600).contains(&left), "{ban}");
    let until = ban["until"].as_str().unwrap();
    assert!(until.ends_with('Z') && until.len() == "2026-01-01T00:00:00Z".len(), "{until}");
    let target = format!("/v1/penalties/{}", ban["id"].as_str().unwrap());
    assert_eq!(body_of(&send(&gateway, "GET", &target, ""))["id"], ban["id"]);
    assert_eq!(send(&gateway, "DELETE", &target, "").status, 204);
    assert_eq!(call("bob"), 200);
    assert_eq!(send(&gateway, "DELETE", &target, "").status, 404, "it is lifted already");
    // The address comes next: the first key is rejected by its limit again, not by the ban.
    let lifted = gateway.get("/", "x-api-key: sekrit\r\n");
    assert!(lifted.body.contains("violated-policies"), "{}", lifted.body);
}

#[test]
fn an_operator_bans_callers_addresses_and_ids() {
    let folder = tempfile::tempdir().unwrap();
    let new = ratewarden_callers::NewKey::generate("ann", "").unwrap();
    let keys = folder.path().join("keys.txt");
    std::fs::write(&keys, &new.line).unwrap();
    let keys = keys.to_str().unwrap();
    let (gateway, _folder) = guarded(&format!("[[caller]]\nfrom = \"bearer\"\nkeys = {keys:?}\n"));
    let ann = || gateway.get("/", &format!("authorization: Bearer {}\r\n", new.key));
    assert_eq!(ann().status, 200);
    let by_name = add(&gateway, &json!({"caller": "ann", "for": "1h", "reason": "the invoice"}));
    let banned = ann();
    assert_eq!((banned.status, banned.field("retry-after")), (429, Some("3600")));
    assert!(banned.body.contains("by the operator") && !banned.body.contains("invoice"), "{}", banned.body);
    assert_eq!((&by_name["label"], &by_name["reason"]), (&json!("ann"), &json!("the invoice")));
    assert_eq!(gateway.get("/", "").status, 200, "nobody else is");

    let only_longer = json!({"caller": "ann", "for": "1m", "reason": "watch.flood", "extend_only": true});
    let kept = send(&gateway, "POST", "/v1/penalties", &only_longer.to_string());
    assert_eq!((kept.status, &body_of(&kept)["reason"]), (200, &json!("the invoice")));
    assert_eq!(ann().field("retry-after"), Some("3600"), "it is not shortened");

    let shorter = add(&gateway, &json!({"id": by_name["id"], "for": "1m"}));
    assert_eq!((&shorter["id"], &shorter["label"]), (&by_name["id"], &json!("ann")), "it is the same ban");
    assert_eq!((penalties(&gateway).len(), &shorter["times"]), (1, &json!(1)));
    assert_eq!(ann().field("retry-after"), Some("60"));

    let by_address = add(&gateway, &json!({"address": "127.0.0.1", "for": "10m"}));
    assert_eq!((gateway.get("/", "").status, &by_address["label"]), (429, &json!("127.0.0.1")));
    let labels: Vec<Value> = penalties(&gateway).iter().map(|ban| ban["label"].clone()).collect();
    assert_eq!(labels, ["127.0.0.1", "ann"], "the longest first");
    let one = body_of(&send(&gateway, "GET", "/v1/penalties?limit=1", ""));
    assert_eq!((one["penalties"].as_array().unwrap().len(), &one["total"]), (1, &json!(2)));
}

#[test]
fn a_ban_of_an_address_for_a_finding_spares_who_proved_who_he_is_from_there_and_one_of_an_operator_does_not()
{
    let folder = tempfile::tempdir().unwrap();
    let new = ratewarden_callers::NewKey::generate("ann", "").unwrap();
    let keys = folder.path().join("keys.txt");
    std::fs::write(&keys, &new.line).unwrap();
    let keys = keys.to_str().unwrap();
    let (gateway, _folder) = guarded(&format!("[[caller]]\nfrom = \"bearer\"\nkeys = {keys:?}\n"));
    let ann = || gateway.get("/", &format!("authorization: Bearer {}\r\n", new.key)).status;
    assert_eq!([ann(), gateway.get("/", "").status], [200, 200]);

    let figures = "320 seen, 300/10s is the threshold";
    let wanted = |lasts: &str| json!({"address": "127.0.0.1", "for": lasts, "finding": "watch.flood", "reason": figures});
    let ban = add(&gateway, &wanted("10m"));
    assert_eq!((&ban["rule"], &ban["reason"]), (&json!("watch.flood"), &json!(figures)));
    let held = gateway.get("/", "");
    assert!(held.status == 429 && held.body.contains("watch.flood"), "{}", held.body);
    assert_eq!(ann(), 200, "she had proved who she is from there");
    let shorter = send(&gateway, "POST", "/v1/penalties", &wanted("1m").to_string());
    assert_eq!(
        (shorter.status, &body_of(&shorter)["id"]),
        (200, &ban["id"]),
        "none for a finding shortens one"
    );

    let imposed = add(&gateway, &json!({"address": "127.0.0.1", "for": "1m"}));
    assert_ne!(imposed["id"], ban["id"], "it stands beside the other");
    assert_eq!(ann(), 429, "an operator means everybody");
    let of_caller = add(&gateway, &json!({"caller": "ann", "for": "10m", "finding": "watch.flood"}));
    let target = format!("/v1/penalties/{}", imposed["id"].as_str().unwrap());
    assert_eq!(send(&gateway, "DELETE", &target, "").status, 204);
    assert_eq!((ann(), &of_caller["kind"]), (429, &json!("caller")), "a finding about her bans her");
}

#[test]
fn a_ban_that_is_none_is_refused_with_what_was_expected() {
    let (gateway, _folder) = guarded("");
    for (body, status, said) in [
        (r#"{"caller":"ann"}"#, 400, "missing field `for`"),
        (r#"{"caller":"ann","for":"10"}"#, 422, "a whole number and a unit"),
        (r#"{"caller":"ann","for":"0s"}"#, 422, "zero"),
        (r#"{"caller":"ann","for":"367d"}"#, 422, "at most 366d"),
        (r#"{"caller":"ann","for":"18446744073709551615ms"}"#, 422, "at most 366d"),
        (r#"{"for":"1h"}"#, 422, "one of `caller`, `address` and `id`"),
        (r#"{"caller":"ann","address":"192.0.2.1","for":"1h"}"#, 422, "one of"),
        (r#"{"id":"12","for":"1h"}"#, 422, "32 hexadecimal digits"),
        (r#"{"caller":"ann","for":"1h","until":"then"}"#, 400, "unknown field `until`"),
        (r#"{"caller":"ann","for":"1h","finding":""}"#, 422, "the rule of a finding"),
        (r#"{"caller":"ann","for":"1h","finding":"a\nb"}"#, 422, "the rule of a finding"),
    ] {
        let answer = send(&gateway, "POST", "/v1/penalties", body);
        assert_eq!(answer.status, status, "{body}: {}", answer.body);
        assert!(answer.body.contains(said), "{body}: {}", answer.body);
    }
    let long = json!({"caller": "ann", "for": "1h", "reason": "x".repeat(201)}).to_string();
    assert_eq!(send(&gateway, "POST", "/v1/penalties", &long).status, 422);
    for target in ["?limit=0", "?limit=many", "?limit=10001", "?limit=1&limit=2", "?limits=1"] {
        assert_eq!(send(&gateway, "GET", &format!("/v1/penalties{target}"), "").status, 400, "{target}");
    }
    for id in ["x", "0", &"0".repeat(32), &"f".repeat(33)] {
        assert_eq!(send(&gateway, "DELETE", &format!("/v1/penalties/{id}"), "").status, 404, "{id}");
    }
    let wrong = send(&gateway, "POST", &format!("/v1/penalties/{}", "0".repeat(32)), "");
    assert_eq!((wrong.status, wrong.field("allow")), (405, Some("GET, DELETE, HEAD")));
    assert_eq!(penalties(&gateway), Vec::<Value>::new());
}

#[test]
fn what_an_operator_imposed_is_there_after_a_restart() {
    let folder = tempfile::tempdir().unwrap();
    let store = folder.path().join("store.db");
    let rules = format!("admin = \"127.0.0.1:0\"\n---\n[store]\nfile = {:?}\n", store.to_str().unwrap());
    let echo = Echo::start();
    let mut gateway = Gateway::start(echo.address, &rules);
    let before = add(&gateway, &json!({"address": "127.0.0.1", "for": "1h", "reason": "noise"}));
    gateway.stop();
    let gateway = Gateway::start(echo.address, &rules);
    let [after] = penalties(&gateway).try_into().unwrap();
    let known = |ban: &Value| [&ban["id"], &ban["label"], &ban["kind"], &ban["reason"]].map(Clone::clone);
    assert_eq!(known(&after), known(&before));
    assert_eq!(gateway.get("/", "").status, 429);
}
