//! What the policy's limits decide of a call, and what an admitted call gives back when it ends.

use std::time::Duration;

use ratewarden_counters::Decision;
use ratewarden_judge::penalties::Offender;
use ratewarden_judge::{
    Body, Ending, Head, Sheet, Subject, Undecided, is_concurrency, may_be_a_guess, price,
};
use ratewarden_limiter::Time;
use ratewarden_model::Call;
use ratewarden_policy::Offence;

use super::fields::LogFields;
use super::pending::Charge;
use super::{Judged, Outcome, Replay};

impl Replay {
    pub(super) fn decide(
        &mut self,
        call: &Call<'_>,
        head: &Head<'_, LogFields<'_>>,
        subject: &Subject,
    ) -> Outcome {
        let Judged { rules, counters, clock, bans, .. } = &mut self.judged;
        // What stands in a body is not in a log; limits that count by it are not among the rules.
        let body = Body::new(b"");
        let decided = ratewarden_judge::decide(
            rules,
            counters,
            clock,
            head,
            subject,
            Some(&body),
            None,
            &mut self.sheet,
        );
        let decision = match decided {
            Ok(decided) => decided.decision,
            Err(Undecided::Refused(refusal)) => return self.totals.refuse(refusal.reason),
            Err(Undecided::NeedsBody) => return self.totals.refuse("needs_body"),
        };
        let Sheet { selected, checks, scratch } = &self.sheet;
        for ((&limit, check), verdict) in selected.limits.iter().zip(checks).zip(scratch.verdicts()) {
            if let Some(tally) = self.tallies.get_mut(limit) {
                tally.see(call, subject, check.cost, verdict.rejected.is_some());
            }
        }
        let (now, label) = (head.at, subject.caller.label());
        let offender = Offender { suspects: &subject.suspects, caller: Some(&label) };
        match decision {
            Decision::Rejected(_) => {
                bans.offended(Offence::Rejections, &offender, counters, now);
                Outcome::Rejected
            }
            Decision::Admitted => {
                bans.let_through(subject, now);
                let counts = self.policy.credentials.count_upstream && matches!(call.status, 401 | 403);
                if counts && may_be_a_guess(head, subject) {
                    bans.offended(Offence::FailedCredentials, &offender, counters, now);
                }
                self.open(call, now);
                Outcome::Admitted
            }
        }
    }

    /// Keeps what must be given back or settled when an admitted call ends.
    fn open(&mut self, call: &Call<'_>, now: Time) {
        let Judged { rules, counters, pending, .. } = &mut self.judged;
        let Sheet { selected, checks, scratch } = &self.sheet;
        let ending = Ending { status: call.status, body_bytes: call.bytes, price: None };
        for ((&limit, check), verdict) in selected.limits.iter().zip(checks).zip(scratch.verdicts()) {
            let settle = rules.limits.get(limit).and_then(|rule| rule.limit.settle.as_ref());
            let concurrent = is_concurrency(&check.rule);
            if verdict.rejected.is_some() || !(concurrent || settle.is_some()) {
                continue;
            }
            let instead = settle.and_then(|settle| price(settle, check.cost, &ending));
            let (key, rule, cost, overflow) = (check.key, check.rule, check.cost, verdict.overflow);
            let charge = Charge { key, rule, cost, overflow, instead };
            match call.micros {
                Some(micros) => pending.add(now.after(Duration::from_micros(micros)), charge, counters),
                None => charge.settle(now, counters),
            }
        }
    }
}
