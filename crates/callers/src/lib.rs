//! Who a call is counted against: keys, tokens, certificates, addresses.
//!
//! A secret is hashed (keyed) where it comes in; it never reaches a log, a store or a metric. Tier 1: files are read
//! when a policy is loaded; there are no sockets: keys that an issuer publishes are fetched by whoever has some, and put
//! into [`RemoteKeys`].

mod address;
mod caller;
mod failed;
mod fields;
mod identify;
mod jwt;
mod key_lines;
mod keys;
mod kinds;

pub use address::{client_address, counted};
pub use caller::{Caller, Label};
pub use failed::Failed;
pub use fields::{Duplicate, Fields, cookie, only};
pub use identify::{CallersError, Identifier, KeyIds, Peer};
pub use jwt::{MAX_KEY_BYTES, RemoteKeys, TokenKeyError, VerifiedTokens};
pub use key_lines::KeyLines;
pub use keys::{Keys, KeysError, NewKey, Owner};
