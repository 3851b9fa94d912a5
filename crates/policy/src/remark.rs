//! What is said about a policy file: where, what was found, what was expected, and what to do.

use std::fmt;
use std::path::{Path, PathBuf};

/// Characters of a line that are shown around what is wrong.
const SHOWN: usize = 120;

/// Mistakes that are listed; a file with more is most likely not a policy at all, and the rest is counted.
pub const MAX_REMARKS: usize = 100;

/// One mistake or one warning.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Remark {
    /// The line, from 1.
    pub line: usize,
    /// The column, from 1, in characters.
    pub column: usize,
    /// The key as a dotted path, such as `limit[0].match.path`, counted from 0; empty for the file as a whole.
    pub key: String,
    /// What was found and what was expected.
    pub message: String,
    /// What to do.
    pub hint: Option<String>,
    /// The line itself; `None` where nothing stands that could be shown.
    excerpt: Option<Excerpt>,
}

/// Everything that is wrong with a policy file, in the order of the file; never empty.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mistakes {
    file: PathBuf,
    remarks: Vec<Remark>,
    left_out: usize,
}

/// A remark with the name of its file, as it is printed.
#[derive(Debug, Clone, Copy)]
pub struct Shown<'r> {
    remark: &'r Remark,
    file: &'r Path,
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct Excerpt {
    text: String,
    /// Characters before the caret.
    before: usize,
    /// Carets, at least 1.
    carets: usize,
}

impl Mistakes {
    pub(crate) fn new(file: &Path, remarks: Vec<Remark>, left_out: usize) -> Self {
        Self { file: file.to_owned(), remarks, left_out }
    }

    /// Each mistake, at most [`MAX_REMARKS`].
    #[must_use]
    pub fn remarks(&self) -> &[Remark] {
        &self.remarks
    }

    /// Mistakes beyond those listed.
    #[must_use]
    pub const fn left_out(&self) -> usize {
        self.left_out
    }

    /// The file they are in.
    #[must_use]
    pub fn file(&self) -> &Path {
        &self.file
    }
}

impl Remark {
    /// Prints as `file:line:column: key: message`, the line with a caret, and the hint.
    #[must_use]
    pub const fn show<'r>(&'r self, file: &'r Path) -> Shown<'r> {
        Shown { remark: self, file }
    }
}

impl fmt::Display for Shown<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Remark { line, column, key, message, hint, excerpt } = self.remark;
        write!(f, "{}:{line}:{column}: ", self.file.display())?;
        if !key.is_empty() {
            write!(f, "{key}: ")?;
        }
        write!(f, "{message}")?;
        if let Some(Excerpt { text, before, carets }) = excerpt {
            let number = line.to_string();
            let gutter = " ".repeat(number.len());
            // A tab stays a tab, so that the caret stands below what it means.
            let lead = text.chars().chain(std::iter::repeat(' ')).take(*before);
            let lead: String = lead.map(|c| if c == '\t' { c } else { ' ' }).collect();
            write!(f, "\n  {number} | {text}\n  {gutter} | {lead}{}", "^".repeat(*carets))?;
        }
        if let Some(hint) = hint {
            write!(f, "\n  hint: {hint}")?;
        }
        Ok(())
    }
}

impl fmt::Display for Mistakes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, remark) in self.remarks.iter().enumerate() {
            let between = if index == 0 { "" } else { "\n" };
            write!(f, "{between}{}", remark.show(&self.file))?;
        }
        match self.left_out {
            0 => Ok(()),
            more => write!(f, "\nand {more} more mistakes"),
        }
    }
}

impl std::error::Error for Mistakes {}

/// A text by lines, to find the line and column of a byte.
pub(crate) struct Lines<'t> {
    text: &'t str,
    /// Where each line begins.
    starts: Vec<usize>,
}

/// A remark before its line is looked up.
#[derive(Debug)]
pub(crate) struct Draft {
    /// Bytes of the file; an empty range at 0 is the file as a whole.
    pub(crate) span: std::ops::Range<usize>,
    pub(crate) key: String,
    pub(crate) message: String,
    pub(crate) hint: Option<String>,
}

