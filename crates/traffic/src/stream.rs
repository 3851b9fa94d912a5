//! Lines by the gigabyte, for benchmarks: honest visitors of a site over one day.
//!
//! Making calls first and writing them then costs some fifteen allocations a line; this writes from tables into one
//! buffer, and its memory does not grow with the lines. The day is 2026-03-02 (UTC), quiet at 03:00 and busy at 15:00,
//! with full seconds that never go back.
//!
//! Visitors load pages with their files, read, go on and leave; some come again, those of low rank often (Zipf with
//! exponent 0.6, so that with some thousands of addresses nobody has the rate of a flood). Each address keeps its
//! agent. One address in ten is IPv6. There is no abuse as long as there are enough addresses: reckon with 100 lines
//! for each at most.

mod visits;

use std::io::{self, Write};

use crate::dice::Dice;
use visits::Visits;

const DAY_SECS: u64 = 86_400;

/// Writes so many lines of nginx's `combined` (about 260 bytes each), from exactly so many distinct addresses (as many
/// as there are lines where it would be more).
///
/// # Errors
/// When it cannot be written.
pub fn write_nginx(lines: u64, seed: u64, distinct_addresses: u64, out: impl Write) -> io::Result<()> {
    write(lines, seed, distinct_addresses, out, Clock::common, push_combined)
}

/// Writes so many lines of flat JSON (about 360 bytes each) with the fields of [`json_fields`](crate::lines::json_fields);
/// half of the visits show a credential. Addresses as in [`write_nginx`].
///
/// # Errors
/// When it cannot be written.
pub fn write_json(lines: u64, seed: u64, distinct_addresses: u64, out: impl Write) -> io::Result<()> {
    write(lines, seed, distinct_addresses, out, Clock::rfc3339, push_json)
}

/// What one line says.
struct Line<'a> {
    address: &'a [u8],
    user: Option<u64>,
    credential: Option<u64>,
    method: &'static [u8],
    target: &'a [u8],
    status: u64,
    bytes: u64,
    agent: &'a [u8],
    /// The path on the site; empty: none.
    referer: &'a [u8],
}

fn write(
    lines: u64,
    seed: u64,
    distinct: u64,
    mut out: impl Write,
    date: fn(u64) -> Vec<u8>,
    push: fn(&mut Vec<u8>, &[u8], &Line<'_>),
) -> io::Result<()> {
    const FULL: usize = 1 << 20;
    let mut buffer = Vec::with_capacity(FULL + 8_192);
    let mut visits = Visits::new(Dice::new(seed), lines, distinct);
    let mut clock = Clock::new(lines);
    let mut text = date(0);
    for line in 0..lines {
        if clock.moves_on(line) {
            text = date(clock.second);
        }
        visits.next(line, |said| push(&mut buffer, &text, said));
        if buffer.len() >= FULL {
            out.write_all(&buffer)?;
            buffer.clear();
        }
    }
    out.write_all(&buffer)?;
    out.flush()
}

/// The second of the day in which a line stands.
struct Clock {
    lines: u64,
    second: u64,
    /// The first line of the next second.
    next: u64,
}

impl Clock {
    fn new(lines: u64) -> Self {
        Self { lines, second: 0, next: Self::before(lines, 1) }
    }

    /// How many lines stand before a second: the integral of `0.55 - 0.45 cos` over the day.
    fn before(lines: u64, second: u64) -> u64 {
        use std::f64::consts::{FRAC_PI_4, TAU};
        let day = second as f64 / DAY_SECS as f64;
        let wave = ((day * TAU - FRAC_PI_4).sin() + FRAC_PI_4.sin()) * 0.45 / TAU;
        ((day - wave / 0.55) * lines as f64) as u64
    }

    /// Whether the second is another one than that of the line before.
    fn moves_on(&mut self, line: u64) -> bool {
        let was = self.second;
        while line >= self.next && self.second + 1 < DAY_SECS {
            self.second += 1;
            self.next = Self::before(self.lines, self.second + 1);
        }
        self.second != was
    }

    fn common(second: u64) -> Vec<u8> {
        crate::date::common(Self::at_ms(second)).into_bytes()
    }

    fn rfc3339(second: u64) -> Vec<u8> {
        crate::date::rfc3339(Self::at_ms(second)).replace(".000", "").into_bytes()
    }

    const fn at_ms(second: u64) -> i64 {
        crate::MONDAY_MS + second as i64 * 1000
    }
}

const SITE: &[u8] = b"https://www.example.org";

fn push_combined(out: &mut Vec<u8>, time: &[u8], line: &Line<'_>) {
    out.extend_from_slice(line.address);
    out.extend_from_slice(b" - ");
    match line.user {
        Some(user) => {
            out.extend_from_slice(b"user");
            push_number(out, user);
        }
        None => out.push(b'-'),
    }
    out.extend_from_slice(b" [");
    out.extend_from_slice(time);
    out.extend_from_slice(b"] \"");
    out.extend_from_slice(line.method);
    out.push(b' ');
    out.extend_from_slice(line.target);
    out.extend_from_slice(b" HTTP/1.1\" ");
    push_number(out, line.status);
    out.push(b' ');
    push_number(out, line.bytes);
    out.extend_from_slice(b" \"");
    if line.referer.is_empty() {
        out.push(b'-');
    } else {
        out.extend_from_slice(SITE);
        out.extend_from_slice(line.referer);
    }
    out.extend_from_slice(b"\" \"");
    out.extend_from_slice(line.agent);
    out.extend_from_slice(b"\"\n");
}

fn push_json(out: &mut Vec<u8>, time: &[u8], line: &Line<'_>) {
    out.extend_from_slice(b"{\"time\":\"");
    out.extend_from_slice(time);
    out.extend_from_slice(b"\",\"address\":\"");
    out.extend_from_slice(line.address);
    if let Some(user) = line.user {
        out.extend_from_slice(b"\",\"user\":\"user");
        push_number(out, user);
    }
    if let Some(credential) = line.credential {
        out.extend_from_slice(b"\",\"credential\":\"sess_");
        push_hex(out, credential);
    }
    out.extend_from_slice(b"\",\"method\":\"");
    out.extend_from_slice(line.method);
    out.extend_from_slice(b"\",\"target\":\"");
    out.extend_from_slice(line.target);
    out.extend_from_slice(b"\",\"agent\":\"");
    out.extend_from_slice(line.agent);
    if !line.referer.is_empty() {
        out.extend_from_slice(b"\",\"referer\":\"");
        out.extend_from_slice(SITE);
        out.extend_from_slice(line.referer);
    }
    out.extend_from_slice(b"\",\"status\":");
    push_number(out, line.status);
    out.extend_from_slice(b",\"bytes\":");
    push_number(out, line.bytes);
    out.extend_from_slice(b",\"duration\":0.0");
    push_number(out, 1_000 + line.bytes % 9_000);
    out.extend_from_slice(b"}\n");
}

fn push_number(out: &mut Vec<u8>, number: u64) {
    let mut digits = [0; 20];
    let (mut at, mut rest) = (digits.len(), number);
    loop {
        at -= 1;
        digits[at] = b'0' + (rest % 10) as u8;
        rest /= 10;
        if rest == 0 {
            break;
        }
    }
    out.extend_from_slice(&digits[at..]);
}

fn push_hex(out: &mut Vec<u8>, number: u64) {
    for shift in (0..16).rev() {
        out.push(b"0123456789abcdef"[(number >> (shift * 4) & 15) as usize]);
    }
}
