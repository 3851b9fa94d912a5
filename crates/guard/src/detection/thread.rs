//! The thread of the detectors, and how a policy starts, changes and ends it.

use std::sync::atomic::Ordering;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

use ratewarden_detect::{Engine, News, NewsState, Settings};
use ratewarden_policy::Policy;
use tracing::{error, info, warn};

use super::bans::Bans;
use super::surroundings::Surroundings;
use super::tray::{Batch, Tray};
use crate::load::LoadError;
use crate::state::Shared;

/// How often trays are emptied.
const LOOK: Duration = Duration::from_millis(100);
/// How often what is open gets its figures of now, and how many findings at most.
const FIGURES_MS: i64 = 2_000;
const FIGURES: usize = 1_000;

/// Seconds that a call may be late: it waits in a tray for a tenth of one. Findings come so much later.
const LATENESS: u32 = 2;

/// How long its end is waited for. Who is told of findings may hang.
const PATIENCE: Duration = Duration::from_secs(5);

/// Starts, changes and ends the thread as policies say.
pub(crate) struct Detecting {
    surroundings: Arc<dyn Surroundings>,
    thread: Mutex<Option<Thread>>,
}

struct Thread {
    commands: Sender<Command>,
    done: Receiver<()>,
    thread: JoinHandle<()>,
}

enum Command {
    /// Another policy is in force; an engine where its detectors are others.
    Policy(Option<Box<Engine>>),
    End,
}

impl Detecting {
    pub(crate) fn new(surroundings: Arc<dyn Surroundings>) -> Self {
        Self { surroundings, thread: Mutex::default() }
    }

    /// Makes detectors ready for a policy that is about to follow `before`; `None` where those that run go on, or
    /// nothing is watched.
    ///
    /// # Errors
    /// When what the policy names for it cannot be had.
    pub(crate) fn prepare(
        &self,
        before: Option<&Policy>,
        policy: &Policy,
        secret: &[u8; 16],
    ) -> Result<Option<Engine>, LoadError> {
        let is_same = before.is_some_and(|before| {
            let files = |policy: &Policy| (policy.watch.geoip.clone(), policy.watch.geoip_asn.clone());
            let is_counted_alike = before.trust.ipv6_prefix == policy.trust.ipv6_prefix;
            let is_watched_alike = before.watches && before.detectors == policy.detectors;
            is_watched_alike && is_counted_alike && files(before) == files(policy)
        });
        let geography = if policy.watches && !is_same {
            self.surroundings.geography(&policy.watch).map_err(LoadError::Watch)?
        } else {
            None
        };
        // Last: nothing may go wrong after it.
        self.surroundings.policy(policy).map_err(LoadError::Watch)?;
        if !policy.watches || is_same {
            return Ok(None);
        }
        Ok(Some(Engine::new(Settings {
            detectors: policy.detectors.clone(),
            lateness: LATENESS,
            geography,
            ipv6_prefix: policy.trust.ipv6_prefix,
            seed: u64::from_le_bytes(secret.first_chunk().copied().unwrap_or_default()),
        })))
    }

    /// The policy that was made ready is in force.
    ///
    /// # Errors
    /// When a thread is wanted and there is none to be had.
    pub(crate) fn apply(&self, shared: &Arc<Shared>, engine: Option<Engine>) -> std::io::Result<()> {
        let mut thread = self.thread.lock().unwrap_or_else(PoisonError::into_inner);
        let watches = shared.loaded().policy.watches;
        match (thread.take(), watches) {
            (None, true) => {
                let Some(engine) = engine else { return Ok(()) };
                *thread = Some(Thread::start(shared, engine, Arc::clone(&self.surroundings))?);
            }
            (Some(running), true) => {
                // Nobody is there to read it only where the thread has panicked, and that was said.
                let _ = running.commands.send(Command::Policy(engine.map(Box::new)));
                *thread = Some(running);
            }
            (Some(running), false) => running.end(shared),
            (None, false) => {}
        }
        Ok(())
    }

    /// Looks at what waits, and ends.
    pub(crate) fn end(&self, shared: &Shared) {
        let thread = self.thread.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(thread) = thread {
            thread.end(shared);
        }
    }
}

impl std::fmt::Debug for Detecting {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Detecting").finish_non_exhaustive()
    }
}

impl Thread {
    fn start(
        shared: &Arc<Shared>,
        engine: Engine,
        surroundings: Arc<dyn Surroundings>,
    ) -> std::io::Result<Self> {
        let (commands, orders) = channel();
        let (finished, done) = channel();
        let mut bans = Bans::default();
        bans.set(&shared.loaded().policy);
        let detector = Detector {
            shared: Arc::clone(shared),
            surroundings,
            engine,
            bans,
            batch: Batch::default(),
            said_dropped: shared.detection.counts().1,
            figures_ms: 0,
        };
        let thread = std::thread::Builder::new().name("detectors".to_owned());
        let thread = thread.spawn(move || {
            detector.run(&orders);
            // Nobody waits for it any more where it took too long.
            let _ = finished.send(());
        })?;
        shared.detection.is_on.store(true, Ordering::Relaxed);
        Ok(Self { commands, done, thread })
    }

    fn end(self, shared: &Shared) {
        shared.detection.is_on.store(false, Ordering::Relaxed);
        // Where nobody is there to read it the thread has panicked, which joining it says.
        let _ = self.commands.send(Command::End);
        if self.done.recv_timeout(PATIENCE) == Err(RecvTimeoutError::Timeout) {
            warn!("The detectors do not end; whoever is told of findings holds them up.");
        } else if self.thread.join().is_err() {
            error!("The thread of the detectors had panicked.");
        }
    }
}

/// What the thread has.
struct Detector {
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
    fn run(mut self, orders: &Receiver<Command>) {
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
            self.bans.look(&self.shared);
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
                if !self.shared.detection.board().opened(detector, finding) {
                    return false;
                }
                let severity = finding.severity.to_string();
                warn!(rule, detector, severity, kind, subject, count, threshold, "A finding has opened.");
                self.bans.news(&self.shared, news);
            }
            NewsState::Joined => {
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
        self.bans.set(&loaded.policy);
        let Some(engine) = engine else { return };
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
