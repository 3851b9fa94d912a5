//! Who calls most and who is rejected most, as an operator sees it.

use serde_json::{Value, json};

use crate::admin::{guarded, json as body_of, send};

fn labels(list: &Value) -> Vec<String> {
    let callers = list["callers"].as_array().unwrap().iter();
    callers.map(|one| format!("{} {}", one["label"].as_str().unwrap(), one["count"])).collect()
}

#[test]
fn callers_are_ranked_by_calls_and_by_rejections_over_all_workers_and_doors() {
    let folder = tempfile::tempdir().unwrap();
    let [ann, bob] = ["ann", "bob"].map(|name| ratewarden_callers::NewKey::generate(name, "").unwrap());
    let keys = folder.path().join("keys.txt");
    std::fs::write(&keys, format!("{}\n{}\n", ann.line, bob.line)).unwrap();
    let (gateway, _folder) = guarded(&format!(
        "[[caller]]\nfrom = \"bearer\"\nkeys = {:?}\n[[limit]]\nname = \"few\"\nper = [\"caller\"]\nrate = \"3/1h\"\n",
        keys.to_str().unwrap()
    ));
    let call = |key: &str| gateway.get("/", &format!("authorization: Bearer {key}\r\n")).status;
    for _ in 0..4 {
        call(&bob.key);
    }
    assert_eq!([call(&ann.key), call(&ann.key)], [200, 200]);
    assert_eq!(gateway.get("/", "").status, 200);
    assert_eq!(call("rw_guess"), 401, "nobody's call");
    for _ in 0..4 {
        send(&gateway, "POST", "/v1/check", r#"{"caller":"ann"}"#);
    }
    for target in ["/v1/callers", "/v1/callers?since=recent", "/v1/callers?since=start&limit=3"] {
        let found = body_of(&send(&gateway, "GET", target, ""));
        assert_eq!(labels(&found["by_calls"]), ["ann 6", "bob 4", "127.0.0.1 1"], "{target}");
        assert_eq!(labels(&found["by_rejections"]), ["ann 3", "bob 1"], "{target}");
        assert_eq!(
            (&found["by_calls"]["others_at_most"], &found["by_calls"]["callers"][0]["count_error"]),
            (&json!(0), &json!(0))
        );
        assert!(found["since"].as_str().unwrap().ends_with('Z') && !found.to_string().contains(&ann.key));
    }
    let one = body_of(&send(&gateway, "GET", "/v1/callers?limit=1", ""));
    assert_eq!(
        (labels(&one["by_calls"]), &one["by_calls"]["others_at_most"]),
        (vec!["ann 6".to_owned()], &json!(4))
    );
    let ban = json!({"id": one["by_calls"]["callers"][0]["id"], "for": "1h"}).to_string();
    assert_eq!(send(&gateway, "POST", "/v1/penalties", &ban).status, 201);
    assert!(gateway.get("/", &format!("authorization: Bearer {}\r\n", ann.key)).body.contains("banned"));
    let found = body_of(&send(&gateway, "GET", "/v1/callers", ""));
    assert_eq!(labels(&found["by_rejections"])[0], "ann 4", "a banned call is a rejected one");
    for query in ["limit=0", "limit=501", "since=yesterday", "top=1"] {
        assert_eq!(send(&gateway, "GET", &format!("/v1/callers?{query}"), "").status, 400, "{query}");
    }
}

#[test]
fn a_secret_that_no_file_names_is_shown_by_a_few_digits_of_its_hash() {
    let (gateway, _folder) = guarded("[[caller]]\nfrom = \"header:x-api-key\"\n");
    gateway.get("/", "x-api-key: sekrit\r\n");
    let found = send(&gateway, "GET", "/v1/callers", "").body;
    assert!(found.contains("\"label\":\"key:") && !found.contains("sekrit"), "{found}");
}
