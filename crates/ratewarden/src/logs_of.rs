//! Logs, read in the order of time and given call by call: for commands that look at calls and not at findings.
//!
//! How logs of one time are read side by side stands in `pass`. A second pass sees what the first one saw: the same files in the same order, each up to the line that was its last.

mod pass;

use std::path::{Path, PathBuf};

use clap::Args;
use ratewarden_logs::{Mistake, Options, Reader};
use ratewarden_model::{Call, WatchedSource};
use ratewarden_policy::Watch;
use ratewarden_watch::Reason;
use ratewarden_watch::source::in_time_order;

use crate::errors::Failure;
use crate::progress::Progress;
use crate::stderr;
use pass::{Pass, next, time_of};

/// Reasons that are named for each source, and sources.
const TOLD: (usize, usize) = (3, 10);

/// What lines are, where it is not to be found out.
#[derive(Debug, Args)]
pub(crate) struct FormArgs {
    /// The form of the lines, where it is not to be found out: the name of a known form, or an nginx `log_format` such as
    /// '$remote_addr - $remote_user [$time_local] "$request" $status $body_bytes_sent'.
    #[arg(long, value_name = "FORM", help_heading = "What is read")]
    log_format: Option<String>,
    /// Which fields of JSON lines are what, such as time=ts,address=client.ip,status=code.
    #[arg(long, value_name = "MAP", help_heading = "What is read")]
    json_fields: Option<String>,
    /// The year of dates that have none, as those of syslog.
    #[arg(long, value_name = "YEAR", value_parser = clap::value_parser!(i16).range(1970..=9999), help_heading = "What is read")]
    year: Option<i16>,
    /// The zone of dates that have none, as those of HAProxy, syslog and nginx's error log: hours and minutes east of UTC, such
    /// as +02:00. Without it they are taken for UTC.
    #[arg(long, value_name = "OFFSET", allow_hyphen_values = true, help_heading = "What is read")]
    utc_offset: Option<String>,
}

impl FormArgs {
    /// How lines are read. Where the command line says nothing of their form, `watch` of a policy does.
    pub(crate) fn options(&self) -> Result<Options, Failure> {
        let mut options = Options { year: self.year, ..Options::default() };
        if let Some(text) = &self.log_format {
            options.parse_log_format(text).map_err(|mistake| wrong("--log-format", &mistake))?;
        }
        if let Some(text) = &self.json_fields {
            options.parse_json_fields(text).map_err(|mistake| wrong("--json-fields", &mistake))?;
        }
        if let Some(text) = &self.utc_offset {
            options.parse_utc_offset(text).map_err(|mistake| wrong("--utc-offset", &mistake))?;
        }
        Ok(options)
    }
}

/// Takes the form of a policy's logs where nothing else was said.
pub(crate) fn or_of_policy(mut options: Options, watch: &Watch) -> Result<Options, Failure> {
    let is_said = options.form.is_some() || options.log_format.is_some() || options.json_fields.is_some();
    if let (false, Some(text)) = (is_said, &watch.log_format) {
        options.parse_log_format(text).map_err(|mistake| wrong("watch.log-format", &mistake))?;
    }
    if let (false, Some(text)) = (is_said, &watch.json_fields) {
        options.parse_json_fields(text).map_err(|mistake| wrong("watch.json-fields", &mistake))?;
    }
    Ok(options)
}

fn wrong(what: &str, mistake: &Mistake) -> Failure {
    let hint = mistake.advice().map_or_else(
        || "docs/logs.md shows every form and how formats are written".to_owned(),
        str::to_owned,
    );
    Failure::usage(format!("{what}: {mistake}"), hint)
}

/// The files that were named; none is the standard input, unless somebody sits there.
pub(crate) fn named(mut files: Vec<PathBuf>) -> Result<Vec<PathBuf>, Failure> {
    if files.is_empty() {
        if std::io::IsTerminal::is_terminal(&std::io::stdin()) {
            return Err(Failure::usage(
                "no log is named",
                "name one, such as /var/log/nginx/access.log, or give lines by the standard input",
            ));
        }
        files.push(PathBuf::from("-"));
    }
    Ok(files)
}

/// Logs to be read.
#[derive(Debug)]
pub(crate) struct Logs {
    files: Vec<Log>,
    options: Options,
    progress: bool,
}

