//! Buffers that connections share: one that waits has none.
//!
//! Ten thousand idle connections with a buffer each would cost more than all the rest. So a buffer is taken from
//! the worker's stock when bytes are there, and goes back when it is empty.

use std::cell::RefCell;

/// Bytes of a buffer; a head that is longer grows its own.
pub(crate) const SIZE: usize = 16 * 1024;

/// Buffers kept when nobody needs them.
const KEPT: usize = 256;

thread_local! {
    static STOCK: RefCell<Vec<Box<[u8]>>> = const { RefCell::new(Vec::new()) };
}

/// Bytes that were read and not yet used: `bytes[start..end]`.
#[derive(Debug, Default)]
pub(crate) struct Buffer {
    bytes: Box<[u8]>,
    start: usize,
    end: usize,
}

impl Buffer {
    /// What is there.
    pub(crate) fn filled(&self) -> &[u8] {
        self.bytes.get(self.start..self.end).unwrap_or_default()
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.start == self.end
    }

    pub(crate) fn len(&self) -> usize {
        self.end - self.start
    }

    /// Room for more, at least a byte unless the buffer holds `most` already. Moves what is there to the front,
    /// and grows the buffer up to `most`.
    pub(crate) fn room(&mut self, most: usize) -> &mut [u8] {
        if self.bytes.is_empty() {
            self.bytes = STOCK.with_borrow_mut(Vec::pop).unwrap_or_else(|| vec![0; SIZE].into());
        }
        if self.is_empty() {
            (self.start, self.end) = (0, 0);
        }
        if self.end == self.bytes.len() && self.start > 0 {
            self.bytes.copy_within(self.start..self.end, 0);
            (self.start, self.end) = (0, self.end - self.start);
        }
        if self.end == self.bytes.len() && self.bytes.len() < most {
            let mut larger = vec![0; (self.bytes.len() * 2).min(most)];
            larger[..self.end].copy_from_slice(&self.bytes[..self.end]);
            self.bytes = larger.into();
        }
        self.bytes.get_mut(self.end..).unwrap_or_default()
    }

    /// `count` bytes of the room were filled.
    pub(crate) fn fill(&mut self, count: usize) {
        self.end = self.end.saturating_add(count).min(self.bytes.len());
    }

    /// The first `count` bytes are used.
    pub(crate) fn consume(&mut self, count: usize) {
        self.start = self.start.saturating_add(count).min(self.end);
    }

    /// Gives the memory back when nothing is in it.
    pub(crate) fn rest(&mut self) {
        if !self.is_empty() || self.bytes.is_empty() {
            return;
        }
        let bytes = std::mem::take(&mut self.bytes);
        (self.start, self.end) = (0, 0);
        if bytes.len() == SIZE {
            STOCK.with_borrow_mut(|stock| {
                if stock.len() < KEPT {
                    stock.push(bytes);
                }
            });
        }
    }
}

impl Drop for Buffer {
    fn drop(&mut self) {
        (self.start, self.end) = (0, 0);
        self.rest();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_read_is_used_in_order_and_room_comes_back() {
        let mut buffer = Buffer::default();
        buffer.room(SIZE)[..5].copy_from_slice(b"hello");
        buffer.fill(5);
        buffer.consume(2);
        assert_eq!(buffer.filled(), b"llo");
        let room = buffer.room(SIZE).len();
        assert_eq!(room, SIZE - 5);
        buffer.fill(room);
        assert_eq!(buffer.room(SIZE).len(), 2, "the used bytes in front are room again");
        assert_eq!(&buffer.filled()[..3], b"llo");
    }

    #[test]
    fn a_buffer_grows_to_its_cap_and_no_further() {
        let mut buffer = Buffer::default();
        let most = SIZE * 3;
        for _ in 0..4 {
            let room = buffer.room(most).len();
            buffer.fill(room);
        }
        assert_eq!((buffer.len(), buffer.room(most).len()), (most, 0));
    }
}
