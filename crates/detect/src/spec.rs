//! What a detector is: which calls, grouped by what, and what of them is too much.
//!
//! Plain data. The defaults (`defaults`) and the policy's `[[detector]]` tables are both of this form, so what is built
//! in can be said in a policy too.

use ratewarden_model::{Resource, Severity};

use crate::predicate::When;

/// Detectors that an engine takes.
pub const MAX_DETECTORS: usize = 128;

/// Detectors with questions to the call itself that an engine takes beside those.
pub const MAX_TESTED: usize = 1024;

/// Questions of one [`Kind::Together`].
pub const MAX_PARTS: usize = 8;

/// A detector.
#[derive(Debug, Clone, PartialEq)]
pub struct Detector {
    /// Its name; several detectors of one rule have different names.
    pub name: String,
    /// The rule its findings are of, such as `watch.flood`, or `watch.` and the name of one of the user's own.
    pub rule: String,
    /// How bad a finding is.
    pub severity: Severity,
    /// Which calls.
    pub filter: Filter,
    /// What calls are grouped by; the first is what a finding is about. Calls that lack one of them do not count.
    pub per: Vec<By>,
    /// What is too much.
    pub kind: Kind,
    /// In how long, in seconds.
    pub seconds: u32,
    /// What its findings say, where its rule is not one of ours.
    pub about: Option<About>,
}

/// What is said of findings of a rule that somebody else wrote.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct About {
    /// The finding's title.
    pub title: String,
    /// What the rule looks for; stands behind the figures.
    pub description: String,
    /// What to do.
    pub advice: String,
    /// Standards and pages.
    pub references: Vec<String>,
}

/// What calls are grouped by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum By {
    /// All calls together. A finding is then about the route of the call that was over.
    All,
    /// Whoever it is: credential, else user, else address.
    Caller,
    /// The credential.
    Token,
    /// The user's name.
    User,
    /// The client's address.
    Address,
    /// The network: /24 of IPv4, /64 of IPv6.
    Prefix,
    /// The larger network: /16 of IPv4, /32 of IPv6.
    WideNetwork,
    /// The autonomous system; needs geography.
    Asn,
    /// The country; needs geography.
    Country,
    /// Method and template.
    Route,
    /// The path's template, whatever the method.
    Template,
    /// The whole path.
    Path,
    /// The query.
    Query,
    /// `User-Agent`.
    Agent,
    /// The partition key: what the source names so, else the last id in the path.
    Key,
    /// The method; a finding is about the route of the call that was over.
    Method,
    /// The status; a finding is about the route of the call that was over.
    Status,
    /// Path and query.
    Target,
    /// Whoever it is, and where nothing says that, all who are nobody together.
    Anybody,
}

/// What of a group's calls is too much.
#[derive(Debug, Clone, PartialEq)]
pub enum Kind {
    /// So many calls in the window.
    Rate {
        /// This many are too many.
        calls: u32,
        /// Of the window's eight stretches so many must have calls: 1 for a burst, more for what goes on for long.
        filled: u32,
    },
    /// So many calls in the window, from so many different ones together.
    Crowd {
        /// This many calls are too many.
        calls: u32,
        /// As of [`Kind::Rate`].
        filled: u32,
        /// Of what there must be different ones.
        of: By,
        /// At least so many, 1 to 48.
        values: u32,
    },
    /// So many different values in the window.
    Distinct {
        /// Of what.
        of: By,
        /// This many are too many.
        values: u32,
        /// At least so many of 100 calls bring a new value.
        percent: u32,
    },
    /// So many different values of one thing in the window, and of another as well.
    Both {
        /// Of what.
        of: By,
        /// This many are too many.
        values: u32,
        /// Of what else.
        and: By,
        /// If there are so many of that too, 1 to 48.
        others: u32,
    },
    /// So many different credentials were refused (401, 403), and they are most of those that were shown.
    Refused {
        /// This many are too many.
        credentials: u32,
        /// If they are so many of 100 of all, with those that were accepted within an hour.
        percent: u32,
    },
    /// The log knows no clients: it has so few addresses, and of one of them so many agents that each call often. Nothing
    /// else is claimed of such an address.
    Front {
        /// At most so many.
        addresses: u32,
        /// At least so many, 1 to 64.
        agents: u32,
    },
    /// One key has an outsized share of the calls of a group.
    Share {
        /// Of what; a finding is about it.
        of: By,
        /// So many of 100 calls.
        percent: u32,
        /// Among so many calls at least.
        calls: u32,
    },
    /// Too many calls of a group fail.
    Ratio {
        /// The statuses that count as failed.
        failed: Statuses,
        /// So many of 100 calls.
        percent: u32,
        /// Among so many calls at least.
        calls: u32,
    },
    /// Numbers in paths or cursors are walked: so many different ones, lying so close that half of the range is there.
    Sequence {
        /// So many numbers.
        numbers: u32,
    },
    /// The page size asked for grows.
    Growth {
        /// So many times.
        times: u32,
        /// To at least so many times the first.
        factor: u32,
        /// And to at least this.
        limit: u32,
    },
    /// A group's bytes are far above those of other callers of the same route.
    Peers {
        /// So many bytes at least.
        bytes: u64,
        /// So many times what 95 of 100 others have.
        factor: u32,
    },
    /// More of a resource is held than may be: at any time more than `most`, where that is there, or on average over
    /// the window more than `percent` of all there is, while it grew without a matching submission.
    Level {
        /// Of what.
        resource: Resource,
        /// So much at most.
        most: Option<f64>,
        /// So much of 100 at most, on average.
        percent: Option<u32>,
    },
    /// Two places that nobody can be in at once.
    Travel {
        /// Faster than so many kilometres an hour.
        kmh: u32,
        /// Farther than so many kilometres, the inaccuracy of both places taken off.
        km: u32,
    },
    /// Far outside its own history: hours are compared with the hours before.
    Baseline {
        /// So many times the most there was.
        factor: u32,
        /// And at least so many calls in an hour.
        calls: u32,
    },
    /// So many calls in a calendar day (UTC).
    Daily {
        /// This many are too many.
        calls: u64,
    },
    /// A number that calls have, over all calls of the window, is too large. Calls that do not say it do not count.
    Total {
        /// Which number.
        of: Quantity,
        /// What is made of it.
        measure: Measure,
        /// More than this, in the quantity's unit.
        bound: f64,
        /// Or exactly this.
        or_equal: bool,
    },
    /// Different questions hold of calls of a group within the window: one for each of its parts.
    Together {
        /// The questions, at most [`MAX_PARTS`]; what is over is left out.
        parts: Vec<When>,
        /// So many of them; counts only where the order does not.
        least: u32,
        /// In the order in which they stand; calls of the same second are in any order. All must hold then.
        ordered: bool,
    },
}

