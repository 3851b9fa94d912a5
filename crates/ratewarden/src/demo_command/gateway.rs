//! The gateway that the demo puts before its API: the policy that the scans wrote, keys for callers, and a start.

use std::path::{Path, PathBuf};

use ratewarden_callers::NewKey;
use ratewarden_demo::attack::{Attacker, Who};
use ratewarden_guard::Guard;
use ratewarden_model::ScanReport;

use crate::errors::{Exit, Failure, REPORT};
use crate::{guard_command, output, policy_out};

/// Callers that have a key; who guesses keys has none.
const CALLERS: [(Who, &str); 4] = [
    (Who::Honest, "honest"),
    (Who::Attacker(Attacker::JobFlood), "job-flood"),
    (Who::Attacker(Attacker::HotKey), "hot-key"),
    (Who::Attacker(Attacker::ScanOfEverything), "scan-of-everything"),
];

/// A policy on disk, with the keys that it knows.
#[derive(Debug)]
pub(super) struct Written {
    pub(super) policy: PathBuf,
    pub(super) keys: Vec<(Who, String)>,
}

/// Writes the policy for these scans, and a file of keys beside it.
pub(super) fn write(reports: &[&ScanReport], policy: PathBuf, file: &Path) -> Result<Written, Failure> {
    let mut keys = Vec::new();
    let mut lines =
        "# Keys of the demo's callers, hashed; the keys themselves are kept nowhere.\n".to_owned();
    for (who, name) in CALLERS {
        let new = NewKey::generate(name, "").map_err(|why| {
            Failure::new(Exit::Unreachable, anyhow::anyhow!(why), "try again").context("cannot make a key")
        })?;
        lines.push_str(&new.line);
        lines.push('\n');
        keys.push((who, new.key));
    }
    output::write_file(file, &lines)?;
    let name = file.file_name().map(|name| name.to_string_lossy().into_owned());
    // On this machine only, at any port: it stands before an API that is weak on purpose.
    let setting = policy_out::Setting { listen: Some(([127, 0, 0, 1], 0).into()), keys: name };
    policy_out::write(reports, &setting, &policy)?;
    Ok(Written { policy, keys })
}

/// A running gateway.
#[derive(Debug)]
pub(super) struct Gateway(Guard);

impl Gateway {
    pub(super) fn start(policy: &Path) -> Result<Self, Failure> {
        Guard::start(policy).map(Self).map_err(|error| guard_command::failure(error, policy))
    }

    pub(super) fn address(&self) -> Result<std::net::SocketAddr, Failure> {
        let none = || Failure::new(Exit::Panicked, anyhow::anyhow!("the gateway listens nowhere"), REPORT);
        self.0.http().first().copied().ok_or_else(none)
    }

    /// Ends it, with its threads.
    pub(super) async fn stop(self) -> Result<(), Failure> {
        tokio::task::spawn_blocking(move || self.0.stop()).await.map_err(|error| {
            Failure::new(Exit::Panicked, error, REPORT).context("the gateway did not end well")
        })
    }
}
