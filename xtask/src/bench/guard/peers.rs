//! The programs that are compared, and how each is started.

use std::net::SocketAddr;
use std::path::Path;
use std::process::Command;

use anyhow::{Context as _, Result};
use ratewarden_testkit::gateway::{self, Gate};
use ratewarden_testkit::{Server, Services};
use serde::Serialize;

use crate::run;

/// The profile made for measuring the gateway, used where the workspace has it.
const PROFILE: &str = "dist";

/// A program.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Peer {
    Nginx,
    Haproxy,
    Envoy,
    Ratewarden,
    /// nginx that answers a constant 429: no limiter, and what is left without one.
    Floor,
}

impl Peer {
    /// As its makers write it.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Nginx => "nginx",
            Self::Haproxy => "HAProxy",
            Self::Envoy => "Envoy",
            Self::Ratewarden => "Ratewarden",
            Self::Floor => "nginx, constant 429",
        }
    }

    /// What limits in it.
    pub(crate) const fn limiter(self) -> &'static str {
        match self {
            Self::Nginx => "limit_req",
            Self::Haproxy => "stick table",
            Self::Envoy => "one bucket",
            Self::Ratewarden => "per caller",
            Self::Floor => "none: the floor",
        }
    }
}

/// What it takes to start all of them.
#[derive(Debug)]
pub(crate) struct Starter<'s> {
    pub(crate) services: &'s Services,
    /// Our binary; `None` leaves us out.
    pub(crate) binary: Option<&'s Path>,
    pub(crate) back_end: SocketAddr,
}

impl Starter<'_> {
    /// Starts it with these limits; `None` when it takes no part.
    pub(crate) fn start(&self, peer: Peer, gate: Gate) -> Result<Option<Server>> {
        let server = match (peer, self.binary) {
            (Peer::Nginx, _) => gateway::nginx(self.services, gate, self.back_end),
            (Peer::Haproxy, _) => gateway::haproxy(self.services, gate, self.back_end),
            (Peer::Envoy, _) => gateway::envoy(self.services, gate, self.back_end),
            (Peer::Ratewarden, Some(binary)) => gateway::ratewarden(binary, gate, self.back_end),
            (Peer::Ratewarden, None) => return Ok(None),
            (Peer::Floor, _) => gateway::always_rejecting(self.services),
        };
        Ok(Some(server?))
    }
}

/// Builds our binary for speed, and says where it is.
pub(crate) fn build() -> Result<std::path::PathBuf> {
    let manifest = std::fs::read_to_string(run::workspace().join("Cargo.toml"))
        .context("could not read the workspace's Cargo.toml")?;
    let profile = if has_profile(&manifest, PROFILE) { PROFILE } else { "release" };
    run::built(profile)
}

/// The version that was measured, as the program itself gives it.
pub(crate) fn version(binary: &Path) -> String {
    run::output(Command::new(binary).arg("--version"))
        .map_or_else(|_| "unknown".into(), |text| text.trim().into())
}

fn has_profile(manifest: &str, name: &str) -> bool {
    let title = format!("[profile.{name}]");
    manifest.lines().any(|line| line.split('#').next().is_some_and(|line| line.trim() == title))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_title_of_a_profile_counts() {
        assert!(has_profile("[profile.dist] # fat\nlto = true\n", PROFILE));
        assert!(!has_profile("# [profile.dist]\n[profile.dist.package.x]\n", PROFILE));
    }
}
