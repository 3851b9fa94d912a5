//! The catalogue of rules: one constant each, public ids, and what each costs.
//!
//! docs/rules/ holds one page a rule, made from here (`cargo xtask generate`), and `ratewarden rules ID` prints
//! the same. A rule's severity is fixed, so that a gate (`--fail-on-severity high`) means the same for everybody;
//! how sure one finding is goes into its confidence.

use crate::severity::Severity;

/// One rule.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rule {
    /// Public and stable.
    pub id: &'static str,
    /// One of [`CATEGORIES`].
    pub category: &'static str,
    /// How much harm a finding of it allows.
    pub severity: Severity,
    /// Points taken from the score by each finding of it.
    deduction: u32,
    /// One line.
    pub title: &'static str,
    /// How it is tested and why it matters.
    pub explanation: &'static str,
    /// What to do, in general.
    pub remedy: &'static str,
    /// Standards and sources.
    pub references: &'static [&'static str],
}

impl Rule {
    /// Points taken from the score by each finding of this rule (docs/scoring.md).
    #[must_use]
    pub const fn deduction(&self) -> u32 {
        self.deduction
    }

    /// The page in docs/rules/ that explains it.
    #[must_use]
    pub fn page(&self) -> String {
        format!("docs/rules/{}.md", self.id)
    }
}

/// Everything about how much one caller may do.
pub const RATE_LIMITING: &str = "Rate Limiting";
/// Whether the limit can be gone round.
pub const BYPASS: &str = "Bypass Resistance";
/// Whether credentials can be guessed, or are not asked for.
pub const AUTHENTICATION: &str = "Authentication";
/// Whether what comes in and goes out is checked.
pub const DATA_HANDLING: &str = "Data Handling";

/// What was seen in traffic; it has no score.
pub const SEEN_ABUSE: &str = "Abuse";

/// All categories that are scored, in the order reports show them.
pub const CATEGORIES: [&str; 4] = [RATE_LIMITING, BYPASS, AUTHENTICATION, DATA_HANDLING];

const API4: &[&str] = &["OWASP API4:2023", "CWE-770"];
const BYPASS_REFS: &[&str] = &["OWASP API4:2023", "CWE-799"];
const SPOOFED: &[&str] = &["OWASP API4:2023", "CWE-348", "CWE-290"];

