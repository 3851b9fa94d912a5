//! Where the programs that tests start are installed, and what to do when they are not.
//!
//! `cargo xtask services` installs them: Debian's packages, and below `target/services` a Python environment
//! and a folder of Node modules. Two habits meet here. `cargo test` must pass on a machine that has nothing but
//! Rust; what CI runs must never pass because something was missing. [`require`] keeps both: it lets a test
//! return early unless [`REQUIRED_VARIABLE`] says that everything must be there.

use std::ffi::OsStr;
use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

/// Set to [`REQUIRED`] by `cargo xtask test`: a missing server then fails the test that needs it.
pub const REQUIRED_VARIABLE: &str = "RATEWARDEN_SERVICES";
/// The value of [`REQUIRED_VARIABLE`] that makes a missing server a failure.
pub const REQUIRED: &str = "required";

/// Exact versions for pip.
pub const PYTHON_REQUIREMENTS: &str = include_str!("../python/requirements.txt");
/// What npm installs.
pub const NODE_PACKAGE: &str = include_str!("../node/package.json");
/// Exact versions for npm, with their hashes.
pub const NODE_LOCK: &str = include_str!("../node/package-lock.json");

/// The programs, each found on this machine.
#[derive(Debug, Clone)]
pub struct Services {
    pub(crate) nginx: PathBuf,
    pub(crate) haproxy: PathBuf,
    pub(crate) caddy: PathBuf,
    pub(crate) envoy: PathBuf,
    pub(crate) node: PathBuf,
    pub(crate) node_modules: PathBuf,
    pub(crate) python: PathBuf,
    countries: PathBuf,
}

impl Services {
    /// A file that says in which country an address is, in MaxMind's format: the assignments that the regional
    /// registries publish (by the NRO, CC BY 4.0), as of June 2026.
    #[must_use]
    pub fn countries(&self) -> &Path {
        &self.countries
    }
}

impl Services {
    /// The interpreter of the Python environment, for programs that documentation shows.
    #[must_use]
    pub fn python(&self) -> &Path {
        &self.python
    }
}

/// Programs that are not installed, and the command that installs them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Missing {
    /// What is not there, each with where it was looked for.
    pub what: Vec<String>,
}

impl fmt::Display for Missing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "servers for tests are missing: {}\nhint: run `cargo xtask services`", self.what.join(", "))
    }
}

impl std::error::Error for Missing {}

/// The folder that holds what pip and npm install: `target/services`.
#[must_use]
pub fn root() -> PathBuf {
    root_below(std::env::var_os("CARGO_TARGET_DIR").as_deref(), Path::new(env!("CARGO_MANIFEST_DIR")))
}

fn root_below(target: Option<&OsStr>, manifest: &Path) -> PathBuf {
    let workspace = manifest.ancestors().nth(2).unwrap_or(manifest);
    let target = target.filter(|folder| !folder.is_empty()).map_or_else(|| Path::new("target"), Path::new);
    // An absolute target stays as it is; a relative one is relative to where cargo was started, which by habit is
    // the workspace.
    workspace.join(target).join("services")
}

/// The Python environment.
#[must_use]
pub fn python_environment() -> PathBuf {
    root().join("venv")
}

/// The folder whose `node_modules` npm fills.
#[must_use]
pub fn node_folder() -> PathBuf {
    root().join("node")
}

/// Finds a program in PATH or where Debian keeps servers (which is not in everybody's PATH).
#[must_use]
pub fn find_program(name: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let system = ["/usr/local/sbin", "/usr/sbin", "/usr/local/bin", "/usr/bin"];
    std::env::split_paths(&path)
        .chain(system.iter().map(PathBuf::from))
        .map(|folder| folder.join(name))
        .find(|file| file.is_file())
}

/// All programs, or what is missing of them.
///
/// # Errors
/// [`Missing`] names everything that is not there, at once.
pub fn installed() -> Result<Services, Missing> {
    let mut what = Vec::new();
    let program = |name: &str| {
        find_program(name).unwrap_or_else(|| {
            what.push(format!("{name} (not in PATH)"));
            PathBuf::new()
        })
    };
    let [nginx, haproxy, caddy, node] = ["nginx", "haproxy", "caddy", "node"].map(program);
    let mut file = |path: PathBuf| {
        if !path.exists() {
            what.push(path.display().to_string());
        }
        path
    };
    let environment = python_environment().join("bin");
    let node_modules = node_folder().join("node_modules");
    let services = Services {
        envoy: file(environment.join("envoy")),
        python: file(environment.join("python")),
        countries: file(
            node_modules.join("@ip-location-db/geo-whois-asn-country-mmdb/geo-whois-asn-country.mmdb"),
        ),
        node_modules: file(node_modules.join("express-rate-limit")).with_file_name(""),
        nginx,
        haproxy,
        caddy,
        node,
    };
    if what.is_empty() { Ok(services) } else { Err(Missing { what }) }
}

/// The programs for a test that starts real servers. Begin such a test with
///
/// ```no_run
/// let Some(services) = ratewarden_testkit::require() else { return };
/// ```
///
/// Without them the test prints a line and returns; when `RATEWARDEN_SERVICES=required`, as in
/// `cargo xtask test`, it fails instead.
///
/// # Panics
/// When they are missing although they are required. That is the purpose: CI must not pass by skipping.
#[must_use]
#[expect(clippy::panic, reason = "a missing server must fail the test, and tests fail by panicking")]
pub fn require() -> Option<&'static Services> {
    static FOUND: OnceLock<Result<Services, Missing>> = OnceLock::new();
    match FOUND.get_or_init(installed) {
        Ok(services) => Some(services),
        Err(missing) if std::env::var_os(REQUIRED_VARIABLE).is_some_and(|value| value == REQUIRED) => {
            panic!("{missing}")
        }
        Err(missing) => {
            eprintln!("not run: {missing}");
            None
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_folder_follows_the_target_directory() {
        let manifest = Path::new("/w/crates/testkit");
        assert_eq!(root_below(None, manifest), Path::new("/w/target/services"));
        assert_eq!(root_below(Some(OsStr::new("")), manifest), Path::new("/w/target/services"));
        assert_eq!(root_below(Some(OsStr::new("out")), manifest), Path::new("/w/out/services"));
        assert_eq!(root_below(Some(OsStr::new("/t")), manifest), Path::new("/t/services"));
    }

    #[test]
    fn what_is_missing_is_named_with_the_command_to_run() {
        let text = Missing { what: vec!["nginx (not in PATH)".into(), "/t/venv".into()] }.to_string();
        assert!(text.contains("nginx (not in PATH), /t/venv") && text.contains("cargo xtask services"));
    }

    #[test]
    fn the_lock_names_no_download_address() {
        assert!(!NODE_LOCK.contains("\"resolved\""));
        assert!(PYTHON_REQUIREMENTS.lines().all(|line| line.split_once("==").is_some()));
    }
}
