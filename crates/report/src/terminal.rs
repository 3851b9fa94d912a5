//! What the terminal can do, and the few colours we use.
//!
//! The sixteen basic colours only: they follow the reader's own theme, light or dark.

use anstyle::{AnsiColor, Style};
use ratewarden_model::Severity;

/// The width of a report that goes to a file or a pipe.
pub(crate) const WIDTH_OF_A_FILE: usize = 100;
/// Longer lines are hard to read, however wide the terminal.
const WIDEST: usize = 120;
/// Narrower than this, sentences break after every word.
pub(crate) const NARROWEST: usize = 40;

/// Titles.
pub const BOLD: Style = Style::new().bold();
/// What may be passed over.
pub const DIM: Style = Style::new().dimmed();
/// Text.
pub const PLAIN: Style = Style::new();
/// What is well.
pub const GOOD: Style = AnsiColor::Green.on_default();
/// What is middling.
pub const FAIR: Style = AnsiColor::Yellow.on_default();
/// What is wrong.
pub const BAD: Style = AnsiColor::Red.on_default();
/// What is to be copied.
pub const LINK: Style = AnsiColor::Cyan.on_default();

/// Whether colour is wanted on the standard output (`NO_COLOR`, `CLICOLOR`, `CLICOLOR_FORCE`, a terminal or not).
pub(crate) fn stdout_wants_colour() -> bool {
    anstream::AutoStream::choice(&std::io::stdout()) != anstream::ColorChoice::Never
}

/// The columns to use on the standard output.
pub(crate) fn stdout_width() -> usize {
    terminal_size::terminal_size()
        .map_or(WIDTH_OF_A_FILE, |(terminal_size::Width(columns), _)| usize::from(columns))
        .clamp(NARROWEST, WIDEST)
}

/// The colour of a severity: the same everywhere on the page.
pub(crate) fn of_severity(severity: Severity) -> Style {
    match severity {
        Severity::Critical => AnsiColor::White.on(AnsiColor::Red).bold(),
        Severity::High => BAD.bold(),
        Severity::Medium => FAIR.bold(),
        Severity::Low => AnsiColor::Blue.on_default().bold(),
        Severity::Info => DIM,
    }
}

/// The colour of a score: that of its grade.
pub(crate) const fn of_score(score: u32) -> Style {
    match score {
        80.. => GOOD,
        60..=79 => FAIR,
        _ => BAD,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_width_stays_readable_whatever_the_terminal() {
        assert!((NARROWEST..=WIDEST).contains(&stdout_width()));
    }
}
