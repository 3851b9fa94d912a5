//! Lines of honest traffic to standard output, with scenarios of abuse among them.
//!
//! ```text
//! cargo run -p ratewarden-traffic --example write -- nginx|json LINES[/ADDRESSES] SEED [SCENARIO…]
//! ```
//! Without scenarios so many lines come from [`stream`], from so many addresses (a hundredth where it is not said).
//! With scenarios, all of which begin an hour after the first line, it is the website's background of so many lines
//! (of several days where one does not have as many) with their calls in between: these lines come on top.

use std::io::{self, BufWriter, ErrorKind};
use std::time::Duration;

use ratewarden_traffic::{MONDAY_MS, OwnedCall, Traffic, background, lines, scenario, stream};

const USAGE: &str = "write nginx|json LINES[/ADDRESSES] SEED [SCENARIO…]";

fn main() -> io::Result<()> {
    match run() {
        // Who reads has seen enough.
        Err(error) if error.kind() == ErrorKind::BrokenPipe => Ok(()),
        result => result,
    }
}

fn run() -> io::Result<()> {
    let mut words = std::env::args().skip(1);
    let form = words.next().ok_or_else(|| invalid(USAGE))?;
    let mut word = || words.next().ok_or_else(|| invalid(USAGE));
    let (size, seed) = (word()?, number(&word()?)?);
    let (count, addresses) = match size.split_once('/') {
        Some((count, addresses)) => (number(count)?, number(addresses)?),
        None => (number(&size)?, number(&size)? / 100 + 1),
    };
    let names: Vec<String> = words.collect();
    let out = io::stdout().lock();
    match (form.as_str(), names.is_empty()) {
        ("nginx", true) => stream::write_nginx(count, seed, addresses, out),
        ("json", true) => stream::write_json(count, seed, addresses, out),
        ("nginx", false) => write(&mixed(count, seed, &names)?, lines::nginx_combined, BufWriter::new(out)),
        ("json", false) => write(&mixed(count, seed, &names)?, lines::json_fields, BufWriter::new(out)),
        _ => Err(invalid(USAGE)),
    }
}

fn number(word: &str) -> io::Result<u64> {
    word.parse().map_err(|_| invalid(USAGE))
}

fn mixed(count: u64, seed: u64, names: &[String]) -> io::Result<Traffic> {
    const DAY: Duration = Duration::from_secs(86_400);
    let mut honest = Vec::new();
    let (mut day, mut start_ms) = (seed, MONDAY_MS);
    while (honest.len() as u64) < count {
        honest.extend(background::website(day, start_ms, DAY));
        (day, start_ms) = (day.wrapping_add(1), start_ms + 86_400_000);
    }
    honest.truncate(usize::try_from(count).unwrap_or(usize::MAX));
    let mut traffic = Traffic::new(honest);
    for name in names {
        let found = scenario::by_name(name, seed, MONDAY_MS + 3_600_000);
        let known = || scenario::ALL.map(|(name, _)| name).join(" ");
        let made =
            found.ok_or_else(|| invalid(&format!("no scenario is called {name}; there are {}", known())))?;
        traffic = traffic.merge(made.calls);
    }
    Ok(traffic)
}

fn write(traffic: &Traffic, form: fn(&OwnedCall) -> String, mut out: impl io::Write) -> io::Result<()> {
    for call in traffic {
        writeln!(out, "{}", form(call))?;
    }
    out.flush()
}

fn invalid(text: &str) -> io::Error {
    io::Error::new(ErrorKind::InvalidInput, text)
}
