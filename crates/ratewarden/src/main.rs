//! The binary: takes the command line apart, hands it to one command, and turns the outcome into an exit code.
//!
//! Everything that knows something lives in a room of the workspace or in a module below; what is left here is the
//! order in which things happen. The panic hook and the redactor come first, so that nothing is ever printed
//! without them. Exit codes are those of [`errors::Exit`], the same for every command.

mod baseline;
mod cli;
mod demo_command;
mod errors;
mod expect;
mod files;
mod gate;
mod guard_command;
mod headers;
mod key_command;
mod logs_of;
mod output;
mod penalty_command;
mod policy_command;
mod policy_file;
mod policy_out;
mod progress;
mod replay_command;
mod rules_command;
mod scan_args;
mod scan_command;
mod signals;
mod stderr;
mod suggest_command;
mod watch_args;
mod watch_command;

use std::ffi::OsString;
use std::future::Future;
use std::process::ExitCode;

use clap::{CommandFactory as _, Parser as _};

use cli::{Cli, Command};
use errors::{Exit, Failure};

fn main() -> ExitCode {
    errors::install_panic_hook();
    let arguments: Vec<OsString> = std::env::args_os().collect();
    stderr::redact_with(stderr::redactor_of(&arguments, std::env::var_os(headers::VARIABLE)));
    let exit = match Cli::try_parse_from(&arguments) {
        Ok(cli) => dispatch(cli.command).unwrap_or_else(|failure| failure.print()),
        Err(error) => errors::usage(&error, &arguments),
    };
    // A panic that a task swallowed was printed; a result that rests on it must not look fine.
    if errors::has_panicked() { Exit::Panicked.into() } else { exit.into() }
}

fn dispatch(command: Command) -> Result<Exit, Failure> {
    match command {
        Command::Scan(arguments) => {
            let job = arguments.validate(std::env::var_os(headers::VARIABLE))?;
            block_on(scan_command::run(job))
        }
        Command::Watch(arguments) => block_on(watch_command::run(arguments.validate()?)),
        Command::Replay(arguments) => block_on(replay_command::run(arguments.validate()?)),
        Command::Guard(arguments) => block_on(guard_command::run(arguments)),
        Command::Key { command } => key_command::run(command),
        Command::Penalty { command } => block_on(penalty_command::run(command)),
        Command::Policy { command } => block_on(policy_command::run(command)),
        Command::Demo(arguments) => block_on(demo_command::run(arguments)),
        Command::Rules(arguments) => rules_command::run(&arguments),
        Command::Completions { shell } => completions(shell),
        Command::Man { command } => man(command.as_deref()),
    }
}

fn block_on(command: impl Future<Output = Result<Exit, Failure>>) -> Result<Exit, Failure> {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().map_err(|error| {
        Failure::new(
            Exit::Unreachable,
            error,
            "the system gave no threads; try again with fewer programs running",
        )
        .context("cannot start the runtime")
    })?;
    let outcome = runtime.block_on(command);
    // A name lookup that hangs must not hold the program up.
    runtime.shutdown_background();
    outcome
}

fn completions(shell: clap_complete::Shell) -> Result<Exit, Failure> {
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut Cli::command(), "ratewarden", &mut script);
    output::print(&script)?;
    Ok(Exit::Fine)
}

fn man(command: Option<&str>) -> Result<Exit, Failure> {
    let mut program = Cli::command();
    // Building gives the commands their full names, `ratewarden scan`.
    program.build();
    let page = match command {
        None => program,
        Some(name) => program.find_subcommand(name).cloned().ok_or_else(|| {
            let names: Vec<_> = program.get_subcommands().map(clap::Command::get_name).collect();
            Failure::usage(
                format!("there is no command `{name}`"),
                format!("the commands are {}", names.join(", ")),
            )
        })?,
    };
    let mut text = Vec::new();
    clap_mangen::Man::new(page).render(&mut text).map_err(|error| {
        Failure::new(Exit::Usage, error, errors::REPORT).context("the manual page could not be written")
    })?;
    output::print(&text)?;
    Ok(Exit::Fine)
}
