//! Detectors over Calls, in event time.
//!
//! An [`Engine`] takes [`Call`](ratewarden_model::Call)s from anywhere (a log, a gateway) and says what of them is abuse.
//! Time is the calls' own: a day's log that is read in a second gives the findings that the day would have given, and the
//! order in which lines lie, within a few seconds, changes nothing. Memory is bounded whoever calls and however many they
//! are.
//!
//! ```text
//! Call → derive (hashes, route, filters) → Order (batches of a second) → detectors → episodes → findings
//! ```
//!
//! | module | thought |
//! |---|---|
//! | `spec`, `defaults` | what a detector is; what is looked for without configuration |
//! | `route`, `filter` | which route a path is of; all filters at once |
//! | `predicate` | questions to the call itself, for rules that others write |
//! | `event`, `order` | a call of a fixed size; back into the order of seconds |
//! | `table`, `window`, `sketch` | states by key, sliding windows, counts with stated errors |
//! | `detector` | one type for each kind: rate, distinct, share, sequence, … |
//! | `engine`, `finding`, `label` | episodes; what is said of them |
//!
//! Tier 0: no clock, no sockets, no files.

mod countries;
mod defaults;
mod describe;
mod detector;
mod engine;
mod event;
mod filter;
mod finding;
mod geography;
mod hash;
mod label;
mod order;
mod predicate;
mod route;
mod sketch;
mod spec;
mod table;
mod window;

pub use countries::centre;
pub use defaults::detectors;
pub use engine::{Counts, Engine, News, NewsState, Settings};
pub use filter::fits;
pub use geography::{Geography, Location, Point};
pub use predicate::{Predicate, When};
pub use sketch::{Ranked, Sketch, Summary};
pub use spec::{
    About, By, Detector, Filter, Kind, MAX_DETECTORS, MAX_PARTS, MAX_TESTED, Measure, Quantity, RouteKind,
    Shows, Statuses,
};
