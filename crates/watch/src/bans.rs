//! Bans for findings in logs: what is placed, by the history of one run.
//!
//! Whom a finding bans and for how long is decided by [`findings`](ratewarden_judge::findings), as in the gateway. The history
//! is [`Penalties`] of our own, by the clock on the wall; the gateway's is not asked, since it may be away. An address is its
//! own id there: nothing of it leaves this machine. A folder of states keeps it ([`BanHistory`]).

use std::io;
use std::net::IpAddr;
use std::path::Path;
use std::time::Duration;

use ratewarden_detect::News;
use ratewarden_judge::findings::{self, Decided, FindingBans, Now};
use ratewarden_judge::penalties::Penalties;
use ratewarden_limiter::Time;
use ratewarden_model::Finding;

use crate::ban::Ban;
use crate::ban_history::BanHistory;

/// Bans that were decided on.
#[derive(Debug, Default)]
pub struct Bans {
    penalties: Penalties,
    history: Option<BanHistory>,
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
    /// Goes on with the history that a folder of states keeps. Says what is to be said of one that could not be used.
    ///
    /// # Errors
    /// When it can not be read, though it may be whole.
    pub fn kept_in(folder: &Path, now_ms: i64) -> io::Result<(Self, Option<String>)> {
        let penalties = Penalties::default();
        let (history, said) = BanHistory::open(folder, &penalties, now_ms)?;
        Ok((Self { penalties, history: Some(history) }, said))
    }

    /// Where the history is kept.
    #[must_use]
    pub fn path(&self) -> Option<&Path> {
        self.history.as_ref().map(BanHistory::path)
    }

    /// Writes the history down, where it is kept and has changed.
    ///
    /// # Errors
    /// When it cannot be written; what stood there before still does.
    pub fn save(&mut self, now_ms: i64) -> io::Result<()> {
        self.history.as_mut().map_or(Ok(()), |history| history.save(&self.penalties, now_ms))
    }

    /// What to do about a finding at `now_ms` (milliseconds since 1970); `None` where no rule asks for a ban, and where one is
    /// in force for that offence.
    pub fn decide(&self, decisions: &mut FindingBans, news: &News, now_ms: i64) -> Option<Decision> {
        let now = Now { time: time(now_ms), unix_ms: now_ms };
        decisions.decide(&self.penalties, news, now, address_id).map(|decision| shown(decision, now_ms))
    }

    /// Whether anybody may be banned again.
    #[must_use]
    pub fn is_due(decisions: &FindingBans, now_ms: i64) -> bool {
        decisions.is_due(time(now_ms))
    }

    /// Bans of those whose ban has ended while what they did goes on. `open` are the findings that are open, with their
    /// figures of now; they are needed where [`Self::is_due`] says so.
    pub fn look(&self, decisions: &mut FindingBans, open: &[Finding], now_ms: i64) -> Vec<Decision> {
        let now = Now { time: time(now_ms), unix_ms: now_ms };
        let again = decisions.look(&self.penalties, now, open, address_id);
        again.into_iter().map(|decision| shown(decision, now_ms)).collect()
    }

    /// A ban was not placed, and will not be: it counts as none, and is decided on again after `again` while what led to it
    /// goes on.
    pub fn come_to_nothing(&self, decisions: &mut FindingBans, ban: &Ban, now_ms: i64, again: Duration) {
        let whom = (ban.id, ban.address.is_some());
        decisions.come_to_nothing(&self.penalties, whom, time(ban.until_ms()), (time(now_ms), again));
    }
}

fn shown(decision: findings::Decision, now_ms: i64) -> Decision {
    match decision {
        findings::Decision::Not(subject, why) => {
            Decision::Not(format!("{} {} is not banned: {why}", subject.kind(), subject.label()))
        }
        findings::Decision::Ban(decided) => {
            let Decided { id, lasts, rule, reason, subject, address, fingerprint, .. } = *decided;
            let until_ms = now_ms.saturating_add(i64::try_from(lasts.as_millis()).unwrap_or(i64::MAX));
            let until = jiff::Timestamp::from_millisecond(until_ms).unwrap_or(jiff::Timestamp::MAX);
            let reason = if reason.is_empty() { rule.clone() } else { format!("{rule}: {reason}") };
            let (seconds, until) = (lasts.as_secs(), until.to_string());
            Decision::Ban(Ban { subject, seconds, until, reason, rule, fingerprint, id, address })
        }
    }
}

