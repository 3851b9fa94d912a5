//! Detectors: which calls, grouped by what, and what of them is too much.

use ratewarden_detect::{By, RouteKind, Shows};
use ratewarden_model::{Resource, Severity};

use crate::form::{Choice, Count, Either, MAX_NUMBER, Many, OneOf, Several};
use crate::notes::Span;
use crate::table::{Field, table};
use crate::words::{Lasting, MOST, Method, Name, Pace, PathPattern, Size, StatusRange, WEEK, Whole, YEAR};

/// A status, or several that are alike.
pub(crate) type Status = Either<Count<100, 599>, StatusRange>;

table! {
    /// What is looked for in calls. With the name of a built-in detector (docs/detectors.md lists them) it changes that one,
    /// and keys that are not there stay as they are, those within `match` and of its kind as well. With another name it is
    /// a new one, and needs a kind: exactly one of `over`, `distinct`, `share`, `ratio`, `sequence`, `growth`, `peers`,
    /// `level`, `travel`, `baseline` and `daily`. At most 64 can be new. What only you can know, such as how many clusters may
    /// be alive, how many jobs an hour or how many calls a day somebody may make, is a new detector too: named
    /// `clusters-alive`, `jobs-per-hour` or `daily-quota` its findings come with what to do.
    Detector {
        /// Its name, unique. Findings of a new one are of the rule `watch.NAME`, so it has only lower-case letters, digits and
        /// dashes.
        "name" name: Name, Required;
        /// `false` switches it off.
        "enabled" enabled: bool, Default "true";
        /// Which calls; without it all, of a built-in one those that it looks at.
        "match" matches: Calls, Optional;
        /// What calls are grouped by, several together as one group; a finding is about the first. `[]` is all calls
        /// together. Without it `["caller"]`, of a built-in one what it has. Calls that lack one of them do not count.
        "per" per: Many<OneOf<By>, 4>, Optional;
        /// How bad a finding is; without it `medium`, where the rule has a severity of its own that one.
        "severity" severity: OneOf<Severity>, Optional;
        /// So many calls in a time are too many.
        "over" over: Pace<1, MOST>, Optional;
        /// Of the eight equal parts of the time of `over` so many must have calls; 1 when left out, a burst. More is for what
        /// goes on for long.
        "spread" spread: Count<1, 8>, Optional;
        /// Too many different values of something.
        "distinct" distinct: Distinct, Optional;
        /// One value has an outsized share of the calls.
        "share" share: Share, Optional;
        /// Too many of the calls fail.
        "ratio" ratio: Ratio, Optional;
        /// So many numbers of one stretch, in paths or cursors, are walked in a time; 2 to 400.
        "sequence" sequence: Pace<2, 400>, Optional;
        /// The page size asked for grows.
        "growth" growth: Growth, Optional;
        /// Bytes far above those of other callers of the same route.
        "peers" peers: Peers, Optional;
        /// More of a resource is held than may be.
        "level" level: Level, Optional;
        /// Two places that nobody can be in at once; needs `watch.geoip`.
        "travel" travel: Travel, Optional;
        /// Far outside its own history: hours are compared with those of the two weeks before.
        "baseline" baseline: Baseline, Optional;
        /// So many calls in a calendar day (UTC) are too many.
        "daily" daily: Count<1, MAX_NUMBER>, Optional;
        /// Whom a finding is about is banned for so long, each further time twice as long. Only where that is a `caller`,
        /// `token` or `address`; never a user, whose name anybody can give. In a gateway it begins there; of logs `watch.penalties`
        /// says where. `watch.never-ban` says whom never. A ban of an address spares callers that had proved who they are from it.
        "ban" ban: Lasting<YEAR>, Optional;
        /// The longest ban.
        "ban-up-to" ban_up_to: Lasting<YEAR>, Default "\"24h\"";
    }
    AtMostOne ["over", "distinct", "share", "ratio", "sequence", "growth", "peers", "level", "travel", "baseline", "daily"];
    Needs ["ban-up-to", "ban"];
}

