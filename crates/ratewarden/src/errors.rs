//! How the program ends: exit codes, errors with a hint, and what a panic says.
//!
//! A failure is printed once, at the end of `main`, with its whole chain in one line: who reads it in a CI log
//! should not have to search. Every one carries a hint, clap's own included, and all of them pass the redactor.

use std::ffi::OsString;
use std::fmt::Display;
use std::panic::PanicHookInfo;
use std::process::ExitCode;
use std::sync::atomic::{AtomicBool, Ordering};

use clap::CommandFactory as _;
use clap::error::ErrorKind;
use ratewarden_scan::ScanError;

use crate::cli::Cli;
use crate::{output, stderr};

/// What to do about something that is our fault.
pub(crate) const REPORT: &str = "this is a bug in Ratewarden: please report it, with this line, at https://github.com/ratewarden/ratewarden/issues";

/// The most characters of clap's message: it repeats what it was given, however long.
const LONGEST_USAGE: usize = 500;

/// The exit codes, the same for every command.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Exit {
    /// Done, and every gate holds.
    Fine,
    /// A finding or a score over the threshold, a check that failed, or a ban that is not there.
    Failed,
    /// Usage or configuration.
    Usage,
    /// The target could not be reached, or the scan stopped to protect it.
    Unreachable,
    /// Our own fault; Rust's usual code for a panic.
    Panicked,
    /// SIGINT.
    Interrupted,
    /// SIGTERM.
    Terminated,
}

impl Exit {
    pub(crate) const fn code(self) -> u8 {
        match self {
            Self::Fine => 0,
            Self::Failed => 1,
            Self::Usage => 2,
            Self::Unreachable => 3,
            Self::Panicked => 101,
            Self::Interrupted => 130,
            Self::Terminated => 143,
        }
    }
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit.code())
    }
}

/// Why a command could not do what it was asked, what to do about it, and the exit code.
#[derive(Debug)]
pub(crate) struct Failure {
    exit: Exit,
    /// None where it was printed already.
    error: Option<anyhow::Error>,
    hint: String,
}

impl Failure {
    pub(crate) fn new(exit: Exit, error: impl Into<anyhow::Error>, hint: impl Into<String>) -> Self {
        Self { exit, error: Some(error.into()), hint: hint.into() }
    }

    /// Usage or configuration: exit code 2.
    pub(crate) fn usage(message: impl Display, hint: impl Into<String>) -> Self {
        Self::new(Exit::Usage, anyhow::anyhow!("{message}"), hint)
    }

    /// One that was printed where it happened.
    pub(crate) const fn said(exit: Exit) -> Self {
        Self { exit, error: None, hint: String::new() }
    }

    /// Says what was being done when it happened.
    #[must_use]
    pub(crate) fn context(mut self, what: impl Display + Send + Sync + 'static) -> Self {
        self.error = self.error.map(|error| error.context(what));
        self
    }

    pub(crate) fn print(&self) -> Exit {
        if let Some(error) = &self.error {
            stderr::error(&format!("{error:#}"));
            stderr::hint(&self.hint);
        }
        self.exit
    }

    #[cfg(test)]
    pub(crate) fn text(&self) -> String {
        format!("{:#}; {}", self.error.as_ref().unwrap(), self.hint)
    }
}

impl From<ScanError> for Failure {
    fn from(error: ScanError) -> Self {
        let exit = match &error {
            ScanError::Usage { .. } => Exit::Usage,
            ScanError::Unreachable { .. } => Exit::Unreachable,
        };
        let hint = error.hint().to_owned();
        Self::new(exit, error, hint)
    }
}

/// Ends a command line that clap did not accept, or one that asked for help.
pub(crate) fn usage(error: &clap::Error, arguments: &[OsString]) -> Exit {
    if matches!(error.kind(), ErrorKind::DisplayHelp | ErrorKind::DisplayVersion) {
        return output::print_styled(&error.render()).map_or_else(|failure| failure.print(), |()| Exit::Fine);
    }
    if error.kind() == ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand {
        let hint =
            "`ratewarden demo` shows everything in half a minute; `ratewarden --help` lists the commands";
        return Failure::usage("no command was given", hint).print();
    }
    let (message, tip) = take_apart(&error.render().to_string());
    let mut named = arguments.iter().filter_map(|argument| argument.to_str());
    let mut asked = "ratewarden".to_owned();
    let mut program = Cli::command();
    while let Some(command) = named.find_map(|name| program.find_subcommand(name).cloned()) {
        asked = format!("{asked} {}", command.get_name());
        program = command;
    }
    Failure::usage(message, tip.unwrap_or_else(|| format!("`{asked} --help` says what can be given"))).print()
}

