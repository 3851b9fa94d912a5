//! `cargo xtask bench crowd`: an honest client beside thousands of connections that want nothing, and a flood of heads that never
//! end.
//!
//! Three phases on one gateway: the honest client alone, beside the idle connections, and beside both. The crowd comes from
//! many loopback addresses, as it would from many machines, so the cap on one address is not what is measured.

mod client;
mod slow;

use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use ratewarden_testkit::gateway::{self, Allowance, Gate};
use tokio::net::{TcpSocket, TcpStream};

use super::figures::thousands;
use super::guard::{Used, build};
use super::table::Table;
use client::Honest;

/// Connections from one address, well under the cap the gateway has by itself.
const OF_ONE_ADDRESS: u32 = 500;

/// The honest client is unharmed below this multiple of its own p99, as in the demo.
const GOAL: f64 = 2.0;

/// Below this, a p99 is the scheduler's and not the gateway's.
const NOISE: Duration = Duration::from_millis(1);

/// What `bench crowd` can be told.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Connections that send nothing
    #[arg(long, default_value_t = 10_000, value_parser = clap::value_parser!(u32).range(1..=100_000))]
    idle: u32,
    /// Connections at a time that send a byte of a head now and then
    #[arg(long, default_value_t = 4_000, value_parser = clap::value_parser!(u32).range(1..=100_000))]
    slow: u32,
    /// Seconds of each phase
    #[arg(long, default_value_t = 20, value_parser = clap::value_parser!(u32).range(1..=600))]
    seconds: u32,
    /// Calls a second of the honest client
    #[arg(long, default_value_t = 500, value_parser = clap::value_parser!(u32).range(1..=10_000))]
    pace: u32,
    /// Measure this binary, and build none
    #[arg(long, value_name = "FILE")]
    binary: Option<PathBuf>,
    /// Fail when the honest client is harmed
    #[arg(long)]
    check: bool,
}

/// What one phase showed.
struct Phase {
    name: &'static str,
    honest: Honest,
    resident: u64,
}

/// Measures the three phases and prints them.
pub(crate) fn run(args: &Args) -> Result<()> {
    let services = ratewarden_testkit::installed()?;
    let binary = match &args.binary {
        Some(binary) => binary.canonicalize().with_context(|| format!("no binary {}", binary.display()))?,
        None => build()?,
    };
    let back = gateway::back_end(&services)?;
    let gate = Gate::new(Allowance::Plenty, 10);
    let server = gateway::ratewarden(&binary, gate, back.address())?;
    let group = server.process_group().context("the gateway is no process")?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let (phases, ended, gone) = runtime.block_on(phases(args, server.address(), group))?;
    print(args, &phases);
    println!("ended of the slow ones: {}, of the idle ones: {gone}", thousands(float(ended)));
    ensure!(gone == 0, "{gone} idle connections were closed before their time");
    judge(&phases, args.check)
}

async fn phases(args: &Args, to: SocketAddr, group: u32) -> Result<([Phase; 3], u64, usize)> {
    let resident = || Used::by_group(group).map(|used| used.resident);
    let duration = Duration::from_secs(args.seconds.into());
    let alone = client::calls(to, args.pace, duration).await?;
    let alone = Phase { name: "alone", honest: alone, resident: resident()? };

    let mut idle = Vec::new();
    for number in 0..args.idle {
        let begun = idle_connection(to, number).await;
        idle.push(begun.with_context(|| format!("idle connection {number}; see ulimit -n"))?);
    }
    let honest = client::calls(to, args.pace, duration).await?;
    let beside_idle = Phase { name: "beside the idle", honest, resident: resident()? };

    // On a thread of its own, as it would be on another machine: what keeps the flood busy must not keep the client.
    let flood = Arc::new(slow::Flood::default());
    let (stop, stopped) = tokio::sync::oneshot::channel::<()>();
    let thread = std::thread::spawn({
        let (flood, slow) = (Arc::clone(&flood), args.slow);
        move || flood.run(to, slow, stopped)
    });
    flood.wait_for(args.slow.into()).await?;
    let honest = client::calls(to, args.pace, duration).await?;
    let beside_both = Phase { name: "beside both", honest, resident: resident()? };
    drop(stop);
    thread.join().map_err(|_| anyhow::anyhow!("the flood broke"))??;
    let gone = idle.iter().filter(|stream| is_closed(stream)).count();
    Ok(([alone, beside_idle, beside_both], flood.ended(), gone))
}

/// A connection that made one call and then waits. One that never makes any is the slow flood's kind: the gateway ends it
/// when its first head is not there in time.
async fn idle_connection(to: SocketAddr, number: u32) -> Result<TcpStream> {
    let mut stream = Some(connect(to, 1, number).await?);
    client::call(&mut stream, to).await?;
    stream.context("the gateway keeps connections")
}

/// A connection from an address of the crowd; `crowd` tells crowds apart.
async fn connect(to: SocketAddr, crowd: u8, number: u32) -> std::io::Result<TcpStream> {
    let host = u8::try_from(2 + number / OF_ONE_ADDRESS).unwrap_or(u8::MAX);
    let socket = TcpSocket::new_v4()?;
    socket.bind((Ipv4Addr::new(127, 0, crowd, host), 0).into())?;
    socket.connect(to).await
}

/// Its call was answered whole, so anything but silence is its end.
fn is_closed(stream: &TcpStream) -> bool {
    !matches!(stream.try_read(&mut [0; 1]), Err(error) if error.kind() == std::io::ErrorKind::WouldBlock)
}

fn print(args: &Args, phases: &[Phase]) {
    println!(
        "{} calls a second; {} idle connections, {} slow ones at a time; {} s a phase, one worker",
        args.pace, args.idle, args.slow, args.seconds
    );
    let mut table = Table::new(&["", "sent", "answered 200", "p50 µs", "p99 µs", "longest µs", "memory MiB"]);
    for phase in phases {
        let micros = |time: Duration| thousands(time.as_secs_f64() * 1e6);
        let honest = &phase.honest;
        table.line(vec![
            phase.name.to_owned(),
            honest.sent.to_string(),
            honest.answered().to_string(),
            micros(honest.quantile(0.5)),
            micros(honest.quantile(0.99)),
            micros(honest.quantile(1.0)),
            format!("{:.1}", float(phase.resident) / f64::from(1 << 20)),
        ]);
    }
    print!("{}", table.shown());
    if let [alone, idle, _] = phases {
        let each = idle.resident.saturating_sub(alone.resident) / u64::from(args.idle);
        println!("memory of an idle connection: {} bytes", thousands(float(each)));
    }
}

fn judge(phases: &[Phase; 3], check: bool) -> Result<()> {
    let [alone, _, both] = phases;
    let lost: usize = phases.iter().map(|phase| phase.honest.sent - phase.honest.answered()).sum();
    ensure!(lost == 0, "{lost} honest calls were not answered with 200");
    let p99 = |phase: &Phase| phase.honest.quantile(0.99).max(NOISE).as_secs_f64();
    let ratio = p99(both) / p99(alone);
    println!("p99 beside both: {ratio:.2} of that alone (under 1 ms counts as 1 ms); goal {GOAL}");
    ensure!(!check || ratio <= GOAL, "the honest client was harmed");
    Ok(())
}

#[expect(clippy::cast_precision_loss, reason = "counts and sizes of one run stay below 2^52")]
fn float(number: u64) -> f64 {
    number as f64
}
