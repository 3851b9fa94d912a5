use std::net::IpAddr;
use std::path::Path;

use ratewarden_detect::{News, NewsState};
use ratewarden_limiter::Time;
use ratewarden_model::rules::abuse;
use ratewarden_model::{Finding, Seen, SubjectKind};

use super::*;
use crate::penalties::{Cause, Penalties, Sentence};

const POLICY: &str = "[watch]\nnever-ban = [\"10.0.0.0/8\", \"caller:ci\", \"2001:db8:1:2::7\"]\npenalties = { file = \"b\" }\n\
    [trust]\nproxies = [\"198.51.100.1\"]\n\
    [[detector]]\nname = \"flood\"\nban = \"10m\"\nban-up-to = \"25m\"\n\
    [[detector]]\nname = \"crawl\"\nban = \"1h\"\n\
    [[detector]]\nname = \"enumeration\"\nban = \"30s\"\n";

/// Decides by a clock of its own.
struct Trial {
    bans: FindingBans,
    penalties: Penalties,
}

impl Trial {
    fn new() -> Self {
        let policy = ratewarden_policy::read(POLICY, Path::new("/p.toml")).unwrap().policy;
        let mut bans = FindingBans::of_logs();
        bans.set(&policy);
        Self { bans, penalties: Penalties::default() }
    }

    fn news(&mut self, news: &News, seconds: u64) -> Option<Decision> {
        let unix_ms = i64::try_from(seconds).unwrap() * 1_000;
        let now = Now { time: time(seconds), unix_ms };
        self.bans.decide(&self.penalties, news, now, address_id)
    }

    /// For how long somebody is banned by what opens.
    fn opened(&mut self, detector: &str, kind: SubjectKind, value: &str, seconds: u64) -> Option<u64> {
        lasts(self.news(&news(NewsState::Opened, detector, kind, value), seconds))
    }

    /// For how long whoever is due is banned again, when its last call was at that second.
    fn look(&mut self, seconds: u64, open: &[(&str, u64)]) -> Vec<Option<u64>> {
        let now = Now { time: time(seconds), unix_ms: i64::try_from(seconds).unwrap() * 1_000 };
        let open: Vec<Finding> = open.iter().map(|(address, last)| seen(address, *last).finding).collect();
        let again = self.bans.look(&self.penalties, now, &open, address_id);
        again.into_iter().map(|decision| lasts(Some(decision))).collect()
    }

    fn call(&mut self, name: &[u8], id: u128, address: &str) {
        let caller = CallCaller::Hashed { id, name };
        let call = Call { caller, address: Some(address.parse().unwrap()), ..Call::at(5) };
        self.bans.note(&call, Whose { id: Some(id), is_verified: true });
    }
}

fn time(seconds: u64) -> Time {
    Time::from_nanos(seconds * 1_000_000_000)
}

fn address_id(address: IpAddr) -> u128 {
    match address {
        IpAddr::V4(four) => four.to_bits().into(),
        IpAddr::V6(six) => six.to_bits(),
    }
}

fn news(state: NewsState, detector: &str, kind: SubjectKind, value: &str) -> News {
    let finding = Finding::new(&abuse::FLOOD, Subject::named(kind, value), value, "");
    News { state, detector: detector.into(), finding }
}

/// What opens about an address, whose last call was at that second.
fn seen(address: &str, last: u64) -> News {
    let mut news = news(NewsState::Opened, "flood", ADDRESS, address);
    let last = jiff::Timestamp::from_second(i64::try_from(last).unwrap()).unwrap().to_string();
    news.finding.seen = Some(Seen {
        first_seen: last.clone(),
        last_seen: last,
        count: 320,
        count_error: 0,
        threshold: "300/10s".into(),
        samples: Vec::new(),
    });
    news
}

fn lasts(decision: Option<Decision>) -> Option<u64> {
    match decision {
        Some(Decision::Ban(ban)) => Some(ban.lasts.as_secs()),
        _ => None,
    }
}

const ADDRESS: SubjectKind = SubjectKind::Address;

