//! One test for each rule: what it becomes in the policy, which is read back as the gateway reads it.

use std::path::Path;

use ratewarden_model::scan_report::{Algorithm, Observed, Technology};
use ratewarden_model::{Limiter, Rule};
use ratewarden_policy::{Bounded, Key, Limit, Policy};
use serde_json::json;

use super::*;
use crate::gate::tests::{finding, report};

const ORIGIN: &str = "https://h.example";

fn limiter(place: &str) -> Limiter {
    Limiter {
        endpoints: vec![place.replacen(' ', &format!(" {ORIGIN}"), 1)],
        observed: Observed { requests: 364, rejected: 0, seconds: 5.0 },
        ..Limiter::default()
    }
}

fn bucket(place: &str) -> Limiter {
    Limiter {
        detected: true,
        algorithm: Some(Algorithm::TokenBucket),
        rate_per_s: Some(9.98),
        burst: Some(20),
        keyed_by: vec!["address".into(), "header:x-forwarded-for".into()],
        ..limiter(place)
    }
}

fn at(rule: &Rule, place: &str) -> Finding {
    let (method, path) = place.split_once(' ').unwrap();
    Finding {
        subject: Subject::Endpoint { method: method.into(), url: format!("{ORIGIN}{path}") },
        ..finding(rule, path)
    }
}

/// The policy for a scan with this, as text and as the gateway reads it; never with a warning.
fn written(limiters: &[Limiter], findings: &[Finding]) -> (String, Policy) {
    let scan = ScanReport { limiters: limiters.to_vec(), ..report(findings.to_vec()) };
    let text = policy(&[&scan], &Setting::default()).unwrap();
    let read = ratewarden_policy::read(&text, Path::new("/etc/ratewarden.toml")).unwrap();
    assert_eq!(read.warnings, [], "{text}");
    (text, read.policy)
}

fn limit<'p>(policy: &'p Policy, name: &str) -> &'p Limit {
    let names: Vec<_> = policy.limits.iter().map(|limit| &limit.name).collect();
    policy.limits.iter().find(|limit| limit.name == name).unwrap_or_else(|| panic!("{name}: {names:?}"))
}

#[test]
fn an_unlimited_endpoint_gets_a_limit_and_so_does_all_that_was_not_scanned() {
    let (text, policy) = written(&[limiter("GET /a")], &[at(&rules::NO_LIMIT, "GET /a")]);
    assert!(text.contains("No rejection was seen in 364 requests"), "{text}");
    assert!(text.contains("rate  = \"10/1s\"\nburst = 20\n"), "{text}");
    assert_eq!(limit(&policy, "GET /a").matches.methods, ["GET", "HEAD"]);
    let rest = limit(&policy, "all calls");
    assert_eq!((&rest.matches, &rest.per), (&ratewarden_policy::Matches::default(), &vec![Key::Caller]));
    assert!(text.ends_with("per   = [\"caller\"]\nrate  = \"50/1s\"\nburst = 100\n"), "{text}");
}

#[test]
fn all_calls_together_are_never_held_tighter_than_the_limits_above() {
    let fast = Limiter { rate_per_s: Some(400.0), burst: Some(900), ..bucket("GET /a") };
    let (text, _) = written(&[fast, limiter("GET /b")], &[]);
    assert!(text.ends_with("rate  = \"820/1s\"\nburst = 920\n"), "{text}");
}

#[test]
fn a_limit_that_can_be_got_round_keeps_its_figures_at_a_door_that_cannot() {
    let rules = [
        &rules::SHARED_LIMIT,
        &rules::NO_RATE_HEADERS,
        &rules::HEADERS_LIE,
        &rules::RETRY_AFTER_LIES,
        &rules::BYPASS_ADDRESS_HEADER,
        &rules::BYPASS_PATH,
        &rules::BYPASS_QUERY,
        &rules::BYPASS_CREDENTIAL,
        &rules::BYPASS_USER_AGENT,
        &rules::BYPASS_CONCURRENCY,
    ];
    for rule in rules {
        let (text, policy) = written(&[bucket("GET /s")], &[at(rule, "GET /s")]);
        let limit = limit(&policy, "GET /s");
        assert_eq!(limit.per, [Key::Caller], "{}", rule.id);
        assert!(text.contains("rate  = \"10/1s\"\nburst = 20\n"), "{}: {text}", rule.id);
        assert!(!text.contains("cannot mend"), "{}: {text}", rule.id);
    }
}

