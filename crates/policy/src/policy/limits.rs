//! What is limited: calls, and what one call may ask for.

use std::collections::BTreeMap;
use std::num::NonZeroU64;
use std::time::Duration;

use ratewarden_limiter::Algorithm;

use crate::template::PathTemplate;

/// One limit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Limit {
    /// Unique; also the policy name in `RateLimit` fields.
    pub name: String,
    /// Which calls.
    pub matches: Matches,
    /// A CEL expression that must hold too.
    pub when: Option<String>,
    /// What a call is counted per; empty is one total that all share.
    pub per: Vec<Key>,
    /// How it is counted.
    pub algorithm: Algorithm,
    /// The duration the configuration names: the rate's, the window's; `None` for quotas and concurrency.
    pub window: Option<Duration>,
    /// What a call costs.
    pub cost: Cost,
    /// What is charged after the response.
    pub settle: Option<Settle>,
    /// Rejections are recorded, not enforced.
    pub shadow: bool,
}

/// Which calls a rule is about; every part that is there must hold.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Matches {
    /// Any of these, in upper case; empty is every method.
    pub methods: Vec<String>,
    /// The path has this form.
    pub path: Option<PathTemplate>,
    /// Header fields (names in lower case) with exactly these values.
    pub headers: BTreeMap<String, String>,
    /// Query parameters with exactly these (decoded) values.
    pub query: BTreeMap<String, String>,
    /// The caller has this plan.
    pub plan: Option<String>,
}

/// One part of what a call is counted per.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Key {
    /// The caller.
    Caller,
    /// The client's address (IPv6 by prefix).
    Address,
    /// The user named by Basic credentials or a verified token, whoever the caller is.
    User,
    /// Method and path template of the limit that matches; without a template the normalised path.
    Route,
    /// The method.
    Method,
    /// A header, its name in lower case.
    Header(String),
    /// A query parameter.
    Query(String),
    /// A parameter of the limit's path template.
    Path(String),
    /// A cookie.
    Cookie(String),
    /// A field of a JSON body, as the names on the way to it.
    Body(Vec<String>),
}

/// What a call costs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Cost {
    /// This many.
    Fixed(u64),
    /// The number that stands in the call, 1 when there is none, at most `most`.
    From {
        /// Where it stands.
        source: CostSource,
        /// The highest that is believed.
        most: u64,
    },
}

/// Where a cost stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum CostSource {
    /// A query parameter.
    Query(String),
    /// A header, its name in lower case.
    Header(String),
    /// A field of a JSON body.
    Body(Vec<String>),
    /// The body's bytes, one for each started `per`.
    BodyBytes {
        /// Bytes that cost one.
        per: NonZeroU64,
    },
}

/// What is charged after the response.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Settle {
    /// One for each started `per` bytes of the response's body, beside the cost at the door.
    ResponseBytes {
        /// Bytes that cost one.
        per: NonZeroU64,
    },
    /// The number in this response header (lower case) instead of the cost at the door; the header is not passed
    /// on.
    ResponseHeader(String),
    /// A response with one of these statuses costs this instead.
    Status {
        /// Inclusive, such as 500 to 599.
        from: u16,
        /// Inclusive.
        to: u16,
        /// The cost.
        cost: u64,
    },
}

/// A bound on what a call may ask for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Bound {
    /// Unique.
    pub name: String,
    /// Which calls.
    pub matches: Matches,
    /// What is bounded.
    pub what: Bounded,
}

/// What is bounded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Bounded {
    /// A number in the query.
    Query {
        /// The parameter.
        name: String,
        /// The ceiling.
        max: u64,
        /// Over it the number is lowered; otherwise the call is refused (422).
        clamp: bool,
        /// It must be present (422).
        required: bool,
    },
    /// A number in the JSON body.
    Body {
        /// The names on the way to it.
        field: Vec<String>,
        /// The ceiling.
        max: u64,
        /// Over it the number is lowered; otherwise the call is refused (422).
        clamp: bool,
        /// It must be present (422).
        required: bool,
    },
    /// The size of the response's body: 502 when it is known in advance to be over, cut off when not.
    Response {
        /// Bytes.
        max: u64,
    },
}
