//! Chunked bodies, decoded strictly and encoded anew.
//!
//! A gateway that passes chunks on as they came passes on what it has misread, too. So data is taken out of the
//! client's chunks and put into our own; extensions and trailers end here.

use std::ops::Range;

/// Bytes of a chunk's size line, extension included.
const LONGEST_LINE: usize = 272;

/// Bytes of all trailers together.
const LONGEST_TRAILERS: usize = 8 * 1024;

/// A chunked body, decoded piece by piece.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Decoder {
    state: State,
    /// Data bytes left of the chunk.
    left: u64,
    /// Bytes of the line, or of the trailers.
    seen: usize,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
enum State {
    /// Before the first digit of a size.
    #[default]
    Size,
    Digits,
    Extension,
    /// After the carriage return of the size line.
    SizeEnd,
    Data,
    DataReturn,
    DataEnd,
    /// At the start of a trailer line.
    Trailer,
    TrailerLine,
    TrailerLineEnd,
    /// After the carriage return of the last line.
    LastEnd,
    Done,
}

/// What a step of the decoder found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Advance {
    /// Bytes that are used up, data included.
    pub consumed: usize,
    /// Where among them data stands; may be empty.
    pub data: Range<usize>,
    /// The body has ended; what follows is no part of it.
    pub done: bool,
}

/// A chunked body that is malformed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum BadChunk {
    /// No hexadecimal digit, or more than 16.
    #[error("a chunk's size is malformed")]
    Size,
    /// A line that does not end with CR LF, or a control character in it.
    #[error("a line of the chunked body is malformed")]
    Line,
    /// An extension, or trailers, over the cap.
    #[error("chunk extensions or trailers are too long")]
    TooLong,
}

impl Decoder {
    /// Reads on in `input` up to the end of the next stretch of data, of the input, or of the body.
    ///
    /// # Errors
    /// When the body is malformed; the decoder cannot go on then.
    pub fn advance(&mut self, input: &[u8]) -> Result<Advance, BadChunk> {
        let mut at = 0;
        while self.state != State::Done {
            if self.state == State::Data {
                let rest = input.len() - at;
                let count = usize::try_from(self.left).unwrap_or(usize::MAX).min(rest);
                self.left -= count as u64;
                if self.left == 0 {
                    self.state = State::DataReturn;
                }
                if count > 0 || rest == 0 {
                    return Ok(Advance { consumed: at + count, data: at..at + count, done: false });
                }
                continue;
            }
            let Some(&byte) = input.get(at) else {
                return Ok(Advance { consumed: at, data: at..at, done: false });
            };
            at += 1;
            self.state = self.next(byte)?;
        }
        Ok(Advance { consumed: at, data: at..at, done: true })
    }

    fn next(&mut self, byte: u8) -> Result<State, BadChunk> {
        match self.state {
            State::Size => {
                self.left = 0;
                self.seen = 0;
                self.digit(byte)
            }
            State::Digits => match byte {
                b'\r' => Ok(State::SizeEnd),
                b';' => Ok(State::Extension),
                _ => self.digit(byte),
            },
            State::Extension => {
                self.count(LONGEST_LINE)?;
                match byte {
                    b'\r' => Ok(State::SizeEnd),
                    _ if is_text(byte) => Ok(State::Extension),
                    _ => Err(BadChunk::Line),
                }
            }
            State::SizeEnd if byte == b'\n' && self.left == 0 => {
                self.seen = 0;
                Ok(State::Trailer)
            }
            State::SizeEnd if byte == b'\n' => Ok(State::Data),
            State::DataReturn if byte == b'\r' => Ok(State::DataEnd),
            State::DataEnd if byte == b'\n' => Ok(State::Size),
            State::Trailer if byte == b'\r' => Ok(State::LastEnd),
            State::Trailer | State::TrailerLine => {
                self.count(LONGEST_TRAILERS)?;
                match byte {
                    b'\r' => Ok(State::TrailerLineEnd),
                    _ if is_text(byte) => Ok(State::TrailerLine),
                    _ => Err(BadChunk::Line),
                }
            }
            State::TrailerLineEnd if byte == b'\n' => Ok(State::Trailer),
            State::LastEnd if byte == b'\n' => Ok(State::Done),
            _ => Err(BadChunk::Line),
        }
    }

