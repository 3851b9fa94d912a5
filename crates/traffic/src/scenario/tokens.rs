//! Tokens guessed, and tokens shared or stolen.

use ratewarden_model::SubjectKind::{Address, Route, Token, User};

use super::Scenario;
use crate::call::Who;
use crate::dice::Dice;
use crate::world::{AUSTRALIA, BROWSERS, COUNTRIES, GERMANY, US, attacker};

const MINUTE: i64 = 60_000;

/// Sixty tokens in a minute from one source at one route; none is right.
#[must_use]
pub fn token_guessing(seed: u64, start_ms: i64) -> Scenario {
    // So many wrong credentials at one place are also what the place has to tell.
    guessing(seed, start_ms, "token-guessing", 20, &["account"]).also(&["watch.token-guessing-distributed"])
}

/// The same over twelve routes: at none of them is it more than five.
#[must_use]
pub fn token_guessing_routes(seed: u64, start_ms: i64) -> Scenario {
    let routes = [
        "account", "orders", "projects", "teams", "invoices", "keys", "usage", "events", "models", "files",
        "jobs", "members",
    ];
    // Twelve places that refuse within seconds are looked around.
    guessing(seed, start_ms, "token-guessing-routes", 21, &routes).also(&["watch.probing"])
}

fn guessing(seed: u64, start_ms: i64, name: &'static str, host: u8, routes: &[&str]) -> Scenario {
    let mut dice = Dice::new(seed);
    let calls = routes
        .iter()
        .cycle()
        .take(60)
        .zip(0..)
        .map(|(route, at)| {
            let who = Who::new(attacker(host), "Go-http-client/2.0")
                .with_credential(format!("key_{}", dice.hex(24)));
            let status = if dice.chance(0.2) { 403 } else { 401 };
            who.get(start_ms + at * 1_000 + dice.between(0, 500), &format!("/api/v1/{route}"), status, 61)
        })
        .collect();
    Scenario::new(name, "watch.token-guessing", (Address, attacker(host).to_string()), calls)
}

/// Eighty sources in as many networks try two tokens each at one route within ten minutes.
#[must_use]
pub fn token_guessing_distributed(seed: u64, start_ms: i64) -> Scenario {
    let mut dice = Dice::new(seed);
    let calls = (0..160i64)
        .map(|turn| {
            let country = &COUNTRIES[(turn % 80) as usize % COUNTRIES.len()];
            let address = country.address((turn % 80) as usize / COUNTRIES.len(), 7, 9);
            let who = Who::new(address, BROWSERS[(turn % 3) as usize])
                .with_credential(format!("key_{}", dice.hex(24)));
            who.get(start_ms + turn * 3_700 + dice.between(0, 900), "/internal/v1/export", 401, 61)
        })
        .collect();
    let subject = (Route, "GET /internal/v1/export");
    Scenario::new("token-guessing-distributed", "watch.token-guessing-distributed", subject, calls)
}

/// Sixty sources try two tokens each for one user within ten minutes.
#[must_use]
pub fn token_guessing_user(seed: u64, start_ms: i64) -> Scenario {
    let mut dice = Dice::new(seed);
    let calls = (0..120i64)
        .map(|turn| {
            let address = COUNTRIES[(turn % 60) as usize].address(2, 8, 4);
            let who = Who::new(address, "okhttp/5.3.0")
                .with_credential(format!("key_{}", dice.hex(24)))
                .with_user("payments-robot");
            who.get(start_ms + turn * 4_900 + dice.between(0, 900), "/api/v1/payments", 401, 61)
        })
        .collect();
    let subject = (User, "payments-robot");
    // The place where it is tried may be named too, by the same rule.
    Scenario::new("token-guessing-user", "watch.token-guessing-distributed", subject, calls)
        .also(&["watch.token-guessing-distributed"])
}

/// One token from 55 countries within an hour, three calls from each, answered 200.
#[must_use]
pub fn token_spread(seed: u64, start_ms: i64) -> Scenario {
    let mut dice = Dice::new(seed);
    let token = format!("tok_spread_{}", dice.hex(24));
    let mut calls = Vec::new();
    for (at, country) in (0..).zip(COUNTRIES.iter().take(55)) {
        let who = Who::new(country.any(&mut dice), dice.word(&BROWSERS)).with_credential(&token);
        for call in 0..3 {
            calls.push(who.get(start_ms + at * MINUTE + call * 4_000, "/api/v1/models", 200, 5_400));
        }
    }
    // Who is in 55 countries is in as many networks, and came from one to the next within minutes.
    Scenario::new("token-spread", "watch.token-spread", (Token, token), calls)
        .also(&["watch.token-networks", "watch.impossible-travel"])
}

/// One token within ten minutes in 30 networks (/24) of one country, some at once.
#[must_use]
pub fn token_networks(seed: u64, start_ms: i64) -> Scenario {
    let mut dice = Dice::new(seed);
    let token = format!("tok_networks_{}", dice.hex(24));
    let mut calls = Vec::new();
    for network in 0..30u8 {
        let address = GERMANY.address(usize::from(network), 11 + network * 7, dice.octet());
        let who = Who::new(address, dice.word(&BROWSERS)).with_credential(&token);
        for call in 0..8 {
            let at = start_ms + i64::from(network) * 15_000 + call * 20_000 + dice.between(0, 5_000);
            calls.push(who.get(at, "/api/v1/completions", 200, 3_000));
        }
    }
    Scenario::new("token-networks", "watch.token-networks", (Token, token), calls)
}

/// A key that a program in Germany uses each 10 seconds, and two hours later somebody in Australia too, for half an hour.
/// Calls of the key since then are counted as abusive, since nobody can tell them apart.
#[must_use]
pub fn stolen_key(seed: u64, start_ms: i64) -> Scenario {
    let mut dice = Dice::new(seed);
    let key = format!("key_stolen_{}", dice.hex(24));
    let owner = Who::new(GERMANY.any(&mut dice), "invoices/3.1 okhttp/5.3.0").with_credential(&key);
    let thief = Who::new(AUSTRALIA.any(&mut dice), "python-requests/2.32.5").with_credential(&key);
    let begins = start_ms + 120 * MINUTE;
    let mut calls: Vec<_> =
        (0..120).map(|at| thief.get(begins + at * 15_000, "/api/v1/customers", 200, 41_000)).collect();
    let owners = (0..900).map(|at| owner.get(start_ms + at * 10_000 + 5_000, "/api/v1/invoices", 200, 2_100));
    let (before, since): (Vec<_>, Vec<_>) = owners.partition(|call| call.at_ms < begins);
    calls.extend(since);
    Scenario::new("stolen-key", "watch.impossible-travel", (Token, key), calls).among(before)
}

/// One token in Germany, 20 minutes later in Australia, 20 minutes later in the United States, and so on, four times
/// round; ten calls at each stop.
#[must_use]
pub fn impossible_travel(seed: u64, start_ms: i64) -> Scenario {
    let mut dice = Dice::new(seed);
    let token = format!("tok_travel_{}", dice.hex(24));
    let places = [GERMANY.any(&mut dice), AUSTRALIA.any(&mut dice), US.any(&mut dice)];
    let mut calls = Vec::new();
    for stop in 0..12i64 {
        let who = Who::new(places[stop as usize % 3], BROWSERS[0]).with_credential(&token);
        for call in 0..10 {
            let at = start_ms + stop * 20 * MINUTE + call * 9_000 + dice.between(0, 2_000);
            calls.push(who.get(at, "/api/v1/documents", 200, 9_000));
        }
    }
    Scenario::new("impossible-travel", "watch.impossible-travel", (Token, token), calls)
}
