//! Reports that look like real ones, for tests and for looking at the formats (`examples/samples.rs`).
//!
//! The timelines are computed by small limiters, not typed in, so that charts show what real ones would.

use std::collections::BTreeMap;

use ratewarden_model::scan_report::{
    Algorithm, Implementation, Limiter, Observed, Published, SCHEMA, Technology, Timeline,
};
use ratewarden_model::{Confidence, Finding, ScanReport, VERSION, rules, score};

mod findings;
mod timelines;

use findings::Place;

/// Every sample with its name.
#[must_use]
pub fn all() -> Vec<(&'static str, ScanReport)> {
    vec![
        ("token-bucket", token_bucket()),
        ("unlimited", unlimited()),
        ("windows", windows()),
        ("aborted", aborted()),
        ("clean", clean()),
        ("everything-wrong", everything_wrong()),
        ("hostile", hostile()),
    ]
}

/// A token bucket that a forged header gets round, before a list without bound.
#[must_use]
pub fn token_bucket() -> ScanReport {
    let place = Place::new("GET", "https://api.example.com", "/v1/items");
    let findings = vec![
        findings::address_header(&place),
        findings::unbounded_read(&place),
        findings::no_headers(&place),
    ];
    let mut report = report(&place, vec![bucket(&place, timelines::token_bucket(10.0, 20.0))], findings);
    report.technologies = vec![technology("nginx", Some("1.26.3"), "Server: nginx/1.26.3")];
    report.notes = vec!["Writes were not tried: name one with --writes --endpoint 'POST /path'.".into()];
    report
}

/// A Cassandra-like API in which nothing was ever rejected.
#[must_use]
pub fn unlimited() -> ScanReport {
    let place = Place::new("GET", "http://127.0.0.1:8088", "/metrics");
    let write = Place::new("POST", "http://127.0.0.1:8088", "/events");
    let findings = vec![
        findings::no_limit(&place),
        findings::hot_key(&write),
        findings::weak_cursor(&place),
        findings::careless_write(&write),
    ];
    let mut limiter = undetected(&place, timelines::unlimited(300, 9_800.0));
    limiter.observed = Observed { requests: 300, rejected: 0, seconds: 9.8 };
    report(&place, vec![limiter], findings)
}

/// A window whose end the budget did not show, and a queue that delays; the headers of the first are false.
#[must_use]
pub fn windows() -> ScanReport {
    let place = Place::new("GET", "https://api.example.com", "/v1/search");
    let slow = Place::new("GET", "https://api.example.com", "/v1/export");
    let window = Limiter {
        algorithm: Some(Algorithm::FixedWindow),
        limit: Some(100),
        window_at_least_ms: Some(12_000),
        rate_per_s: None,
        burst: None,
        keyed_by: vec!["header:x-api-key".into()],
        counts_rejected: Some(true),
        published: Some(Published {
            family: "ietf-06".into(),
            limit: Some(1_000),
            window_ms: Some(60_000),
            agrees: Some(false),
        }),
        implementation: None,
        confidence: Some(Confidence::Tentative),
        ..bucket(&place, timelines::fixed_window(100, 12_000.0))
    };
    let queue = Limiter {
        rejects_with: Some("delay".into()),
        algorithm: Some(Algorithm::LeakyQueue),
        burst: Some(21),
        keyed_by: vec!["global".into()],
        published: None,
        implementation: Some(Implementation {
            name: "nginx limit_req".into(),
            confidence: Confidence::Tentative,
            config: "limit_req zone=api burst=20;  # rate=10r/s".into(),
        }),
        ..bucket(&slow, timelines::leaky_queue(10.0, 21))
    };
    let findings = vec![findings::headers_lie(&place), findings::shared_limit(&slow)];
    report(&place, vec![window, queue], findings)
}

/// A scan that stopped because the target suffered.
#[must_use]
pub fn aborted() -> ScanReport {
    let place = Place::new("GET", "https://slow.example.org", "/api/report");
    let mut report = report(&place, vec![undetected(&place, timelines::unlimited(48, 2_100.0))], Vec::new());
    report.aborted = Some(
        "the median latency rose from 40 ms to 310 ms without the shape of a limiter; nothing more was sent, to spare \
         the target"
            .into(),
    );
    report.duration_ms = 2_140;
    report.requests_sent = 52;
    report.notes = vec!["Bypasses, page sizes and credentials were not tried.".into()];
    report
}

