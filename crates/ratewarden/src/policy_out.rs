//! `scan --policy-out`: the policy that mends what scans found.
//!
//! One limit for each endpoint, and one for all that was not looked at. Where a limiter was seen its own figures are
//! kept: what the policy adds is that they are counted per caller at a door that cannot be got round. Where none was
//! seen the figures are a beginning, and the comment beside them says so. Findings that a gateway can mend become
//! limits, bounds and a lock-out; those that it cannot are named at the top of the file, so that nobody takes it for
//! more than it is.

mod bounds;
mod limits;
#[cfg(test)]
mod tests;

use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::path::Path;
use std::time::Duration;

use ratewarden_model::{Finding, Rate, ScanReport, Subject, rules};
use ratewarden_policy::PathTemplate;
use ratewarden_policy::write::{self, NewCredentials, NewPolicy};
use url::Url;

use crate::errors::{Exit, Failure};
use crate::files;

/// What a policy has beside what scans say.
#[derive(Debug, Clone, Default)]
pub(crate) struct Setting {
    /// Where the gateway listens, if not at its usual port.
    pub(crate) listen: Option<SocketAddr>,
    /// The file with the callers' keys, if they have any.
    pub(crate) keys: Option<String>,
}

/// Failed credentials of one address in a minute: fewer than the twelve guesses that nothing hindered.
const GUESSES: Rate = Rate { calls: 10, per: Duration::from_secs(60) };
/// The first lock-out; it doubles.
const LOCKOUT: Duration = Duration::from_secs(60);

/// Rules that no gateway can mend, and what is to be done instead, as far as a line can say it.
const LEFT_TO_THE_API: [(&str, &str); 5] = [
    (rules::WEAK_CURSOR.id, "encrypt or sign it where it is made"),
    (rules::CARELESS_WRITE.id, "check the body against a schema where it is read"),
    (rules::BYPASS_BATCHING.id, "bound aliases and batches where they are taken apart"),
    (rules::BYPASS_REWRITE.id, "let the server ignore headers that rewrite the path"),
    (rules::OPEN_CONTROL_PLANE.id, "give callers keys: a [[caller]] with `keys` and `required = true`"),
];

/// Writes the policy to `path`.
pub(crate) fn write(reports: &[&ScanReport], setting: &Setting, path: &Path) -> Result<(), Failure> {
    let text = policy(reports, setting).map_err(|why| {
        let hint = "`ratewarden policy example` prints a policy to begin with";
        Failure::usage(format!("no policy can be made of this scan: {why}"), hint)
    })?;
    files::write(path, text.as_bytes()).map_err(|error| {
        Failure::new(Exit::Usage, error, "name a file in a folder that exists and can be written to")
            .context(format!("cannot write {}", path.display()))
    })
}

/// The policy for scans of one server.
fn policy(reports: &[&ScanReport], setting: &Setting) -> Result<String, String> {
    let first = reports.first().ok_or("nothing was scanned")?;
    let upstream =
        Url::parse(&first.target).map_err(|error| error.to_string())?.origin().ascii_serialization();
    let findings: Vec<&Finding> = reports.iter().flat_map(|report| &report.findings).collect();
    let new = NewPolicy {
        about: about(&upstream, reports, &findings),
        listen: setting.listen,
        keys: setting.keys.clone(),
        credentials: of(&findings, &rules::NO_LOCKOUT).next().map(|_| NewCredentials {
            about: "Guesses were hindered by nothing. Failures are counted whoever notices them, the server's 401 and 403\n\
                    included; each further lock-out is twice as long."
                .to_owned(),
            per_source: GUESSES,
            lockout: LOCKOUT,
        }),
        limits: limits::of(reports, &findings),
        bounds: bounds::of(&findings),
        upstream,
    };
    write::policy(&new).map_err(|mistakes| mistakes.to_string())
}

fn about(upstream: &str, reports: &[&ScanReport], findings: &[&Finding]) -> String {
    let scores: Vec<String> = reports.iter().map(|report| format!("{}/100", report.score)).collect();
    let began = reports.iter().map(|report| report.started_at.as_str()).min().unwrap_or_default();
    let mut about = format!(
        "Written by `ratewarden scan` from what it saw of {upstream}\n\
         at {began} ({}).\n\
         Start it with `ratewarden guard -c` this file, and scan the gateway to see that it holds.",
        scores.join(", ")
    );
    let left: BTreeSet<String> = findings
        .iter()
        .filter_map(|finding| {
            Some(format!("\n  {} ({}):\n    {}.", finding.title, place(finding), instead(finding)?))
        })
        .collect();
    if !left.is_empty() {
        about.push_str("\n\nWhat limits cannot mend:");
        about.extend(left);
    }
    about
}

/// What is to be done about a finding where the API is served, if no gateway can mend it.
fn instead(finding: &Finding) -> Option<&'static str> {
    if finding.rule == rules::UNBOUNDED_READ.id && comes_whole(finding) {
        return Some("give it pages; until then it is read seldom, and stopped when it has grown");
    }
    LEFT_TO_THE_API.iter().find(|(rule, _)| finding.rule == *rule).map(|(_, instead)| *instead)
}

/// Whether a list that is read without bound has no page size that could be held to a ceiling.
fn comes_whole(finding: &Finding) -> bool {
    finding.evidence.get("parameter").is_none_or(serde_json::Value::is_null)
}

/// The findings of a rule.
fn of<'f>(findings: &[&'f Finding], rule: &ratewarden_model::Rule) -> impl Iterator<Item = &'f Finding> {
    findings.iter().copied().filter(move |finding| finding.rule == rule.id)
}

/// `GET /path`, as a finding names its endpoint; a `{name}` in the path stays what it is.
fn place(finding: &Finding) -> String {
    match &finding.subject {
        Subject::Endpoint { method, url } => format!("{method} {}", path_of(url)),
        Subject::Named { value, .. } => value.clone(),
    }
}

/// The path in a URL, which may have holes that a URL cannot have.
fn path_of(url: &str) -> &str {
    let rest = url.split_once("://").map_or(url, |(_, rest)| rest);
    let path = rest.find('/').map_or("/", |at| &rest[at..]);
    path.split(['?', '#']).next().unwrap_or("/")
}

/// The methods that a rule about `method` has to match: who may GET may HEAD, and it costs the server as much.
fn methods(method: &str) -> Vec<String> {
    match method {
        "GET" => vec!["GET".to_owned(), "HEAD".to_owned()],
        other => vec![other.to_owned()],
    }
}

/// The endpoint of a finding as a rule matches it; none for a path that the gateway would not forward.
fn endpoint(finding: &Finding) -> Option<(String, PathTemplate)> {
    let place = place(finding);
    let (method, path) = place.split_once(' ')?;
    Some((method.to_owned(), path.parse().ok()?))
}
