//! What is scanned, and what became of each finding when it was scanned again.

use std::time::Duration;

use ratewarden_demo::PRIVATE_TOKEN;
use ratewarden_model::{Finding, ScanReport, Secret};
use ratewarden_scan::{Backend, Config, Depth, Operation};

use crate::errors::Failure;
use crate::{scan_command, stderr};

/// Enough to find a small limit and the ways round it; the whole demo is to end within a minute and a half.
const SEARCH_TIME: Duration = Duration::from_secs(12);
/// Enough to see that nothing rejects, and what false credentials meet.
const PRIVATE_TIME: Duration = Duration::from_secs(8);

/// One place of the demo API, as it is scanned before and after.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Scan {
    /// Reads and writes, as deep as by default.
    Events,
    /// The list of jobs, quickly.
    Jobs,
    /// Pages of another list, quickly.
    Metrics,
    /// A limit that can be got round.
    Search,
    /// With its token, so that what is tried is whether others can be guessed. Last: a lock-out would shut out
    /// whatever came after it.
    Private,
}

impl Scan {
    pub(super) const ALL: [Self; 5] = [Self::Events, Self::Jobs, Self::Metrics, Self::Search, Self::Private];

    pub(super) const fn path(self) -> &'static str {
        match self {
            Self::Events => "/events",
            Self::Jobs => "/api/jobs/",
            Self::Metrics => "/metrics",
            Self::Search => "/search",
            Self::Private => "/private",
        }
    }

    /// The scan of this place below `url`.
    fn config(self, url: &str) -> Config {
        let config = Config::new(format!("{url}{}", self.path()));
        match self {
            Self::Events => Config {
                // The API is ours, so it may be written to. A page size is named, as a gateway may insist on one.
                url: format!("{url}/events?limit=100"),
                writes: true,
                endpoint: Some(Operation { method: "POST".to_owned(), path: "/events".to_owned() }),
                backend: Some(Backend::Cassandra),
                ..config
            },
            Self::Jobs | Self::Metrics => Config { depth: Depth::Quick, ..config },
            Self::Search => Config { max_time: Some(SEARCH_TIME), ..config },
            Self::Private => Config {
                headers: vec![("authorization".to_owned(), Secret::new(format!("Bearer {PRIVATE_TOKEN}")))],
                max_time: Some(PRIVATE_TIME),
                ..config
            },
        }
    }

    pub(super) async fn run(self, url: &str) -> Result<ScanReport, Failure> {
        let report = scan_command::scan(self.config(url), true).await?;
        if let Some(why) = &report.aborted {
            stderr::note(&format!("the scan of {} stopped before its end: {why}", self.path()));
        }
        Ok(report)
    }
}

/// One place, scanned twice.
#[derive(Debug)]
pub(super) struct Pair {
    pub(super) scan: Scan,
    pub(super) before: ScanReport,
    pub(super) after: ScanReport,
}

/// What became of a finding.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Fate {
    /// It was tried again, and not seen.
    NotSeen,
    /// It was seen again.
    Still,
    /// It was not tried again, so nothing is known of it.
    NotTried,
    /// It was not there before.
    New,
}

/// Every finding once, with what became of it: in the order of fates, then of the scans.
pub(super) fn fates(pairs: &[Pair]) -> Vec<(Fate, &Finding)> {
    let mut fates: Vec<(Fate, &Finding)> = Vec::new();
    let seen_after = |finding: &Finding| pairs.iter().any(|pair| has(&pair.after, finding));
    let before = pairs.iter().flat_map(|pair| &pair.before.findings);
    for finding in before {
        if fates.iter().any(|(_, known)| known.fingerprint == finding.fingerprint) {
            continue;
        }
        // Only the same scan of the same place tries the same thing again.
        let tried = pairs
            .iter()
            .filter(|pair| has(&pair.before, finding))
            .any(|pair| pair.after.tested.contains(&finding.rule));
        let fate = match (seen_after(finding), tried) {
            (true, _) => Fate::Still,
            (false, true) => Fate::NotSeen,
            (false, false) => Fate::NotTried,
        };
        fates.push((fate, finding));
    }
    for finding in pairs.iter().flat_map(|pair| &pair.after.findings) {
        if !fates.iter().any(|(_, known)| known.fingerprint == finding.fingerprint) {
            fates.push((Fate::New, finding));
        }
    }
    fates.sort_by_key(|(fate, _)| *fate);
    fates
}

fn has(report: &ScanReport, finding: &Finding) -> bool {
    report.findings.iter().any(|other| other.fingerprint == finding.fingerprint)
}

#[cfg(test)]
pub(super) mod tests {
    use ratewarden_model::rules;

    use super::*;
    use crate::gate::tests::{finding, report};

    pub(in crate::demo_command) fn pair(
        scan: Scan,
        before: Vec<Finding>,
        after: Vec<Finding>,
        tested: &[&str],
    ) -> Pair {
        let after =
            ScanReport { tested: tested.iter().map(|&rule| rule.to_owned()).collect(), ..report(after) };
        Pair { scan, before: report(before), after }
    }

    #[test]
    fn a_finding_counts_as_not_seen_only_where_its_rule_was_tried_again() {
        let all = [&rules::NO_LIMIT, &rules::HOT_KEY, &rules::WEAK_CURSOR].map(|rule| finding(rule, "/e"));
        let after = vec![finding(&rules::WEAK_CURSOR, "/e"), finding(&rules::NO_RATE_HEADERS, "/e")];
        let pairs = [pair(Scan::Events, all.to_vec(), after, &[rules::NO_LIMIT.id, rules::WEAK_CURSOR.id])];
        let fates: Vec<_> =
            fates(&pairs).into_iter().map(|(fate, finding)| (fate, finding.rule.as_str())).collect();
        assert_eq!(
            fates,
            [
                (Fate::NotSeen, "scan.no-limit"),
                (Fate::Still, "scan.weak-cursor"),
                (Fate::NotTried, "scan.hot-key"),
                (Fate::New, "scan.no-rate-headers"),
            ]
        );
    }

    #[test]
    fn another_scan_that_tried_the_rule_elsewhere_says_nothing() {
        let limit = |path| finding(&rules::NO_LIMIT, path);
        let pairs = [
            pair(Scan::Events, vec![limit("/e")], Vec::new(), &[]),
            pair(Scan::Jobs, vec![limit("/j")], Vec::new(), &[rules::NO_LIMIT.id]),
        ];
        let fates: Vec<_> = fates(&pairs).into_iter().map(|(fate, _)| fate).collect();
        assert_eq!(fates, [Fate::NotSeen, Fate::NotTried]);
    }

    #[test]
    fn a_finding_of_several_scans_is_told_once_and_is_there_as_long_as_one_sees_it() {
        let open = || vec![finding(&rules::OPEN_CONTROL_PLANE, "/api")];
        let rule = [rules::OPEN_CONTROL_PLANE.id];
        let pairs = [pair(Scan::Events, open(), Vec::new(), &rule), pair(Scan::Jobs, open(), open(), &rule)];
        assert_eq!(fates(&pairs).into_iter().map(|(fate, _)| fate).collect::<Vec<_>>(), [Fate::Still]);
    }
}
