//! API keys: a file of hashes, and new keys.
//!
//! A key is 32 random bytes, so its SHA-256 cannot be turned round by guessing, and a slow password hash would buy
//! nothing but a way to keep the gateway busy. A key is looked up by its hash: how long that takes says something
//! about the hash, and a hash is of no use to who guesses keys.

use std::collections::{HashMap, HashSet};
use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use sha2::{Digest as _, Sha256};

/// Bytes of a file of keys.
const MAX_BYTES: u64 = 64 << 20;

/// What every key begins with, so that a secret scanner knows one.
const PREFIX: &str = "rw_";

/// Random bytes of a key.
const BYTES: usize = 32;

/// A key's owner.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Owner {
    /// Unique in its file; shown in logs.
    pub name: Arc<str>,
    /// The plan, if the file names one.
    pub plan: Option<Arc<str>>,
}

/// The hashed keys of a file.
#[derive(Debug, Clone, Default)]
pub struct Keys(HashMap<[u8; 32], Owner>);

/// What is wrong with a file of keys.
#[derive(Debug, thiserror::Error)]
pub enum KeysError {
    /// It cannot be read.
    #[error("cannot read the keys {}", path.display())]
    Read {
        /// Which.
        path: PathBuf,
        /// Why not.
        #[source]
        source: std::io::Error,
    },
    /// A line that is none.
    #[error("{}:{line}: {what}; a line is name:plan:hash, as `ratewarden key new` writes it", path.display())]
    Line {
        /// Which file.
        path: PathBuf,
        /// From 1.
        line: usize,
        /// What was found.
        what: String,
    },
}

/// A new key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewKey {
    /// What the caller gets; it is kept nowhere.
    pub key: String,
    /// What goes into the file of keys.
    pub line: String,
}

impl Keys {
    /// Reads the file at `path`.
    ///
    /// # Errors
    /// When it cannot be read, is over 64 MiB, or a line is wrong; the first one is named.
    pub fn load(path: &Path) -> Result<Self, KeysError> {
        Self::parse(&Self::text(path)?, path)
    }

    /// The text of the file, which is bounded.
    pub(crate) fn text(path: &Path) -> Result<String, KeysError> {
        let failed = |source| KeysError::Read { path: path.to_owned(), source };
        let length = std::fs::metadata(path).map_err(failed)?.len();
        if length > MAX_BYTES {
            let message = format!("it has {length} bytes, at most {MAX_BYTES} are read");
            return Err(failed(std::io::Error::other(message)));
        }
        std::fs::read_to_string(path).map_err(failed)
    }

    pub(crate) fn parse(text: &str, path: &Path) -> Result<Self, KeysError> {
        let mut keys = HashMap::new();
        let mut names = HashSet::new();
        for (index, line) in text.lines().enumerate() {
            let line = line.trim();
            if line.is_empty() || line.starts_with('#') {
                continue;
            }
            let wrong = |what: String| KeysError::Line { path: path.to_owned(), line: index + 1, what };
            let (hash, owner) = entry(line).map_err(wrong)?;
            if !names.insert(Arc::clone(&owner.name)) {
                return Err(wrong(format!("the name `{}` is there twice", owner.name)));
            }
            if keys.insert(hash, owner).is_some() {
                return Err(wrong("the hash is there twice".to_owned()));
            }
        }
        Ok(Self(keys))
    }

    /// Whose key it is.
    #[must_use]
    pub fn owner(&self, key: &[u8]) -> Option<&Owner> {
        self.0.get(&<[u8; 32]>::from(Sha256::digest(key)))
    }

    /// All owners, in no order.
    pub fn owners(&self) -> impl Iterator<Item = &Owner> {
        self.0.values()
    }

