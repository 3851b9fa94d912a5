//! What a rejected caller meets.

use std::time::Duration;

use ratewarden_model::Rate;

/// When a caller is banned.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PenaltyRule {
    /// Unique.
    pub name: String,
    /// What is counted.
    pub offence: Offence,
    /// How many, in how long.
    pub after: Rate,
    /// Whom.
    pub per: PenaltyPer,
    /// The first ban.
    pub ban: Duration,
    /// The longest.
    pub up_to: Duration,
    /// Good behaviour after which a ban is a first one again.
    pub forget: Duration,
}

/// What leads to a penalty.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Offence {
    /// Calls that a limit rejected.
    Rejections,
    /// Credentials that were wrong.
    FailedCredentials,
}

/// Who is banned.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PenaltyPer {
    /// The caller.
    Caller,
    /// The client's address.
    Address,
}

/// How a rejected call is answered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    /// Which fields.
    pub fields: LimitFields,
    /// Admitted calls carry them too.
    pub on_success: bool,
    /// 400 to 599.
    pub status: u16,
    /// The text.
    pub body: AnswerBody,
}

/// Header fields that say what is left.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LimitFields {
    /// `RateLimit` and `RateLimit-Policy` (draft-ietf-httpapi-ratelimit-headers).
    Draft,
    /// `X-RateLimit-Limit`, `-Remaining`, `-Reset`.
    Legacy,
    /// Both.
    Both,
    /// Only `Retry-After`.
    None,
}

/// The body of a rejection.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum AnswerBody {
    /// RFC 9457.
    Problem,
    /// Empty.
    None,
    /// A text of one's own; `{retry-after}` (seconds) and `{limit}` are filled in.
    Text {
        /// Content-Type.
        media_type: String,
        /// The text.
        text: String,
    },
}
