//! Who may be behind an offence.

use std::net::IpAddr;
use std::sync::Arc;

use ratewarden_callers::Label;
use ratewarden_counters::Pair;

/// Whom a rule counts, and a ban is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Whom {
    /// The caller.
    Caller,
    /// The client's address.
    Address,
    /// The credential that is guessed at.
    Target,
    /// A caller that proved who it is, at one address.
    Pair,
}

/// Those who may be behind an offence, as keyed hashes.
#[derive(Debug, Clone, Copy, Default)]
pub struct Suspects {
    /// The caller.
    pub caller: Option<u128>,
    /// The address, as it is counted.
    pub address: Option<u128>,
    /// The credential that is guessed at.
    pub target: Option<u128>,
    /// The caller proved who it is.
    pub is_proved: bool,
    /// The address itself, as it is counted, to be shown to the operator.
    pub counted: Option<IpAddr>,
}

/// Who offends.
#[derive(Debug, Clone, Copy)]
pub struct Offender<'o> {
    /// Who it may be.
    pub suspects: &'o Suspects,
    /// What the caller is called.
    pub caller: Option<&'o Label>,
}

impl Whom {
    /// The word for it.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Caller => "caller",
            Self::Address => "address",
            Self::Target => "target",
            Self::Pair => "pair",
        }
    }
}

impl Suspects {
    pub(crate) fn of(&self, whom: Whom) -> Option<u128> {
        match whom {
            Whom::Caller => self.caller,
            Whom::Address => self.address,
            Whom::Target => self.target,
            Whom::Pair => self.pair().map(Pair::id),
        }
    }

    /// All but the address.
    pub fn but_the_address(&self) -> impl Iterator<Item = u128> {
        [self.caller, self.target, self.pair().map(Pair::id)].into_iter().flatten()
    }

    /// The caller at its address, where it proved who it is.
    pub fn pair(&self) -> Option<Pair> {
        Some(Pair::new(self.caller.filter(|_| self.is_proved)?, self.address?))
    }
}

impl Offender<'_> {
    /// What it is called, as far as that is known.
    pub(crate) fn label(&self, whom: Whom) -> Option<Arc<str>> {
        let text = match whom {
            Whom::Caller => self.caller?.to_string(),
            Whom::Address => self.suspects.counted?.to_string(),
            Whom::Pair => format!("{} at {}", self.caller?, self.suspects.counted?),
            // What was tried is a secret, or nearly one.
            Whom::Target => return None,
        };
        Some(text.into())
    }
}
