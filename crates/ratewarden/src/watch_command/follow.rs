//! `watch --follow`: goes on until a signal ends it.

use std::pin::pin;
use std::time::{Duration, Instant};

use ratewarden_report::{Options as Page, render_finding_line, render_finding_pretty};
use ratewarden_watch::follow::Start;
use ratewarden_watch::{Live, News, NewsState, Step};

use super::consequences::Consequences;
use super::setup::{self, Setup};
use super::unsaved::Unsaved;
use crate::errors::{Exit, Failure, REPORT};
use crate::watch_args::{WatchFormat, WatchJob};
use crate::{output, signals, stderr};

/// How often logs are looked at.
const LOOK: Duration = Duration::from_millis(200);
/// How often the position is saved.
const SAVE: Duration = Duration::from_secs(1);

/// Follows until a signal comes.
pub(super) async fn run(job: &WatchJob) -> Result<Exit, Failure> {
    if job.files.iter().any(|path| path.as_os_str() == "-") {
        return Err(Failure::usage(
            "the standard input cannot be followed",
            "leave --follow out: it is read as it comes until it ends",
        ));
    }
    let start = if job.from_beginning { Start::Beginning } else { Start::End };
    let Setup { mut pipeline, options, policy, state, notes } = setup::setup(job)?;
    let folder = state.as_deref();
    let mut consequences = Consequences::start(policy.as_ref(), folder, job.dry_run, pipeline.bans())?;
    let live = Live::new(&job.files, start, &options, pipeline, folder);
    let (mut live, said) = live.map_err(|error| {
        let folder = folder.map(|folder| folder.display().to_string()).unwrap_or_default();
        Failure::new(Exit::Usage, error, "--state names a folder that can be made and written")
            .context(format!("the folder of states `{folder}` cannot be used"))
    })?;
    setup::say(&notes);
    if let Some(why) = said {
        stderr::note(&format!("the saved position is not used, reading begins anew: {why}"));
    }
    let mut signal = pin!(signals::signal());
    let begun = Instant::now();
    let mut saved = Instant::now();
    let mut unsaved = Unsaved::default();
    loop {
        let now_ms = u64::try_from(begun.elapsed().as_millis()).unwrap_or(u64::MAX);
        let step = live.step(now_ms);
        consequences.follow_up(&mut live, &step);
        tell(job, &step)?;
        if saved.elapsed() >= SAVE {
            if consequences.are_safe() {
                save(&mut live, &mut unsaved);
            }
            // After each try: a disk that takes nothing is not asked at every turn.
            saved = Instant::now();
        }
        let wait = if step.more { Duration::ZERO } else { LOOK };
        tokio::select! {
            exit = &mut signal => {
                if consequences.are_safe() {
                    save(&mut live, &mut unsaved);
                }
                consequences.end().await;
                return Ok(exit);
            }
            () = tokio::time::sleep(wait) => {}
        }
    }
}

fn save(live: &mut Live, unsaved: &mut Unsaved) {
    let cannot =
        |error: &std::io::Error| format!("the position cannot be saved: {error}; a restart reads more again");
    unsaved.note(live.save(), cannot, || "the position is saved again".to_owned());
}

fn tell(job: &WatchJob, step: &Step) -> Result<(), Failure> {
    for (name, event) in &step.events {
        stderr::note(&format!("{name}: {event}"));
    }
    for (name, missed) in &step.missed {
        stderr::note(&format!("{name}: {missed}"));
    }
    step.news.iter().try_for_each(|news| print(job.format, news))
}

fn print(format: WatchFormat, news: &News) -> Result<(), Failure> {
    let state = match news.state {
        NewsState::Opened => "opened",
        NewsState::Joined => return Ok(()),
        NewsState::Ended => "ended",
    };
    match format {
        WatchFormat::Json => {
            let line = render_finding_line(state, &news.finding)
                .map_err(|error| Failure::new(Exit::Panicked, error, REPORT))?;
            output::print(format!("{line}\n").as_bytes())
        }
        WatchFormat::Pretty => {
            let text = render_finding_pretty(&news.finding, &Page::for_stdout());
            output::print_terminal(&format!("── {state}\n{text}"))
        }
    }
}
