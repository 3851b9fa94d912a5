//! Issuers of tokens: their keys are fetched at the start, every five minutes, and when a token comes with a key that
//! is not known.
//!
//! No call waits for any of it. A start waits for the first answers, [`PATIENCE`] at most, so that a restart does not
//! begin with refusals. What fails leaves the keys as they were.

mod fetch;

use std::rc::Rc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use ratewarden_callers::{Identifier, RemoteKeys};
use tokio::task::JoinSet;
use tracing::{info, warn};

use crate::tls::{self, TlsError};
use crate::upstream::Connector;
use crate::worker::Worker;

/// Between two fetches.
const EVERY: Duration = Duration::from_secs(300);

/// Between two fetches because of a key that is not known, or because there are no keys yet.
const REST: Duration = Duration::from_secs(10);

/// How long an issuer may take, from the connection to the last byte.
const PATIENCE: Duration = Duration::from_secs(5);

/// How often it is looked whether one is due.
const LOOK: Duration = Duration::from_millis(100);

/// The issuers of a policy.
#[derive(Debug)]
pub(crate) struct Issuers {
    all: Vec<Arc<Issuer>>,
    pub(crate) fetches: Arc<Fetches>,
}

/// What became of fetches.
#[derive(Debug, Default)]
pub(crate) struct Fetches {
    pub(crate) done: AtomicU64,
    pub(crate) failed: AtomicU64,
}

#[derive(Debug)]
struct Issuer {
    keys: Arc<RemoteKeys>,
    connector: Connector,
    /// Outlives a reload, or policies that change often would never let it become due.
    asked: Arc<Mutex<Asked>>,
}

/// When an issuer was asked.
#[derive(Debug, Default)]
struct Asked {
    last: Option<Instant>,
    /// On account of a key that was not there.
    on_demand: Option<Instant>,
}

impl Issuers {
    /// Makes ready what fetching takes; nothing is fetched yet.
    ///
    /// # Errors
    /// When a file of authorities cannot be read.
    pub(crate) fn build(identifier: &Identifier, before: Option<&Self>) -> Result<Self, TlsError> {
        let issuer = |keys: &Arc<RemoteKeys>| {
            let at = keys.at();
            let tls = at.server.https.then(|| tls::client_config(at.ca.as_deref(), b"http/1.1"));
            let old = before.iter().flat_map(|before| &before.all);
            let asked = old.clone().find(|old| Arc::ptr_eq(&old.keys, keys));
            Ok(Arc::new(Issuer {
                keys: Arc::clone(keys),
                connector: Connector::new(tls.transpose()?),
                asked: asked.map(|old| Arc::clone(&old.asked)).unwrap_or_default(),
            }))
        };
        let all = identifier.remote_keys().map(issuer).collect::<Result<_, _>>()?;
        let fetches = before.map(|before| Arc::clone(&before.fetches)).unwrap_or_default();
        Ok(Self { all, fetches })
    }

    /// Fetches the keys of issuers that have none yet, all at once, and waits for them.
    pub(crate) fn fetch_first(&self) {
        let missing: Vec<Arc<Issuer>> =
            self.all.iter().filter(|issuer| !issuer.keys.is_loaded()).map(Arc::clone).collect();
        if missing.is_empty() {
            return;
        }
        let fetches = Arc::clone(&self.fetches);
        let fetch = move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
            runtime.block_on(async move {
                let mut all = JoinSet::new();
                for issuer in missing {
                    let fetches = Arc::clone(&fetches);
                    all.spawn(async move {
                        let fetched = issuer.fetch(&fetches).await;
                        // Where it failed it is tried again soon.
                        issuer.asked(Instant::now(), !fetched);
                    });
                }
                while all.join_next().await.is_some() {}
            });
            // A name lookup that hangs must not hold the start up.
            runtime.shutdown_background();
            Ok::<(), std::io::Error>(())
        };
        // In a thread of its own, since whoever reloads may be in a runtime already.
        let thread = std::thread::Builder::new().name("issuers".to_owned()).spawn(fetch);
        match thread.map(std::thread::JoinHandle::join) {
            Ok(Ok(Ok(()))) => {}
            Ok(Ok(Err(error))) | Err(error) => warn!(%error, "No keys of tokens are fetched yet."),
            Ok(Err(_)) => warn!("No keys of tokens are fetched yet: the thread for it has panicked."),
        }
    }
}

