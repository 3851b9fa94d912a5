//! Bans on their way to a gateway's admin listener.
//!
//! Each is placed by a task of its own, which tries again until the ban would have ended: a gateway that restarts must not
//! hold up the logs. What is on its way stands in a file of the folder of states before the position in the logs moves
//! on, and a restart goes on with it; without such a folder it is in memory only. What the gateway refuses, what ends on its
//! way and what has no place there is handed back ([`Placing::take_lost`]): it must not count as a ban.

mod waiting;

use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use ratewarden_guard::{NewPenalty, Operator, OperatorError};
use ratewarden_watch::{Ban, is_unusable, put_aside, wall_ms, write_document};
use tokio::sync::Semaphore;

use crate::stderr;
use waiting::{LEAST, Waiting};

/// Bans that are asked for at once.
const AT_ONCE: usize = 64;
/// The first wait after a try that failed, doubled up to a minute.
const FIRST_WAIT: Duration = Duration::from_secs(1);
const LONGEST_WAIT: Duration = Duration::from_secs(60);
/// The least wait, close to a ban's end.
const LEAST_WAIT: Duration = Duration::from_millis(100);
/// The file in the folder of states.
const DOCUMENT: &str = "bans.json";

/// Where bans are placed.
#[derive(Debug)]
pub(super) struct Placing {
    operator: Operator,
    at_once: Arc<Semaphore>,
    waiting: Arc<Mutex<Waiting>>,
    document: Option<PathBuf>,
}

impl Placing {
    /// Goes on with what was on its way when the last run ended. Those of whom `is_exempt` says so now are let go.
    ///
    /// # Errors
    /// When the document can not be read, though it may be whole.
    pub(super) fn start(
        operator: Operator,
        state: Option<&Path>,
        is_exempt: impl Fn(&Ban) -> bool,
    ) -> io::Result<Self> {
        let document = state.map(|folder| folder.join(DOCUMENT));
        let at_once = Arc::new(Semaphore::new(AT_ONCE));
        let placing = Self { operator, at_once, waiting: Arc::default(), document };
        let Some(document) = placing.document.as_deref() else { return Ok(placing) };
        match waiting::read(document) {
            Ok(bans) => {
                let (exempt, bans): (Vec<_>, Vec<_>) = bans.into_iter().partition(is_exempt);
                exempt.into_iter().for_each(|ban| lock(&placing.waiting).let_go(ban));
                bans.into_iter().for_each(|ban| placing.place(ban));
            }
            Err(error) if is_unusable(&error) => {
                let kept = put_aside(document);
                stderr::note(&format!(
                    "bans that were on their way are not known: {}: {error}",
                    kept.display()
                ));
            }
            Err(error) => {
                return Err(io::Error::new(error.kind(), format!("{}: {error}", document.display())));
            }
        }
        Ok(placing)
    }

    /// Takes a ban on its way.
    pub(super) fn place(&self, ban: Ban) {
        let mut waiting = lock(&self.waiting);
        if !waiting.add(&ban) {
            return waiting.left_out(ban);
        }
        drop(waiting);
        let (operator, at_once) = (self.operator.clone(), Arc::clone(&self.at_once));
        let waiting = Arc::clone(&self.waiting);
        tokio::spawn(async move { place_one(&operator, &at_once, &waiting, &ban).await });
    }

    /// Bans that came to nothing, and when each may be decided on again. They are said here.
    pub(super) fn take_lost(&self, now_ms: i64) -> Vec<(Ban, Duration)> {
        let (lost, said) = lock(&self.waiting).take_lost(now_ms);
        // Whoever reads the standard error may be slow, and holds up nobody but us.
        said.iter().for_each(|said| stderr::error(said));
        lost
    }

    /// A finding has ended.
    pub(super) fn ended(&self, fingerprint: &str) {
        lock(&self.waiting).ended(fingerprint);
    }

    /// Where what is on its way is kept.
    pub(super) fn path(&self) -> Option<&Path> {
        self.document.as_deref()
    }

    /// Writes down what is on its way. Who places bans does not wait for the disk meanwhile.
    pub(super) fn save(&self) -> io::Result<()> {
        let Some(document) = self.document.as_deref() else { return Ok(()) };
        let unsaved = lock(&self.waiting).unsaved()?;
        if let Some((version, bytes)) = unsaved {
            write_document(document, &bytes)?;
            lock(&self.waiting).saved(version);
        }
        Ok(())
    }
}

fn lock(waiting: &Mutex<Waiting>) -> MutexGuard<'_, Waiting> {
    waiting.lock().unwrap_or_else(PoisonError::into_inner)
}

async fn place_one(operator: &Operator, at_once: &Semaphore, waiting: &Mutex<Waiting>, ban: &Ban) {
    let shown = format!("{} {}", ban.subject.kind(), ban.subject.label());
    let mut wait = FIRST_WAIT;
    let mut said = false;
    loop {
        let turn = at_once.acquire().await;
        // What is left of it when its turn has come. That it ends is noted where all are looked at.
        let left = ban.left(wall_ms());
        if left < LEAST || !lock(waiting).has(ban) {
            return;
        }
        let placed = operator.add_penalty(&wanted(ban, left)).await;
        drop(turn);
        match placed {
            Ok(placed) => {
                lock(waiting).arrived(ban);
                return stderr::note(&format!("banned: {shown} until {} ({})", placed.until, ban.reason));
            }
            // It says no, and would say so again at once. Of a token that is wrong that is not sure.
            Err(error @ OperatorError::Refused { status: 400 | 404 | 413 | 422, .. }) => {
                return lock(waiting).lost(ban, error.to_string());
            }
            Err(error) if !said => {
                stderr::error(&format!("the ban of {shown} could not be placed: {error}; trying again"));
                said = true;
            }
            Err(_) => {}
        }
        tokio::time::sleep(wait.min(left.saturating_sub(LEAST)).max(LEAST_WAIT)).await;
        wait = (wait * 2).min(LONGEST_WAIT);
    }
}

fn wanted(ban: &Ban, left: Duration) -> NewPenalty {
    NewPenalty {
        caller: ban.caller().map(str::to_owned),
        address: ban.address,
        id: None,
        // What is left of it, in whole seconds.
        lasts: format!("{}s", left.as_secs().max(1)),
        reason: Some(ban.figures().to_owned()).filter(|figures| !figures.is_empty()),
        // So that it spares whom the gateway's own ban for such a finding would.
        finding: Some(ban.rule.clone()).filter(|rule| !rule.is_empty()),
        // An operator's longer ban is the operator's to end.
        extend_only: true,
    }
}
