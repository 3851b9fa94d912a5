//! Lines that a container runtime cut into pieces.

use crate::fault::Fault;

/// How much is kept of one line.
const CAP: usize = 1 << 20;

/// Which stream a piece is of; each is put together for itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Stream {
    Out,
    Err,
}

/// The pieces so far of a line of each stream.
#[derive(Debug, Default)]
pub(crate) struct Pieces {
    out: Line,
    err: Line,
}

#[derive(Debug, Default)]
struct Line {
    begun: Vec<u8>,
    whole: Vec<u8>,
    too_long: bool,
}

impl Pieces {
    /// Adds a piece; gives the line where it is the last one.
    ///
    /// # Errors
    /// `Piece` where it is not the last one; `Long` at the last one where all are too long together.
    pub(super) fn add<'a>(
        &'a mut self,
        stream: Stream,
        piece: &'a [u8],
        last: bool,
    ) -> Result<&'a [u8], Fault> {
        let line = match stream {
            Stream::Out => &mut self.out,
            Stream::Err => &mut self.err,
        };
        if last && line.begun.is_empty() && !line.too_long {
            return Ok(piece);
        }
        if line.begun.len() + piece.len() > CAP {
            line.begun.clear();
            line.too_long = true;
        }
        if !line.too_long {
            line.begun.extend_from_slice(piece);
        }
        if !last {
            return Err(Fault::Piece);
        }
        std::mem::swap(&mut line.begun, &mut line.whole);
        line.begun.clear();
        if std::mem::take(&mut line.too_long) { Err(Fault::Long) } else { Ok(&line.whole) }
    }
}

impl Pieces {
    /// Lines of which pieces came and the last one did not.
    pub(super) fn unfinished(&self) -> u64 {
        let has_begun = |line: &Line| u64::from(!line.begun.is_empty() || line.too_long);
        has_begun(&self.out) + has_begun(&self.err)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pieces_are_put_together_for_each_stream() {
        let mut pieces = Pieces::default();
        assert_eq!(pieces.add(Stream::Out, b"a", false), Err(Fault::Piece));
        assert_eq!(pieces.add(Stream::Err, b"whole", true), Ok(&b"whole"[..]));
        assert_eq!(pieces.add(Stream::Out, b"b", false), Err(Fault::Piece));
        assert_eq!(pieces.add(Stream::Out, b"c", true), Ok(&b"abc"[..]));
        assert_eq!(pieces.add(Stream::Out, b"d", true), Ok(&b"d"[..]));
    }

    #[test]
    fn a_line_without_end_takes_no_more_than_its_room() {
        let mut pieces = Pieces::default();
        for _ in 0..100 {
            assert_eq!(pieces.add(Stream::Out, &[b'x'; 65_536], false), Err(Fault::Piece));
            assert!(pieces.out.begun.capacity() <= 2 * CAP);
        }
        assert_eq!(pieces.add(Stream::Out, b"x", true), Err(Fault::Long));
        assert_eq!(pieces.add(Stream::Out, b"next", true), Ok(&b"next"[..]));
    }
}
