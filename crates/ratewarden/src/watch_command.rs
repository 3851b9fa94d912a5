//! `ratewarden watch`: logs to findings.

mod consequences;
mod expect;
mod follow;
mod full;
mod placing;
mod setup;
mod unsaved;

use ratewarden_model::{Severity, WatchReport};
use ratewarden_report::{Options as Page, render_watch_json, render_watch_pretty};

use crate::errors::{Exit, Failure, REPORT};
use crate::logs_of::{Logs, ReadLogs};
use crate::watch_args::{WatchFormat, WatchJob, WatchOutput};
use crate::{output, signals, stderr};
use expect::Expected;

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
    setup.policy.iter().for_each(setup::say_unfollowed);
    let mut logs = Logs::new(job.files.clone(), setup.options.clone(), job.progress);
    let ReadLogs { sources, failed } = logs.read("watching", |call| setup.pipeline.call(call));
    setup.pipeline.finish();
    let mut report = setup.pipeline.report(sources);
    report.notes.append(&mut setup.notes);
    write(job, &report)?;
    conclude(job, &report, expected.as_ref(), failed)
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
