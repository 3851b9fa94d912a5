//! What is measured: which calls, which limits, who takes part, and what we want to reach.

use ratewarden_testkit::gateway::{Allowance, Gate};

use super::peers::Peer;

/// One comparison.
#[derive(Debug, Clone)]
pub(crate) struct Case {
    /// For `--only`.
    pub(crate) name: &'static str,
    /// For people.
    pub(crate) title: &'static str,
    /// The limits.
    pub(crate) gate: Gate,
    /// Who takes part, in the order of each round. The first is what the others are compared with.
    pub(crate) peers: &'static [Peer],
    /// At most this much CPU time per request, as a multiple of nginx in the same round.
    pub(crate) goal: Option<f64>,
}

impl Case {
    /// Callers that take turns.
    pub(crate) const fn keys(&self) -> u32 {
        self.gate.callers
    }

    /// Whether every call must pass; else nearly every one must be rejected.
    pub(crate) fn passes(&self) -> bool {
        self.gate.allowance == Allowance::Plenty
    }
}

const ALL: &[Peer] = &[Peer::Nginx, Peer::Haproxy, Peer::Envoy, Peer::Ratewarden];
/// A rejection is one message in and one out, so most of it is the kernel's; how much, the floor shows.
const ALL_AND_FLOOR: &[Peer] = &[Peer::Nginx, Peer::Haproxy, Peer::Envoy, Peer::Ratewarden, Peer::Floor];
/// nginx alone can do these cases in the same way.
const TWO: &[Peer] = &[Peer::Nginx, Peer::Ratewarden];

/// Callers of the usual cases: more than fit into a processor's nearest caches, as the reference figures had it.
const CALLERS: u32 = 10_000;

/// Every case.
pub(crate) fn all() -> Vec<Case> {
    vec![
        Case {
            name: "passing",
            title: "one limit on each call, 10 000 callers, every call passes",
            gate: Gate::new(Allowance::Plenty, CALLERS),
            peers: ALL,
            goal: Some(1.0),
        },
        Case {
            name: "rejecting",
            title: "one call a minute for each of 10 000 callers, nearly every call is rejected",
            gate: Gate::new(Allowance::OneAMinute, CALLERS),
            peers: ALL_AND_FLOOR,
            goal: Some(0.8),
        },
        Case {
            name: "five-limits",
            title: "five limits on each call, 10 000 callers, every call passes",
            gate: Gate::new(Allowance::Plenty, CALLERS).limits(5),
            peers: TWO,
            goal: None,
        },
        Case {
            name: "million-keys",
            title: "one limit on each call, 1 000 000 callers, every call passes",
            gate: Gate::new(Allowance::Plenty, 1_000_000),
            peers: TWO,
            goal: None,
        },
    ]
}
