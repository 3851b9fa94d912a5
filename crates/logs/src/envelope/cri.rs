//! The container runtime's `2026-11-28T01:02:03.123456789Z stdout F text` (Kubernetes). `P` marks a piece of a longer line.

use crate::date::Stamp;
use crate::envelope::pieces::Stream;
use crate::envelope::{Buffers, Peeled};
use crate::fault::Fault;

pub(super) fn peel<'a>(line: &'a [u8], buffers: &'a mut Buffers) -> Result<Option<Peeled<'a>>, Fault> {
    let Some((date, stream, last, text)) = parts(line) else { return Ok(None) };
    let text = buffers.pieces.add(stream, text, last)?;
    Ok(Some(Peeled { text, stamp: Stamp::Iso(date) }))
}

fn parts(line: &[u8]) -> Option<(&[u8], Stream, bool, &[u8])> {
    let at = line.iter().take(40).position(|&byte| byte == b' ').filter(|&at| at >= 20)?;
    let (date, rest) = line.split_at_checked(at)?;
    let (stream, rest) = if let Some(rest) = rest.strip_prefix(b" stdout ") {
        (Stream::Out, rest)
    } else {
        (Stream::Err, rest.strip_prefix(b" stderr ")?)
    };
    let (&tag, rest) = rest.split_first()?;
    if date.get(10) != Some(&b'T') || !matches!(tag, b'F' | b'P') {
        return None;
    }
    // Further tags may follow behind a colon.
    let text = match rest {
        [] => rest,
        [b' ', text @ ..] => text,
        [b':', ..] => rest.get(memchr::memchr(b' ', rest)? + 1..)?,
        _ => return None,
    };
    Some((date, stream, tag == b'F', text))
}