#[test]
fn a_second_offence_after_the_first_ban_has_ended_is_banned_for_twice_as_long() {
    let mut trial = Trial::new();
    let ended = news(NewsState::Ended, "flood", ADDRESS, "192.0.2.1");
    let mut given = Vec::new();
    for begin in [0, 700, 2_000] {
        given.push(trial.opened("flood", ADDRESS, "192.0.2.1", begin));
        assert_eq!(trial.news(&ended, begin + 100), None);
        assert_eq!(trial.look(begin + 100_000, &[]), [], "it has ended");
    }
    assert_eq!(given, [Some(600), Some(1_200), Some(1_500)]);
    assert_eq!(trial.opened("flood", ADDRESS, "192.0.2.1", 90_000), Some(600), "a first one again");
}

#[test]
fn who_goes_on_is_banned_again_once_it_was_seen_for_longer_than_the_finding_lasts_by_itself() {
    let mut trial = Trial::new();
    assert_eq!(trial.opened("flood", ADDRESS, "192.0.2.1", 0), Some(600));
    assert_eq!(trial.look(599, &[("192.0.2.1", 599)]), []);
    assert_eq!(trial.look(600, &[("192.0.2.1", 600)]), [Some(1_200)]);
    assert_eq!(trial.opened("enumeration", ADDRESS, "192.0.2.2", 0), Some(30));
    let lingers = trial.bans.rules.iter().find(|rule| rule.detector == "enumeration").unwrap().lingers;
    let lingers = lingers.as_secs();
    assert!(lingers > 30);
    assert_eq!(trial.look(31, &[("192.0.2.2", 31)]), [], "nobody knows yet whether it went on");
    assert_eq!(trial.look(lingers, &[("192.0.2.2", lingers)]), []);
    assert_eq!(trial.look(lingers + 10, &[("192.0.2.2", lingers + 10)]), [Some(60)], "it did");
}

#[test]
fn who_has_stopped_is_not_banned_again_although_another_detector_of_the_rule_holds_the_finding_open() {
    let mut trial = Trial::new();
    assert_eq!(trial.opened("flood", ADDRESS, "192.0.2.1", 0), Some(600));
    for now in [600, 611, 1_400] {
        assert_eq!(trial.look(now, &[("192.0.2.1", 5)]), [], "its last call came with the ban");
    }
    assert_eq!(trial.look(1_411, &[("192.0.2.1", 1_405)]), [Some(1_200)], "it has begun anew");
    assert!(trial.bans.rules.iter().all(|rule| rule.lingers >= Duration::from_secs(60)));
}

#[test]
fn a_finding_of_another_rule_or_of_before_a_restart_bans_nobody_again_who_has_stopped() {
    // Another rule has another fingerprint.
    let other = |last| {
        let mut news = seen("192.0.2.1", last);
        news.detector = "crawl".to_owned();
        news.finding.fingerprint = "another".to_owned();
        news
    };
    let mut trial = Trial::new();
    assert_eq!(trial.opened("flood", ADDRESS, "192.0.2.1", 0), Some(600));
    assert_eq!(trial.news(&other(1), 2), None, "one is in force");
    let look = |trial: &mut Trial, seconds: u64, last| {
        let now = Now { time: time(seconds), unix_ms: i64::try_from(seconds).unwrap() * 1_000 };
        trial.bans.look(&trial.penalties, now, &[other(last).finding], address_id).len()
    };
    assert_eq!(trial.news(&news(NewsState::Ended, "flood", ADDRESS, "192.0.2.1"), 70), None);
    assert_eq!((look(&mut trial, 600, 1), look(&mut trial, 611, 1)), (0, 0));

    // The history is kept, and the same lines are read again.
    let mut trial = Trial { penalties: trial.penalties, ..Trial::new() };
    assert_eq!(trial.opened("flood", ADDRESS, "192.0.2.9", 0), Some(600));
    let mut trial = Trial { penalties: trial.penalties, ..Trial::new() };
    assert_eq!(trial.news(&seen("192.0.2.9", 1), 500), None, "one is in force");
    assert_eq!(trial.look(600, &[("192.0.2.9", 1)]), []);
    assert_eq!(trial.look(700, &[("192.0.2.9", 690)]), [Some(1_200)], "it goes on");
}

