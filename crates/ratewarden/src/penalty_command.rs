//! `ratewarden penalty`: bans of a running gateway, listed, imposed and lifted by an operator.
//!
//! The token comes from a file or the environment, never from the command line, which every user of a machine can read.

use std::path::Path;

use ratewarden_guard::{NewPenalty, Operator, OperatorError, Penalties, Penalty};

use crate::cli::{AdminArgs, PenaltyCommand, RulesFormat, Whom};
use crate::errors::{Exit, Failure};
use crate::{output, stderr};

/// The environment variable with the admin token.
const VARIABLE: &str = "RATEWARDEN_ADMIN_TOKEN";

/// The most bytes of a token: a larger file is another one.
const LONGEST_TOKEN: u64 = 4_096;

pub(crate) async fn run(command: PenaltyCommand) -> Result<Exit, Failure> {
    match command {
        PenaltyCommand::List { admin, format } => {
            let found = operator(&admin)?.penalties().await.map_err(failure)?;
            let text = match format {
                RulesFormat::Json => serde_json::to_string_pretty(&found)
                    .map_err(|error| Failure::new(Exit::Panicked, error, crate::errors::REPORT))?,
                RulesFormat::Pretty => table(&found),
            };
            output::print(format!("{}\n", text.trim_end()).as_bytes())?;
        }
        PenaltyCommand::Add { admin, whom, lasts, reason } => {
            let Whom { caller, address, id } = whom;
            let wanted = NewPenalty { caller, address, id, lasts, reason, finding: None, extend_only: false };
            let added = operator(&admin)?.add_penalty(&wanted).await.map_err(failure)?;
            let text = format!("{} is banned until {}: {}", shown(&added), added.until, added.id);
            output::print(format!("{}\n", clean(&text)).as_bytes())?;
        }
        PenaltyCommand::Lift { admin, id } => {
            operator(&admin)?.lift_penalty(&id).await.map_err(failure)?;
            output::print(format!("lifted: {}\n", clean(&id)).as_bytes())?;
        }
    }
    Ok(Exit::Fine)
}

/// Whoever is banned, as far as that is known.
fn shown(penalty: &Penalty) -> String {
    let label = penalty.label.as_deref().unwrap_or("(known by its id alone)");
    format!("{} {label}", penalty.kind)
}

/// A line for each.
fn table(found: &Penalties) -> String {
    if found.penalties.is_empty() {
        return "nobody is banned".to_owned();
    }
    let whom: Vec<String> = found.penalties.iter().map(|penalty| clean(&shown(penalty))).collect();
    let widest = whom.iter().map(|whom| whom.chars().count()).max().unwrap_or_default();
    let mut text = String::new();
    for (penalty, whom) in found.penalties.iter().zip(&whom) {
        let why = match (&penalty.rule, &penalty.reason) {
            (Some(rule), _) => rule.clone(),
            (None, Some(reason)) if !reason.is_empty() => format!("by an operator: {reason}"),
            (None, _) => "by an operator".to_owned(),
        };
        let times = if penalty.times == 1 { String::new() } else { format!(" (time {})", penalty.times) };
        let Penalty { id, until, .. } = penalty;
        text.push_str(&format!("{}  {}  {whom:widest$}  {}{times}\n", clean(id), clean(until), clean(&why)));
    }
    let left_out = found.total.saturating_sub(found.penalties.len());
    if left_out > 0 {
        text.push_str(&format!("and {left_out} that end sooner\n"));
    }
    text
}

/// What a terminal is not to obey: names are the callers' own.
fn clean(text: &str) -> String {
    stderr::clean(text, &[]).replace(['\n', '\t'], " ")
}

fn operator(admin: &AdminArgs) -> Result<Operator, Failure> {
    let authority = authority(&admin.admin)?;
    let token = token(admin.token_file.as_deref())?;
    Operator::new(&authority, token.as_deref()).map_err(failure)
}

