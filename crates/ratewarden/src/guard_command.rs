//! `ratewarden guard`: runs the gateway until a signal ends it.
//!
//! SIGTERM and SIGINT drain it; SIGHUP, or a policy file that has changed, puts the new policy in force. A file that
//! is wrong is said to be, and the old policy stays.

mod findings;

use std::io::IsTerminal as _;
use std::path::PathBuf;
use std::pin::pin;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use ratewarden_guard::{Guard, GuardError, LoadError};
use tokio::signal::unix::{SignalKind, signal};
use tracing_subscriber::EnvFilter;

use crate::cli::GuardArgs;
use crate::errors::{Exit, Failure};
use crate::signals;
use findings::{Findings, chain};

/// How often the policy file is looked at.
const LOOK: Duration = Duration::from_secs(1);

pub(crate) async fn run(arguments: GuardArgs) -> Result<Exit, Failure> {
    log_to_stderr(&arguments.log);
    let path = arguments.config;
    let start = if arguments.take_over { Guard::take_over_in } else { Guard::start_in };
    let findings = Arc::new(Findings::new(arguments.take_over));
    let guard = start(&path, Arc::clone(&findings) as _).map_err(|error| failure(error, &path))?;
    // Before anybody is told that it listens: whoever reads that may signal at once.
    let mut hangup = signal(SignalKind::hangup()).map_err(|error| {
        Failure::new(Exit::Unreachable, error, "SIGHUP cannot be listened for; restart to change the policy")
    })?;
    // Made once: what comes while a policy is reloaded is not lost.
    let mut ending = pin!(signals::signal());
    for address in guard.http() {
        tracing::info!("Listening on http://{address}.");
    }
    for address in guard.https() {
        tracing::info!("Listening on https://{address}.");
    }
    if let Some(address) = guard.admin() {
        tracing::info!("The admin listener is http://{address}.");
    }
    let mut looks = tokio::time::interval(LOOK);
    let mut seen = changed(&path);
    let exit = loop {
        tokio::select! {
            exit = &mut ending => break exit,
            () = guard.taken_over() => break Exit::Fine,
            _ = hangup.recv() => {
                seen = changed(&path);
                reload(&guard);
            }
            _ = looks.tick() => {
                findings.look();
                let now = changed(&path);
                // A file that is just being replaced is there again at the next look.
                if now.is_some() && now != seen {
                    seen = now;
                    reload(&guard);
                }
            }
        }
    };
    tracing::info!("Ending: no further connections are accepted.");
    let end = move || {
        guard.stop();
        findings.end();
    };
    tokio::task::spawn_blocking(end).await.map_err(|error| {
        Failure::new(Exit::Panicked, error, crate::errors::REPORT).context("the gateway did not end well")
    })?;
    // Ended as it was asked to.
    Ok(if exit == Exit::Interrupted { Exit::Interrupted } else { Exit::Fine })
}

fn reload(guard: &Guard) {
    if let Err(error) = guard.reload() {
        tracing::error!("The policy was not reloaded, the old one stays in force:\n{}", chain(&error));
    }
}

fn changed(path: &PathBuf) -> Option<(SystemTime, u64)> {
    let metadata = std::fs::metadata(path).ok()?;
    Some((metadata.modified().ok()?, metadata.len()))
}

fn log_to_stderr(filter: &str) {
    let filter = EnvFilter::try_new(filter).unwrap_or_else(|_| EnvFilter::new("info"));
    let logs =
        tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr).with_target(false);
    let logs = logs.with_ansi(std::io::stderr().is_terminal());
    // A second subscriber in one process would be a test's; the first one stays.
    let _ = logs.try_init();
}

/// The exit code and the hint of what went wrong at the start.
pub(crate) fn failure(error: GuardError, path: &std::path::Path) -> Failure {
    let shown = path.display();
    let (exit, hint) = match &error {
        GuardError::Load(LoadError::Read { .. }) => {
            (Exit::Usage, "`ratewarden policy example` prints a policy to begin with".to_owned())
        }
        GuardError::Load(LoadError::Mistakes(_)) => {
            (Exit::Usage, format!("`ratewarden policy check {shown}` says this without starting anything"))
        }
        GuardError::Load(_) => (Exit::Usage, format!("{shown} names what is wrong here; mend it and start again")),
        GuardError::Listen { .. } => (
            Exit::Unreachable,
            "another program may be listening there; ports below 1024 need the capability CAP_NET_BIND_SERVICE"
                .to_owned(),
        ),
        GuardError::AccessLog { .. } => (Exit::Usage, "`log.access` names a file, \"stdout\" or \"off\"".to_owned()),
        GuardError::TakeOver(_) => (
            Exit::Unreachable,
            "it must run with the same policy file, as the same user; without --take-over end it first".to_owned(),
        ),
        GuardError::Store(_) => (
            Exit::Usage,
            "`store.file` names a file in a folder that is there and can be written; without it nothing survives a restart"
                .to_owned(),
        ),
        GuardError::Worker(_) => {
            (Exit::Unreachable, "the system gave no threads; try again with fewer programs running".to_owned())
        }
    };
    Failure::new(exit, error, hint)
}