#[test]
fn another_method_that_got_round_a_limit_is_counted_with_it() {
    let (_, policy) = written(&[bucket("GET /s")], &[at(&rules::BYPASS_METHOD, "GET /s")]);
    assert_eq!(limit(&policy, "GET /s").matches.methods, [""; 0]);
}

#[test]
fn a_limiter_that_was_not_understood_is_not_called_none() {
    let unknown = Limiter { rate_per_s: None, burst: None, ..bucket("GET /s") };
    let (text, _) = written(&[unknown], &[]);
    assert!(text.contains("A limiter was seen there, but not its figures."), "{text}");
}

fn unbounded(parameter: Option<&str>, pages: serde_json::Value) -> Finding {
    at(&rules::UNBOUNDED_READ, "GET /a").evidence("parameter", parameter).evidence("pages", pages)
}

#[test]
fn a_page_size_without_a_ceiling_is_bounded_and_so_is_its_answer() {
    let pages = json!([
        { "size": 10, "bytes": 1_200, "items": 10 },
        { "size": 100, "bytes": 11_500, "items": 100 },
        { "size": 10_000, "bytes": 1_144_008, "items": 10_002 },
        { "size": null, "bytes": 11_500, "items": 100 },
    ]);
    let (text, policy) = written(&[limiter("GET /a")], &[unbounded(Some("limit"), pages)]);
    let bounds: Vec<_> = policy.bounds.iter().map(|bound| bound.what.clone()).collect();
    let size = Bounded::Query { name: "limit".into(), max: 100, clamp: true, required: false };
    assert_eq!(bounds, [size, Bounded::Response { max: 64 << 10 }], "{text}");
    assert!(policy.bounds.iter().all(|bound| bound.matches.methods == ["GET", "HEAD"]));
    assert!(text.contains("rate  = \"10/1s\"\n"), "pages are not dear once they are bounded: {text}");
}

#[test]
fn a_page_size_that_may_be_left_out_for_a_huge_page_has_to_be_named() {
    let pages = json!([
        { "size": 1, "bytes": 216, "items": 1 },
        { "size": 1_000, "bytes": 114_000, "items": 1_000 },
        { "size": null, "bytes": 572_057, "items": 5_001 },
    ]);
    let (text, policy) = written(&[limiter("GET /a")], &[unbounded(Some("limit"), pages)]);
    assert!(matches!(&policy.bounds[0].what, Bounded::Query { required: true, .. }), "{text}");
    assert!(text.contains("# Left out, it brought 5001 rows: a call has to name a size.\n"), "{text}");
    assert_eq!(policy.bounds[1].what, Bounded::Response { max: 128 << 10 }, "of one row, times a hundred");
}

#[test]
fn a_list_that_comes_whole_is_read_seldom_and_not_when_it_has_grown_without_end() {
    let pages = json!([{ "size": 1, "bytes": 900_000, "items": 400 }, { "size": null, "bytes": 900_000 }]);
    let (text, policy) = written(&[limiter("GET /a")], &[unbounded(None, pages)]);
    assert_eq!(policy.bounds.len(), 1);
    assert_eq!(policy.bounds[0].what, Bounded::Response { max: 4 << 20 });
    assert!(text.contains("rate  = \"1/1s\"\nburst = 10\n"), "{text}");
    assert!(text.contains("#     give it pages;"), "it is not mended: {text}");
}

#[test]
fn a_hot_key_is_limited_for_each_caller_wherever_it_stands() {
    let cases = [
        ("POST /events", "body:user_id", Key::Body(vec!["user_id".into()])),
        ("PUT /users/{id}/state", "path:id", Key::Path("id".into())),
        ("POST /state", "query:user", Key::Query("user".into())),
    ];
    for (place, word, key) in cases {
        let hot = at(&rules::HOT_KEY, place).evidence("limit_per", vec![word]).evidence("median_ratio", 2.93);
        let (text, policy) = written(&[], &[hot]);
        assert!(text.contains("Writes to one key were 2.9 times as slow"), "{text}");
        assert_eq!(limit(&policy, &format!("one {word} of {place}")).per, [Key::Caller, key], "{text}");
        assert_eq!(limit(&policy, place).per, [Key::Caller], "writes to many keys have a limit too");
    }
}

