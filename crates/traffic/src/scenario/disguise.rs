//! Abuse that looks like something else: by its method, its way of writing a path, its ending, its referer, its company.

use ratewarden_model::SubjectKind::Address;

use super::Scenario;
use crate::call::Who;
use crate::dice::Dice;
use crate::world::{BROWSERS, attacker};

/// Three thousand calls to three pages in a minute by methods that no page has.
#[must_use]
pub fn method_flood(seed: u64, start_ms: i64) -> Scenario {
    let mut dice = Dice::new(seed);
    let who = Who::new(attacker(40), BROWSERS[2]);
    let calls = (0..3_000)
        .map(|at| {
            let method = dice.word(&["PROPFIND", "SEARCH", "get", "TRACE", "FOO"]);
            let page = dice.word(&["/", "/search?q=a", "/products/1000"]);
            who.call(start_ms + at * 20, method, page, 200, 22_000)
        })
        .collect();
    Scenario::new("method-flood", "watch.flood", (Address, "203.0.113.40"), calls)
}

/// Eighty paths that are not there in 40 seconds, by a method that is seldom looked for.
#[must_use]
pub fn method_probing(seed: u64, start_ms: i64) -> Scenario {
    let mut dice = Dice::new(seed);
    let who = Who::new(attacker(41), "Mozilla/5.0 zgrab/0.x");
    let calls = (0..80)
        .map(|at| {
            let target = format!("/{}/{}.php", dice.letters(5), dice.letters(6));
            who.call(start_ms + at * 500, "PROPFIND", &target, 404, 162)
        })
        .collect();
    Scenario::new("method-probing", "watch.probing", (Address, "203.0.113.41"), calls)
}

/// A hundred tries at one login in 50 seconds, whose path is written with some letters percent-encoded, each time others, and
/// now and then with the scheme and the host before it.
#[must_use]
pub fn encoded_logins(seed: u64, start_ms: i64) -> Scenario {
    let mut dice = Dice::new(seed);
    let who = Who::new(attacker(42), "python-requests/2.32.5");
    let calls = (0..100)
        .map(|at| {
            let at_least = dice.below(5);
            let path: String = "login"
                .bytes()
                .enumerate()
                .map(|(place, letter)| match place == at_least || dice.chance(0.4) {
                    true if dice.chance(0.5) => format!("%{letter:02x}"),
                    true => format!("%{letter:02X}"),
                    false => char::from(letter).to_string(),
                })
                .collect();
            let host = if dice.chance(0.2) { "http://www.example.org" } else { "" };
            who.post(start_ms + at * 500, &format!("{host}/{path}"), 200, 4_100)
        })
        .collect();
    Scenario::new("encoded-logins", "watch.login-brute-force", (Address, "203.0.113.42"), calls)
}

/// Forty passwords tried in 40 seconds at a login form that is sent by GET and answers 200 whatever it thinks of them.
#[must_use]
pub fn query_logins(seed: u64, start_ms: i64) -> Scenario {
    let mut dice = Dice::new(seed);
    let who = Who::new(attacker(43), BROWSERS[0]);
    let calls = (0..40)
        .map(|at| {
            let name = dice.word(&["password", "Password", "passw%6Frd"]);
            let target = format!("/login?username=admin&{name}={}&Login=Login", dice.letters(8));
            who.get(start_ms + at * 1_000, &target, 200, 4_300).refer("https://www.example.org/login")
        })
        .collect();
    Scenario::new("query-logins", "watch.login-brute-force", (Address, "203.0.113.43"), calls)
}

/// Thirty passwords tried in 30 seconds at an interface that wants one in each query, and refuses them.
#[must_use]
pub fn query_passwords(seed: u64, start_ms: i64) -> Scenario {
    let mut dice = Dice::new(seed);
    let who = Who::new(attacker(44), "python-httpx/0.28.1");
    let calls = (0..30)
        .map(|at| {
            let target = format!("/sms/balance?user=acme&pwd={}", dice.letters(8));
            who.get(start_ms + at * 1_000, &target, 403, 61)
        })
        .collect();
    Scenario::new("query-passwords", "watch.login-brute-force", (Address, "203.0.113.44"), calls)
}

