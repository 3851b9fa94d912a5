//! An attack on the demo API, beside a client that does nothing wrong.
//!
//! The question is not how much an attacker gets but what the honest client notices, so that one is measured as
//! its user would feel it: calls go out at a fixed pace whether or not earlier ones were answered, and each is timed
//! from the instant it was meant to go out. A client that waited for its answers would be slowed down together with the
//! server and hide it (coordinated omission). It is measured alone first, then during the attack.
//!
//! | module | thought |
//! |---|---|
//! | `attackers` | the four of them: what each sends |
//! | `honest` | the client that does nothing wrong: its calls and its pace |
//! | `call` | one call, and what counts as its answer |
//! | `connection` | a kept connection from an address of one's own |
//! | `tally` | what became of many calls |
//! | `run` | two threads, from beginning to end |
//!
//! Everybody has an address of their own in 127.0.0.0/8 and sends to 127.0.0.1. Both sides have a thread of their own, so
//! that an attacker's work does not delay the clock of the honest client more than the machine makes it.

mod attackers;
mod call;
mod connection;
mod honest;
mod run;
mod tally;

use std::io;
use std::net::{IpAddr, Ipv4Addr, SocketAddr, TcpListener};
use std::time::Duration;

pub use attackers::Attacker;
pub use run::Attack;
pub use tally::Tally;

/// The longest phase of an attack.
pub const MAX_PHASE: Duration = Duration::from_secs(600);

/// Where the honest client calls from.
const HONEST_ADDRESS: Ipv4Addr = Ipv4Addr::LOCALHOST;

/// How an attack goes.
#[derive(Debug, Clone)]
pub struct AttackOptions {
    /// The API, or what stands before it.
    pub target: SocketAddr,
    /// How long the honest client is alone first, at most [`MAX_PHASE`].
    pub alone: Duration,
    /// How long the attack lasts, at most [`MAX_PHASE`].
    pub attack: Duration,
    /// Calls of the honest client, 1 to 1 000 a second.
    pub honest_per_s: u32,
    /// Calls that each attacker sends at most, 1 to 10 000 a second; slower answers make it fewer.
    pub attacker_per_s: u32,
    /// What each shows in `X-Api-Key`; without one a caller is known by its address.
    pub keys: Vec<(Who, String)>,
}

impl AttackOptions {
    /// Five seconds alone, ten of attack: 40 honest calls a second, 250 of each attacker.
    #[must_use]
    pub const fn new(target: SocketAddr) -> Self {
        Self {
            target,
            alone: Duration::from_secs(5),
            attack: Duration::from_secs(10),
            honest_per_s: 40,
            attacker_per_s: 250,
            keys: Vec::new(),
        }
    }

    fn key(&self, who: Who) -> Option<&str> {
        self.keys.iter().find(|(own, _)| *own == who).map(|(_, key)| key.as_str())
    }
}

/// Who calls.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Who {
    /// The client that does nothing wrong.
    Honest,
    /// One of those that do.
    Attacker(Attacker),
}

impl Who {
    /// The address it calls from.
    #[must_use]
    pub fn address(self) -> IpAddr {
        match self {
            Self::Honest => HONEST_ADDRESS.into(),
            Self::Attacker(attacker) => attacker.address().into(),
        }
    }
}

/// What became of everybody's calls.
#[derive(Debug, Clone)]
pub struct Outcome {
    /// The honest client alone.
    pub alone: Tally,
    /// The honest client during the attack.
    pub honest: Tally,
    /// The attackers, in the order of [`Attacker::ALL`].
    pub attackers: Vec<(Attacker, Tally)>,
}

/// Why there is no attack.
#[derive(Debug, thiserror::Error)]
pub enum AttackError {
    /// The machine has not all of 127.0.0.0/8 on loopback, as Linux has.
    #[error("cannot call from {address}")]
    Address {
        /// The address that is missing.
        address: IpAddr,
        /// What the system said.
        #[source]
        source: io::Error,
    },
    /// A duration or a pace is out of its bounds.
    #[error("an attack cannot have {0}")]
    Options(&'static str),
    /// A thread or a runtime.
    #[error("cannot start the attack")]
    Thread(#[source] io::Error),
    /// It ended without a result.
    #[error("the attack ended before its end")]
    Ended,
}

/// Whether everybody has an address to call from.
///
/// # Errors
/// The first address that is missing.
pub fn check_addresses() -> Result<(), AttackError> {
    let attackers = Attacker::ALL.into_iter().map(Who::Attacker);
    for address in std::iter::once(Who::Honest).chain(attackers).map(Who::address) {
        TcpListener::bind((address, 0)).map_err(|source| AttackError::Address { address, source })?;
    }
    Ok(())
}
