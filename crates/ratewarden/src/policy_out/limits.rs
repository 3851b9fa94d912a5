//! Limits: of each endpoint that was scanned, of hot keys, of submissions that start machines, and of all the rest.

use std::time::Duration;

use ratewarden_model::{Finding, Limiter, Rate, ScanReport, rules};
use ratewarden_policy::write::NewLimit;
use ratewarden_policy::{Key, PathTemplate};
use ratewarden_scan::remedy::Suggestion;
use serde_json::Value;
use url::Url;

use super::{endpoint, methods, path_of};

const SECOND: Duration = Duration::from_secs(1);

/// What is proposed where no limiter was seen: a person at a screen needs less, a job that needs more has a name.
const BEGINNING: (u64, u64) = (Suggestion::USUAL.per_second as u64, Suggestion::USUAL.burst as u64);
/// A list that comes whole whatever is asked for: nobody needs all of it every moment.
const WHOLE_LIST: (u64, u64) = (1, 10);
/// Writes of one caller to one key.
const ONE_KEY: (u64, u64) = (2, 5);
/// Each job submission takes machines, for as long as it likes.
const SUBMISSIONS: (Rate, u64) = (Rate { calls: 10, per: Duration::from_secs(60) }, 5);
/// What a caller may do at least with all that was not scanned.
const REST: (u64, u64) = (50, 100);

/// Every limit, the narrow ones first.
pub(super) fn of(reports: &[&ScanReport], findings: &[&Finding]) -> Vec<NewLimit> {
    let mut limits: Vec<NewLimit> = Vec::new();
    let mut add = |limit: NewLimit| {
        let is_known = |known: &NewLimit| {
            known.path == limit.path && known.per == limit.per && known.methods == limit.methods
        };
        if !limits.iter().any(is_known) {
            limits.push(limit);
        }
    };
    for limiter in reports.iter().flat_map(|report| &report.limiters) {
        limiter
            .endpoints
            .iter()
            .filter_map(|endpoint| scanned(limiter, endpoint, findings))
            .for_each(&mut add);
    }
    for finding in super::of(findings, &rules::HOT_KEY) {
        hot_key(finding).into_iter().for_each(&mut add);
    }
    for mount in ray_mounts(reports, findings) {
        ray(&mount).into_iter().for_each(&mut add);
    }
    let rest = rest(&limits);
    limits.push(rest);
    limits
}

/// The limit for one endpoint, `GET https://…`; none for a path that the gateway would not forward.
fn scanned(limiter: &Limiter, endpoint: &str, findings: &[&Finding]) -> Option<NewLimit> {
    let (method, url) = endpoint.split_once(' ')?;
    let path = Url::parse(url).ok()?.path().to_owned();
    let template: PathTemplate = path.parse().ok()?;
    // The query is no part of what is limited.
    let is_own = |finding: &Finding| super::place(finding) == format!("{method} {path}");
    let seen = seen(limiter);
    let is_whole = super::of(findings, &rules::UNBOUNDED_READ)
        .any(|finding| is_own(finding) && super::comes_whole(finding));
    let beginning = if is_whole { WHOLE_LIST } else { BEGINNING };
    let about = match &seen {
        Some(_) if limiter.keyed_by.is_empty() => "The figures of the limiter that was seen there.".to_owned(),
        Some(_) => {
            format!("The figures of the limiter that was seen there; it counts per {}.", limiter.keyed_by.join(", "))
        }
        None if limiter.detected => {
            "A limiter was seen there, but not its figures. This is a beginning: set it to what honest callers need."
                .to_owned()
        }
        None => {
            let whole = if is_whole { ", and the list comes whole whatever is asked for" } else { "" };
            format!(
                "No rejection was seen in {} requests{whole}.\n\
                 This is a beginning: set it to what honest callers need, with `shadow = true` at first.",
                limiter.observed.requests
            )
        }
    };
    let (rate, burst) = seen.unwrap_or((per_second(beginning.0), Some(beginning.1)));
    // Another method got round the limit that is there: then it is the path that has to be counted.
    let any_method = super::of(findings, &rules::BYPASS_METHOD).any(is_own);
    Some(NewLimit {
        name: format!("{method} {path}"),
        about,
        methods: if any_method { Vec::new() } else { methods(method) },
        path: Some(template),
        per: vec![Key::Caller],
        rate,
        burst,
    })
}

/// A limit for each caller and key, and one for all its writes there, for a caller has keys as it likes.
fn hot_key(finding: &Finding) -> Vec<NewLimit> {
    let Some((method, path)) = endpoint(finding) else { return Vec::new() };
    let words = finding.evidence.get("limit_per").and_then(Value::as_array).map_or(&[][..], Vec::as_slice);
    let keys = words.iter().filter_map(Value::as_str).filter_map(key);
    let slower = finding.evidence.get("median_ratio").and_then(Value::as_f64).unwrap_or(1.0);
    let (rate, burst) = (per_second(ONE_KEY.0), Some(ONE_KEY.1));
    let mut limits: Vec<NewLimit> = keys
        .map(|key| NewLimit {
            name: format!("one {key} of {method} {}", path.as_str()),
            about: format!(
                "Writes to one key were {slower:.1} times as slow as writes to many. Counted per caller too: a total for the\n\
                 key, `per = [\"{key}\"]`, would let one caller lock it for all others."
            ),
            methods: methods(&method),
            path: Some(path.clone()),
            per: vec![Key::Caller, key],
            rate,
            burst,
        })
        .collect();
    let (calls, burst) = BEGINNING;
    limits.push(NewLimit {
        name: format!("{method} {}", path.as_str()),
        about: "Whoever may not write to one key writes to many. This is a beginning.".to_owned(),
        methods: methods(&method),
        path: Some(path),
        per: vec![Key::Caller],
        rate: per_second(calls),
        burst: Some(burst),
    });
    limits
}

