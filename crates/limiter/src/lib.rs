//! Pure steps of every limit: a word of state, a rule, a cost and the time go in; a verdict comes out.
//!
//! Tier 0: no clock, no lock and no map. A store (memory, or a shared one) keeps one state for each counted
//! key and calls the rule's `step` while it holds that state; what a call is counted by several limits at once is
//! the store's part, and its rule is *all or nothing*: every limit is asked first, and only when all admit is
//! any of them charged.
//!
//! What is proved here, by properties beside slow models (`tests/`):
//! - in any interval T a key is admitted at most burst + rate·T ([`Gcra`]), at most the window's calls in any
//!   window ([`SlidingWindow`]), at most the quota in any calendar period ([`Quota`]), at most N at a time
//!   ([`Concurrency`]);
//! - *retry in X* admits at X and not before (for a sliding window: at X);
//! - a rejection changes nothing.

mod algorithm;
mod calendar;
mod concurrency;
mod fields;
mod gcra;
mod rule;
mod time;
mod window;

pub use algorithm::{Algorithm, InvalidLimit};
pub use calendar::{Calendar, Each, Period, Quota, QuotaRule};
pub use concurrency::Concurrency;
pub use fields::{Notice, Published, Told, quota_exceeded, whole_seconds, write_number};
pub use gcra::Gcra;
pub use rule::{Rejection, Retry, Rule, Standing, WordRule};
pub use time::Time;
pub use window::{SLICES, SlidingWindow, WindowState};
