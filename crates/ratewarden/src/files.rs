//! Files written whole or not at all, and a look beforehand whether they can be written.
//!
//! A scan takes its time and costs the target something: that a report has nowhere to go must come out before the
//! first request. Files are written beside their place and renamed into it, so that a reader never sees half of one,
//! and an interrupted run leaves what was there before.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

/// A file still beside its place; gone when dropped before it is renamed.
struct Beside {
    path: PathBuf,
    file: File,
    renamed: bool,
}

impl Beside {
    fn create(target: &Path) -> io::Result<Self> {
        let name = target.file_name().ok_or_else(|| io::Error::from(io::ErrorKind::InvalidFilename))?;
        let mut beside = std::ffi::OsString::from(".");
        beside.push(name);
        beside.push(format!(".{}.tmp", std::process::id()));
        let path = target.with_file_name(beside);
        let file = OpenOptions::new().write(true).create_new(true).open(&path)?;
        Ok(Self { path, file, renamed: false })
    }

    fn replace(mut self, target: &Path) -> io::Result<()> {
        self.file.sync_all()?;
        fs::rename(&self.path, target)?;
        self.renamed = true;
        Ok(())
    }
}

impl Drop for Beside {
    fn drop(&mut self) {
        if !self.renamed {
            // What cannot be removed stays; its name says what it is.
            let _ = fs::remove_file(&self.path);
        }
    }
}

/// Says why a file could not be written, without leaving a trace.
///
/// # Errors
/// When the folder is missing or takes no new files, or when the place is a folder or a file that may not be changed.
pub(crate) fn check_writable(path: &Path) -> io::Result<()> {
    let target = resolved(path);
    match fs::metadata(&target) {
        Ok(metadata) if metadata.is_dir() => Err(io::Error::from(io::ErrorKind::IsADirectory)),
        Ok(metadata) if metadata.permissions().readonly() => {
            Err(io::Error::from(io::ErrorKind::PermissionDenied))
        }
        Ok(metadata) if !metadata.is_file() => OpenOptions::new().write(true).open(&target).map(drop),
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Beside::create(&target).map(drop),
    }
}

/// Puts `content` in the place of the file, in one step.
///
/// # Errors
/// As the system says; the file is then what it was before.
pub(crate) fn write(path: &Path, content: &[u8]) -> io::Result<()> {
    let target = resolved(path);
    let old = fs::metadata(&target).ok();
    // A pipe or a device cannot be replaced, only written to.
    if old.as_ref().is_some_and(|old| !old.is_file()) {
        return OpenOptions::new().write(true).open(&target)?.write_all(content);
    }
    let mut beside = Beside::create(&target)?;
    beside.file.write_all(content)?;
    if let Some(old) = old {
        beside.file.set_permissions(old.permissions())?;
    }
    beside.replace(&target)
}

/// Changes a file that not everybody may read, in one step: `change` says what its content is to be. A new one is its
/// owner's alone (0600); one that was there keeps its owner and its group, and loses what others may do. Of several
/// programs that change the files of a folder, one waits for the other.
///
/// # Errors
/// As the system says, or `change`; the file is then what it was before.
#[cfg(unix)]
pub(crate) fn change_private<E: From<io::Error>>(
    path: &Path,
    change: impl FnOnce() -> Result<String, E>,
) -> Result<(), E> {
    use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
    let target = resolved(path);
    let folder = target.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let folder = File::open(folder)?;
    // Held until it is dropped. A file of locks beside the keys would stay when a program is killed.
    match folder.lock() {
        // A file system without locks is no reason to refuse.
        Err(error) if error.kind() == io::ErrorKind::Unsupported => {}
        locked => locked?,
    }
    let content = change()?;
    let mut beside = Beside::create(&target)?;
    let (mode, owner) = match fs::metadata(&target) {
        Ok(old) => (old.mode() & 0o770, Some((old.uid(), old.gid()))),
        Err(error) if error.kind() == io::ErrorKind::NotFound => (0o600, None),
        Err(error) => return Err(error.into()),
    };
    beside.file.set_permissions(fs::Permissions::from_mode(0o600))?;
    if let Some((user, group)) = owner {
        let new = beside.file.metadata()?;
        if (new.uid(), new.gid()) != (user, group) {
            std::os::unix::fs::fchown(&beside.file, Some(user), Some(group))?;
        }
    }
    beside.file.set_permissions(fs::Permissions::from_mode(mode))?;
    beside.file.write_all(content.as_bytes())?;
    Ok(beside.replace(&target)?)
}

/// Where a path leads: what a link points to is replaced, not the link.
pub(crate) fn resolved(path: &Path) -> PathBuf {
    if let Ok(real) = fs::canonicalize(path) {
        return real;
    }
    let parent = path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
    match (fs::canonicalize(parent), path.file_name()) {
        (Ok(parent), Some(name)) => parent.join(name),
        _ => path.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_replaced_whole_and_nothing_is_left_beside_it() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("report.json");
        check_writable(&path).unwrap();
        assert!(!path.exists());
        write(&path, b"one").unwrap();
        write(&path, b"two").unwrap();
        assert_eq!(fs::read(&path).unwrap(), b"two");
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 1);
    }

    #[test]
    fn a_place_that_cannot_take_a_file_is_known_beforehand() {
        let dir = tempfile::tempdir().unwrap();
        assert!(check_writable(dir.path()).is_err());
        assert!(check_writable(&dir.path().join("missing/report.json")).is_err());
        let fixed = dir.path().join("fixed.json");
        fs::write(&fixed, "").unwrap();
        let mut permissions = fs::metadata(&fixed).unwrap().permissions();
        permissions.set_readonly(true);
        fs::set_permissions(&fixed, permissions).unwrap();
        assert!(check_writable(&fixed).is_err());
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 1);
    }

    #[cfg(unix)]
    #[test]
    fn a_link_stays_a_link() {
        let dir = tempfile::tempdir().unwrap();
        let (real, link) = (dir.path().join("real.json"), dir.path().join("link.json"));
        fs::write(&real, "old").unwrap();
        std::os::unix::fs::symlink(&real, &link).unwrap();
        write(&link, b"new").unwrap();
        assert!(fs::symlink_metadata(&link).unwrap().is_symlink());
        assert_eq!(fs::read(&real).unwrap(), b"new");
    }
}
