//! `cargo xtask bench watch`: lines a second and memory of `ratewarden watch` beside GoAccess, fail2ban and rsigma.
//!
//! Each program has one core to itself and reads the same log from the page cache, ours with all default detectors on.
//! They take turns, and a ratio is taken within a turn. Rates are given by CPU time, which a busy machine changes
//! least, and by the clock; goals are held to CPU time. fail2ban reads the first lines of the log only, since the
//! whole would take it an hour; its rate does not depend on the length.

mod logs;
mod peers;
mod process;
mod report;

use std::fs;
use std::path::PathBuf;

use anyhow::{Context as _, Result, ensure};

use super::figures::thousands;
use super::guard::build;
use logs::{Form, Log};
use peers::{Peer, Starter};
use process::{Program, Taken};
use report::{Entry, Memory};

/// What `bench watch` can be told.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// 50 MB logs and a million addresses instead of 1 GB and ten millions, to try it
    #[arg(long)]
    short: bool,
    /// How often each program has its turn
    #[arg(long, default_value_t = 3, value_parser = clap::value_parser!(u32).range(1..=100))]
    rounds: u32,
    /// Peers read at most so many lines; their rates do not depend much on it, their memory does
    #[arg(long, value_name = "LINES", value_parser = clap::value_parser!(u64).range(1000..))]
    peer_lines: Option<u64>,
    /// Only cases whose name contains this: nginx, json, keys
    #[arg(long)]
    only: Option<String>,
    /// Measure this binary, and build none
    #[arg(long, value_name = "FILE")]
    binary: Option<PathBuf>,
    /// Keep the logs and what the programs wrote, below target/bench
    #[arg(long)]
    keep: bool,
    /// Fail when a goal is not met
    #[arg(long)]
    check: bool,
}

/// A log and who reads it.
struct Case {
    name: &'static str,
    form: Form,
    peers: &'static [Peer],
    /// The peer that the goal is about.
    beside: Peer,
    /// Lines in a second of CPU time.
    goal_rate: f64,
    /// Times the rate of that peer.
    goal_ratio: f64,
}

const CASES: [Case; 2] = [
    Case {
        name: "nginx",
        form: Form::Nginx,
        peers: &[Peer::GoAccess, Peer::Fail2ban],
        beside: Peer::GoAccess,
        goal_rate: 3e6,
        goal_ratio: 30.0,
    },
    Case {
        name: "json",
        form: Form::Json,
        peers: &[Peer::Rsigma],
        beside: Peer::Rsigma,
        goal_rate: 1.2e6,
        goal_ratio: 3.0,
    },
];

/// The case that is about memory.
const KEYS: &str = "keys";
/// The most memory for ten million addresses, in bytes.
const GOAL_BYTES: u64 = 256 << 20;

/// How much is read.
struct Size {
    bytes: u64,
    /// Lines that peers get at most.
    peers: u64,
    /// Lines that fail2ban gets at most.
    fail2ban: u64,
    /// Distinct addresses of the case about memory.
    keys: u64,
}

impl Size {
    fn of(short: bool, peers: Option<u64>) -> Self {
        let peers = peers.unwrap_or(u64::MAX);
        if short {
            Self { bytes: 50_000_000, peers, fail2ban: peers.min(20_000), keys: 1_000_000 }
        } else {
            Self { bytes: 1_000_000_000, peers, fail2ban: peers.min(100_000), keys: 10_000_000 }
        }
    }

    const fn lines(&self, peer: Peer) -> u64 {
        match peer {
            Peer::Ratewarden => u64::MAX,
            Peer::Fail2ban => self.fail2ban,
            Peer::GoAccess | Peer::Rsigma => self.peers,
        }
    }
}

/// The logs and what programs write, gone at the end.
struct Folder {
    path: PathBuf,
    keep: bool,
}

impl Folder {
    fn new(keep: bool) -> Result<Self> {
        let path = peers::root().join(format!("watch-{}", std::process::id()));
        fs::create_dir_all(&path).with_context(|| format!("could not make {}", path.display()))?;
        Ok(Self { path: path.canonicalize()?, keep })
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        if self.keep {
            eprintln!("kept: {}", self.path.display());
        } else {
            let _ = fs::remove_dir_all(&self.path);
        }
    }
}

