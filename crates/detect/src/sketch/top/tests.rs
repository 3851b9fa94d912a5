use std::collections::BTreeMap;

use proptest::prelude::*;

use super::*;

/// What the sketch promises, beside an exact count.
fn holds(summary: &Summary<u128>, exact: &BTreeMap<u128, u64>, most: usize) -> Result<(), TestCaseError> {
    prop_assert!(summary.ranked.len() <= most);
    prop_assert!(summary.ranked.is_sorted_by_key(|one| std::cmp::Reverse(one.count)));
    for one in &summary.ranked {
        let calls = exact.get(&one.id).copied().unwrap_or_default();
        prop_assert!(one.count - one.error <= calls && calls <= one.count, "{one:?}: {calls} calls");
        prop_assert_eq!(one.label, one.id);
    }
    let listed: Vec<u128> = summary.ranked.iter().map(|one| one.id).collect();
    prop_assert_eq!(listed.len(), listed.iter().collect::<std::collections::BTreeSet<_>>().len());
    for (id, calls) in exact.iter().filter(|(id, _)| !listed.contains(id)) {
        prop_assert!(*calls <= summary.floor, "{id} has {calls} calls and is not listed");
    }
    Ok(())
}

/// Calls of few callers often and of many callers seldom, as they come in life.
fn calls() -> impl Strategy<Value = Vec<u128>> {
    proptest::collection::vec(prop_oneof![3 => 0_u128..4, 2 => 0_u128..40, 1 => any::<u128>()], 0..400)
}

fn counted(calls: &[u128], most: usize) -> (Sketch<u128>, BTreeMap<u128, u64>) {
    let (mut sketch, mut exact) = (Sketch::new(most), BTreeMap::new());
    for &id in calls {
        sketch.add(id, || id);
        *exact.entry(id).or_default() += 1;
    }
    (sketch, exact)
}

proptest! {
    #[test]
    fn every_count_is_right_within_its_error(calls in calls(), most in 1_usize..12) {
        let (sketch, exact) = counted(&calls, most);
        let summary = sketch.summary();
        holds(&summary, &exact, most)?;
        // Space-Saving's own bound: the sum of all counts is the number of calls.
        prop_assert_eq!(summary.ranked.iter().map(|one| one.count).sum::<u64>(), calls.len() as u64);
        prop_assert!(summary.floor <= calls.len() as u64 / most as u64);
    }

    #[test]
    fn merged_counts_are_right_within_their_errors(
        workers in proptest::collection::vec(calls(), 0..5),
        most in 1_usize..12,
    ) {
        let (mut all, mut exact) = (Summary::default(), BTreeMap::new());
        for calls in &workers {
            let (sketch, counts) = counted(calls, most);
            all = all.merged(&sketch.summary(), most);
            for (id, count) in counts {
                *exact.entry(id).or_default() += count;
            }
        }
        holds(&all, &exact, most)?;
    }
}

#[test]
fn who_calls_most_is_found_in_a_flood_of_callers_who_come_once() {
    let mut sketch = Sketch::new(64);
    for number in 0..100_000_u128 {
        sketch.add(1_000 + number, || "flood");
        if number.is_multiple_of(20) {
            sketch.add(7, || "ann");
        }
    }
    let first = sketch.summary().ranked.remove(0);
    assert_eq!((first.id, first.label), (7, "ann"));
    assert!(first.count - first.error <= 5_000 && first.count >= 5_000, "{first:?}");
}
