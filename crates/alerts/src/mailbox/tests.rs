use proptest::prelude::*;
use ratewarden_model::{Severity, Subject, SubjectKind, rules};

use super::*;
use crate::item::json_bytes;
use crate::planner::Wanted;

const LIMITS: Limits =
    Limits { group_wait_ms: Some(30_000), waiting: 10, bytes: 1 << 20, parked: 2, notice_ms: 60_000 };

fn wanted() -> Wanted {
    Wanted {
        severity: Severity::Info,
        rules: Vec::new(),
        cool_down_ms: 0,
        silence_ms: i64::MAX / 4,
        most: 1_000,
    }
}

fn mailbox(limits: Limits) -> Mailbox {
    Mailbox::new(wanted(), limits, Kept::default())
}

fn finding(number: usize) -> Finding {
    let subject = Subject::named(SubjectKind::Address, format!("192.0.2.{number}"));
    Finding::new(&rules::NO_LIMIT, subject, &number.to_string(), "")
}

/// Ids in order.
fn ids() -> impl FnMut() -> u128 {
    let mut next = 0;
    move || {
        next += 1;
        next
    }
}

fn sent(mailbox: &mut Mailbox, now_ms: i64) -> Option<Batch> {
    match mailbox.next(now_ms, false) {
        Next::Send(batch) => Some(batch),
        Next::At(_) | Next::Idle => None,
    }
}

#[test]
fn findings_that_open_together_are_one_message() {
    let (mut mailbox, mut id) = (mailbox(LIMITS), ids());
    for (number, at_ms) in [(1, 0), (2, 10_000), (3, 29_999)] {
        mailbox.event(&finding(number), State::Opened, at_ms, &mut id);
    }
    mailbox.event(&finding(1), State::Ended, 29_999, &mut id);
    assert_eq!(sent(&mut mailbox, 29_999), None);
    let first = sent(&mut mailbox, 30_000).unwrap();
    assert_eq!((first.items.len(), first.id), (4, 1));
    mailbox.event(&finding(4), State::Opened, 29_999, &mut id);
    assert_eq!(sent(&mut mailbox, 30_001).unwrap(), first, "what was handed out does not change");
    mailbox.delivered(1);
    assert_eq!(sent(&mut mailbox, 59_999).unwrap().id, 2);
}

#[test]
fn a_receiver_of_single_events_gets_them_one_by_one_at_once() {
    let (mut mailbox, mut id) = (mailbox(Limits { group_wait_ms: None, ..LIMITS }), ids());
    mailbox.event(&finding(1), State::Opened, 5, &mut id);
    mailbox.event(&finding(2), State::Opened, 5, &mut id);
    assert_eq!(sent(&mut mailbox, 5).unwrap().items.len(), 1);
    mailbox.delivered(1);
    assert_eq!(sent(&mut mailbox, 5).unwrap().id, 2);
    mailbox.delivered(2);
    assert_eq!(mailbox.next(5, true), Next::At(i64::MAX / 4 + 5));
}

#[test]
fn a_clock_that_was_put_back_delays_no_message_for_longer_than_a_group_waits() {
    let (mut mailbox, mut id) = (mailbox(LIMITS), ids());
    mailbox.event(&finding(1), State::Opened, 10_000_000, &mut id);
    assert_eq!(mailbox.next(0, false), Next::At(30_000));
    assert!(sent(&mut mailbox, 30_000).is_some());
}

