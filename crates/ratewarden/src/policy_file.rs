//! A policy for who looks at logs with it: read with all its mistakes told at once, and the secret under which its gateway
//! hashes callers.

use std::path::Path;

use ratewarden_counters::{Disk, DiskError};
use ratewarden_policy as policy;
use ratewarden_policy::{Mistakes, Policy};

use crate::errors::{Exit, Failure};
use crate::stderr;

/// Reads a policy; what is only worth a warning is said, but for what concerns a gateway where there is none: a policy that
/// is only tried needs neither listener nor server.
pub(crate) fn read(file: &Path) -> Result<Policy, Failure> {
    let text = std::fs::read_to_string(file).map_err(|error| {
        let hint = "-c names the policy; `ratewarden policy example` prints one to begin with";
        Failure::new(Exit::Usage, error, hint).context(format!("cannot read the policy {}", file.display()))
    })?;
    let read = policy::read(&text, file).map_err(|mistakes| wrong(file, &mistakes))?;
    for warning in read.warnings.iter().filter(|_| read.policy.gateway.is_some()) {
        stderr::note(&format!("warning: {}", warning.show(file)));
    }
    Ok(read.policy)
}

/// The secret of the store that the policy names, so that hashes mean the same callers as at the gateway; where there is
/// none, this machine's.
pub(crate) fn secret(policy: Option<&Policy>) -> Result<[u8; 16], Failure> {
    let store = policy.and_then(|policy| policy.store.as_deref());
    let kept = store.map(Disk::secret_of).transpose().map_err(unreadable)?.flatten();
    kept.map_or_else(machine_secret, Ok)
}

fn wrong(file: &Path, mistakes: &Mistakes) -> Failure {
    let count = mistakes.remarks().len() + mistakes.left_out();
    let what = if count == 1 { "1 mistake".to_owned() } else { format!("{count} mistakes") };
    let hint = "docs/policy.md lists every key; `ratewarden policy schema` is for editors";
    Failure::usage(format!("{what} in {}:\n{mistakes}", file.display()), hint)
}

fn unreadable(error: DiskError) -> Failure {
    let hint = match &error {
        DiskError::Version { .. } => "use the version of Ratewarden that wrote it",
        _ => {
            "callers are hashed under its secret: run as the user of the gateway, or take `store` out of a copy of the policy"
        }
    };
    Failure::new(Exit::Usage, error, hint)
}

fn machine_secret() -> Result<[u8; 16], Failure> {
    ratewarden_watch::machine_secret().map_err(|error| {
        Failure::new(Exit::Usage, error, "try again; the system gave no random bytes")
            .context("no secret could be made")
    })
}
