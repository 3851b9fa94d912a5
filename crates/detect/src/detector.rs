//! The detectors: each a small type that takes calls of groups and says when a group is over.
//!
//! A detector knows neither texts nor findings. It is told the group's hash, the call, and the value that is counted,
//! and answers with [`Seen`]. The engine keeps what follows: episodes, samples, ends.

mod baseline;
mod both;
mod chain;
mod crowd;
mod distinct;
mod few;
mod front;
mod growth;
mod level;
mod peers;
mod rate;
mod ratio;
mod refused;
mod sequence;
mod share;
mod total;
mod travel;

use ratewarden_model::Subject;

use crate::event::{Batch, Event};
use crate::geography::Geography;
use crate::hash::Hasher;
use crate::route::Routes;
use crate::spec::{By, Detector, Kind, Quantity};

/// What a detector says to a call.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Seen {
    /// Nothing.
    Quiet,
    /// The group has an open finding but is not over at the moment.
    Under,
    /// The group is over.
    Over(Over),
}

/// How far a group is over.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Over {
    /// Calls or values that it has.
    pub(crate) count: u64,
    /// By how much that may be wrong.
    pub(crate) error: u64,
    /// Since which second.
    pub(crate) since: u32,
}

/// A group that a look at all groups found to be over.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Raised {
    pub(crate) key: u64,
    pub(crate) subject: Subject,
    /// What else there is to say of it.
    pub(crate) facts: Vec<(&'static str, serde_json::Value)>,
    pub(crate) over: Over,
}

/// What detectors can ask beside the call.
pub(crate) struct Around<'a> {
    pub(crate) hasher: &'a Hasher,
    pub(crate) batch: &'a Batch,
    pub(crate) geography: Option<&'a dyn Geography>,
    pub(crate) routes: &'a Routes,
    /// What a finding of the detector that is asked is about.
    pub(crate) of: By,
    /// Which of the detector's questions holds of the call.
    pub(crate) part: u16,
}

/// Bytes that the groups of all detectors that ask calls themselves may take together, and that one of them may take.
const TESTED: usize = 64 << 20;
const MOST: usize = 8 << 20;
/// Windows of at most so many seconds have smaller fields: of many keys at once, and less exact.
const SHORT: u32 = 30;

/// One detector with all its groups.
#[derive(Debug)]
pub(crate) struct Machine {
    per: Vec<By>,
    /// What is counted of a call, where it is not the call itself.
    of: Option<By>,
    inner: Inner,
}

#[derive(Debug)]
enum Inner {
    Rate(rate::Rate),
    Few(distinct::Distinct<1>),
    Dozens(distinct::Distinct<2>),
    Hundreds(distinct::Distinct<4>),
    Thousands(distinct::Distinct<64>),
    Share(share::Share),
    Ratio(ratio::Ratio),
    Sequence(sequence::Sequence),
    Growth(growth::Growth),
    Peers(peers::Peers),
    Level(level::Level),
    Travel(travel::Travel),
    Baseline(baseline::Baseline),
    /// Bytes, or microseconds.
    Total(total::Total, Quantity),
    FewExactly(few::Few),
    /// Which of several questions held, in any order.
    Together(few::Few),
    Chain(chain::Chain),
    Crowd(crowd::Crowd),
    /// With the second of the two things.
    Both(both::Both, By),
    Refused(refused::Refused),
    Front(front::Front),
}

impl Machine {
    /// The machines of `detectors`, of which the first `plain` do not ask calls themselves.
    pub(crate) fn all(detectors: &[Detector], plain: usize) -> Vec<Self> {
        let share = TESTED / detectors.len().saturating_sub(plain).max(1);
        let bytes = |place: usize| (place >= plain).then_some(share.min(MOST));
        detectors.iter().enumerate().map(|(place, detector)| Self::new(detector, bytes(place))).collect()
    }