#[test]
fn what_finds_no_room_is_counted_and_said_once() {
    let (mut mailbox, mut id) = (mailbox(LIMITS), ids());
    for number in 0..30 {
        mailbox.event(&finding(number), State::Opened, 0, &mut id);
        mailbox.event(&finding(number), State::Grown, 1, &mut id);
    }
    assert_eq!((mailbox.waiting(), mailbox.left_out_total), (10, 40));
    mailbox.event(&finding(0), State::Ended, 2, &mut id);
    assert_eq!(mailbox.waiting(), 11, "an end has room");
    while let Some(batch) = sent(&mut mailbox, 60_000) {
        mailbox.delivered(batch.id);
    }
    mailbox.tick(60_000, &mut id);
    let notice = sent(&mut mailbox, 90_000).unwrap();
    let [Item::LeftOut(left_out)] = notice.items.as_slice() else { panic!("{notice:?}") };
    assert_eq!((left_out.count, left_out.since_ms, left_out.until_ms), (20, 0, 1));
    mailbox.delivered(notice.id);
    mailbox.tick(1_000_000, &mut id);
    assert_eq!(sent(&mut mailbox, 1_000_000), None);
}

#[test]
fn what_was_refused_is_kept_up_to_a_bound_and_can_be_tried_again() {
    let (mut mailbox, mut id) = (mailbox(Limits { group_wait_ms: None, ..LIMITS }), ids());
    for number in 1..=4 {
        mailbox.event(&finding(number), State::Opened, 0, &mut id);
    }
    for refused in 1..=3 {
        let changes = mailbox.refused(refused, "answered 410");
        assert_eq!(changes.contains(&Change::Gone(1)), refused == 3);
    }
    assert_eq!((mailbox.waiting(), mailbox.parked().len(), mailbox.parked_dropped), (1, 2, 1));
    mailbox.requeue();
    let order: Vec<u128> = std::iter::from_fn(|| {
        let batch = sent(&mut mailbox, 0)?;
        mailbox.delivered(batch.id);
        Some(batch.id)
    })
    .collect();
    assert_eq!(order, [2, 3, 4]);
}

#[derive(Debug, Clone, Copy)]
enum Step {
    Event(usize, State),
    Deliver,
    Refuse,
    Restart,
}

fn step() -> impl Strategy<Value = (i64, Step)> {
    let state = prop_oneof![Just(State::Opened), Just(State::Ended)];
    let step = prop_oneof![
        6 => (0_usize..8, state).prop_map(|(number, state)| Step::Event(number, state)),
        3 => Just(Step::Deliver),
        1 => Just(Step::Refuse),
        1 => Just(Step::Restart),
    ];
    (0_i64..40_000, step)
}

/// What the disk makes of changes: the tables of the store, as lists.
#[derive(Default)]
struct Tables {
    kept: Kept,
}

impl Tables {
    fn apply(&mut self, changes: Vec<Change>) {
        let kept = &mut self.kept;
        for change in changes {
            match change {
                Change::Incident(fingerprint, Some(incident)) => {
                    kept.incidents.insert(fingerprint, incident);
                }
                Change::Incident(fingerprint, None) => {
                    kept.incidents.remove(&fingerprint);
                }
                Change::Item { batch: id, due_ms, item } => {
                    let bytes = json_bytes(&item);
                    if let Some(batch) = kept.waiting.iter_mut().find(|batch| batch.id == id) {
                        batch.items.push(item);
                        batch.bytes += bytes;
                    } else {
                        kept.waiting.push(Batch { id, due_ms, items: vec![item], bytes });
                    }
                }
                Change::Gone(id) => {
                    kept.waiting.retain(|batch| batch.id != id);
                    kept.parked.retain(|(batch, _)| batch.id != id);
                }
                Change::Parked(id, why) => {
                    let at = kept.waiting.iter().position(|batch| batch.id == id).unwrap();
                    kept.parked.push((kept.waiting.remove(at), why));
                }
                Change::Unparked(_) => unreachable!("nothing is tried again here"),
                Change::LeftOut(left_out) => kept.left_out = left_out,
            }
        }
    }
}

