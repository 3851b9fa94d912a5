//! What came out: rates, ratios, memory, and whether goals are met.

use super::float;
use super::peers::Peer;
use super::process::Taken;
use crate::bench::figures::{Spread, thousands};
use crate::bench::table::Table;

/// The runs of one program, in the order of the rounds.
#[derive(Debug)]
pub(super) struct Entry {
    pub(super) peer: Peer,
    pub(super) lines: u64,
    pub(super) taken: Vec<Taken>,
    /// What it found the last time.
    pub(super) found: String,
}

impl Entry {
    /// A program that has not run.
    pub(super) const fn new(peer: Peer, lines: u64) -> Self {
        Self { peer, lines, taken: Vec::new(), found: String::new() }
    }

    /// Lines in a second, by round.
    fn rates(&self, seconds: fn(&Taken) -> f64) -> impl Iterator<Item = f64> {
        self.taken.iter().map(move |taken| float(self.lines) / seconds(taken))
    }
}

fn cpu(taken: &Taken) -> f64 {
    taken.cpu.as_secs_f64().max(0.01)
}

fn clock(taken: &Taken) -> f64 {
    taken.clock.as_secs_f64()
}

/// The table of a case, the first entry being ours, and whether both goals are met: lines in a second of CPU time, and times
/// those of `beside`. Where that one takes no part the second goal is not met.
pub(super) fn rates(entries: &[Entry], beside: Peer, goal_rate: f64, goal_ratio: f64) -> (String, bool) {
    let mut table = Table::new(&[
        "program",
        "by CPU time",
        "by the clock",
        "we are × (CPU)",
        "× (clock)",
        "peak MiB",
        "found",
    ]);
    let Some((ours, others)) = entries.split_first() else { return (String::new(), false) };
    for entry in entries {
        let rate = |seconds| cell(Spread::of(entry.rates(seconds).map(|rate| rate / 1e6)), 3);
        let ratio = |seconds| {
            if entry.peer == ours.peer { String::new() } else { cell(times(ours, entry, seconds), 1) }
        };
        let peak = Spread::of(entry.taken.iter().map(|taken| mebibytes(taken.peak)));
        table.line(vec![
            format!("{} ({})", entry.peer.name(), entry.peer.work()),
            rate(cpu),
            rate(clock),
            ratio(cpu),
            ratio(clock),
            cell(peak, 0),
            format!("{} in {} lines", entry.found, thousands(float(entry.lines))),
        ]);
    }
    let rate = Spread::of(ours.rates(cpu)).map_or(0.0, |rate| rate.median);
    let peer = others.iter().find(|entry| entry.peer == beside);
    let ratio = peer.and_then(|peer| times(ours, peer, cpu)).map_or(0.0, |ratio| ratio.median);
    let text = format!(
        "{}goals by CPU time: at least {} million lines a second: {}; at least {goal_ratio} × {}: {}\n",
        table.shown(),
        goal_rate / 1e6,
        word(rate >= goal_rate),
        beside.name(),
        word(ratio >= goal_ratio)
    );
    (text, rate >= goal_rate && ratio >= goal_ratio)
}

/// How many times the rate of another, round by round.
fn times(ours: &Entry, other: &Entry, seconds: fn(&Taken) -> f64) -> Option<Spread> {
    Spread::of(ours.rates(seconds).zip(other.rates(seconds)).map(|(ours, other)| ours / other))
}

fn cell(spread: Option<Spread>, decimals: usize) -> String {
    spread.map_or(String::new(), |it| it.shown(decimals))
}

const fn word(met: bool) -> &'static str {
    if met { "met" } else { "missed" }
}

fn mebibytes(bytes: u64) -> f64 {
    float(bytes) / f64::from(1 << 20)
}

/// The run with very many addresses.
#[derive(Debug)]
pub(super) struct Memory {
    pub(super) taken: Taken,
    pub(super) lines: u64,
    pub(super) keys: u64,
    pub(super) found: String,
    /// The most bytes.
    pub(super) goal: u64,
}

impl Memory {
    /// Whether it stayed within the goal.
    pub(super) const fn is_met(&self) -> bool {
        self.taken.peak <= self.goal
    }

    /// As text.
    pub(super) fn shown(&self) -> String {
        format!(
            "{} addresses in {} lines: peak {:.0} MiB, goal at most {:.0}: {}; {:.3} million lines a second of CPU time, {}",
            thousands(float(self.keys)),
            thousands(float(self.lines)),
            mebibytes(self.taken.peak),
            mebibytes(self.goal),
            word(self.is_met()),
            float(self.lines) / cpu(&self.taken) / 1e6,
            self.found
        )
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn entry(peer: Peer, lines: u64, seconds: &[u64]) -> Entry {
        let taken = |&seconds: &u64| Taken {
            clock: Duration::from_secs(seconds * 2),
            cpu: Duration::from_secs(seconds),
            peak: 20 << 20,
        };
        Entry {
            taken: seconds.iter().map(taken).collect(),
            found: "nothing".into(),
            ..Entry::new(peer, lines)
        }
    }

    #[test]
    fn rates_count_lines_of_each_and_ratios_are_taken_within_a_round() {
        let ours = entry(Peer::Ratewarden, 12_000_000, &[4, 3, 6]);
        let theirs = entry(Peer::GoAccess, 1_000_000, &[10, 10, 20]);
        let (text, met) = rates(&[ours, theirs], Peer::GoAccess, 3e6, 30.0);
        let lines: Vec<&str> = text.lines().collect();
        assert!(
            lines[1].contains("3.000 (2.000–4.000)") && lines[1].contains("1.500 (1.000–2.000)"),
            "{text}"
        );
        assert!(lines[2].contains("40.0 (30.0–40.0)") && lines[2].contains("in 1 000 000 lines"), "{text}");
        assert!(met && text.contains("million lines a second: met; at least 30 × GoAccess: met"), "{text}");
    }

    #[test]
    fn a_goal_beside_a_peer_that_is_not_there_is_missed() {
        let ours = entry(Peer::Ratewarden, 12_000_000, &[4]);
        let other = entry(Peer::Fail2ban, 1_000, &[4]);
        let (text, met) = rates(&[ours, other], Peer::GoAccess, 3e6, 30.0);
        assert!(!met && text.contains("at least 30 × GoAccess: missed"), "{text}");
    }

    #[test]
    fn memory_is_held_to_its_goal() {
        let taken = Taken { clock: Duration::from_secs(4), cpu: Duration::from_secs(2), peak: 257 << 20 };
        let mut memory = Memory { taken, lines: 12, keys: 10, found: "0 findings".into(), goal: 256 << 20 };
        assert!(!memory.is_met() && memory.shown().contains("peak 257 MiB, goal at most 256: missed"));
        memory.taken.peak = 256 << 20;
        assert!(memory.is_met());
    }
}