/// clap's page of text as one message, and its tips as a hint.
fn take_apart(page: &str) -> (String, Option<String>) {
    let mut message: Vec<&str> = Vec::new();
    let mut tips: Vec<&str> = Vec::new();
    for line in page.lines().map(str::trim).filter(|line| !line.is_empty()) {
        if line.starts_with("Usage:") || line.starts_with("For more information") {
            break;
        }
        match line.strip_prefix("tip: ") {
            Some(tip) => tips.push(tip),
            None => message.push(line.strip_prefix("error: ").unwrap_or(line)),
        }
    }
    let joined = message.join(" ");
    let mut short: String = joined.chars().take(LONGEST_USAGE).collect();
    if short.len() < joined.len() {
        short.push('…');
    }
    (short, (!tips.is_empty()).then(|| tips.join("; ")))
}

static PANICKED: AtomicBool = AtomicBool::new(false);

/// Whether anything has panicked, in whatever thread.
pub(crate) fn has_panicked() -> bool {
    PANICKED.load(Ordering::Relaxed)
}

/// Replaces Rust's own panic message, which shows whatever a panicking line had in its hands.
pub(crate) fn install_panic_hook() {
    std::panic::set_hook(Box::new(|info| {
        PANICKED.store(true, Ordering::Relaxed);
        stderr::error(&internal_error(info.payload_as_str(), place(info).as_deref()));
        stderr::hint(REPORT);
        let backtrace = std::backtrace::Backtrace::capture();
        if backtrace.status() == std::backtrace::BacktraceStatus::Captured {
            stderr::note(&backtrace.to_string());
        }
    }));
}

fn place(info: &PanicHookInfo<'_>) -> Option<String> {
    info.location().map(|place| format!("{}:{}", place.file(), place.line()))
}

/// One line, whatever the payload is.
fn internal_error(payload: Option<&str>, place: Option<&str>) -> String {
    let what = payload.unwrap_or("no message").split_whitespace().collect::<Vec<_>>().join(" ");
    format!("internal error: {what} ({})", place.unwrap_or("at an unknown place"))
}

#[cfg(test)]
mod tests {
    use ratewarden_model::Redactor;

    use super::*;

    #[test]
    fn a_panic_shows_no_secret_and_is_one_line() {
        let mut redactor = Redactor::default();
        redactor.add("Bearer sekrit-12345");
        let payload = "called `unwrap` on\n\"authorization: Bearer sekrit-12345\"\u{1b}[31m";
        let text = stderr::clean(&internal_error(Some(payload), Some("a.rs:1")), &[redactor]);
        assert_eq!(text, "internal error: called `unwrap` on \"authorization: [redacted]\"[31m (a.rs:1)");
    }

    #[test]
    fn a_usage_error_is_one_line_with_its_tip_as_the_hint() {
        let page = "error: invalid value 'quik' for '--depth <DEPTH>'\n  [possible values: quick, deep]\n\n  \
                    tip: a similar value exists: 'quick'\n\nUsage: ratewarden scan [OPTIONS] <URL>\n\nFor more \
                    information, try '--help'.\n";
        let (message, tip) = take_apart(page);
        assert_eq!(message, "invalid value 'quik' for '--depth <DEPTH>' [possible values: quick, deep]");
        assert_eq!(tip.as_deref(), Some("a similar value exists: 'quick'"));
        assert!(take_apart(&"x".repeat(100_000)).0.len() < 600);
    }

    #[test]
    fn the_codes_are_those_of_the_design() {
        let codes =
            [Exit::Fine, Exit::Failed, Exit::Usage, Exit::Unreachable, Exit::Interrupted].map(Exit::code);
        assert_eq!(codes, [0, 1, 2, 3, 130]);
    }
}
