//! What somebody holds: clusters that are alive, GPUs held for long.
//!
//! A level is read where the source says it (`held`), or kept by adding what is created and taking off what is ended.
//! Holding much for a moment is no abuse, for a large job does that. A share is looked at on average over the window: it is
//! too much when most of it came without a submission of the same caller shortly before, and in any case when it is half
//! as much again as is allowed. Whether others wait for it cannot be seen from what is held; on a cluster with one user the
//! policy switches the detector off.

use std::collections::HashMap;

use ratewarden_model::Resource;

use super::{Over, Seen};
use crate::event::Event;
use crate::route::Kinds;
use crate::spec::RouteKind;

/// Groups that are kept.
const GROUPS: usize = 1 << 14;
/// A reading holds for so many seconds at most, if no other follows.
const HOLDS: u32 = 300;
/// A submission explains growth for so many seconds.
const EXPLAINS: u32 = 600;
/// Stretches of the window.
const PLACES: u32 = 8;

#[derive(Debug)]
pub(crate) struct Level {
    groups: HashMap<u64, Holder>,
    resource: Resource,
    most: Option<f64>,
    percent: Option<u32>,
    /// Seconds of a stretch.
    length: u32,
}

#[derive(Debug, Clone, Copy, Default)]
struct Holder {
    amount: f64,
    /// What of it came without a submission.
    unmatched: f64,
    last: u32,
    submitted: u32,
    since: u32,
    number: u32,
    /// Amount times seconds, all there is times seconds, and seconds, of each stretch.
    held: [f64; PLACES as usize],
    total: [f64; PLACES as usize],
    covered: [u32; PLACES as usize],
}

impl Level {
    pub(crate) fn new(resource: Resource, most: Option<f64>, percent: Option<u32>, seconds: u32) -> Self {
        Self { groups: HashMap::new(), resource, most, percent, length: seconds.div_ceil(PLACES - 1).max(1) }
    }

    pub(crate) fn see(&mut self, group: u64, event: &Event) -> Seen {
        if self.groups.len() >= GROUPS && !self.groups.contains_key(&group) {
            let old = event.second.saturating_sub(self.length * PLACES);
            self.groups.retain(|_, holder| holder.last > old || holder.amount > 0.0);
            if self.groups.len() >= GROUPS {
                return Seen::Quiet;
            }
        }
        let (length, resource) = (self.length, self.resource);
        let holder = self.groups.entry(group).or_default();
        if event.second < holder.last {
            return Seen::Quiet;
        }
        match event.held.filter(|held| held.resource == resource) {
            Some(held) => holder.read(event.second, held.amount, held.total, length),
            None => holder.call(event, resource),
        }
        let count = |amount: f64| {
            #[expect(
                clippy::cast_possible_truncation,
                clippy::cast_sign_loss,
                reason = "float to int saturates"
            )]
            let count = amount.max(0.0).round() as u64;
            count
        };
        let over = |count| Seen::Over(Over { count, error: 0, since: holder.since });
        if self.most.is_some_and(|most| holder.amount > most) {
            return over(count(holder.amount));
        }
        let Some(percent) = self.percent else { return Seen::Quiet };
        let share = holder.share(length) * 100.0;
        let is_unexplained = holder.unmatched * 2.0 >= holder.amount;
        let allowed = f64::from(percent) * if is_unexplained { 1.0 } else { 1.5 };
        if share >= allowed && holder.amount > 0.0 {
            return over(count(holder.amount));
        }
        Seen::Quiet
    }

    pub(crate) fn bytes(&self) -> usize {
        self.groups.capacity() * (size_of::<Holder>() + size_of::<u64>())
    }
}

impl Holder {
    /// A reading of the level.
    fn read(&mut self, second: u32, amount: f64, total: Option<f64>, length: u32) {
        if !amount.is_finite() || amount < 0.0 {
            return;
        }
        let passed = if self.last == 0 { 0 } else { (second - self.last).min(HOLDS) };
        self.advance(second, length);
        let place = (self.number % PLACES) as usize;
        self.held[place] += self.amount * f64::from(passed);
        self.covered[place] += passed;
        if let Some(total) = total.filter(|total| total.is_finite() && *total > 0.0) {
            self.total[place] += total * f64::from(passed);
        }
        let grown = amount - self.amount;
        if grown > 0.0 && (self.submitted == 0 || second - self.submitted > EXPLAINS) {
            self.unmatched += grown;
        }
        self.set(second, amount);
    }

    /// A call that creates or ends something, or submits a job.
    fn call(&mut self, event: &Event, resource: Resource) {
        let kinds = event.kinds;
        let is_done = event.status == 0 || (200..400).contains(&event.status);
        if kinds.has(RouteKind::Job.as_kinds()) && is_done {
            self.submitted = event.second;
        }
        if resource != Resource::Cluster || !is_done {
            return;
        }
        if kinds.has(Kinds::CLUSTER) {
            self.set(event.second, self.amount + 1.0);
        } else if kinds.has(Kinds::CLUSTER_END) {
            self.set(event.second, (self.amount - 1.0).max(0.0));
        }
    }

    fn set(&mut self, second: u32, amount: f64) {
        if self.amount <= 0.0 && amount > 0.0 {
            self.since = second;
        }
        (self.amount, self.last) = (amount, second);
        self.unmatched = self.unmatched.min(amount);
    }

    fn advance(&mut self, second: u32, length: u32) {
        let number = second / length;
        for back in 0..number.saturating_sub(self.number).min(PLACES) {
            let place = ((number - back) % PLACES) as usize;
            (self.held[place], self.total[place], self.covered[place]) = (0.0, 0.0, 0);
        }
        self.number = number;
    }

    /// The share of all there is, on average over the window; 0 while less than three quarters of it were seen.
    fn share(&self, length: u32) -> f64 {
        let covered: u32 = self.covered.iter().sum();
        let total: f64 = self.total.iter().sum();
        if covered * 4 < length * (PLACES - 1) * 3 || total <= 0.0 {
            return 0.0;
        }
        self.held.iter().sum::<f64>() / total
    }
}