table! {
    /// Which calls; every key that is there must hold.
    Calls {
        /// A method, or several of which one must fit; of a database a statement's first word.
        "method" method: Several<Method, 32>, Optional;
        /// The form of the path, `*` standing for anything, or several of which one must fit.
        "path" path: Several<PathPattern, 32>, Optional;
        /// A status, or several of which one must fit: 404, `4xx`, `500-503`.
        "status" status: Several<Status, 32>, Optional;
        /// The route is of this kind, or of one of several.
        "is" is: Several<OneOf<RouteKind>, 11>, Optional;
        /// The route is of none of these kinds.
        "is-not" is_not: Several<OneOf<RouteKind>, 11>, Optional;
        /// The call shows all of these.
        "shows" shows: Several<OneOf<Shows>, 9>, Optional;
        /// The call shows none of these.
        "shows-not" shows_not: Several<OneOf<Shows>, 9>, Optional;
    }
}

table! {
    /// Too many different values of something.
    Distinct {
        /// Of what.
        "of" of: OneOf<By>, Optional;
        /// So many different ones in a time are too many; at most 8000.
        "over" over: Pace<1, 8_000>, Optional;
        /// At least so many of 100 calls bring a new value; 0 when left out.
        "percent" percent: Count<0, 100>, Optional;
    }
}

table! {
    /// One value has an outsized share of the calls of a group: over `percent`, and four times that of the next.
    Share {
        /// Of what; a finding is about it.
        "of" of: OneOf<By>, Optional;
        /// So many of 100 calls.
        "percent" percent: Count<1, 100>, Optional;
        /// Among so many calls at least.
        "calls" calls: Count<1, MOST>, Optional;
        /// In how long, at most 7 days.
        "in" within: Whole<WEEK>, Optional;
    }
}

table! {
    /// Too many of the calls fail.
    Ratio {
        /// The statuses that count as failed.
        "failed" failed: Several<Status, 32>, Optional;
        /// So many of 100 calls.
        "percent" percent: Count<1, 100>, Optional;
        /// Among so many calls at least.
        "calls" calls: Count<1, MOST>, Optional;
        /// In how long, at most 7 days.
        "in" within: Whole<WEEK>, Optional;
    }
}

table! {
    /// The page size asked for grows.
    Growth {
        /// So many times.
        "times" times: Count<1, 100>, Optional;
        /// To at least so many times the first.
        "factor" factor: Count<2, MOST>, Optional;
        /// And to at least this.
        "to" to: Count<1, MOST>, Optional;
        /// In how long, at most 7 days.
        "in" within: Whole<WEEK>, Optional;
    }
}

table! {
    /// Bytes far above those of other callers of the same route.
    Peers {
        /// So many bytes at least.
        "bytes" bytes: Size<MAX_NUMBER>, Optional;
        /// So many times what 95 of 100 others have.
        "factor" factor: Count<2, MOST>, Optional;
        /// In how long, at most 7 days.
        "in" within: Whole<WEEK>, Optional;
    }
}

table! {
    /// More of a resource is held than may be: more than `most` at any time, or more than `percent` on average. A new one
    /// has at least one of the two.
    Level {
        /// Of what.
        "resource" resource: OneOf<Resource>, Optional;
        /// So much may be held at any time.
        "most" most: Count<1, MOST>, Optional;
        /// So many of 100 of all there is may be held on average, as long as a submission explains it.
        "percent" percent: Count<1, 100>, Optional;
        /// The time that `percent` is averaged over, at most 7 days; 30 minutes when left out.
        "in" within: Whole<WEEK>, Optional;
    }
}

table! {
    /// Two places that nobody can be in at once: farther apart than `km`, and reached faster than `per-hour`.
    Travel {
        /// Kilometres between them, the inaccuracy of both places taken off.
        "km" km: Count<1, 20_000>, Optional;
        /// Kilometres an hour.
        "per-hour" per_hour: Count<1, 1_000_000>, Optional;
        /// How long a place is remembered, at most 7 days; 24 hours when left out.
        "in" within: Whole<WEEK>, Optional;
    }
}

table! {
    /// Far outside its own history.
    Baseline {
        /// So many times the calls of any hour before.
        "factor" factor: Count<2, MOST>, Optional;
        /// And at least so many calls in an hour.
        "calls" calls: Count<1, MOST>, Optional;
    }
}

