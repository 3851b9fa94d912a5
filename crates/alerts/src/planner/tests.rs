use proptest::prelude::*;
use ratewarden_model::{Subject, SubjectKind, rules};

use super::*;

const COOL_DOWN: i64 = 600_000;
const SILENCE: i64 = 86_400_000;

fn wanted() -> Wanted {
    Wanted {
        severity: Severity::Low,
        rules: Vec::new(),
        cool_down_ms: COOL_DOWN,
        silence_ms: SILENCE,
        most: 1_000,
    }
}

fn planner(wanted: Wanted) -> Planner {
    Planner::new(wanted, HashMap::new())
}

fn finding(number: u8) -> Finding {
    let subject = Subject::named(SubjectKind::Address, format!("192.0.2.{number}"));
    Finding::new(&rules::NO_LIMIT, subject, &number.to_string(), "")
}

/// What was told: a letter for each item, `a` opened and `r` resolved, with the openings that were unsaid.
fn told(decision: &Decision) -> String {
    match decision {
        Decision::Nothing => "-".into(),
        Decision::Cooled => "c".into(),
        Decision::NoRoom => "full".into(),
        Decision::Tell(Item::Opened { unsaid, .. }) => format!("a{unsaid}"),
        Decision::Tell(Item::Ended { .. }) => "r".into(),
        Decision::Tell(Item::LeftOut(_)) => "l".into(),
    }
}

fn run(planner: &mut Planner, events: &[(i64, State)]) -> Vec<String> {
    events
        .iter()
        .map(|&(at_ms, state)| {
            let mut text: String = planner
                .tick(|| true, at_ms)
                .into_iter()
                .map(|item| format!("tick {} ", told(&Decision::Tell(item))))
                .collect();
            text += &told(&planner.event(&finding(1), state, true, at_ms));
            text
        })
        .collect()
}

use State::{Ended, Grown, Opened};

#[test]
fn a_finding_is_told_once_while_it_is_open_and_once_when_it_ends() {
    let events = [(0, Opened), (1, Opened), (2, Grown), (3, Ended), (4, Ended), (COOL_DOWN + 3, Opened)];
    assert_eq!(run(&mut planner(wanted()), &events), ["a0", "-", "-", "r", "-", "a0"]);
}

#[test]
fn what_opens_again_within_the_cool_down_is_counted_and_named_in_the_next() {
    let events =
        [(0, Opened), (1, Ended), (2, Opened), (3, Ended), (4, Opened), (5, Ended), (COOL_DOWN + 1, Opened)];
    assert_eq!(run(&mut planner(wanted()), &events), ["a0", "r", "c", "-", "c", "-", "a2"]);
}

#[test]
fn what_is_still_open_after_its_cool_down_is_told() {
    let mut planner = planner(wanted());
    assert_eq!(run(&mut planner, &[(0, Opened), (1, Ended), (2, Opened)]), ["a0", "r", "c"]);
    assert!(planner.tick(|| true, COOL_DOWN).is_empty());
    let items = planner.tick(|| true, COOL_DOWN + 1);
    assert!(matches!(items.as_slice(), [Item::Opened { unsaid: 1, .. }]), "{items:?}");
    assert_eq!(run(&mut planner, &[(COOL_DOWN + 2, Ended)]), ["r"]);
}

#[test]
fn who_abuses_every_few_minutes_is_told_each_cool_down() {
    let minute = 60_000;
    let events: Vec<(i64, State)> =
        (0..60).map(|number| (number * minute, if number % 2 == 0 { Opened } else { Ended })).collect();
    let alerts = run(&mut planner(wanted()), &events).iter().filter(|told| told.contains('a')).count();
    assert!((5..=6).contains(&alerts), "{alerts}");
}

#[test]
fn an_open_finding_of_which_nothing_is_heard_counts_as_ended() {
    let mut planner = planner(wanted());
    assert_eq!(run(&mut planner, &[(0, Opened), (SILENCE - 1, Grown)]), ["a0", "-"]);
    assert!(planner.tick(|| true, SILENCE).is_empty());
    let items = planner.tick(|| true, 2 * SILENCE);
    assert!(matches!(items.as_slice(), [Item::Ended { .. }]), "{items:?}");
    assert_eq!(run(&mut planner, &[(2 * SILENCE + COOL_DOWN, Opened)]), ["a0"]);
}

#[test]
fn only_what_a_receiver_wants_is_told() {
    let told_with = |severity, rules: &[&str]| {
        let rules = rules.iter().map(|&rule| rule.to_owned()).collect();
        told(&planner(Wanted { severity, rules, ..wanted() }).event(&finding(1), Opened, true, 0))
    };
    assert_eq!(finding(1).severity, Severity::High);
    assert_eq!(told_with(Severity::High, &[]), "a0");
    assert_eq!(told_with(Severity::Critical, &[]), "-");
    assert_eq!(told_with(Severity::Info, &["scan.no-limit"]), "a0");
    assert_eq!(told_with(Severity::Info, &["scan.*"]), "a0");
    assert_eq!(told_with(Severity::Info, &["scan", "watch.*", "scan.no-limits"]), "-");
}

#[test]
fn an_end_is_told_whatever_the_filter_says_by_then() {
    let mut planner = planner(Wanted { severity: Severity::High, ..wanted() });
    planner.event(&finding(1), Opened, true, 0);
    let milder = Finding { severity: Severity::Info, ..finding(1) };
    assert_eq!(told(&planner.event(&milder, Ended, false, 1)), "r");
}

