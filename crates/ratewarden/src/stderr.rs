//! The one way to the standard error: redacted, without control characters, in colour where a terminal wants it.
//!
//! A secret can come along in anything that is said, so the net is here and not at each caller. It is global because
//! the panic hook is: the hook cannot be handed anything. Until the configuration is known, the net holds whatever
//! on the command line looks like a secret, so that even a usage error shows none.

use std::ffi::OsString;
use std::io::Write as _;
use std::sync::{PoisonError, RwLock};

use clap::builder::styling::{AnsiColor, Style};
use ratewarden_model::Redactor;
use ratewarden_scan::target::Target;

const ERROR: Style = AnsiColor::Red.on_default().bold();
const HINT: Style = AnsiColor::Cyan.on_default().bold();
const NOTE: Style = Style::new().dimmed();

static REDACTORS: RwLock<Vec<Redactor>> = RwLock::new(Vec::new());

/// Everything printed from now on passes this redactor, and none of the earlier ones.
pub(crate) fn redact_with(redactor: Redactor) {
    *REDACTORS.write().unwrap_or_else(PoisonError::into_inner) = vec![redactor];
}

/// `error:` what happened, to what.
pub(crate) fn error(text: &str) {
    labelled("error:", ERROR, text);
}

/// `hint:` what to do.
pub(crate) fn hint(text: &str) {
    labelled("hint:", HINT, text);
}

/// Something worth knowing that is neither.
pub(crate) fn note(text: &str) {
    // Where nobody listens, nobody is told.
    let _ = writeln!(anstream::stderr(), "{NOTE}{}{NOTE:#}", redacted(text));
}

fn labelled(label: &str, style: Style, text: &str) {
    let _ = writeln!(anstream::stderr(), "{style}{label}{style:#} {}", redacted(text));
}

/// Text as it may be shown, in progress too.
pub(crate) fn redacted(text: &str) -> String {
    match REDACTORS.try_read() {
        Ok(redactors) => clean(text, &redactors),
        Err(std::sync::TryLockError::Poisoned(poisoned)) => clean(text, &poisoned.into_inner()),
        // Only a panic in the very moment of a change gets here: better no words than a secret.
        Err(std::sync::TryLockError::WouldBlock) => "(the message cannot be shown)".to_owned(),
    }
}

/// The text without secrets, and without anything a terminal would obey.
pub(crate) fn clean(text: &str, redactors: &[Redactor]) -> String {
    let clean = redactors.iter().fold(text.to_owned(), |text, redactor| redactor.redact(&text));
    clean.chars().filter(|c| !c.is_control() || matches!(c, '\n' | '\t')).collect()
}

/// What looks like a secret: on the command line values of `-H`, anything `Name: value` and credentials of URLs, and
/// every header of the environment.
pub(crate) fn redactor_of(arguments: &[OsString], environment: Option<OsString>) -> Redactor {
    let mut redactor = Redactor::default();
    for line in environment.unwrap_or_default().to_string_lossy().lines() {
        add_header(&mut redactor, line);
    }
    let mut is_header = false;
    for argument in arguments.iter().skip(1) {
        let text = argument.to_string_lossy();
        let attached = text.strip_prefix("--header=").or_else(|| text.strip_prefix("-H"));
        match attached.filter(|value| !value.is_empty()) {
            Some(value) => add_header(&mut redactor, value),
            None if is_header => add_header(&mut redactor, &text),
            None => add_anything(&mut redactor, &text),
        }
        is_header = matches!(&*text, "-H" | "--header");
    }
    redactor
}

fn add_header(redactor: &mut Redactor, header: &str) {
    redactor.add(header.split_once(':').map_or(header, |(_, value)| value));
}

fn add_anything(redactor: &mut Redactor, text: &str) {
    if let Some((_, value)) = text.split_once(": ") {
        redactor.add(value);
    }
    // Not a URL: nothing to add. One that only looks like it may still carry a password.
    let parsed = Target::parse(text, redactor).is_ok();
    if let (false, Some((before, _))) = (parsed, text.rsplit_once('@')) {
        let credentials = before.rsplit_once("//").map_or(before, |(_, rest)| rest);
        redactor.add(credentials.split_once(':').map_or(credentials, |(_, password)| password));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whatever_looks_like_a_secret_on_the_command_line_is_cut_out() {
        let arguments = [
            "ratewarden",
            "scan",
            "http://ann:pass-one@h/a?api_key=pass-two",
            "-H",
            "Authorization: Bearer pass-three",
            "--header=x-key:pass-four",
            "-HX-Key: pass-five",
            "Cookie: id=pass-six",
            "http//ann:pass-seven@h/",
            "--header",
            "pass-eight",
        ];
        let redactor =
            redactor_of(&arguments.map(OsString::from), Some("X-A: pass-nine\nX-B: pass-ten".into()));
        let text = clean(&(arguments.join("\n") + "\npass-nine pass-ten"), &[redactor]);
        assert!(!text.contains("pass-"), "{text}");
        assert!(text.contains("ratewarden\nscan\n"), "{text}");
    }

    #[test]
    fn nothing_that_a_terminal_obeys_is_left() {
        assert_eq!(clean("a\u{1b}[31mb\u{7}\u{9b}c\r\nd", &[]), "a[31mbc\nd");
    }
}
