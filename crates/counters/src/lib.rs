//! Where the state of limits is kept: in memory, and what must survive a restart on disk.
//!
//! [`Counters`] is the store of one node. It holds a fixed number of keys, allocated once, and decides a call
//! against many limits at once, *all or nothing*: every limit is asked, and only when all admit is any charged.
//!
//! - **No map and no global lock.** A table is one array of 32-byte slots; a key has a home and stands within
//!   a few slots of it. The top bit of a slot's word is its lock, held for the few
//!   nanoseconds of a step. A call over its limit is rejected by reading alone, so a flood on one key costs the
//!   other cores nothing.
//! - **Bounded.** Idle keys (their bucket is full, their quota's period is over) are replaced, which loses
//!   nothing, and only when a new key needs the place, so nothing sweeps. Where all places of a new key are in
//!   use, it is counted in the limit's *overflow bucket* with all others of its kind: a flood of new keys limits
//!   itself and can never push out a key that is in use. Callers with a verified identity have tables of their
//!   own, so a flood of addresses or made-up keys cannot even make *them* share.
//! - **Keyed.** Keys are 128-bit SipHash values under a secret of this store; who does not know it cannot choose
//!   keys that collide.
//!
//! [`Pairs`] is beside it: which callers proved themselves from which addresses, so that a lock-out of an address can
//! spare them.
//!
//! A growing concurrent map was rejected: its growth stalls a request, and its memory is what an attacker makes
//! it. A lock around several buckets was rejected: two locks per decision cost more than the decision.

mod cell;
mod decide;
mod disk;
mod key;
mod lasting;
mod memory;
mod pairs;
mod slot;
mod store;
mod sync;
mod table;

pub use decide::{Check, Decision, Scratch, Verdict};
pub use disk::{Disk, DiskError, Instant, Kept};
pub use key::{Hasher, Key, LimitId, Who};
pub use lasting::Used;
pub use pairs::{Noted, PLACES, Pair, Pairs, Taken};
pub use store::{Capacity, Counters, ORDINALS, Usage};