/// The clock on the wall as bans count.
pub(crate) fn time(unix_ms: i64) -> Time {
    Time::from_nanos(u64::try_from(unix_ms).unwrap_or_default().saturating_mul(1_000_000))
}

/// IPv4 as IPv6 writes it, so that no address of the one is one of the other.
const fn address_id(address: IpAddr) -> u128 {
    match address {
        IpAddr::V4(four) => four.to_ipv6_mapped().to_bits(),
        IpAddr::V6(six) => six.to_bits(),
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use ratewarden_detect::NewsState;
    use ratewarden_model::rules::abuse;
    use ratewarden_model::{Seen, Subject, SubjectKind};

    use super::*;

    const POLICY: &str = "[watch]\npenalties = { file = \"b\" }\n\
        [[detector]]\nname = \"flood\"\nban = \"10m\"\nban-up-to = \"25m\"\n";

    fn news(state: NewsState, kind: SubjectKind, value: &str) -> News {
        let finding = Finding::new(&abuse::FLOOD, Subject::named(kind, value), value, "");
        News { state, detector: "flood".into(), finding }
    }

    fn decisions() -> FindingBans {
        let mut decisions = FindingBans::of_logs();
        decisions.set(&ratewarden_policy::read(POLICY, Path::new("/p.toml")).unwrap().policy);
        decisions
    }

    #[test]
    fn a_ban_says_whom_until_when_by_the_wall_and_why() {
        let (bans, mut decisions) = (Bans::default(), decisions());
        let opened = news(NewsState::Opened, SubjectKind::Address, "::ffff:192.0.2.1");
        let Some(Decision::Ban(ban)) = bans.decide(&mut decisions, &opened, 1_000) else { panic!("a ban") };
        assert_eq!((ban.seconds, ban.until.as_str()), (600, "1970-01-01T00:10:01Z"));
        assert_eq!(ban.address, Some([192, 0, 2, 1].into()));
        assert!(ban.reason.starts_with("watch.flood"), "{}", ban.reason);
        assert_eq!(ban.caller(), None);
    }

    #[test]
    fn the_history_of_a_run_doubles_bans_and_holds_one_for_one_offence() {
        let (bans, mut decisions) = (Bans::default(), decisions());
        let seconds = |decision: Option<Decision>| match decision {
            Some(Decision::Ban(ban)) => Some(ban.seconds),
            _ => None,
        };
        let opened = news(NewsState::Opened, SubjectKind::Address, "192.0.2.1");
        assert_eq!(seconds(bans.decide(&mut decisions, &opened, 0)), Some(600));
        assert_eq!(seconds(bans.decide(&mut decisions, &opened, 599_999)), None);
        let mut open = opened.finding;
        let last = "1970-01-01T00:10:00Z".to_owned();
        open.seen = Some(Seen {
            first_seen: last.clone(),
            last_seen: last,
            count: 320,
            count_error: 0,
            threshold: "300/10s".into(),
            samples: Vec::new(),
        });
        assert!(!Bans::is_due(&decisions, 599_999) && Bans::is_due(&decisions, 600_000));
        let again = bans.look(&mut decisions, &[open], 600_000);
        assert_eq!(again.into_iter().map(|one| seconds(Some(one))).collect::<Vec<_>>(), [Some(1_200)]);
    }

    #[test]
    fn a_ban_that_was_not_placed_counts_as_none_and_is_decided_on_again() {
        let (bans, mut decisions) = (Bans::default(), decisions());
        let opened = news(NewsState::Opened, SubjectKind::Address, "192.0.2.1");
        let Some(Decision::Ban(ban)) = bans.decide(&mut decisions, &opened, 1) else { panic!("a ban") };
        bans.come_to_nothing(&mut decisions, &ban, 10_000, Duration::from_secs(5));
        assert_eq!(bans.look(&mut decisions, &[], 14_999), []);
        let again = bans.look(&mut decisions, &[], 15_000);
        let [Decision::Ban(again)] = again.as_slice() else { panic!("{again:?}") };
        assert_eq!((again.seconds, again.until.as_str()), (600, "1970-01-01T00:10:15Z"), "a first one");
    }

    #[test]
    fn who_is_not_banned_is_told_with_the_reason() {
        let (bans, mut decisions) = (Bans::default(), decisions());
        let unknown = news(NewsState::Opened, SubjectKind::Caller, "ann");
        let told = Decision::Not("caller ann is not banned: nobody knows for certain who it is".to_owned());
        assert_eq!(bans.decide(&mut decisions, &unknown, 0), Some(told));
    }
}
