//! Who is banned for a finding, and for how long. Pure: where bans are placed is for others.
//!
//! A ban follows a detector's `ban` in the policy: the first as long as it says, each further one for the same subject
//! twice as long, up to `ban-up-to`. `never-ban` wins over everything. Only what a gateway can hold is banned: an address, or
//! a caller with a name; all else is told and not placed.

use std::collections::HashMap;
use std::net::IpAddr;
use std::time::Duration;

use ratewarden_detect::{News, NewsState};
use ratewarden_model::{Subject, SubjectKind};
use ratewarden_policy::{BanRule, Exempt};
use serde::Serialize;

/// Subjects whose bans are remembered.
const REMEMBERED: usize = 10_000;
/// Good behaviour after which a ban is a first one again, in milliseconds.
const FORGET_MS: i64 = 86_400_000;

/// Decides on bans.
#[derive(Debug)]
pub struct Bans {
    rules: Vec<BanRule>,
    never: Vec<Exempt>,
    /// How often each subject was banned, and until when.
    given: HashMap<Subject, (u32, i64)>,
}

/// A ban that is to be placed; as a line of JSON what a file gets.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Ban {
    /// Whom.
    #[serde(flatten)]
    pub subject: Subject,
    /// For so many seconds.
    pub seconds: u64,
    /// Until then, RFC 3339, UTC.
    pub until: String,
    /// The rule, and what was seen.
    pub reason: String,
    /// Of the finding.
    pub fingerprint: String,
}

/// What a finding leads to.
#[derive(Debug, Clone, PartialEq)]
pub enum Decision {
    /// A ban.
    Ban(Ban),
    /// None, and why, to be told.
    Not(String),
}

impl Bans {
    /// Bans by these rules, never for `never`.
    #[must_use]
    pub fn new(rules: Vec<BanRule>, never: Vec<Exempt>) -> Self {
        Self { rules, never, given: HashMap::new() }
    }

    /// What to do about a finding at `now_ms` (milliseconds since 1970); `None` where no rule asks for a ban.
    pub fn decide(&mut self, news: &News, now_ms: i64) -> Option<Decision> {
        if news.state != NewsState::Opened {
            return None;
        }
        let rule = self.rules.iter().find(|rule| rule.detector == news.detector)?;
        let finding = &news.finding;
        let shown = format!("{} {}", finding.subject.kind(), finding.subject.label());
        if self.never.iter().any(|exempt| is_exempt(exempt, &finding.subject)) {
            return Some(Decision::Not(format!("{shown} is not banned: `never-ban` has it")));
        }
        if !matches!(finding.subject, Subject::Named { kind: SubjectKind::Address | SubjectKind::Caller, .. })
        {
            return Some(Decision::Not(format!(
                "{shown} is not banned: only addresses and named callers can be"
            )));
        }
        let before =
            self.given.get(&finding.subject).filter(|(_, until)| now_ms < until.saturating_add(FORGET_MS));
        let times = before.map_or(0, |(times, _)| *times);
        let lasts = rule.ban.saturating_mul(1 << times.min(30)).min(rule.up_to);
        let until_ms = now_ms.saturating_add(i64::try_from(lasts.as_millis()).unwrap_or(i64::MAX));
        self.remember(finding.subject.clone(), (times + 1, until_ms), now_ms);
        let count = finding.seen.as_ref().map(|seen| format!(": {} of {}", seen.count, seen.threshold));
        Some(Decision::Ban(Ban {
            subject: finding.subject.clone(),
            seconds: lasts.as_secs(),
            until: jiff::Timestamp::from_millisecond(until_ms).unwrap_or(jiff::Timestamp::MAX).to_string(),
            reason: format!("{}{}", finding.rule, count.unwrap_or_default()),
            fingerprint: finding.fingerprint.clone(),
        }))
    }

    fn remember(&mut self, subject: Subject, given: (u32, i64), now_ms: i64) {
        if self.given.len() >= REMEMBERED && !self.given.contains_key(&subject) {
            self.given.retain(|_, (_, until)| now_ms < until.saturating_add(FORGET_MS));
            if self.given.len() >= REMEMBERED {
                // Forgotten is only how often: the next ban is a first one.
                self.given.clear();
            }
        }
        self.given.insert(subject, given);
    }
}

impl Ban {
    /// For how long.
    #[must_use]
    pub const fn lasts(&self) -> Duration {
        Duration::from_secs(self.seconds)
    }

    /// The address that is banned, if it is one.
    #[must_use]
    pub fn address(&self) -> Option<IpAddr> {
        match &self.subject {
            Subject::Named { kind: SubjectKind::Address, value } => value.parse().ok(),
            _ => None,
        }
    }

    /// The caller that is banned, if it is one.
    #[must_use]
    pub fn caller(&self) -> Option<&str> {
        match &self.subject {
            Subject::Named { kind: SubjectKind::Caller, value } => Some(value),
            _ => None,
        }
    }
}

fn is_exempt(exempt: &Exempt, subject: &Subject) -> bool {
    let Subject::Named { kind, value } = subject else { return false };
    match (exempt, kind) {
        (Exempt::Network(network), SubjectKind::Address) => {
            value.parse().is_ok_and(|address| network.contains(address))
        }
        (Exempt::Caller(name), SubjectKind::Caller | SubjectKind::Token) => name == value,
        (Exempt::User(name), SubjectKind::User) => name == value,
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use ratewarden_model::Finding;
    use ratewarden_model::rules::abuse;

    use super::*;

    fn news(state: NewsState, kind: SubjectKind, value: &str) -> News {
        let finding = Finding::new(&abuse::FLOOD, Subject::named(kind, value), value, "");
        News { state, detector: "flood".into(), finding }
    }

    fn bans() -> Bans {
        let rule = BanRule {
            detector: "flood".into(),
            rule: "watch.flood".into(),
            ban: Duration::from_secs(600),
            up_to: Duration::from_secs(1500),
        };
        let never = vec![Exempt::Network("10.0.0.0/8".parse().unwrap()), Exempt::Caller("ci".into())];
        Bans::new(vec![rule], never)
    }

    fn seconds(decision: Option<Decision>) -> Option<u64> {
        match decision {
            Some(Decision::Ban(ban)) => Some(ban.seconds),
            _ => None,
        }
    }

    #[test]
    fn each_further_ban_is_twice_as_long_and_is_forgotten_after_a_day() {
        let mut bans = bans();
        let again = news(NewsState::Opened, SubjectKind::Address, "192.0.2.1");
        let given: Vec<_> = (0..3).map(|turn| seconds(bans.decide(&again, turn * 3_600_000))).collect();
        assert_eq!(given, [Some(600), Some(1200), Some(1500)]);
        assert_eq!(seconds(bans.decide(&again, 4 * 86_400_000)), Some(600));
        assert_eq!(bans.decide(&news(NewsState::Ended, SubjectKind::Address, "192.0.2.1"), 0), None);
    }

    #[test]
    fn who_must_never_be_banned_is_not() {
        let mut bans = bans();
        for (kind, value) in [
            (SubjectKind::Address, "10.1.2.3"),
            (SubjectKind::Address, "::ffff:10.1.2.3"),
            (SubjectKind::Caller, "ci"),
            (SubjectKind::Prefix, "192.0.2.0/24"),
        ] {
            let decision = bans.decide(&news(NewsState::Opened, kind, value), 0);
            assert!(matches!(decision, Some(Decision::Not(_))), "{value}: {decision:?}");
        }
        assert_eq!(seconds(bans.decide(&news(NewsState::Opened, SubjectKind::Caller, "ann"), 0)), Some(600));
    }
}