#[derive(Debug)]
struct Log {
    path: PathBuf,
    /// The time of its first call, in milliseconds since 1970, where it was found.
    first_ms: Option<i64>,
    /// Lines of the first pass; `None` before it.
    lines: Option<u64>,
}

/// What was read.
#[derive(Debug, Default)]
pub(crate) struct ReadLogs {
    /// What became of the lines of each, in the order of reading.
    pub(crate) sources: Vec<WatchedSource>,
    /// Something could not be read; it was said.
    pub(crate) failed: bool,
}

impl Logs {
    /// Puts them into the order of time.
    pub(crate) fn new(files: Vec<PathBuf>, options: Options, progress: bool) -> Self {
        let order = in_time_order(files, &|line| first_time(line, &options));
        for path in &order.again {
            stderr::note(&format!("{} is named twice and is read once", path.display()));
        }
        let files =
            order.files.into_iter().map(|file| Log { path: file.path, first_ms: file.first_ms, lines: None });
        let files = files.collect();
        Self { files, options, progress }
    }

    /// Whether a second pass is possible: a pipe is empty then.
    pub(crate) fn can_be_read_again(&self) -> bool {
        let is_kept = |path: &Path| path.as_os_str() != "-" && !is_pipe(path);
        self.files.iter().all(|log| is_kept(&log.path))
    }

    /// Reads every file to its end, or to where the pass before ended. Logs of one time (of several servers) are read side by
    /// side. One that cannot be read is said, once, and does not keep the others from being read.
    pub(crate) fn read(&mut self, doing: &str, mut each: impl FnMut(&Call<'_>)) -> ReadLogs {
        let progress = Progress::start(self.progress);
        let mut passes: Vec<Pass> = self.files.iter().map(|log| Pass::new(log, &self.options)).collect();
        let mut read = ReadLogs::default();
        while let Some((place, until)) = next(&passes) {
            let Some(pass) = passes.get_mut(place) else { break };
            progress.say(&format!("{doing} {}: {} million lines", pass.name, pass.lines / 1_000_000));
            if let Err(error) = pass.read(until, &mut each) {
                read.failed = true;
                if self.files.get(place).is_some_and(|log| log.lines.is_none()) {
                    stderr::error(&error.to_string());
                    error.hint().into_iter().for_each(|hint| stderr::hint(&hint));
                }
                pass.tally.error(error.to_string());
                pass.end();
            }
        }
        for (log, mut pass) in self.files.iter_mut().zip(passes) {
            log.lines = Some(pass.lines);
            (0..pass.reader.unfinished()).for_each(|_| pass.tally.fault(Reason::Torn, b""));
            read.sources.push(pass.tally.document(pass.reader.form()));
        }
        read
    }
}

/// Says which lines are no calls, with the place of the first for each reason.
pub(crate) fn tell_unreadable(sources: &[WatchedSource]) {
    let (reasons, most) = TOLD;
    let mut unreadable = sources.iter().filter(|source| source.unreadable > 0);
    for source in unreadable.by_ref().take(most) {
        for told in source.reasons.iter().take(reasons) {
            let lines = if told.lines == 1 { "1 line is" } else { &format!("{} lines are", told.lines) };
            let begins = if told.sample.is_empty() { "" } else { &format!(": {}", told.sample) };
            stderr::note(&format!(
                "{}: {lines} no call ({}); the first is line {}{begins}",
                source.name, told.reason, told.first_line
            ));
        }
        if source.reasons.len() > reasons {
            stderr::note(&format!("{}: and more that are none, for other reasons", source.name));
        }
        if source.calls == 0 {
            let name = &source.name;
            stderr::note(&format!(
                "{name}: no line is a call; name its form with --log-format or --json-fields"
            ));
        }
    }
    let more = unreadable.count();
    if more > 0 {
        stderr::note(&format!("and {more} more logs with lines that are no call"));
    }
}

/// As reports call it.
fn name_of(path: &Path) -> String {
    if path.as_os_str() == "-" { "standard input".to_owned() } else { path.display().to_string() }
}

fn is_pipe(path: &Path) -> bool {
    std::fs::metadata(path).is_ok_and(|found| !found.is_file() && !found.is_dir())
}

/// The time of a line, if it is a call.
fn first_time(line: &[u8], options: &Options) -> Option<i64> {
    time_of(&mut Reader::new(options), line)
}
