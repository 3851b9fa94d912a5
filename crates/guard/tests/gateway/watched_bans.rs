//! Bans that follow from what the gateway finds, and whom they never hold.

use std::time::Duration;

use serde_json::Value;

use crate::admin::{guarded, json as body_of, send};
use crate::server::{Echo, Gateway, wait_until};
use crate::watched::{flood, get, pipeline};

const PATIENCE: Duration = Duration::from_secs(60);

const TOKEN_FILE: &str = "token-file = \"TOKEN\"\n";

fn penalties(gateway: &Gateway) -> Vec<Value> {
    body_of(&send(gateway, "GET", "/v1/penalties", ""))["penalties"].as_array().unwrap().clone()
}

fn open(gateway: &Gateway) -> u64 {
    body_of(&send(gateway, "GET", "/v1/findings?state=open", ""))["total"].as_u64().unwrap()
}

fn once(gateway: &Gateway, last: u8, fields: &str) -> u16 {
    pipeline(&gateway.connect_from(last), &[get("/data", fields)])[0]
}

#[test]
fn who_floods_is_banned_but_nobody_who_is_exempt_or_known() {
    let folder = tempfile::tempdir().unwrap();
    let [ann, carl] = ["ann", "carl"].map(|name| ratewarden_callers::NewKey::generate(name, "").unwrap());
    let keys = folder.path().join("keys.txt");
    std::fs::write(&keys, format!("{}\n{}\n", ann.line, carl.line)).unwrap();
    let (gateway, _folder) = guarded(&format!(
        "[[caller]]\nfrom = \"header:x-api-key\"\nkeys = {:?}\n\
         [watch]\nnever-ban = [\"127.0.0.9\", \"caller:carl\"]\n\
         [[detector]]\nname = \"flood\"\nban = \"10m\"\n",
        keys.to_str().unwrap()
    ));
    let [ann, carl] = [ann, carl].map(|key| format!("x-api-key: {}\r\n", key.key));
    assert_eq!([once(&gateway, 2, &ann), once(&gateway, 8, &carl)], [200, 200]);
    for last in [2, 8, 9] {
        flood(&gateway, last, 320);
    }
    wait_until(PATIENCE, || open(&gateway) == 3);
    wait_until(PATIENCE, || !penalties(&gateway).is_empty());
    let bans = penalties(&gateway);
    assert_eq!(bans.len(), 1, "{bans:?}");
    assert_eq!((&bans[0]["label"], &bans[0]["rule"]), (&"127.0.0.2".into(), &"watch.flood".into()));
    let reason = bans[0]["reason"].as_str().unwrap();
    assert!(reason.ends_with(" seen, 300/10s is the threshold"), "{reason}");
    assert!((500..=600).contains(&bans[0]["seconds_left"].as_u64().unwrap()));
    assert_eq!(once(&gateway, 2, ""), 429);
    assert_eq!(once(&gateway, 2, &ann), 200, "she had proved who she is from there");
    assert_eq!([once(&gateway, 8, ""), once(&gateway, 9, "")], [200, 200]);
}

#[test]
fn who_goes_on_is_banned_when_a_reload_brings_the_ban() {
    let detector = |more: &str| {
        format!("[watch]\n[[detector]]\nname = \"much\"\nover = \"5/1m\"\nper = [\"address\"]\n{more}")
    };
    for others in ["", "[[detector]]\nname = \"more\"\nover = \"900/1m\"\nper = [\"address\"]\n"] {
        let rules = |more: &str| format!("admin = \"127.0.0.1:0\"\n---\n[admin]\n{TOKEN_FILE}{more}");
        let folder = tempfile::tempdir().unwrap();
        let token = folder.path().join("token");
        std::fs::write(&token, "open-sesame\n").unwrap();
        let rules = |more: &str| rules(more).replace("TOKEN", token.to_str().unwrap());
        let gateway = Gateway::start(Echo::start().address, &rules(&detector("")));
        flood(&gateway, 2, 10);
        wait_until(PATIENCE, || open(&gateway) == 1);
        assert_eq!(once(&gateway, 2, ""), 200);
        gateway.write(&rules(&detector(&format!("ban = \"10m\"\n{others}"))));
        gateway.guard().reload().unwrap();
        // Where detectors are others they begin anew, and must see it go on.
        wait_until(PATIENCE, || once(&gateway, 2, "") == 429);
        assert_eq!(once(&gateway, 3, ""), 200);
    }
}

#[test]
fn a_caller_that_a_finding_is_about_is_banned_by_its_hash_wherever_it_calls_from() {
    let (gateway, _folder) = guarded(
        "[[caller]]\nfrom = \"header:x-api-key\"\n[watch]\nnever-ban = [\"127.0.0.9\"]\n\
         [[detector]]\nname = \"much\"\nover = \"5/1m\"\nper = [\"token\"]\nban = \"10m\"\n",
    );
    let keys = ["greedy", "office"].map(|key| format!("x-api-key: {key}\r\n"));
    for (last, key) in [(2, &keys[0]), (9, &keys[1])] {
        pipeline(&gateway.connect_from(last), &vec![get("/data", key); 6]);
    }
    wait_until(PATIENCE, || open(&gateway) == 2);
    wait_until(PATIENCE, || !penalties(&gateway).is_empty());
    let bans = penalties(&gateway);
    assert_eq!((bans.len(), &bans[0]["kind"]), (1, &"caller".into()), "{bans:?}");
    assert_eq!([once(&gateway, 3, &keys[0]), once(&gateway, 2, "")], [429, 200]);
    assert_eq!(once(&gateway, 3, &keys[1]), 200, "who calls from an exempt network is exempt");
}
