//! People with browsers.

use std::time::Duration;

use super::{Span, daily_curve};
use crate::call::{OwnedCall, Traffic, Who};
use crate::dice::{Dice, Zipf};
use crate::world::{self, BROWSERS, GERMANY};

const SITE: &str = "https://www.example.org";

/// Visitors of a website: pages and their files, with referers, time to read, going back and reloading. About 180
/// visits an hour at the busiest, of 5 pages each.
#[must_use]
pub fn website(seed: u64, start_ms: i64, duration: Duration) -> Traffic {
    let span = Span::new(start_ms, duration);
    let mut calls = Vec::new();
    let mut dice = Dice::new(seed);
    let mut at = start_ms;
    while at < span.end_ms {
        at += dice.wait_ms(20_000.0);
        if dice.chance(daily_curve(at)) {
            let landing = if dice.chance(0.4) { "/".to_owned() } else { page(&mut dice) };
            visit(&mut dice, at, &landing, &mut calls);
        }
    }
    span.traffic(calls)
}

/// A newsletter goes out when a third of the time is over: within two minutes there are eight times as many visitors,
/// all of whom land on one page, each with another query. It ebbs away in the last third.
#[must_use]
pub fn marketing_peak(seed: u64, start_ms: i64, duration: Duration) -> Traffic {
    let span = Span::new(start_ms, duration);
    let third = (span.end_ms - start_ms) / 3;
    let mut calls = Vec::new();
    let mut dice = Dice::new(seed);
    let mut at = start_ms;
    while at < span.end_ms {
        at += dice.wait_ms(2_500.0);
        let since = at - start_ms - third;
        let crowd = if since < 0 {
            1.0
        } else if since < third {
            1.0 + 7.0 * (since as f64 / 120_000.0).min(1.0)
        } else {
            1.0 + 7.0 * (1.0 - (since - third) as f64 / third.max(1) as f64).max(0.0)
        };
        if dice.chance(crowd / 8.0) {
            let landing = if dice.chance(1.0 - 1.0 / crowd) {
                format!("/launch?utm_source=newsletter&utm_id={}", dice.hex(16))
            } else {
                page(&mut dice)
            };
            visit(&mut dice, at, &landing, &mut calls);
        }
    }
    span.traffic(calls)
}

/// The owner of a site works on it: a page and its 18 files, seven times a minute (133 calls), for ten minutes of
/// every hour.
#[must_use]
pub fn reloading_owner(seed: u64, start_ms: i64, duration: Duration) -> Traffic {
    let span = Span::new(start_ms, duration);
    let mut dice = Dice::new(seed);
    let who = Who::new(GERMANY.any(&mut dice), BROWSERS[4]);
    let mut calls = Vec::new();
    for hour in span.every(3_600_000) {
        for reload in 0..70 {
            let at = hour + reload * 60_000 / 7;
            calls.push(who.get(at, "/de/angebot/", 200, 18_400).refer("https://www.example.org/de/"));
            for file in 0..18 {
                let status = if dice.chance(0.7) { 304 } else { 200 };
                let name = format!("/assets/{}", FILES[file % FILES.len()].replace('?', &file.to_string()));
                let bytes = if status == 304 { 0 } else { dice.around(14_000) };
                let file_at = at + 40 + dice.between(0, 700);
                calls.push(
                    who.get(file_at, &name, status, bytes).refer("https://www.example.org/de/angebot/"),
                );
            }
        }
    }
    span.traffic(calls)
}

/// Every half hour somebody opens a deck of slides that loads 108 pictures within a minute.
#[must_use]
pub fn slide_deck(seed: u64, start_ms: i64, duration: Duration) -> Traffic {
    let span = Span::new(start_ms, duration);
    let mut dice = Dice::new(seed);
    let mut calls = Vec::new();
    for at in span.every(1_800_000) {
        let who = Who::new(world::home(&mut dice), dice.word(&BROWSERS));
        calls.push(who.get(at, "/talks/2026/keynote/", 200, 9_100));
        for slide in 1..=108 {
            let name = format!("/talks/2026/keynote/slides/{slide:03}.png");
            calls.push(
                who.get(at + slide * 540, &name, 200, dice.around(90_000))
                    .refer("https://www.example.org/talks/2026/keynote/"),
            );
        }
    }
    span.traffic(calls)
}

/// Every page of a site asks for one style sheet that wants a password: each reader meets 401 after 401, and it is
/// always the same file. One of them reads fast.
#[must_use]
pub fn unauthorized_style_sheet(seed: u64, start_ms: i64, duration: Duration) -> Traffic {
    let span = Span::new(start_ms, duration);
    let mut dice = Dice::new(seed);
    let mut calls = Vec::new();
    for at in span.every(300_000) {
        let who = Who::new(world::home(&mut dice), dice.word(&BROWSERS));
        let (pages, pause) = if at % 1_200_000 == start_ms % 1_200_000 { (60, 1_000) } else { (8, 25_000) };
        let mut page_at = at;
        for _ in 0..pages {
            let name = page(&mut dice);
            let referer = format!("{SITE}{name}");
            calls.push(who.get(page_at, &name, 200, dice.around(20_000)));
            calls.push(who.get(page_at + 60, "/internal/theme/print.css", 401, 188).refer(&referer));
            calls.push(who.get(page_at + 70, "/assets/app.css", 304, 0).refer(&referer));
            page_at += pause + dice.wait_ms(400.0);
        }
    }
    span.traffic(calls)
}

