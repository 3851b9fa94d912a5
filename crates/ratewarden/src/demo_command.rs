//! `ratewarden demo`: the whole loop on this machine. A weak API is started and scanned, the policy is written from the
//! findings, the gateway is started with it, the same scans go through it, and both are attacked beside an honest client.
//!
//! It is the first command a reader runs, so it needs nothing: no server, no network, no file but those it writes.
//! The scans are the real ones, with the budgets they have everywhere, and so are the policy and the gateway; nothing
//! here knows what they will find.

mod attack;
mod gateway;
mod place;
mod scans;
mod tables;
mod text;

use std::time::Duration;

use ratewarden_demo::{DemoApi, DemoError, DemoOptions};
use ratewarden_model::{ScanReport, parse_duration};
use ratewarden_report::{Format, Options};

use crate::cli::DemoArgs;
use crate::errors::{Exit, Failure, REPORT};
use crate::{output, signals};
use gateway::Gateway;
use place::Place;
use scans::{Pair, Scan};

/// The shortest attack that shows anything.
const SHORTEST: Duration = Duration::from_secs(1);

pub(crate) async fn run(arguments: DemoArgs) -> Result<Exit, Failure> {
    let lasts = attack_time(&arguments.attack_time)?;
    let place = Place::choose(arguments.output, arguments.policy_out)?;
    let weak = start(DemoOptions { port: arguments.port, ..DemoOptions::default() })?;
    output::print_terminal(&text::welcome(&weak.url(), lasts))?;
    let (weak, gateway) = signals::unless_interrupted(move || show(weak, place, lasts)).await?;
    if !arguments.once {
        output::print_terminal(&text::still_up(&weak.url(), &url_of(&gateway)?))?;
        // To end it is what the user is asked to do: no failure.
        signals::signal().await;
    }
    gateway.stop().await?;
    Ok(Exit::Fine)
}

/// Everything, in its order; gives back the API and the gateway before it, which stay up.
async fn show(weak: DemoApi, mut place: Place, lasts: Duration) -> Result<(DemoApi, Gateway), Failure> {
    let before = before(&weak.url()).await?;

    output::print_terminal(&text::heading(4, "The policy that mends it, written from the findings"))?;
    let reports: Vec<&ScanReport> = before.iter().map(|(_, report)| report).collect();
    let (policy, keys) = place.policy()?;
    let written = gateway::write(&reports, policy, &keys)?;
    output::print_terminal(&text::policy(&written.policy)?)?;

    output::print_terminal(&text::heading(5, "The same scans, through the gateway that enforces it"))?;
    let scanned = Gateway::start(&written.policy)?;
    let pairs = after(before, &url_of(&scanned)?).await?;
    scanned.stop().await?;
    output::print_terminal(&text::comparison(&pairs))?;

    // A new one, which holds nothing against anybody for what the scans did.
    let gateway = Gateway::start(&written.policy)?;
    output::print_terminal(&text::heading(6, "An attack, beside a client that does nothing wrong"))?;
    attack::show(&gateway, &weak, &written, lasts).await?;

    output::print_terminal(&text::heading(7, "The files"))?;
    if let Some(events) = pairs.iter().find(|pair| pair.scan == Scan::Events) {
        for path in place.write(&events.before, &events.after)? {
            output::print_terminal(&format!("  {}\n", path.display()))?;
        }
    }
    output::print_terminal(&format!("  {}\n", written.policy.display()))?;
    Ok((weak, gateway))
}

/// All scans of the API as it is, and what is said of them.
async fn before(url: &str) -> Result<Vec<(Scan, ScanReport)>, Failure> {
    output::print_terminal(&text::heading(1, "GET and POST /events, as they are"))?;
    let events = Scan::Events.run(url).await?;
    output::print_terminal(&output::rendered(&events, Format::Pretty, &Options::for_stdout())?)?;
    let mut all = vec![(Scan::Events, events)];
    output::print_terminal(&text::heading(2, "What else it has, at a glance"))?;
    for scan in Scan::ALL {
        if matches!(scan, Scan::Events | Scan::Search) {
            continue;
        }
        let report = scan.run(url).await?;
        let told: Vec<&ScanReport> = all.iter().map(|(_, report)| report).collect();
        output::print_terminal(&text::glance(scan.path(), &report, &told))?;
        all.push((scan, report));
    }
    output::print_terminal(&text::heading(3, "A limit that can be got round: GET /search"))?;
    let report = Scan::Search.run(url).await?;
    let told: Vec<&ScanReport> = all.iter().map(|(_, report)| report).collect();
    output::print_terminal(&text::got_round(Scan::Search.path(), &report, &told))?;
    all.push((Scan::Search, report));
    Ok(all)
}

/// The same scans again; the one that locks itself out comes last.
async fn after(before: Vec<(Scan, ScanReport)>, url: &str) -> Result<Vec<Pair>, Failure> {
    let mut pairs = Vec::new();
    for scan in Scan::ALL {
        if let Some((_, before)) = before.iter().find(|(own, _)| *own == scan) {
            let after = scan.run(url).await?;
            pairs.push(Pair { scan, before: before.clone(), after });
        }
    }
    Ok(pairs)
}

fn url_of(gateway: &Gateway) -> Result<String, Failure> {
    Ok(format!("http://{}", gateway.address()?))
}

fn attack_time(text: &str) -> Result<Duration, Failure> {
    let hint = "give --attack-time 1s to 10m, such as 10s";
    let lasts = parse_duration(text).map_err(|error| Failure::usage(error, hint))?;
    if lasts < SHORTEST || lasts > ratewarden_demo::attack::MAX_PHASE {
        return Err(Failure::usage(format!("an attack of {text} is too short or too long"), hint));
    }
    Ok(lasts)
}

fn start(options: DemoOptions) -> Result<DemoApi, Failure> {
    DemoApi::start(options).map_err(|error| match error {
        DemoError::Listen { .. } => {
            Failure::new(Exit::Usage, error, "give another --port, or leave it out to take a free one")
        }
        DemoError::NoRuntime => Failure::new(Exit::Panicked, error, REPORT),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_attack_has_a_time_that_shows_something_and_ends() {
        assert_eq!(attack_time("10s").unwrap(), Duration::from_secs(10));
        for wrong in ["10", "0s", "999ms", "11m", "soon"] {
            assert!(attack_time(wrong).unwrap_err().text().contains("--attack-time 1s to 10m"), "{wrong}");
        }
    }
}
