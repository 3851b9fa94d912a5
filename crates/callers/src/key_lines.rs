//! The text of a file of keys, as an operator's commands change it: comments and the order of lines stay.

use std::path::{Path, PathBuf};

use crate::keys::{Keys, KeysError, NewKey, Owner, owner};

/// A file of keys, line by line; right in every line.
#[derive(Debug, Clone)]
pub struct KeyLines {
    path: PathBuf,
    text: String,
}

impl KeyLines {
    /// Reads the file at `path`; one that is not there yet has no keys.
    ///
    /// # Errors
    /// When it cannot be read, or a line is wrong.
    pub fn read(path: &Path) -> Result<Self, KeysError> {
        let text = match Keys::text(path) {
            Err(KeysError::Read { source, .. }) if source.kind() == std::io::ErrorKind::NotFound => {
                String::new()
            }
            text => text?,
        };
        Keys::parse(&text, path)?;
        Ok(Self { path: path.to_owned(), text })
    }

    /// The owners, in the order of their lines.
    pub fn owners(&self) -> impl Iterator<Item = Owner> {
        self.text.lines().filter_map(owner)
    }

    /// Adds a key.
    ///
    /// # Errors
    /// When the name has one already.
    pub fn add(&mut self, new: &NewKey) -> Result<(), KeysError> {
        let mut text = self.text.clone();
        if !text.is_empty() && !text.ends_with('\n') {
            text.push('\n');
        }
        text.push_str(&new.line);
        text.push('\n');
        Keys::parse(&text, &self.path)?;
        self.text = text;
        Ok(())
    }

    /// Takes the key of this name away, and says whether there was one.
    pub fn remove(&mut self, name: &str) -> bool {
        let is_its = |line: &str| owner(line).is_some_and(|owner| &*owner.name == name);
        let before = self.text.len();
        self.text = self.text.split_inclusive('\n').filter(|line| !is_its(line)).collect();
        self.text.len() != before
    }

    /// What the file is to have.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn new(name: &str) -> NewKey {
        NewKey::generate(name, "").unwrap()
    }

    #[test]
    fn keys_come_and_go_and_the_rest_of_the_file_stays() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("keys.txt");
        let mut lines = KeyLines::read(&path).unwrap();
        lines.add(&new("ann")).unwrap();
        assert_eq!(lines.text().lines().count(), 1, "a file that is not there yet begins empty");
        std::fs::write(&path, format!("# ours\r\n\n{}", new("bob").line)).unwrap();
        let mut lines = KeyLines::read(&path).unwrap();
        lines.add(&new("ann")).unwrap();
        let names: Vec<String> = lines.owners().map(|owner| owner.name.to_string()).collect();
        assert_eq!(names, ["bob", "ann"]);
        let taken = lines.add(&new("bob")).unwrap_err().to_string();
        assert!(taken.contains("the name `bob` is there twice"), "{taken}");
        assert!(lines.remove("bob") && !lines.remove("bob") && !lines.remove("# ours"));
        assert!(lines.text().starts_with("# ours\r\n\nann::"), "{}", lines.text());
        assert!(lines.remove("ann"));
        assert_eq!(lines.text(), "# ours\r\n\n");
    }

    #[test]
    fn a_file_that_is_wrong_is_not_touched() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("keys.txt");
        std::fs::write(&path, "ann:pro\n").unwrap();
        assert!(KeyLines::read(&path).unwrap_err().to_string().contains("keys.txt:1: found 2 parts"));
        assert!(KeyLines::read(folder.path()).is_err());
    }
}
