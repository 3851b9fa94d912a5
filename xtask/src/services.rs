//! `cargo xtask services`: installs the servers that tests start.
//!
//! Debian's packages where a program is missing, and below `target/services` a Python environment and a folder of
//! Node modules, both with exact versions. Run again it does nothing, unless the versions have changed.
//! Containers were rejected: they need a daemon that many machines, and most CI runners of ours, do not have.

use std::fs;
use std::net::{Ipv4Addr, SocketAddr, TcpStream};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use anyhow::{Context as _, Result, bail};
use ratewarden_testkit::services as wanted;

use crate::run;

/// Programs that tests or checks start, and Debian's package of each.
const PROGRAMS: [(&str, &str); 10] = [
    ("nginx", "nginx"),
    ("haproxy", "haproxy"),
    ("caddy", "caddy"),
    ("wrk", "wrk"),
    ("jq", "jq"),
    ("curl", "curl"),
    ("openssl", "openssl"),
    ("node", "nodejs"),
    ("npm", "npm"),
    ("python3", "python3"),
];

/// Installs whatever is missing.
pub(crate) fn install() -> Result<()> {
    programs(&PROGRAMS)?;
    python()?;
    node()?;
    match wanted::installed() {
        Ok(_) => Ok(()),
        Err(missing) => bail!(
            "after the installation this is still missing: {}\nhint: remove {} and run `cargo xtask services` again",
            missing.what.join(", "),
            wanted::root().display()
        ),
    }
}

