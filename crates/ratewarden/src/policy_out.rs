//! `scan --policy-out`: the policy that mends what the scan found.
//!
//! One limit for each endpoint. Where a limiter was seen its own figures are kept: what the policy adds is that they
//! are counted per caller at a door that cannot be got round. Where none was seen the figures are a beginning, and the
//! comment beside them says so.

use std::path::Path;
use std::time::Duration;

use ratewarden_model::{Limiter, Rate, ScanReport};
use ratewarden_policy::write::{self, NewLimit};
use ratewarden_policy::{Key, PathTemplate};
use url::Url;

use crate::errors::{Exit, Failure};
use crate::files;

/// What is proposed where no limiter was seen: a person at a screen needs less, a job that needs more has a name.
const BEGINNING: Rate = Rate { calls: 100, per: Duration::from_secs(60) };

/// Writes the policy to `path`.
pub(crate) fn write(report: &ScanReport, path: &Path) -> Result<(), Failure> {
    let text = policy(report).map_err(|why| {
        let hint = "`ratewarden policy example` prints a policy to begin with";
        Failure::usage(format!("no policy can be made of this scan: {why}"), hint)
    })?;
    files::write(path, text.as_bytes()).map_err(|error| {
        Failure::new(Exit::Usage, error, "name a file in a folder that exists and can be written to")
            .context(format!("cannot write {}", path.display()))
    })
}

fn policy(report: &ScanReport) -> Result<String, String> {
    let target = Url::parse(&report.target).map_err(|error| error.to_string())?;
    let upstream = target.origin().ascii_serialization();
    let mut limits = Vec::new();
    for limiter in &report.limiters {
        limits.extend(limiter.endpoints.iter().filter_map(|endpoint| limit(limiter, endpoint)));
    }
    let about = format!(
        "Written by `ratewarden scan` from what it saw of {upstream} at {} ({}/100).\n\
         Start it with `ratewarden guard -c` this file, and scan the gateway to see that it holds.",
        report.started_at, report.score
    );
    write::policy(&upstream, &about, &limits).map_err(|mistakes| mistakes.to_string())
}

/// The limit for one endpoint, `GET https://…`; none for a path that the gateway would not forward.
fn limit(limiter: &Limiter, endpoint: &str) -> Option<NewLimit> {
    let (method, url) = endpoint.split_once(' ')?;
    let path = Url::parse(url).ok()?.path().to_owned();
    let template: PathTemplate = path.parse().ok()?;
    let seen = seen(limiter);
    let about = match &seen {
        Some(_) if limiter.keyed_by.is_empty() => {
            "The figures of the limiter that was seen there.".to_owned()
        }
        Some(_) => format!(
            "The figures of the limiter that was seen there; it counts per {}.",
            limiter.keyed_by.join(", ")
        ),
        None => format!(
            "No rejection was seen in {} requests. This is a beginning: set it to what honest callers need, with\n\
             `shadow = true` at first.",
            limiter.observed.requests
        ),
    };
    let (rate, burst) = seen.unwrap_or((BEGINNING, Some(20)));
    Some(NewLimit {
        name: format!("{method} {path}"),
        about,
        method: Some(method.to_owned()),
        path: Some(template),
        per: vec![Key::Caller],
        rate,
        burst,
    })
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
fn readable(per_second: f64) -> Rate {
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_measured_rate_is_written_as_somebody_would_write_it() {
        for (per_second, text) in
            [(10.1, "10/1s"), (1.68, "101/1m"), (0.5, "30/1m"), (0.01, "36/1h"), (0.000_01, "1/1h")]
        {
            assert_eq!(readable(per_second).to_string(), text, "{per_second}");
        }
    }
}
