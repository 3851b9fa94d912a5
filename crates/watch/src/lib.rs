//! From logs and live Calls to findings.

pub mod replay;
pub mod suggest;

pub use replay::{Replay, ReplayReport};
pub use suggest::{Suggest, Suggestion};