/// A number that calls have.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Quantity {
    /// Bytes of the response.
    Bytes,
    /// How long it took, in milliseconds.
    Millis,
}

/// What is made of many numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Measure {
    /// Their sum.
    Sum,
    /// Their average.
    Average,
    /// The smallest that so many of 100 are not above (nearest rank), 1 to 100.
    Percentile(u8),
}

/// Which calls; everything that is there must hold.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Filter {
    /// The method is one of these; empty: any.
    pub methods: Vec<String>,
    /// The path's template is one of these, `*` standing for anything; empty: any.
    pub paths: Vec<String>,
    /// The status is one of these.
    pub statuses: Statuses,
    /// The route is of one of these kinds; empty: of any.
    pub kinds: Vec<RouteKind>,
    /// The route is of none of these kinds.
    pub not_kinds: Vec<RouteKind>,
    /// The call shows all of these.
    pub with: Vec<Shows>,
    /// The call shows none of these.
    pub without: Vec<Shows>,
    /// This holds of the call itself. A detector that has it is one of at most [`MAX_TESTED`].
    pub when: Option<When>,
}

/// Kinds of routes, by their words.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum RouteKind {
    /// A style, script, picture, font or film.
    Static,
    /// Where somebody proves who it is.
    Login,
    /// Where programs get tokens.
    Token,
    /// A write that starts, ends or changes machines or jobs.
    Control,
    /// A job is submitted.
    Job,
    /// A cluster is created.
    Cluster,
    /// A cluster is ended.
    ClusterEnd,
    /// A path that only who looks for weaknesses asks for.
    Sensitive,
    /// A method that changes something.
    Write,
    /// GET, or SELECT.
    Read,
    /// Work for a server: a path, whatever the method, that is no static file, and no question what may be asked (OPTIONS).
    Dynamic,
}

/// What a call can show.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Shows {
    /// A credential.
    Credential,
    /// A user.
    User,
    /// A page it came from.
    Referer,
    /// A query.
    Query,
    /// An id in its path.
    Id,
    /// A number in its path or cursor.
    Number,
    /// A page size.
    Limit,
    /// From where on it wants to read.
    Paging,
    /// More than 1 MiB in its response.
    Large,
}

/// A set of statuses.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Statuses(Vec<(u16, u16)>);

impl Default for Statuses {
    fn default() -> Self {
        Self::any()
    }
}

impl Statuses {
    /// All, and those that are not said.
    #[must_use]
    pub fn any() -> Self {
        Self(vec![(0, u16::MAX)])
    }

    /// Exactly these.
    #[must_use]
    pub fn of(statuses: &[u16]) -> Self {
        Self(statuses.iter().map(|&status| (status, status)).collect())
    }

    /// From ranges, both ends included.
    #[must_use]
    pub fn ranges(ranges: Vec<(u16, u16)>) -> Self {
        Self(ranges)
    }

