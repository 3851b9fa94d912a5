use std::path::Path;
use std::time::Duration;

use ratewarden_counters::{Capacity, Hasher, Instant};

use super::*;

const POLICY: &str = "[listen]\nhttp = \"127.0.0.1:1\"\n[upstream]\nurl = \"http://127.0.0.1:2\"\n\
    [[penalty]]\nname = \"again\"\nafter = \"3 rejections/1m\"\nban = \"10s\"\nup-to = \"30s\"\nforget = \"1h\"\n";

fn at(seconds: u64) -> Time {
    Time::from_nanos(seconds * 1_000_000_000)
}

#[test]
fn a_ban_doubles_up_to_its_most_and_is_forgotten_after_good_behaviour() {
    let policy = ratewarden_policy::read(POLICY, Path::new("/p.toml")).unwrap().policy;
    let rules = PenaltyRules::build(&policy, &Hasher::new(&[1; 16]));
    let counters = Counters::new(Capacity { keys: 1_024, verified_keys: 1_024 });
    let (penalties, mut scratch) = (Penalties::default(), Scratch::default());
    let ann = Suspects { caller: Some(7), ..Suspects::default() };
    let mut offend = |seconds| {
        let offence = Offence::Rejections;
        let offender = Offender { suspects: &ann, caller: None };
        penalties.offend(&rules, &counters, offence, &offender, at(seconds), &mut scratch).len()
    };
    let lasts = |seconds: u64| {
        penalties.banned(ann.caller, at(seconds)).map(|ban| ban.until.since(at(seconds)).as_secs())
    };
    // Three are allowed, the fourth is one too many; a ban that is in force is not begun again.
    assert_eq!([offend(100), offend(100), offend(100), offend(100), offend(100)], [0, 0, 0, 1, 0]);
    assert_eq!((lasts(100), penalties.banned(Some(8), at(100))), (Some(10), None));
    assert_eq!(lasts(110), None, "it ends at its time");
    for (begin, length) in [(200, 20), (300, 30), (400, 30)] {
        while offend(begin) == 0 {}
        assert_eq!(lasts(begin), Some(length));
    }
    while offend(10_000) == 0 {}
    assert_eq!(lasts(10_000), Some(10), "a first one again");
    assert_eq!(penalties.counts(at(10_000)), (1, 5, 0));
}

#[test]
fn a_short_ban_of_an_address_leaves_a_longer_lock_out_as_it_is() {
    let policy = "[listen]\nhttp = \"127.0.0.1:1\"\n[upstream]\nurl = \"http://127.0.0.1:2\"\n\
        [credentials]\nper-source = \"1/1h\"\nlockout = \"24h\"\nlockout-max = \"24h\"\n\
        [[penalty]]\nname = \"short\"\nper = \"address\"\nafter = \"1 rejections/1h\"\nban = \"1m\"\n";
    let policy = ratewarden_policy::read(policy, Path::new("/p.toml")).unwrap().policy;
    let rules = PenaltyRules::build(&policy, &Hasher::new(&[1; 16]));
    let counters = Counters::new(Capacity { keys: 1_024, verified_keys: 1_024 });
    let (penalties, mut scratch) = (Penalties::default(), Scratch::default());
    let office = Suspects { address: Some(7), ..Suspects::default() };
    let mut offend = |offence, seconds| {
        let offender = Offender { suspects: &office, caller: None };
        (0..2).for_each(|_| {
            penalties.offend(&rules, &counters, offence, &offender, at(seconds), &mut scratch);
        });
    };
    let held = |seconds| {
        let ban = penalties.banned(office.address, at(seconds))?;
        Some((ban.cause.told().to_owned(), ban.spares, ban.until.since(at(seconds)).as_secs(), ban.times))
    };
    let day = 24 * 3_600;
    let lock_out = |left| Some(("failed credentials of an address".to_owned(), true, left, 0));
    offend(Offence::FailedCredentials, 100);
    assert_eq!(held(100), lock_out(day));
    offend(Offence::Rejections, 200);
    assert_eq!(held(200), Some(("short".to_owned(), false, 60, 0)), "its own end, and the first of its kind");
    assert_eq!(penalties.in_force(at(200)).len(), 2, "each is listed");
    assert_eq!(held(260), lock_out(day - 160), "who is known returns, everybody else stays held");
    // A second ban is the second one; the lock-out is still the first.
    offend(Offence::Rejections, 300);
    assert_eq!(held(300), Some(("short".to_owned(), false, 120, 1)));
    let lifted: Vec<Option<bool>> = penalties
        .in_force(at(300))
        .into_iter()
        .filter(|(_, ban)| !ban.spares)
        .map(|(id, _)| Some(penalties.lift(id, at(300))?.spares))
        .collect();
    assert_eq!((lifted, held(300)), (vec![Some(false)], lock_out(day - 200)));
    // Both are there after a restart, the first ban too if it was not lifted.
    offend(Offence::Rejections, 310);
    let instant =
        |seconds| Instant { now: at(seconds), wall: jiff::Timestamp::from_second(1_800_000_000).unwrap() };
    let restarted = Penalties::default();
    assert_eq!(restarted.restore(&penalties.kept(instant(310)), instant(1)), 2);
    let mut ends: Vec<_> = restarted
        .in_force(at(1))
        .iter()
        .map(|(_, ban)| (ban.spares, ban.until.since(at(1)).as_secs()))
        .collect();
    ends.sort_unstable();
    assert_eq!(ends, [(false, 60), (true, day - 210)]);
}

