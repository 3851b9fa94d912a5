//! How rejected calls are answered, and what is kept.

use crate::form::{Choice, Count, Either, OneOf};
use crate::policy::LimitFields;
use crate::table::table;
use crate::words::{AccessLogWord, FilePath, HeaderValue, Text};

table! {
    /// How a rejected call is answered.
    Answer {
        /// Header fields that say what is left.
        "fields" fields: OneOf<LimitFields>, Default "\"draft\"";
        /// Admitted calls carry them too.
        "on-success" on_success: bool, Default "true";
        /// The status of a rejection.
        "status" status: Count<400, 599>, Default "429";
        /// The body of a rejection: `problem` (RFC 9457), `none`, or a text of one's own.
        "body" body: Either<OneOf<Ready>, Wording>, Default "\"problem\"";
    }
}

impl Choice for LimitFields {
    const WORDS: &'static [(&'static str, Self, &'static str)] = &[
        ("draft", Self::Draft, "`RateLimit` and `RateLimit-Policy` (draft-ietf-httpapi-ratelimit-headers)."),
        ("legacy", Self::Legacy, "`X-RateLimit-Limit`, `X-RateLimit-Remaining` and `X-RateLimit-Reset`."),
        ("both", Self::Both, "Both of them."),
        ("none", Self::None, "None but `Retry-After`."),
    ];
}

/// A body that needs no text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Ready {
    Problem,
    None,
}

impl Choice for Ready {
    const WORDS: &'static [(&'static str, Self, &'static str)] = &[
        ("problem", Self::Problem, "`application/problem+json` (RFC 9457)."),
        ("none", Self::None, "Empty."),
    ];
}

table! {
    /// A text of one's own.
    Wording {
        /// Its `Content-Type`.
        "type" media_type: HeaderValue, Required;
        /// The text, at most 64 KiB; `{retry-after}` (seconds) and `{limit}` (its name) are filled in.
        "text" text: Text<65_536>, Required;
    }
}

table! {
    /// What survives a restart. Without this table nothing does: quotas, bans, lock-outs and whom those spare begin anew.
    Store {
        /// SQLite file for quotas, penalties and whom lock-outs spare, made where there is none and readable by its owner alone. It is written a few times a second: a process that is killed loses at most the last second.
        "file" file: FilePath, Required;
    }
}

table! {
    /// Logs beside the gateway's own, which goes to stderr.
    Log {
        /// The access log, one JSON line a call: `off`, `stdout`, or a file that is appended to.
        "access" access: AccessLogWord, Default "\"off\"";
    }
}