    /// A machine whose groups take about `bytes` at most, where that is said.
    fn new(detector: &Detector, bytes: Option<usize>) -> Self {
        let seconds = detector.seconds;
        let most = bytes.unwrap_or(MOST);
        let mut of = None;
        let inner = match &detector.kind {
            Kind::Rate { calls, filled } => Inner::Rate(rate::Rate::new(*calls, *filled, seconds, bytes)),
            Kind::Distinct { of: what, values, percent: 0 } if bytes.is_some() && *values <= few::VALUES => {
                of = Some(*what);
                Inner::FewExactly(few::Few::new(*values, seconds, most))
            }
            Kind::Distinct { of: what, values, percent } => {
                of = Some(*what);
                match values {
                    // How mixed calls are is told of more values than how many are too many.
                    0..=12 if *percent == 0 => {
                        Inner::Few(distinct::Distinct::new(*values, *percent, seconds, most))
                    }
                    13..=50 if seconds <= SHORT => {
                        Inner::Dozens(distinct::Distinct::new(*values, *percent, seconds, most))
                    }
                    0..=300 => Inner::Hundreds(distinct::Distinct::new(*values, *percent, seconds, most)),
                    _ => Inner::Thousands(distinct::Distinct::new(*values, *percent, seconds, most)),
                }
            }
            Kind::Share { of: what, percent, calls } => {
                of = Some(*what);
                Inner::Share(share::Share::new(*what, *percent, *calls, seconds))
            }
            Kind::Ratio { failed, percent, calls } => {
                Inner::Ratio(ratio::Ratio::new(failed.clone(), *percent, *calls, seconds))
            }
            Kind::Sequence { numbers } => Inner::Sequence(sequence::Sequence::new(*numbers, seconds)),
            Kind::Growth { times, factor, limit } => {
                Inner::Growth(growth::Growth::new(*times, *factor, *limit, seconds))
            }
            Kind::Peers { bytes, factor } => Inner::Peers(peers::Peers::new(*bytes, *factor, seconds)),
            Kind::Level { resource, most, percent } => {
                Inner::Level(level::Level::new(*resource, *most, *percent, seconds))
            }
            Kind::Travel { kmh, km } => Inner::Travel(travel::Travel::new(*kmh, *km, seconds)),
            Kind::Baseline { factor, calls } => Inner::Baseline(baseline::Baseline::new(*factor, *calls)),
            Kind::Crowd { calls, filled, of: what, values } => {
                of = Some(*what);
                let rate = rate::Rate::new(*calls, *filled, seconds, bytes);
                Inner::Crowd(crowd::Crowd::new(rate, distinct::Distinct::new(*values, 0, seconds, most)))
            }
            Kind::Both { of: what, values, and, others } => {
                of = Some(*what);
                let values = distinct::Distinct::new(*values, 0, seconds, most);
                Inner::Both(both::Both::new(values, distinct::Distinct::new(*others, 0, seconds, most)), *and)
            }
            Kind::Refused { credentials, percent } => {
                Inner::Refused(refused::Refused::new(*credentials, *percent, seconds, most))
            }
            Kind::Front { addresses, agents } => Inner::Front(front::Front::new(*addresses, *agents)),
            Kind::Daily { calls } => Inner::Rate(rate::Rate::daily(*calls)),
            Kind::Total { of: what, measure, bound, or_equal } => {
                let scale = if *what == Quantity::Millis { 1000.0 } else { 1.0 };
                let total = total::Total::new(*measure, (*bound, *or_equal), scale, seconds, most);
                Inner::Total(total, *what)
            }
            Kind::Together { parts, ordered: true, .. } => {
                Inner::Chain(chain::Chain::new(parts.len(), seconds, most))
            }
            Kind::Together { least, .. } => Inner::Together(few::Few::new(*least, seconds, most)),
        };
        Self { per: detector.per.clone(), of, inner }
    }

