//! Where remarks are collected while a policy is read: reading goes on after a mistake, so that all of them are
//! told at once.

use std::fmt;
use std::ops::Range;
use std::path::Path;

use crate::remark::{Draft, Lines, MAX_REMARKS, Mistakes, Remark};

/// Bytes of the file.
pub(crate) type Span = Range<usize>;

/// Characters of a value that a message repeats.
const QUOTED: usize = 60;

/// Remarks that are kept until they are sorted; more are only counted.
const MAX_KEPT: usize = 1_000;

/// The mistakes and warnings so far.
#[derive(Debug, Default)]
pub(crate) struct Notes {
    mistakes: Pile,
    warnings: Pile,
    /// Where everything stands while a default is read, whose own text is not in the file.
    pinned: Option<Span>,
}

#[derive(Debug, Default)]
struct Pile {
    drafts: Vec<Draft>,
    /// Drafts beyond those kept.
    more: usize,
}

/// A key on its way from the root of the file.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Place<'p> {
    /// The file.
    Root,
    /// A key of a table.
    Key(&'p Place<'p>, &'p str),
    /// An element of an array.
    Item(&'p Place<'p>, usize),
}

impl<'p> Place<'p> {
    pub(crate) const fn key(&'p self, name: &'p str) -> Self {
        Self::Key(self, name)
    }

    pub(crate) const fn item(&'p self, index: usize) -> Self {
        Self::Item(self, index)
    }
}

impl fmt::Display for Place<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Root => Ok(()),
            Self::Item(parent, index) => write!(f, "{parent}[{index}]"),
            Self::Key(parent, name) => {
                let dot = if matches!(parent, Place::Root) { "" } else { "." };
                let bare = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-');
                if !name.is_empty() && name.len() <= QUOTED && name.chars().all(bare) {
                    return write!(f, "{parent}{dot}{name}");
                }
                write!(f, "{parent}{dot}\"{}\"", short(name))
            }
        }
    }
}

impl Notes {
    /// Notes a mistake; a hint can be put on what is returned.
    pub(crate) fn mistake(
        &mut self,
        span: &Span,
        place: &Place<'_>,
        message: impl Into<String>,
    ) -> &mut Draft {
        let draft = self.draft(span, place, message.into());
        self.mistakes.push(draft)
    }

    /// Notes something that is allowed but most likely not meant.
    pub(crate) fn warning(
        &mut self,
        span: &Span,
        place: &Place<'_>,
        message: impl Into<String>,
    ) -> &mut Draft {
        let draft = self.draft(span, place, message.into());
        self.warnings.push(draft)
    }

    fn draft(&self, span: &Span, place: &Place<'_>, message: String) -> Draft {
        Draft { span: self.span(span), key: place.to_string(), message, hint: None }
    }

    /// Where something stands: its own place, or that of the table whose default it is.
    pub(crate) fn span(&self, own: &Span) -> Span {
        self.pinned.as_ref().unwrap_or(own).clone()
    }

    /// Runs `read` on text that is not in the file, on behalf of `span`.
    pub(crate) fn on_behalf<T>(&mut self, span: &Span, read: impl FnOnce(&mut Self) -> T) -> T {
        let pin = self.span(span);
        let outer = self.pinned.replace(pin);
        let result = read(self);
        self.pinned = outer;
        result
    }

    /// Whether nothing is wrong so far.
    pub(crate) const fn is_clean(&self) -> bool {
        self.mistakes.drafts.is_empty()
    }

    /// The warnings, in the order of the file.
    pub(crate) fn warnings(self, text: &str) -> Vec<Remark> {
        self.warnings.placed(text).0
    }

    /// The mistakes, in the order of the file.
    pub(crate) fn into_mistakes(self, text: &str, file: &Path) -> Mistakes {
        let (remarks, left_out) = self.mistakes.placed(text);
        Mistakes::new(file, remarks, left_out)
    }
}

impl Draft {
    /// What to do about it.
    pub(crate) fn hint(&mut self, hint: impl Into<String>) {
        self.hint = Some(hint.into());
    }

    /// What to do about it, if that is known.
    pub(crate) fn hint_if(&mut self, hint: Option<String>) {
        self.hint = hint;
    }
}

impl Pile {
    fn push(&mut self, draft: Draft) -> &mut Draft {
        if self.drafts.len() == MAX_KEPT {
            self.more += 1;
            self.drafts.pop();
        }
        self.drafts.push(draft);
        let last = self.drafts.len() - 1;
        &mut self.drafts[last]
    }

    /// Sorts by place and looks up lines; beyond [`MAX_REMARKS`] they are only counted.
    fn placed(mut self, text: &str) -> (Vec<Remark>, usize) {
        self.drafts.sort_by_key(|draft| draft.span.start);
        let left_out = self.more + self.drafts.len().saturating_sub(MAX_REMARKS);
        self.drafts.truncate(MAX_REMARKS);
        let lines = Lines::new(text);
        (self.drafts.into_iter().map(|draft| lines.place(draft)).collect(), left_out)
    }
}

/// A text as a message repeats it: one line, nothing that steers a terminal, and not too long.
pub(crate) fn short(text: &str) -> String {
    let mut shown: String = text.chars().take(QUOTED).flat_map(char::escape_debug).collect();
    if text.chars().nth(QUOTED).is_some() {
        shown.push('…');
    }
    // `escape_debug` is for Rust's own quotes; messages use backquotes.
    shown.replace("\\\"", "\"").replace("\\'", "'")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_is_a_dotted_path() {
        let limits = Place::Root.key("limit");
        let first = limits.item(0);
        let matches = first.key("match");
        assert_eq!(matches.key("x-team").to_string(), "limit[0].match.x-team");
        assert_eq!(matches.key("a b").to_string(), "limit[0].match.\"a b\"");
        assert_eq!(Place::Root.key("").to_string(), "\"\"");
    }

    #[test]
    fn a_long_value_is_cut_and_escaped() {
        assert_eq!(short("a\n\u{1b}\"'"), "a\\n\\u{1b}\"'");
        assert_eq!(short(&"x".repeat(1_000)).chars().count(), QUOTED + 1);
    }
}
