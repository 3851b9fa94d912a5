//! Who loads what next.

use super::{Line, push_number};
use crate::dice::{Dice, Zipf};
use crate::world::BROWSERS;

/// How unlike visitors are in how often they come.
const RETURNS: f64 = 0.6;

/// Lines that a visit has in the mean: 5 pages with 8 files the first and 2.5 later, and the pages themselves.
const LINES_OF_VISIT: u64 = 24;

/// Somebody on the site.
#[derive(Clone, Copy)]
struct Visitor {
    address: [u8; 40],
    length: u8,
    agent: u8,
    user: Option<u64>,
    credential: Option<u64>,
    page: u32,
    /// The page that was left for this one.
    from: Option<u32>,
    pages_left: u8,
    first: bool,
}

/// A page that is loading.
#[derive(Clone, Copy)]
struct Loading {
    visitor: Visitor,
    files_left: u8,
}

/// All who are on the site.
pub(super) struct Visits {
    dice: Dice,
    pages: Vec<Vec<u8>>,
    files: Vec<Vec<u8>>,
    agents: Vec<Vec<u8>>,
    popularity: Zipf,
    lines: u64,
    distinct: u64,
    /// Addresses that came so far: those of rank 0 up to this.
    used: u64,
    present: Vec<Visitor>,
    loading: Vec<Option<Loading>>,
}

impl Visits {
    pub(super) fn new(dice: Dice, lines: u64, distinct: u64) -> Self {
        // With so many present, each turns a page every 40 seconds in the mean of the day.
        let present = (lines / super::DAY_SECS * 40 * 5 / LINES_OF_VISIT).clamp(16, 100_000);
        let mut visits = Self {
            dice,
            pages: Vec::new(),
            files: Vec::new(),
            agents: agents(),
            popularity: Zipf::new(20_000, 0.9),
            lines: lines.max(1),
            distinct: distinct.clamp(1, lines.max(1)),
            used: 0,
            present: Vec::new(),
            loading: vec![None; 8],
        };
        visits.pages = (0..20_000).map(|rank| page(&mut visits.dice, rank)).collect();
        visits.files = (0..400).map(|rank| file(&mut visits.dice, rank)).collect();
        // Places for visitors; whoever takes one brings a line at once, so that no address goes unsaid.
        let empty = Visitor { pages_left: 0, ..visits.visitor(0) };
        visits.present = vec![empty; present as usize];
        visits
    }