    /// The group of a call: 0 where the call lacks something.
    #[inline(always)]
    pub(crate) fn group(&self, event: &Event, around: &Around<'_>) -> u64 {
        let key = match self.per.as_slice() {
            [one] => value(*one, event, around),
            [one, two] => crate::hash::both(value(*one, event, around), value(*two, event, around)),
            several => several.iter().fold(1, |key, by| crate::hash::both(key, value(*by, event, around))),
        };
        match &self.inner {
            Inner::Sequence(_) => sequence::Sequence::group(key, event.number),
            _ => key,
        }
    }

    /// What an open finding is kept under: the group, and for a share the value as well.
    pub(crate) fn episode(&self, event: &Event, around: &Around<'_>) -> u64 {
        let group = self.group(event, around);
        match (&self.inner, self.of) {
            (Inner::Share(_), Some(of)) => crate::hash::both(group, value(of, event, around)),
            _ => group,
        }
    }

    /// Brings near what [`see`](Self::see) will ask of these groups.
    #[inline(never)]
    pub(crate) fn touch(&self, groups: &[u64]) {
        fn all(groups: &[u64], touch: impl Fn(u64) -> u8) {
            // What is read is used by nobody, and must be read nevertheless.
            std::hint::black_box(groups.iter().fold(0, |sum, &group| sum ^ touch(group)));
        }
        match &self.inner {
            Inner::Rate(rate) => all(groups, |group| rate.touch(group)),
            Inner::Few(distinct) => all(groups, |group| distinct.touch(group)),
            Inner::Dozens(distinct) => all(groups, |group| distinct.touch(group)),
            Inner::Hundreds(distinct) => all(groups, |group| distinct.touch(group)),
            Inner::Thousands(distinct) => all(groups, |group| distinct.touch(group)),
            Inner::Ratio(ratio) => all(groups, |group| ratio.touch(group)),
            Inner::Sequence(sequence) => all(groups, |group| sequence.touch(group)),
            Inner::Growth(growth) => all(groups, |group| growth.touch(group)),
            Inner::Peers(peers) => all(groups, |group| peers.touch(group)),
            Inner::Travel(travel) => all(groups, |group| travel.touch(group)),
            Inner::Total(total, _) => all(groups, |group| total.touch(group)),
            Inner::FewExactly(few) | Inner::Together(few) => all(groups, |group| few.touch(group)),
            Inner::Crowd(crowd) => all(groups, |group| crowd.touch(group)),
            Inner::Chain(chain) => all(groups, |group| chain.touch(group)),
            Inner::Both(both, _) => all(groups, |group| both.touch(group)),
            Inner::Refused(refused) => all(groups, |group| refused.touch(group)),
            // Few groups, or maps, which cannot be asked ahead.
            Inner::Share(_) | Inner::Level(_) | Inner::Baseline(_) | Inner::Front(_) => {}
        }
    }

