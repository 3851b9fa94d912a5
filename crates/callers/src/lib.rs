//! Who a call is counted against: keys, tokens, certificates, addresses.
//!
//! A secret is hashed (keyed) where it comes in; it never reaches a log, a store or a metric. Tier 1: files are read
//! when a policy is loaded; there are no sockets.

mod address;
mod fields;
mod identify;
mod keys;

pub use address::{client_address, counted};
pub use fields::{Duplicate, Fields, cookie, only};
pub use identify::{Caller, CallersError, Failed, Identifier, Label, Peer};
pub use keys::{Keys, KeysError, NewKey, Owner};
