//! From logs and live Calls to findings.
//!
//! | module | thought |
//! |---|---|
//! | `source`, `follow` | names of files to lines, once or for ever |
//! | `live`, `late` | following and watching, through restarts; what opened long before it was seen |
//! | `several` | whose turn it is among several logs, and which calls come too late |
//! | `geo`, `places` | where addresses are |
//! | `notify`, `ban`, `bans`, `ban_file`, `ban_history` | who is told of findings, who is banned for them, and where that is written |
//! | `pipeline`, `tally` | lines to calls to detectors; what became of each line |
//! | `replay`, `suggest` | what a policy would have done; limits from what callers do |
//! | `credentials`, `secret` | what logs hold of secrets is hashed at once |

mod ban;
mod ban_file;
mod ban_history;
mod bans;
mod behind;
mod credentials;
pub mod follow;
pub mod geo;
mod late;
mod live;
mod notify;
mod pipeline;
mod places;
pub mod replay;
mod secret;
mod secrets;
mod several;
pub mod source;
pub mod suggest;
mod tally;

pub use ban::Ban;
pub use ban_file::{BanFile, Unwritten};
pub use ban_history::{is_unusable, put_aside};
pub use bans::{Bans, Decision};
pub use behind::FarBehind;
pub use credentials::Credentials;
pub use follow::write_document;
pub use late::Late;
pub use live::{Live, Step, WARM_SECS};
pub use notify::{NotifyError, alert_state, alerts_config, host_name, wall_ms};
pub use pipeline::{Pipeline, Source};
pub use places::Places;
pub use ratewarden_detect::{Counts, Detector, Engine, News, NewsState, Settings, detectors};
pub use ratewarden_judge::findings::FindingBans;
pub use replay::{Replay, ReplayReport};
pub use secret::machine_secret;
pub use secrets::{SecretError, read_secret};
pub use several::Missed;
pub use suggest::{Suggest, Suggestion};
pub use tally::{Reason, Tally};