    /// How many there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl NewKey {
    /// A key for `name` with `plan`, which may be empty.
    ///
    /// # Errors
    /// When a name is empty, long or has characters that do not belong into a line, or the system has no randomness;
    /// in words.
    pub fn generate(name: &str, plan: &str) -> Result<Self, String> {
        check_word(name, "the name")?;
        if !plan.is_empty() {
            check_word(plan, "the plan")?;
        }
        let mut bytes = [0; BYTES];
        getrandom::fill(&mut bytes).map_err(|error| format!("the system gives no random bytes: {error}"))?;
        let key = format!("{PREFIX}{}", URL_SAFE_NO_PAD.encode(bytes));
        let hash = Sha256::digest(key.as_bytes());
        let mut line = format!("{name}:{plan}:");
        for byte in hash {
            let _ = write!(line, "{byte:02x}");
        }
        Ok(Self { key, line })
    }
}

/// The owner of the key in a line, if there is one.
pub(crate) fn owner(line: &str) -> Option<Owner> {
    let line = line.trim();
    if line.starts_with('#') { None } else { entry(line).ok().map(|(_, owner)| owner) }
}

fn entry(line: &str) -> Result<([u8; 32], Owner), String> {
    let parts: Vec<&str> = line.split(':').collect();
    let [name, plan, hash] = parts.as_slice() else {
        return Err(format!("found {} parts, expected 3", parts.len()));
    };
    check_word(name, "the name")?;
    if !plan.is_empty() {
        check_word(plan, "the plan")?;
    }
    let plan = (!plan.is_empty()).then(|| Arc::from(*plan));
    let digits: Vec<u8> =
        hash.chars().filter_map(|c| c.to_digit(16)).filter_map(|d| u8::try_from(d).ok()).collect();
    if digits.len() != 64 || hash.len() != 64 {
        return Err(format!("the hash has {} characters, expected 64 hexadecimal digits", hash.len()));
    }
    let mut bytes = [0; 32];
    for (byte, pair) in bytes.iter_mut().zip(digits.chunks_exact(2)) {
        *byte = pair.iter().fold(0, |byte, digit| byte << 4 | digit);
    }
    Ok((bytes, Owner { name: Arc::from(*name), plan }))
}

fn check_word(word: &str, what: &str) -> Result<(), String> {
    if word.is_empty()
        || word.len() > 64
        || !word.chars().all(|c| c.is_ascii_graphic() && c != ':' && c != '#')
    {
        return Err(format!("{what} has 1 to 64 visible ASCII characters without `:` and `#`"));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_new_key_is_known_by_its_line() {
        let new = NewKey::generate("ann", "pro").unwrap();
        let keys = Keys::parse(&format!("# keys\n\n{}\n", new.line), Path::new("keys.txt")).unwrap();
        let owner = keys.owner(new.key.as_bytes()).unwrap();
        assert_eq!((&*owner.name, owner.plan.as_deref()), ("ann", Some("pro")));
        assert!(keys.owner(b"rw_guess").is_none());
        assert!(new.key.starts_with("rw_") && new.key.len() == 46 && !new.line.contains(&new.key));
        assert_ne!(new.key, NewKey::generate("ann", "pro").unwrap().key);
    }

    #[test]
    fn a_line_that_is_wrong_is_named_with_what_was_found() {
        let hash = "0".repeat(64);
        let other = "1".repeat(64);
        for (text, line, what) in [
            ("ann".to_owned(), 1, "found 1 parts"),
            (format!("# x\nann:pro:{hash}:"), 2, "found 4 parts"),
            (format!(":pro:{hash}"), 1, "the name has"),
            ("ann:pro:abc".to_owned(), 1, "the hash has 3 characters"),
            (format!("ann:pro:{}", "g".repeat(64)), 1, "the hash has"),
            (format!("ann::{hash}\nann::{other}"), 2, "the name `ann` is there twice"),
            (format!("ann::{hash}\nbob::{hash}"), 2, "the hash is there twice"),
        ] {
            let error = Keys::parse(&text, Path::new("keys.txt")).unwrap_err().to_string();
            assert!(error.starts_with(&format!("keys.txt:{line}: {what}")), "{error}");
        }
    }

    #[test]
    fn a_name_that_would_break_the_file_is_refused() {
        for name in ["", "a:b", "a b", "a\nb", "#a", "é"] {
            assert!(NewKey::generate(name, "").is_err(), "{name:?}");
        }
    }
}
