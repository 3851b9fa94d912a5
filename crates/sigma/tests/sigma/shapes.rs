//! Shapes of detection rules.

use ratewarden_model::{Call, Severity};

use crate::{call, carried, findings, finds, rule, rules};

/// A name, what is looked for, and calls that it finds and does not find.
struct Shape {
    name: &'static str,
    detection: &'static str,
    found: Vec<Call<'static>>,
    not: Vec<Call<'static>>,
}

fn target(target: &'static str) -> Call<'static> {
    Call { target: target.as_bytes(), ..call(0) }
}

fn agent(agent: &'static str) -> Call<'static> {
    Call { agent: agent.as_bytes(), ..call(0) }
}

fn status(status: u16) -> Call<'static> {
    Call { status, ..call(0) }
}

fn method(method: &'static str) -> Call<'static> {
    Call { method: method.as_bytes(), ..call(0) }
}

fn words() -> Vec<Shape> {
    vec![
        Shape {
            name: "a word in the query, whatever its letters",
            detection: "  selection:\n    cs-uri-query|contains: 'UNION SELECT'\n  condition: selection",
            found: vec![target("/a?q=1 union select 2")],
            not: vec![target("/union select"), target("/a?q=union")],
        },
        Shape {
            name: "a path where rules of old put it into the query",
            detection: "  selection:\n    cs-uri-query|contains: '/cgi-bin/'\n  condition: selection",
            found: vec![target("/cgi-bin/x"), target("/a?next=/cgi-bin/")],
            not: vec![target("/cgi")],
        },
        Shape {
            name: "several words, all of them",
            detection: "  selection:\n    cs-uri|contains|all:\n      - '../'\n      - 'passwd'\n  condition: selection",
            found: vec![target("/a/../../etc/passwd")],
            not: vec![target("/etc/passwd"), target("/../")],
        },
        Shape {
            name: "begins and ends",
            detection: "  selection:\n    cs-uri-stem|startswith: '/admin'\n    cs-uri-stem|endswith:\n      - '.php'\n      - '.jsp'\n  condition: selection",
            found: vec![target("/admin/x.php"), target("/ADMIN/x.JSP?y")],
            not: vec![target("/x/admin.php"), target("/admin/x.html"), target("/admin/?x.php")],
        },
        Shape {
            name: "stars and question marks",
            detection: "  selection:\n    url.path: '/api/v?/users/*/export'\n  condition: selection",
            found: vec![target("/api/v2/users/77/export")],
            not: vec![target("/api/v22/users/77/export"), target("/api/v2/users/77/exports")],
        },
        Shape {
            name: "agents of tools, from a list",
            detection: "  tools:\n    cs-user-agent|contains:\n      - sqlmap\n      - nikto\n  condition: tools",
            found: vec![agent("SQLmap/1.7"), agent("Mozilla (Nikto/2.5)")],
            not: vec![agent("Mozilla/5.0"), agent("")],
        },
        Shape {
            name: "exact letters",
            detection: "  selection:\n    user_agent.original|cased|startswith: 'Go-http'\n  condition: selection",
            found: vec![agent("Go-http-client/1.1")],
            not: vec![agent("go-http-client/1.1")],
        },
        Shape {
            name: "a regular expression",
            detection: "  selection:\n    cs-uri-query|re: '(?:^|&)id=[0-9]{1,3}%27'\n  condition: selection",
            found: vec![target("/a?x=1&id=12%27or")],
            not: vec![target("/a?id=1234%27"), target("/a")],
        },
        Shape {
            name: "a regular expression that ignores letters",
            detection: "  selection:\n    c-useragent|re|i: '^java/\\d'\n  condition: selection",
            found: vec![agent("Java/17"), agent("JAVA/8")],
            not: vec![agent("x java/8")],
        },
        Shape {
            name: "words without a field",
            detection: "  keywords:\n    - '${jndi:'\n    - '*() { :*'\n  condition: keywords",
            found: vec![agent("${JNDI:ldap://x}"), target("/?x=${jndi:x}"), agent("() { :;}; echo")],
            not: vec![agent("jndi")],
        },
        Shape {
            name: "words without a field, all of them",
            detection: "  keywords:\n    '|all':\n      - anna\n      - price\n  condition: keywords",
            found: vec![call(0)],
            not: vec![target("/x")],
        },
    ]
}

fn numbers() -> Vec<Shape> {
    vec![
        Shape {
            name: "a status as number and as text",
            detection: "  selection:\n    sc-status:\n      - 401\n      - '403'\n      - '5*'\n  condition: selection",
            found: vec![status(401), status(403), status(503)],
            not: vec![status(200), status(404), status(0)],
        },
        Shape {
            name: "from a number to another",
            detection: "  selection:\n    http.response.status_code|gte: 400\n    http.response.status_code|lt: 500\n  condition: selection",
            found: vec![status(400), status(499)],
            not: vec![status(399), status(500), status(0)],
        },
        Shape {
            name: "more bytes than a number",
            detection: "  selection:\n    sc-bytes|gt: 1000000\n  condition: selection",
            found: vec![Call { bytes: 1_000_001, ..call(0) }],
            not: vec![Call { bytes: 1_000_000, ..call(0) }],
        },
        Shape {
            name: "longer than a time",
            detection: "  selection:\n    time-taken|gte: 250\n  condition: selection",
            found: vec![call(0)],
            not: vec![Call { micros: Some(249_999), ..call(0) }, Call { micros: None, ..call(0) }],
        },
        Shape {
            name: "networks",
            detection: "  selection:\n    c-ip|cidr:\n      - 203.0.113.0/24\n      - 2001:db8::/32\n  condition: selection",
            found: vec![call(0), Call { address: "2001:db8::9".parse().ok(), ..call(0) }],
            not: vec![
                Call { address: "198.51.100.1".parse().ok(), ..call(0) },
                Call { address: None, ..call(0) },
            ],
        },
        Shape {
            name: "nothing there",
            detection: "  selection:\n    cs-referer: null\n    cs-user-agent: '-'\n  condition: selection",
            found: vec![Call { referer: b"", agent: b"", ..call(0) }],
            not: vec![Call { referer: b"", ..call(0) }, Call { agent: b"", ..call(0) }],
        },
        Shape {
            name: "there or not",
            detection: "  selection:\n    cs-username|exists: true\n    referer|exists: false\n  condition: selection",
            found: vec![Call { referer: b"", ..call(0) }],
            not: vec![call(0), Call { user: b"", referer: b"", ..call(0) }],
        },
    ]
}

fn conditions() -> Vec<Shape> {
    vec![
        Shape {
            name: "a selection but no filter",
            detection: "  selection:\n    cs-method:\n      - PUT\n      - DELETE\n  filter_main_users:\n    cs-username: anna\n  condition: selection and not 1 of filter_*",
            found: vec![Call { user: b"", ..method("put") }],
            not: vec![method("PUT"), Call { user: b"", ..method("GET") }],
        },
        Shape {
            name: "one of several selections",
            detection: "  selection_path:\n    cs-uri-stem: /shell\n  selection_agent:\n    cs-user-agent: evil\n  condition: 1 of selection_*",
            found: vec![target("/shell"), agent("evil")],
            not: vec![call(0)],
        },
        Shape {
            name: "all of them",
            detection: "  a:\n    cs-method: POST\n  b:\n    sc-status: 200\n  c:\n    cs-uri-stem|endswith: login\n  condition: all of them",
            found: vec![Call { target: b"/login", ..method("POST") }],
            not: vec![Call { target: b"/login", ..method("GET") }, method("POST")],
        },
        Shape {
            name: "a list of maps is any of them",
            detection: "  selection:\n    - cs-method: TRACE\n    - cs-method: OPTIONS\n      sc-status: 200\n  condition: selection",
            found: vec![method("TRACE"), method("OPTIONS")],
            not: vec![Call { status: 405, ..method("OPTIONS") }],
        },
        Shape {
            name: "parentheses and the order of and, or and not",
            detection: "  a:\n    cs-method: POST\n  b:\n    sc-status: 500\n  c:\n    cs-username: anna\n  condition: (a or b) and not c or a and b",
            found: vec![Call { user: b"", ..method("POST") }, Call { status: 500, ..method("POST") }],
            not: vec![method("POST"), Call { user: b"", ..call(0) }],
        },
        Shape {
            name: "several conditions are any of them",
            detection: "  a:\n    cs-method: POST\n  b:\n    sc-status: 500\n  condition:\n    - a\n    - b",
            found: vec![method("POST"), status(500)],
            not: vec![call(0)],
        },
    ]
}

#[test]
fn rules_of_all_shapes_find_what_they_describe_and_nothing_else() {
    let shapes: Vec<Shape> = words().into_iter().chain(numbers()).chain(conditions()).collect();
    assert!(shapes.len() >= 20);
    for shape in &shapes {
        for call in &shape.found {
            assert!(finds(shape.detection, *call), "{}: not found: {call:?}", shape.name);
        }
        for call in &shape.not {
            assert!(!finds(shape.detection, *call), "{}: found: {call:?}", shape.name);
        }
    }
}

#[test]
fn calls_of_one_caller_are_one_finding_with_their_count() {
    let text = "title: Backup files\nid: 5F0A-11\nlogsource: {category: webserver}\nlevel: low\n\
        description: Somebody looks for copies.\nreferences: ['https://example.org/x']\nfalsepositives: [An editor's probe, Unknown]\n\
        detection:\n  sel:\n    cs-uri-stem|endswith: ['.bak', '~']\n  condition: sel\n";
    let hit = |at: i64, last: &str| Call {
        target: b"/config.php.BAK",
        address: format!("203.0.113.{last}").parse().ok(),
        user: b"",
        ..call(at * 1000)
    };
    let calls: Vec<_> = (0..30).map(|at| hit(at, "7")).chain([hit(30, "8"), call(31_000)]).collect();
    let found = findings(&carried(text), &calls);
    let labels: Vec<_> =
        found.iter().map(|one| (one.subject.label(), one.seen.as_ref().unwrap().count)).collect();
    assert_eq!(labels, [("203.0.113.7".to_owned(), 30), ("203.0.113.8".to_owned(), 1)]);
    let one = &found[0];
    assert_eq!((one.rule.as_str(), one.title.as_str()), ("sigma.5f0a-11", "Backup files"));
    assert_eq!(
        (one.severity, one.references.as_slice()),
        (Severity::Low, &["https://example.org/x".to_owned()][..])
    );
    assert!(one.description.ends_with("Somebody looks for copies."), "{}", one.description);
    assert!(one.remediation.summary.ends_with("Known false alarms: An editor's probe."));
    assert_eq!(one.seen.as_ref().unwrap().samples.len(), 3);
}

#[test]
fn calls_of_nobody_are_found_too() {
    let detection = "  sel:\n    cs-method: TRACE\n  condition: sel";
    assert!(finds(detection, Call { method: b"TRACE", target: b"/x", ..Call::at(call(0).at_ms) }));
}

#[test]
fn a_filter_takes_out_what_its_rules_would_find() {
    let text = format!(
        "{}id: first\n---\ntitle: Other\nlogsource: {{category: proxy}}\ndetection:\n  s:\n    cs-method: PUT\n  condition: s\n\
         ---\ntitle: Not our own\nlogsource: {{category: webserver}}\nfilter:\n  rules: [first]\n  own:\n    c-ip|cidr: 203.0.113.0/24\n  condition: not own\n",
        rule("  s:\n    cs-method: PUT\n  condition: s")
    );
    let compiled = carried(&text);
    assert_eq!(compiled.rules, 3);
    let rules =
        |call: Call<'_>| findings(&compiled, &[call]).iter().map(|one| one.rule.clone()).collect::<Vec<_>>();
    assert_eq!(rules(method("PUT")), ["sigma.other"]);
    let other = Call { address: "198.51.100.7".parse().ok(), ..method("PUT") };
    assert_eq!(rules(other), ["sigma.first", "sigma.other"]);
}

#[test]
fn levels_are_severities() {
    for (level, severity) in [
        ("level: informational", Severity::Info),
        ("level: low", Severity::Low),
        ("", Severity::Medium),
        ("level: medium", Severity::Medium),
        ("level: high", Severity::High),
        ("level: critical", Severity::Critical),
    ] {
        let text = rule("  s:\n    cs-method: PUT\n  condition: s").replace("level: high", level);
        assert_eq!(rules(&text).detectors[0].severity, severity, "{level}");
    }
}

#[test]
fn any_number_of_rules_is_asked_beside_the_defaults() {
    let one = |number: usize| {
        format!(
            "title: R{number}\nlogsource: {{category: webserver}}\ndetection:\n  s:\n    cs-uri-stem: /p{number}\n  condition: s\n---\n"
        )
    };
    let text: String = (0..400).map(one).collect();
    let compiled = carried(&text);
    assert_eq!(compiled.detectors.len(), 400);
    let mut detectors = ratewarden_detect::detectors();
    detectors.extend(compiled.detectors);
    let settings = ratewarden_detect::Settings { detectors, ..ratewarden_detect::Settings::default() };
    let mut engine = ratewarden_detect::Engine::new(settings);
    engine.see(&target("/p7"));
    engine.see(&target("/p399"));
    engine.finish();
    let found: Vec<_> = engine.findings().into_iter().map(|one| one.rule).collect();
    assert_eq!(found, ["sigma.r399", "sigma.r7"]);
}
