//! Passwords tried.

use ratewarden_model::SubjectKind::{Address, Prefix};

use super::Scenario;
use crate::call::Who;
use crate::dice::Dice;
use crate::world::{BROWSERS, attacker, network_attacker, prefix_attacker};

const BRUTE_FORCE: &str = "watch.login-brute-force";

/// Seen in a real log: 6 answers of 401 in one second, here at a JSON login.
#[must_use]
pub fn six_unauthorized(_seed: u64, start_ms: i64) -> Scenario {
    let who = Who::new(attacker(1), "python-requests/2.32.5");
    let calls = (0..6).map(|at| who.post(start_ms + at * 160, "/api/v1/login", 401, 58)).collect();
    // A JSON login takes tokens as well as passwords; a log does not say which were wrong.
    Scenario::new("six-unauthorized", BRUTE_FORCE, (Address, "203.0.113.1"), calls)
        .also(&["watch.token-guessing"])
}

/// The same with Basic authentication: 6 × 401 in one second at one page, by the user that is in the log.
#[must_use]
pub fn six_basic_unauthorized(_seed: u64, start_ms: i64) -> Scenario {
    let who = Who::new(attacker(2), "curl/8.17.0").with_user("admin");
    let calls = (0..6).map(|at| who.get(start_ms + at * 160, "/manager/html", 401, 2_474)).collect();
    Scenario::new("six-basic-unauthorized", BRUTE_FORCE, (Address, "203.0.113.2"), calls)
}

/// Seen in a real log: 7 × `POST /apps/login` in 3 seconds, each answered 200 although it failed.
#[must_use]
pub fn seven_app_logins(_seed: u64, start_ms: i64) -> Scenario {
    let who = Who::new(attacker(3), BROWSERS[5]);
    let calls = (0..7)
        .map(|at| {
            who.post(start_ms + at * 490, "/apps/login", 200, 4_113)
                .refer("https://www.example.org/apps/login")
        })
        .collect();
    Scenario::new("seven-app-logins", BRUTE_FORCE, (Address, "203.0.113.3"), calls)
}

/// Seen in a real log: 9 × `POST /wp-login.php` in one second, each answered 200 although it failed.
#[must_use]
pub fn nine_blog_logins(_seed: u64, start_ms: i64) -> Scenario {
    let who = Who::new(attacker(4), BROWSERS[0]);
    let calls = (0..9).map(|at| who.post(start_ms + at * 110, "/wp-login.php", 200, 5_320)).collect();
    Scenario::new("nine-blog-logins", BRUTE_FORCE, (Address, "203.0.113.4"), calls)
}

/// Three hundred tries at one login in a minute.
#[must_use]
pub fn login_brute_force(seed: u64, start_ms: i64) -> Scenario {
    let mut dice = Dice::new(seed);
    let who = Who::new(attacker(5), "Go-http-client/2.0");
    let calls =
        (0..300).map(|at| who.post(start_ms + at * 200 + dice.between(0, 150), "/login", 401, 880)).collect();
    // As of six-unauthorized.
    Scenario::new("login-brute-force", BRUTE_FORCE, (Address, "203.0.113.5"), calls)
        .also(&["watch.token-guessing"])
}

/// Sixty accounts in a minute from one source, one try each (a leaked list).
#[must_use]
pub fn account_spread(seed: u64, start_ms: i64) -> Scenario {
    let mut dice = Dice::new(seed);
    let calls = (0..60)
        .map(|at| {
            let user = format!("{}.{}", dice.letters(5), dice.letters(7));
            let who = Who::new(attacker(6), BROWSERS[1]).with_user(user);
            who.post(start_ms + at * 1_000 + dice.between(0, 400), "/login", 401, 880)
        })
        .collect();
    // A try a second at one login is also one source's brute force.
    Scenario::new("account-spread", "watch.account-spread", (Address, "203.0.113.6"), calls)
        .also(&[BRUTE_FORCE])
}

/// Forty names asked for in 30 seconds at the route for forgotten passwords, which answers 404 to those it does not
/// know.
#[must_use]
pub fn user_enumeration(seed: u64, start_ms: i64) -> Scenario {
    let mut dice = Dice::new(seed);
    let calls = (0..40)
        .map(|at| {
            let who = Who::new(attacker(7), "python-httpx/0.28.1").with_user(dice.letters(8));
            let status = if dice.chance(0.1) { 200 } else { 404 };
            who.post(start_ms + at * 750, "/api/v1/password/forgot", status, 70)
        })
        .collect();
    // As of account-spread.
    Scenario::new("user-enumeration", "watch.account-spread", (Address, "203.0.113.7"), calls)
        .also(&[BRUTE_FORCE])
}

/// One try each 20 seconds for an hour at one login: 180.
#[must_use]
pub fn low_and_slow(seed: u64, start_ms: i64) -> Scenario {
    let mut dice = Dice::new(seed);
    let who = Who::new(attacker(8), BROWSERS[6]);
    let calls = (0..180)
        .map(|at| who.post(start_ms + at * 20_000 + dice.between(0, 900), "/login", 401, 880))
        .collect();
    Scenario::new("low-and-slow", "watch.low-and-slow", (Address, "203.0.113.8"), calls)
}

/// The same 180 tries spread over 40 addresses of one /24: each address has 4 or 5 in the hour.
#[must_use]
pub fn low_and_slow_network(seed: u64, start_ms: i64) -> Scenario {
    let mut dice = Dice::new(seed);
    let mut order: Vec<i64> = (0..180).collect();
    dice.shuffle(&mut order);
    let calls = (0..180i64)
        .zip(order)
        .map(|(at, turn)| {
            let who = Who::new(prefix_attacker(10 + (turn % 40) as u8), BROWSERS[(turn % 5) as usize]);
            who.post(start_ms + at * 20_000 + dice.between(0, 900), "/login", 401, 880)
        })
        .collect();
    Scenario::new("low-and-slow-network", "watch.low-and-slow-network", (Prefix, "192.0.2.0/24"), calls)
}

/// Two tries a minute for an hour and a half, each from another address of one IPv6 /64, as one machine can have them.
#[must_use]
pub fn low_and_slow_network_v6(seed: u64, start_ms: i64) -> Scenario {
    let mut dice = Dice::new(seed);
    let calls = (0..180i64)
        .map(|at| {
            let who = Who::new(network_attacker(dice.bits()), BROWSERS[(at % 5) as usize]);
            who.post(start_ms + at * 30_000 + dice.between(0, 900), "/login", 401, 880)
        })
        .collect();
    let subject = (Prefix, "2001:db8:bad:1::/64");
    Scenario::new("low-and-slow-network-v6", "watch.low-and-slow", subject, calls)
}
