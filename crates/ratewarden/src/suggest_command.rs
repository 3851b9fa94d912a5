//! `ratewarden policy suggest`: limits from what callers really do.

use std::path::{Path, PathBuf};

use clap::Args;
use clap::builder::{PossibleValuesParser, TypedValueParser};
use ratewarden_logs::Options;
use ratewarden_policy::Mistakes;
use ratewarden_watch::suggest::{Options as Wanted, SuggestError, SuggestReport};
use ratewarden_watch::{Suggest, Suggestion};

use crate::errors::{Exit, Failure, REPORT};
use crate::logs_of::{self, FormArgs, Logs};
use crate::{files, output, policy_file, signals, stderr};

/// What `policy suggest` can be told.
#[derive(Debug, Args)]
pub(crate) struct SuggestArgs {
    /// Logs, plain or compressed, in any of the known forms; `-` is the standard input, of which the limits cannot be
    /// measured. Several are read in the order of their first call.
    #[arg(value_name = "FILE")]
    files: Vec<PathBuf>,
    #[command(flatten)]
    form: FormArgs,
    /// The server that the gateway is to stand before.
    #[arg(long, value_name = "URL", help_heading = "What is suggested")]
    upstream: Option<String>,
    /// How callers are known before their address: header:x-api-key, bearer, basic or cookie:NAME. May be repeated; the
    /// first that is there counts.
    #[arg(long = "caller", value_name = "FROM", help_heading = "What is suggested")]
    callers: Vec<String>,
    /// By how much limits are above what nearly all callers do, 1 to 100. From 2 on none of these callers is rejected.
    #[arg(long, value_name = "FACTOR", default_value = "2.0", value_parser = headroom, help_heading = "What is suggested")]
    headroom: f64,
    /// What is printed: the policy, or a document with the figures it is made of.
    #[arg(long, value_name = "FORMAT", default_value = "toml", value_parser = format(), help_heading = "Reports")]
    format: SuggestFormat,
    /// Write the policy here.
    #[arg(short, long, value_name = "FILE", help_heading = "Reports")]
    output: Option<PathBuf>,
    /// Replace the file of -o if it is there.
    #[arg(long, requires = "output", help_heading = "Reports")]
    force: bool,
    /// Show no progress.
    #[arg(long, help_heading = "Reports")]
    no_progress: bool,
}

/// The formats of `policy suggest`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum SuggestFormat {
    Toml,
    Json,
}

/// What is to be suggested.
#[derive(Debug)]
pub(crate) struct SuggestJob {
    files: Vec<PathBuf>,
    options: Options,
    wanted: Wanted,
    format: SuggestFormat,
    output: Option<PathBuf>,
    force: bool,
    progress: bool,
}

impl SuggestArgs {
    /// Everything that one look at the words can show to be wrong.
    pub(crate) fn validate(self) -> Result<SuggestJob, Failure> {
        let options = self.form.options()?;
        let files = logs_of::named(self.files)?;
        if let Some(path) = &self.output {
            let place = files::resolved(path);
            if files.iter().any(|read| files::resolved(read) == place) {
                return Err(Failure::usage(
                    format!("-o {} would be written over a log that is read", path.display()),
                    "give the policy a name of its own",
                ));
            }
        }
        let usual = Wanted::default();
        Ok(SuggestJob {
            files,
            options,
            wanted: Wanted {
                upstream: self.upstream.unwrap_or(usual.upstream),
                callers: self.callers,
                headroom: self.headroom,
                ..Wanted::default()
            },
            format: self.format,
            output: self.output,
            force: self.force,
            progress: !self.no_progress,
        })
    }
}

/// Suggests, and prints the policy.
pub(crate) async fn run(job: SuggestJob) -> Result<Exit, Failure> {
    signals::unless_interrupted(|| async move { work(job) }).await
}

fn work(job: SuggestJob) -> Result<Exit, Failure> {
    let SuggestJob { files, options, wanted, format, output, force, progress } = job;
    if let Some(path) = &output {
        may_be_written(path, force)?;
    }
    let secret = policy_file::secret(None)?;
    let mut first = Suggest::new(wanted, &secret).map_err(cannot)?;
    let mut logs = Logs::new(files, options, progress);
    let read = logs.read("measuring", |call| first.see(call));
    logs_of::tell_unreadable(&read.sources);
    let suggestion = match first.finish() {
        // That no log could be read was said, and is why.
        Err(SuggestError::Nobody) if read.failed => return Err(Failure::said(Exit::Unreachable)),
        finished => finished.map_err(cannot)?,
    };
    let report = if logs.can_be_read_again() {
        measured(suggestion, &mut logs, &secret)?
    } else {
        stderr::note(
            "what stands in a pipe can be read once, so it is not measured what these limits would have rejected: \
             name files to have it measured",
        );
        suggestion.report().clone()
    };
    write(&report, format, output.as_deref())?;
    // Whoever relies on the figures must know that calls are missing in them; why was said.
    if read.failed { Err(Failure::said(Exit::Unreachable)) } else { Ok(Exit::Fine) }
}