    /// Takes a call of a group. Always inlined: this is where most of the time goes, and the compiler inlines it by itself
    /// only where it is called from one place.
    #[inline(always)]
    pub(crate) fn see(&mut self, group: u64, event: &Event, around: &Around<'_>) -> Seen {
        let of = |by: Option<By>| match by {
            Some(by) => value(by, event, around),
            None => 0,
        };
        match &mut self.inner {
            Inner::Rate(rate) => rate.see(group, event.second),
            Inner::Few(distinct) => distinct.see(group, event.second, of(self.of)),
            Inner::Dozens(distinct) => distinct.see(group, event.second, of(self.of)),
            Inner::Hundreds(distinct) => distinct.see(group, event.second, of(self.of)),
            Inner::Thousands(distinct) => distinct.see(group, event.second, of(self.of)),
            Inner::Share(share) => share.see(group, of(self.of), event, around),
            Inner::Ratio(ratio) => ratio.see(group, event.second, event.status),
            Inner::Sequence(sequence) => sequence.see(group, event.second, event.number),
            Inner::Growth(growth) => growth.see(group, event.second, event.limit),
            Inner::Peers(peers) => peers.see(group, event),
            Inner::Level(level) => level.see(group, event),
            Inner::Travel(travel) => travel.see(group, event, around),
            Inner::Baseline(baseline) => baseline.see(group, event, around),
            Inner::Total(total, Quantity::Bytes) => total.see(group, event.second, event.bytes),
            Inner::Total(_, Quantity::Millis) if event.micros == crate::event::UNSAID => Seen::Quiet,
            Inner::Total(total, Quantity::Millis) => total.see(group, event.second, event.micros.into()),
            Inner::FewExactly(few) => few.see(group, event.second, of(self.of)),
            Inner::Together(few) => few.see(group, event.second, u64::from(around.part) + 1),
            Inner::Crowd(crowd) => crowd.see(group, event.second, of(self.of)),
            Inner::Both(both, and) => both.see(group, event.second, of(self.of), value(*and, event, around)),
            Inner::Refused(refused) => refused.see(group, event.second, event.token, event.status),
            Inner::Front(front) => {
                front.see(event, around);
                Seen::Quiet
            }
            Inner::Chain(chain) => chain.see(group, event.second, around.part.into()),
        }
    }

    /// Whether what it says of a group rises and falls with the calls of a second, so that nothing holds until all are in.
    pub(crate) const fn rises_and_falls(&self) -> bool {
        match &self.inner {
            Inner::Few(distinct) => distinct.rises_and_falls(),
            Inner::Dozens(distinct) => distinct.rises_and_falls(),
            Inner::Hundreds(distinct) => distinct.rises_and_falls(),
            Inner::Thousands(distinct) => distinct.rises_and_falls(),
            Inner::Ratio(_) => true,
            _ => false,
        }
    }

    /// What there is to say of the group of a call, of which all calls of its second were taken.
    pub(crate) fn again(&mut self, group: u64, event: &Event, around: &Around<'_>) -> Seen {
        let of = self.of.map_or(0, |by| value(by, event, around));
        match &mut self.inner {
            Inner::Few(distinct) => distinct.again(group, of),
            Inner::Dozens(distinct) => distinct.again(group, of),
            Inner::Hundreds(distinct) => distinct.again(group, of),
            Inner::Thousands(distinct) => distinct.again(group, of),
            Inner::Ratio(ratio) => ratio.again(group, event.second),
            _ => Seen::Quiet,
        }
    }

    /// Looks at all groups, at second `now`; `is_end` when nothing comes after it.
    pub(crate) fn tick(&mut self, now: u32, is_end: bool) -> Vec<Raised> {
        match &mut self.inner {
            Inner::Share(share) => share.tick(now),
            Inner::Travel(travel) => travel.tick(now, is_end),
            Inner::Baseline(baseline) => baseline.tick(now),
            Inner::Front(front) => front.tick(now),
            _ => Vec::new(),
        }
    }

    /// Whether what it says of a second depends on the order of the calls in it: they come by what they say then, those
    /// that are refused last.
    pub(crate) const fn asks_for_order(&self) -> bool {
        matches!(&self.inner, Inner::Refused(_) | Inner::Travel(_))
    }

    /// Whether no call can change anything any more.
    pub(crate) const fn is_over(&self) -> bool {
        matches!(&self.inner, Inner::Front(front) if front.is_over())
    }

