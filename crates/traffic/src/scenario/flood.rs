//! Too much, too wide.

use ratewarden_model::SubjectKind::Address;

use super::Scenario;
use crate::call::Who;
use crate::dice::Dice;
use crate::world::{BROWSERS, PROGRAMS, attacker};

/// Three thousand calls to five pages in a minute, without any of their files.
#[must_use]
pub fn flood(seed: u64, start_ms: i64) -> Scenario {
    let mut dice = Dice::new(seed);
    let who = Who::new(attacker(30), BROWSERS[0]);
    let calls = (0..3_000)
        .map(|at| {
            let page = dice.word(&["/", "/pricing/", "/search?q=a", "/products/1000", "/about/"]);
            who.get(start_ms + at * 20, page, 200, 22_000)
        })
        .collect();
    Scenario::new("flood", "watch.flood", (Address, "203.0.113.30"), calls)
}

/// Ten seconds of 60 calls each to one page, always with another query, so that no cache answers.
#[must_use]
pub fn cache_bypass(seed: u64, start_ms: i64) -> Scenario {
    let mut dice = Dice::new(seed);
    let who = Who::new(attacker(31), BROWSERS[4]);
    let calls = (0..600)
        .map(|at| {
            let target = format!("/products/1000?{}={}", dice.letters(4), dice.hex(8));
            who.get(start_ms + at * 1_000 / 60, &target, 200, 22_000)
        })
        .collect();
    // Sixty calls a second are a flood, whatever they ask for.
    Scenario::new("cache-bypass", "watch.cache-bypass", (Address, "203.0.113.31"), calls)
        .also(&["watch.flood"])
}

/// Ten seconds of 40 calls each to paths that nobody ever had.
#[must_use]
pub fn random_paths(seed: u64, start_ms: i64) -> Scenario {
    let mut dice = Dice::new(seed);
    let who = Who::new(attacker(32), BROWSERS[4]);
    let calls = (0..400)
        .map(|at| {
            let target = format!("/{}/{}", dice.letters(9), dice.letters(12));
            who.get(start_ms + at * 25, &target, 404, 162)
        })
        .collect();
    // Forty calls a second are a flood, and forty paths that are not there are a crawl and a probe.
    Scenario::new("random-paths", "watch.random-paths", (Address, "203.0.113.32"), calls).also(&[
        "watch.flood",
        "watch.crawl",
        "watch.probing",
    ])
}

/// Seen in a real log: 13 requests with 12 agents in 20 seconds.
#[must_use]
pub fn agent_switching(seed: u64, start_ms: i64) -> Scenario {
    let mut dice = Dice::new(seed);
    let mut agents: Vec<&str> = BROWSERS.iter().chain(&PROGRAMS).copied().collect();
    dice.shuffle(&mut agents);
    agents.truncate(12);
    let calls = (0..13)
        .map(|at| {
            let who = Who::new(attacker(33), agents[at % 12]);
            let target = dice.word(&["/", "/contact/", "/search?q=lamps", "/pricing/"]);
            who.get(start_ms + at as i64 * 1_600, target, 200, 20_000)
        })
        .collect();
    Scenario::new("agent-switching", "watch.agent-switching", (Address, "203.0.113.33"), calls)
}

/// Six hundred pages that exist, all different, in 30 seconds, without their files and without a referer.
#[must_use]
pub fn crawl(seed: u64, start_ms: i64) -> Scenario {
    let mut dice = Dice::new(seed);
    let who = Who::new(attacker(34), "Mozilla/5.0 (compatible; DataHarvest/0.9)");
    let calls = (0..600)
        .map(|at| {
            let target = match at % 4 {
                0 => format!("/blog/2026/{:02}/{}-{at}", at % 12 + 1, dice.letters(7)),
                1 => format!("/products/{}-{}", dice.letters(6), dice.letters(4)),
                2 => format!("/docs/{}/{}", dice.letters(5), dice.letters(8)),
                _ => format!("/{}/{}/", dice.letters(6), dice.letters(6)),
            };
            who.get(start_ms + at * 50, &target, 200, dice.around(20_000))
        })
        .collect();
    // Twenty new paths a second are as many as made-up ones are.
    Scenario::new("crawl", "watch.crawl", (Address, "203.0.113.34"), calls).also(&["watch.random-paths"])
}

/// Eighty distinct paths in 40 seconds that programs with holes have; they are answered 400, 401, 403 or 404.
#[must_use]
pub fn probing(seed: u64, start_ms: i64) -> Scenario {
    let mut dice = Dice::new(seed);
    let who = Who::new(attacker(35), "Mozilla/5.0 zgrab/0.x");
    let calls = (0..80)
        .map(|at| {
            let place =
                dice.word(&["admin", "cgi-bin", "solr", "actuator", "phpmyadmin", "owa", "vendor", "api"]);
            let target = format!(
                "/{place}/{}{}",
                dice.letters(5),
                dice.word(&["", ".php", ".asp", ".cgi", "/config"])
            );
            let status = *dice.pick(&[404, 404, 404, 403, 401, 400]);
            who.get(start_ms + at * 500, &target, status, 162)
        })
        .collect();
    Scenario::new("probing", "watch.probing", (Address, "203.0.113.35"), calls)
}

/// Twelve files that hold secrets, asked for in 6 seconds.
#[must_use]
pub fn sensitive_files(_seed: u64, start_ms: i64) -> Scenario {
    const FILES: [&str; 12] = [
        "/.env",
        "/.git/config",
        "/.aws/credentials",
        "/wp-config.php.bak",
        "/backup.sql",
        "/.ssh/id_rsa",
        "/.htpasswd",
        "/config.json",
        "/database.yml",
        "/.svn/entries",
        "/dump.sql.gz",
        "/.DS_Store",
    ];
    let who = Who::new(attacker(36), "curl/8.17.0");
    let calls = (0..).zip(FILES).map(|(at, file)| who.get(start_ms + at * 500, file, 404, 162)).collect();
    Scenario::new("sensitive-files", "watch.probing", (Address, "203.0.113.36"), calls)
}
