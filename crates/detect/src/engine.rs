//! Calls in, findings out: everything that is between.
//!
//! A call becomes an [`Event`] at once and waits in the batch of its second ([`Order`]); when the batch is released, each
//! detector whose filter lets an event pass takes it. What a detector finds becomes an episode of a [`Case`]: it opens,
//! grows while calls go on being over, and ends when none was for a while.

mod derive;
mod episode;
mod findings;
mod lanes;

use std::collections::HashMap;

use ratewarden_model::Call;

use crate::detector::{Around, Machine, Seen};
use crate::event::{Batch, Event};
use crate::finding::Case;
use crate::geography::Geography;
use crate::hash::Hasher;
use crate::order::{Admitted, Order};
use crate::spec::{By, Detector, MAX_DETECTORS, MAX_TESTED};
use derive::Intake;
use episode::Episode;
pub use findings::{News, NewsState};
use lanes::Lanes;

/// Seconds between two looks at all groups, counted from 1970.
const LOOK: u32 = 10;
/// A call that is later than this, in seconds, may have a wrong date: it does not say when the log begins.
const LATE: u32 = 600;
/// Cases that are kept.
const CASES: usize = 10_000;

/// What an engine is made from.
#[derive(Debug)]
pub struct Settings {
    /// What is looked for; at most [`MAX_DETECTORS`], and [`MAX_TESTED`] of those that ask calls themselves
    /// ([`Filter::when`](crate::Filter::when)). What is over is left out.
    pub detectors: Vec<Detector>,
    /// How late a call may come, in seconds, 0 to 600.
    pub lateness: u32,
    /// Where addresses are.
    pub geography: Option<Box<dyn Geography>>,
    /// Bits of the network of IPv6 that counts as one address, as the gateway counts it, 1 to 128. A line has a whole /64, from
    /// which its owner takes addresses as he likes.
    pub ipv6_prefix: u8,
    /// Against who would choose values whose hashes collide; findings do not depend on it.
    pub seed: u64,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            detectors: crate::defaults::detectors(),
            lateness: 10,
            geography: None,
            ipv6_prefix: 64,
            seed: 0,
        }
    }
}

/// What became of calls that are not like others.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Counts {
    /// Calls that were given.
    pub calls: u64,
    /// Calls that came later than the lateness; they count where windows still reach.
    pub late: u64,
    /// Calls whose time is far ahead of all others; they do not count.
    pub misdated: u64,
    /// Times that time went back.
    pub backwards: u64,
    /// Findings that have no place any more.
    pub findings_left_out: u64,
}

/// All detectors, over all calls.
#[derive(Debug)]
pub struct Engine {
    detectors: Vec<Detector>,
    /// So many of them have a bit; those after them ask calls themselves.
    plain: usize,
    machines: Vec<Machine>,
    intake: Intake,
    geography: Option<Box<dyn Geography>>,
    order: Order,
    /// The call that is far ahead, if one is and any detector wants it.
    ahead: Batch,
    is_ahead: bool,
    spare: Batch,
    lanes: Lanes,
    episodes: HashMap<(usize, u64), Episode>,
    /// Episodes that opened or want samples in the batch that is being looked at.
    wanting: Vec<(usize, u64)>,
    cases: HashMap<String, Case>,
    news: Vec<News>,
    /// Nobody asks for news.
    is_quiet: bool,
    next_look: u32,
    /// The newest second of which calls were looked at.
    seen_until: u32,
    /// The first and the last second of calls whose time is believed.
    span: Option<(u32, u32)>,
    counts: Counts,
}

