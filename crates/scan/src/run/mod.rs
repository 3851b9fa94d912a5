//! One scan from beginning to end: the endpoints, one after another, and the report they make together.

mod api;
mod endpoint;
mod findings;
mod groups;
mod preflight;
mod race;
mod redact;

use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use ratewarden_model::scan_report::{SCHEMA, ScanReport};
use ratewarden_model::{Finding, Redactor, VERSION, rules, score};

use crate::config::Config;
use crate::error::ScanError;
use crate::target::Target;
use endpoint::Scanned;

/// Tells how far the scan is: a short text for each phase.
pub type Progress = dyn Fn(&str) + Send + Sync;

/// The most endpoints of an OpenAPI document that one scan looks into.
pub const MAX_ENDPOINTS: usize = 20;

/// Every secret of a configuration, to be cut out of whatever is printed.
#[must_use]
pub fn redactor(config: &Config) -> Redactor {
    let mut redactor = Redactor::default();
    for (name, value) in &config.headers {
        if !is_harmless(name) {
            redactor.add(value.expose());
        }
    }
    // A URL that cannot be read is shown shortened, without what stands before its `@`.
    let _ = Target::parse(&config.url, &mut redactor);
    if let Some(source) = config.openapi.as_deref().filter(|source| api::is_url(source)) {
        let _ = Target::parse(source, &mut redactor);
    }
    redactor
}

/// Headers whose value is never a credential; every other one is taken for one.
fn is_harmless(name: &str) -> bool {
    const HARMLESS: [&str; 7] = [
        "accept",
        "accept-encoding",
        "accept-language",
        "content-type",
        "host",
        "user-agent",
        "cache-control",
    ];
    HARMLESS.iter().any(|harmless| name.eq_ignore_ascii_case(harmless))
}

/// Scans a URL, and the operations of its OpenAPI document where one is given.
///
/// # Errors
/// [`ScanError::Usage`] for a URL, header or document that cannot be used, [`ScanError::Unreachable`] when the target
/// does not answer. A target that suffers later is no error: the report says so in `aborted`.
pub async fn scan(config: Config, progress: &Progress) -> Result<ScanReport, ScanError> {
    let redactor = redactor(&config);
    let target = Target::parse(&config.url, &mut Redactor::default())?;
    if config.max_time.is_some_and(|time| time < Duration::from_millis(100)) {
        return Err(ScanError::usage(
            "--max-time is below 100 ms",
            "give the scan at least a second, such as --max-time 15s",
        ));
    }
    let config = Arc::new(config);
    let api = match &config.openapi {
        Some(source) => Some(Arc::new(api::given(source, &target, &config).await?)),
        None => None,
    };
    let started_at = Timestamp::now();
    let clock = tokio::time::Instant::now();
    let (paths, mut notes) = api::endpoints(&target, api.as_deref());
    let mut scanned: Vec<Scanned> = Vec::new();
    for (index, path) in paths.iter().enumerate() {
        let target = if index == 0 { target.clone() } else { target.with_path(path) };
        match endpoint::scan(&target, &config, api.clone(), &scanned, progress).await {
            Ok(done) => {
                let suffers = done.aborted.is_some();
                scanned.push(done);
                if suffers {
                    break;
                }
            }
            // The first endpoint is what the user asked for; of the others one may well be out of reach.
            Err(error) if index == 0 => return Err(redact_error(error, &redactor)),
            Err(error) => notes.push(format!("{path} was not scanned: {error}.")),
        }
    }
    let report = assemble(&target, started_at, clock.elapsed(), scanned, notes);
    Ok(redact::report(report, &redactor))
}

fn assemble(
    target: &Target,
    started_at: Timestamp,
    took: Duration,
    scanned: Vec<Scanned>,
    mut notes: Vec<String>,
) -> ScanReport {
    let requests_sent = scanned.iter().map(|endpoint| u64::from(endpoint.requests)).sum();
    let aborted = scanned.iter().find_map(|endpoint| endpoint.aborted.clone());
    let mut technologies = Vec::new();
    let mut tested: Vec<String> = Vec::new();
    for endpoint in &scanned {
        crate::probes::fingerprint::merge(&mut technologies, endpoint.technologies.clone());
        tested.extend(endpoint.tested.iter().map(|&rule| rule.to_owned()));
        notes.extend(endpoint.notes.iter().cloned());
    }
    let mut seen = std::collections::HashSet::new();
    notes.retain(|note| seen.insert(note.clone()));
    let (limiters, mut findings) = groups::merge(scanned);
    findings.sort_by(|a, b| b.severity.cmp(&a.severity).then_with(|| order(a).cmp(&order(b))));
    tested.extend(findings.iter().map(|finding| finding.rule.clone()));
    tested.sort();
    tested.dedup();
    let total = score::score(&findings);
    ScanReport {
        schema: SCHEMA.to_owned(),
        version: VERSION.to_owned(),
        target: target.shown(),
        started_at: started_at.strftime("%Y-%m-%dT%H:%M:%SZ").to_string(),
        duration_ms: u64::try_from(took.as_millis()).unwrap_or(u64::MAX),
        requests_sent,
        score: total,
        grade: score::grade(total),
        aborted,
        limiters,
        categories: score::by_category(&findings, &rules::CATEGORIES),
        findings,
        tested,
        technologies,
        notes,
    }
}

/// The rule's place in the catalogue, then the subject.
fn order(finding: &Finding) -> (usize, String) {
    let place = rules::ALL.iter().position(|rule| rule.id == finding.rule).unwrap_or(usize::MAX);
    (place, finding.subject.label())
}

fn redact_error(error: ScanError, redactor: &Redactor) -> ScanError {
    match error {
        ScanError::Usage { message, hint } => ScanError::Usage { message: redactor.redact(&message), hint },
        ScanError::Unreachable { message, hint } => {
            ScanError::Unreachable { message: redactor.redact(&message), hint }
        }
    }
}
