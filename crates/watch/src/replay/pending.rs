//! Calls under way: what must be given back or settled when they end.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use ratewarden_counters::{Counters, Key};
use ratewarden_judge::is_concurrency;
use ratewarden_limiter::{Rule, Time};

/// Charges that wait for the end of their call at most; the one that ends first is brought to its end before its time
/// where there are more.
const MOST: usize = 262_144;

/// A charge of a call that has not ended.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Charge {
    pub(crate) key: Key,
    pub(crate) rule: Rule,
    pub(crate) cost: u64,
    pub(crate) overflow: bool,
    /// What it costs instead, once it has ended.
    pub(crate) instead: Option<u64>,
}

/// Charges, by when their calls end.
#[derive(Debug, Default)]
pub(crate) struct Pending {
    /// The end, the number of the charge, and the place of the charge.
    ends: BinaryHeap<Reverse<(Time, u64, usize)>>,
    charges: Vec<Charge>,
    free: Vec<usize>,
    number: u64,
    /// Charges that were ended before their time.
    pub(crate) cut: u64,
}

impl Pending {
    /// Keeps a charge until `ends`.
    pub(crate) fn add(&mut self, ends: Time, charge: Charge, counters: &Counters) {
        if self.ends.len() >= MOST
            && let Some(Reverse((first, _, _))) = self.ends.peek()
        {
            self.cut += 1;
            let first = *first;
            self.end_first(first, counters);
        }
        let place = self.free.pop().unwrap_or(self.charges.len());
        match self.charges.get_mut(place) {
            Some(free) => *free = charge,
            None => self.charges.push(charge),
        }
        self.number += 1;
        self.ends.push(Reverse((ends, self.number, place)));
    }

    /// Ends what ends until `now`.
    pub(crate) fn end(&mut self, now: Time, counters: &Counters) {
        while let Some(&Reverse((ends, _, _))) = self.ends.peek()
            && ends <= now
        {
            self.end_first(ends, counters);
        }
    }

    fn end_first(&mut self, at: Time, counters: &Counters) {
        let Some(Reverse((_, _, place))) = self.ends.pop() else { return };
        self.free.push(place);
        if let Some(charge) = self.charges.get(place) {
            charge.settle(at, counters);
        }
    }
}

impl Charge {
    /// The call has ended.
    pub(crate) fn settle(&self, now: Time, counters: &Counters) {
        if is_concurrency(&self.rule) {
            counters.refund(&self.key, &self.rule, self.cost, self.overflow);
            return;
        }
        match self.instead {
            Some(cost) if cost > self.cost => {
                counters.settle(&self.key, &self.rule, cost - self.cost, self.overflow, now);
            }
            Some(cost) if cost < self.cost => {
                counters.refund(&self.key, &self.rule, self.cost - cost, self.overflow);
            }
            _ => {}
        }
    }
}