impl Engine {
    /// An engine that has seen nothing.
    #[must_use]
    pub fn new(settings: Settings) -> Self {
        let (mut tested, mut detectors): (Vec<_>, Vec<_>) =
            settings.detectors.into_iter().partition(Detector::is_tested);
        detectors.truncate(MAX_DETECTORS);
        tested.truncate(MAX_TESTED);
        let plain = detectors.len();
        let hasher = Hasher::new(settings.seed).counting(settings.ipv6_prefix);
        let intake = Intake::new(&detectors, &tested, hasher);
        detectors.append(&mut tested);
        Self {
            machines: Machine::all(&detectors, plain),
            plain,
            intake,
            geography: settings.geography,
            order: Order::new(settings.lateness.min(600)),
            ahead: Batch::default(),
            is_ahead: false,
            spare: Batch::default(),
            lanes: Lanes::default(),
            episodes: HashMap::new(),
            wanting: Vec::new(),
            cases: HashMap::new(),
            news: Vec::new(),
            is_quiet: false,
            next_look: 0,
            seen_until: 0,
            span: None,
            counts: Counts::default(),
            detectors,
        }
    }

    /// Takes a call. One that shows a credential that is not hashed counts as one without.
    #[inline]
    pub fn see(&mut self, call: &Call<'_>) {
        self.counts.calls += 1;
        let second =
            u32::try_from(call.at_ms.div_euclid(1000)).unwrap_or(if call.at_ms < 0 { 0 } else { u32::MAX });
        match self.order.admit(second) {
            Admitted::Waits => {
                self.believe(second);
                self.settle_ahead();
                if self.order.is_due() {
                    self.release(false);
                }
            }
            Admitted::Late => {
                self.counts.late += 1;
                if second.saturating_add(LATE) >= self.order.floor() {
                    self.believe(second);
                }
                let mut batch = Batch::of(second);
                self.intake.put(call, second, &mut batch);
                self.look_at(&batch);
                return;
            }
            Admitted::Ahead(is_believed) => {
                if is_believed {
                    self.settle_ahead();
                }
                self.counts.misdated += u64::from(std::mem::replace(&mut self.is_ahead, true));
                self.ahead.clear();
                self.ahead.second = second;
                self.intake.put(call, second, &mut self.ahead);
                return;
            }
            Admitted::Backwards => {
                self.believe(second);
                self.begin_anew(second);
            }
        }
        let batch = self.order.batch(second);
        let before = batch.bytes();
        self.intake.put(call, second, batch);
        let added = batch.bytes() - before;
        self.order.note(added);
    }

    /// Time has come to `at_ms` although no call says so: what waits is released, and what is over ends.
    pub fn advance(&mut self, at_ms: i64) {
        let second = u32::try_from(at_ms.div_euclid(1000)).unwrap_or(0);
        self.order.advance(second);
        self.release(false);
        self.look_around(self.order.floor(), false);
    }

    /// No call comes any more: everything that waits is looked at, and every finding ends.
    pub fn finish(&mut self) {
        self.order.believe();
        self.settle_ahead();
        self.release(true);
        self.look_around(self.seen_until.saturating_add(1), true);
        self.end_episodes(u32::MAX);
    }

    /// What became of calls that are not like others.
    #[must_use]
    pub const fn counts(&self) -> Counts {
        self.counts
    }

    /// Bytes that detectors have allocated.
    #[must_use]
    pub fn bytes(&self) -> usize {
        self.machines.iter().map(Machine::bytes).sum()
    }

    /// The seconds before this are looked at whole: what was read before them need not be read again.
    #[must_use]
    pub const fn settled_until(&self) -> u32 {
        self.order.floor()
    }

    /// The first and the last second of calls whose time is believed; `None` before the first.
    #[must_use]
    pub const fn span(&self) -> Option<(u32, u32)> {
        self.span
    }

    fn believe(&mut self, second: u32) {
        let (first, last) = self.span.unwrap_or((second, second));
        self.span = Some((first.min(second), last.max(second)));
    }

    /// A call far ahead and one that agrees: both are believed.
    #[inline]
    fn settle_ahead(&mut self) {
        if self.is_ahead {
            self.settle_ahead_now();
        }
    }

    #[inline(never)]
    fn settle_ahead_now(&mut self) {
        let ahead = std::mem::take(&mut self.ahead);
        self.is_ahead = false;
        self.release(false);
        if self.order.is_ahead(ahead.second) {
            self.counts.misdated += 1;
            return;
        }
        self.believe(ahead.second);
        for index in 0..ahead.events.len() {
            if ahead.second < self.order.floor() {
                let mut batch = Batch::of(ahead.second);
                batch.copy(index, &ahead);
                self.look_at(&batch);
            } else {
                let batch = self.order.batch(ahead.second);
                let before = batch.bytes();
                batch.copy(index, &ahead);
                let added = batch.bytes() - before;
                self.order.note(added);
            }
        }
    }

