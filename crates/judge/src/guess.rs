//! What the server behind the gateway says of a credential.

use ratewarden_callers::Fields;

use crate::{Head, Subject};

/// Whether 401 and 403 can mean that a credential was wrong. Who only reads and shows none is told to bring one (RFC 9110
/// section 11.6.1), which is how every browser begins; a form, a query or a field that callers are known by may hold one.
#[must_use]
pub fn may_be_a_guess<F: Fields>(head: &Head<'_, F>, subject: &Subject) -> bool {
    let shows = |name| head.fields.values(name).next().is_some();
    !subject.caller.is_by_address()
        || !matches!(head.method, "GET" | "HEAD" | "OPTIONS")
        || head.query.is_some()
        || shows("authorization")
        || shows("cookie")
}
