//! Positions on disk.
//!
//! A JSON document, written whole to a file beside it that then takes its name, so that a reader sees the old one or
//! the new one and never half of one.

use std::ffi::OsStr;
use std::fs::{self, File, Metadata};
use std::io::{self, ErrorKind, Read as _, Write as _};
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use serde::{Deserialize, Serialize};

use super::FileId;

/// What the document calls itself; the number grows when its meaning changes.
const SCHEMA: &str = "ratewarden.positions/1";
/// A document is at most so long, in bytes.
const MAX_DOCUMENT: u64 = 16 * 1024 * 1024;
/// Of a file's first bytes so many make its fingerprint.
pub(super) const HEAD: usize = 1024;

/// Where reading stood in every followed path.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Saved {
    paths: Vec<(PathBuf, Vec<SavedFile>)>,
}

/// Where reading stood in one file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SavedFile {
    /// Its file system's number. It may change when a machine starts again, so it alone decides nothing.
    device: u64,
    inode: u64,
    /// When it was made, in nanoseconds since 1970, where the file system knows: inodes are used again.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    born: Option<u64>,
    /// The beginning of the first line that was not handed out.
    pub offset: u64,
    /// How many first bytes the fingerprint is of, at most 1 024.
    head: u64,
    /// FNV-1a of them, 64 bits.
    fingerprint: u64,
}

impl SavedFile {
    pub(super) fn new(file: FileId, born: Option<u64>, offset: u64, head: &[u8]) -> Self {
        let FileId { device, inode } = file;
        Self { device, inode, born, offset, head: head.len() as u64, fingerprint: fingerprint(head) }
    }

    pub(super) const fn file(&self) -> FileId {
        FileId { device: self.device, inode: self.inode }
    }

    /// Whether a file has its inode, and not only because that was used again.
    pub(super) fn has_inode_of(&self, found: &Metadata) -> bool {
        let born = self.born.zip(born(found)).is_none_or(|(then, now)| then == now);
        found.ino() == self.inode && born
    }

    /// How many first bytes the fingerprint is of.
    pub(super) fn head(&self) -> usize {
        usize::try_from(self.head).unwrap_or(usize::MAX).min(HEAD)
    }

    /// Whether a file that begins with `head` can be the one.
    pub(super) fn begins_with(&self, head: &[u8]) -> bool {
        head.get(..self.head()).is_some_and(|head| fingerprint(head) == self.fingerprint)
    }
}

/// What a document on disk turned out to be.
#[derive(Debug)]
pub enum Loaded {
    /// There is none yet.
    Nothing,
    /// It holds positions.
    Saved(Saved),
    /// It holds something else; why, to be said to the user. Reading begins anew.
    Unusable(String),
}

impl Saved {
    /// Reads the document at `path`. What it cannot be read for is told and not an error, since reading must go on.
    #[must_use]
    pub fn load(path: &Path) -> Loaded {
        let read = || -> io::Result<Vec<u8>> {
            let mut bytes = Vec::new();
            File::open(path)?.take(MAX_DOCUMENT + 1).read_to_end(&mut bytes)?;
            Ok(bytes)
        };
        let unusable = |why: String| Loaded::Unusable(format!("{}: {why}", path.display()));
        match read() {
            Err(error) if error.kind() == ErrorKind::NotFound => Loaded::Nothing,
            Err(error) => unusable(error.to_string()),
            Ok(bytes) => match Self::parse(&bytes) {
                Ok(saved) => Loaded::Saved(saved),
                Err(why) => unusable(why),
            },
        }
    }

    /// Reads a document.
    ///
    /// # Errors
    /// What is wrong with it: it is torn, of another version, or no such document.
    pub fn parse(bytes: &[u8]) -> Result<Self, String> {
        if bytes.len() as u64 > MAX_DOCUMENT {
            return Err(format!("it is longer than {MAX_DOCUMENT} bytes"));
        }
        let version: Version = serde_json::from_slice(bytes)
            .map_err(|error| format!("it is no document of positions, or torn ({error})"))?;
        if version.schema != SCHEMA {
            return Err(format!("it is of the version `{}`, and `{SCHEMA}` is wanted", version.schema));
        }
        let document: Document = serde_json::from_slice(bytes).map_err(|error| error.to_string())?;
        let paths = document.paths.into_iter().map(|entry| (entry.path.into(), entry.files)).collect();
        Ok(Self { paths })
    }

    /// Writes the document to `path`: to `path` with `.new` after it first, then synchronised, then renamed.
    ///
    /// # Errors
    /// What the system says; what stood there before is then still there.
    pub fn write(&self, path: &Path) -> io::Result<()> {
        write_document(path, &self.document()?)
    }

