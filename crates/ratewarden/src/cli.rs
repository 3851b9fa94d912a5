//! The command line: every command and what can be given to it.
//!
//! Flags only say what is asked; they do nothing. What one word can show to be wrong is refused here by clap, the rest
//! in `validate` of each command. Nothing that can hold a secret has a value parser, for clap repeats what it refuses.

use std::path::PathBuf;

use clap::builder::styling::{AnsiColor, Styles};
use clap::builder::{PossibleValuesParser, TypedValueParser};
use clap::{Args, Parser, Subcommand};

use crate::replay_command::ReplayArgs;
use crate::scan_args::ScanArgs;
use crate::suggest_command::SuggestArgs;
use crate::watch_args::WatchArgs;

const STYLES: Styles = Styles::styled()
    .header(AnsiColor::Green.on_default().bold())
    .usage(AnsiColor::Green.on_default().bold())
    .literal(AnsiColor::Cyan.on_default().bold())
    .placeholder(AnsiColor::Cyan.on_default());

const EXIT_CODES: &str = "Exit codes: 0 fine · 1 findings at or over the threshold, or a check failed · 2 usage or \
                          configuration · 3 target not reachable, or stopped to protect it · 130 interrupted";

/// Finds out what stands between an API and rate abuse, and how to mend what is missing.
#[derive(Debug, Parser)]
#[command(name = "ratewarden", version, styles = STYLES, after_help = EXIT_CODES, max_term_width = 100)]
pub(crate) struct Cli {
    #[command(subcommand)]
    pub(crate) command: Command,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Scan a URL: a score, the limiter behind it, what is wrong and what mends it.
    #[command(after_help = EXIT_CODES)]
    Scan(Box<ScanArgs>),
    /// Watch logs: who abuses what, with the numbers.
    #[command(after_help = EXIT_CODES)]
    Watch(Box<WatchArgs>),
    /// Say what a policy would have done to calls that were logged: per limit how many, and whose.
    #[command(after_help = EXIT_CODES)]
    Replay(Box<ReplayArgs>),
    /// Run the gateway: callers over their limits get a 429, everybody else notices nothing.
    #[command(after_help = EXIT_CODES)]
    Guard(GuardArgs),
    /// Check a policy, have one suggested from logs, or print the schema or an example.
    Policy {
        #[command(subcommand)]
        command: PolicyCommand,
    },
    /// Make, list and remove the keys that callers have.
    #[command(after_help = EXIT_CODES)]
    Key {
        #[command(subcommand)]
        command: KeyCommand,
    },
    /// List, impose and lift bans of a running gateway, through its admin listener.
    #[command(after_help = EXIT_CODES)]
    Penalty {
        #[command(subcommand)]
        command: PenaltyCommand,
    },
    /// Everything, on this machine, in a good minute: a weak API is scanned, put behind the gateway with the policy
    /// that the findings ask for, scanned again, and attacked.
    Demo(DemoArgs),
    /// List the rules, or explain one.
    Rules(RulesArgs),
    /// Print the completions for a shell.
    Completions {
        /// The shell.
        shell: clap_complete::Shell,
    },
    /// Print the manual page, of the program or of one command.
    Man {
        /// The command.
        command: Option<String>,
    },
}

/// What `guard` can be told.
#[derive(Debug, Args)]
pub(crate) struct GuardArgs {
    /// The policy; it is read again on SIGHUP and when the file changes.
    #[arg(short, long, value_name = "FILE", default_value = "ratewarden.toml")]
    pub(crate) config: PathBuf,
    /// Take the listeners of the gateway that runs with this policy file, which then drains and ends: a restart that
    /// refuses nobody.
    #[arg(long)]
    pub(crate) take_over: bool,
    /// What is logged to stderr: error, warn, info, debug or trace.
    #[arg(long, value_name = "LEVEL", default_value = "info", value_parser = ["error", "warn", "info", "debug", "trace"])]
    pub(crate) log: String,
}

/// Which file of keys is meant.
#[derive(Debug, Args)]
pub(crate) struct KeyFileArgs {
    /// The file of hashed keys; without it the one that a caller of the policy names by `keys`.
    #[arg(long, value_name = "FILE")]
    pub(crate) file: Option<PathBuf>,
    /// The policy that names the file; it is not read when --file is given.
    #[arg(short, long, value_name = "FILE", default_value = "ratewarden.toml")]
    pub(crate) config: PathBuf,
}

/// What `key` can do.
#[derive(Debug, Subcommand)]
pub(crate) enum KeyCommand {
    /// Make a random key and print it, this once: the file keeps its hash only.
    New {
        /// Whose key it is: the name under which its calls are counted and shown.
        name: String,
        /// The plan of this caller.
        #[arg(long, value_name = "PLAN")]
        plan: Option<String>,
        #[command(flatten)]
        file: KeyFileArgs,
    },
    /// List who has a key, and with which plan.
    List {
        #[command(flatten)]
        file: KeyFileArgs,
        /// How it is printed.
        #[arg(long, value_name = "FORMAT", default_value = "pretty", value_parser = rules_format())]
        format: RulesFormat,
    },
    /// Remove a key.
    Remove {
        /// Whose key.
        name: String,
        #[command(flatten)]
        file: KeyFileArgs,
    },
}