/// The second pass.
fn measured(suggestion: Suggestion, logs: &mut Logs, secret: &[u8; 16]) -> Result<SuggestReport, Failure> {
    let mut replay = suggestion.replay(secret).map_err(cannot)?;
    logs.read("replaying", |call| {
        replay.see(call);
    });
    suggestion.measured(&replay.finish()).map_err(cannot)
}

fn may_be_written(path: &Path, force: bool) -> Result<(), Failure> {
    let is_there = std::fs::symlink_metadata(path).is_ok();
    // A pipe or a device is no policy that somebody could lose.
    let is_kept = is_there && std::fs::metadata(path).map_or(true, |found| found.is_file());
    if is_kept && !force {
        return Err(Failure::usage(
            format!("`{}` is there already", path.display()),
            "--force replaces it; or name another file",
        ));
    }
    output::check_writable(path)
}

fn write(report: &SuggestReport, format: SuggestFormat, path: Option<&Path>) -> Result<(), Failure> {
    if let Some(path) = path {
        output::write_file(path, &report.policy)?;
    }
    match (format, path) {
        (SuggestFormat::Json, _) => {
            let text = report.to_json().map_err(|error| Failure::new(Exit::Panicked, error, REPORT))?;
            output::print(text.as_bytes())
        }
        (SuggestFormat::Toml, None) => output::print(report.policy.as_bytes()),
        (SuggestFormat::Toml, Some(path)) => output::print(summary(report, path).as_bytes()),
    }
}

/// What stands in the file, in a line each.
fn summary(report: &SuggestReport, path: &Path) -> String {
    let plural = |count: u64, what: &str| format!("{count} {what}{}", if count == 1 { "" } else { "s" });
    let limits = plural(report.limits.len() as u64, "limit");
    let mut text = format!("{}: {limits} from {}\n", path.display(), plural(report.calls, "call"));
    for limit in &report.limits {
        let touched = match (limit.callers_touched, limit.callers, limit.calls_touched) {
            (Some(0), ..) => "would have rejected nothing".to_owned(),
            (Some(touched), Some(of), Some(calls)) => {
                let (calls, of) = (plural(calls, "call"), plural(of, "caller"));
                format!("would have rejected {calls}, of {touched} of {of}")
            }
            _ => "not measured".to_owned(),
        };
        text.push_str(&format!("  {}: {}, burst {}; {touched}\n", limit.name, limit.rate, limit.burst));
    }
    ratewarden_report::clean(&text)
}

fn cannot(error: SuggestError) -> Failure {
    match error {
        SuggestError::Mistakes(mistakes) => Failure::usage(said(&mistakes), hint_of(&mistakes)),
        SuggestError::Nobody => Failure::usage(
            error,
            "a line must say its client's address, or hold a credential that --caller names; --log-format says \
             what stands where",
        ),
        SuggestError::Replay(_) => Failure::new(Exit::Panicked, error, REPORT),
    }
}

/// Mistakes of a policy that nobody has written yet are those of the words on the command line.
fn said(mistakes: &Mistakes) -> String {
    let of_flags = mistakes.remarks().iter().map(|remark| {
        let flag = match remark.key.as_str() {
            key if key.starts_with("upstream") => "--upstream",
            key if key.starts_with("caller") => "--caller",
            key => key,
        };
        format!("{flag}: {}", remark.message)
    });
    of_flags.collect::<Vec<_>>().join("; ")
}

fn hint_of(mistakes: &Mistakes) -> String {
    let hints = mistakes.remarks().iter().find_map(|remark| remark.hint.clone());
    hints.unwrap_or_else(|| "`ratewarden policy suggest --help` says what can be given".to_owned())
}

fn headroom(text: &str) -> Result<f64, String> {
    let number: f64 = text.parse().map_err(|_| "write a number from 1 to 100, such as 2.0".to_owned())?;
    if (1.0..=100.0).contains(&number) {
        Ok(number)
    } else {
        Err("it is 1 at least and 100 at most".to_owned())
    }
}

fn format() -> impl TypedValueParser<Value = SuggestFormat> {
    PossibleValuesParser::new(["toml", "json"])
        .map(|word| if word == "json" { SuggestFormat::Json } else { SuggestFormat::Toml })
}
