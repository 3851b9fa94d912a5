use proptest::prelude::*;

use super::*;
use crate::hash::Hasher;

/// Calls of one key, mostly close together, in any order within a few seconds.
fn calls() -> impl Strategy<Value = Vec<u32>> {
    proptest::collection::vec(prop_oneof![8 => 0_u32..4, 1 => 0_u32..90], 1..300).prop_map(|steps| {
        let mut second = 10_000;
        steps
            .into_iter()
            .map(|step| {
                second += step;
                second
            })
            .collect()
    })
}

proptest! {
    #[test]
    fn a_window_never_misses_a_call_and_says_by_how_much_it_is_too_large(calls in calls(), seconds in 1_u32..200) {
        let (mut window, mut stretches) = (Window::default(), Window::stretches(seconds));
        for (index, &second) in calls.iter().enumerate() {
            let number = stretches.at(second);
            let told = window.add(second, number, 1).unwrap();
            let exact = calls[..=index].iter().filter(|&&at| at + seconds > second).count();
            let sum = window.sum(second, &stretches);
            prop_assert_eq!(sum.count, told);
            prop_assert!(u32::try_from(exact).unwrap() <= told, "{} of {}", told, exact);
            prop_assert!(told - sum.error <= u32::try_from(exact).unwrap(), "{} of {}", told, exact);
            let first = calls[..=index].iter().filter(|&&at| at + seconds > second).min().unwrap();
            prop_assert!(sum.since <= *first && second < sum.since + seconds + 2 * seconds.div_ceil(4));
        }
    }

    #[test]
    fn the_order_of_calls_that_are_not_too_late_changes_nothing(calls in calls(), seed: u64) {
        let seconds = 60;
        let mut mixed = calls.clone();
        // Neighbours change places, as in a log of several workers.
        for index in 1..mixed.len() {
            if mixed[index] - mixed[index - 1] < 5 && (seed >> (index % 64)) & 1 == 1 {
                mixed.swap(index, index - 1);
            }
        }
        let end = |calls: &[u32]| {
            let (mut window, mut stretches) = (Window::default(), Window::stretches(seconds));
            let mut marks = (Marks::<1>::default(), Marks::<1>::stretches(seconds));
            for &second in calls {
                window.add(second, stretches.at(second), 1);
                let number = marks.1.at(second);
                marks.0.add(second, number, Hasher::new(1).number(u64::from(second)));
            }
            (window.sum(0, &stretches).count, marks.0.distinct(), marks.0.calls())
        };
        prop_assert_eq!(end(&calls), end(&mixed));
    }

    #[test]
    fn distinct_values_are_those_of_the_window(values in proptest::collection::vec((0_u32..3, 0_u64..30), 1..200)) {
        let (mut marks, mut stretches) = (Marks::<64>::default(), Marks::<64>::stretches(30));
        let (mut second, mut seen) = (5_000, Vec::new());
        for (step, value) in values {
            second += step;
            seen.push((second, value));
            let number = stretches.at(second);
            marks.add(second, number, Hasher::new(1).number(value));
            let distinct = |seconds: u32| {
                let recent = seen.iter().filter(|(at, _)| at + seconds > second).map(|(_, value)| value);
                u32::try_from(recent.collect::<std::collections::HashSet<_>>().len()).unwrap()
            };
            // 30 values in 4096 bits: at most one collision is likely.
            prop_assert!(marks.distinct().0 + 2 >= distinct(30));
            prop_assert!(marks.distinct().0 <= distinct(60) + 1);
        }
    }
}

#[test]
fn a_call_of_long_ago_is_not_taken_for_one_of_now() {
    let (mut window, mut stretches) = (Window::default(), Window::stretches(60));
    window.add(10_000, stretches.at(10_000), 1);
    assert_eq!(window.add(5_000, stretches.at(5_000), 1), None);
    assert_eq!(window.sum(10_000, &stretches).count, 1);
}

#[test]
fn an_idle_window_weighs_nothing_and_an_active_one_must_stay() {
    let (mut window, mut stretches) = (Window::default(), Window::stretches(60));
    window.add(10_000, stretches.at(10_000), 3);
    assert_eq!(window.weight(stretches.at(10_030).number, stretches.places()), 3);
    assert_eq!(window.weight(stretches.at(10_200).number, stretches.places()), 0);
    window.set_active(true);
    assert_eq!(window.weight(stretches.at(99_999).number, stretches.places()), u32::MAX);
    assert_eq!(window.add(10_001, stretches.at(10_001), 1), Some(4));
    assert!(window.is_active());
}