macro_rules! rules {
    ($(#[$about:meta])* $all:ident; $($name:ident = $id:literal, $category:ident, $severity:ident, $deduction:literal, $refs:expr;
       title: $title:literal; why: $why:literal; remedy: $remedy:literal;)*) => {
        $(
            #[doc = $title]
            pub const $name: Rule = Rule {
                id: $id, category: $category, severity: Severity::$severity, deduction: $deduction,
                title: $title, explanation: $why, remedy: $remedy, references: $refs,
            };
        )*
        $(#[$about])*
        pub const $all: &[Rule] = &[$($name),*];
    };
}

pub mod abuse;

pub use abuse::ABUSE;

rules! {
    /// Every rule of scans, in the order of docs/rules/.
    ALL;

    NO_LIMIT = "scan.no-limit", RATE_LIMITING, High, 35, API4;
    title: "No rate limit was seen";
    why: "Requests are sent at a growing pace, up to the budget of the depth. The finding says how many were sent over \
          which time, and that none was rejected or delayed. It never says that there is no limit: one that is higher \
          than the budget, or counted over a day, cannot be seen this way.";
    remedy: "Limit calls per caller in front of the endpoint, and answer 429 with Retry-After beyond it.";

    SHARED_LIMIT = "scan.shared-limit", RATE_LIMITING, Medium, 10, API4;
    title: "One limit is shared by every caller";
    why: "While one source address was rejected, requests from a second address were rejected too. Whoever uses the limit \
          up locks everybody else out, so the limiter itself has become the way to deny service.";
    remedy: "Count per caller (API key, user or address), and keep a shared total only as a second, larger limit that \
             is charged after the caller's own.";

    NO_RATE_HEADERS = "scan.no-rate-headers", RATE_LIMITING, Low, 3, &["draft-ietf-httpapi-ratelimit-headers", "RFC 9110 section 10.2.3"];
    title: "Rejections do not say when to come back";
    why: "A limiter was seen to reject, but neither Retry-After nor any known family of rate headers came with the rejection. \
          Honest clients then retry blindly, which makes an overload worse. Some services hide their limits on purpose, so \
          this is a low finding.";
    remedy: "Send Retry-After with every rejection, and RateLimit and RateLimit-Policy where the limit need not be hidden.";

    HEADERS_LIE = "scan.headers-lie", RATE_LIMITING, Medium, 8, &["draft-ietf-httpapi-ratelimit-headers"];
    title: "Published limits do not agree with behaviour";
    why: "The limit, the remaining calls or the time to come back that the answers publish are compared with what was observed. \
          A client that obeys a false header is either slower than it need be or is rejected although it obeyed.";
    remedy: "Write the headers from the limiter that decides, not from a constant; where several replicas count apart, share \
             the count or publish the limit of one replica.";

    UNBOUNDED_READ = "scan.unbounded-read", RATE_LIMITING, High, 20, &["OWASP API4:2023", "CWE-770", "CWE-1284"];
    title: "One call can read without bound";
    why: "Page-size parameters are raised step by step (1, 10, 100, 1 000, 10 000) and left out; bytes and latency are fitted \
          against the value. Growth without a plateau, an answer that ignores paging, or a huge default page means that one \
          call costs as much as thousands.";
    remedy: "Hold the page size to a ceiling on the server, give a small default, require a paging token, and charge calls by \
             what they return.";

    HOT_KEY = "scan.hot-key", RATE_LIMITING, High, 20, &["OWASP API4:2023", "CWE-770", "CWE-400"];
    title: "Writes to one key slow down as they concentrate";
    why: "Writes with one fixed key and writes with fresh keys are sent in turn, so that drift of the machine cancels. A rank \
          test says whether the fixed key is slower, an effect size says by how much.";
    remedy: "Limit writes per key before they reach the store, and spread the key itself.";

    CARELESS_WRITE = "scan.careless-write", DATA_HANDLING, Medium, 8, &["OWASP API3:2023", "CWE-20"];
    title: "A write is accepted unchecked";
    why: "A write with a wrong type, an extra field or an oversized string in what looks like a key is accepted as if it were \
          right. What is not checked at the door is stored, partitioned on and indexed.";
    remedy: "Validate the body against a schema before it is used: types, lengths, no unknown fields.";

    WEAK_CURSOR = "scan.weak-cursor", DATA_HANDLING, Medium, 8, &["OWASP API1:2023", "CWE-565", "CWE-639"];
    title: "The paging cursor can be read and forged";
    why: "Cursors in answers are decoded. One that is a bare offset, an id or an unsigned database paging state lets a client \
          walk everything from any place, and tells it how the data is stored.";
    remedy: "Encrypt or sign the cursor with a key of the server, and bind it to the caller and the query.";

    RETRY_AFTER_LIES = "scan.retry-after-lies", RATE_LIMITING, Low, 4, &["RFC 9110 section 10.2.3"];
    title: "Retry-After does not admit";
    why: "A request sent after the announced time was still rejected while nothing else was sent.";
    remedy: "Compute Retry-After from the state of the limiter, rounded up.";

    BYPASS_ADDRESS_HEADER = "scan.bypass.address-header", BYPASS, High, 25, SPOOFED;
    title: "A header that anybody can send gets round the limit";
    why: "While the limiter rejects, the same request with one forged address header is admitted, several times, and the plain \
          request before and after each is still rejected.";
    remedy: "Take the client's address from the connection, or from the right-most untrusted entry of X-Forwarded-For when the \
             connection comes from a proxy of your own; drop the header at the edge.";

    BYPASS_PATH = "scan.bypass.path", BYPASS, High, 20, BYPASS_REFS;
    title: "Another spelling of the path gets round the limit";
    why: "While the limiter rejects, another spelling of the same path reaches the same resource.";
    remedy: "Normalise the path once, before the limiter, and let the limiter and the application see the same form; refuse \
             ambiguous spellings.";

    BYPASS_QUERY = "scan.bypass.query", BYPASS, High, 20, BYPASS_REFS;
    title: "An unused query parameter gets round the limit";
    why: "While the limiter rejects, the same request with a parameter that nobody reads is admitted: the query is part of the key.";
    remedy: "Count per route and caller, never per full URL.";

    BYPASS_METHOD = "scan.bypass.method", BYPASS, Medium, 10, BYPASS_REFS;
    title: "Another method gets round the limit";
    why: "While the limiter rejects GET, HEAD or an override header reaches the same resource and does the same work.";
    remedy: "Let the limit match every method that reaches the handler.";

    BYPASS_CREDENTIAL = "scan.bypass.credential", BYPASS, High, 20, BYPASS_REFS;
    title: "A made-up credential gets an allowance of its own";
    why: "While the limiter rejects, the same request with a random credential that nobody has issued is served: the limiter \
          counts per credential before anybody has checked it.";
    remedy: "Check the credential first and count unknown ones per address.";

    BYPASS_USER_AGENT = "scan.bypass.user-agent", BYPASS, High, 20, BYPASS_REFS;
    title: "Another User-Agent or cookie gets round the limit";
    why: "While the limiter rejects, the same request with a changed User-Agent or a random cookie is admitted.";
    remedy: "Leave what the client may freely choose out of the key.";

    BYPASS_REWRITE = "scan.bypass.rewrite", BYPASS, High, 20, BYPASS_REFS;
    title: "A rewrite header gets round the limit";
    why: "While the limiter rejects, X-Original-URL, X-Rewrite-URL or another Host reaches the same resource.";
    remedy: "Drop these headers at the edge and refuse unknown hosts.";

    BYPASS_CONCURRENCY = "scan.bypass.concurrency", BYPASS, Medium, 10, &["OWASP API4:2023", "CWE-362", "CWE-367"];
    title: "Parallel requests get past the limit";
    why: "Far more calls are admitted when they are sent at one instant than one after another: the limiter reads its counter \
          and writes it later.";
    remedy: "Check and count in one atomic step.";

    BYPASS_BATCHING = "scan.bypass.batching", BYPASS, Medium, 10, BYPASS_REFS;
    title: "Many operations fit in one counted call";
    why: "A GraphQL request with many aliases, or an array of requests, is answered whole: a limit that counts HTTP requests \
          counts it once.";
    remedy: "Charge by operation or by query cost, and bound aliases and batch size.";

    NO_LOCKOUT = "scan.no-lockout", AUTHENTICATION, High, 15, &["OWASP API2:2023", "CWE-307"];
    title: "Credentials can be guessed without hindrance";
    why: "At most 15 requests with obviously false tokens are sent. Neither a lock-out nor a growing delay nor a rejection was seen.";
    remedy: "Limit failing credentials per source and per target, with a lock-out that grows.";

    OPEN_CONTROL_PLANE = "scan.open-control-plane", AUTHENTICATION, Critical, 30, &["OWASP API2:2023", "CWE-306", "CVE-2023-48022"];
    title: "A control plane answers without credentials";
    why: "A Ray dashboard was recognised and its Jobs API lists jobs without credentials. Whoever can list can submit, and a submitted \
          job is a shell command on the cluster. Nothing was submitted to find this out.";
    remedy: "Bind the dashboard to loopback, switch on token authentication (RAY_AUTH_MODE=token), and put a gateway with users \
             and limits before it.";
}

/// Every rule there is: those of scans, then those of traffic.
pub fn every() -> impl Iterator<Item = &'static Rule> {
    ALL.iter().chain(ABUSE)
}

