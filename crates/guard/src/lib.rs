//! The gateway: request → caller → limits → decision → upstream, or an answer that says when to come back.
//!
//! [`Guard::start`] reads a policy, binds its listeners and starts a worker for each core. What a call meets, in its
//! order:
//!
//! | module | thought |
//! |---|---|
//! | `accept`, `connections`, `descriptors`, `net`, `tls` | connections: counted, capped, decrypted |
//! | `h1` | HTTP/1.1: heads parsed where they lie, bodies passed through |
//! | `call`, `client`, `forwarded`, `failed` | what every engine shares: from a head to a decision, who is there, how it fails |
//! | `h2`, `transfer` | HTTP/2, which is hyper's; bodies handed from one version to the other |
//! | `gate` | the one door: every call of every engine is decided here, by the rules of the room `judge` |
//! | `durable` | quotas and bans on disk |
//! | `answer` | what a client is told |
//! | `issuers` | keys of tokens, fetched beside the calls |
//! | `upstream` | servers, their health, and connections to them |
//! | `record`, `identity`, `metrics`, `access_log`, `live` | what is kept of a call, and who sees it |
//! | `detection` | what detectors find in those calls, and what follows from it |
//! | `top` | who calls most |
//! | `admin`, `operator` | the operator's listener, and how a command asks it |
//! | `sockets`, `handover` | listeners, and giving them to a successor |
//! | `load`, `state`, `worker`, `run` | a policy in force, what workers share, start and end |

mod accept;
mod access_log;
mod admin;
mod answer;
mod call;
mod client;
mod clock;
mod connections;
mod descriptors;
mod detection;
mod durable;
mod failed;
mod forwarded;
mod gate;
mod h1;
mod h2;
mod handover;
mod identity;
mod issuers;
mod live;
mod load;
mod metrics;
mod net;
mod operator;
mod record;
mod run;
mod sockets;
mod state;
mod tls;
mod top;
mod transfer;
mod upstream;
mod worker;

pub use detection::Surroundings;
pub use load::LoadError;
pub use operator::{NewPenalty, Operator, OperatorError, Penalties, Penalty};
pub use ratewarden_detect::{Geography, News, NewsState};
pub use ratewarden_judge::ConditionError;
pub use run::{Guard, GuardError};
pub use tls::TlsError;