    fn digit(&mut self, byte: u8) -> Result<State, BadChunk> {
        let digit = char::from(byte).to_digit(16).ok_or(BadChunk::Size)?;
        self.seen += 1;
        if self.seen > 16 {
            return Err(BadChunk::Size);
        }
        self.left = self.left << 4 | u64::from(digit);
        Ok(State::Digits)
    }

    fn count(&mut self, most: usize) -> Result<(), BadChunk> {
        self.seen += 1;
        if self.seen > most { Err(BadChunk::TooLong) } else { Ok(()) }
    }
}

/// Visible characters, spaces and tabs; bytes beyond ASCII are text too.
const fn is_text(byte: u8) -> bool {
    byte == b'\t' || (byte >= b' ' && byte != 0x7f)
}

/// Appends the line before `length` bytes of data; `length` is not 0. After the data comes CR LF.
pub fn write_chunk_size(out: &mut Vec<u8>, length: usize) {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    let digits = (usize::BITS - length.leading_zeros()).div_ceil(4).max(1);
    out.extend((0..digits).rev().filter_map(|digit| DIGITS.get((length >> (digit * 4)) & 15)));
    out.extend_from_slice(b"\r\n");
}

/// Appends the end of a chunked body.
pub fn write_chunk_end(out: &mut Vec<u8>) {
    out.extend_from_slice(b"0\r\n\r\n");
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn decode(input: &[u8], step: usize) -> Result<(Vec<u8>, usize, bool), BadChunk> {
        let (mut decoder, mut data, mut at, mut done) = (Decoder::default(), Vec::new(), 0, false);
        while at < input.len() && !done {
            let piece = &input[at..(at + step).min(input.len())];
            let advance = decoder.advance(piece)?;
            data.extend_from_slice(&piece[advance.data]);
            at += advance.consumed;
            done = advance.done;
            assert!(advance.consumed > 0 || done, "no progress");
        }
        Ok((data, at, done))
    }

    proptest! {
        #[test]
        fn what_is_encoded_is_decoded_however_it_is_cut(
            chunks in proptest::collection::vec(proptest::collection::vec(any::<u8>(), 1..40), 0..6),
            step in 1_usize..50,
        ) {
            let mut input = Vec::new();
            for chunk in &chunks {
                write_chunk_size(&mut input, chunk.len());
                input.extend_from_slice(chunk);
                input.extend_from_slice(b"\r\n");
            }
            write_chunk_end(&mut input);
            let length = input.len();
            input.extend_from_slice(b"GET / HTTP/1.1\r\n");
            prop_assert_eq!(decode(&input, step), Ok((chunks.concat(), length, true)));
        }

        #[test]
        fn no_bytes_panic_and_none_are_made_up(input in proptest::collection::vec(any::<u8>(), 0..200), step in 1_usize..9) {
            if let Ok((data, at, _)) = decode(&input, step) {
                prop_assert!(data.len() <= at && at <= input.len());
            }
        }
    }

    #[test]
    fn extensions_and_trailers_are_read_and_left_out() {
        let body = b"5;name=\"v\"\r\nhello\r\n0;last\r\nx-sum: 1\r\ny: 2\r\n\r\n";
        for step in 1..body.len() {
            assert_eq!(decode(body, step), Ok((b"hello".to_vec(), body.len(), true)));
        }
    }

    #[test]
    fn every_other_way_to_write_a_chunk_is_refused() {
        let long = format!("5;{}\r\nhello\r\n0\r\n\r\n", "x".repeat(LONGEST_LINE));
        let trailers = format!("0\r\n{}\r\n", "a: b\r\n".repeat(2_000));
        for body in [
            "0x5\r\nhello\r\n",
            "+5\r\nhello\r\n",
            " 5\r\nhello\r\n",
            "5 \r\nhello\r\n",
            "5\nhello\r\n",
            "\r\n",
            "5\r\nhelloX\r\n",
            "5\r\nhello\n0\r\n\r\n",
            "5;a\nb\r\nhello\r\n",
            "5;a\rb\r\nhello\r\n",
            "g\r\n",
            "-1\r\n",
            "5\r\r\nhello",
            "00000000000000005\r\nhello\r\n",
            "fffffffffffffffff\r\n",
            "0\r\nx: 1\n\r\n",
            "0\r\nx\0: 1\r\n\r\n",
            "0\r\n\n",
            &long,
            &trailers,
        ] {
            assert!(decode(body.as_bytes(), 3).is_err(), "{body:?}");
        }
    }
}