/// Finds a rule by its id.
#[must_use]
pub fn find(id: &str) -> Option<&'static Rule> {
    every().find(|rule| rule.id == id)
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn ids_are_unique_and_every_rule_is_complete() {
        let ids: HashSet<_> = ALL.iter().map(|rule| rule.id).collect();
        assert_eq!(ids.len(), ALL.len());
        for rule in ALL {
            assert!(rule.id.starts_with("scan.") && CATEGORIES.contains(&rule.category), "{}", rule.id);
            assert!(!rule.remedy.is_empty() && !rule.references.is_empty(), "{}", rule.id);
            assert!(!rule.title.ends_with('.'), "{}", rule.id);
            assert_eq!(find(rule.id), Some(rule));
        }
    }

    #[test]
    fn rules_of_abuse_cost_no_points_and_are_complete() {
        let ids: HashSet<_> = ABUSE.iter().map(|rule| rule.id).collect();
        assert_eq!(ids.len(), ABUSE.len());
        for rule in ABUSE {
            assert!(
                rule.id.starts_with("watch.") && rule.category == SEEN_ABUSE && rule.deduction == 0,
                "{}",
                rule.id
            );
            assert!(
                !rule.remedy.is_empty() && !rule.references.is_empty() && !rule.title.ends_with('.'),
                "{}",
                rule.id
            );
            assert_eq!(find(rule.id), Some(rule));
        }
    }

    #[test]
    fn worse_rules_cost_more() {
        for rule in ALL {
            let fits = match rule.severity {
                Severity::Info => rule.deduction == 0,
                Severity::Low => (1..=5).contains(&rule.deduction),
                Severity::Medium => (6..=12).contains(&rule.deduction),
                Severity::High => (15..=35).contains(&rule.deduction),
                Severity::Critical => rule.deduction >= 30,
            };
            assert!(fits, "{} costs {}", rule.id, rule.deduction);
        }
    }
}