/// An endpoint with nothing to mend.
#[must_use]
pub fn clean() -> ScanReport {
    let place = Place::new("GET", "https://api.example.com", "/v2/items");
    let mut limiter = bucket(&place, timelines::token_bucket(10.0, 20.0));
    limiter.published = Some(Published {
        family: "ietf-10".into(),
        limit: Some(20),
        window_ms: Some(2_000),
        agrees: Some(true),
    });
    report(&place, vec![limiter], Vec::new())
}

/// One finding of every rule: more than a hundred points.
#[must_use]
pub fn everything_wrong() -> ScanReport {
    let place = Place::new("GET", "http://10.0.0.7:8265", "/api/jobs/");
    let mut findings: Vec<Finding> = rules::ALL
        .iter()
        .map(|rule| Finding::new(rule, place.subject(), &place.label(), rule.explanation))
        .collect();
    findings[0].endpoints =
        (1..=9).map(|number| format!("GET http://10.0.0.7:8265/api/v{number}/jobs/")).collect();
    let mut report = report(&place, vec![undetected(&place, timelines::unlimited(400, 14_900.0))], findings);
    report.technologies = vec![technology("Ray dashboard", Some("2.48.0"), "GET /api/version")];
    report
}

/// A report in which the target chose every text, and chose badly.
#[must_use]
pub fn hostile() -> ScanReport {
    let nasty = "<script>alert(1)</script>\u{1b}]0;owned\u{7}\u{1b}[2J|`x`|</details>\n# ![i](http://evil.test/p.png) \
                 @everyone \u{202e}gnp ]]> ``` \"'&amp; http://evil.test";
    let mut report = token_bucket();
    report.target = format!("https://h.example/{nasty}");
    report.notes = vec![nasty.into()];
    report.aborted = Some(nasty.into());
    report.technologies = vec![technology(nasty, Some(nasty), nasty)];
    let limiter = &mut report.limiters[0];
    limiter.endpoints = vec![format!("GET https://h.example/{nasty}")];
    limiter.rejects_with = Some(nasty.into());
    limiter.keyed_by = vec![format!("header:{nasty}")];
    limiter.published = Some(Published { family: nasty.into(), limit: None, window_ms: None, agrees: None });
    limiter.implementation =
        Some(Implementation { name: nasty.into(), confidence: Confidence::Tentative, config: nasty.into() });
    for finding in &mut report.findings {
        finding.title = nasty.into();
        finding.description = nasty.into();
        finding.subject =
            ratewarden_model::Subject::Endpoint { method: "GET".into(), url: format!("https://h/{nasty}") };
        finding.endpoints = vec![nasty.into()];
        finding.evidence.insert("cursor".into(), nasty.into());
        finding.evidence.insert(nasty.into(), 1.into());
        finding.reproduce = Some(format!("curl '{nasty}'"));
        finding.remediation.summary = nasty.into();
        finding.references = vec![nasty.into()];
        for snippet in &mut finding.remediation.snippets {
            snippet.target = nasty.into();
            snippet.text = nasty.into();
        }
    }
    report
}

fn report(place: &Place, limiters: Vec<Limiter>, findings: Vec<Finding>) -> ScanReport {
    let score = score::score(&findings);
    ScanReport {
        schema: SCHEMA.into(),
        version: VERSION.into(),
        target: place.url(),
        started_at: "2026-11-25T03:12:07Z".into(),
        duration_ms: 9_840,
        requests_sent: 312,
        score,
        grade: score::grade(score),
        aborted: None,
        limiters,
        categories: score::by_category(&findings, &rules::CATEGORIES).into_iter().collect::<BTreeMap<_, _>>(),
        findings,
        tested: rules::ALL.iter().map(|rule| rule.id.to_owned()).collect(),
        technologies: Vec::new(),
        notes: Vec::new(),
    }
}

fn bucket(place: &Place, timeline: Timeline) -> Limiter {
    Limiter {
        detected: true,
        rejects_with: Some("429".into()),
        algorithm: Some(Algorithm::TokenBucket),
        rate_per_s: Some(10.0),
        burst: Some(20),
        keyed_by: vec!["address".into()],
        implementation: Some(Implementation {
            name: "nginx limit_req".into(),
            confidence: Confidence::Tentative,
            config: "limit_req zone=api burst=20 nodelay;  # rate=10r/s".into(),
        }),
        confidence: Some(Confidence::Firm),
        ..undetected(place, timeline)
    }
}

fn undetected(place: &Place, timeline: Timeline) -> Limiter {
    Limiter {
        endpoints: vec![format!("{} {}", place.method, place.url())],
        observed: timelines::observed(&timeline),
        timeline,
        ..Limiter::default()
    }
}

fn technology(name: &str, version: Option<&str>, evidence: &str) -> Technology {
    Technology { name: name.into(), version: version.map(Into::into), evidence: evidence.into() }
}