/// Fetches keys for the policy in force, for as long as the worker runs; one task for all workers.
pub(crate) async fn keep_fetching(worker: Rc<Worker>) {
    let mut ticks = tokio::time::interval(LOOK);
    ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    loop {
        let loaded = worker.loaded();
        let mut tasks = JoinSet::new();
        for issuer in &loaded.issuers.all {
            tasks.spawn_local(watch(Arc::clone(issuer), Arc::clone(&loaded.issuers.fetches)));
        }
        while Arc::ptr_eq(&worker.loaded(), &loaded) {
            ticks.tick().await;
        }
    }
}

async fn watch(issuer: Arc<Issuer>, fetches: Arc<Fetches>) {
    let mut ticks = tokio::time::interval(LOOK);
    ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    loop {
        ticks.tick().await;
        let Some(on_demand) = issuer.due(Instant::now()) else { continue };
        let fetched = issuer.fetch(&fetches).await;
        issuer.asked(Instant::now(), on_demand);
        if on_demand && fetched {
            // What is not there now does not exist, until it is time to ask again.
            let _ = issuer.keys.take_wanted();
            issuer.keys.settle(true);
        }
    }
}

impl Issuer {
    /// Whether it is to be asked now, and whether that is because of a key that is not there.
    fn due(&self, now: Instant) -> Option<bool> {
        let asked = self.asked.lock().unwrap_or_else(PoisonError::into_inner);
        let since = |then: Option<Instant>| then.map(|then| now.saturating_duration_since(then));
        if since(asked.on_demand).is_none_or(|since| since >= REST) {
            self.keys.settle(false);
            if !self.keys.is_loaded() || self.keys.take_wanted() {
                return Some(true);
            }
        }
        since(asked.last).is_none_or(|since| since >= EVERY).then_some(false)
    }

    fn asked(&self, now: Instant, on_demand: bool) {
        let mut asked = self.asked.lock().unwrap_or_else(PoisonError::into_inner);
        asked.last = Some(now);
        if on_demand {
            asked.on_demand = Some(now);
        }
    }

    /// Asks for the keys, and says what became of it.
    async fn fetch(&self, fetches: &Fetches) -> bool {
        let url = &self.keys.at().url;
        let asked = tokio::time::timeout(PATIENCE, fetch::get(self.keys.at(), &self.connector)).await;
        let slow = |_| Err(format!("no answer in {} seconds", PATIENCE.as_secs()));
        let put = asked.unwrap_or_else(slow).and_then(|json| self.keys.put(&json));
        match &put {
            Ok(true) => info!(url, "The keys of tokens are there, or others than before."),
            Ok(false) => {}
            Err(why) if self.keys.is_loaded() => {
                warn!(url, why, "The keys of tokens cannot be fetched; those from before stay.");
            }
            Err(why) => {
                warn!(
                    url,
                    why, "The keys of tokens cannot be fetched; tokens are refused until they are there."
                );
            }
        }
        let counter = if put.is_ok() { &fetches.done } else { &fetches.failed };
        counter.fetch_add(1, Ordering::Relaxed);
        put.is_ok()
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;

    fn issuer() -> Arc<Issuer> {
        let text = "[listen]\nhttp = \"127.0.0.1:1\"\n[upstream]\nurl = \"http://127.0.0.1:2\"\n\
                    [[caller]]\nfrom = \"jwt:sub\"\njwt = { jwks = \"http://127.0.0.1:1/jwks\" }\n";
        let policy = ratewarden_policy::read(text, Path::new("/p.toml")).unwrap().policy;
        let identifier = Identifier::build(&policy, &[7; 16], None).unwrap();
        Arc::clone(&Issuers::build(&identifier, None).unwrap().all[0])
    }

    const JWKS: &str = r#"{"keys":[{"kty":"OKP","crv":"Ed25519","kid":"a","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}]}"#;

    #[test]
    fn an_issuer_is_asked_every_five_minutes_and_sooner_only_while_there_are_no_keys() {
        let (issuer, start) = (issuer(), Instant::now());
        let after = |seconds| start + Duration::from_secs(seconds);
        assert_eq!(issuer.due(start), Some(true));
        issuer.asked(start, true);
        assert_eq!(issuer.due(after(9)), None);
        assert_eq!(issuer.due(after(10)), Some(true));
        issuer.keys.put(JWKS.as_bytes()).unwrap();
        issuer.asked(after(10), true);
        assert_eq!(issuer.due(after(309)), None);
        assert_eq!(issuer.due(after(310)), Some(false));
    }
}
