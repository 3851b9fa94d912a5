//! `ratewarden replay`: what a policy would have done to calls that were logged.

use std::path::{Path, PathBuf};

use clap::Args;
use clap::builder::{PossibleValuesParser, TypedValueParser};
use ratewarden_logs::Options;
use ratewarden_model::WatchedSource;
use ratewarden_report::Options as Page;
use ratewarden_watch::replay::{ReplayError, Source, pretty};
use ratewarden_watch::{Replay, ReplayReport};

use crate::errors::{Exit, Failure, REPORT};
use crate::logs_of::{self, FormArgs, Logs};
use crate::{files, output, policy_file, signals};

/// What `replay` can be told.
#[derive(Debug, Args)]
pub(crate) struct ReplayArgs {
    /// Logs, plain or compressed, in any of the known forms; `-` is the standard input. Several are read in the order of
    /// their first call.
    #[arg(value_name = "FILE")]
    files: Vec<PathBuf>,
    /// The policy that is tried. It need not be in force anywhere.
    #[arg(short, long, value_name = "FILE", default_value = "ratewarden.toml")]
    config: PathBuf,
    #[command(flatten)]
    form: FormArgs,
    /// How the report is printed.
    #[arg(long, value_name = "FORMAT", default_value = "pretty", value_parser = format(), help_heading = "Reports")]
    format: ReplayFormat,
    /// Write the report here too; the ending says how: .json or .txt. May be repeated.
    #[arg(short, long = "output", value_name = "FILE", help_heading = "Reports")]
    outputs: Vec<PathBuf>,
    /// Show no progress.
    #[arg(long, help_heading = "Reports")]
    no_progress: bool,
}

/// The formats of `replay`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum ReplayFormat {
    Pretty,
    Json,
}

/// What is to be replayed.
#[derive(Debug)]
pub(crate) struct ReplayJob {
    files: Vec<PathBuf>,
    config: PathBuf,
    options: Options,
    format: ReplayFormat,
    outputs: Vec<(PathBuf, ReplayFormat)>,
    progress: bool,
}

impl ReplayArgs {
    /// Everything that one look at the words can show to be wrong.
    pub(crate) fn validate(self) -> Result<ReplayJob, Failure> {
        let options = self.form.options()?;
        let outputs: Vec<_> = self.outputs.into_iter().map(output).collect::<Result<_, _>>()?;
        let files = logs_of::named(self.files)?;
        let mut taken: Vec<PathBuf> = files.iter().map(|path| files::resolved(path)).collect();
        taken.push(files::resolved(&self.config));
        for (path, _) in &outputs {
            let place = files::resolved(path);
            if taken.contains(&place) {
                return Err(Failure::usage(
                    format!(
                        "-o {} would be written over a file that is read, or over another -o",
                        path.display()
                    ),
                    "give each report a name of its own",
                ));
            }
            taken.push(place);
        }
        Ok(ReplayJob {
            files,
            config: self.config,
            options,
            format: self.format,
            outputs,
            progress: !self.no_progress,
        })
    }
}

/// Replays, and prints the report.
pub(crate) async fn run(job: ReplayJob) -> Result<Exit, Failure> {
    signals::unless_interrupted(|| async move { work(job) }).await
}

fn work(job: ReplayJob) -> Result<Exit, Failure> {
    let ReplayJob { files, config, options, format, outputs, progress } = job;
    let policy = policy_file::read(&config)?;
    for (path, _) in &outputs {
        output::check_writable(path)?;
    }
    let secret = policy_file::secret(Some(&policy))?;
    let mut replay = Replay::new(&policy, &secret).map_err(|error| cannot(error, &config))?;
    let options = logs_of::or_of_policy(options, &policy.watch)?;
    let read = Logs::new(files, options, progress).read("replaying", |call| {
        replay.see(call);
    });
    logs_of::tell_unreadable(&read.sources);
    let report = replay.finish().with_sources(read.sources.into_iter().map(source).collect());
    write(&report, format, &outputs)?;
    // Whoever relies on the figures must know that calls are missing in them; why was said.
    if read.failed { Err(Failure::said(Exit::Unreachable)) } else { Ok(Exit::Fine) }
}

fn source(read: WatchedSource) -> Source {
    let WatchedSource { name, form, lines, calls, unreadable, .. } = read;
    Source { name, form: form.unwrap_or_else(|| "no known form".to_owned()), lines, calls, unreadable }
}

fn cannot(error: ReplayError, config: &Path) -> Failure {
    let hint = format!("{} names what is wrong here; mend it and replay again", config.display());
    Failure::new(Exit::Usage, error, hint)
}

fn write(
    report: &ReplayReport,
    format: ReplayFormat,
    outputs: &[(PathBuf, ReplayFormat)],
) -> Result<(), Failure> {
    let mut first_failure = None;
    for (path, format) in outputs {
        let written =
            rendered(report, *format, &Page::default()).and_then(|text| output::write_file(path, &text));
        first_failure = first_failure.or(written.err());
    }
    let text = rendered(report, format, &Page::for_stdout())?;
    let printed = match format {
        ReplayFormat::Json => output::print(text.as_bytes()),
        ReplayFormat::Pretty => output::print_terminal(&text),
    };
    first_failure.or(printed.err()).map_or(Ok(()), Err)
}

fn rendered(report: &ReplayReport, format: ReplayFormat, page: &Page) -> Result<String, Failure> {
    match format {
        ReplayFormat::Pretty => Ok(pretty(report, page)),
        ReplayFormat::Json => report.to_json().map_err(|error| Failure::new(Exit::Panicked, error, REPORT)),
    }
}

fn output(path: PathBuf) -> Result<(PathBuf, ReplayFormat), Failure> {
    let ending = path.extension().and_then(|ending| ending.to_str()).map(str::to_ascii_lowercase);
    match ending.as_deref() {
        Some("json") => Ok((path, ReplayFormat::Json)),
        Some("txt") => Ok((path, ReplayFormat::Pretty)),
        _ => Err(Failure::usage(
            format!("the ending of `{}` names no format", path.display()),
            "end the name of -o with .json or .txt",
        )),
    }
}

fn format() -> impl TypedValueParser<Value = ReplayFormat> {
    PossibleValuesParser::new(["pretty", "json"])
        .map(|word| if word == "json" { ReplayFormat::Json } else { ReplayFormat::Pretty })
}
