//! What became of the lines of a source: calls, and lines that are none, with why and where.

use ratewarden_logs::Fault;
use ratewarden_model::{UnreadableReason, WatchedSource};

/// Reasons that are told apart.
const REASONS: usize = 16;
/// Characters of a sample.
const SAMPLE: usize = 80;

/// Counts of one source.
#[derive(Debug, Clone, Default)]
pub struct Tally {
    name: String,
    lines: u64,
    calls: u64,
    unreadable: u64,
    reasons: Vec<(Reason, UnreadableReason)>,
    error: Option<String>,
}

/// Why a line is no call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reason {
    /// What the reader of its form says.
    Fault(Fault),
    /// It is longer than is read.
    TooLong,
    /// It came in pieces, and the last one is missing.
    Torn,
}

impl Tally {
    /// Nothing yet.
    #[must_use]
    pub fn new(name: impl Into<String>) -> Self {
        Self { name: name.into(), ..Self::default() }
    }

    /// A line had so many calls.
    #[inline]
    pub const fn line(&mut self, calls: u64) {
        self.lines += calls;
        self.calls += calls;
    }

    /// A line, or a part of it, is no call; `text` is how it begins.
    #[cold]
    pub fn fault(&mut self, reason: Reason, text: &[u8]) {
        if reason == Reason::Fault(Fault::Piece) {
            return;
        }
        self.lines += 1;
        self.unreadable += 1;
        if let Some((_, known)) = self.reasons.iter_mut().find(|(known, _)| *known == reason) {
            known.lines += 1;
            return;
        }
        if self.reasons.len() < REASONS {
            let told = UnreadableReason {
                reason: reason.to_string(),
                lines: 1,
                first_line: self.lines,
                sample: sample(text),
            };
            self.reasons.push((reason, told));
        }
    }

    /// It ended before its end.
    pub fn error(&mut self, error: impl Into<String>) {
        self.error = Some(error.into());
    }

    /// Lines that were read.
    #[must_use]
    pub const fn lines(&self) -> u64 {
        self.lines
    }

    /// As the document has it; `form` is the form that was found.
    #[must_use]
    pub fn document(&self, form: Option<&str>) -> WatchedSource {
        let mut reasons: Vec<_> = self.reasons.iter().map(|(_, told)| told.clone()).collect();
        reasons.sort_by_key(|told| (std::cmp::Reverse(told.lines), told.first_line));
        WatchedSource {
            name: self.name.clone(),
            form: form.map(str::to_owned),
            lines: self.lines,
            calls: self.calls,
            unreadable: self.unreadable,
            reasons,
            error: self.error.clone(),
        }
    }
}

impl std::fmt::Display for Reason {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Fault(fault) => fault.fmt(f),
            Self::TooLong => f.write_str("the line is longer than 1 MiB"),
            Self::Torn => f.write_str("the line came in pieces, and the log ends before the last one"),
        }
    }
}

/// The shape of a line's beginning: letters are `a`, digits `9`, and what stands between them stays. Nobody knows where a
/// secret is in a line that is not understood, and the shape is what says which form it has.
fn sample(text: &[u8]) -> String {
    let text = String::from_utf8_lossy(text.get(..4 * SAMPLE).unwrap_or(text));
    let mut shape = String::new();
    for character in text.chars() {
        let kind = match character {
            '0'..='9' => '9',
            _ if character.is_alphanumeric() => 'a',
            ' '..='~' => character,
            _ => '\u{fffd}',
        };
        // Words and numbers are as long as one letter.
        if !(matches!(kind, '9' | 'a') && shape.ends_with(kind)) {
            shape.push(kind);
        }
        if shape.chars().count() >= SAMPLE {
            break;
        }
    }
    shape
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_calls_and_what_is_none_with_its_place() {
        let mut tally = Tally::new("access.log");
        tally.line(1);
        tally.fault(Reason::Fault(Fault::Form), b"garbage \x1b[31m?token=abc");
        tally.fault(Reason::Fault(Fault::Form), b"more");
        tally.fault(Reason::TooLong, b"");
        tally.fault(Reason::Fault(Fault::Piece), b"no line of its own");
        tally.line(3);
        let told = tally.document(Some("nginx-combined"));
        assert_eq!((told.lines, told.calls, told.unreadable), (7, 4, 3));
        assert_eq!((told.reasons[0].lines, told.reasons[0].first_line), (2, 2));
        assert_eq!(told.reasons[0].sample, "a \u{fffd}[9a?a=a");
    }

    #[test]
    fn a_sample_shows_no_token() {
        assert_eq!(
            sample(br#"{"time":"x","authorization":"Bearer sk_live_51H"}"#),
            r#"{"a":"a","a":"a a_a_9a"}"#
        );
    }
}
