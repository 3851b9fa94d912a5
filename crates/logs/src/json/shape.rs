//! The shape of the last lines: which keys they had, in which order.
//!
//! Programs write the same keys in the same order line after line, and leave out some that say nothing. So the shape is the
//! keys of several lines together, and a key is looked for where the line before had it and a few places further on: by
//! one comparison each with its text, quotes and colon included. Nothing else depends on the shape. Remembering only the
//! last line was measured first: after a key that comes and goes all others were looked up anew.

use crate::json::fields::Leaf;
use crate::json::text::Place;

/// Keys that are remembered.
const KEYS: usize = 64;

/// How long a key may be to be remembered, with its quotes and colon.
const LENGTH: usize = 32;

/// How many keys in a row may be left out.
const LEFT_OUT: usize = 4;

/// The keys of the last lines.
#[derive(Debug, Default)]
pub(crate) struct Shape {
    keys: Vec<Key>,
}

#[derive(Debug, Clone)]
struct Key {
    text: [u8; LENGTH],
    /// Ones where the text is.
    mask: [u8; LENGTH],
    length: usize,
    /// In which object of the table it was met.
    node: u16,
    leaf: Option<Leaf>,
}

impl Shape {
    /// Passes over the key that comes next by the lines before, if it is here again, and gives what is known of it.
    /// `number` is how far in the shape the line is.
    #[inline]
    #[expect(clippy::option_option, reason = "a key may be here again and nothing known of it")]
    pub(crate) fn expect(
        &self,
        number: &mut usize,
        node: u16,
        place: &mut Place<'_>,
    ) -> Option<Option<Leaf>> {
        let rest = place.text.get(place.at..)?;
        let next = self.keys.get(*number..)?.iter().take(1 + LEFT_OUT);
        let found = match rest.first_chunk::<LENGTH>() {
            Some(text) => next.zip(0..).find(|(key, _)| key.node == node && key.begins(text)),
            // The end of a line.
            None => next.zip(0..).find(|(key, _)| key.node == node && key.is_at(rest)),
        };
        let (key, left_out) = found?;
        place.at += key.length;
        *number += 1 + left_out;
        Some(key.leaf)
    }

    /// Remembers a key that was met instead, before the one that was expected or, where there is no more room, in its place.
    pub(crate) fn learn(&mut self, number: &mut usize, node: u16, text: &[u8], leaf: Option<Leaf>) {
        let mut key = Key { text: [0; LENGTH], mask: [0; LENGTH], length: text.len(), node, leaf };
        let Some((place, mask)) = key.text.get_mut(..text.len()).zip(key.mask.get_mut(..text.len())) else {
            return;
        };
        place.copy_from_slice(text);
        mask.fill(0xff);
        if self.keys.len() < KEYS && *number <= self.keys.len() {
            self.keys.insert(*number, key);
        } else if let Some(place) = self.keys.get_mut(*number) {
            *place = key;
        }
        *number += 1;
    }
}

impl Key {
    /// Whether a text begins with it: all bytes are compared at once, and those behind it do not count.
    #[inline]
    fn begins(&self, text: &[u8; LENGTH]) -> bool {
        let mut differ = 0;
        for ((found, known), mask) in text.iter().zip(&self.text).zip(&self.mask) {
            differ |= (found ^ known) & mask;
        }
        differ == 0
    }

    fn is_at(&self, text: &[u8]) -> bool {
        self.text.get(..self.length).is_some_and(|known| text.starts_with(known))
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

#[cfg(test)]
mod tests {
    use super::*;

    /// Reads the keys of lines and gives how many of them were not expected, line by line.
    fn unexpected(shape: &mut Shape, lines: &[&str]) -> Vec<usize> {
        let read = |line: &&str| {
            let (mut number, mut unexpected) = (0, 0);
            for key in line.split(' ') {
                let text = format!("\"{key}\":");
                let mut place = Place { text: text.as_bytes(), at: 0 };
                if shape.expect(&mut number, 0, &mut place).is_none() {
                    unexpected += 1;
                    shape.learn(&mut number, 0, text.as_bytes(), None);
                } else {
                    assert_eq!(place.at, text.len());
                }
            }
            unexpected
        };
        lines.iter().map(read).collect()
    }

    #[test]
    fn a_key_that_comes_and_goes_is_learned_once() {
        let lines =
            ["time user status", "time status", "time key user status", "time status", "time key status"];
        assert_eq!(unexpected(&mut Shape::default(), &lines), [3, 0, 1, 0, 0]);
    }

    #[test]
    fn a_full_shape_learns_what_lines_are_like_now() {
        let mut shape = Shape::default();
        let many: Vec<String> = (0..KEYS * 2).map(|number| format!("k{number}")).collect();
        assert_eq!(unexpected(&mut shape, &[&many.join(" ")]), [KEYS * 2]);
        assert_eq!(shape.keys.len(), KEYS);
        assert_eq!(unexpected(&mut shape, &["a b c", "a b c"]), [3, 0]);
    }

    #[test]
    fn what_follows_a_key_does_not_count_and_all_of_the_key_does() {
        let mut shape = Shape::default();
        shape.learn(&mut 0, 0, b"\"user\":", None);
        for (text, known) in [
            (&b"\"user\":\"somebody with a name of some length\""[..], true),
            (b"\"user\":1}", true),
            (b"\"user_id\":\"somebody with a name of some length\"", false),
            (b"\"user", false),
        ] {
            assert_eq!(
                shape.expect(&mut 0, 0, &mut Place { text, at: 0 }).is_some(),
                known,
                "{}",
                text.escape_ascii()
            );
            assert!(shape.expect(&mut 0, 1, &mut Place { text, at: 0 }).is_none(), "another object");
        }
    }
}
