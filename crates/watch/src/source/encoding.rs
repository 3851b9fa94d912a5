//! Whether bytes are compressed, and what they are then.
//!
//! Judged by the first bytes and not by the name: rotated files lose or gain endings, and pipes have none.

use std::io::{self, BufRead, BufReader, Cursor, ErrorKind, Read};

use flate2::bufread::GzDecoder;

use super::BLOCK;

/// How a source is compressed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Encoding {
    /// Not at all.
    Plain,
    /// gzip (RFC 1952), any number of members.
    Gzip,
    /// Zstandard (RFC 8878), any number of frames.
    Zstd,
    /// A compression that is recognised but not read.
    Unread(&'static str),
}

/// As many first bytes as [`Encoding::of`] wants to see.
pub(super) const MAGIC: usize = 6;

impl Encoding {
    /// What bytes that begin like this are.
    #[must_use]
    pub fn of(first: &[u8]) -> Self {
        match first {
            [0x1f, 0x8b, 8, ..] => Self::Gzip,
            // Skippable frames may stand first; `pzstd` begins with one.
            [0x28, 0xb5, 0x2f, 0xfd, ..] | [0x50..=0x5f, 0x2a, 0x4d, 0x18, ..] => Self::Zstd,
            [b'B', b'Z', b'h', b'1'..=b'9', 0x31, 0x41, ..] => Self::Unread("bzip2"),
            [0xfd, b'7', b'z', b'X', b'Z', 0, ..] => Self::Unread("xz"),
            [0x04, 0x22, 0x4d, 0x18, ..] => Self::Unread("lz4"),
            [0x1f, 0x9d, ..] => Self::Unread("compress"),
            [b'P', b'K', 3, 4, ..] => Self::Unread("zip"),
            _ => Self::Plain,
        }
    }

    /// The word used in documents.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Plain => "plain",
            Self::Gzip => "gzip",
            Self::Zstd => "zstd",
            Self::Unread(name) => name,
        }
    }
}

/// Reads the first bytes of a stream: fewer than [`MAGIC`] only where it ends before.
pub(super) fn first_bytes(reader: &mut impl Read) -> io::Result<Vec<u8>> {
    let mut first = Vec::with_capacity(MAGIC);
    reader.take(MAGIC as u64).read_to_end(&mut first)?;
    Ok(first)
}

/// A stream whose first bytes were read already, and what is still to come of it.
type Whole<R> = io::Chain<Cursor<Vec<u8>>, R>;

/// What a compressed or plain stream holds.
pub(super) enum Decoder<R: Read> {
    Plain(Whole<R>),
    Gzip(Box<Members<BufReader<Whole<R>>>>),
    Zstd(zstd::stream::read::Decoder<'static, BufReader<Whole<R>>>),
}

impl<R: Read> Decoder<R> {
    /// Reads `first` and then `rest`, which are compressed as `encoding` says. Memory: a block, and for zstd the
    /// window that a frame asks for, at most 128 MiB (zstd's own default bound).
    pub(super) fn new(encoding: Encoding, first: Vec<u8>, rest: R) -> io::Result<Self> {
        let whole = Cursor::new(first).chain(rest);
        let buffered = |whole| BufReader::with_capacity(BLOCK, whole);
        Ok(match encoding {
            Encoding::Plain => Self::Plain(whole),
            Encoding::Gzip => Self::Gzip(Box::new(Members::new(buffered(whole)))),
            Encoding::Zstd => Self::Zstd(zstd::stream::read::Decoder::with_buffer(buffered(whole))?),
            Encoding::Unread(name) => {
                return Err(io::Error::new(ErrorKind::Unsupported, format!("{name} is not read")));
            }
        })
    }
}

impl<R: Read> Read for Decoder<R> {
    fn read(&mut self, space: &mut [u8]) -> io::Result<usize> {
        match self {
            Self::Plain(reader) => reader.read(space),
            Self::Gzip(members) => members.read(space),
            Self::Zstd(decoder) => decoder.read(space),
        }
    }
}

/// gzip members one after another.
///
/// flate2 has a reader for this, too, but it takes the zeros that tapes and some writers pad with for a torn member.
pub(super) struct Members<R> {
    /// `None` only while one is exchanged for the next, and at the end.
    member: Option<GzDecoder<R>>,
}

impl<R: BufRead> Members<R> {
    fn new(reader: R) -> Self {
        Self { member: Some(GzDecoder::new(reader)) }
    }

    /// Goes to the next member; false at the end.
    fn next(&mut self) -> io::Result<bool> {
        let Some(mut reader) = self.member.take().map(GzDecoder::into_inner) else { return Ok(false) };
        loop {
            let ahead = reader.fill_buf()?;
            let zeros = ahead.iter().take_while(|&&byte| byte == 0).count();
            match ahead.get(zeros) {
                None if zeros == 0 => return Ok(false),
                None => reader.consume(zeros),
                Some(0x1f) if zeros == 0 => break,
                Some(_) => {
                    let message = "bytes stand after the end of the gzip data that are no gzip";
                    return Err(io::Error::new(ErrorKind::InvalidData, message));
                }
            }
        }
        self.member = Some(GzDecoder::new(reader));
        Ok(true)
    }
}

impl<R: BufRead> Read for Members<R> {
    fn read(&mut self, space: &mut [u8]) -> io::Result<usize> {
        while let Some(member) = &mut self.member {
            let bytes = member.read(space)?;
            if bytes > 0 || space.is_empty() {
                return Ok(bytes);
            }
            if !self.next()? {
                break;
            }
        }
        Ok(0)
    }
}
