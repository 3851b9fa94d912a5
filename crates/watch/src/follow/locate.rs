//! Finding a file again that has lost its name.

use std::fs::{self, File};
use std::io::Read as _;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

use crate::source::{Age, Encoding, age_of, open, rotated_set};

use super::file::{FollowedFile, head_of, id_of};
use super::saved::{HEAD, SavedFile};
use super::{FileId, GRACE_MS, SourceId};

/// A fingerprint of fewer bytes than this finds no copy: too many files begin alike.
pub(super) const ENOUGH: usize = 16;

/// A file that was found again.
pub(super) struct Found {
    pub(super) path: PathBuf,
    pub(super) file: FollowedFile,
    /// How it is called among its set.
    pub(super) age: Age,
}

/// Finds the file of a saved position: `path` itself or one of its rotated set. By its inode first, then by its first
/// bytes alone, which a copy has, and a compressed copy, too.
pub(super) fn saved(source: SourceId, path: &Path, saved: &SavedFile) -> Option<Found> {
    let set = set_of(path);
    let regular = |file: &&PathBuf| fs::metadata(file).is_ok_and(|found| found.is_file());
    let same_inode = set.iter().filter(regular).find_map(|file| {
        let same = fs::metadata(file).is_ok_and(|found| saved.has_inode_of(&found));
        if same { either(source, path, file, saved) } else { None }
    });
    same_inode.or_else(|| copy(source, path, saved, true))
}

/// Finds a copy of a file by its first bytes; `path` itself is not asked unless `itself`.
pub(super) fn copy(source: SourceId, path: &Path, saved: &SavedFile, itself: bool) -> Option<Found> {
    if saved.head() < ENOUGH {
        return None;
    }
    let mut set = set_of(path);
    set.retain(|file| itself || file != path);
    // The newest is the likeliest.
    set.iter()
        .rev()
        .filter(|file| fs::metadata(file).is_ok_and(|found| found.is_file()))
        .find_map(|file| either(source, path, file, saved))
}

/// The files that came between one and another (`None`: and now) in the rotated set of `path`, oldest first: what was
/// rotated away between two looks. Only files that were
/// written to after `since` (seconds since 1970) count: there are sets whose greatest number is the newest.
pub(super) fn between(path: &Path, old: Age, newest: Option<FileId>, since: i64) -> Vec<PathBuf> {
    // The old file may have been written to for a while after it had lost its name.
    let since = since.saturating_sub_unsigned(GRACE_MS / 1_000);
    let set = set_of(path);
    let is_newest = |file: &PathBuf| fs::metadata(file).is_ok_and(|found| Some(id_of(&found)) == newest);
    let end = set.iter().position(is_newest).unwrap_or(set.len());
    let mut between: Vec<PathBuf> = set.into_iter().take(end).collect();
    between.retain(|file| {
        file != path
            && age_of(file).1 > old
            && fs::metadata(file).is_ok_and(|found| found.is_file() && found.mtime() >= since)
    });
    // While one is being compressed it is there twice.
    between.dedup_by_key(|file| age_of(file).1);
    between
}

/// The age of a file of the set, by its inode.
pub(super) fn age_of_file(path: &Path, wanted: FileId) -> Option<Age> {
    let set = set_of(path);
    let found = set.iter().find(|file| fs::metadata(file).is_ok_and(|found| id_of(&found) == wanted))?;
    Some(age(path, found))
}

/// Whether two files of which these are the first bytes hold the same, as far as can be told.
pub(super) fn alike(one: &[u8], other: &[u8]) -> bool {
    let both = one.len().min(other.len());
    both >= ENOUGH && one.get(..both) == other.get(..both)
}

/// The set with `path` as its newest; `path` alone where its folder cannot be read.
fn set_of(path: &Path) -> Vec<PathBuf> {
    let mut set = rotated_set(path).unwrap_or_default();
    set.retain(|file| file != path);
    set.push(path.to_path_buf());
    set
}

fn age(path: &Path, file: &Path) -> Age {
    if file == path { Age::Current } else { age_of(file).1 }
}

fn either(source: SourceId, path: &Path, file: &Path, saved: &SavedFile) -> Option<Found> {
    plain(source, path, file, saved).or_else(|| packed(source, path, file, saved))
}

fn plain(source: SourceId, path: &Path, file: &Path, saved: &SavedFile) -> Option<Found> {
    let opened = File::open(file).ok()?;
    let long_enough = opened.metadata().ok()?.len() >= saved.offset;
    let head = head_of(&opened, HEAD).ok()?;
    if !long_enough || !saved.begins_with(&head) || Encoding::of(&head) != Encoding::Plain {
        return None;
    }
    let followed = FollowedFile::growing(source, opened, saved.offset).ok()?;
    Some(Found { path: file.to_path_buf(), file: followed, age: age(path, file) })
}

fn packed(source: SourceId, path: &Path, file: &Path, saved: &SavedFile) -> Option<Found> {
    let found = fs::metadata(file).ok()?;
    let head = packed_head(file, saved.head())?;
    if !saved.begins_with(&head) {
        return None;
    }
    let followed = FollowedFile::packed(source, &found, open(file).ok()?, saved.offset, head);
    Some(Found { path: file.to_path_buf(), file: followed, age: age(path, file) })
}

/// The first bytes of what a compressed file holds; `None` where it is not compressed or cannot be read.
pub(super) fn packed_head(file: &Path, most: usize) -> Option<Vec<u8>> {
    let opened = open(file).ok().filter(|opened| opened.encoding() != Encoding::Plain)?;
    let mut head = Vec::new();
    opened.into_input().take(most as u64).read_to_end(&mut head).ok()?;
    Some(head)
}
