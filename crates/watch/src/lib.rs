//! From logs and live Calls to findings.
//!
//! | module | thought |
//! |---|---|
//! | `source`, `follow` | names of files to lines, once or for ever |
//! | `live` | following and watching, through restarts |
//! | `geo` | where addresses are |
//! | `pipeline`, `tally` | lines to calls to detectors; what became of each line |
//! | `replay`, `suggest` | what a policy would have done; limits from what callers do |
//! | `credentials`, `secret` | what logs hold of secrets is hashed at once |

mod credentials;
pub mod follow;
pub mod geo;
mod live;
mod pipeline;
pub mod replay;
mod secret;
pub mod source;
pub mod suggest;
mod tally;

pub use credentials::Credentials;
pub use live::{Live, Step, WARM_SECS};
pub use pipeline::{Pipeline, Source};
pub use ratewarden_detect::{Engine, News, NewsState, Settings};
pub use replay::{Replay, ReplayReport};
pub use secret::machine_secret;
pub use suggest::{Suggest, Suggestion};
pub use tally::{Reason, Tally};
