//! What the thread of the detectors does: from trays to findings, and to those who are told and banned.

use std::sync::atomic::Ordering;
use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::sync::{Arc, PoisonError};
use std::time::Duration;

use ratewarden_detect::{Engine, News, NewsState};
use tracing::{info, warn};

use super::bans::Bans;
use super::surroundings::Surroundings;
use super::tray::{Batch, Tray};
use crate::state::Shared;

/// How often trays are emptied.
const LOOK: Duration = Duration::from_millis(100);
/// How often what is open gets its figures of now, and how many findings at most.
const FIGURES_MS: i64 = 2_000;
const FIGURES: usize = 1_000;

/// What the thread is told.
pub(super) enum Command {
    /// Another policy is in force; an engine where its detectors are others.
    Policy(Option<Box<Engine>>),
    /// Nothing is watched any more.
    End,
}

/// What the thread has.
pub(super) struct Detector {
    shared: Arc<Shared>,
    surroundings: Arc<dyn Surroundings>,
    engine: Engine,
    bans: Bans,
    batch: Batch,
    /// Calls without a place that the log has been told of.
    said_dropped: u64,
    /// When what is open gets its figures again.
    figures_ms: i64,
}

impl Detector {
    pub(super) fn new(shared: Arc<Shared>, surroundings: Arc<dyn Surroundings>, engine: Engine) -> Self {
        let mut bans = Bans::default();
        bans.set(&shared.loaded().policy);
        let said_dropped = shared.detection.counts().1;
        Self { shared, surroundings, engine, bans, batch: Batch::default(), said_dropped, figures_ms: 0 }
    }

    /// Looks at what comes until it is told to end.
    pub(super) fn run(mut self, orders: &Receiver<Command>) {
        loop {
            let order = orders.recv_timeout(LOOK);
            let now_ms = self.shared.clock.unix_millis();
            self.collect();
            // What was put there before now has been seen.
            self.engine.advance(now_ms);
            let news = self.engine.news();
            self.tell(news);
            self.expire(now_ms);
            self.show_figures(now_ms);
            self.bans.look(&self.shared, || self.engine.open_findings(usize::MAX));
            match order {
                Err(RecvTimeoutError::Timeout) => {}
                Ok(Command::Policy(engine)) => self.replace(engine, now_ms),
                Ok(Command::End) | Err(RecvTimeoutError::Disconnected) => break,
            }
        }
        self.collect();
        self.leave();
    }

    /// Gives the detectors what waits in all trays.
    fn collect(&mut self) {
        let detection = &self.shared.detection;
        let trays: Vec<Arc<Tray>> =
            detection.trays.lock().unwrap_or_else(PoisonError::into_inner).iter().map(Arc::clone).collect();
        let (engine, bans) = (&mut self.engine, &mut self.bans);
        for tray in trays {
            tray.exchange(&mut self.batch);
            let count = self.batch.drain(|call, whose| {
                bans.note(call, whose);
                engine.see(call);
            });
            detection.seen.fetch_add(count, Ordering::Relaxed);
        }
        let (_, dropped) = detection.counts();
        if dropped > self.said_dropped {
            let calls = dropped - self.said_dropped;
            self.said_dropped = dropped;
            warn!(calls, "Calls were not watched: detectors are slower than calls come.");
        }
    }

    /// Says what has opened or ended, in the log, on the board, and to whoever is told; and bans.
    fn tell(&mut self, news: Vec<News>) {
        let news: Vec<News> = news.into_iter().filter(|news| self.is_news(news)).collect();
        if !news.is_empty() {
            self.surroundings.told(&news);
        }
    }

    fn is_news(&mut self, news: &News) -> bool {
        let News { state, detector, finding } = news;
        let (rule, subject) = (finding.rule.as_str(), finding.subject.label());
        let kind = finding.subject.kind();
        let (count, threshold) =
            finding.seen.as_ref().map_or((0, ""), |seen| (seen.count, seen.threshold.as_str()));
        match state {
            NewsState::Opened => {
                let is_new = self.shared.detection.board().opened(detector, finding);
                if is_new {
                    let severity = finding.severity.to_string();
                    warn!(rule, detector, severity, kind, subject, count, threshold, "A finding has opened.");
                }
                // One that was carried over a reload may be of a detector that bans only since then.
                self.bans.news(&self.shared, news);
                return is_new;
            }
            NewsState::Joined => {
                self.shared.detection.board().joined(detector, &finding.fingerprint);
                self.bans.news(&self.shared, news);
                return false;
            }
            NewsState::Ended => {
                self.shared.detection.board().ended(finding.clone());
                info!(rule, kind, subject, count, threshold, "A finding has ended.");
                self.bans.news(&self.shared, news);
            }
        }
        true
    }

    /// Gives the findings that are open their figures of now: those with which they opened are the threshold's.
    fn show_figures(&mut self, now_ms: i64) {
        if now_ms < self.figures_ms {
            return;
        }
        self.figures_ms = now_ms.saturating_add(FIGURES_MS);
        let findings = self.engine.open_findings(FIGURES);
        if !findings.is_empty() {
            let mut board = self.shared.detection.board();
            findings.into_iter().for_each(|finding| board.update(finding));
        }
    }

    /// Ends what was carried over a reload and was not found again.
    fn expire(&mut self, now_ms: i64) {
        let over = self.shared.detection.board().over(now_ms);
        self.tell(over);
    }

    /// Another policy is in force. Findings that are open go on; detectors that are others begin anew.
    fn replace(&mut self, engine: Option<Box<Engine>>, now_ms: i64) {
        let shared = Arc::clone(&self.shared);
        let loaded = shared.loaded();
        // What is open already opens no more.
        let open = shared.detection.board().open_news();
        let unbanned: Vec<News> =
            open.into_iter().filter(|news| !self.bans.has_rule(&news.detector)).collect();
        self.bans.set(&loaded.policy);
        let Some(engine) = engine else {
            return unbanned.iter().for_each(|news| self.bans.news(&shared, news));
        };
        self.finish();
        self.engine = *engine;
        let over = shared.detection.board().carry(&loaded.policy.detectors, now_ms);
        self.tell(over);
    }

    /// Looks at what waits in the engine. What is open then has its last figures and stays open.
    fn finish(&mut self) {
        self.engine.finish();
        for news in self.engine.news() {
            if news.state == NewsState::Ended {
                self.shared.detection.board().update(news.finding);
            } else {
                self.tell(vec![news]);
            }
        }
    }

    /// Nothing is watched any more.
    fn leave(&mut self) {
        self.finish();
        let open: Vec<_> = {
            let board = self.shared.detection.board();
            board.all().into_iter().filter(|shown| shown.is_open).map(|shown| shown.finding).collect()
        };
        if !open.is_empty() {
            info!(findings = open.len(), "Findings are open at the end of watching.");
        }
        self.surroundings.left(&open);
        let mut board = self.shared.detection.board();
        open.into_iter().for_each(|finding| board.ended(finding));
    }
}
