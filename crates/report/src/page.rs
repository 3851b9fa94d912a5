//! Lines of a terminal: wrapped first, coloured after, so that colour never counts as width. Every page for people is made
//! of them, whichever room knows what stands on it.

use std::fmt::Write as _;

use anstyle::Style;
use textwrap::core::display_width;
use textwrap::{Options as Wrapping, WordSplitter};

use crate::Options;
use crate::terminal::{BOLD, NARROWEST, PLAIN};

/// A text that grows line by line.
#[derive(Debug)]
pub struct Page {
    text: String,
    width: usize,
    colour: bool,
}

impl Page {
    /// An empty page.
    #[must_use]
    pub fn new(options: &Options) -> Self {
        Self { text: String::new(), width: options.width.max(NARROWEST), colour: options.colour }
    }

    /// Its columns.
    #[must_use]
    pub const fn width(&self) -> usize {
        self.width
    }

    /// One empty line, never two.
    pub fn blank(&mut self) {
        if !self.text.ends_with("\n\n") && !self.text.is_empty() {
            self.text.push('\n');
        }
    }

    /// A title between empty lines.
    pub fn heading(&mut self, title: &str) {
        self.blank();
        self.paragraph(0, title, BOLD);
        self.blank();
    }

    /// A line of differently coloured parts; the caller keeps it within the width.
    pub fn spans(&mut self, spans: &[(&str, Style)]) {
        for (text, style) in spans {
            self.paint(text, *style);
        }
        self.text.push('\n');
    }

    /// Words wrapped to the width, each line indented; line breaks of the text stay.
    pub fn paragraph(&mut self, indent: usize, text: &str, style: Style) {
        for line in text.lines() {
            let words = line.split_whitespace().collect::<Vec<_>>().join(" ");
            self.columns(indent, &words, style);
        }
    }

    /// As [`Self::paragraph`], for columns that spaces hold apart.
    pub fn columns(&mut self, indent: usize, line: &str, style: Style) {
        for wrapped in textwrap::wrap(line, wrapping(self.width.saturating_sub(indent))) {
            self.indented(indent, &wrapped, style);
        }
    }

    /// A paragraph with a mark before it, and its further lines under its first word.
    pub fn item(&mut self, indent: usize, mark: &str, text: &str) {
        let under = indent + display_width(mark);
        let words = text.split_whitespace().collect::<Vec<_>>().join(" ");
        for (number, line) in
            textwrap::wrap(&words, wrapping(self.width.saturating_sub(under))).iter().enumerate()
        {
            let before =
                if number == 0 { format!("{}{mark}", " ".repeat(indent)) } else { " ".repeat(under) };
            self.spans(&[(&before, PLAIN), (line, PLAIN)]);
        }
    }

    /// What must be copied whole: no wrapping.
    pub fn verbatim(&mut self, indent: usize, text: &str, style: Style) {
        for line in text.trim_end().lines() {
            self.indented(indent, line.trim_end(), style);
        }
    }

    /// A tag, a title wrapped beside it, and points at the right edge.
    pub fn titled(&mut self, tag: &str, style: Style, title: &str, points: &str) {
        let left = 3 + display_width(tag);
        let right = 1 + display_width(points);
        let room = self.width.saturating_sub(left + right).max(10);
        for (number, line) in textwrap::wrap(title, wrapping(room)).iter().enumerate() {
            if number > 0 {
                self.indented(left, line, BOLD);
                continue;
            }
            let gap = " ".repeat(room.saturating_sub(display_width(line)) + 1);
            self.spans(&[
                ("  ", PLAIN),
                (tag, style),
                (" ", PLAIN),
                (line, BOLD),
                (&gap, PLAIN),
                (points, style),
            ]);
        }
    }

    /// The text; it ends with one newline.
    #[must_use]
    pub fn into_text(self) -> String {
        self.text.trim_end().to_owned() + "\n"
    }

    fn indented(&mut self, indent: usize, line: &str, style: Style) {
        if !line.is_empty() {
            self.text.push_str(&" ".repeat(indent));
            self.paint(line, style);
        }
        self.text.push('\n');
    }

    fn paint(&mut self, text: &str, style: Style) {
        if self.colour && style != PLAIN {
            // Writing into a string cannot fail.
            let _ = write!(self.text, "{style}{text}{style:#}");
        } else {
            self.text.push_str(text);
        }
    }
}

fn wrapping(width: usize) -> Wrapping<'static> {
    Wrapping::new(width.max(10)).word_splitter(WordSplitter::NoHyphenation)
}
