//! Who was where: what is remembered, for how long, and what a flood can do to it.

use std::time::Duration;

use proptest::prelude::*;
use ratewarden_counters::{Noted, PLACES, Pair, Pairs, Taken};
use ratewarden_limiter::Time;

fn at(minutes: u64) -> Time {
    Time::START.after(Duration::from_secs(60 * minutes))
}

/// A hash as good as a keyed one (SplitMix64, twice).
fn hash(number: u64) -> u128 {
    let mix = |seed: u64| {
        let mut z = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15);
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        u128::from(z ^ (z >> 31))
    };
    mix(number * 2 + 1) << 64 | mix(number * 2 + 2)
}

fn pair(caller: u64, address: u64) -> Pair {
    Pair::new(hash(caller), hash(1_000_000_000 + address))
}

const DAY: u64 = 24 * 60;

#[test]
fn a_pair_is_forgotten_after_a_day_without_use_and_not_before() {
    let pairs = Pairs::default();
    assert!(!pairs.knows(pair(1, 1), at(0)));
    assert!(pairs.note(pair(1, 1), at(0)));
    assert!(pairs.knows(pair(1, 1), at(DAY)));
    assert!(!pairs.knows(pair(1, 1), at(DAY + 5)), "a day, to within five minutes");
    for other in [pair(1, 2), pair(2, 1), pair(2, 2)] {
        assert!(!pairs.knows(other, at(0)), "both halves count");
    }
    for hours in 1..100 {
        assert!(pairs.knows(pair(1, 1), at((hours - 1) * 60)), "use keeps it");
        pairs.note(pair(1, 1), at(hours * 60));
    }
    assert!(!pairs.knows(pair(1, 1), at(99 * 60 + DAY + 5)));
    assert!(pairs.note(pair(1, 1), at(200 * 60 + DAY)), "it may come again");
    assert_eq!(pairs.usage(), (1, 0), "in its own place or another, but one");
}

#[test]
fn one_caller_everywhere_takes_no_place_from_others() {
    let pairs = Pairs::default();
    for caller in 0..10_000 {
        pairs.note(pair(caller, 0), at(0));
    }
    let known: Vec<u64> = (0..10_000).filter(|&caller| pairs.knows(pair(caller, 0), at(0))).collect();
    assert!(known.len() > 9_990, "{}", known.len());
    let flood = (0..200_000).filter(|&address| pairs.note(pair(20_000, address), at(1))).count();
    assert!(flood <= 8, "{flood}");
    assert!(known.iter().all(|&caller| pairs.knows(pair(caller, 0), at(1))));
    let new = (30_000..40_000).filter(|&caller| pairs.note(pair(caller, 0), at(1))).count();
    assert!(new > 9_900, "others find a place as before: {new}");
}

#[test]
fn when_all_is_full_the_new_are_left_out_until_the_old_are_forgotten() {
    let pairs = Pairs::default();
    let many = 3 * PLACES as u64;
    let kept: Vec<u64> = (0..many).filter(|&caller| pairs.note(pair(caller, 0), at(0))).collect();
    assert!((PLACES - 64..=PLACES).contains(&kept.len()), "{}", kept.len());
    assert_eq!(pairs.usage(), (kept.len() as u64, many - kept.len() as u64));
    // One that is used stays through a day of a flood, and what is not used makes room afterwards.
    for minute in (0..=DAY + 10).step_by(60) {
        assert!(pairs.note(pair(kept[0], 0), at(minute)));
    }
    let later = (many..2 * many).filter(|&caller| pairs.note(pair(caller, 0), at(DAY + 10))).count();
    assert!((PLACES - 128..PLACES).contains(&later), "{later}");
    assert!(pairs.knows(pair(kept[0], 0), at(DAY + 10)));
    assert!(!pairs.knows(pair(kept[1], 0), at(DAY + 10)));
}