impl<'t> Lines<'t> {
    pub(crate) fn new(text: &'t str) -> Self {
        let after_breaks = text.match_indices('\n').map(|(at, _)| at + 1);
        Self { text, starts: std::iter::once(0).chain(after_breaks).collect() }
    }

    /// Looks up where a draft's span stands.
    pub(crate) fn place(&self, draft: Draft) -> Remark {
        let start = floor(self.text, draft.span.start);
        let end = floor(self.text, draft.span.end.max(start));
        let line = self.starts.partition_point(|&begin| begin <= start).max(1);
        let begin = self.starts.get(line - 1).copied().unwrap_or(0);
        let whole = self.text.get(begin..).unwrap_or("");
        let whole = whole.split('\n').next().unwrap_or("").trim_end_matches('\r');
        let before = self.text.get(begin..start).unwrap_or("").chars().count();
        let marked = self.text.get(start..end).unwrap_or("").split('\n').next().unwrap_or("").chars().count();
        let excerpt = (draft.span != (0..0)).then(|| Excerpt::of(whole, before, marked));
        Remark { line, column: before + 1, key: draft.key, message: draft.message, hint: draft.hint, excerpt }
    }
}

impl Excerpt {
    /// The part of the line that has room, without anything that would steer a terminal.
    fn of(line: &str, before: usize, marked: usize) -> Self {
        let skipped = if before < SHOWN { 0 } else { before - SHOWN / 4 };
        let text: String = line
            .chars()
            .skip(skipped)
            .take(SHOWN)
            .map(|c| if c.is_control() && c != '\t' { char::REPLACEMENT_CHARACTER } else { c })
            .collect();
        let before = before - skipped;
        let room = text.chars().count().saturating_sub(before);
        Self { text: text.trim_end().to_owned(), before, carets: marked.min(room).max(1) }
    }
}

/// The nearest boundary of a character at or before `at`.
fn floor(text: &str, at: usize) -> usize {
    text.floor_char_boundary(at.min(text.len()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn draft(span: std::ops::Range<usize>) -> Draft {
        Draft { span, key: "a.b".into(), message: "is wrong".into(), hint: Some("make it right".into()) }
    }

    #[test]
    fn a_remark_is_printed_with_its_line_and_a_caret_below() {
        let text = "x = 1\n\tünï = \"über\"\n";
        let at = text.find("\"über\"").unwrap();
        let remark = Lines::new(text).place(draft(at..at + "\"über\"".len()));
        assert_eq!((remark.line, remark.column), (2, 8));
        assert_eq!(
            remark.show(Path::new("p.toml")).to_string(),
            "p.toml:2:8: a.b: is wrong\n  2 | \tünï = \"über\"\n    | \t      ^^^^^^\n  hint: make it right"
        );
    }

    #[test]
    fn a_span_over_lines_marks_the_first_and_one_beyond_the_end_the_end() {
        let text = "a = [\n1,\n]";
        let remark = Lines::new(text).place(draft(4..10));
        assert!(remark.show(Path::new("p")).to_string().contains("1 | a = [\n    |     ^\n"));
        let remark = Lines::new(text).place(draft(400..500));
        assert_eq!((remark.line, remark.column), (3, 2));
    }

    #[test]
    fn a_long_line_is_cut_and_nothing_steers_the_terminal() {
        let text = format!("k = \"{}\u{1b}[31m\" # {}", "x".repeat(300), "y".repeat(10_000));
        let at = text.find('\u{1b}').unwrap();
        let shown = Lines::new(&text).place(draft(at..at + 1)).show(Path::new("p")).to_string();
        assert!(shown.len() < 500 && !shown.contains('\u{1b}'), "{shown}");
    }

    #[test]
    fn windows_line_ends_are_no_part_of_the_line() {
        let remark = Lines::new("a = 1\r\nb = 2\r\n").place(draft(7..8));
        assert_eq!((remark.line, remark.column), (2, 1));
        assert!(!remark.show(Path::new("p")).to_string().contains('\r'));
    }
}