/// Six hundred items of an interface read in their order within two minutes, each as if it were a script.
#[must_use]
pub fn script_scraping(seed: u64, start_ms: i64) -> Scenario {
    let mut dice = Dice::new(seed);
    let who = Who::new(attacker(45), BROWSERS[3]);
    let calls = (0..600)
        .map(|at| {
            let target = format!("/api/items/{}.js", 70_001 + at);
            who.get(start_ms + at * 200, &target, 200, dice.around(900))
        })
        .collect();
    Scenario::new("script-scraping", "watch.enumeration", (Address, "203.0.113.45"), calls)
}

/// Three thousand calls in a minute to the page of an account, each with the name of another style sheet behind it, so that
/// caches keep none of them and filters of files see nothing.
#[must_use]
pub fn style_flood(seed: u64, start_ms: i64) -> Scenario {
    let mut dice = Dice::new(seed);
    let who = Who::new(attacker(46), BROWSERS[1]);
    let calls = (0..3_000)
        .map(|at| {
            let target = format!("/account/{}.css", dice.letters(7));
            who.get(start_ms + at * 20, &target, 200, 18_000)
        })
        .collect();
    // Fifty new paths a second are made up, and more than anybody reads.
    Scenario::new("style-flood", "watch.flood", (Address, "203.0.113.46"), calls)
        .also(&["watch.random-paths", "watch.crawl"])
}

/// Twenty seconds of 40 made-up paths each, which say that a page of the site led to them.
#[must_use]
pub fn referred_random_paths(seed: u64, start_ms: i64) -> Scenario {
    let mut dice = Dice::new(seed);
    let who = Who::new(attacker(47), BROWSERS[4]);
    let calls = (0..800)
        .map(|at| {
            let target = format!("/{}/{}", dice.letters(9), dice.letters(12));
            who.get(start_ms + at * 25, &target, 200, 9_000).refer("https://www.example.org/")
        })
        .collect();
    // More pages than anybody reads.
    Scenario::new("referred-random-paths", "watch.random-paths", (Address, "203.0.113.47"), calls)
        .also(&["watch.crawl"])
}

/// Twenty seconds of 60 calls each to one page with another query each time, which say that the page itself led to them.
#[must_use]
pub fn referred_cache_bypass(seed: u64, start_ms: i64) -> Scenario {
    let mut dice = Dice::new(seed);
    let who = Who::new(attacker(48), BROWSERS[4]);
    let calls = (0..1_200)
        .map(|at| {
            let target = format!("/products/1000?{}={}", dice.letters(4), dice.hex(8));
            who.get(start_ms + at * 1_000 / 60, &target, 200, 22_000)
                .refer("https://www.example.org/products/1000")
        })
        .collect();
    Scenario::new("referred-cache-bypass", "watch.cache-bypass", (Address, "203.0.113.48"), calls)
}

/// A token tried each four seconds for a quarter of an hour over twelve routes, from an address at which five programs call
/// with right ones twice a minute: within a minute hardly three of four are wrong. Nobody can tell an address's callers apart,
/// so all of its calls are counted as abusive.
#[must_use]
pub fn guessing_in_company(seed: u64, start_ms: i64) -> Scenario {
    const ROUTES: [&str; 12] = [
        "account", "orders", "projects", "teams", "invoices", "keys", "usage", "events", "models", "files",
        "jobs", "members",
    ];
    let mut dice = Dice::new(seed);
    let mut calls: Vec<_> = (0..225)
        .map(|at| {
            let who =
                Who::new(attacker(49), "Go-http-client/2.0").with_credential(format!("key_{}", dice.hex(24)));
            let target = format!("/api/v1/{}", ROUTES[at as usize % ROUTES.len()]);
            who.get(start_ms + at * 4_000, &target, 401, 61)
        })
        .collect();
    for _ in 0..5 {
        let who = Who::new(attacker(49), "okhttp/5.3.0").with_credential(format!("key_{}", dice.hex(24)));
        let late = dice.between(1_000, 29_000);
        calls.extend((0..30).map(|at| who.get(start_ms + late + at * 30_000, "/api/v1/orders", 200, 2_400)));
    }
    Scenario::new("guessing-in-company", "watch.token-guessing", (Address, "203.0.113.49"), calls)
}
