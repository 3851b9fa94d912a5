//! The attack: through the gateway, then on an API without one.

use std::net::SocketAddr;
use std::time::Duration;

use ratewarden_demo::attack::{Attack, AttackError, AttackOptions, Outcome};
use ratewarden_demo::{Counts, DemoApi, DemoOptions};

use super::gateway::{Gateway, Written};
use super::{start, text};
use crate::errors::{Exit, Failure, REPORT};
use crate::output;
use crate::progress::Progress;

/// The longest time alone: more changes no p99.
const ALONE: Duration = Duration::from_secs(5);

/// An attack, and what of it reached the API.
#[derive(Debug)]
pub(super) struct Attacked {
    pub(super) outcome: Outcome,
    pub(super) reached: Counts,
}

/// Attacks both and says what came of it; `api` stands behind the gateway.
pub(super) async fn show(
    gateway: &Gateway,
    api: &DemoApi,
    written: &Written,
    lasts: Duration,
) -> Result<(), Failure> {
    let options = AttackOptions {
        alone: ALONE.min(lasts / 2),
        attack: lasts,
        keys: written.keys.clone(),
        ..AttackOptions::new(gateway.address()?)
    };
    output::print_terminal(&text::attack_begins(&options))?;
    let Some(with) = attack(options.clone(), api).await? else { return Ok(()) };
    output::print_terminal(&text::attacked("Through the gateway", &with))?;
    // An API of its own, that has as little behind it as the other one had.
    let bare = start(DemoOptions::default())?;
    let options = AttackOptions { attack: lasts / 2, alone: options.alone / 2, ..options };
    let options =
        AttackOptions { target: SocketAddr::from(([127, 0, 0, 1], bare.address().port())), ..options };
    let Some(without) = attack(options, &bare).await? else { return Ok(()) };
    bare.shutdown().await;
    output::print_terminal(&text::attacked("The same attack without it, half as long", &without))?;
    output::print_terminal(&text::difference(&with.outcome, &without.outcome))
}

/// One attack; none on a machine that cannot tell its callers apart.
async fn attack(options: AttackOptions, api: &DemoApi) -> Result<Option<Attacked>, Failure> {
    let progress = Progress::start(true);
    progress.say("the honest client alone, then the attack");
    let before = api.counts();
    let attack = match Attack::start(options) {
        Ok(attack) => attack,
        Err(AttackError::Address { address, .. }) => {
            output::print_terminal(&text::no_attack(address))?;
            return Ok(None);
        }
        Err(error) => return Err(failure(error)),
    };
    let outcome = attack.outcome().await.map_err(failure)?;
    let after = api.counts();
    let reached = Counts {
        calls: after.calls - before.calls,
        jobs: after.jobs - before.jobs,
        writes: after.writes - before.writes,
        refused_tokens: after.refused_tokens - before.refused_tokens,
    };
    Ok(Some(Attacked { outcome, reached }))
}

fn failure(error: AttackError) -> Failure {
    match error {
        AttackError::Options(_) => Failure::new(Exit::Usage, error, "--attack-time takes 1s to 10m"),
        AttackError::Thread(_) => Failure::new(
            Exit::Unreachable,
            error,
            "the system gave no thread; try again with fewer programs running",
        ),
        AttackError::Address { .. } | AttackError::Ended => Failure::new(Exit::Panicked, error, REPORT),
    }
}
