//! Active health checks: a server that fails them gets no calls until it passes them again.

use std::io;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http_body_util::Empty;
use hyper::Request;
use hyper_util::rt::{TokioExecutor, TokioIo};
use ratewarden_policy::HealthCheck;
use tokio::task::JoinSet;
use tracing::{info, warn};

use super::connect::Connector;
use super::servers::Known;
use crate::descriptors::Missing;
use crate::state::Loaded;
use crate::worker::Worker;

/// How often it is looked whether a reload has brought other servers.
const LOOK: Duration = Duration::from_secs(1);

/// Checks the servers of the policy in force, for as long as the worker runs; one task for all workers.
pub(crate) async fn keep_checking(worker: Rc<Worker>) {
    loop {
        let loaded = worker.loaded();
        let checks = begin(&worker, &loaded);
        while Arc::ptr_eq(&worker.loaded().servers, &loaded.servers) {
            tokio::time::sleep(LOOK).await;
        }
        drop(checks);
    }
}

/// Begins to check every server; the checks end when the set is dropped.
fn begin(worker: &Rc<Worker>, loaded: &Loaded) -> JoinSet<()> {
    let mut checks = JoinSet::new();
    let upstream = &loaded.gateway.upstream;
    if let Some(check) = &upstream.health {
        for known in loaded.servers.all() {
            let (known, connector) = (Arc::clone(known), loaded.connector.clone());
            checks.spawn_local(watch(Rc::clone(worker), known, check.clone(), connector, upstream.http2));
        }
    }
    checks
}

async fn watch(worker: Rc<Worker>, known: Arc<Known>, check: HealthCheck, connector: Connector, http2: bool) {
    let mut ticks = tokio::time::interval(check.every);
    ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    let (mut good, mut bad) = (0_u32, 0_u32);
    loop {
        ticks.tick().await;
        match ask(&known, &check, &connector, http2).await {
            Ok(()) => (good, bad) = (good.saturating_add(1), 0),
            // Without a descriptor the server was not asked, so nobody knows more of it than before.
            Err(Bad::NotReached(error)) if worker.lacks_descriptors(Missing::Health, &error) => {}
            Err(bad_answer) => {
                let why = bad_answer.to_string();
                (good, bad) = (0, bad.saturating_add(1));
                if bad == check.unhealthy_after.get() && known.set_healthy(false) {
                    warn!(server = known.authority, why, "Upstream server is unhealthy.");
                }
            }
        }
        if good == check.healthy_after.get() && known.set_healthy(true) {
            info!(server = known.authority, "Upstream server is healthy again.");
        }
    }
}

/// Why a check is not passed.
#[derive(Debug, thiserror::Error)]
enum Bad {
    /// There is no connection to the server: it refused or reset one, its name is not known, or there was no descriptor.
    #[error("{0}")]
    NotReached(io::Error),
    #[error("{0}")]
    Answer(String),
}

async fn ask(known: &Known, check: &HealthCheck, connector: &Connector, http2: bool) -> Result<(), Bad> {
    let asked = tokio::time::timeout(check.timeout, status(known, check, connector, http2));
    match asked.await {
        Ok(Ok(status)) if (200..400).contains(&status) => Ok(()),
        Ok(Ok(status)) => Err(Bad::Answer(format!("answered {status}"))),
        Ok(Err(error)) => Err(match error.downcast::<io::Error>() {
            Ok(error) => Bad::NotReached(*error),
            Err(error) => Bad::Answer(error.to_string()),
        }),
        Err(_) => {
            let timeout = ratewarden_model::format_duration(check.timeout);
            Err(Bad::Answer(format!("no answer in {timeout}")))
        }
    }
}

async fn status(
    known: &Known,
    check: &HealthCheck,
    connector: &Connector,
    http2: bool,
) -> Result<u16, Box<dyn std::error::Error + Send + Sync>> {
    let io = TokioIo::new(connector.stream(&known.server).await?);
    let uri = if http2 { format!("http://{}{}", known.authority, check.path) } else { check.path.clone() };
    let request = Request::get(uri).header("host", &known.authority).body(Empty::<Bytes>::new())?;
    let response = if http2 {
        let (mut sender, connection) =
            hyper::client::conn::http2::handshake(TokioExecutor::new(), io).await?;
        let driver = tokio::spawn(connection);
        let response = sender.send_request(request).await;
        driver.abort();
        response?
    } else {
        let (mut sender, connection) = hyper::client::conn::http1::handshake(io).await?;
        let driver = tokio::spawn(connection);
        let response = sender.send_request(request).await;
        driver.abort();
        response?
    };
    Ok(response.status().as_u16())
}
