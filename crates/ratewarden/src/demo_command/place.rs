//! Where the demo's files go: what the user names, and a folder of our own for the rest.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use ratewarden_model::ScanReport;
use ratewarden_report::{Format, Options};

use crate::errors::{Exit, Failure};
use crate::output::{self, ReportFile};

/// Where everything goes.
#[derive(Debug)]
pub(super) struct Place {
    /// `-o`: the report of the weak API alone.
    report: Option<ReportFile>,
    /// `--policy-out`.
    policy: Option<PathBuf>,
    /// Made when it is needed.
    folder: Option<PathBuf>,
}

impl Place {
    /// Refuses, before anything is started, what could not be written at the end.
    pub(super) fn choose(report: Option<PathBuf>, policy: Option<PathBuf>) -> Result<Self, Failure> {
        let report = report.map(ReportFile::new).transpose()?;
        let place = Self { report, policy, folder: None };
        for path in place.report.iter().map(|file| &file.path).chain(&place.policy) {
            output::check_writable(path)?;
        }
        if let Some(policy) = &place.policy {
            output::check_writable(&keys_beside(policy))?;
        }
        Ok(place)
    }

    /// The file of the policy, and the one of the keys beside it.
    pub(super) fn policy(&mut self) -> Result<(PathBuf, PathBuf), Failure> {
        let policy = match &self.policy {
            Some(path) => path.clone(),
            None => self.folder()?.join("ratewarden.toml"),
        };
        let keys = keys_beside(&policy);
        Ok((policy, keys))
    }

    /// Writes the reports and says where.
    pub(super) fn write(&mut self, before: &ScanReport, after: &ScanReport) -> Result<Vec<PathBuf>, Failure> {
        let write = |path: &Path, report: &ScanReport, format: Format| {
            let text = output::rendered(report, format, &Options::default())?;
            output::write_file(path, &text).map(|()| path.to_owned())
        };
        if let Some(file) = &self.report {
            return Ok(vec![write(&file.path, before, file.format)?]);
        }
        let folder = self.folder()?;
        let before = write(&folder.join("before.html"), before, Format::Html)?;
        Ok(vec![before, write(&folder.join("after.html"), after, Format::Html)?])
    }

    fn folder(&mut self) -> Result<PathBuf, Failure> {
        if let Some(folder) = &self.folder {
            return Ok(folder.clone());
        }
        let folder = new_folder().map_err(|error| {
            let hint = "say where files go with -o report.html and --policy-out ratewarden.toml";
            Failure::new(Exit::Usage, error, hint).context("cannot make a folder for the demo's files")
        })?;
        Ok(self.folder.insert(folder).clone())
    }
}

fn keys_beside(policy: &Path) -> PathBuf {
    policy.with_extension("keys")
}

/// A folder that nobody else has made: in a shared folder, an existing one may be a trap.
fn new_folder() -> io::Result<PathBuf> {
    let base = std::env::temp_dir();
    let mut last = io::Error::from(io::ErrorKind::AlreadyExists);
    for attempt in 0..100 {
        let folder = base.join(format!("ratewarden-demo-{}-{attempt}", std::process::id()));
        match fs::create_dir(&folder) {
            Ok(()) => return Ok(folder),
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => last = error,
            Err(error) => return Err(error),
        }
    }
    Err(last)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_demos_have_two_folders() {
        let (one, other) = (new_folder().unwrap(), new_folder().unwrap());
        assert_ne!(one, other);
        fs::remove_dir(one).unwrap();
        fs::remove_dir(other).unwrap();
    }

    #[test]
    fn a_policy_that_is_named_has_its_keys_beside_it() {
        let folder = tempfile::tempdir().unwrap();
        let mut place = Place::choose(None, Some(folder.path().join("p.toml"))).unwrap();
        assert_eq!(place.policy().unwrap().1, folder.path().join("p.keys"));
        assert!(Place::choose(None, Some(folder.path().join("missing/p.toml"))).is_err());
    }
}
