//! Bans on their way to a gateway's admin listener.
//!
//! Each is placed by a task of its own, which tries again until the ban would have ended: a gateway that restarts must not
//! hold up the logs. What is on its way stands in a file of the folder of states before the position in the logs moves
//! on, and a restart goes on with it; without such a folder it is in memory only.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use ratewarden_guard::{NewPenalty, Operator, OperatorError};
use ratewarden_watch::{Ban, wall_ms, write_document};
use tokio::sync::Semaphore;

use crate::stderr;

/// Bans that are on their way at once.
const WAITING: usize = 1024;
/// Those of them that are asked for at once.
const AT_ONCE: usize = 64;
/// The first wait after a try that failed, doubled up to a minute.
const FIRST_WAIT: Duration = Duration::from_secs(1);
const LONGEST_WAIT: Duration = Duration::from_secs(60);
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

#[derive(Debug, Default)]
struct Waiting {
    bans: Vec<Ban>,
    /// It is not what stands in the file.
    has_changed: bool,
}

impl Placing {
    /// Goes on with what was on its way when the last run ended. Those of whom `is_exempt` says so now are let go.
    pub(super) fn start(operator: Operator, state: Option<&Path>, is_exempt: impl Fn(&Ban) -> bool) -> Self {
        let document = state.map(|folder| folder.join(DOCUMENT));
        let at_once = Arc::new(Semaphore::new(AT_ONCE));
        let placing = Self { operator, at_once, waiting: Arc::default(), document };
        let read = placing.document.as_deref().map(read).transpose();
        match read {
            Ok(bans) => {
                let bans = bans.unwrap_or_default();
                lock(&placing.waiting).has_changed = !bans.is_empty();
                bans.into_iter().filter(|ban| !is_exempt(ban)).for_each(|ban| {
                    placing.place(ban);
                });
            }
            Err(error) => {
                let document = placing.document.as_deref().unwrap_or(Path::new(DOCUMENT));
                // Kept for who wants to look: the next save would be in its place.
                let aside = document.with_extension("unusable");
                let kept = std::fs::rename(document, &aside).map_or(document, |()| aside.as_path());
                stderr::note(&format!(
                    "bans that were on their way are not known: {}: {error}",
                    kept.display()
                ));
            }
        }
        placing
    }

    /// Takes a ban on its way; false where too many are.
    pub(super) fn place(&self, ban: Ban) -> bool {
        let mut waiting = lock(&self.waiting);
        if waiting.bans.len() >= WAITING {
            return false;
        }
        waiting.bans.push(ban.clone());
        waiting.has_changed = true;
        drop(waiting);
        let (operator, at_once) = (self.operator.clone(), Arc::clone(&self.at_once));
        let waiting = Arc::clone(&self.waiting);
        tokio::spawn(async move {
            place_one(&operator, &at_once, &ban).await;
            let mut waiting = lock(&waiting);
            waiting.bans.retain(|other| *other != ban);
            waiting.has_changed = true;
        });
        true
    }

    /// Writes down what is on its way. Whether it is.
    pub(super) fn save(&self) -> bool {
        let Some(document) = &self.document else { return true };
        let mut waiting = lock(&self.waiting);
        if waiting.has_changed {
            let bytes = serde_json::to_vec_pretty(&waiting.bans).map_err(io::Error::from);
            waiting.has_changed = bytes.and_then(|bytes| write_document(document, &bytes)).is_err();
        }
        !waiting.has_changed
    }
}

fn lock(waiting: &Mutex<Waiting>) -> MutexGuard<'_, Waiting> {
    waiting.lock().unwrap_or_else(PoisonError::into_inner)
}

fn read(document: &Path) -> io::Result<Vec<Ban>> {
    match std::fs::read(document) {
        Ok(bytes) => Ok(serde_json::from_slice(&bytes)?),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Vec::new()),
        Err(error) => Err(error),
    }
}

async fn place_one(operator: &Operator, at_once: &Semaphore, ban: &Ban) {
    let shown = format!("{} {}", ban.subject.kind(), ban.subject.label());
    let mut wait = FIRST_WAIT;
    let mut said = false;
    loop {
        let turn = at_once.acquire().await;
        // What is left of it when its turn has come.
        let left = ban.left(wall_ms());
        if left.is_zero() {
            return stderr::error(&format!("the ban of {shown} was never placed"));
        }
        let placed = operator.add_penalty(&wanted(ban, left)).await;
        drop(turn);
        match placed {
            Ok(placed) => {
                return stderr::note(&format!("banned: {shown} until {} ({})", placed.until, ban.reason));
            }
            // It says no, and would say so again. Of a token that is wrong that is not sure.
            Err(error @ OperatorError::Refused { status: 400 | 404 | 413 | 422, .. }) => {
                return stderr::error(&format!("the ban of {shown} is refused: {error}"));
            }
            Err(error) if !said => {
                stderr::error(&format!("the ban of {shown} could not be placed: {error}; trying again"));
                said = true;
            }
            Err(_) => {}
        }
        tokio::time::sleep(wait.min(left)).await;
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
        reason: Some(ban.reason.clone()),
        // An operator's longer ban is the operator's to end.
        extend_only: true,
    }
}
