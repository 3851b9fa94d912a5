//! What detectors count, in words, for the page of detectors.

use crate::spec::{By, Detector, Filter, Kind, RouteKind, Shows};

impl Filter {
    /// Which calls pass, in a few words.
    #[must_use]
    pub fn describe(&self) -> String {
        let mut words = Vec::new();
        words.extend(list("", self.methods.iter().map(String::as_str)));
        words.extend(list("", self.kinds.iter().map(|kind| kind.word())));
        words.extend(list("not ", self.not_kinds.iter().map(|kind| kind.word())));
        words.extend(list("at ", self.paths.iter().map(String::as_str)));
        words.extend(list("with ", self.with.iter().map(|what| what.word())));
        words.extend(list("without ", self.without.iter().map(|what| what.word())));
        let statuses = self.statuses.describe();
        words.extend((!statuses.is_empty()).then(|| format!("answered {statuses}")));
        if words.is_empty() { "all".to_owned() } else { words.join("; ") }
    }
}

fn list<'w>(before: &str, words: impl Iterator<Item = &'w str>) -> Option<String> {
    let words: Vec<_> = words.collect();
    (!words.is_empty()).then(|| format!("{before}{}", words.join(", ")))
}

impl Detector {
    /// What calls are counted per, and what of them is counted.
    #[must_use]
    pub fn per_words(&self) -> String {
        let per: Vec<_> = self.per.iter().map(|by| by.word()).collect();
        let of = match &self.kind {
            Kind::Distinct { of, .. } => format!("different {} of each ", of.plural()),
            Kind::Both { of, and, others, .. } => {
                format!("different {} with at least {others} {} of each ", of.plural(), and.plural())
            }
            Kind::Refused { percent, .. } => format!("credentials refused, {percent} % of all, of each "),
            Kind::Front { agents, .. } => format!("at least {agents} agents of each "),
            Kind::Share { of, .. } => format!("share of one {} in each ", of.word()),
            Kind::Crowd { of, values, .. } => format!("calls of at least {values} {} of each ", of.plural()),
            _ => String::new(),
        };
        format!("{of}{}", per.join(" and "))
    }
}

impl By {
    fn plural(self) -> String {
        let word = self.word();
        match word.strip_suffix('y') {
            Some(stem) if !word.ends_with("ey") => format!("{stem}ies"),
            _ if word.ends_with('s') || word.ends_with('x') => format!("{word}es"),
            _ => format!("{word}s"),
        }
    }

    /// The word for it.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::All => "all together",
            Self::Caller => "caller",
            Self::Token => "token",
            Self::User => "user",
            Self::Address => "address",
            Self::Prefix => "prefix",
            Self::WideNetwork => "network",
            Self::Asn => "asn",
            Self::Country => "country",
            Self::Route => "route",
            Self::Template => "template",
            Self::Path => "path",
            Self::Query => "query",
            Self::Agent => "agent",
            Self::Key => "key",
            Self::Method => "method",
            Self::Status => "status",
            Self::Target => "target",
            Self::Anybody => "anybody",
        }
    }
}

impl RouteKind {
    /// The word for it.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Static => "static",
            Self::Login => "login",
            Self::Token => "token",
            Self::Control => "control",
            Self::Job => "job",
            Self::Cluster => "cluster",
            Self::ClusterEnd => "cluster-end",
            Self::Sensitive => "sensitive",
            Self::Write => "write",
            Self::Read => "read",
            Self::Dynamic => "dynamic",
        }
    }
}

impl Shows {
    /// The word for it.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Credential => "credential",
            Self::User => "user",
            Self::Referer => "referer",
            Self::Query => "query",
            Self::Id => "id",
            Self::Number => "number",
            Self::Limit => "limit",
            Self::Paging => "paging",
            Self::Large => "large",
        }
    }
}