/// Where the gateway's admin listener is, and what opens it.
#[derive(Debug, Args)]
pub(crate) struct AdminArgs {
    /// The admin listener, such as http://127.0.0.1:9090.
    #[arg(long, value_name = "URL")]
    pub(crate) admin: String,
    /// File with the admin token; without it the environment variable RATEWARDEN_ADMIN_TOKEN is used, if it is there.
    #[arg(long, value_name = "FILE")]
    pub(crate) token_file: Option<PathBuf>,
}

/// What `penalty` can do.
#[derive(Debug, Subcommand)]
pub(crate) enum PenaltyCommand {
    /// List the bans in force, those that last longest first.
    List {
        #[command(flatten)]
        admin: AdminArgs,
        /// How they are printed.
        #[arg(long, value_name = "FORMAT", default_value = "pretty", value_parser = rules_format())]
        format: RulesFormat,
    },
    /// Ban a caller or an address for a while.
    Add {
        #[command(flatten)]
        admin: AdminArgs,
        #[command(flatten)]
        whom: Whom,
        /// For how long, such as 10m or 24h.
        #[arg(long = "for", value_name = "DURATION")]
        lasts: String,
        /// Why, for other operators; the banned one is not told.
        #[arg(long, value_name = "TEXT")]
        reason: Option<String>,
    },
    /// Lift a ban and forget that it was; a further offence bans again.
    Lift {
        #[command(flatten)]
        admin: AdminArgs,
        /// Its id, as `penalty list` shows it.
        id: String,
    },
}

/// Who is to be banned.
#[derive(Debug, Args)]
#[group(required = true, multiple = false)]
pub(crate) struct Whom {
    /// The caller of this name: the owner of a key, or one that an application names.
    #[arg(long, value_name = "NAME")]
    pub(crate) caller: Option<String>,
    /// A client's address; IPv6 with its whole network, as the policy counts it.
    #[arg(long, value_name = "ADDRESS")]
    pub(crate) address: Option<std::net::IpAddr>,
    /// Any other caller, by the id that the gateway shows.
    #[arg(long, value_name = "ID")]
    pub(crate) id: Option<String>,
}

/// What `policy` can do.
#[derive(Debug, Subcommand)]
pub(crate) enum PolicyCommand {
    /// Say everything that is wrong with a policy, each mistake with its place; exit code 2 if anything is.
    Check {
        /// The policy.
        #[arg(value_name = "FILE", default_value = "ratewarden.toml")]
        file: PathBuf,
    },
    /// Print the JSON Schema of policies, for editors.
    Schema,
    /// Write a policy whose limits are what callers really do, with head-room: read from logs, and measured on them.
    #[command(after_help = EXIT_CODES)]
    Suggest(Box<SuggestArgs>),
    /// Print a policy to begin with.
    Example {
        /// One that shows every key instead.
        #[arg(long)]
        full: bool,
    },
}

/// What `demo` can be told.
#[derive(Debug, Args)]
pub(crate) struct DemoArgs {
    /// End after the attack, instead of leaving the API and the gateway up until Ctrl-C.
    #[arg(long)]
    pub(crate) once: bool,
    /// The port of the weak API on 127.0.0.1; 0 takes a free one.
    #[arg(long, value_name = "N", default_value_t = 0)]
    pub(crate) port: u16,
    /// Write the report of the weak API here, in the format of the ending, instead of HTML in a temporary folder.
    #[arg(short, long, value_name = "FILE")]
    pub(crate) output: Option<PathBuf>,
    /// Write the policy here, and its file of keys beside it, instead of to a temporary folder.
    #[arg(long, value_name = "FILE")]
    pub(crate) policy_out: Option<PathBuf>,
    /// How long the attack lasts, 1s to 10m; without the gateway it is repeated for half of that.
    #[arg(long, value_name = "DURATION", default_value = "10s")]
    pub(crate) attack_time: String,
}

/// What `rules` can be told.
#[derive(Debug, Args)]
pub(crate) struct RulesArgs {
    /// The rule to explain, such as scan.no-limit.
    pub(crate) id: Option<String>,
    /// How it is printed.
    #[arg(long, value_name = "FORMAT", default_value = "pretty", value_parser = rules_format())]
    pub(crate) format: RulesFormat,
}

/// The formats of `rules`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum RulesFormat {
    Pretty,
    Json,
}

fn rules_format() -> impl TypedValueParser<Value = RulesFormat> {
    PossibleValuesParser::new(["pretty", "json"])
        .map(|word| if word == "json" { RulesFormat::Json } else { RulesFormat::Pretty })
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;

    use super::*;

    #[test]
    fn the_command_line_is_well_formed() {
        Cli::command().debug_assert();
    }

    #[test]
    fn every_flag_says_what_it_does() {
        let program = Cli::command();
        for command in program.get_subcommands() {
            for argument in command.get_arguments() {
                assert!(argument.get_help().is_some(), "{} {}", command.get_name(), argument.get_id());
            }
        }
    }
}
