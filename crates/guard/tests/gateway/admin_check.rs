//! `POST /v1/check`, as an application sees it.

use serde_json::{Value, json};

use crate::admin::{guarded, json as body_of, send};
use crate::server::Gateway;

fn check(gateway: &Gateway, question: &Value) -> Value {
    let answer = send(gateway, "POST", "/v1/check", &question.to_string());
    assert_eq!(answer.status, 200, "{question}: {}", answer.body);
    body_of(&answer)
}

fn decisions<const N: usize>(gateway: &Gateway, question: &Value) -> [String; N] {
    std::array::from_fn(|_| check(gateway, question)["decision"].as_str().unwrap().to_owned())
}

#[test]
fn an_application_is_told_what_every_limit_says_and_is_charged_once() {
    let (gateway, _folder) = guarded(
        "[[limit]]\nname = \"jobs\"\nmatch = { method = \"POST\", path = \"/jobs\" }\nrate = \"2/1h\"\nper = [\"caller\"]\n\
         [[limit]]\nname = \"watched\"\nshadow = true\nrate = \"1/1h\"\nper = [\"caller\"]\n",
    );
    let ann = json!({"caller": "ann", "method": "POST", "path": "/jobs?a=1"});
    let first = check(&gateway, &ann);
    assert_eq!(first["decision"], "admit");
    let [jobs, watched] = first["limits"].as_array().unwrap().as_slice() else { panic!("{first}") };
    assert_eq!((&jobs["name"], &jobs["limit"], &jobs["remaining"]), (&json!("jobs"), &json!(2), &json!(1)));
    assert_eq!((&watched["shadow"], &watched["rejected"]), (&json!(true), &json!(false)));
    let second = check(&gateway, &ann);
    assert_eq!((&second["decision"], &second["limits"][1]["rejected"]), (&json!("admit"), &json!(true)));
    let third = check(&gateway, &ann);
    assert_eq!((&third["decision"], &third["reason"]), (&json!("reject"), &json!("limit")));
    assert_eq!(
        (&third["limits"][0]["rejected"], &third["limits"][0]["remaining"]),
        (&json!(true), &json!(0))
    );
    let wait = third["retry_after_seconds"].as_u64().unwrap();
    assert!((1..=1_800).contains(&wait), "{third}");
    assert_eq!(decisions(&gateway, &json!({"caller": "bob", "method": "POST", "path": "/jobs"})), ["admit"]);
    assert_eq!(decisions(&gateway, &json!({"caller": "ann"})), ["admit"], "GET / is not limited");
}

#[test]
fn a_cost_that_is_given_is_what_is_charged() {
    let (gateway, _folder) = guarded("[[limit]]\nname = \"units\"\nrate = \"10/1h\"\nper = [\"caller\"]\n");
    assert_eq!(check(&gateway, &json!({"caller": "ann", "cost": 8}))["limits"][0]["remaining"], 2);
    assert_eq!(decisions(&gateway, &json!({"caller": "ann", "cost": 3})), ["reject"]);
    assert_eq!(
        decisions(&gateway, &json!({"caller": "ann", "cost": 2})),
        ["admit"],
        "a rejected one spends nothing"
    );
    let never = check(&gateway, &json!({"caller": "bob", "cost": u64::MAX}));
    assert_eq!((&never["decision"], &never["retry_after_seconds"]), (&json!("reject"), &Value::Null));
}

#[test]
fn a_named_caller_and_its_key_share_one_count() {
    let folder = tempfile::tempdir().unwrap();
    let new = ratewarden_callers::NewKey::generate("ann", "pro").unwrap();
    let keys = folder.path().join("keys.txt");
    std::fs::write(&keys, &new.line).unwrap();
    let keys = keys.to_str().unwrap();
    let (gateway, _folder) = guarded(&format!(
        "[[caller]]\nfrom = \"bearer\"\nkeys = {keys:?}\n[[plan]]\nname = \"pro\"\n\
         [[limit]]\nname = \"few\"\nrate = \"2/1h\"\nper = [\"caller\"]\nmatch = {{ plan = \"pro\" }}\n"
    ));
    let call = || gateway.get("/", &format!("authorization: Bearer {}\r\n", new.key)).status;
    assert_eq!(call(), 200);
    assert_eq!(decisions(&gateway, &json!({"caller": "ann"})), ["admit", "reject"]);
    assert_eq!(call(), 429);
    let unnamed =
        json!({"address": "192.0.2.1", "headers": {"Authorization": format!("Bearer {}", new.key)}});
    assert_eq!(decisions(&gateway, &unnamed), ["reject"], "the headers say who it is");
    let wrong =
        check(&gateway, &json!({"address": "192.0.2.1", "headers": {"authorization": "Bearer rw_guess"}}));
    assert_eq!((&wrong["decision"], &wrong["reason"]), (&json!("reject"), &json!("credentials_unknown")));
    assert_eq!(wrong["limits"], json!([]));
}