impl Choice for By {
    const WORDS: &'static [(&'static str, Self, &'static str)] = &[
        ("caller", Self::Caller, "Whoever it is: the credential, else the user, else the address."),
        ("token", Self::Token, "The credential."),
        ("user", Self::User, "The user's name."),
        ("address", Self::Address, "The client's address."),
        ("prefix", Self::Prefix, "The network: /24 of IPv4, /64 of IPv6."),
        ("network", Self::WideNetwork, "The larger network: /16 of IPv4, /32 of IPv6."),
        ("asn", Self::Asn, "The autonomous system; needs `watch.geoip-asn`."),
        ("country", Self::Country, "The country; needs `watch.geoip`."),
        ("route", Self::Route, "Method and template of the path."),
        ("template", Self::Template, "The template of the path, whatever the method."),
        ("path", Self::Path, "The whole path."),
        ("query", Self::Query, "The query."),
        ("agent", Self::Agent, "The `User-Agent`."),
        ("key", Self::Key, "The partition key, else the last id in the path."),
    ];
}

impl Choice for RouteKind {
    const WORDS: &'static [(&'static str, Self, &'static str)] = &[
        ("static", Self::Static, "A style, script, picture, font or film."),
        ("login", Self::Login, "Where somebody proves who it is."),
        ("token", Self::Token, "Where programs get tokens."),
        ("control", Self::Control, "A write that starts, ends or changes machines or jobs."),
        ("job", Self::Job, "A job is submitted."),
        ("cluster", Self::Cluster, "A cluster is created."),
        ("cluster-end", Self::ClusterEnd, "A cluster is ended."),
        ("sensitive", Self::Sensitive, "A path that only who looks for weaknesses asks for."),
        ("write", Self::Write, "A method that changes something."),
        ("read", Self::Read, "GET, or SELECT."),
        ("dynamic", Self::Dynamic, "A path that is no static file, by any method but OPTIONS."),
    ];
}

impl Choice for Shows {
    const WORDS: &'static [(&'static str, Self, &'static str)] = &[
        ("credential", Self::Credential, "A credential."),
        ("user", Self::User, "A user."),
        ("referer", Self::Referer, "A page it came from."),
        ("query", Self::Query, "A query."),
        ("id", Self::Id, "An id in its path."),
        ("number", Self::Number, "A number in its path or cursor."),
        ("limit", Self::Limit, "A page size."),
        ("paging", Self::Paging, "From where on it wants to read."),
        ("large", Self::Large, "More than 1 MiB in its response."),
    ];
}

impl Choice for Resource {
    const WORDS: &'static [(&'static str, Self, &'static str)] = &[
        ("gpu", Self::Gpu, "Graphics processors."),
        ("cpu", Self::Cpu, "Processor cores."),
        ("cluster", Self::Cluster, "Clusters that are alive."),
    ];
}

impl Choice for Severity {
    const WORDS: &'static [(&'static str, Self, &'static str)] = &[
        ("critical", Self::Critical, "Its cost is unbounded."),
        ("high", Self::High, "It hurts by itself."),
        ("medium", Self::Medium, "It hurts together with something else."),
        ("low", Self::Low, "A nuisance."),
        ("info", Self::Info, "Worth knowing."),
    ];
}

/// The keys that are kinds.
pub(crate) const KINDS: [&str; 11] = [
    "over", "distinct", "share", "ratio", "sequence", "growth", "peers", "level", "travel", "baseline",
    "daily",
];

/// The kinds that are written, and where those stand that can be read.
pub(crate) fn kinds(detector: &Detector) -> Vec<(&'static str, Option<Span>)> {
    fn spot<T>(field: &Field<T>) -> Option<Option<Span>> {
        field.is_written().then(|| field.get().map(|at| at.span.clone()))
    }
    let spots = [
        spot(&detector.over),
        spot(&detector.distinct),
        spot(&detector.share),
        spot(&detector.ratio),
        spot(&detector.sequence),
        spot(&detector.growth),
        spot(&detector.peers),
        spot(&detector.level),
        spot(&detector.travel),
        spot(&detector.baseline),
        spot(&detector.daily),
    ];
    KINDS.into_iter().zip(spots).filter_map(|(name, spot)| Some((name, spot?))).collect()
}