    fn begin_anew(&mut self, second: u32) {
        self.counts.backwards += 1;
        self.release(true);
        self.look_around(self.seen_until.saturating_add(1), true);
        self.end_episodes(u32::MAX);
        self.machines = Machine::all(&self.detectors, self.plain);
        self.intake.leave_out(std::iter::empty());
        (self.next_look, self.seen_until) = (0, 0);
        self.order.start(second);
    }

    fn release(&mut self, all: bool) {
        loop {
            match self.order.release(all, std::mem::take(&mut self.spare)) {
                Ok(mut batch) => {
                    if batch.second >= self.next_look {
                        self.look_around(batch.second, false);
                    }
                    self.look_at(&batch);
                    batch.clear();
                    self.spare = batch;
                }
                Err(empty) => {
                    self.spare = empty;
                    return;
                }
            }
        }
    }

    /// Gives a batch to the detectors.
    fn look_at(&mut self, batch: &Batch) {
        self.seen_until = self.seen_until.max(batch.second);
        let mut around = Around {
            hasher: &self.intake.hasher,
            batch,
            geography: self.geography.as_deref(),
            routes: &self.intake.routes,
            of: By::All,
            part: 0,
        };
        let mut over = Vec::new();
        self.lanes.fill(batch.events.iter().map(|event| event.detectors));
        while let Some(place) = self.lanes.next() {
            let (Some(machine), Some(detector)) = (self.machines.get_mut(place), self.detectors.get(place))
            else {
                break;
            };
            around.of = detector.per.first().copied().unwrap_or(By::All);
            self.lanes.give(place, machine, &around, |event, group, seen| {
                over.push((place, group, batch.events[event as usize], seen));
            });
        }
        if !batch.hits().is_empty() {
            self.look_at_hits(batch, &mut over);
        }
        for (place, group, event, seen) in over {
            self.follow(place, group, &event, seen, batch);
        }
        if !self.wanting.is_empty() {
            self.gather(batch);
        }
    }

    /// Gives the calls of a batch to the detectors that asked them themselves: by detector, question and what the calls say,
    /// so that the order in which they came within a second changes nothing.
    #[inline(never)]
    fn look_at_hits(&mut self, batch: &Batch, over: &mut Vec<(usize, u64, Event, Seen)>) {
        let mut hits = batch.hits().to_vec();
        hits.sort_unstable_by_key(|hit| (hit.detector, hit.part, batch.said(hit.event)));
        for hit in hits {
            let place = usize::from(hit.detector);
            let (Some(machine), Some(detector), Some(event)) = (
                self.machines.get_mut(place),
                self.detectors.get(place),
                batch.events.get(hit.event as usize),
            ) else {
                continue;
            };
            let around = Around {
                hasher: &self.intake.hasher,
                batch,
                geography: self.geography.as_deref(),
                routes: &self.intake.routes,
                of: detector.per.first().copied().unwrap_or(By::All),
                part: hit.part,
            };
            let group = machine.group(event, &around);
            if group == 0 {
                continue;
            }
            match machine.see(group, event, &around) {
                Seen::Quiet => {}
                seen => over.push((place, group, *event, seen)),
            }
        }
    }

    /// Looks at all groups, if it is time.
    fn look_around(&mut self, second: u32, is_end: bool) {
        if second < self.next_look && !is_end {
            return;
        }
        self.next_look = (second / LOOK + 1) * LOOK;
        for place in 0..self.machines.len() {
            let raised =
                self.machines.get_mut(place).map(|machine| machine.tick(second, is_end)).unwrap_or_default();
            for one in raised {
                self.raise(place, one, second.saturating_sub(1).min(self.seen_until));
            }
        }
        self.intake.leave_out(self.machines.iter().map(Machine::is_over));
        self.end_episodes(second);
    }
}
