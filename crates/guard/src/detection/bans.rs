//! Bans for findings, in the gateway itself.
//!
//! Whom a finding bans and for how long is decided by [`findings`](ratewarden_judge::findings), as for `watch`. A ban begins
//! where those of `[[penalty]]` and of operators do, so it is listed, lifted and kept like them. A ban of an address spares
//! callers that had proved who they are from there, as a lock-out does: only a finding about such a caller bans it.

use ratewarden_detect::News;
use ratewarden_judge::findings::{Decision, FindingBans, Now, Whose};
use ratewarden_model::{Call, Finding};
use ratewarden_policy::Policy;
use tracing::{info, warn};

use crate::state::Shared;

/// Bans of detectors.
#[derive(Debug, Default)]
pub(super) struct Bans {
    decisions: FindingBans,
}

impl Bans {
    /// Takes the bans of a policy; those that have begun go on.
    pub(super) fn set(&mut self, policy: &Policy) {
        self.decisions.set(policy);
    }

    /// Whether findings of a detector ban.
    pub(super) fn has_rule(&self, detector: &str) -> bool {
        self.decisions.has_rule(detector)
    }

    /// Remembers whose call it is, where that may matter.
    pub(super) fn note(&mut self, call: &Call<'_>, whose: Whose) {
        self.decisions.note(call, whose);
    }

    /// A finding has opened or ended.
    pub(super) fn news(&mut self, shared: &Shared, news: &News) {
        let now = Now { time: shared.clock.now(), unix_ms: shared.clock.unix_millis() };
        let loaded = shared.loaded();
        let address_id = |address| loaded.identifier.address_id(address);
        if let Some(decision) = self.decisions.decide(&shared.penalties, news, now, address_id) {
            say(&decision);
        }
    }

    /// Bans those again who went on in spite of a ban that is over. `open` are the findings that are open, with their
    /// figures of now; nobody is asked for them while no ban is over.
    pub(super) fn look(&mut self, shared: &Shared, open: impl FnOnce() -> Vec<Finding>) {
        let now = Now { time: shared.clock.now(), unix_ms: shared.clock.unix_millis() };
        if !self.decisions.is_due(now.time) {
            return;
        }
        let loaded = shared.loaded();
        let address_id = |address| loaded.identifier.address_id(address);
        self.decisions.look(&shared.penalties, now, &open(), address_id).iter().for_each(say);
    }
}

fn say(decision: &Decision) {
    match decision {
        Decision::Ban(ban) => {
            let (rule, subject) = (ban.rule.as_str(), ban.subject.label());
            warn!(rule, subject, seconds = ban.lasts.as_secs(), "A finding leads to a ban.");
        }
        Decision::Not(subject, why) => {
            let (kind, subject) = (subject.kind(), subject.label());
            info!(kind, subject, %why, "A finding leads to no ban.");
        }
    }
}