#[test]
fn a_ban_for_a_finding_doubles_and_leaves_one_in_force_as_it_is() {
    let sentence = |spares| Sentence {
        whom: Whom::Address,
        label: Some("192.0.2.1".into()),
        cause: Cause::Finding { rule: "watch.flood".into(), reason: "320 seen".into() },
        spares,
        first: Duration::from_secs(100),
        up_to: Duration::from_secs(300),
        forget: Duration::from_secs(1_000),
    };
    let penalties = Penalties::default();
    let lasts = |seconds, spares| {
        let ban = penalties.sentence(7, sentence(spares), at(seconds)).ok()?;
        Some((ban.until.since(at(seconds)).as_secs(), ban.times))
    };
    assert_eq!((lasts(1, true), lasts(50, true)), (Some((100, 0)), None));
    assert_eq!(lasts(50, false), Some((100, 0)), "one that spares nobody stands beside it");
    assert_eq!((lasts(101, true), lasts(400, true)), (Some((200, 1)), Some((300, 2))));
    assert_eq!(lasts(2_000, true), Some((100, 0)), "a first one again");
    assert_eq!(penalties.find(7, at(50)).unwrap().cause.told(), "watch.flood");
    let instant = Instant { now: at(2_000), wall: jiff::Timestamp::from_second(1_800_000_000).unwrap() };
    let restarted = Penalties::default();
    assert_eq!(restarted.restore(&penalties.kept(instant), instant), 1, "its cause is kept too");
}

#[test]
fn a_finding_lengthens_the_ban_of_an_operator_and_never_shortens_it() {
    let ban = |cause, seconds| Ban {
        whom: Whom::Caller,
        label: None,
        cause,
        spares: false,
        until: at(seconds),
        times: 0,
    };
    let finding = || Cause::Finding { rule: "watch.flood".into(), reason: "".into() };
    let sentence = || Sentence {
        whom: Whom::Caller,
        label: None,
        cause: finding(),
        spares: false,
        first: Duration::from_secs(600),
        up_to: Duration::from_secs(3_600),
        forget: Duration::from_secs(3_600),
    };
    let operator = || Cause::Operator("asked support".into());
    for (operators, lasts, cause) in [(86_400, 86_400, operator()), (60, 601, finding())] {
        let penalties = Penalties::default();
        penalties.impose(7, ban(operator(), operators), at(1)).unwrap();
        let _ = penalties.sentence(7, sentence(), at(1));
        let held = penalties.find(7, at(1)).unwrap();
        assert_eq!((held.until, &held.cause, held.times), (at(lasts), &cause, 0));
        // The same on another's word: through an admin listener, or after a restart.
        let penalties = Penalties::default();
        penalties.impose(7, ban(operator(), operators), at(1)).unwrap();
        let (id, told) = penalties.extend(7, ban(finding(), 601), at(1)).unwrap();
        assert_eq!((id, told.until, &told.cause), (7, at(lasts), &cause));
        assert_eq!(penalties.find(7, at(1)), Some(told));
    }
}

#[test]
fn an_operator_bans_an_address_beside_its_lock_out_and_by_the_id_of_either() {
    let ban = |spares, seconds, times| Ban {
        whom: Whom::Address,
        label: Some("192.0.2.1".into()),
        cause: Cause::Operator("".into()),
        spares,
        until: at(seconds),
        times,
    };
    let penalties = Penalties::default();
    let (lock_out, _) = penalties.impose(7, ban(true, 900, 0), at(1)).unwrap();
    let (imposed, _) = penalties.impose(7, ban(false, 100, 0), at(1)).unwrap();
    assert_ne!(lock_out, imposed);
    assert_eq!(penalties.find(lock_out, at(1)).unwrap().until, at(900));
    // The id that the list shows of the lock-out means the same address.
    let again = Ban { label: None, whom: Whom::Caller, ..ban(false, 200, 0) };
    assert_eq!(penalties.impose(lock_out, again, at(1)).unwrap(), (imposed, ban(false, 200, 0)));
    assert_eq!(penalties.in_force(at(1)).len(), 2);
}

#[test]
fn a_ban_that_came_to_nothing_counts_as_none() {
    let sentence = || Sentence {
        whom: Whom::Address,
        label: Some("192.0.2.1".into()),
        cause: Cause::Finding { rule: "watch.flood".into(), reason: "320 seen".into() },
        spares: true,
        first: Duration::from_secs(100),
        up_to: Duration::from_secs(1_000),
        forget: Duration::from_secs(1_000),
    };
    let penalties = Penalties::default();
    let begin = |seconds| penalties.sentence(7, sentence(), at(seconds)).unwrap();
    let first = begin(1);
    penalties.take_back(7, true, first.until, at(2));
    assert_eq!(penalties.in_force(at(2)), []);
    let again = begin(3);
    assert_eq!((again.times, again.until), (0, at(103)), "it is the first");
    penalties.take_back(7, true, first.until, at(4));
    assert_eq!(penalties.in_force(at(4)).len(), 1, "another one stands there by now");
    let second = begin(200);
    assert_eq!((second.times, second.until), (1, at(400)));
    penalties.take_back(7, true, second.until, at(500));
    let third = begin(501);
    assert_eq!((third.times, third.until), (1, at(701)), "it is the second");
}
