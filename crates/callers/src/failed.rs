//! Credentials that are missing or wrong.

use std::fmt;

use crate::jwt::Rejected;

/// A call whose credentials are missing or wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Failed {
    pub(crate) why: Why,
    /// A keyed hash of what was tried, to count guesses by.
    pub(crate) target: Option<u128>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Why {
    Missing,
    Unknown,
    Duplicate,
    Empty,
    Malformed,
    Token(Rejected),
}

impl Failed {
    pub(crate) const fn new(why: Why) -> Self {
        Self { why, target: None }
    }

    /// 400 for what nobody can read, 401 for what is wrong, 503 where that cannot be known yet.
    #[must_use]
    pub const fn status(&self) -> u16 {
        match self.why {
            Why::Duplicate | Why::Malformed => 400,
            Why::Missing | Why::Unknown | Why::Empty => 401,
            Why::Token(Rejected::KeysAwaited) => 503,
            Why::Token(_) => 401,
        }
    }

    /// A stable word for metrics and logs.
    #[must_use]
    pub const fn reason(&self) -> &'static str {
        match self.why {
            Why::Missing => "credentials_missing",
            Why::Unknown => "credentials_unknown",
            Why::Duplicate => "credentials_duplicate",
            Why::Empty => "credentials_empty",
            Why::Malformed => "credentials_malformed",
            Why::Token(rejected) => rejected.word(),
        }
    }

    /// A keyed hash of what was tried, to count guesses by.
    #[must_use]
    pub const fn target(&self) -> Option<u128> {
        self.target
    }
}

impl fmt::Display for Failed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self.why {
            Why::Missing => "credentials are required",
            Why::Unknown => "the credentials are not known",
            Why::Duplicate => "the credentials are there more than once",
            Why::Empty => "the credentials are empty",
            Why::Malformed => "the credentials are malformed",
            Why::Token(rejected) => rejected.told(),
        })
    }
}