/// What a limit counts per, in the words of a policy; none where a policy cannot say it.
fn key(word: &str) -> Option<Key> {
    let (kind, name) = word.split_once(':')?;
    match kind {
        // A dot would be read as the way into an object.
        "body" if !name.is_empty() && !name.contains('.') => Some(Key::Body(vec![name.to_owned()])),
        "path" => Some(Key::Path(name.to_owned())),
        "query" => Some(Key::Query(name.to_owned())),
        _ => None,
    }
}

/// Where Ray's routes begin: below the control plane that was found open, else at the root where Ray was recognised.
fn ray_mounts(reports: &[&ScanReport], findings: &[&Finding]) -> Vec<String> {
    let open = super::of(findings, &rules::OPEN_CONTROL_PLANE);
    let mut mounts: Vec<String> = open
        .filter_map(|finding| {
            let label = finding.subject.label();
            let path = path_of(label.split_once(' ')?.1).to_owned();
            Some(path.split_once("/api/")?.0.to_owned())
        })
        .collect();
    let recognised =
        reports.iter().flat_map(|report| &report.technologies).any(|it| it.name == "Ray dashboard");
    if mounts.is_empty() && recognised {
        mounts.push(String::new());
    }
    mounts.sort_unstable();
    mounts.dedup();
    mounts
}

/// Submissions are few and dear; the list of all jobs is one answer, whatever `?limit=` says.
fn ray(mount: &str) -> Vec<NewLimit> {
    let Ok(path) = format!("{mount}/api/jobs/").parse::<PathTemplate>() else { return Vec::new() };
    let submissions = NewLimit {
        name: "job submissions".to_owned(),
        about: "A Ray head takes jobs from anybody, and each is a command on the cluster: limited hardest."
            .to_owned(),
        methods: methods("POST"),
        path: Some(path.clone()),
        per: vec![Key::Caller],
        rate: SUBMISSIONS.0,
        burst: Some(SUBMISSIONS.1),
    };
    let list = NewLimit {
        name: "job list".to_owned(),
        about: "All jobs in one answer: `?limit=` has no effect.".to_owned(),
        methods: methods("GET"),
        rate: per_second(WHOLE_LIST.0),
        burst: Some(WHOLE_LIST.1),
        ..submissions.clone()
    };
    vec![submissions, list]
}

/// One limit for everything: what was not scanned has none of its own, and who scans meets it.
fn rest(limits: &[NewLimit]) -> NewLimit {
    let together: f64 = limits.iter().map(|limit| limit.rate.per_second()).sum();
    let bursts =
        limits.iter().map(|limit| limit.burst.unwrap_or(limit.rate.calls)).fold(0, u64::saturating_add);
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "positive, and saturates")]
    let calls = together.ceil() as u64;
    NewLimit {
        name: "all calls".to_owned(),
        about: "All calls of one caller, so that what was not scanned has a limit too: more than the limits above let\n\
                one caller do together."
            .to_owned(),
        methods: Vec::new(),
        path: None,
        per: vec![Key::Caller],
        rate: per_second(calls.saturating_mul(2).max(REST.0)),
        burst: Some(bursts.max(REST.1)),
    }
}

/// The rate and the burst of the limiter, where it was understood.
fn seen(limiter: &Limiter) -> Option<(Rate, Option<u64>)> {
    if let (Some(calls), Some(window)) = (limiter.limit, limiter.window_ms) {
        return (calls > 0 && window > 0).then(|| (Rate { calls, per: Duration::from_millis(window) }, None));
    }
    let per_second = limiter.rate_per_s.filter(|rate| rate.is_finite() && *rate > 0.0)?;
    Some((readable(per_second), limiter.burst.filter(|burst| *burst > 0)))
}

/// A measured rate as somebody would write it: a whole number a second, a minute or an hour.
pub(super) fn readable(per_second: f64) -> Rate {
    for seconds in [1_u32, 60, 3_600] {
        let calls = per_second * f64::from(seconds);
        // Within what the measurement itself is worth.
        if calls >= 0.95 && (calls - calls.round()).abs() <= 0.03 * calls {
            #[expect(
                clippy::cast_possible_truncation,
                clippy::cast_sign_loss,
                reason = "rounded and positive"
            )]
            return Rate {
                calls: calls.round().max(1.0) as u64,
                per: Duration::from_secs(u64::from(seconds)),
            };
        }
    }
    Rate { calls: 1, per: Duration::from_secs(3_600) }
}

const fn per_second(calls: u64) -> Rate {
    Rate { calls, per: SECOND }
}