    /// The next line.
    pub(super) fn next(&mut self, line: u64, say: impl FnOnce(&Line<'_>)) {
        let due = self.due(line);
        // Few lines for each address: then visits bring too few, and some come for one page.
        let scarce =
            self.distinct.saturating_mul(LINES_OF_VISIT * 2) > self.lines || line * 20 > self.lines * 19;
        if scarce && self.used < due {
            let visitor = self.arrives(due);
            self.say_page(&visitor, say);
            return;
        }
        let slot = self.dice.below(self.loading.len());
        match self.loading[slot].as_mut().filter(|loading| loading.files_left > 0) {
            Some(loading) => {
                loading.files_left -= 1;
                let visitor = loading.visitor;
                self.say_file(&visitor, say);
            }
            None => {
                let visitor = self.turns_page(due);
                let files = if visitor.first { self.dice.between(5, 11) } else { self.dice.between(0, 5) };
                self.loading[slot] = Some(Loading { visitor, files_left: files as u8 });
                self.say_page(&visitor, say);
            }
        }
    }

    /// How many addresses there should have been by that line: at the start as many as there are places, and all of
    /// them when nine tenths are over.
    fn due(&self, line: u64) -> u64 {
        let share = (line + 1) as f64 / (self.lines as f64 * 0.9);
        let first = (self.present.len() as u64).min(self.distinct.div_ceil(4));
        ((self.distinct as f64 * share) as u64).clamp(first, self.distinct)
    }

    fn turns_page(&mut self, due: u64) -> Visitor {
        let at = self.dice.below(self.present.len());
        if self.present[at].pages_left == 0 {
            self.present[at] = self.arrives(due);
        }
        let next = self.popularity.rank(&mut self.dice) as u32;
        let visitor = &mut self.present[at];
        let said = *visitor;
        visitor.from = Some(visitor.page);
        visitor.page = next;
        visitor.pages_left -= 1;
        visitor.first = false;
        said
    }

    /// Somebody new while addresses are due, else somebody who was here before.
    fn arrives(&mut self, due: u64) -> Visitor {
        let rank = if self.used < due.min(self.distinct) {
            self.used += 1;
            self.used - 1
        } else {
            Zipf::new(self.used, RETURNS).rank(&mut self.dice)
        };
        self.visitor(rank)
    }

    fn visitor(&mut self, rank: u64) -> Visitor {
        let mut text = Vec::with_capacity(40);
        push_address(&mut text, rank);
        let mut address = [0; 40];
        address[..text.len()].copy_from_slice(&text);
        // What stays with an address: its agent, and whether its visitor has a name.
        let trait_of = rank.wrapping_mul(0x9E37_79B9_7F4A_7C15) >> 32;
        Visitor {
            address,
            length: text.len() as u8,
            agent: (trait_of % self.agents.len() as u64) as u8,
            user: (trait_of % 50 == 7).then_some(rank),
            credential: trait_of.is_multiple_of(2).then(|| self.dice.bits()),
            page: self.popularity.rank(&mut self.dice) as u32,
            from: None,
            pages_left: 1 + (self.dice.wait_ms(4.0) as u8).min(30),
            first: true,
        }
    }

    fn say_page(&mut self, visitor: &Visitor, say: impl FnOnce(&Line<'_>)) {
        let status = match self.dice.below(1_000) {
            0..15 => 404,
            15..40 => 304,
            40..50 => 301,
            50..52 => 500,
            _ => 200,
        };
        let bytes = if status == 200 { 4_000 + self.dice.bits() % 60_000 } else { 180 };
        let post = !visitor.first && self.dice.chance(0.04);
        say(&Line {
            address: &visitor.address[..usize::from(visitor.length)],
            user: visitor.user,
            credential: visitor.credential,
            method: if post { b"POST" } else { b"GET" },
            target: if post { b"/api/basket/items" } else { &self.pages[visitor.page as usize] },
            status: if post { 201 } else { status },
            bytes: if post { 230 } else { bytes },
            agent: &self.agents[usize::from(visitor.agent)],
            referer: visitor.from.map_or(b"", |page| &self.pages[page as usize]),
        });
    }

    fn say_file(&mut self, visitor: &Visitor, say: impl FnOnce(&Line<'_>)) {
        let status = match self.dice.below(1_000) {
            0..6 => 404,
            6..440 => 304,
            _ => 200,
        };
        let shared = if visitor.first { 20 } else { self.files.len() };
        let file = self.dice.below(shared);
        let bytes = match status {
            200 => 800 + self.dice.bits() % 90_000,
            304 => 0,
            _ => 162,
        };
        say(&Line {
            address: &visitor.address[..usize::from(visitor.length)],
            user: visitor.user,
            credential: visitor.credential,
            method: b"GET",
            target: &self.files[file],
            status,
            bytes,
            agent: &self.agents[usize::from(visitor.agent)],
            referer: &self.pages[visitor.page as usize],
        });
    }
}

/// The address of a rank; no two ranks below three billion have the same.
fn push_address(out: &mut Vec<u8>, rank: u64) {
    /// First octets without those of special networks.
    const FIRST: [u8; 200] = first_octets();
    // A factor without 2 and 5, so that it permutes the numbers below 200 × 2^24.
    let number = (rank + 77_777).wrapping_mul(2_654_435_761) % (200 << 24);
    if rank % 10 == 9 {
        out.extend_from_slice(
            format!("2001:db8:{:x}:{:x}::{:x}", rank >> 16, rank & 0xffff, number % 251 + 1).as_bytes(),
        );
        return;
    }
    push_number(out, u64::from(FIRST[(number >> 24) as usize]));
    for shift in [16, 8, 0] {
        out.push(b'.');
        push_number(out, number >> shift & 255);
    }
}

const fn first_octets() -> [u8; 200] {
    let mut octets = [0; 200];
    let (mut octet, mut at) = (1, 0);
    while at < 200 {
        if !matches!(octet, 10 | 100 | 127 | 169 | 172 | 192 | 198 | 203) {
            octets[at] = octet;
            at += 1;
        }
        octet += 1;
    }
    octets
}

/// Browsers in several versions.
fn agents() -> Vec<Vec<u8>> {
    let mut agents = Vec::new();
    for back in 0..5 {
        for agent in BROWSERS {
            let chrome = format!("Chrome/{}.0.0.0", 145 - back);
            let firefox = format!("{}.0", 147 - back);
            let text = agent.replace("Chrome/145.0.0.0", &chrome).replace("147.0", &firefox);
            agents.push(text.replace("18.6", ["18.6", "18.5", "18.3", "17.7", "26.0"][back]).into_bytes());
        }
    }
    agents
}

fn page(dice: &mut Dice, rank: u64) -> Vec<u8> {
    let text = match rank % 6 {
        0 if rank == 0 => "/".to_owned(),
        0 => format!(
            "/blog/20{}/{:02}/{}-{}",
            dice.between(15, 26),
            dice.between(1, 12),
            dice.letters(6),
            dice.letters(5)
        ),
        1 => format!("/products/{}", 10_000 + rank * 7),
        2 => format!("/category/{}/{}?page={}", dice.letters(5), dice.letters(7), dice.between(1, 9)),
        3 => format!("/search?q={}+{}&sort=price", dice.letters(4), dice.letters(6)),
        4 => format!("/docs/v{}/{}/{}.html", dice.between(1, 4), dice.letters(7), dice.letters(9)),
        _ => format!("/api/v1/items/{}?fields=name,price", 40_000 + rank * 3),
    };
    text.into_bytes()
}

fn file(dice: &mut Dice, rank: u64) -> Vec<u8> {
    let text = match rank % 5 {
        0 => format!("/assets/app.{}.js", dice.hex(8)),
        1 => format!("/assets/theme.{}.css", dice.hex(8)),
        2 => format!("/images/{}/{}-640x480.webp", dice.between(1, 40), dice.letters(8)),
        3 => format!("/fonts/{}.woff2", dice.letters(9)),
        _ => format!("/images/icons/{}.svg", dice.letters(7)),
    };
    text.into_bytes()
}
