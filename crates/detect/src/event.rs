//! A call as detectors see it: hashes and numbers of a fixed size, and where its text lies.

use ratewarden_model::{Call, CallCaller, Held};

use crate::filter::Shown;
use crate::hash;
use crate::route::{Kinds, RouteId};

/// What detectors know of a call.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Event {
    /// The detectors whose filters let it pass.
    pub(crate) detectors: u128,
    /// As an IPv6 number; 0 where it is not said.
    pub(crate) address: u128,
    pub(crate) second: u32,
    pub(crate) route: RouteId,
    // Hashes; 0 where there is nothing.
    pub(crate) source: u64,
    pub(crate) caller: u64,
    pub(crate) token: u64,
    pub(crate) user: u64,
    pub(crate) path: u64,
    pub(crate) template: u64,
    pub(crate) query: u64,
    pub(crate) agent: u64,
    pub(crate) key: u64,
    pub(crate) bytes: u64,
    /// The number in its path or cursor.
    pub(crate) number: u64,
    /// The page size asked for; 0: none.
    pub(crate) limit: u32,
    /// How long it took, in microseconds; [`UNSAID`] where the source does not say.
    pub(crate) micros: u32,
    pub(crate) status: u16,
    pub(crate) kinds: Kinds,
    pub(crate) shown: Shown,
    pub(crate) held: Option<Held>,
    pub(crate) text: Place,
}

/// Not a time that a call took.
pub(crate) const UNSAID: u32 = u32::MAX;

/// A detector of those that ask calls themselves wants a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Hit {
    /// The place of the detector among all.
    pub(crate) detector: u16,
    /// Which of its questions holds.
    pub(crate) part: u16,
    /// The place of the call in its batch.
    pub(crate) event: u32,
}

/// Where the text of a call lies in its second's store.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Place {
    begin: u32,
    lengths: [u16; PARTS],
}

const PARTS: usize = 6;
/// The most bytes that are kept of method, target, agent, user, key and name of the caller.
const MOST: [usize; PARTS] = [16, 200, 100, 64, 64, 64];

/// The text of a call.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Text<'t> {
    pub(crate) method: &'t [u8],
    pub(crate) target: &'t [u8],
    pub(crate) agent: &'t [u8],
    pub(crate) user: &'t [u8],
    pub(crate) key: &'t [u8],
    /// The name of a known caller, or its hash.
    pub(crate) caller: &'t [u8],
}

/// Calls of one second, with their text.
#[derive(Debug, Default)]
pub(crate) struct Batch {
    pub(crate) second: u32,
    pub(crate) events: Vec<Event>,
    /// `None` until there is one: most batches have none.
    #[expect(clippy::box_collection, reason = "measured: a batch is moved for each call")]
    hits: Option<Box<Vec<Hit>>>,
    text: Vec<u8>,
}

impl Batch {
    /// Adds a call whose text is that of `call`; `key` is the partition key's.
    #[inline]
    pub(crate) fn add(&mut self, mut event: Event, call: &Call<'_>, key: &[u8]) {
        let digits;
        let caller: &[u8] = match call.caller {
            CallCaller::Hashed { id, name: b"" } => {
                digits = short(id);
                &digits
            }
            CallCaller::Hashed { name, .. } => name,
            _ => b"",
        };
        let mut place =
            Place { begin: u32::try_from(self.text.len()).unwrap_or(u32::MAX), lengths: [0; PARTS] };
        let parts = [call.method, call.target, call.agent, call.user, key, caller];
        for ((part, most), length) in parts.into_iter().zip(MOST).zip(&mut place.lengths) {
            // Most calls have none of the last three.
            if part.is_empty() {
                continue;
            }
            let kept = part.get(..most).unwrap_or(part);
            *length = u16::try_from(kept.len()).unwrap_or(0);
            self.text.extend_from_slice(kept);
        }
        event.text = place;
        self.events.push(event);
    }

    /// The text of one of its events.
    pub(crate) fn text(&self, place: &Place) -> Text<'_> {
        let mut rest = self.text.get(place.begin as usize..).unwrap_or_default();
        let mut parts = place.lengths.iter().map(|&length| {
            let (part, after) = rest.split_at_checked(usize::from(length)).unwrap_or_default();
            rest = after;
            part
        });
        let mut next = || parts.next().unwrap_or_default();
        Text { method: next(), target: next(), agent: next(), user: next(), key: next(), caller: next() }
    }

    /// The calls that detectors want which ask calls themselves.
    #[inline]
    pub(crate) fn hits(&self) -> &[Hit] {
        self.hits.as_ref().map_or(&[], |hits| hits.as_slice())
    }

    pub(crate) fn hits_mut(&mut self) -> &mut Vec<Hit> {
        self.hits.get_or_insert_default()
    }

    /// What the event at `index` says, for an order that does not depend on when it came, nor on how texts are hashed.
    pub(crate) fn said(&self, index: u32) -> (u128, u64, u32, u16, [&[u8]; PARTS]) {
        let Some(event) = self.events.get(index as usize) else { return (0, 0, 0, 0, [b""; PARTS]) };
        let text = self.text(&event.text);
        let texts = [text.target, text.method, text.agent, text.user, text.key, text.caller];
        (event.address, event.bytes, event.micros, event.status, texts)
    }

    /// Adds the event at `index` of another batch, with its text.
    pub(crate) fn copy(&mut self, index: usize, from: &Self) {
        let Some(event) = from.events.get(index) else { return };
        let place = u32::try_from(self.events.len()).unwrap_or(u32::MAX);
        for hit in from.hits().iter().filter(|hit| hit.event as usize == index) {
            self.hits_mut().push(Hit { event: place, ..*hit });
        }
        let begin = u32::try_from(self.text.len()).unwrap_or(u32::MAX);
        let length: usize = event.text.lengths.iter().map(|&length| usize::from(length)).sum();
        let start = event.text.begin as usize;
        self.text.extend_from_slice(from.text.get(start..start + length).unwrap_or_default());
        self.second = event.second;
        self.events.push(Event { text: Place { begin, ..event.text }, ..*event });
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.events.is_empty()
    }

    /// One without calls.
    pub(crate) fn of(second: u32) -> Self {
        Self { second, ..Self::default() }
    }

    /// Bytes of what is in it.
    #[inline(always)]
    pub(crate) fn bytes(&self) -> usize {
        self.events.len() * size_of::<Event>() + size_of_val(self.hits()) + self.text.len()
    }

    pub(crate) fn clear(&mut self) {
        self.events.clear();
        if let Some(hits) = &mut self.hits {
            hits.clear();
        }
        self.text.clear();
    }
}

/// The last twelve digits of a hash.
fn short(id: u128) -> [u8; 12] {
    std::array::from_fn(|place| {
        let digit = id >> (4 * (11 - place)) & 0xf;
        b"0123456789abcdef"[usize::try_from(digit).unwrap_or_default()]
    })
}

impl Event {
    /// The network it is from, as a hash.
    pub(crate) fn prefix(&self, hasher: &hash::Hasher) -> u64 {
        if self.address == 0 { 0 } else { hasher.wide(hash::network(self.address)) }
    }

    /// The larger network it is from.
    pub(crate) fn wide_network(&self, hasher: &hash::Hasher) -> u64 {
        if self.address == 0 { 0 } else { hasher.wide(hash::wide_network(self.address)) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_digits_of_a_hash_stand_for_it() {
        assert_eq!(&short(0x1234_5678_9abc_def0), b"56789abcdef0");
    }
}
