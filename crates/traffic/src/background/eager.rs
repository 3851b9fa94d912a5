//! Pages that ask for much by themselves: maps that are dragged about, and links that are fetched before a click.

use std::net::IpAddr;
use std::time::Duration;

use super::{Span, daily_curve};
use crate::call::{OwnedCall, Traffic, Who};
use crate::dice::Dice;
use crate::world::{self, BROWSERS, GERMANY};

const MAP: &str = "https://maps.example.org/";

/// People with a map, a new one each half minute at the busiest; now and then three of them at once behind one address.
/// Half of the maps are of pictures whose place stands in a query (40 fill a screen), half of numbers, whose tiles are four
/// times as large and whose names are numbers. A drag brings a row or two, a zoom the whole screen, up to six zooms within
/// ten seconds.
#[must_use]
pub fn map_viewers(seed: u64, start_ms: i64, duration: Duration) -> Traffic {
    let span = Span::new(start_ms, duration);
    let mut dice = Dice::new(seed);
    let mut calls = Vec::new();
    let mut at = start_ms;
    while at < span.end_ms {
        at += dice.wait_ms(30_000.0);
        if dice.chance(daily_curve(at)) {
            let address = world::home(&mut dice);
            view_map(&mut dice, address, at, &mut calls);
        }
    }
    for at in span.every(1_800_000) {
        let office = GERMANY.any(&mut dice);
        for _ in 0..3 {
            let late = dice.between(0, 40_000);
            view_map(&mut dice, office, at + late, &mut calls);
        }
    }
    span.traffic(calls)
}

fn view_map(dice: &mut Dice, address: IpAddr, start: i64, calls: &mut Vec<OwnedCall>) {
    let who = Who::new(address, dice.word(&BROWSERS));
    let numbers = dice.chance(0.5);
    let (wide, high) = if numbers { (5, 3) } else { (8, 5) };
    let (mut zoom, mut x, mut y) = (dice.between(9, 13), dice.between(400, 9_000), dice.between(400, 9_000));
    let mut at = start;
    calls.push(who.get(at, "/", 200, 4_800));
    let mut show =
        |at: i64, dice: &mut Dice, zoom: i64, [from_x, to_x]: [i64; 2], [from_y, to_y]: [i64; 2]| {
            for (x, y) in (from_x..to_x).flat_map(|x| (from_y..to_y).map(move |y| (x, y))) {
                let target = if numbers {
                    format!("/vector/{zoom}/{x}/{y}.pbf")
                } else {
                    format!("/tiles?layer=base&z={zoom}&x={x}&y={y}")
                };
                let late = 40 + dice.between(0, 500);
                calls.push(who.get(at + late, &target, 200, dice.around(14_000)).refer(MAP));
            }
        };
    show(at, dice, zoom, [x, x + wide], [y, y + high]);
    for _ in 0..dice.between(2, 14) {
        at += 1_500 + dice.wait_ms(4_000.0);
        if dice.chance(0.3) {
            for _ in 0..dice.between(1, 6) {
                (zoom, x, y) = (zoom + 1, x * 2 + wide / 2, y * 2 + high / 2);
                show(at, dice, zoom, [x, x + wide], [y, y + high]);
                at += 1_400 + dice.between(0, 600);
            }
            (zoom, x, y) = (zoom - 3, x / 8, y / 8);
        } else if dice.chance(0.5) {
            let rows = dice.between(1, 2);
            show(at, dice, zoom, [x + wide, x + wide + rows], [y, y + high]);
            x += rows;
        } else {
            let rows = dice.between(1, 2);
            show(at, dice, zoom, [x, x + wide], [y + high, y + high + rows]);
            y += rows;
        }
    }
}

/// Visitors of a site that fetches the links in sight before they are clicked: 10 to 30 pages within two seconds of each
/// page, none twice in a visit, with the page as referer; for half of the visits as parts of pages with the build's hash as
/// a query.
#[must_use]
pub fn link_prefetching(seed: u64, start_ms: i64, duration: Duration) -> Traffic {
    const SITE: &str = "https://www.example.org";
    let span = Span::new(start_ms, duration);
    let mut dice = Dice::new(seed);
    let pages: Vec<String> = (0..400)
        .map(|page| {
            let folder = ["docs", "guides", "blog", "shop"][page % 4];
            format!("/{folder}/{}-{}", dice.letters(6), dice.letters(7))
        })
        .collect();
    let mut calls = Vec::new();
    let mut at = start_ms;
    while at < span.end_ms {
        at += dice.wait_ms(30_000.0);
        if !dice.chance(daily_curve(at)) {
            continue;
        }
        let who = Who::new(world::home(&mut dice), dice.word(&BROWSERS));
        let query = if dice.chance(0.5) { format!("?_rsc={}", dice.hex(5)) } else { String::new() };
        let mut fetched = vec![false; pages.len()];
        let (mut here, mut page_at) = (dice.below(pages.len()), at);
        for _ in 0..dice.between(2, 12) {
            calls.push(who.get(page_at, &pages[here], 200, dice.around(22_000)).refer(SITE));
            let referer = format!("{SITE}{}", pages[here]);
            // Links lead to what is near.
            let links: Vec<_> =
                (0..dice.between(10, 30)).map(|_| (here + dice.below(60)) % pages.len()).collect();
            for &link in &links {
                if !std::mem::replace(&mut fetched[link], true) {
                    let target = format!("{}{query}", pages[link]);
                    let late = 200 + dice.between(0, 1_800);
                    calls.push(who.get(page_at + late, &target, 200, dice.around(9_000)).refer(&referer));
                }
            }
            here = *dice.pick(&links);
            page_at += 3_000 + dice.wait_ms(14_000.0);
        }
    }
    span.traffic(calls)
}