    /// Which, in words; empty for all.
    #[must_use]
    pub fn describe(&self) -> String {
        if *self == Self::any() {
            return String::new();
        }
        let range =
            |&(low, high): &(u16, u16)| if low == high { low.to_string() } else { format!("{low}–{high}") };
        self.0.iter().map(range).collect::<Vec<_>>().join(", ")
    }

    /// Whether a status is one of them.
    #[must_use]
    pub fn has(&self, status: u16) -> bool {
        self.0.iter().any(|&(low, high)| (low..=high).contains(&status))
    }
}

impl Kind {
    /// Whether a finding's count is that of its calls, which can be added up, and not of values or of a level.
    pub(crate) const fn counts_calls(&self) -> bool {
        matches!(self, Self::Rate { .. } | Self::Crowd { .. } | Self::Daily { .. } | Self::Ratio { .. })
    }

    /// What a finding's count is of.
    pub(crate) const fn noun(&self) -> &'static str {
        match self {
            Self::Rate { .. }
            | Self::Crowd { .. }
            | Self::Daily { .. }
            | Self::Baseline { .. }
            | Self::Front { .. }
            | Self::Share { .. } => "calls",
            Self::Ratio { .. } => "failed calls",
            Self::Distinct { .. } | Self::Both { .. } => "different values",
            Self::Refused { .. } => "different credentials refused",
            Self::Sequence { .. } => "numbers of one stretch",
            Self::Growth { .. } => "asked for at once",
            Self::Peers { .. } => "bytes",
            Self::Level { .. } => "held",
            Self::Travel { .. } => "jumps",
            Self::Together { .. } => "rules that hold",
            Self::Total { measure: Measure::Percentile(_), .. } => "calls above",
            Self::Total { of: Quantity::Bytes, .. } => "bytes",
            Self::Total { of: Quantity::Millis, .. } => "milliseconds",
        }
    }
}

impl Detector {
    /// Whether it asks calls themselves, and is one of at most [`MAX_TESTED`].
    #[must_use]
    pub const fn is_tested(&self) -> bool {
        self.filter.when.is_some() || matches!(self.kind, Kind::Together { .. })
    }

    /// Whether it counts calls and asks of each for neither query, agent nor key, which are long or have to be looked for.
    pub(crate) fn is_light(&self) -> bool {
        let is_heavy = |by: &By| matches!(by, By::Query | By::Target | By::Agent | By::Key);
        matches!(self.kind, Kind::Rate { .. } | Kind::Daily { .. }) && !self.per.iter().any(is_heavy)
    }

    /// What it is over, as findings show it: `500/1m`.
    #[must_use]
    pub fn threshold(&self) -> String {
        let time = ratewarden_model::format_duration(std::time::Duration::from_secs(self.seconds.into()));
        match &self.kind {
            Kind::Rate { calls, .. } | Kind::Crowd { calls, .. } => format!("{calls}/{time}"),
            Kind::Distinct { values, .. } | Kind::Both { values, .. } => format!("{values}/{time}"),
            Kind::Refused { credentials, .. } => format!("{credentials}/{time}"),
            Kind::Front { addresses, .. } => format!("all calls from {addresses} addresses"),
            Kind::Sequence { numbers } => format!("{numbers}/{time}"),
            Kind::Share { percent, calls, .. } => format!("{percent} % of {calls}/{time}"),
            Kind::Ratio { percent, calls, .. } => format!("{percent} % of {calls}/{time}"),
            Kind::Growth { factor, limit, .. } => format!("{factor} times, {limit}"),
            Kind::Peers { bytes, factor } => {
                format!("{factor} times others, {}/{time}", ratewarden_model::format_size(*bytes))
            }
            Kind::Level { most: Some(most), .. } => format!("{most}"),
            Kind::Level { percent, .. } => format!("{} %/{time}", percent.unwrap_or(100)),
            Kind::Travel { kmh, .. } => format!("{kmh} km/h"),
            Kind::Baseline { factor, .. } => format!("{factor} times its own/1h"),
            Kind::Daily { calls } => format!("{calls}/1d"),
            Kind::Together { parts, ordered: true, .. } => format!("{} in order/{time}", parts.len()),
            Kind::Together { least, .. } => format!("{least}/{time}"),
            Kind::Total { of, measure, bound, or_equal } => {
                let unit = if *of == Quantity::Bytes { "bytes" } else { "ms" };
                let sign = if *or_equal { "≥" } else { ">" };
                match measure {
                    Measure::Sum => format!("{sign} {bound} {unit}/{time}"),
                    Measure::Average => format!("average {sign} {bound} {unit}/{time}"),
                    Measure::Percentile(of) => format!("{of} % {sign} {bound} {unit}/{time}"),
                }
            }
        }
    }
}