#[test]
fn without_a_place_nothing_open_is_forgotten() {
    let mut planner = planner(Wanted { most: 2, ..wanted() });
    assert_eq!(told(&planner.event(&finding(1), Opened, true, 0)), "a0");
    assert_eq!(told(&planner.event(&finding(2), Opened, true, 0)), "a0");
    assert_eq!(told(&planner.event(&finding(3), Opened, true, 0)), "full");
    assert_eq!(told(&planner.event(&finding(2), Ended, true, 0)), "r");
    assert_eq!(told(&planner.event(&finding(3), Opened, true, 0)), "a0");
    assert_eq!(told(&planner.event(&finding(1), Ended, true, 0)), "r");
}

/// The slow model: everything that happened and everything that was told stands in two lists, and each decision looks
/// through them.
#[derive(Default)]
struct Slow {
    happened: Vec<(u8, State, i64)>,
    told: Vec<(u8, bool, i64)>,
}

impl Slow {
    fn decide(&mut self, number: u8, state: State, now: i64) -> String {
        let was_open = self.is_open(number);
        self.happened.push((number, state, now));
        let last = self.told.iter().rev().find(|told| told.0 == number).copied();
        let told = match (last, state) {
            (Some((_, true, _)), Ended) => "r".into(),
            (None | Some((_, true, _)), _) if last.is_some() || state == Ended => return "-".into(),
            (None, _) => "a0".into(),
            (Some((_, _, end)), Opened | Grown) if now - end >= COOL_DOWN + UNSAID_REMEMBERED_MS => {
                "a0".into()
            }
            (Some((_, _, end)), Opened | Grown) if now - end >= COOL_DOWN => {
                format!("a{}", self.unsaid(number, end))
            }
            (Some(_), Opened | Grown) if !was_open => return "c".into(),
            (Some(_), _) => return "-".into(),
        };
        self.told.push((number, state != Ended, now));
        told
    }

    /// Whether its last event says that it is open.
    fn is_open(&self, number: u8) -> bool {
        let last = self.happened.iter().rev().find(|event| event.0 == number);
        last.is_some_and(|event| event.1 != Ended)
    }

    /// How often it went from ended to open in the cool-down after this end.
    fn unsaid(&self, number: u8, end: i64) -> usize {
        let (mut open, mut count) = (false, 0);
        for &(_, state, at) in self.happened.iter().filter(|event| event.0 == number && event.2 > end) {
            count += usize::from(state != Ended && !open && at - end < COOL_DOWN);
            open = state != Ended;
        }
        count
    }

    /// What is open, was not told, and has cooled down, is told when somebody looks.
    fn tick(&mut self, now: i64) -> Vec<(u8, usize)> {
        let mut due = Vec::new();
        for number in 0..3 {
            let last = self.told.iter().rev().find(|told| told.0 == number).copied();
            if let Some((_, false, end)) = last
                && self.is_open(number)
                && now - end >= COOL_DOWN
            {
                due.push((number, self.unsaid(number, end)));
                self.told.push((number, true, now));
            }
        }
        due
    }
}

fn step() -> impl Strategy<Value = (i64, u8, State)> {
    let wait = prop_oneof![8 => 1_i64..COOL_DOWN / 3, 2 => COOL_DOWN..2 * COOL_DOWN, 1 => Just(SILENCE / 2)];
    (wait, 0_u8..3, prop_oneof![Just(Opened), Just(Grown), Just(Ended)])
}

proptest! {
    #[test]
    fn decisions_are_those_of_somebody_who_looks_through_everything(steps in prop::collection::vec(step(), 1..60)) {
        // Silence is tested by itself: here nobody is silent for so long.
        let mut fast = planner(Wanted { silence_ms: i64::MAX / 4, ..wanted() });
        let mut slow = Slow::default();
        let mut now = 0;
        for (wait, number, state) in steps {
            now += wait;
            let mut ticked: Vec<(String, usize)> = fast.tick(|| true, now).into_iter().map(|item| match item {
                Item::Opened { finding, unsaid, .. } => (finding.fingerprint, unsaid as usize),
                other => panic!("{other:?}"),
            }).collect();
            ticked.sort();
            let mut expected: Vec<(String, usize)> =
                slow.tick(now).into_iter().map(|(number, unsaid)| (finding(number).fingerprint, unsaid)).collect();
            expected.sort();
            prop_assert_eq!(ticked, expected);
            let decision = told(&fast.event(&finding(number), state, true, now));
            prop_assert_eq!(decision, slow.decide(number, state, now));
        }
    }

    #[test]
    fn an_end_is_told_for_each_alert_and_incidents_stay_within_their_bound(
        steps in prop::collection::vec((0_i64..COOL_DOWN, 0_u8..9, prop_oneof![Just(Opened), Just(Ended)], any::<bool>()), 1..100)
    ) {
        let mut planner = planner(Wanted { most: 4, ..wanted() });
        let (mut now, mut open) = (0, std::collections::HashSet::new());
        for (wait, number, state, room) in steps {
            now += wait;
            for item in planner.tick(|| room, now) {
                if let Item::Opened { finding, .. } = item {
                    prop_assert!(open.insert(finding.fingerprint));
                }
            }
            let fingerprint = finding(number).fingerprint;
            match planner.event(&finding(number), state, room, now) {
                Decision::Tell(Item::Opened { .. }) => prop_assert!(open.insert(fingerprint)),
                Decision::Tell(_) => prop_assert!(open.remove(&fingerprint)),
                _ => prop_assert!(state != State::Ended || !open.contains(&fingerprint)),
            }
            prop_assert!(planner.incidents().len() <= 4);
        }
    }
}
