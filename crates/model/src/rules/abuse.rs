//! The rules of what is seen in traffic.
//!
//! They cost no points: a score says what an API allows, these say what somebody does.

use super::{Rule, SEEN_ABUSE};
use crate::severity::Severity;

rules! {
    /// Every rule of traffic, in the order of docs/detectors.md.
    ABUSE;

    ROUTE_VELOCITY = "watch.route-velocity", SEEN_ABUSE, High, 0, &["OWASP API4:2023", "CWE-770"];
    title: "A control route is called at high speed";
    why: "Calls to one route that starts, ends or changes machines or jobs are counted over a minute, whoever makes them: 500 are more than people and their programs need.";
    remedy: "Limit the route as a whole and per caller, and look at who calls it.";

    CLUSTER_CREATIONS = "watch.cluster-creations", SEEN_ABUSE, High, 0, &["OWASP API4:2023", "CWE-770"];
    title: "One caller creates clusters in a row";
    why: "Creations of clusters by one caller are counted over five minutes: more than 10 are a loop, not a person.";
    remedy: "Limit creations per caller, and set a maximum of clusters that are alive.";

    CLUSTERS_ALIVE = "watch.clusters-alive", SEEN_ABUSE, High, 0, &["OWASP API4:2023", "CWE-770"];
    title: "More clusters are alive than may be";
    why: "Creations less endings, or readings of the source, are over the maximum that the policy names.";
    remedy: "End what nobody uses, and refuse creations over the maximum.";

    JOB_FLOOD = "watch.job-flood", SEEN_ABUSE, High, 0, &["OWASP API4:2023", "CWE-770"];
    title: "One caller floods the cluster with jobs";
    why: "Submissions of one caller are counted over a minute: more than 100 fill the queue for everybody.";
    remedy: "Limit submissions per caller with a small burst; ban who goes on.";

    JOB_QUEUE = "watch.job-queue", SEEN_ABUSE, High, 0, &["OWASP API4:2023", "CWE-770"];
    title: "The job queue is being filled";
    why: "Submissions of all callers together are counted over five minutes: 1 000 are more than a head node starts.";
    remedy: "Limit submissions as a whole, charged after each caller's own limit.";

    JOBS_PER_HOUR = "watch.jobs-per-hour", SEEN_ABUSE, Medium, 0, &["OWASP API4:2023", "CWE-770"];
    title: "More jobs in an hour than may be";
    why: "Submissions of one caller in an hour are over the maximum that the policy names.";
    remedy: "Give the caller a plan that fits, or hold it to its maximum with a quota.";

    HOARDING = "watch.hoarding", SEEN_ABUSE, High, 0, &["OWASP API4:2023", "CWE-770"];
    title: "One caller holds most of a resource";
    why: "What a caller holds of GPUs or processors is averaged over half an hour: over half of all there is, most of which came without a submission that explains it, or over three quarters.";
    remedy: "End what is idle, and set a maximum per caller.";

    TOKEN_GUESSING = "watch.token-guessing", SEEN_ABUSE, Critical, 0, &["OWASP API2:2023", "CWE-307"];
    title: "One source guesses credentials";
    why: "Many different credentials of one source are refused, or, where a log does not say which credential it was, one source is refused again and again at one place. Pages that load a protected file are not counted.";
    remedy: "Lock the source out after a few refusals; Ratewarden's [[penalty]] spares known callers behind the same address.";

    TOKEN_GUESSING_DISTRIBUTED = "watch.token-guessing-distributed", SEEN_ABUSE, Critical, 0, &["OWASP API2:2023", "CWE-307"];
    title: "Many sources guess credentials at one place";
    why: "Refusals at one login or of one account come from many addresses.";
    remedy: "Count refusals per account and per route as well as per address, and slow the route down for who is not known.";

    TOKEN_SPREAD = "watch.token-spread", SEEN_ABUSE, Critical, 0, &["OWASP API2:2023", "CWE-307"];
    title: "One credential is used from many countries";
    why: "The countries from which one credential was used in an hour: 50 are a credential that was published or sold.";
    remedy: "Revoke it, and bind credentials to networks where that is possible.";

    TOKEN_NETWORKS = "watch.token-networks", SEEN_ABUSE, Critical, 0, &["OWASP API2:2023", "CWE-307"];
    title: "One credential is used from many networks at once";
    why: "The networks from which one credential was used in ten minutes (/24, IPv6 /64) or in an hour (/16, IPv6 /32), where as many programs use it (User-Agents) as people would who share it. One program of one's own runs in many networks of a cloud.";
    remedy: "Revoke it, and limit how many networks one credential may come from.";

    IMPOSSIBLE_TRAVEL = "watch.impossible-travel", SEEN_ABUSE, Critical, 0, &["OWASP API2:2023", "CWE-307"];
    title: "One credential is in two places at once";
    why: "Distance over time between two addresses of one credential or user, what is uncertain of both places taken off. Addresses that several credentials share say nothing and do not count.";
    remedy: "Ask whose it is, revoke it if he was not there.";

    HOT_KEY = "watch.hot-key", SEEN_ABUSE, High, 0, &["OWASP API4:2023", "CWE-770", "CWE-400"];
    title: "One key gets most of the writes";
    why: "The share of one key in the writes to a route or a table over five minutes, where there are other keys as well. One partition then does the work of all.";
    remedy: "Limit writes per key before they reach the store, and spread the key itself.";

    UNBOUNDED_READ = "watch.unbounded-read", SEEN_ABUSE, Medium, 0, &["OWASP API4:2023", "CWE-770"];
    title: "One caller reads far more than others";
    why: "Bytes of one caller at one route are at least 20 times what 95 of 100 others have, and over 100 MiB in ten minutes.";
    remedy: "Hold page sizes to a ceiling, and charge calls by what they return.";

    GROWING_LIMIT = "watch.growing-limit", SEEN_ABUSE, Medium, 0, &["OWASP API4:2023", "CWE-770"];
    title: "A caller asks for larger and larger pages";
    why: "The page size that a caller asks for rises again and again, to a hundred times what it began with: somebody tries how much one call can read.";
    remedy: "Hold the page size to a ceiling on the server.";

    UNPAGED_READ = "watch.unpaged-read", SEEN_ABUSE, Medium, 0, &["OWASP API4:2023", "CWE-770"];
    title: "Large answers are read again and again without paging";
    why: "Answers over 1 MiB to calls that name neither a page nor a size.";
    remedy: "Give a small default page, and require a paging token beyond it.";

    ENUMERATION = "watch.enumeration", SEEN_ABUSE, Medium, 0, &["OWASP API1:2023", "CWE-639"];
    title: "Numbers are walked";
    why: "One caller asks for most numbers of a stretch in a few minutes: ids in paths, pages, offsets. The order does not matter.";
    remedy: "Use ids that cannot be guessed, check who may see what, and limit distinct ids per caller.";

    DAILY_QUOTA = "watch.daily-quota", SEEN_ABUSE, Medium, 0, &["OWASP API4:2023", "CWE-770"];
    title: "More calls today than the plan has";
    why: "Calls of one caller since midnight (UTC) are over the number that the policy names.";
    remedy: "Enforce the quota, or give the caller a larger plan.";

    FLOOD = "watch.flood", SEEN_ABUSE, Medium, 0, &["OWASP API4:2023", "CWE-770"];
    title: "One source floods the API";
    why: "Calls of one source in ten seconds, static files left out: far more than its pages need. Callers with credentials have a bound of their own.";
    remedy: "Limit calls per caller and address.";

    CACHE_BYPASS = "watch.cache-bypass", SEEN_ABUSE, Medium, 0, &["OWASP API4:2023", "CWE-770"];
    title: "One source asks for one path with ever new queries";
    why: "Different queries to one path within three seconds, which no page asks for: each misses the cache.";
    remedy: "Leave unknown parameters out of the cache's key, and count per route, never per full URL.";

    RANDOM_PATHS = "watch.random-paths", SEEN_ABUSE, Medium, 0, &["OWASP API4:2023", "CWE-770"];
    title: "One source asks for random paths";
    why: "Different paths within three seconds, hardly any twice.";
    remedy: "Limit calls per address whatever the path.";

    AGENT_SWITCHING = "watch.agent-switching", SEEN_ABUSE, Medium, 0, &["OWASP API4:2023", "CWE-770"];
    title: "One source changes its User-Agent from call to call";
    why: "Different User-Agents of one address within 20 seconds, nearly as many as calls. An office behind one address has many agents too, but each calls more than once.";
    remedy: "Leave the User-Agent out of what calls are counted per.";

    CRAWL = "watch.crawl", SEEN_ABUSE, Medium, 0, &["OWASP API4:2023", "CWE-770"];
    title: "One source crawls";
    why: "Different routes within ten seconds, static files and ids left out, without pages that they come from.";
    remedy: "Limit calls per address, and say in robots.txt which pace is welcome.";

    PROBING = "watch.probing", SEEN_ABUSE, Medium, 0, &["OWASP API4:2023", "CWE-770"];
    title: "One source looks for weaknesses";
    why: "Different paths that are answered 400, 401, 403 or 404, or files that only who looks for weaknesses asks for.";
    remedy: "Limit failing calls per address.";

    LOGIN_BRUTE_FORCE = "watch.login-brute-force", SEEN_ABUSE, High, 0, &["OWASP API2:2023", "CWE-307"];
    title: "One source tries one login again and again";
    why: "Tries at a login by one source and agent within ten seconds, also where a failed login is answered with 200.";
    remedy: "Slow logins down per account and address, and lock out who goes on.";

    ACCOUNT_SPREAD = "watch.account-spread", SEEN_ABUSE, High, 0, &["OWASP API2:2023", "CWE-307"];
    title: "One source tries many accounts";
    why: "Different accounts of which one source was refused within five minutes.";
    remedy: "Limit failed logins per address, whatever the account.";

    LOW_AND_SLOW = "watch.low-and-slow", SEEN_ABUSE, High, 0, &["OWASP API2:2023", "CWE-307"];
    title: "One source tries a login slowly and for long";
    why: "Tries at a login by one source over an hour, spread over most of it.";
    remedy: "Count failed logins over hours as well as seconds.";

    LOW_AND_SLOW_NETWORK = "watch.low-and-slow-network", SEEN_ABUSE, High, 0, &["OWASP API2:2023", "CWE-307"];
    title: "One network tries a login slowly and for long";
    why: "Tries at a login by all addresses of a network over an hour, spread over most of it: refused ones, or such as have one User-Agent.";
    remedy: "Count failed logins per network (/24, IPv6 /64) as well.";

    BASELINE = "watch.baseline", SEEN_ABUSE, Low, 0, &["OWASP API4:2023", "CWE-770"];
    title: "A route or a caller is far outside its own history";
    why: "Calls in an hour are at least five times the most of any hour of the last two weeks, and all traffic has not risen alike.";
    remedy: "Look at what changed.";

    NO_CLIENT_ADDRESSES = "watch.no-client-addresses", SEEN_ABUSE, Info, 0, &["RFC 7239"];
    title: "The log holds no addresses of clients";
    why: "All calls come from a handful of addresses, and this one calls with many User-Agents: it is a load balancer or a proxy, and behind it are all clients. What is counted of an address is not claimed of it.";
    remedy: "Let the server log the address that the balancer forwards (`real_ip_header` of nginx, `RemoteIPHeader` of Apache, or the PROXY protocol), from that balancer only.";
}
