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
use serde::{Deserialize, Serialize};

/// Subjects whose bans are remembered.
const REMEMBERED: usize = 10_000;
/// Good behaviour after which a ban is a first one again, in milliseconds.
const FORGET_MS: i64 = 86_400_000;

/// Calls of longer ago lead to no ban, in milliseconds.
const OLD_MS: i64 = 600_000;

/// Decides on bans.
#[derive(Debug)]
pub struct Bans {
    rules: Vec<BanRule>,
    never: Vec<Exempt>,
    /// Findings that are open and led to a ban, with its end: who goes on is banned again.
    running: HashMap<String, (News, i64)>,
    /// How often each subject was banned, and until when.
    given: HashMap<Subject, (u32, i64)>,
}

/// A ban that is to be placed; as a line of JSON what a file gets.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
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
        Self { rules, never, running: HashMap::new(), given: HashMap::new() }
    }

    /// What to do about a finding at `now_ms` (milliseconds since 1970); `None` where no rule asks for a ban.
    pub fn decide(&mut self, news: &News, now_ms: i64) -> Option<Decision> {
        if news.state == NewsState::Ended {
            self.running.remove(&news.finding.fingerprint);
            return None;
        }
        let rule = self.rules.iter().find(|rule| rule.detector == news.detector)?;
        let finding = &news.finding;
        let shown = format!("{} {}", finding.subject.kind(), finding.subject.label());
        if is_own(&finding.subject) {
            return Some(Decision::Not(format!("{shown} is not banned: it is this machine, or nobody")));
        }
        if self.never.iter().any(|exempt| is_exempt(exempt, &finding.subject)) {
            return Some(Decision::Not(format!(
                "{shown} is not banned: `never-ban` or `trust.proxies` has it"
            )));
        }
        let is_caller = matches!(finding.subject, Subject::Named { kind: SubjectKind::Caller, .. });
        if !is_caller && network_of(&finding.subject).is_none() {
            return Some(Decision::Not(format!(
                "{shown} is not banned: only addresses and named callers can be"
            )));
        }
        // What is long over is no reason to ban anybody now: a log may be read from its beginning, or again.
        let last = finding.seen.as_ref().and_then(|seen| seen.last_seen.parse::<jiff::Timestamp>().ok());
        if last.is_some_and(|last| last.as_millisecond().saturating_add(OLD_MS) < now_ms) {
            return Some(Decision::Not(format!("{shown} is not banned: what it did is long over")));
        }
        let before =
            self.given.get(&finding.subject).filter(|(_, until)| now_ms < until.saturating_add(FORGET_MS));
        if let Some((_, until)) = before.filter(|(_, until)| now_ms < *until) {
            // Several detectors see the same; one offence is not the next.
            self.running.insert(finding.fingerprint.clone(), (news.clone(), *until));
            return None;
        }
        let times = before.map_or(0, |(times, _)| *times);
        let lasts = rule.ban.saturating_mul(1 << times.min(30)).min(rule.up_to);
        let until_ms = now_ms.saturating_add(i64::try_from(lasts.as_millis()).unwrap_or(i64::MAX));
        self.remember(finding.subject.clone(), (times + 1, until_ms), now_ms);
        if self.running.len() < REMEMBERED {
            self.running.insert(finding.fingerprint.clone(), (news.clone(), until_ms));
        }
        let count = finding.seen.as_ref().map(|seen| format!(": {} of {}", seen.count, seen.threshold));
        Some(Decision::Ban(Ban {
            subject: finding.subject.clone(),
            seconds: lasts.as_secs(),
            until: jiff::Timestamp::from_millisecond(until_ms).unwrap_or(jiff::Timestamp::MAX).to_string(),
            reason: format!("{}{}", finding.rule, count.unwrap_or_default()),
            fingerprint: finding.fingerprint.clone(),
        }))
    }

    /// Bans of those whose ban has ended while what they did goes on.
    pub fn look(&mut self, now_ms: i64) -> Vec<Decision> {
        let over = self.running.iter().filter(|(_, (_, until))| *until <= now_ms);
        let over: Vec<String> = over.map(|(fingerprint, _)| fingerprint.clone()).collect();
        let again = over.into_iter().filter_map(|fingerprint| self.running.remove(&fingerprint));
        let again: Vec<News> = again
            .map(|(mut news, _)| {
                // It is open, so it was seen until now.
                let now = jiff::Timestamp::from_millisecond(now_ms).unwrap_or_default().to_string();
                news.finding.seen.iter_mut().for_each(|seen| seen.last_seen.clone_from(&now));
                news
            })
            .collect();
        again.iter().filter_map(|news| self.decide(news, now_ms)).collect()
    }

    fn remember(&mut self, subject: Subject, given: (u32, i64), now_ms: i64) {
        if self.given.len() >= REMEMBERED && !self.given.contains_key(&subject) {
            self.given.retain(|_, (_, until)| now_ms < until.saturating_add(FORGET_MS));
            if self.given.len() >= REMEMBERED {
                // Forgotten is only how often the one was banned whose ban ends first: its next is a first one.
                let first = self
                    .given
                    .iter()
                    .min_by_key(|(_, (_, until))| *until)
                    .map(|(subject, _)| subject.clone());
                first.and_then(|subject| self.given.remove(&subject));
            }
        }
        self.given.insert(subject, given);
    }
}

