//! Which limits and bounds are about a call.

use ratewarden_callers::Fields;
use ratewarden_http1::query_values;
use ratewarden_policy::{Bounded, Cost, CostSource, Key, Limit, Matches};

use crate::{Head, Rules, Subject};

/// The limits and bounds of one call, by their places in the policy; reused from call to call.
#[derive(Debug, Default)]
pub struct Selected {
    /// Places of limits.
    pub limits: Vec<usize>,
    /// Places of bounds.
    pub bounds: Vec<usize>,
    /// The body must be seen before the call can be judged.
    pub needs_body: bool,
}

impl Rules {
    /// Writes into `selected` what is about this call.
    pub fn select<F: Fields>(&self, head: &Head<'_, F>, subject: &Subject, selected: &mut Selected) {
        selected.limits.clear();
        selected.bounds.clear();
        selected.needs_body = false;
        for (index, rule) in self.limits.iter().enumerate() {
            if applies(&rule.limit.matches, head, subject)
                && rule.condition.as_ref().is_none_or(|condition| condition.holds(head, subject))
            {
                selected.limits.push(index);
                selected.needs_body |= sees_body(&rule.limit);
            }
        }
        for (index, bound) in self.bounds.iter().enumerate() {
            if applies(&bound.matches, head, subject) {
                selected.bounds.push(index);
                selected.needs_body |= matches!(bound.what, Bounded::Body { .. });
            }
        }
    }
}

fn applies<F: Fields>(matches: &Matches, head: &Head<'_, F>, subject: &Subject) -> bool {
    let Matches { methods, path, headers, query, plan } = matches;
    (methods.is_empty() || methods.iter().any(|method| method == head.method))
        && path.as_ref().is_none_or(|path| path.matches(head.path))
        && plan.as_deref().is_none_or(|plan| subject.caller.plan() == Some(plan))
        && headers.iter().all(|(name, value)| head.fields.values(name).any(|found| found == value.as_bytes()))
        && query.iter().all(|(name, value)| {
            query_values(head.query.unwrap_or_default(), name).any(|found| found == value.as_str())
        })
}

/// Whether a limit looks into the body of a call.
#[must_use]
pub fn sees_body(limit: &Limit) -> bool {
    let counted = limit.per.iter().any(|key| matches!(key, Key::Body(_)));
    let cost =
        matches!(limit.cost, Cost::From { source: CostSource::Body(_) | CostSource::BodyBytes { .. }, .. });
    counted || cost
}
