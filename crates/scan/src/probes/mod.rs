//! The probes beside the limiter's: each sends a few bounded requests and states findings.
//!
//! A probe is one thought in one file. None of them knows of another; what they share is the [`Outcome`] they hand
//! back and the `Courier` that sends for them: it keeps the probe's own bound, remembers the requests that count
//! against the endpoint's limiter, and stops the probe at the first rejection, for a rejected request shows nothing
//! about page sizes or keys and costs the target what it wants to save.

mod courier;
pub mod credentials;
pub mod fingerprint;
pub mod graphql;
pub mod reads;
pub mod writes;

use ratewarden_model::Finding;
use ratewarden_model::scan_report::Technology;

use crate::observe::Observation;
pub(crate) use courier::{Courier, Stop};

/// What one probe found out.
#[derive(Debug, Default)]
pub struct Outcome {
    /// What is wrong.
    pub findings: Vec<Finding>,
    /// What was not tried or could not be seen, and why: one sentence each.
    pub notes: Vec<String>,
    /// Ids of the rules that were tested to the end, whether or not they found anything.
    pub tested: Vec<&'static str>,
    /// Programs that the probe's own requests made show themselves.
    pub technologies: Vec<Technology>,
    /// Every request to the endpoint's own path, in the order sent: they count against its limiter.
    pub observations: Vec<Observation>,
}

impl Outcome {
    /// Nothing found, for this reason.
    fn nothing(note: impl Into<String>) -> Self {
        Self { notes: vec![note.into()], ..Self::default() }
    }
}