proptest! {
    #[test]
    fn with_room_everything_is_told_once_in_order_also_over_restarts(steps in prop::collection::vec(step(), 1..80)) {
        let limits = Limits { waiting: 1_000, parked: 1_000, ..LIMITS };
        let (mut mailbox, mut id, mut tables) = (mailbox(limits), ids(), Tables::default());
        let (mut now, mut told, mut expected) = (0, Vec::new(), Vec::new());
        let mut open = std::collections::HashSet::new();
        let mut sent_as = std::collections::HashMap::new();
        for (wait, step) in steps {
            now += wait;
            match step {
                Step::Event(number, state) => {
                    if if state == State::Opened { open.insert(number) } else { open.remove(&number) } {
                        expected.push((number, state == State::Opened));
                    }
                    tables.apply(mailbox.event(&finding(number), state, now, &mut id));
                }
                Step::Deliver | Step::Refuse => if let Some(batch) = sent(&mut mailbox, now) {
                    let items = sent_as.entry(batch.id).or_insert_with(|| batch.items.clone());
                    prop_assert_eq!(&*items, &batch.items, "a message with an id stays what it is");
                    told.extend(batch.items.iter().map(read));
                    tables.apply(if matches!(step, Step::Deliver) {
                        mailbox.delivered(batch.id)
                    } else {
                        mailbox.refused(batch.id, "no")
                    });
                },
                Step::Restart => {
                    // It may have been on its way when the process died.
                    if let Some(batch) = sent(&mut mailbox, now) {
                        sent_as.insert(batch.id, batch.items);
                    }
                    mailbox = Mailbox::new(wanted(), limits, std::mem::take(&mut tables.kept));
                    tables.apply(mailbox.all());
                }
            }
            prop_assert_eq!(mailbox.waiting(), tables.kept.waiting.iter().map(|batch| batch.items.len()).sum::<usize>());
        }
        while let Next::Send(batch) = mailbox.next(now, true) {
            told.extend(batch.items.iter().map(read));
            tables.apply(mailbox.delivered(batch.id));
        }
        prop_assert_eq!(told, expected);
        prop_assert!(tables.kept.waiting.is_empty());
    }
}

proptest! {
    #[test]
    fn without_room_every_finding_is_told_or_counted_and_every_end_is_told(
        steps in prop::collection::vec(step(), 1..120), most in 1_usize..4,
    ) {
        let limits = Limits { waiting: most, ..LIMITS };
        let (mut mailbox, mut id) = (mailbox(limits), ids());
        let (mut now, mut open) = (0, std::collections::HashSet::new());
        for (wait, step) in steps {
            now += wait;
            let Step::Event(number, state) = step else {
                if let Some(batch) = sent(&mut mailbox, now) {
                    mailbox.delivered(batch.id);
                }
                continue;
            };
            let (left_out, was_open) = (mailbox.left_out_total, open.contains(&number));
            let changes = mailbox.event(&finding(number), state, now, &mut id);
            let told: Vec<(usize, bool)> = changes
                .iter()
                .filter_map(|change| match change {
                    Change::Item { item: Item::LeftOut(_), .. } => None,
                    Change::Item { item, .. } => Some(read(item)),
                    _ => None,
                })
                .collect();
            let is_counted = mailbox.left_out_total == left_out + 1;
            match (state == State::Opened, was_open) {
                (true, false) => prop_assert!((told == [(number, true)]) != is_counted, "{:?}", told),
                (false, true) => prop_assert_eq!(&told, &[(number, false)]),
                _ => prop_assert!(told.is_empty() && !is_counted),
            }
            for (number, is_open) in told {
                if is_open { open.insert(number); } else { open.remove(&number); }
            }
            // Those that found room, the end of each that is or was told, and a notice.
            prop_assert!(mailbox.waiting() <= 2 * most + 8 + 1, "{}", mailbox.waiting());
        }
    }
}

fn read(item: &Item) -> (usize, bool) {
    let (Item::Opened { finding, .. } | Item::Ended { finding, .. }) = item else { panic!("{item:?}") };
    (
        finding.subject.label().rsplit('.').next().unwrap().parse().unwrap(),
        matches!(item, Item::Opened { .. }),
    )
}