/// Measures every case that is asked for and prints a table of each.
pub(crate) fn run(args: &Args) -> Result<()> {
    let wanted = |name: &str| args.only.as_ref().is_none_or(|part| name.contains(part));
    let cases: Vec<&Case> = CASES.iter().filter(|case| wanted(case.name)).collect();
    ensure!(!cases.is_empty() || wanted(KEYS), "no case is named so: they are nginx, json and keys");
    let without_rsigma = peers::install(cases.iter().any(|case| case.peers.contains(&Peer::Rsigma)))?;
    let binary = match &args.binary {
        Some(binary) => binary.canonicalize().with_context(|| format!("no binary {}", binary.display()))?,
        None => build()?,
    };
    let (folder, size) = (Folder::new(args.keep)?, Size::of(args.short, args.peer_lines));
    let starter = Starter { binary: &binary, core: process::core()?, folder: &folder.path };
    println!(
        "each program on core {} alone, {} rounds; rates in million lines a second, median (min–max)",
        starter.core, args.rounds
    );
    let mut missed = Vec::new();
    for case in cases {
        let left_out = without_rsigma.as_ref().map(|why| (Peer::Rsigma, why.as_str()));
        if !measure(case, &starter, &size, args.rounds, left_out)? {
            missed.push(case.name);
        }
    }
    if wanted(KEYS) && !measure_keys(&starter, size.keys)? {
        missed.push(KEYS);
    }
    ensure!(!args.check || missed.is_empty(), "these goals are not met: {}", missed.join(", "));
    Ok(())
}

/// One case: whether its goals are met.
fn measure(
    case: &Case,
    starter: &Starter<'_>,
    size: &Size,
    rounds: u32,
    left_out: Option<(Peer, &str)>,
) -> Result<bool> {
    eprintln!("{}: writing the log", case.name);
    let log = Log::write(starter.folder.join(format!("{}.log", case.name)), case.form, size.bytes)?;
    let mut runners = Vec::new();
    for &peer in [Peer::Ratewarden].iter().chain(case.peers) {
        match left_out {
            Some((absent, why)) if absent == peer => println!("{} takes no part: {why}", peer.name()),
            _ => {
                let slice = log.first(size.lines(peer), starter.folder)?;
                let read = slice.as_ref().unwrap_or(&log);
                runners.push((peer.program(starter, read)?, Entry::new(peer, read.lines)));
            }
        }
    }
    for round in 1..=rounds {
        for (program, entry) in &mut runners {
            eprintln!("{}: round {round} of {rounds}, {}", case.name, program.name);
            log.warm()?;
            entry.taken.push(program.run(None)?);
            entry.found = entry.peer.check(program, starter.folder, entry.lines)?;
        }
    }
    let entries: Vec<Entry> = runners.into_iter().map(|(_, entry)| entry).collect();
    println!(
        "\n{}: {} lines, {} MB, {} addresses",
        case.name,
        thousands(float(log.lines)),
        thousands(float(log.bytes) / 1e6),
        thousands(float(log.addresses))
    );
    let (text, met) = report::rates(&entries, case.beside, case.goal_rate, case.goal_ratio);
    print!("{text}");
    Ok(met)
}

/// Ten million addresses by the standard input, since nobody needs them on the disk: whether the goal is met.
fn measure_keys(starter: &Starter<'_>, keys: u64) -> Result<bool> {
    let lines = keys + keys / 5;
    eprintln!("{KEYS}: {} lines by the standard input", thousands(float(lines)));
    let words = ["watch", "-", "--format", "json", "--no-progress"];
    let mut program =
        Program::new(Peer::Ratewarden.name(), starter.binary, starter.core, starter.folder).args(&words);
    let taken: Taken = program.run(Some(&|out| Form::Nginx.write(lines, keys, out)))?;
    let (read, found) = peers::ours(&program.printed()?)?;
    ensure!(read == lines, "{read} of {lines} lines were read");
    let memory = Memory { taken, lines, keys, found, goal: GOAL_BYTES };
    println!("\n{KEYS}: {}", memory.shown());
    Ok(memory.is_met())
}

#[expect(clippy::cast_precision_loss, reason = "counts and sizes of one run stay below 2^52")]
fn float(number: u64) -> f64 {
    number as f64
}
