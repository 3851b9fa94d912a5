//! Limiters as gateways in front of one back end, each as fast as it can be: what a measurement compares.
//!
//! The limiters of the other modules answer by themselves, because a test counts what they admit. Here each
//! passes calls on, with one worker, connections kept alive on both sides for as long as they like, and no log,
//! so that what differs is the program. All share one [`back_end`], and none limits
//! [`READY_PATH`](crate::READY_PATH).

mod envoy;
mod haproxy;
mod nginx;
mod ratewarden;

pub use envoy::envoy;
pub use haproxy::haproxy;
pub use nginx::{always_rejecting, back_end, nginx};
pub use ratewarden::{guarded, policy, ratewarden};

/// The header whose value is the caller.
pub const CALLER_HEADER: &str = "x-api-key";

/// What [`back_end`] answers every call with: 74 bytes.
pub const BODY: &str = r#"{"id":"0123456789","name":"one item of the list","tags":["ab"],"price":42}"#;

/// What each caller may do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Allowance {
    /// So much that nobody is ever rejected.
    Plenty,
    /// One call a minute: callers that knock all the time are nearly always rejected.
    OneAMinute,
}

/// The limits of a gateway.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Gate {
    /// What each limit allows.
    pub allowance: Allowance,
    /// How many limits each call is counted by, at least 1. HAProxy and Envoy always have one.
    pub limits: u8,
    /// Callers there is room for.
    pub callers: u32,
}

impl Gate {
    /// One limit for so many callers.
    #[must_use]
    pub fn new(allowance: Allowance, callers: u32) -> Self {
        Self { allowance, limits: 1, callers }
    }

    /// So many limits on each call; 0 is taken as 1.
    #[must_use]
    pub fn limits(mut self, limits: u8) -> Self {
        self.limits = limits.max(1);
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_body_has_the_length_that_reference_figures_were_measured_with() {
        assert_eq!(BODY.len(), 74);
    }

    #[test]
    fn every_gateway_passes_calls_on_and_rejects_the_second_of_a_minute() {
        let Some(services) = crate::require() else { return };
        let back = back_end(services).unwrap();
        let plenty = Gate::new(Allowance::Plenty, 1_000).limits(5);
        let little = Gate::new(Allowance::OneAMinute, 1_000);
        for start in [nginx, haproxy, envoy] {
            let server = start(services, plenty, back.address()).unwrap();
            assert_eq!(statuses(&server), [200, 200, 200], "{}", server.name());
            drop(server);
            let server = start(services, little, back.address()).unwrap();
            assert_eq!(statuses(&server), [200, 429, 429], "{}", server.name());
        }
    }

    fn statuses(server: &crate::Server) -> [u16; 3] {
        [(); 3].map(|()| {
            let headers = [(CALLER_HEADER, "key-00000000000000000001")];
            crate::http::request(server.address(), "GET", "/v1/items", &headers).unwrap().status
        })
    }
}