/// Installs Debian's package of each of these programs that is missing; with `python3` also what environments need.
pub(crate) fn programs(programs: &[(&str, &'static str)]) -> Result<()> {
    let mut packages: Vec<&str> = programs
        .iter()
        .filter(|(program, _)| wanted::find_program(program).is_none())
        .map(|&(_, package)| package)
        .collect();
    let needs_python = programs.iter().any(|(program, _)| *program == "python3");
    if needs_python && !run::succeeds(Command::new("python3").args(["-c", "import ensurepip, venv"])) {
        packages.push("python3-venv");
    }
    if packages.is_empty() {
        return Ok(());
    }
    let line = format!("sudo apt-get update && sudo apt-get install -y {}", packages.join(" "));
    if wanted::find_program("apt-get").is_none() {
        bail!(
            "these programs are missing: {}\nhint: install them with this system's package manager; \
             on Debian it is `{line}`",
            packages.join(", ")
        );
    }
    let is_root = run::output(Command::new("id").arg("-u"))?.trim() == "0";
    if !is_root {
        bail!("only root may install {}\nhint: run `{line}`", packages.join(", "));
    }
    run::hinted(apt_install(&packages), &format!("run `{line}` and see what it says"))
}

/// Installs without letting a package start its daemon: a test must never find a server on port 80 that it did
/// not start.
fn apt_install(packages: &[&str]) -> Result<()> {
    let taken_before = port_80_answers();
    let no_daemons = NoDaemons::begin()?;
    let mut update = apt("update");
    run::checked(update.arg("-q"))?;
    let mut install = apt("install");
    run::checked(install.args(["-q", "-y", "--no-install-recommends"]).args(packages))?;
    drop(no_daemons);
    if !taken_before && port_80_answers() {
        for service in ["nginx", "haproxy", "caddy"] {
            // One of them may not be there; what counts is the question afterwards.
            run::succeeds(Command::new("service").args([service, "stop"]));
        }
        if port_80_answers() {
            bail!("a package has started a server on port 80\nhint: run `service nginx stop`");
        }
    }
    Ok(())
}

fn apt(verb: &str) -> Command {
    let mut command = Command::new("apt-get");
    command.arg(verb).env("DEBIAN_FRONTEND", "noninteractive");
    command
}

fn port_80_answers() -> bool {
    let address = SocketAddr::from((Ipv4Addr::LOCALHOST, 80));
    TcpStream::connect_timeout(&address, Duration::from_millis(500)).is_ok()
}

/// Debian's way to say that packages shall not start daemons, for as long as this lives. One that the machine
/// already has stays as it is.
struct NoDaemons {
    ours: Option<&'static Path>,
}

impl NoDaemons {
    fn begin() -> Result<Self> {
        let file = Path::new("/usr/sbin/policy-rc.d");
        if file.exists() {
            return Ok(Self { ours: None });
        }
        fs::write(file, "#!/bin/sh\nexit 101\n").context("could not write /usr/sbin/policy-rc.d")?;
        let guard = Self { ours: Some(file) };
        run::checked(Command::new("chmod").arg("755").arg(file))?;
        Ok(guard)
    }
}

impl Drop for NoDaemons {
    fn drop(&mut self) {
        if let Some(file) = self.ours {
            let _ = fs::remove_file(file);
        }
    }
}

fn python() -> Result<()> {
    let folder = wanted::python_environment();
    let stamp = Stamp::of(&folder, wanted::PYTHON_REQUIREMENTS);
    let interpreter = folder.join("bin/python");
    // The interpreter is a link to the machine's own, which may have gone since.
    if stamp.holds() && run::succeeds(Command::new(&interpreter).arg("--version")) {
        return Ok(());
    }
    clear(&folder)?;
    let requirements = folder.join("requirements.txt");
    fs::write(&requirements, wanted::PYTHON_REQUIREMENTS).context("could not write requirements.txt")?;
    let mut venv = Command::new("python3");
    venv.args(["-m", "venv"]).arg(&folder);
    run::hinted(run::checked(&mut venv), "run `sudo apt-get install -y python3-venv`")?;
    let mut pip = Command::new(&interpreter);
    pip.args(["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--requirement"]);
    let hint = "see what pip said above; it must reach a Python package index";
    run::hinted(run::checked(pip.arg(&requirements)), hint)?;
    stamp.set()
}

fn node() -> Result<()> {
    let folder = wanted::node_folder();
    let stamp = Stamp::of(&folder, &format!("{}{}", wanted::NODE_PACKAGE, wanted::NODE_LOCK));
    if stamp.holds() {
        return Ok(());
    }
    clear(&folder)?;
    fs::write(folder.join("package.json"), wanted::NODE_PACKAGE).context("could not write package.json")?;
    fs::write(folder.join("package-lock.json"), wanted::NODE_LOCK)
        .context("could not write package-lock.json")?;
    let mut npm = Command::new("npm");
    npm.args(["ci", "--no-audit", "--no-fund", "--ignore-scripts", "--loglevel=error"]).current_dir(&folder);
    run::hinted(run::checked(&mut npm), "see what npm said above; it must reach an npm package index")?;
    stamp.set()
}

/// Empties a folder, so that nothing of older versions stays.
fn clear(folder: &Path) -> Result<()> {
    if folder.exists() {
        fs::remove_dir_all(folder).with_context(|| format!("could not empty {}", folder.display()))?;
    }
    fs::create_dir_all(folder).with_context(|| format!("could not make {}", folder.display()))
}

/// A file that says for which requirements a folder was filled. It holds their text, so there is no hash to
/// explain.
struct Stamp {
    file: PathBuf,
    text: String,
}

impl Stamp {
    fn of(folder: &Path, requirements: &str) -> Self {
        // The folder is part of it: a Python environment does not survive being moved.
        Self { file: folder.join("stamp"), text: format!("{}\n{requirements}", folder.display()) }
    }

    fn holds(&self) -> bool {
        fs::read_to_string(&self.file).is_ok_and(|found| found == self.text)
    }

    fn set(&self) -> Result<()> {
        fs::write(&self.file, &self.text).with_context(|| format!("could not write {}", self.file.display()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stamp_holds_only_for_the_same_requirements_in_the_same_folder() {
        let folder = std::env::temp_dir().join(format!("ratewarden-xtask-stamp-{}", std::process::id()));
        clear(&folder).unwrap();
        let stamp = Stamp::of(&folder, "flask==1");
        assert!(!stamp.holds());
        stamp.set().unwrap();
        assert!(stamp.holds());
        assert!(!Stamp::of(&folder, "flask==2").holds());
        clear(&folder).unwrap();
        assert!(!stamp.holds());
        fs::remove_dir_all(&folder).unwrap();
    }
}
