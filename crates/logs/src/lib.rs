//! Bytes to Calls: every log form and envelope that is read.
//!
//! A [`Reader`] is made for one source. It finds out the form by itself from the first lines unless it is told, takes
//! envelopes (syslog, container runtime, docker) off, and hands each call on as it reads it; nothing is kept of a
//! line. A line that is no call is a [`Fault`]: who counts lines counts it too, so that calls + unreadable = lines.
//!
//! Tier 0: nothing here opens a file. Lines come without their line end.

use ratewarden_model::Call;

/// Why a line is no call.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Fault {
    /// It has nothing but blanks.
    #[error("the line is empty")]
    Empty,
    /// It is of no form that is known, or not of the form that was asked for.
    #[error("the line is of no known form")]
    Form,
}

/// What the lines of a source are.
#[derive(Debug, Clone, Default)]
pub struct Options {}

/// Reads the lines of one source.
#[derive(Debug)]
pub struct Reader {}

impl Reader {
    /// A reader that has seen nothing yet.
    #[must_use]
    pub const fn new(_options: &Options) -> Self {
        Self {}
    }

    /// Reads one line and hands on each call in it: mostly one, in CloudTrail's `{"Records":[…]}` several.
    ///
    /// # Errors
    /// When the line is no call.
    pub fn read<F: FnMut(&Call<'_>)>(&mut self, _line: &[u8], _each: F) -> Result<(), Fault> {
        Err(Fault::Form)
    }
}