    /// Says whether a group has an open finding.
    pub(crate) fn set_active(&mut self, group: u64, is_active: bool) {
        match &mut self.inner {
            Inner::Rate(rate) => rate.set_active(group, is_active),
            Inner::Few(distinct) => distinct.set_active(group, is_active),
            Inner::Dozens(distinct) => distinct.set_active(group, is_active),
            Inner::Hundreds(distinct) => distinct.set_active(group, is_active),
            Inner::Thousands(distinct) => distinct.set_active(group, is_active),
            Inner::Ratio(ratio) => ratio.set_active(group, is_active),
            Inner::Sequence(sequence) => sequence.set_active(group, is_active),
            Inner::Total(total, _) => total.set_active(group, is_active),
            Inner::FewExactly(few) | Inner::Together(few) => few.set_active(group, is_active),
            Inner::Crowd(crowd) => crowd.set_active(group, is_active),
            Inner::Chain(chain) => chain.set_active(group, is_active),
            Inner::Both(both, _) => both.set_active(group, is_active),
            Inner::Refused(refused) => refused.set_active(group, is_active),
            Inner::Share(_)
            | Inner::Growth(_)
            | Inner::Peers(_)
            | Inner::Level(_)
            | Inner::Travel(_)
            | Inner::Front(_)
            | Inner::Baseline(_) => {}
        }
    }

    /// Bytes its groups take.
    pub(crate) fn bytes(&self) -> usize {
        match &self.inner {
            Inner::Rate(rate) => rate.bytes(),
            Inner::Few(distinct) => distinct.bytes(),
            Inner::Dozens(distinct) => distinct.bytes(),
            Inner::Hundreds(distinct) => distinct.bytes(),
            Inner::Thousands(distinct) => distinct.bytes(),
            Inner::Share(share) => share.bytes(),
            Inner::Ratio(ratio) => ratio.bytes(),
            Inner::Sequence(sequence) => sequence.bytes(),
            Inner::Crowd(crowd) => crowd.bytes(),
            Inner::Growth(growth) => growth.bytes(),
            Inner::Peers(peers) => peers.bytes(),
            Inner::Level(level) => level.bytes(),
            Inner::Travel(travel) => travel.bytes(),
            Inner::Baseline(baseline) => baseline.bytes(),
            Inner::Total(total, _) => total.bytes(),
            Inner::FewExactly(few) | Inner::Together(few) => few.bytes(),
            Inner::Chain(chain) => chain.bytes(),
            Inner::Both(both, _) => both.bytes(),
            Inner::Refused(refused) => refused.bytes(),
            Inner::Front(front) => front.bytes(),
        }
    }

    /// Whether it knows the address for one that stands for many callers.
    pub(crate) fn is_front(&self, source: u64) -> bool {
        matches!(&self.inner, Inner::Front(front) if front.has(source))
    }
}

/// The hash of what a call is grouped by; 0 where the call does not have it.
#[inline(always)]
pub(crate) fn value(by: By, event: &Event, around: &Around<'_>) -> u64 {
    match by {
        By::All => 1,
        By::Caller => event.caller,
        By::Token => event.token,
        By::User => event.user,
        By::Address => event.source,
        By::Prefix => event.prefix(around.hasher),
        By::WideNetwork => event.wide_network(around.hasher),
        By::Asn => {
            place(event, around).and_then(|place| place.asn).map_or(0, |asn| around.hasher.number(asn.into()))
        }
        By::Country => place(event, around)
            .map_or(0, |place| around.hasher.number(u64::from(u16::from_be_bytes(place.country)))),
        By::Route => crate::hash::both(u64::from(event.route) + 1, 1),
        By::Template => event.template,
        By::Path => event.path,
        By::Query => event.query,
        By::Agent => event.agent,
        By::Key => event.key,
        By::Method | By::Status => rare(by, event, around),
        By::Target => crate::hash::both(event.path, event.query.max(1)),
        By::Anybody => event.caller.max(1),
    }
}

/// What no detector of ours is grouped by.
#[cold]
#[inline(never)]
fn rare(by: By, event: &Event, around: &Around<'_>) -> u64 {
    match by {
        By::Method => around.hasher.text(around.batch.text(&event.text).method),
        _ if event.status == 0 => 0,
        _ => around.hasher.number(event.status.into()),
    }
}

fn place(event: &Event, around: &Around<'_>) -> Option<crate::geography::Location> {
    if event.address == 0 {
        return None;
    }
    around.geography?.locate(crate::hash::as_address(event.address))
}