#[test]
fn where_calls_are_waited_for_those_of_before_a_ban_are_told_apart_and_none_is_old_for_that() {
    let mut trial = Trial::new();
    trial.bans = std::mem::take(&mut trial.bans).late_by(600);
    // What was waited for was said 600 s late, and is not old by that.
    assert_eq!(lasts(trial.news(&seen("192.0.2.1", 1_000), 1_601 + 599)), Some(600));
    assert!(matches!(trial.news(&seen("192.0.2.2", 1_000), 1_601 + 600), Some(Decision::Not(_, Let::Old))));
    // A log whose clock is ahead by 500 s: calls that waited when the ban began had up to 600 s more.
    assert_eq!(lasts(trial.news(&seen("192.0.2.3", 10_500), 10_000)), Some(600));
    assert_eq!(trial.look(10_600, &[("192.0.2.3", 11_100)]), []);
    assert_eq!(trial.look(12_000, &[("192.0.2.3", 12_400)]), [Some(1_200)]);
}

#[test]
fn what_several_detectors_see_is_one_offence() {
    let mut trial = Trial::new();
    assert_eq!(trial.opened("flood", ADDRESS, "192.0.2.1", 0), Some(600));
    let joined = news(NewsState::Joined, "flood", ADDRESS, "192.0.2.1");
    assert_eq!(trial.news(&joined, 1), None);
    assert_eq!(trial.opened("crawl", ADDRESS, "192.0.2.1", 2), None);
    assert_eq!(trial.penalties.in_force(time(2)).len(), 1);
    assert_eq!(
        trial.look(600, &[("192.0.2.1", 600)]),
        [Some(7_200)],
        "once, by the detector whose ban is longer"
    );
}

#[test]
fn who_must_not_be_banned_is_not_and_is_told_why() {
    let mut trial = Trial::new();
    trial.call(b"ann", 7, "192.0.2.1");
    for (kind, value, why) in [
        (ADDRESS, "10.1.2.3", Let::Spared),
        (ADDRESS, "::ffff:10.1.2.3", Let::Spared),
        (ADDRESS, "198.51.100.1", Let::Spared),
        (SubjectKind::Prefix, "2001:db8:1:2::/64", Let::Spared),
        (SubjectKind::Caller, "ci", Let::Spared),
        (ADDRESS, "127.0.0.1", Let::Own),
        (SubjectKind::Prefix, "192.0.2.0/24", Let::Nobody),
        (SubjectKind::User, "ann", Let::Nobody),
        (SubjectKind::Caller, "bob", Let::Unknown),
    ] {
        let decision = trial.news(&news(NewsState::Opened, "flood", kind, value), 0);
        assert!(matches!(decision, Some(Decision::Not(_, found)) if found == why), "{value}: {decision:?}");
    }
    assert_eq!(trial.opened("flood", SubjectKind::Caller, "ann", 0), Some(600));
    assert_eq!(trial.opened("flood", SubjectKind::Prefix, "2001:db8:1:3::/64", 0), Some(600));
}

#[test]
fn an_address_that_an_exempt_caller_was_seen_at_is_exempt_too() {
    let mut trial = Trial::new();
    trial.call(b"ci", 8, "192.0.2.8");
    trial.call(b"ann", 7, "192.0.2.9");
    assert_eq!(trial.opened("flood", ADDRESS, "192.0.2.8", 0), None);
    assert_eq!(trial.opened("flood", ADDRESS, "192.0.2.9", 0), Some(600));
}

#[test]
fn what_is_long_over_bans_nobody() {
    let mut trial = Trial::new();
    let old = seen("192.0.2.1", 0);
    let decision = trial.news(&old, 601);
    assert!(matches!(decision, Some(Decision::Not(_, Let::Old))), "{decision:?}");
    assert_eq!(lasts(trial.news(&old, 600)), Some(600));
}

