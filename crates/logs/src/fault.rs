//! Why a line is no call.

/// Why a line is no call, and what was expected instead.
///
/// Who counts lines counts these too. [`is_unreadable`](Self::is_unreadable) tells lines that nobody understood from those
/// that were understood and hold no call.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, thiserror::Error)]
pub enum Fault {
    /// It has nothing but blanks.
    #[error("the line is empty")]
    Empty,
    /// It is of no form that is known, or not of the form that was asked for.
    #[error("the line is of no known form")]
    Form,
    /// A date was expected, and what stands there is none.
    #[error("expected a date such as 28/Nov/2026:01:02:03 +0000 or 2026-11-28T01:02:03Z")]
    Date,
    /// The date has no year, and nobody said which.
    #[error("the date has no year, and none was given")]
    Year,
    /// An address was expected.
    #[error("expected an IP address")]
    Address,
    /// A quoted part does not end.
    #[error("expected a closing quote")]
    Quote,
    /// A status was expected: three digits or `-`.
    #[error("expected a status of three digits")]
    Status,
    /// A number was expected.
    #[error("expected a number")]
    Number,
    /// It begins like JSON and is none.
    #[error("expected one JSON object in the line")]
    Json,
    /// JSON without the fields that make a call.
    #[error("expected JSON with a time and what says who called or what was asked")]
    Fields,
    /// Some records of `{"Records":[…]}` are no calls; the others were handed on.
    #[error("expected every record of `Records` to be a call")]
    Record,
    /// A line that was cut into pieces is longer than what is kept of one.
    #[error("the pieces of the line are longer than 1 MiB together")]
    Long,
    /// It was understood and tells of no call (an error that has nothing to do with a client).
    #[error("the line was understood and tells of no call")]
    NoCall,
    /// A piece of a line; the call comes with the last piece.
    #[error("the line is a piece of a longer one")]
    Piece,
}

impl Fault {
    /// Whether the line should be counted as one that could not be read: not so where it was understood and holds no
    /// call (`NoCall`), or is a piece whose call comes with the last one (`Piece`).
    #[must_use]
    pub const fn is_unreadable(self) -> bool {
        !matches!(self, Self::NoCall | Self::Piece)
    }
}