    /// The document as [`Self::parse`] reads it.
    pub(super) fn document(&self) -> io::Result<Vec<u8>> {
        let entries = self
            .paths
            .iter()
            .map(|(path, files)| Entry { path: path.as_path().into(), files: files.clone() });
        let document = Document { schema: SCHEMA.to_owned(), paths: entries.collect() };
        let mut bytes = serde_json::to_vec_pretty(&document)?;
        bytes.push(b'\n');
        Ok(bytes)
    }

    /// The files of a path, oldest first.
    #[must_use]
    pub fn of(&self, path: &Path) -> Option<&[SavedFile]> {
        self.paths.iter().find(|(known, _)| known == path).map(|(_, files)| files.as_slice())
    }

    pub(super) fn set(&mut self, path: &Path, files: Vec<SavedFile>) {
        if !files.is_empty() {
            self.paths.push((path.to_path_buf(), files));
        }
    }
}

/// Writes a document of a folder of states to `path`: to `path` with `.new` after it first, then synchronised, then renamed.
///
/// # Errors
/// What the system says; what stood there before is then still there.
pub fn write_document(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let mut name = path.as_os_str().to_owned();
    name.push(".new");
    let beside = PathBuf::from(name);
    let mut file = File::create(&beside)?;
    file.write_all(bytes)?;
    file.sync_all()?;
    drop(file);
    fs::rename(&beside, path)?;
    // The name is safe once its folder is.
    let folder = path.parent().filter(|folder| *folder != Path::new("")).unwrap_or(Path::new("."));
    File::open(folder)?.sync_all()
}

/// When a file was made, in nanoseconds since 1970, where its file system knows.
pub(super) fn born(found: &Metadata) -> Option<u64> {
    let since = found.created().ok()?.duration_since(SystemTime::UNIX_EPOCH).ok()?;
    u64::try_from(since.as_nanos()).ok()
}

/// FNV-1a, 64 bits (Fowler, Noll and Vo). It tells files apart that nobody made to look alike.
pub(super) fn fingerprint(bytes: &[u8]) -> u64 {
    bytes.iter().fold(0xcbf2_9ce4_8422_2325, |hash, &byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3)
    })
}

#[derive(Deserialize)]
struct Version {
    schema: String,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Document {
    schema: String,
    paths: Vec<Entry>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Entry {
    path: Name,
    files: Vec<SavedFile>,
}

/// A path: text where it is UTF-8, else bytes.
#[derive(Serialize, Deserialize)]
#[serde(untagged)]
enum Name {
    Text(String),
    Bytes(Vec<u8>),
}

impl From<&Path> for Name {
    fn from(path: &Path) -> Self {
        path.to_str().map_or_else(
            || Self::Bytes(path.as_os_str().as_bytes().to_vec()),
            |text| Self::Text(text.to_owned()),
        )
    }
}

impl From<Name> for PathBuf {
    fn from(name: Name) -> Self {
        match name {
            Name::Text(text) => text.into(),
            Name::Bytes(bytes) => OsStr::from_bytes(&bytes).into(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sample() -> Saved {
        let file = SavedFile::new(FileId { device: 1, inode: u64::MAX }, Some(7), 77, b"head");
        let mut saved = Saved::default();
        saved.set(Path::new("/a/ü.log"), vec![file, SavedFile { offset: 0, born: None, ..file }]);
        saved.set(Path::new(OsStr::from_bytes(b"/b/\xff.log")), vec![file]);
        saved
    }

    #[test]
    fn what_is_written_is_read_back() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("positions.json");
        assert!(matches!(Saved::load(&path), Loaded::Nothing));
        sample().write(&path).unwrap();
        sample().write(&path).unwrap();
        assert!(matches!(Saved::load(&path), Loaded::Saved(found) if found == sample()));
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1, "nothing is left beside it");
    }

    #[test]
    fn a_torn_document_and_one_of_another_version_are_told() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("positions.json");
        sample().write(&path).unwrap();
        let whole = fs::read(&path).unwrap();
        for keep in 0..whole.len() - 2 {
            assert!(Saved::parse(&whole[..keep]).is_err(), "cut at {keep}");
        }
        let other = br#"{"schema":"ratewarden.positions/9","anything":1}"#;
        assert!(Saved::parse(other).unwrap_err().contains("positions/9"));
        fs::write(&path, b"{").unwrap();
        assert!(matches!(Saved::load(&path), Loaded::Unusable(why) if why.contains("positions.json")));
        assert!(matches!(Saved::load(folder.path()), Loaded::Unusable(_)));
    }

    #[test]
    fn a_fingerprint_is_that_of_its_published_vectors() {
        // From the test vectors of its authors.
        assert_eq!(fingerprint(b""), 0xcbf2_9ce4_8422_2325);
        assert_eq!(fingerprint(b"a"), 0xaf63_dc4c_8601_ec8c);
        assert_eq!(fingerprint(b"foobar"), 0x8594_4171_f739_67e8);
    }
}