#[test]
fn limits_per_address_and_header_count_what_the_question_says() {
    let (gateway, _folder) = guarded(
        "[[limit]]\nname = \"addresses\"\nrate = \"1/1h\"\nper = [\"address\"]\nmatch = { path = \"/a\" }\n\
         [[limit]]\nname = \"tenants\"\nrate = \"1/1h\"\nper = [\"header:x-tenant\"]\nmatch = { path = \"/t\" }\n",
    );
    let at = |address: &str| json!({"address": address, "path": "/a"});
    assert_eq!(decisions(&gateway, &at("192.0.2.1")), ["admit", "reject"]);
    assert_eq!(decisions(&gateway, &at("192.0.2.2")), ["admit"]);
    assert_eq!(decisions(&gateway, &at("2001:db8::1")), ["admit"]);
    assert_eq!(decisions(&gateway, &at("2001:db8::2")), ["reject"], "one network is one client");
    let without = send(&gateway, "POST", "/v1/check", r#"{"caller":"ann","path":"/a"}"#);
    assert_eq!(without.status, 422, "nobody shares a bucket by leaving the address out: {}", without.body);
    let of = |tenant: &str| json!({"caller": "ann", "path": "/t", "headers": {"X-Tenant": tenant}});
    assert_eq!(decisions(&gateway, &of("red")), ["admit", "reject"]);
    assert_eq!(decisions(&gateway, &of("blue")), ["admit"]);
}

#[test]
fn what_the_gateway_would_refuse_is_rejected_with_the_reason() {
    let (gateway, _folder) = guarded(
        "[[bound]]\nname = \"pages\"\nquery = \"limit\"\nmax = 100\nover = \"refuse\"\n[[limit]]\nname = \"few\"\nrate = \"1/1h\"\nper = [\"caller\"]\n\
         [[penalty]]\nafter = \"1 rejections/1h\"\nban = \"10m\"\n",
    );
    let odd = check(&gateway, &json!({"caller": "ann", "path": "/a/../b"}));
    assert_eq!((&odd["decision"], &odd["reason"]), (&json!("reject"), &json!("path_dot_segment")));
    let large = check(&gateway, &json!({"caller": "ann", "path": "/a?limit=1000"}));
    assert_eq!(large["decision"], "reject");
    assert!(large["detail"].as_str().unwrap().contains("limit"), "{large}");
    assert_eq!(
        decisions(&gateway, &json!({"caller": "ann"})),
        ["admit", "reject", "reject"],
        "refused ones spent nothing"
    );
    let banned = check(&gateway, &json!({"caller": "ann"}));
    assert_eq!((&banned["reason"], &banned["retry_after_seconds"]), (&json!("banned"), &json!(600)));
    let metrics = send(&gateway, "GET", "/metrics", "").body;
    assert!(metrics.contains("ratewarden_calls_total{decision=\"rejected\"} 2\n"), "{metrics}");
}

#[test]
fn a_number_that_the_gateway_would_lower_is_rejected_and_spends_nothing() {
    let (gateway, _folder) = guarded(
        "[[bound]]\nname = \"pages\"\nquery = \"limit\"\nmax = 100\n[[limit]]\nname = \"all\"\nrate = \"1/1h\"\n",
    );
    let question = |limit: u32| json!({"caller": "ann", "path": format!("/items?limit={limit}")});
    let refused = check(&gateway, &question(101));
    assert_eq!((&refused["decision"], &refused["reason"]), (&json!("reject"), &json!("bound_exceeded")));
    assert_eq!(decisions(&gateway, &question(100)), ["admit", "reject"]);
}
