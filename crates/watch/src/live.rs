//! Following logs and watching them, through restarts.
//!
//! What detectors have seen is in memory, so a position alone would make a restart forget the last minutes, and an attack
//! that spans it would be missed. So what is saved is where reading stood [`WARM_SECS`] of the calls' own time before the
//! newest line that is settled: after a restart, also after `kill -9`, those lines are read again, into detectors that
//! have seen nothing. Within one run no line is read twice; over a restart a finding's count may hold again at most the
//! calls of that time, and a finding that was alerted is told again by its fingerprint, which receivers and the outbox
//! know.

use std::collections::VecDeque;
use std::io;
use std::path::{Path, PathBuf};

use ratewarden_detect::{Counts, News};
use ratewarden_judge::findings::FindingBans;
use ratewarden_logs::Options;
use ratewarden_model::Finding;

use crate::follow::{Chance, Event, Follower, Loaded, Progress, Saved, SourceId, Start, Wanted};
use crate::pipeline::{Pipeline, Source};
use crate::several::{self, Missed};

/// Seconds of calls that are read again after a restart: the longest window of what is found within minutes.
pub const WARM_SECS: u32 = 600;
/// Seconds of calls between two positions that are remembered.
const STEP_SECS: u32 = 15;
/// Positions that are remembered at most.
const POSITIONS: usize = 256;
/// The document of positions in a folder of states.
const DOCUMENT: &str = "positions.json";

/// Follows logs and watches them.
#[derive(Debug)]
pub struct Live {
    follower: Follower,
    pipeline: Pipeline,
    sources: Vec<Source>,
    /// Where reading stood when the newest call was of that second.
    positions: VecDeque<(u32, Saved)>,
    state: Option<PathBuf>,
    saved: Option<Saved>,
    start: Start,
    /// By the caller's clock, when the last line came.
    last_line_ms: u64,
    /// The calls' own time then, in seconds since 1970.
    newest: Option<u32>,
}

/// What a step did.
#[derive(Debug, Default)]
pub struct Step {
    /// Findings that have opened or ended.
    pub news: Vec<News>,
    /// What happened to the files.
    pub events: Vec<(String, Event)>,
    /// What is to be said of calls that logs brought too late.
    pub missed: Vec<(String, Missed)>,
    /// There is more to read already.
    pub more: bool,
}

impl Live {
    /// Follows `paths`; `state` is the folder in which positions are kept. Says what is to be said of a document of
    /// positions that could not be used.
    ///
    /// # Errors
    /// When the folder can neither be made nor used.
    pub fn new(
        paths: &[PathBuf],
        start: Start,
        options: &Options,
        pipeline: Pipeline,
        state: Option<&Path>,
    ) -> io::Result<(Self, Option<String>)> {
        let document = state.map(|folder| folder.join(DOCUMENT));
        state.map_or(Ok(()), std::fs::create_dir_all)?;
        let (saved, said) = match document.as_deref().map(Saved::load) {
            Some(Loaded::Saved(saved)) => (Some(saved), None),
            Some(Loaded::Unusable(why)) => (None, Some(why)),
            Some(Loaded::Nothing) | None => (None, None),
        };
        let sources: Vec<Source> =
            paths.iter().map(|path| Source::new(path.display().to_string(), options)).collect();
        let follower = Follower::new(paths.to_vec(), start, saved.as_ref());
        let positions = VecDeque::new();
        let live = Self {
            follower,
            pipeline,
            sources,
            positions,
            state: document,
            saved,
            start,
            last_line_ms: 0,
            newest: None,
        };
        Ok((live, said))
    }

    /// Reads what is there. `now_ms` is any clock in milliseconds that does not go backwards: while no line comes, the
    /// calls' time goes on with it.
    pub fn step(&mut self, now_ms: u64) -> Step {
        let (progress, missed) = self.read(now_ms);
        let is_first = self.positions.is_empty() && self.start == Start::End;
        if is_first && self.pipeline.newest_second().is_none() && progress.lines == 0 {
            // Where the end was, before any line of ours.
            self.positions.push_back((0, self.follower.position()));
        }
        if progress.lines > 0 {
            self.remember();
        }
        // Lines of a log that is behind bring nobody's time forward.
        if progress.lines > 0 && self.pipeline.newest_second() != self.newest {
            self.last_line_ms = now_ms;
            self.newest = self.pipeline.newest_second();
        } else if let Some(now) = self.calls_now_ms(now_ms).filter(|_| !progress.more) {
            self.pipeline.advance(now);
        }
        let name = |SourceId(place)| {
            let path = self.follower.path(SourceId(place));
            path.map(|path| path.display().to_string()).unwrap_or_default()
        };
        Step {
            events: progress.events.into_iter().map(|(source, event)| (name(source), event)).collect(),
            missed: missed.into_iter().map(|(source, missed)| (name(source), missed)).collect(),
            news: self.pipeline.news(),
            more: progress.more,
        }
    }

