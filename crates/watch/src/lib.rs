//! From logs and live Calls to findings.
//!
//! | module | thought |
//! |---|---|
//! | `source`, `follow` | names of files to lines, once or for ever |
//! | `live` | following and watching, through restarts |
//! | `geo` | where addresses are |
//! | `pipeline`, `tally` | lines to calls to detectors; what became of each line |
//! | `credentials`, `secret` | what logs hold of secrets is hashed at once |

mod credentials;
pub mod follow;
pub mod geo;
mod live;
mod pipeline;
mod secret;
pub mod source;
mod tally;

pub use credentials::Credentials;
pub use live::{Live, Step, WARM_SECS};
pub use pipeline::{Pipeline, Source};
pub use ratewarden_detect::{Engine, News, NewsState, Settings};
pub use secret::machine_secret;
pub use tally::{Reason, Tally};
