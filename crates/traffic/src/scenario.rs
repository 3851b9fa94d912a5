//! Abuse, one scenario at least for each thing that is detected.
//!
//! Each function takes a seed and the start in milliseconds since 1970 and says what must be found: the rule, whom it
//! is about, how many calls are abusive and when they begin. Where abuse shows only beside what others do (a hot key,
//! reads far above those of peers, a break with history), the others are part of the scenario's calls and not counted
//! as abusive.
//!
//! Attackers call from the networks of RFC 5737, each scenario from addresses of its own, so that several can be
//! merged. A start at midnight keeps a scenario within one day where that matters ([`daily_quota`]).

mod baseline;
mod disguise;
mod flood;
mod login;
mod ray;
mod reads;
mod tokens;

pub use baseline::{caller_baseline, route_baseline};
pub use disguise::{
    encoded_logins, guessing_in_company, method_flood, method_probing, query_logins, query_passwords,
    referred_cache_bypass, referred_random_paths, script_scraping, style_flood,
};
pub use flood::{agent_switching, cache_bypass, crawl, flood, probing, random_paths, sensitive_files};
pub use login::{
    account_spread, login_brute_force, low_and_slow, low_and_slow_network, low_and_slow_network_v6,
    nine_blog_logins, seven_app_logins, six_basic_unauthorized, six_unauthorized, user_enumeration,
};
pub use ray::{
    cluster_creations, clusters_alive, clusters_alive_read, hoarding, hoarding_cpu, hoarding_growth,
    job_flood, job_queue, jobs_per_hour, route_velocity,
};
pub use reads::{
    daily_quota, enumeration_ascending, enumeration_cursors, enumeration_gaps, enumeration_shuffled,
    growing_limit, hot_key, hot_key_route, unbounded_read, unpaged_read,
};
pub use tokens::{
    impossible_travel, stolen_key, token_guessing, token_guessing_distributed, token_guessing_routes,
    token_guessing_user, token_networks, token_spread,
};

use ratewarden_model::SubjectKind;

use crate::call::{OwnedCall, Traffic};

/// Abuse, and what must be said of it.
#[derive(Debug, Clone, PartialEq)]
pub struct Scenario {
    /// Its name, as [`ALL`] has it.
    pub name: &'static str,
    /// The rule that must find it.
    pub rule: &'static str,
    /// Whom the finding must be about. Of a token or a caller this is the raw credential: whoever compares hashes it.
    /// Segments of a route that name one thing are `{id}`.
    pub subject: (SubjectKind, String),
    /// Its calls, by time.
    pub calls: Traffic,
    /// How many of them are abusive.
    pub abusive: u64,
    /// The time of the first abusive one.
    pub begins_ms: i64,
    /// Other rules that may speak of the same calls; why stands where the scenario is made. What else is found is false.
    pub also: &'static [&'static str],
}

impl Scenario {
    fn new(
        name: &'static str,
        rule: &'static str,
        subject: (SubjectKind, impl Into<String>),
        abusive: Vec<OwnedCall>,
    ) -> Self {
        let calls = Traffic::new(abusive);
        Self {
            name,
            rule,
            subject: (subject.0, subject.1.into()),
            abusive: calls.len() as u64,
            begins_ms: calls.first().map_or(0, |call| call.at_ms),
            calls,
            also: &[],
        }
    }

    /// These rules may speak too.
    fn also(mut self, rules: &'static [&'static str]) -> Self {
        self.also = rules;
        self
    }

    /// With calls of others, which are not abusive.
    fn among(mut self, others: Vec<OwnedCall>) -> Self {
        self.calls.extend(others);
        self
    }
}

/// Makes a scenario from a seed and a start.
pub type Make = fn(u64, i64) -> Scenario;

/// Every scenario by its name.
pub const ALL: [(&str, Make); 57] = [
    ("route-velocity", route_velocity),
    ("cluster-creations", cluster_creations),
    ("clusters-alive", clusters_alive),
    ("clusters-alive-read", clusters_alive_read),
    ("job-flood", job_flood),
    ("job-queue", job_queue),
    ("jobs-per-hour", jobs_per_hour),
    ("hoarding", hoarding),
    ("hoarding-cpu", hoarding_cpu),
    ("hoarding-growth", hoarding_growth),
    ("token-guessing", token_guessing),
    ("token-guessing-routes", token_guessing_routes),
    ("token-guessing-distributed", token_guessing_distributed),
    ("token-guessing-user", token_guessing_user),
    ("token-spread", token_spread),
    ("token-networks", token_networks),
    ("impossible-travel", impossible_travel),
    ("stolen-key", stolen_key),
    ("hot-key", hot_key),
    ("hot-key-route", hot_key_route),
    ("unbounded-read", unbounded_read),
    ("growing-limit", growing_limit),
    ("unpaged-read", unpaged_read),
    ("enumeration-ascending", enumeration_ascending),
    ("enumeration-shuffled", enumeration_shuffled),
    ("enumeration-gaps", enumeration_gaps),
    ("enumeration-cursors", enumeration_cursors),
    ("daily-quota", daily_quota),
    ("flood", flood),
    ("cache-bypass", cache_bypass),
    ("random-paths", random_paths),
    ("agent-switching", agent_switching),
    ("crawl", crawl),
    ("probing", probing),
    ("sensitive-files", sensitive_files),
    ("six-unauthorized", six_unauthorized),
    ("six-basic-unauthorized", six_basic_unauthorized),
    ("seven-app-logins", seven_app_logins),
    ("nine-blog-logins", nine_blog_logins),
    ("login-brute-force", login_brute_force),
    ("account-spread", account_spread),
    ("user-enumeration", user_enumeration),
    ("low-and-slow", low_and_slow),
    ("low-and-slow-network", low_and_slow_network),
    ("low-and-slow-network-v6", low_and_slow_network_v6),
    ("method-flood", method_flood),
    ("method-probing", method_probing),
    ("encoded-logins", encoded_logins),
    ("query-logins", query_logins),
    ("query-passwords", query_passwords),
    ("script-scraping", script_scraping),
    ("style-flood", style_flood),
    ("referred-random-paths", referred_random_paths),
    ("referred-cache-bypass", referred_cache_bypass),
    ("guessing-in-company", guessing_in_company),
    ("route-baseline", route_baseline),
    ("caller-baseline", caller_baseline),
];

/// The scenario of that name, where there is one.
#[must_use]
pub fn by_name(name: &str, seed: u64, start_ms: i64) -> Option<Scenario> {
    ALL.iter().find(|(known, _)| *known == name).map(|(_, make)| make(seed, start_ms))
}

/// Every scenario, all of one start.
pub fn all(seed: u64, start_ms: i64) -> impl Iterator<Item = Scenario> {
    ALL.into_iter().map(move |(_, make)| make(seed, start_ms))
}
