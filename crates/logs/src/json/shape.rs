//! The shape of the last line: which keys it had, in which order.
//!
//! Programs write the same keys in the same order line after line. A key that is where the last line had it is found by
//! one comparison with its text, quotes and colon included; nothing else depends on the shape.

use crate::json::fields::Leaf;
use crate::json::text::Place;

/// Keys that are remembered of a line.
const KEYS: usize = 64;

/// How long a key may be to be remembered, with its quotes and colon.
const LENGTH: usize = 32;

/// The keys of the last line.
#[derive(Debug, Default)]
pub(crate) struct Shape {
    keys: Vec<Key>,
}

#[derive(Debug, Clone)]
struct Key {
    text: [u8; LENGTH],
    length: usize,
    /// In which object of the table it was met.
    node: u16,
    leaf: Option<Leaf>,
}

impl Shape {
    /// Passes over the key that was in this place last time, if it is here again, and gives what is known of it.
    #[inline]
    #[expect(clippy::option_option, reason = "a key may be here again and nothing known of it")]
    pub(crate) fn expect(&self, number: usize, node: u16, place: &mut Place<'_>) -> Option<Option<Leaf>> {
        let key = self.keys.get(number)?;
        let text = key.text.get(..key.length)?;
        let found = place.text.get(place.at..)?.get(..key.length)?;
        if key.node != node || !same(found, text) {
            return None;
        }
        place.at += key.length;
        Some(key.leaf)
    }

    /// Remembers a key that was met instead.
    pub(crate) fn learn(&mut self, number: usize, node: u16, text: &[u8], leaf: Option<Leaf>) {
        // One that is too long has no length, and is never met: an empty text is not said to be here.
        let mut key = Key { text: [0; LENGTH], length: usize::MAX, node, leaf };
        if let Some(place) = key.text.get_mut(..text.len()) {
            place.copy_from_slice(text);
            key.length = text.len();
        }
        if let Some(place) = self.keys.get_mut(number) {
            *place = key;
        } else if number == self.keys.len() && number < KEYS {
            self.keys.push(key);
        }
    }
}

/// Whether two texts of one length are the same: for short ones cheaper than a call of memcmp.
#[inline]
pub(super) fn same(one: &[u8], other: &[u8]) -> bool {
    fn ends<const N: usize>(text: &[u8]) -> Option<(&[u8; N], &[u8; N])> {
        Some((text.first_chunk()?, text.last_chunk()?))
    }
    one.len() == other.len()
        && match one.len() {
            33.. => one == other,
            16.. => ends::<16>(one) == ends::<16>(other),
            8.. => ends::<8>(one) == ends::<8>(other),
            4.. => ends::<4>(one) == ends::<4>(other),
            _ => one.iter().eq(other),
        }
}
