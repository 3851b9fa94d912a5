//! What each caller did under one limit, for as many callers as there is room for.
//!
//! Space-Saving (Metwally, Agrawal and El Abbadi, *Efficient Computation of Frequent and Top-k Elements in Data Streams*,
//! 2005) with a note beside each count: a new caller takes the place of the one with the fewest calls and its count with
//! it, as an error that is remembered. So `calls - error <= what it did <= calls`, everything else in an [`Account`] is
//! what was seen since the caller took its place, and who is not held has at most [`Accounts::floor`] calls. A flood of
//! callers who come once pushes out others of few calls, and never one of many.

use std::collections::HashMap;

/// Accounts of the callers with most calls.
#[derive(Debug)]
pub(crate) struct Accounts<A> {
    most: usize,
    places: HashMap<u128, usize>,
    held: Vec<Held<A>>,
    /// The fewest calls of any place, as of the last look; no place before `cursor` has so few any more.
    fewest: u64,
    cursor: usize,
}

/// One caller's.
#[derive(Debug)]
pub(crate) struct Held<A> {
    id: u128,
    /// At most `error` too many.
    pub(crate) calls: u64,
    pub(crate) error: u64,
    pub(crate) account: A,
}

impl<A> Accounts<A> {
    /// Room for `most` callers, at least one.
    pub(crate) fn new(most: usize) -> Self {
        Self { most: most.max(1), places: HashMap::new(), held: Vec::new(), fewest: 0, cursor: 0 }
    }

    /// Counts a call of `id` and hands out its account; `open` makes one for a caller that has none.
    pub(crate) fn count(&mut self, id: u128, open: impl FnOnce() -> A) -> Option<&mut A> {
        let place = match self.places.get(&id) {
            Some(&place) => place,
            None if self.held.len() < self.most => {
                let place = self.held.len();
                self.places.insert(id, place);
                self.held.push(Held { id, calls: 0, error: 0, account: open() });
                place
            }
            None => {
                let place = self.weakest();
                let held = self.held.get_mut(place)?;
                self.places.remove(&held.id);
                self.places.insert(id, place);
                *held = Held { id, calls: held.calls, error: held.calls, account: open() };
                place
            }
        };
        let held = self.held.get_mut(place)?;
        held.calls += 1;
        Some(&mut held.account)
    }

    /// Everybody who is held, in no order.
    pub(crate) fn held(&self) -> &[Held<A>] {
        &self.held
    }

    /// The most calls that anybody has who is not held.
    pub(crate) fn floor(&self) -> u64 {
        if self.held.len() < self.most {
            0
        } else {
            self.held.iter().map(|held| held.calls).min().unwrap_or(0)
        }
    }

    /// The place with the fewest calls. Counts only grow, so the search goes on where the last one ended.
    fn weakest(&mut self) -> usize {
        let rest = self.held.get(self.cursor..).unwrap_or_default();
        if let Some(further) = rest.iter().position(|held| held.calls == self.fewest) {
            self.cursor += further;
            return self.cursor;
        }
        self.fewest = self.held.iter().map(|held| held.calls).min().unwrap_or_default();
        self.cursor = self.held.iter().position(|held| held.calls == self.fewest).unwrap_or_default();
        self.cursor
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn a_count_is_too_high_by_its_error_at_most_and_who_is_missing_has_few(
            calls in prop::collection::vec(0_u128..40, 0..600), most in 1_usize..20,
        ) {
            let mut accounts = Accounts::new(most);
            let mut exact = HashMap::new();
            for &id in &calls {
                *accounts.count(id, || 0_u64).unwrap() += 1;
                *exact.entry(id).or_insert(0) += 1;
            }
            prop_assert!(accounts.held().len() <= most);
            for held in accounts.held() {
                let did: u64 = exact.remove(&held.id).unwrap();
                prop_assert!(held.calls - held.error <= did && did <= held.calls);
                prop_assert!(held.account <= did && did <= held.account + held.error);
            }
            prop_assert!(exact.values().all(|&did| did <= accounts.floor()));
        }
    }
}
