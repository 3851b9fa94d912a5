//! Followers of files that are written to, and rotated, beside them.

mod one;
mod rotations;

use std::fs::File;
use std::path::Path;

/// A file as a server has it: made where it is not there, and added to.
fn open(path: &Path) -> File {
    File::options().create(true).append(true).open(path).unwrap()
}
