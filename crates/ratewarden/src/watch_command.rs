//! `ratewarden watch`: logs to findings.

mod consequences;
mod expect;
mod follow;
mod setup;

use std::collections::VecDeque;
use std::path::PathBuf;

use ratewarden_logs::{Options, Reader};
use ratewarden_model::{Severity, WatchReport};
use ratewarden_report::{Options as Page, render_watch_json, render_watch_pretty};
use ratewarden_watch::source::{SourceError, in_time_order, open};
use ratewarden_watch::{Pipeline, Source};

use crate::errors::{Exit, Failure, REPORT};
use crate::progress::Progress;
use crate::watch_args::{WatchFormat, WatchJob, WatchOutput};
use crate::{output, signals, stderr};
use expect::Expected;

/// Lines between two looks at how far it is.
const SAY_EACH: u64 = 1 << 20;

pub(crate) async fn run(job: WatchJob) -> Result<Exit, Failure> {
    if job.follow {
        return follow::run(&job).await;
    }
    signals::unless_interrupted(|| async move { work(&job) }).await
}

fn work(job: &WatchJob) -> Result<Exit, Failure> {
    let expected = job.expect.as_deref().map(Expected::read).transpose()?;
    setup::check_outputs(job)?;
    let mut setup = setup::setup(job)?;
    let (sources, failed) = read_all(job, &setup.options, &mut setup.pipeline);
    setup.pipeline.finish();
    let mut report = setup.pipeline.report(&sources);
    report.notes.append(&mut setup.notes);
    write(job, &report)?;
    conclude(job, &report, expected.as_ref(), failed)
}

/// Reads every file to its end. One that cannot be read does not keep the others from being read.
fn read_all(job: &WatchJob, options: &Options, pipeline: &mut Pipeline) -> (Vec<Source>, bool) {
    let progress = Progress::start(job.progress);
    let order = in_time_order(job.files.clone(), &|line| first_time(line, options));
    for path in &order.again {
        stderr::note(&format!("{} is named twice and is read once", path.display()));
    }
    let mut files: VecDeque<PathBuf> = order.files.into_iter().map(|file| file.path).collect();
    let mut sources = Vec::new();
    let mut failed = false;
    while let Some(path) = files.pop_front() {
        let mut source = Source::new(name_of(&path), options);
        if let Err(error) = read_one(&path, &mut source, pipeline, &progress) {
            failed = true;
            stderr::error(&error.to_string());
            if let Some(hint) = error.hint() {
                stderr::hint(&hint);
            }
            source.tally().error(error.to_string());
        }
        sources.push(source);
    }
    (sources, failed)
}

fn read_one(
    path: &std::path::Path,
    source: &mut Source,
    pipeline: &mut Pipeline,
    progress: &Progress,
) -> Result<(), SourceError> {
    let mut opened = open(path)?;
    let mut said = 0;
    while let Some(line) = opened.next_line()? {
        pipeline.line(source, &line);
        let lines = source.tally().lines();
        if lines >= said + SAY_EACH {
            said = lines;
            progress.say(&format!("{}: {} million lines", path.display(), lines / 1_000_000));
        }
    }
    Ok(())
}

fn name_of(path: &std::path::Path) -> String {
    if path.as_os_str() == "-" { "standard input".to_owned() } else { path.display().to_string() }
}

/// The time of a line, if it is a call.
fn first_time(line: &[u8], options: &Options) -> Option<i64> {
    let mut time = None;
    let _ = Reader::new(options).read(line, |call| time = Some(call.at_ms));
    time
}

fn write(job: &WatchJob, report: &WatchReport) -> Result<(), Failure> {
    let mut first_failure = None;
    for WatchOutput { path, format } in &job.outputs {
        let written =
            rendered(report, *format, &Page::default()).and_then(|text| output::write_file(path, &text));
        first_failure = first_failure.or(written.err());
    }
    let text = rendered(report, job.format, &Page::for_stdout())?;
    let printed = match job.format {
        WatchFormat::Json => output::print(text.as_bytes()),
        WatchFormat::Pretty => output::print_terminal(&text),
    };
    first_failure.or(printed.err()).map_or(Ok(()), Err)
}

fn rendered(report: &WatchReport, format: WatchFormat, page: &Page) -> Result<String, Failure> {
    match format {
        WatchFormat::Pretty => Ok(render_watch_pretty(report, page)),
        WatchFormat::Json => {
            render_watch_json(report).map_err(|error| Failure::new(Exit::Panicked, error, REPORT))
        }
    }
}

/// Says which gate does not hold, and chooses the exit code. A log that could not be read outweighs a gate: nobody
/// knows what stood in it.
fn conclude(
    job: &WatchJob,
    report: &WatchReport,
    expected: Option<&Expected>,
    failed: bool,
) -> Result<Exit, Failure> {
    let mut holds = true;
    if let Some(broken) = job.fail_on_severity.and_then(|threshold| over(threshold, report)) {
        stderr::error(&broken);
        stderr::hint("the report says what to do about each");
        holds = false;
    }
    for broken in expected.map(|expected| expected.check(&report.findings)).unwrap_or_default() {
        stderr::error(&broken);
        holds = false;
    }
    if failed {
        return Err(Failure::said(Exit::Unreachable));
    }
    Ok(if holds { Exit::Fine } else { Exit::Failed })
}

fn over(threshold: Severity, report: &WatchReport) -> Option<String> {
    let over: Vec<_> = report.findings.iter().filter(|finding| finding.severity >= threshold).collect();
    let noun = if over.len() == 1 { "finding is" } else { "findings are" };
    let named: Vec<_> =
        over.iter().take(5).map(|finding| format!("{} {}", finding.rule, finding.subject.label())).collect();
    (!over.is_empty()).then(|| format!("{} {noun} at least {threshold}: {}", over.len(), named.join(", ")))
}
