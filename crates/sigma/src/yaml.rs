//! From the text of a file to documents, and from a document to an untyped tree that fits into memory.
//!
//! Documents are cut apart by their markers before any is parsed, since a marker at the begin of a line ends whatever
//! stands before it. So a broken rule takes none of its neighbours with it, and each has a line of its own. Aliases
//! repeat what they point to, so every text of the tree is charged to one purse.

use std::cell::Cell;
use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, Error, MapAccess, SeqAccess, Visitor};

/// The deepest nesting.
const MAX_DEPTH: usize = 24;
/// Values of a document.
const MAX_NODES: usize = 100_000;
/// Bytes of all texts of a document, those that aliases repeat included.
const MAX_TEXT: usize = 4 << 20;

/// A value.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Yaml {
    Null,
    Bool(bool),
    /// A number, and how it is written.
    Number(f64, String),
    Text(String),
    List(Vec<Self>),
    Map(Vec<(String, Self)>),
}

impl Yaml {
    /// The value of a key of a map.
    pub(crate) fn get(&self, key: &str) -> Option<&Self> {
        let Self::Map(entries) = self else { return None };
        entries.iter().find(|(name, _)| name == key).map(|(_, value)| value)
    }

    /// Text, or what stands where text was expected.
    pub(crate) fn text(&self) -> Option<&str> {
        match self {
            Self::Text(text) | Self::Number(_, text) => Some(text),
            _ => None,
        }
    }

    /// One text or several.
    pub(crate) fn texts(&self) -> Option<Vec<&str>> {
        match self {
            Self::List(list) => list.iter().map(Self::text).collect(),
            one => one.text().map(|text| vec![text]),
        }
    }
}

/// A document of a file.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Document<'t> {
    /// The line it begins in, from 1.
    pub(crate) line: usize,
    pub(crate) text: &'t str,
}

/// The documents of a file; those without any value are left out.
pub(crate) fn documents(text: &str) -> Vec<Document<'_>> {
    let mut found = Vec::new();
    let (mut begin, mut at, mut first) = (0, 0, 1);
    for (number, line) in (1..).zip(text.split_inclusive('\n')) {
        let is_marker = |marker: &str| {
            line.strip_prefix(marker)
                .is_some_and(|rest| rest.is_empty() || rest.starts_with(char::is_whitespace))
        };
        if is_marker("---") || is_marker("...") {
            found.push(Document { line: first, text: text.get(begin..at).unwrap_or_default() });
            // What stands behind the marker belongs to the document it opens.
            (begin, first) = (at + 3, number);
        }
        at += line.len();
    }
    found.push(Document { line: first, text: text.get(begin..).unwrap_or_default() });
    let has_value = |line: &str| !line.trim().is_empty() && !line.trim_start().starts_with(['#', '%']);
    found.retain(|document| document.text.lines().any(has_value));
    for document in &mut found {
        let empty = document.text.lines().take_while(|line| !has_value(line)).count();
        document.line += empty;
        let skipped: usize = document.text.split_inclusive('\n').take(empty).map(str::len).sum();
        document.text = document.text.get(skipped..).unwrap_or_default();
    }
    found
}

/// What is wrong with a document.
#[derive(Debug)]
pub(crate) struct Broken {
    /// In the file, from 1.
    pub(crate) line: usize,
    pub(crate) message: String,
}

/// Reads a document.
pub(crate) fn read(document: Document<'_>) -> Result<Yaml, Broken> {
    let purse = Cell::new(MAX_TEXT);
    let options = serde_saphyr::options! {
        budget: serde_saphyr::budget! {
            max_depth: MAX_DEPTH,
            flow_nesting_limit: MAX_DEPTH,
            max_documents: 1,
            max_nodes: MAX_NODES,
            max_events: 2 * MAX_NODES,
            max_aliases: 100,
            max_anchors: 100,
            max_merge_keys: 100,
        },
        alias_limits: serde_saphyr::alias_limits! { max_total_replayed_events: 10_000 },
        duplicate_keys: serde_saphyr::DuplicateKeyPolicy::Error,
        emit_comments: false,
        strict_booleans: true,
        with_snippet: false,
    };
    let tree = serde_saphyr::with_deserializer_from_str_with_options(document.text, options, |parser| {
        Node(&purse).deserialize(parser)
    });
    tree.map_err(|error| {
        let line = error.location().map_or(1, |place| usize::try_from(place.line()).unwrap_or(1)).max(1);
        let message = error.to_string();
        let message =
            message.lines().next().unwrap_or_default().split(" at line ").next().unwrap_or_default();
        Broken { line: document.line + line - 1, message: crate::printable(message, 200) }
    })
}