/// The host and port of a URL.
fn authority(text: &str) -> Result<String, Failure> {
    let hint = "give the admin listener as http://HOST:PORT, such as http://127.0.0.1:9090";
    let wrong = |what: &str| Failure::usage(format!("the URL of --admin {what}"), hint);
    let url = url::Url::parse(text).map_err(|error| wrong(&format!("cannot be read: {error}")))?;
    if url.scheme() != "http" {
        return Err(wrong("does not begin with http://; the admin listener has no TLS of its own"));
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err(wrong("has a user or a password"));
    }
    if !matches!(url.path(), "" | "/") || url.query().is_some() || url.fragment().is_some() {
        return Err(wrong("has more than a host and a port"));
    }
    let host = url.host_str().ok_or_else(|| wrong("has no host"))?;
    Ok(format!("{host}:{}", url.port_or_known_default().unwrap_or(80)))
}

fn token(file: Option<&Path>) -> Result<Option<String>, Failure> {
    let (from, text) = match file {
        Some(path) => {
            let failed = |error: std::io::Error| {
                Failure::new(Exit::Usage, error, "name the file that `[admin]` of the policy names")
                    .context(format!("cannot read the token {}", path.display()))
            };
            let length = std::fs::metadata(path).map_err(failed)?.len();
            if length > LONGEST_TOKEN {
                return Err(failed(std::io::Error::other(format!("it has {length} bytes"))));
            }
            (path.display().to_string(), std::fs::read_to_string(path).map_err(failed)?)
        }
        None => match std::env::var(VARIABLE) {
            Ok(text) => (VARIABLE.to_owned(), text),
            Err(std::env::VarError::NotPresent) => return Ok(None),
            Err(std::env::VarError::NotUnicode(_)) => {
                return Err(Failure::usage(format!("{VARIABLE} is not UTF-8"), "write the token into it"));
            }
        },
    };
    match text.trim_end() {
        "" => Err(Failure::usage(format!("the token of {from} is empty"), "write the token into it")),
        token => Ok(Some(token.to_owned())),
    }
}

fn failure(error: OperatorError) -> Failure {
    let (exit, hint) = match &error {
        OperatorError::Token => (Exit::Usage, "a token is visible ASCII characters on one line".to_owned()),
        OperatorError::Connect { .. } | OperatorError::Slow(_) => (
            Exit::Unreachable,
            "`listen.admin` of the policy says where the gateway's admin listener is".to_owned(),
        ),
        OperatorError::Refused { status: 401, .. } => (
            Exit::Usage,
            format!("give the token of the policy's `[admin]` with --token-file or in {VARIABLE}"),
        ),
        OperatorError::Refused { status: 404, .. } => {
            (Exit::Failed, "`ratewarden penalty list` shows the bans in force with their ids".to_owned())
        }
        OperatorError::Refused { status: 400..500, .. } => {
            (Exit::Usage, "`ratewarden penalty add --help` says what can be given".to_owned())
        }
        OperatorError::Refused { .. } => (Exit::Unreachable, "docs/admin.md says what that means".to_owned()),
        OperatorError::Strange { .. } => {
            (Exit::Unreachable, "`listen.admin` of the policy says where the admin listener is".to_owned())
        }
    };
    Failure::new(exit, error, hint)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_host_and_a_port_are_an_admin_listener() {
        for (text, expected) in [
            ("http://127.0.0.1:9090", "127.0.0.1:9090"),
            ("http://[::1]:9090/", "[::1]:9090"),
            ("http://gateway.test", "gateway.test:80"),
        ] {
            assert_eq!(authority(text).unwrap(), expected);
        }
        for (text, what) in [
            ("127.0.0.1:9090", "cannot be read"),
            ("https://gateway.test", "no TLS"),
            ("http://a:sekrit@gateway.test", "a user or a password"),
            ("http://gateway.test/v1", "more than a host and a port"),
        ] {
            let said = authority(text).unwrap_err().text();
            assert!(said.contains(what) && !said.contains("sekrit"), "{said}");
        }
    }

    #[test]
    fn a_name_cannot_drive_the_terminal() {
        let penalty = Penalty {
            id: "0".repeat(32),
            kind: "caller".to_owned(),
            label: Some("\u{1b}[2Jann\nbob".to_owned()),
            rule: Some("again".to_owned()),
            reason: None,
            until: "2026-01-01T00:00:00Z".to_owned(),
            seconds_left: 60,
            times: 2,
        };
        let text = table(&Penalties { penalties: vec![penalty], total: 3 });
        assert!(text.contains("caller [2Jann bob  again (time 2)") && !text.contains('\u{1b}'), "{text}");
        assert!(text.ends_with("and 2 that end sooner\n"), "{text}");
    }
}