#[test]
fn a_ban_that_came_to_nothing_is_decided_on_again_while_the_finding_goes_on() {
    let mut trial = Trial::new();
    let Some(Decision::Ban(ban)) =
        trial.news(&news(NewsState::Opened, "enumeration", ADDRESS, "192.0.2.1"), 0)
    else {
        panic!("a ban")
    };
    let minute = Duration::from_secs(60);
    let nothing = |trial: &mut Trial, ban: &Decided, seconds| {
        let until = ban.ban.until;
        trial.bans.come_to_nothing(&trial.penalties, (ban.id, true), until, (time(seconds), minute));
    };
    nothing(&mut trial, &ban, 5);
    assert_eq!(trial.penalties.in_force(time(5)), []);
    assert_eq!(trial.look(64, &[]), []);
    assert_eq!(
        trial.look(65, &[]),
        [Some(30)],
        "the first again, although the finding would last longer by itself"
    );

    let ended = news(NewsState::Ended, "flood", ADDRESS, "192.0.2.2");
    let Some(Decision::Ban(ban)) = trial.news(&news(NewsState::Opened, "flood", ADDRESS, "192.0.2.2"), 100)
    else {
        panic!("a ban")
    };
    assert_eq!(trial.news(&ended, 101), None);
    nothing(&mut trial, &ban, 102);
    assert_eq!(trial.look(699, &[]), [], "it has ended");
    assert_eq!(trial.opened("flood", ADDRESS, "192.0.2.2", 700), Some(600), "a first one");
}

#[test]
fn findings_are_of_what_the_policy_counts_and_so_are_bans() {
    for (prefix, kind, value, banned) in [
        (48, SubjectKind::Prefix, "2001:db8:2::/48", Some("2001:db8:2::/48")),
        (56, SubjectKind::Prefix, "2001:db8:1:2ff::/64", Some("2001:db8:1:200::/56")),
        (80, SubjectKind::Prefix, "2001:db8:1:2:3::/80", Some("2001:db8:1:2:3::/80")),
        (80, SubjectKind::Prefix, "2001:db8:1:2::/64", None),
        (128, ADDRESS, "2001:db8:1:2::8", Some("2001:db8:1:2::8")),
    ] {
        let mut trial = Trial::new();
        let text = POLICY.replace("[trust]", &format!("[trust]\nipv6-prefix = {prefix}"));
        trial.bans.set(&ratewarden_policy::read(&text, Path::new("/p.toml")).unwrap().policy);
        let found = match trial.news(&news(NewsState::Opened, "flood", kind, value), 0) {
            Some(Decision::Ban(ban)) => Some(ban.subject.label()),
            _ => None,
        };
        assert_eq!(found.as_deref(), banned, "{prefix}");
    }
}

#[test]
fn that_all_places_are_taken_is_said_once_and_asked_less_and_less_often() {
    let mut trial = Trial::new();
    for number in 0..100_000_u128 {
        let sentence = Sentence {
            whom: Whom::Caller,
            label: None,
            cause: Cause::Rule("lock-out".into()),
            spares: false,
            first: Duration::from_secs(100_000),
            up_to: Duration::from_secs(100_000),
            forget: Duration::ZERO,
        };
        trial.penalties.sentence(number << 64, sentence, time(0)).unwrap();
    }
    let full = trial.news(&seen("192.0.2.1", 0), 0);
    assert!(matches!(full, Some(Decision::Not(_, Let::Full))), "{full:?}");
    assert_eq!(trial.news(&seen("192.0.2.2", 0), 0), None, "said once");
    let mut asked = Vec::new();
    for now in 1..=300 {
        asked.extend(trial.bans.is_due(time(now)).then_some(now));
        assert_eq!(trial.look(now, &[("192.0.2.1", now), ("192.0.2.2", now)]), []);
    }
    assert_eq!(asked, [10, 30, 70, 150]);
}

#[test]
fn an_exemption_that_a_reload_takes_away_spares_nobody_any_more_and_one_that_stays_does() {
    let mut trial = Trial::new();
    let reload = |trial: &mut Trial, never: &str| {
        let text = POLICY.replace("\"caller:ci\"", never);
        trial.bans.set(&ratewarden_policy::read(&text, Path::new("/p.toml")).unwrap().policy);
    };
    trial.call(b"ci", 8, "192.0.2.8");
    trial.call(b"ann", 7, "10.1.2.3");
    reload(&mut trial, "\"caller:ci\"");
    assert_eq!(trial.opened("flood", ADDRESS, "192.0.2.8", 0), None, "nothing has changed");
    reload(&mut trial, "\"caller:bob\"");
    assert_eq!(trial.opened("flood", ADDRESS, "192.0.2.8", 0), Some(600));
    assert_eq!(trial.opened("flood", SubjectKind::Caller, "ci", 0), Some(600));
    assert_eq!(trial.opened("flood", ADDRESS, "10.1.2.4", 0), None);
}
