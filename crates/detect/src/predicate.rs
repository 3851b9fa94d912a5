//! A question that is asked of a call itself, where a filter of methods, paths and statuses is not enough.
//!
//! Rules that others write (Sigma) ask for words anywhere in a target or an agent. That cannot be worked out once for each
//! route, so such detectors are kept apart: the sets of bits know nothing of them, and who has none pays nothing. Text is put
//! into lower case once for each call and not once for each question.

use std::fmt::Debug;
use std::sync::Arc;

use ratewarden_model::{Call, CallCaller};

/// A question to a call.
pub trait Predicate: Debug + Send + Sync {
    /// Whether it holds. `lower` is the same call with the ASCII letters of its texts in lower case.
    fn holds(&self, call: &Call<'_>, lower: &Call<'_>) -> bool;
}

/// A [`Predicate`] that detectors share. Two are equal when they are the same one.
#[derive(Debug, Clone)]
pub struct When(pub Arc<dyn Predicate>);

impl PartialEq for When {
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }
}

impl Eq for When {}

/// Room for the texts of a call in lower case.
#[derive(Debug, Default)]
pub(crate) struct Lower(Vec<u8>);

impl Lower {
    /// The call with its texts in lower case.
    pub(crate) fn of<'s>(&'s mut self, call: &'s Call<'_>) -> Call<'s> {
        let parts = [call.method, call.target, call.agent, call.referer, call.user, call.key];
        self.0.clear();
        for part in parts {
            self.0.extend_from_slice(part);
        }
        self.0.make_ascii_lowercase();
        let mut rest = self.0.as_slice();
        let mut next = |part: &[u8]| {
            let (one, after) = rest.split_at_checked(part.len()).unwrap_or_default();
            rest = after;
            one
        };
        let [method, target, agent, referer, user, key] = parts.map(&mut next);
        Call { method, target, agent, referer, user, key, caller: CallCaller::Nobody, ..*call }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_text_is_put_into_lower_case_and_nothing_else_changes() {
        let call = Call {
            method: b"GET",
            target: b"/A?B=\xff",
            agent: b"Mozilla",
            referer: b"",
            user: b"Bob",
            key: b"K",
            status: 404,
            ..Call::at(7)
        };
        let mut lower = Lower::default();
        let found = lower.of(&call);
        assert_eq!(
            (found.method, found.target, found.agent),
            (&b"get"[..], &b"/a?b=\xff"[..], &b"mozilla"[..])
        );
        assert_eq!((found.referer, found.user, found.key), (&b""[..], &b"bob"[..], &b"k"[..]));
        assert_eq!((found.status, found.at_ms), (404, 7));
    }
}
