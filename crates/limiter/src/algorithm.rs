//! What a limit is configured to be.

use crate::calendar::{Calendar, Period, Quota};
use crate::concurrency::Concurrency;
use crate::gcra::Gcra;
use crate::rule::{Rule, WordRule};
use crate::window::SlidingWindow;

/// The algorithm of a limit, with its numbers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Algorithm {
    /// A token bucket.
    Rate(Gcra),
    /// A sliding window.
    Window(SlidingWindow),
    /// A calendar quota.
    Quota(Quota),
    /// Calls under way at once.
    Concurrency(Concurrency),
}

/// Why numbers do not make a limit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum InvalidLimit {
    /// More than can be told apart.
    #[error("the rate is too high to be counted: at most 100 million calls a second")]
    TooFast,
    /// It would take years.
    #[error("the limit takes more than two years to recover")]
    TooSlow,
    /// Over the counter.
    #[error("at most {most} calls can be counted in a period")]
    TooMany {
        /// The largest number.
        most: u64,
    },
}

impl Algorithm {
    /// The rule for a call of now; `period` is asked only by a calendar quota.
    pub fn rule(&self, period: impl FnOnce(&Calendar) -> Period) -> Rule {
        match self {
            Self::Rate(gcra) => Rule::Word(WordRule::Gcra(*gcra)),
            Self::Window(window) => Rule::Window(*window),
            Self::Quota(quota) => Rule::Word(WordRule::Quota(quota.in_period(period(quota.calendar())))),
            Self::Concurrency(concurrency) => Rule::Word(WordRule::Concurrency(*concurrency)),
        }
    }

    /// The largest cost that is ever admitted.
    #[must_use]
    pub const fn capacity(&self) -> u64 {
        match self {
            Self::Rate(gcra) => gcra.burst(),
            Self::Window(window) => window.calls(),
            Self::Quota(quota) => quota.calls(),
            Self::Concurrency(concurrency) => concurrency.limit(),
        }
    }

    /// What a key's state counts in. A limit whose numbers change goes on with the states it has as long as their
    /// unit is the same; with another unit it must begin anew, because an arrival time of a slow rate would
    /// block a fast one for as long, and a slice's number means nothing in slices of another length.
    ///
    /// So a changed rate, length of window, unit of quota or zone begins anew (a caller may have one burst more);
    /// a changed burst, number of calls or of places does not.
    #[must_use]
    pub fn unit(&self) -> String {
        match self {
            Self::Rate(gcra) => format!("rate {}", gcra.interval()),
            Self::Window(window) => format!("window {}", window.slice()),
            Self::Quota(quota) => format!("quota {}", quota.calendar().unit()),
            Self::Concurrency(_) => "concurrent".to_owned(),
        }
    }

    /// A word for logs.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Rate(_) => "rate",
            Self::Window(_) => "window",
            Self::Quota(_) => "quota",
            Self::Concurrency(_) => "concurrent",
        }
    }
}