#[test]
fn a_key_that_no_policy_can_name_leaves_the_limit_of_all_writes() {
    let dotted =
        at(&rules::HOT_KEY, "POST /e").evidence("limit_per", vec!["body:user.id", "cookie:x", "odd"]);
    let (_, policy) = written(&[], &[dotted]);
    let names: Vec<_> = policy.limits.iter().map(|limit| limit.name.as_str()).collect();
    assert_eq!(names, ["POST /e", "all calls"]);
}

#[test]
fn credentials_that_can_be_guessed_are_locked_out() {
    let (text, policy) = written(&[], &[at(&rules::NO_LOCKOUT, "GET /private")]);
    assert_eq!(policy.credentials.per_source, GUESSES, "{text}");
    assert!(policy.credentials.count_upstream, "the server is who knows them");
    assert!(!written(&[], &[]).0.contains("[credentials]"));
}

#[test]
fn job_submissions_to_an_open_control_plane_are_limited_and_the_opening_is_named() {
    let open = at(&rules::OPEN_CONTROL_PLANE, "GET /ray/api/jobs/");
    let (text, policy) = written(&[], &[open]);
    let submissions = limit(&policy, "job submissions");
    assert_eq!(submissions.matches.methods, ["POST"]);
    assert_eq!(submissions.matches.path.as_ref().unwrap().as_str(), "/ray/api/jobs/");
    assert!(text.contains("rate  = \"10/1m\"\nburst = 5\n"), "{text}");
    assert_eq!(limit(&policy, "job list").matches.methods, ["GET", "HEAD"]);
    assert!(
        text.contains("What limits cannot mend:\n#   A control plane answers without credentials"),
        "{text}"
    );
}

#[test]
fn job_submissions_are_limited_where_ray_was_only_recognised() {
    let ray = Technology { name: "Ray dashboard".into(), version: None, evidence: String::new() };
    let list = limiter("GET /api/jobs/");
    let scan = ScanReport { technologies: vec![ray], limiters: vec![list], ..report(Vec::new()) };
    let text = policy(&[&scan], &Setting::default()).unwrap();
    assert!(text.contains("match = { method = \"POST\", path = \"/api/jobs/\" }"), "{text}");
    assert!(!text.contains("job list"), "the scan of it has given it a limit already: {text}");
}

#[test]
fn what_a_gateway_cannot_mend_is_said_at_the_top() {
    for (id, instead) in LEFT_TO_THE_API {
        let rule = rules::find(id).unwrap();
        let (text, _) = written(&[limiter("GET /a")], &[at(rule, "GET /a")]);
        let line = format!("#   {} (GET /a):\n#     {instead}.\n", rule.title);
        assert!(text.split("[listen]").next().unwrap().contains(&line), "{line}: {text}");
    }
}

#[test]
fn several_scans_of_one_server_make_one_policy() {
    let pages = json!([{ "size": 100, "bytes": 11_500 }, { "size": null, "bytes": 90_000, "items": 5_000 }]);
    let one =
        ScanReport { limiters: vec![limiter("GET /a")], ..report(vec![unbounded(Some("limit"), pages)]) };
    let two = ScanReport {
        limiters: vec![bucket("GET /b"), limiter("GET /a")],
        ..report(vec![at(&rules::NO_LOCKOUT, "GET /b")])
    };
    let setting = Setting { listen: Some("127.0.0.1:0".parse().unwrap()), keys: Some("k.keys".into()) };
    let text = policy(&[&one, &two], &setting).unwrap();
    let read = ratewarden_policy::read(&text, Path::new("/etc/p.toml")).unwrap();
    assert_eq!(read.warnings, []);
    let names: Vec<_> = read.policy.limits.iter().map(|limit| limit.name.as_str()).collect();
    assert_eq!(names, ["GET /a", "GET /b", "all calls"]);
    assert_eq!(read.policy.gateway.unwrap().upstream.servers.len(), 1);
    assert!(text.contains("http = \"127.0.0.1:0\"") && text.contains("keys = \"k.keys\""), "{text}");
    assert!(policy(&[], &setting).is_err());
}

#[test]
fn a_measured_rate_is_written_as_somebody_would_write_it() {
    for (per_second, text) in
        [(10.1, "10/1s"), (1.68, "101/1m"), (0.5, "30/1m"), (0.01, "36/1h"), (0.000_01, "1/1h")]
    {
        assert_eq!(limits::readable(per_second).to_string(), text, "{per_second}");
    }
}
