//! `ratewarden policy`: what can be said of a policy without running it, and one that is made from logs.

use std::path::Path;

use ratewarden_policy as policy;

use crate::cli::PolicyCommand;
use crate::errors::{Exit, Failure};
use crate::{output, suggest_command};

/// A policy that can be started as it is.
const STARTER: &str = include_str!("../assets/starter.toml");

pub(crate) async fn run(command: PolicyCommand) -> Result<Exit, Failure> {
    match command {
        PolicyCommand::Check { file } => check(&file),
        PolicyCommand::Suggest(arguments) => suggest_command::run(arguments.validate()?).await,
        PolicyCommand::Schema => {
            output::print(format!("{:#}\n", policy::schema()).as_bytes())?;
            Ok(Exit::Fine)
        }
        PolicyCommand::Example { full } => {
            output::print(if full { policy::EXAMPLE } else { STARTER }.as_bytes())?;
            Ok(Exit::Fine)
        }
    }
}

fn check(file: &Path) -> Result<Exit, Failure> {
    let text = std::fs::read_to_string(file).map_err(|error| {
        let hint = "`ratewarden policy example` prints a policy to begin with";
        Failure::new(Exit::Usage, error, hint).context(format!("cannot read {}", file.display()))
    })?;
    match policy::read(&text, file) {
        Ok(read) => {
            for warning in &read.warnings {
                crate::stderr::note(&format!("warning: {}", warning.show(file)));
            }
            output::print(format!("{}: fine, {}\n", file.display(), what_for(&read.policy)).as_bytes())?;
            Ok(Exit::Fine)
        }
        Err(mistakes) => {
            let count = mistakes.remarks().len() + mistakes.left_out();
            output::print(format!("{mistakes}\n").as_bytes())?;
            let what = if count == 1 { "1 mistake".to_owned() } else { format!("{count} mistakes") };
            crate::stderr::error(&format!("{what} in {}", file.display()));
            crate::stderr::hint("docs/policy.md lists every key; `ratewarden policy schema` is for editors");
            Ok(Exit::Usage)
        }
    }
}

/// What can be started with a policy.
fn what_for(policy: &policy::Policy) -> String {
    let count = |number: usize, what: &str| {
        let plural = if number == 1 { "" } else { "s" };
        format!("{number} {what}{plural}")
    };
    match policy.gateway {
        Some(_) => count(policy.limits.len(), "limit"),
        None => format!(
            "for watching only ({}): without [listen] and [upstream] no gateway starts with it",
            count(policy.detectors.len(), "detector")
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_policy_to_begin_with_has_neither_mistakes_nor_warnings() {
        let read = policy::read(STARTER, Path::new("/ratewarden.toml")).unwrap();
        assert!(read.warnings.is_empty(), "{:?}", read.warnings);
        assert_eq!(what_for(&read.policy), format!("{} limits", read.policy.limits.len()));
    }

    #[test]
    fn a_policy_for_watching_only_is_said_to_be_one() {
        let read = policy::read("[watch]\nlateness = \"1m\"\n", Path::new("/ratewarden.toml")).unwrap();
        let said = what_for(&read.policy);
        assert!(
            said.starts_with("for watching only (") && said.contains("no gateway starts with it"),
            "{said}"
        );
    }
}