#[derive(Clone, Copy)]
struct Node<'p>(&'p Cell<usize>);

impl Node<'_> {
    fn pay<E: Error>(self, text: &str) -> Result<String, E> {
        let left = self.0.get().checked_sub(text.len());
        self.0.set(left.unwrap_or(0));
        left.map(|_| text.to_owned()).ok_or_else(|| E::custom("the document is too large in memory"))
    }
}

impl<'de> DeserializeSeed<'de> for Node<'_> {
    type Value = Yaml;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Yaml, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Node<'_> {
    type Value = Yaml;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a value")
    }

    fn visit_unit<E>(self) -> Result<Yaml, E> {
        Ok(Yaml::Null)
    }

    fn visit_none<E>(self) -> Result<Yaml, E> {
        Ok(Yaml::Null)
    }

    fn visit_some<D: Deserializer<'de>>(self, deserializer: D) -> Result<Yaml, D::Error> {
        self.deserialize(deserializer)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Yaml, E> {
        Ok(Yaml::Bool(value))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Yaml, E> {
        Ok(Yaml::Number(value as f64, value.to_string()))
    }

    fn visit_u64<E>(self, value: u64) -> Result<Yaml, E> {
        Ok(Yaml::Number(value as f64, value.to_string()))
    }

    fn visit_f64<E>(self, value: f64) -> Result<Yaml, E> {
        Ok(Yaml::Number(value, value.to_string()))
    }

    fn visit_str<E: Error>(self, value: &str) -> Result<Yaml, E> {
        self.pay(value).map(Yaml::Text)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Yaml, A::Error> {
        let mut values = Vec::new();
        while let Some(value) = list.next_element_seed(self)? {
            values.push(value);
        }
        Ok(Yaml::List(values))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Yaml, A::Error> {
        let mut entries: Vec<(String, Yaml)> = Vec::new();
        while let Some(key) = map.next_key_seed(self)? {
            let name = match key {
                Yaml::Text(name) | Yaml::Number(_, name) => name,
                Yaml::Bool(value) => value.to_string(),
                Yaml::Null => String::new(),
                Yaml::List(_) | Yaml::Map(_) => return Err(A::Error::custom("a key is no text")),
            };
            let value = map.next_value_seed(self)?;
            entries.push((name, value));
        }
        Ok(Yaml::Map(entries))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn documents_are_cut_apart_and_know_their_lines() {
        let text = "# head\n\n---\ntitle: a\n--- # two\n# more\ntitle: b\n...\n\n---\n---x: 1\n";
        let found = documents(text);
        let lines: Vec<_> = found.iter().map(|one| (one.line, one.text.trim_end())).collect();
        assert_eq!(
            lines,
            [(4, "title: a"), (7, "title: b\n"), (11, "---x: 1")].map(|(l, t)| (l, t.trim_end()))
        );
    }

    #[test]
    fn values_keep_how_they_are_written() {
        let text = "a: 404\nb: ~\nc: [x, 1.5, yes, true]\nd:\n  - e: '*'\n";
        let tree = read(Document { line: 1, text }).unwrap();
        assert_eq!(tree.get("a"), Some(&Yaml::Number(404.0, "404".to_owned())));
        assert_eq!(tree.get("b"), Some(&Yaml::Null));
        let list = [
            Yaml::Text("x".into()),
            Yaml::Number(1.5, "1.5".into()),
            Yaml::Text("yes".into()),
            Yaml::Bool(true),
        ];
        assert_eq!(tree.get("c"), Some(&Yaml::List(list.into())));
    }

    #[test]
    fn what_is_broken_has_its_line_in_the_file() {
        let broken = |text: &str| read(documents(text)[0]).unwrap_err();
        assert_eq!(broken("---\na: 1\nb: [\n").line, 3);
        assert_eq!(broken("\n\na: 1\na: 2\n").line, 4);
    }

    #[test]
    fn bombs_and_deep_nesting_are_refused() {
        let laughs = "a: &a [x,x,x,x,x,x,x,x]\nb: &b [*a,*a,*a,*a,*a,*a,*a,*a]\nc: &c [*b,*b,*b,*b,*b,*b,*b,*b]\nd: &d [*c,*c,*c,*c,*c,*c,*c,*c]\ne: [*d,*d,*d,*d,*d,*d,*d,*d]\n";
        assert!(read(Document { line: 1, text: laughs }).is_err());
        let deep = format!("a: {}{}", "[".repeat(200), "]".repeat(200));
        assert!(read(Document { line: 1, text: &deep }).is_err());
        let long = format!("a: &a {}\nb: [{}]\n", "x".repeat(900_000), "*a,".repeat(90));
        assert!(read(Document { line: 1, text: &long }).is_err());
    }
}
