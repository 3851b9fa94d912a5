//! How far the scan is: a spinner on the standard error, on a terminal only.

use std::io::IsTerminal as _;
use std::time::Duration;

use indicatif::{ProgressBar, ProgressStyle};

use crate::stderr;

/// The spinner, or nothing at all; it is wiped away when dropped.
pub(crate) struct Progress {
    bar: ProgressBar,
}

impl Progress {
    /// A spinner where it is wanted and somebody can see it.
    pub(crate) fn start(wanted: bool) -> Self {
        if !wanted || !std::io::stderr().is_terminal() {
            return Self { bar: ProgressBar::hidden() };
        }
        let bar = ProgressBar::new_spinner();
        if let Ok(style) = ProgressStyle::with_template("{spinner:.cyan} {wide_msg} {elapsed:>4.dim}") {
            bar.set_style(style);
        }
        bar.enable_steady_tick(Duration::from_millis(100));
        Self { bar }
    }

    /// Shows a phase, such as `searching for the limit`.
    pub(crate) fn say(&self, phase: &str) {
        self.bar.set_message(stderr::redacted(phase));
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        self.bar.finish_and_clear();
    }
}
