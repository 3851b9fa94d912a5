//! `cargo xtask bench …`: Ratewarden beside the programs people run today, in one run, with the ratio.
//!
//! Absolute rates drift by a third on a shared machine, so a figure is only worth something beside a peer measured in
//! the same minute. Peers run in turns (A B C, A B C, …) and a ratio is taken within a turn.

mod crowd;
mod figures;
mod guard;
mod limiter;
mod table;
mod watch;

use anyhow::Result;

/// What is measured.
#[derive(Debug, clap::Subcommand)]
pub(crate) enum Bench {
    /// The gateway beside nginx, HAProxy and Envoy: CPU time per request, rate, latency, memory
    Guard(guard::Args),
    /// An honest client beside idle connections and a flood of slow heads: answers, latency, memory
    Crowd(crowd::Args),
    /// The store of limits beside governor: decisions in the same CPU time
    Limiter(limiter::Args),
    /// Reading logs beside GoAccess, fail2ban and rsigma: lines a second on one core, memory
    Watch(watch::Args),
}

/// Measures it.
pub(crate) fn run(bench: &Bench) -> Result<()> {
    match bench {
        Bench::Guard(args) => guard::run(args),
        Bench::Crowd(args) => crowd::run(args),
        Bench::Limiter(args) => limiter::run(args),
        Bench::Watch(args) => watch::run(args),
    }
}
