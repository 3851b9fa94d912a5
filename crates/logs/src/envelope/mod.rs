//! What other programs put round a line: syslog, a container runtime, docker.
//!
//! An envelope shows at the beginning of the line, and no form begins like one, so taking it off is no guess.

mod cri;
mod docker;
mod pieces;
mod syslog;

use crate::date::Stamp;
use crate::fault::Fault;
use crate::json::shape::Shape;

/// What was in an envelope.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Peeled<'a> {
    pub(crate) text: &'a [u8],
    /// When the envelope was closed.
    pub(crate) stamp: Stamp<'a>,
}

/// Room for text that does not stand in one line as it is.
#[derive(Debug, Default)]
pub(crate) struct Buffers {
    /// Docker's text without JSON's escapes.
    unwrapped: Vec<u8>,
    shape: Shape,
    pieces: pieces::Pieces,
}

impl Buffers {
    /// Lines of which pieces came and the last one did not.
    pub(crate) fn unfinished(&self) -> u64 {
        self.pieces.unfinished()
    }
}

/// Takes one envelope off; `None` where there is none.
///
/// # Errors
/// `Piece` where the line goes on in the next one, `Long` where it went on for too long.
pub(crate) fn peel<'a>(line: &'a [u8], buffers: &'a mut Buffers) -> Result<Option<Peeled<'a>>, Fault> {
    match line.first() {
        Some(b'{') => docker::peel(line, buffers),
        Some(b'0'..=b'9') => match cri::peel(line, buffers) {
            Ok(None) => Ok(syslog::peel(line)),
            peeled => peeled,
        },
        Some(b'<' | b'A'..=b'Z') => Ok(syslog::peel(line)),
        _ => Ok(None),
    }
}
