//! Sigma rules, compiled onto the detectors.
//!
//! Sigma (<https://sigmahq.io>) is the form in which others share what they look for in logs. [`compile`] reads detection
//! rules, correlation rules and filters, and makes a [`Detector`] of each that can be carried. What cannot is named with its
//! file, line, rule and reason, and nothing is left out in silence. docs/sigma.md says what is carried.
//!
//! ```text
//! text → documents (yaml) → rules (rule, correlation) → questions (selection, condition, pattern) → detectors
//! ```
//!
//! The parser is our own. `rsigma-parser` was looked at first: it is well kept, but brings a second YAML library without
//! bounds on nesting and aliases, knows no lines, and changes with every few weeks. Its evaluator keeps exact state and
//! counts processing time where detectors count event time. What is left of Sigma for calls of an API is small.
//!
//! Tier 0: nothing here opens a file.

mod compiler;
mod condition;
mod correlation;
mod field;
mod pattern;
mod question;
mod rule;
mod selection;
mod yaml;

use std::fmt;

use ratewarden_detect::{Detector, MAX_TESTED};

use crate::compiler::Compiler;

/// Bytes of a file.
pub const MAX_FILE_BYTES: usize = 1 << 20;
/// Rules that are read.
pub const MAX_RULES: usize = 10_000;
/// Detectors that are made.
pub const MAX_COMPILED: usize = MAX_TESTED;
/// Values that all rules together look for.
pub const MAX_VALUES: usize = 100_000;
/// Regular expressions that all rules together have.
pub const MAX_REGEXES: usize = 256;
/// What became of rules.
#[derive(Debug, Default)]
pub struct Compiled {
    /// What is looked for; at most [`MAX_COMPILED`].
    pub detectors: Vec<Detector>,
    /// What is not, in the order in which it was read.
    pub refused: Vec<Refusal>,
    /// Rules that were read, refused ones included.
    pub rules: usize,
}

/// Something that cannot be carried.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub struct Refusal {
    /// The file, as its source calls it.
    pub file: String,
    /// The line in which the rule begins, or that cannot be read; from 1.
    pub line: Option<usize>,
    /// The rule's title, else its id.
    pub rule: Option<String>,
    /// What cannot be carried.
    pub what: String,
    /// Why.
    pub why: String,
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.file)?;
        if let Some(line) = self.line {
            write!(f, ":{line}")?;
        }
        f.write_str(": ")?;
        if let Some(rule) = &self.rule {
            write!(f, "“{rule}”: ")?;
        }
        write!(f, "{} {}", self.what, self.why)
    }
}

/// Reads rules and makes detectors of them. A source is a file's name and what is in it; rules may name rules of other
/// files.
#[must_use]
pub fn compile<N: Into<String>, T: AsRef<[u8]>>(sources: impl IntoIterator<Item = (N, T)>) -> Compiled {
    let mut compiler = Compiler::default();
    for (file, text) in sources {
        if !compiler.file(&file.into(), text.as_ref()) {
            break;
        }
    }
    compiler.finish()
}

/// What is wrong with a rule.
#[derive(Debug)]
pub(crate) struct Fault {
    pub(crate) what: String,
    pub(crate) why: String,
}

impl Fault {
    pub(crate) fn new(what: impl Into<String>, why: impl Into<String>) -> Self {
        Self { what: what.into(), why: why.into() }
    }
}

/// Text of a rule on one line that is safe to print, of at most `most` characters.
pub(crate) fn printable(text: &str, most: usize) -> String {
    let mut shown = String::new();
    for (count, character) in text.chars().enumerate() {
        if count >= most {
            shown.push('…');
            break;
        }
        let turns =
            matches!(character, '\u{200e}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
        match character {
            '\n' | '\t' | '\r' => shown.push(' '),
            _ if character.is_control() || turns => shown.extend(character.escape_unicode()),
            _ => shown.push(character),
        }
    }
    shown
}
