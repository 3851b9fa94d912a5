//! Limits, bounds and penalties.

use ratewarden_limiter::Each;
use ratewarden_model::Rate;

use crate::form::{Choice, Count, Either, MAX_NUMBER, Many, OneOf, Pairs, Several};
use crate::policy::{Key, PenaltyPer, Settle};
use crate::table::table;
use crate::template::PathTemplate;
use crate::words::{
    After, BodyField, CostWord, HeaderName, HeaderValue, Lasting, Method, Name, QueryName, Size, Text, YEAR,
    Zone,
};

table! {
    /// A limit: which calls, counted per what, and how many. Limits that single callers have are asked before those
    /// that all share, so that a limited caller never spends what others need.
    Limit {
        /// Its name, unique; also its policy name in `RateLimit` fields.
        "name" name: Name, Required;
        /// Which calls; without it all.
        "match" matches: Matches, Default "{}";
        /// A CEL expression that must be true as well. It knows `request.method`, `request.path`, `request.query`,
        /// `request.headers`, `caller.name`, `caller.plan` and `caller.address`.
        "when" when: Text<1024>, Optional;
        /// What calls are counted per, any of `caller`, `address`, `user`, `route`, `method`, `header:NAME`,
        /// `query:NAME`, `path:NAME` (of the template), `cookie:NAME` and `body:FIELD`; several together make one
        /// key. `[]` is one total that all share.
        "per" per: Many<Key, 8>, Default "[\"caller\"]";
        /// A token bucket: so many calls in a time, refilled evenly.
        "rate" rate: Rate, Optional;
        /// Calls of `rate` that may come at once; without it as many as the rate has.
        "burst" burst: Count<1, MAX_NUMBER>, Optional;
        /// A sliding window: at most so many calls in any stretch of that time.
        "window" window: Rate, Optional;
        /// A calendar quota: so many calls each day, month, …
        "quota" quota: Quota, Optional;
        /// Calls under way at once.
        "concurrent" concurrent: Count<1, 1_000_000>, Optional;
        /// What a call costs: a number, or where it stands in the call (`query:NAME`, `header:NAME`, `body:FIELD`; 1
        /// when it is not there), `body-bytes` (one for each byte) or `body-bytes:SIZE` (one for each started SIZE). 0 only with
        /// `settle`.
        "cost" cost: Either<Count<0, MAX_NUMBER>, CostWord>, Default "1";
        /// The highest cost that is believed; without it 1000, and no ceiling for `body-bytes`. Only for a cost that
        /// stands in the call.
        "cost-max" cost_max: Count<1, MAX_NUMBER>, Optional;
        /// What is charged after the response: `response-bytes:SIZE` (one for each started SIZE, beside the cost),
        /// `response-header:NAME` (the number in it, instead of the cost), or `status:5xx=0` (responses with that
        /// status cost this instead). Not for `concurrent`.
        "settle" settle: Settle, Optional;
        /// Rejections are recorded but not enforced.
        "shadow" shadow: bool, Default "false";
    }
    ExactlyOne ["rate", "window", "quota", "concurrent"];
    Needs ["burst", "rate"];
}

table! {
    /// Which calls; every key that is there must hold.
    Matches {
        /// A method, or several of which one must fit.
        "method" method: Several<Method, 32>, Optional;
        /// The form of the path: `{name}` is one segment, a final `{*name}` all that is left. A slash at the end
        /// counts.
        "path" path: PathTemplate, Optional;
        /// Header fields with exactly these values.
        "header" header: Pairs<HeaderName, HeaderValue, 16>, Optional;
        /// Query parameters with exactly these (decoded) values.
        "query" query: Pairs<QueryName, Text<1024>, 16>, Optional;
        /// The caller's plan.
        "plan" plan: Name, Optional;
    }
}

table! {
    /// A calendar quota.
    Quota {
        /// Calls in each period.
        "calls" calls: Count<1, MAX_NUMBER>, Required;
        /// The period. Weeks begin on Monday.
        "each" each: OneOf<Each>, Required;
        /// The time zone whose calendar says when a period begins.
        "zone" zone: Zone, Default "\"UTC\"";
    }
}

impl Choice for Each {
    const WORDS: &'static [(&'static str, Self, &'static str)] = &[
        ("minute", Self::Minute, "From a full minute."),
        ("hour", Self::Hour, "From a full hour."),
        ("day", Self::Day, "From midnight."),
        ("week", Self::Week, "From Monday's midnight."),
        ("month", Self::Month, "From the first's midnight."),
        ("year", Self::Year, "From the midnight of January first."),
    ];
}

table! {
    /// A bound on what a single call may ask for, or be answered with.
    Bound {
        /// Its name, unique among bounds.
        "name" name: Name, Required;
        /// Which calls; without it all.
        "match" matches: Matches, Default "{}";
        /// The query parameter whose number is bounded.
        "query" query: QueryName, Optional;
        /// The field of the JSON body whose number is bounded, such as `spec.cpus`.
        "body" body: BodyField, Optional;
        /// `true` bounds the size of the response's body.
        "response" response: bool, Optional;
        /// The ceiling: a number for `query` and `body`, a size for `response`.
        "max" max: Either<Count<0, MAX_NUMBER>, Size<MAX_NUMBER>>, Required;
        /// What happens over it; without this key `clamp`, for `response` `refuse`.
        "over" over: OneOf<Over>, Optional;
        /// A call without the number is refused (422). Not for `response`.
        "required" required: bool, Optional;
    }
    ExactlyOne ["query", "body", "response"];
}

/// What happens over a bound.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Over {
    Clamp,
    Refuse,
}

impl Choice for Over {
    const WORDS: &'static [(&'static str, Self, &'static str)] = &[
        ("clamp", Self::Clamp, "The number is lowered to the ceiling."),
        (
            "refuse",
            Self::Refuse,
            "The call is refused (422); a response gets 502 when its size is known in advance, and is cut off when not.",
        ),
    ];
}

table! {
    /// A ban for who goes on after rejections.
    Penalty {
        /// Its name, unique among penalties; without it the text of `after`.
        "name" name: Name, Optional;
        /// The offence, how many, and in how long: `20 rejections/1m` or `10 failed-credentials/1m`.
        "after" after: After, Required;
        /// Who is banned.
        "per" per: OneOf<PenaltyPer>, Default "\"caller\"";
        /// The first ban; each further one is twice as long.
        "ban" ban: Lasting<YEAR>, Required;
        /// The longest ban.
        "up-to" up_to: Lasting<YEAR>, Default "\"24h\"";
        /// Good behaviour after which a ban is a first one again.
        "forget" forget: Lasting<YEAR>, Default "\"24h\"";
    }
}

impl Choice for PenaltyPer {
    const WORDS: &'static [(&'static str, Self, &'static str)] =
        &[("caller", Self::Caller, "The caller."), ("address", Self::Address, "The client's address.")];
}