impl Ban {
    /// How long it still lasts at `now_ms` (milliseconds since 1970).
    #[must_use]
    pub fn left(&self, now_ms: i64) -> Duration {
        let until = self.until.parse().map_or(0, jiff::Timestamp::as_millisecond);
        Duration::from_millis(u64::try_from(until.saturating_sub(now_ms)).unwrap_or(0))
    }

    /// The address that is banned, if it is one.
    #[must_use]
    pub fn address(&self) -> Option<IpAddr> {
        network_of(&self.subject).map(|(address, _)| address)
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
    if let (Exempt::Network(never), Some((first, last))) = (exempt, network_of(subject)) {
        // A line of IPv6 is banned as a whole, so it is exempt when anything in it is.
        return never.contains(first) || never.contains(last) || holds(first, last, never.first());
    }
    let Subject::Named { kind, value } = subject else { return false };
    match (exempt, kind) {
        (Exempt::Caller(name), SubjectKind::Caller | SubjectKind::Token) => name == value,
        (Exempt::User(name), SubjectKind::User) => name == value,
        _ => false,
    }
}

/// The first and the last address of what a gateway bans for a subject: an address of IPv4, a /64 of IPv6.
fn network_of(subject: &Subject) -> Option<(IpAddr, IpAddr)> {
    let Subject::Named { kind: SubjectKind::Address | SubjectKind::Prefix, value } = subject else {
        return None;
    };
    let text = value.strip_suffix("/64").unwrap_or(value);
    match text.parse::<IpAddr>().ok()?.to_canonical() {
        four @ IpAddr::V4(_) => Some((four, four)),
        IpAddr::V6(six) => {
            let first = six.to_bits() & (u128::MAX << 64);
            let last = first | u128::from(u64::MAX);
            Some((IpAddr::V6(first.into()), IpAddr::V6(last.into())))
        }
    }
}

fn holds(first: IpAddr, last: IpAddr, address: IpAddr) -> bool {
    first <= address && address <= last
}

/// This machine itself, which no log means as an attacker: a proxy on it, or nobody.
fn is_own(subject: &Subject) -> bool {
    network_of(subject).is_some_and(|(first, _)| first.is_loopback() || first.is_unspecified())
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
        let never = vec![
            Exempt::Network("10.0.0.0/8".parse().unwrap()),
            Exempt::Caller("ci".into()),
            Exempt::Network("2001:db8:1:2::7/128".parse().unwrap()),
        ];
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
    fn who_goes_on_is_banned_again_and_who_has_ended_is_not() {
        let mut bans = bans();
        let opened = news(NewsState::Opened, SubjectKind::Address, "192.0.2.1");
        assert_eq!(seconds(bans.decide(&opened, 0)), Some(600));
        assert_eq!(bans.look(599_000), Vec::new());
        assert_eq!(
            bans.look(600_000).into_iter().map(|again| seconds(Some(again))).collect::<Vec<_>>(),
            [Some(1200)]
        );
        bans.decide(&news(NewsState::Ended, SubjectKind::Address, "192.0.2.1"), 700_000);
        assert_eq!(bans.look(86_000_000), Vec::new());
    }

    #[test]
    fn what_several_detectors_see_is_one_offence() {
        let mut bans = bans();
        assert_eq!(
            seconds(bans.decide(&news(NewsState::Opened, SubjectKind::Address, "192.0.2.1"), 0)),
            Some(600)
        );
        assert_eq!(bans.decide(&news(NewsState::Joined, SubjectKind::Address, "192.0.2.1"), 1_000), None);
        assert_eq!(bans.look(600_000).len(), 1);
    }

    #[test]
    fn who_must_never_be_banned_is_not() {
        let mut bans = bans();
        for (kind, value) in [
            (SubjectKind::Address, "10.1.2.3"),
            (SubjectKind::Address, "::ffff:10.1.2.3"),
            (SubjectKind::Caller, "ci"),
            (SubjectKind::Prefix, "192.0.2.0/24"),
            (SubjectKind::Address, "127.0.0.1"),
            (SubjectKind::Prefix, "2001:db8:1:2::/64"),
        ] {
            let decision = bans.decide(&news(NewsState::Opened, kind, value), 0);
            assert!(matches!(decision, Some(Decision::Not(_))), "{value}: {decision:?}");
        }
        assert_eq!(seconds(bans.decide(&news(NewsState::Opened, SubjectKind::Caller, "ann"), 0)), Some(600));
    }
}