/// Galleries of 60 pictures each, of which two in five are gone (404), one after another by several people.
#[must_use]
pub fn image_gallery(seed: u64, start_ms: i64, duration: Duration) -> Traffic {
    let span = Span::new(start_ms, duration);
    let mut dice = Dice::new(seed);
    let mut calls = Vec::new();
    for at in span.every(120_000) {
        let who = Who::new(world::home(&mut dice), dice.word(&BROWSERS));
        let mut page_at = at;
        for _ in 0..dice.between(1, 5) {
            let album = dice.between(100, 900);
            let referer = format!("{SITE}/album/{album}");
            calls.push(who.get(page_at, &format!("/album/{album}"), 200, 31_000));
            for picture in 0..60 {
                let name = format!("/thumbs/{album}/{:05}.jpg", album * 61 + picture);
                let (status, bytes) = if dice.chance(0.4) { (404, 162) } else { (200, dice.around(9_000)) };
                calls.push(
                    who.get(page_at + 80 + dice.between(0, 2_500), &name, status, bytes).refer(&referer),
                );
            }
            page_at += 6_000 + dice.wait_ms(15_000.0);
        }
    }
    span.traffic(calls)
}

/// Four hundred feed readers, each every half hour or hour, half of them from six addresses of services that read for
/// many and say so.
#[must_use]
pub fn feed_readers(seed: u64, start_ms: i64, duration: Duration) -> Traffic {
    let span = Span::new(start_ms, duration);
    let mut dice = Dice::new(seed);
    let services: Vec<_> = (0..6).map(|_| world::US.any(&mut dice)).collect();
    let mut calls = Vec::new();
    for reader in 0..400 {
        let (address, agent) = if reader % 2 == 0 {
            let agent =
                format!("FeedFetcher/1.{} (+https://reader.example; {reader} subscribers)", reader % 7);
            (*dice.pick(&services), agent)
        } else {
            (world::home(&mut dice), format!("NetNewsWire/6.{} (RSS Reader)", reader % 9))
        };
        let who = Who::new(address, &agent);
        let step = if dice.chance(0.5) { 1_800_000 } else { 3_600_000 };
        let first = dice.between(0, step);
        let feed = dice.word(&["/feed.xml", "/blog/atom.xml", "/comments/feed/"]);
        for at in span.every(step) {
            let (status, bytes) = if dice.chance(0.85) { (304, 0) } else { (200, 48_000) };
            calls.push(who.get(at + first + dice.between(0, 5_000), feed, status, bytes));
        }
    }
    span.traffic(calls)
}

const FILES: [&str; 9] = [
    "app.css",
    "app.js",
    "vendor.js",
    "font-?.woff2",
    "img/logo.svg",
    "img/hero-?.webp",
    "img/card-?.jpg",
    "chunk-?.js",
    "print.css",
];

/// A page of the site: few are asked for often, many at times.
fn page(dice: &mut Dice) -> String {
    let rank = Zipf::new(400, 0.9).rank(dice);
    match rank % 5 {
        0 => {
            format!("/blog/2026/{:02}/post-about-{}", rank % 12 + 1, WORDS[(rank / 5) as usize % WORDS.len()])
        }
        1 => format!("/products/{}", 1000 + rank * 37),
        2 => format!("/{}/", WORDS[rank as usize % WORDS.len()]),
        3 => format!("/search?q={}", WORDS[(rank / 2) as usize % WORDS.len()]),
        _ => format!(
            "/docs/{}/{}",
            WORDS[(rank / 3) as usize % WORDS.len()],
            WORDS[rank as usize % WORDS.len()]
        ),
    }
}

const WORDS: [&str; 16] = [
    "pricing", "bread", "garden", "winter", "contact", "travel", "about", "lamps", "chairs", "storage",
    "coffee", "recipes", "bicycle", "support", "install", "history",
];

/// One person: pages until they had enough.
fn visit(dice: &mut Dice, at: i64, landing: &str, calls: &mut Vec<OwnedCall>) {
    let who = Who::new(world::home(dice), dice.word(&BROWSERS));
    let mut at = at;
    let mut trail = vec![landing.to_owned()];
    let mut referer = if dice.chance(0.5) { "https://search.example/".to_owned() } else { String::new() };
    let mut first = true;
    loop {
        let name = trail.last().cloned().unwrap_or_default();
        calls.push(who.get(at, &name, 200, dice.around(22_000)).refer(&referer));
        let here = format!("{SITE}{name}");
        let files = if first { dice.between(8, 16) } else { dice.between(1, 6) };
        for file in 0..files {
            let shape = if first { FILES[file as usize % FILES.len()] } else { dice.word(&FILES[5..7]) };
            let name = format!("/assets/{}", shape.replace('?', &dice.between(0, 300).to_string()));
            let file_at = at + 50 + dice.between(0, 1_200);
            calls.push(who.get(file_at, &name, 200, dice.around(18_000)).refer(&here));
        }
        if first {
            let status = if dice.chance(0.1) { 404 } else { 200 };
            calls.push(who.get(at + 1_300, "/favicon.ico", status, 1_150).refer(&here));
        }
        first = false;
        if dice.chance(0.2) {
            return;
        }
        at += 1_500 + dice.wait_ms(25_000.0);
        if dice.chance(0.12) {
            continue; // Reloads.
        }
        referer = here;
        if dice.chance(0.2) && trail.len() > 1 {
            trail.pop(); // Goes back.
        } else {
            trail.push(page(dice));
        }
    }
}