proptest! {
    /// Beside a map that remembers everything: what is known was noted in the last day, and who was noted and was not
    /// left out is known.
    #[test]
    fn it_knows_what_a_map_knows(calls in prop::collection::vec((0_u64..6, 0_u64..12, 0_u64..300), 1..300)) {
        let (pairs, mut model) = (Pairs::default(), std::collections::HashMap::new());
        let mut minute = 0;
        for (caller, address, later) in calls {
            minute += later;
            let last: Option<u64> = model.get(&(caller, address)).copied();
            let (ticks, knows) = (minute / 5, pairs.knows(pair(caller, address), at(minute)));
            prop_assert_eq!(knows, last.is_some_and(|last| ticks - last / 5 <= DAY / 5));
            if pairs.note(pair(caller, address), at(minute)) {
                model.insert((caller, address), minute);
            } else {
                prop_assert!(!knows, "what is known is never left out");
                let fresh = |last: u64| ticks - last / 5 <= DAY / 5;
                let own = model.iter().filter(|((of, _), last)| *of == caller && fresh(**last)).count();
                prop_assert_eq!(own, 8);
            }
        }
    }
}

#[test]
fn threads_that_note_the_same_pairs_agree() {
    let pairs = Pairs::default();
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                for round in 0..50 {
                    for caller in 0..200 {
                        assert!(pairs.note(pair(caller, 0), at(round * 5)));
                        assert!(pairs.knows(pair(caller, 0), at(round * 5)));
                    }
                }
            });
        }
    });
    assert_eq!(pairs.usage(), (200, 0), "none has two places");
}

#[test]
fn what_was_noted_is_taken_once_and_known_to_the_next_process_until_a_day_has_passed() {
    let (first, mut taken) = (Pairs::default(), Taken::default());
    assert_eq!(first.take_noted(&mut taken, at(0)), []);
    let known: Vec<Pair> = (0..2_000).map(|caller| pair(caller, caller % 7)).collect();
    known.iter().for_each(|pair| assert!(first.note(*pair, at(1))));
    let noted = first.take_noted(&mut taken, at(3));
    assert_eq!(noted.len(), known.len());
    assert!(noted.iter().all(|noted| noted.age == Duration::from_secs(180)), "from the tick's begin");
    assert_eq!(first.take_noted(&mut taken, at(3)), []);
    first.note(known[0], at(4));
    assert_eq!(first.take_noted(&mut taken, at(4)), [], "the same five minutes");
    first.note(known[0], at(60));
    assert_eq!(
        first.take_noted(&mut taken, at(61)).iter().map(|noted| noted.id).collect::<Vec<_>>(),
        [known[0].id()]
    );
    assert_eq!(
        first.take_noted(&mut Taken::default(), at(61)).len(),
        known.len(),
        "and all of it for another"
    );

    let second = Pairs::default();
    assert!(noted.iter().all(|noted| second.restore(noted, at(0))));
    assert!(known.iter().all(|pair| second.knows(*pair, at(0))), "found by the whole hash of the caller");
    assert!(!second.knows(pair(0, 1), at(0)));
    assert!(known.iter().all(|pair| second.knows(*pair, at(DAY - 5))));
    assert!(!known.iter().any(|pair| second.knows(*pair, at(DAY + 2))), "a day from when they were noted");
    second.note(known[1], at(10));
    assert!(second.restore(&noted[1], at(11)), "what is old changes nothing");
    assert!(second.knows(known[1], at(DAY + 5)));
    let old = Noted { age: Duration::from_secs(60 * (DAY + 6)), ..noted[0] };
    let third = Pairs::default();
    assert!(third.restore(&old, at(0)));
    assert_eq!(third.usage(), (0, 0), "what is forgotten takes no place");
}

#[test]
fn one_caller_takes_no_more_than_its_share_of_what_is_restored() {
    let pairs = Pairs::default();
    let place = 7_u64 << 32 | 3;
    let noted = (0..100_u128).map(|id| Noted { id: id + 1, place, age: Duration::ZERO });
    assert_eq!(noted.filter(|noted| pairs.restore(noted, at(0))).count(), 8);
}
