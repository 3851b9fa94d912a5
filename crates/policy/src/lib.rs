//! `ratewarden.toml`: parse, validate, build.
//!
//! Three types, one after the other: TOML with places, the file (every key known, every value of its form), and
//! [`Policy`] (what the values say together holds, every default filled in). Reading goes on after a mistake, so
//! all of them are told at once, each with line, column, key, what was found, what was expected and, where it can
//! be guessed, what was meant.
//!
//! Tier 0: nothing here opens a file or a socket. Who has the text calls [`read`]; files that the policy names are
//! seen by whoever reads them.

mod build;
pub mod condition;

mod file;
mod form;
mod network;
mod notes;
mod policy;
mod reference;
mod remark;
mod schema;
mod suggestion;
mod table;
mod template;
mod words;
pub mod write;

use std::path::Path;

use toml::de::DeTable;

pub use network::{InvalidNetwork, Network};
pub use policy::*;
pub use reference::reference;
pub use remark::{MAX_REMARKS, Mistakes, Remark, Shown};
pub use schema::schema;
pub use template::{InvalidTemplate, MAX_PARAMETERS, MAX_TEMPLATE_BYTES, PathTemplate};

use crate::build::Builder;
use crate::file::File;
use crate::notes::{Notes, Place};

/// Bytes a policy file may have.
pub const MAX_FILE_BYTES: usize = 1 << 20;

/// Every table and key there is, with comments: what a new policy can be cut from.
pub const EXAMPLE: &str = include_str!("../assets/example.toml");

const QUOTES: &str = "a string has quotes, such as \"10s\" or \"127.0.0.1:8080\"";

/// A policy, and what is allowed in it but most likely not meant.
#[derive(Debug, Clone, PartialEq)]
pub struct Read {
    /// The policy.
    pub policy: Policy,
    /// Warnings, in the order of the file.
    pub warnings: Vec<Remark>,
}

/// Reads the text of the policy `file`; file names in it are taken relative to the folder of `file`, so they are
/// absolute when `file` is.
///
/// # Errors
/// With every mistake. Mistakes of TOML's own syntax stand alone: what follows from them would only confuse.
pub fn read(text: &str, file: &Path) -> Result<Read, Mistakes> {
    read_for(text, file, false)
}

/// Reads the text of a gateway's policy, as [`read`] does: a file that is for watching only is a mistake.
///
/// # Errors
/// With every mistake, a missing `[listen]` or `[upstream]` among them.
pub fn read_gateway(text: &str, file: &Path) -> Result<(Gateway, Read), Mistakes> {
    let read = read_for(text, file, true)?;
    match read.policy.gateway.clone() {
        Some(gateway) => Ok((gateway, read)),
        // It would have been a mistake.
        None => Err(Mistakes::new(file, Vec::new(), 0)),
    }
}

fn read_for(text: &str, file: &Path, needs_gateway: bool) -> Result<Read, Mistakes> {
    let mut notes = Notes::default();
    let policy = understand(text, file, needs_gateway, &mut notes);
    match policy {
        Some(policy) if notes.is_clean() => Ok(Read { policy, warnings: notes.warnings(text) }),
        _ => Err(notes.into_mistakes(text, file)),
    }
}

fn understand(text: &str, file: &Path, needs_gateway: bool, notes: &mut Notes) -> Option<Policy> {
    if text.len() > MAX_FILE_BYTES {
        let message = format!("the file has {} bytes, expected at most {MAX_FILE_BYTES}", text.len());
        notes.mistake(&(0..0), &Place::Root, message);
        return None;
    }
    let (document, faults) = DeTable::parse_recoverable(text);
    for fault in &faults {
        let at = fault.span().filter(|span| *span != (0..0)).unwrap_or(0..1);
        // "Expected nothing" and "literal string" are the parser's own words for "put it in quotes".
        let (message, hint) = match fault.message().split_once(", expected ") {
            Some((_, "literal string")) if at.is_empty() => ("a value is missing", None),
            Some((message, "nothing" | "literal string")) => (message, Some(QUOTES.to_owned())),
            _ => (fault.message(), None),
        };
        notes.mistake(&at, &Place::Root, message).hint_if(hint);
    }
    if !faults.is_empty() {
        return None;
    }
    let read: File = table::read_table(document.get_ref(), 0..0, &Place::Root, notes);
    let folder = file.parent().unwrap_or_else(|| Path::new(""));
    Builder { folder, text, notes, needs_gateway }.policy(&read)
}