    /// Reads each log as far as it is its turn.
    fn read(&mut self, now_ms: u64) -> (Progress, Vec<(SourceId, Missed)>) {
        let Self { follower, pipeline, sources, .. } = self;
        several::begin(sources.iter_mut().map(|source| &mut source.standing), now_ms);
        // Reading halts where a position is to be remembered: otherwise hours of a quiet log could lie between two. The first
        // is remembered as soon as there is a call.
        let halt = self.positions.back().map_or(0, |(second, _)| second.saturating_add(STEP_SECS));
        let is_kept = self.state.is_some();
        let (mut progress, mut missed) = (Progress::default(), Vec::new());
        for place in 0..sources.len() {
            let until = several::until(place, sources.iter().map(|source| &source.standing));
            let Some(source) = sources.get_mut(place) else { continue };
            let id = SourceId(place);
            let more = follower.poll_one(id, now_ms, &mut progress, |_, _, line, chance| {
                if until < u32::MAX && source.is_beyond(&line, until) && chance != Chance::Last {
                    return Wanted::Not;
                }
                pipeline.line(source, &line);
                let is_enough = is_kept && pipeline.newest_second().is_some_and(|newest| newest >= halt);
                if is_enough { Wanted::Enough } else { Wanted::More }
            });
            missed.extend(source.standing.end(more, now_ms).map(|missed| (id, missed)));
        }
        (progress, missed)
    }

    /// The calls' own time, which goes on with the clock while no line brings it forward, in milliseconds since 1970.
    fn calls_now_ms(&self, now_ms: u64) -> Option<i64> {
        let passed = i64::try_from(now_ms.saturating_sub(self.last_line_ms)).unwrap_or(0);
        Some((i64::from(self.newest?) * 1_000).saturating_add(passed))
    }

    /// What decides on bans.
    pub const fn bans(&mut self) -> &mut FindingBans {
        self.pipeline.bans()
    }

    /// Findings that are open, with their figures of now. It looks at all of them.
    #[must_use]
    pub fn open_findings(&self) -> Vec<Finding> {
        self.pipeline.open_findings()
    }

    /// What became of calls that are not like others.
    #[must_use]
    pub const fn counts(&self) -> Counts {
        self.pipeline.counts()
    }

    /// The time to which calls have come, in milliseconds since 1970; `None` before the first. One that is dated far ahead of
    /// all others does not count.
    #[must_use]
    pub fn newest_ms(&self) -> Option<i64> {
        Some(i64::from(self.pipeline.newest_second()?) * 1_000)
    }

    /// Saves the position from which a restart reads on, once everything that came of what lies before it is safe.
    /// Called often, it writes only where the position has changed.
    ///
    /// # Errors
    /// When it cannot be written; the position that stood there before still does.
    pub fn save(&mut self) -> io::Result<()> {
        let Some(path) = &self.state else { return Ok(()) };
        let until = self.pipeline.settled_until().saturating_sub(WARM_SECS);
        while self.positions.get(1).is_some_and(|(second, _)| *second <= until) {
            self.positions.pop_front();
        }
        let Some((second, position)) = self.positions.front() else { return Ok(()) };
        // None is old enough: what a restart begins with anyway reads more, but for the end of a file, which moves.
        let is_chosen = *second <= until || (self.saved.is_none() && self.start == Start::End);
        if is_chosen && self.saved.as_ref() != Some(position) {
            position.write(path)?;
            self.saved = Some(position.clone());
        }
        Ok(())
    }

    fn remember(&mut self) {
        let Some(second) = self.pipeline.newest_second() else { return };
        // Time went back: what is remembered of the time ahead of it would never be let go.
        self.positions.retain(|(known, _)| *known <= second.saturating_add(STEP_SECS));
        if self.positions.back().is_some_and(|(last, _)| second < last.saturating_add(STEP_SECS)) {
            return;
        }
        if self.positions.len() >= POSITIONS {
            // Thinned out: what is read again grows, nothing is lost.
            let mut keep = false;
            self.positions.retain(|_| {
                keep = !keep;
                keep
            });
        }
        self.positions.push_back((second, self.follower.position()));
    }
}
