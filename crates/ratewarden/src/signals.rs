//! SIGINT and SIGTERM: work is dropped where it stands, and the exit code says by what.
//!
//! The work has a thread of its own, so that a signal is heard while the work computes, and so that it may hold what
//! cannot change threads. What it has open (sockets, a spinner, a file half written) is cleaned up by being dropped.
//! A task was tried first: it would bind every room to futures that can be sent.

use std::future::Future;
use std::time::Duration;

use tokio::runtime::Handle;
use tokio::sync::oneshot;

use crate::errors::{Exit, Failure};

/// How long the work may take to notice that it is to stop.
const GRACE: Duration = Duration::from_millis(500);
/// What a main thread has: parsers of outside text may nest.
const STACK_BYTES: usize = 8 * 1024 * 1024;

/// Runs work until it ends or a signal ends it.
pub(crate) async fn unless_interrupted<T, F>(work: impl FnOnce() -> F + Send + 'static) -> Result<T, Failure>
where
    T: Send + 'static,
    F: Future<Output = Result<T, Failure>>,
{
    let (stop, stopped) = oneshot::channel::<()>();
    let (done, mut outcome) = oneshot::channel();
    let runtime = Handle::current();
    let thread = std::thread::Builder::new().name("work".to_owned()).stack_size(STACK_BYTES);
    let started = thread.spawn(move || {
        let ended = runtime.block_on(async {
            tokio::select! {
                ended = work() => Some(ended),
                _ = stopped => None,
            }
        });
        // Nobody waits for it after the grace is over.
        let _ = done.send(ended);
    });
    if let Err(error) = started {
        let hint = "the system gave no thread; try again with fewer programs running";
        return Err(Failure::new(Exit::Unreachable, error, hint).context("cannot start"));
    }
    tokio::select! {
        ended = &mut outcome => match ended {
            Ok(Some(result)) => result,
            // The thread panicked, and the hook has said so.
            _ => Err(Failure::said(Exit::Panicked)),
        },
        exit = signal() => {
            drop(stop);
            // Stopped, finished or stuck in a computation: in each case there is nothing left to do.
            let _ = tokio::time::timeout(GRACE, outcome).await;
            let what = if exit == Exit::Terminated { "terminated" } else { "interrupted" };
            let error = anyhow::anyhow!("{what} before the end, so there is no report");
            Err(Failure::new(exit, error, "run it again; a scan is shorter with --max-time"))
        }
    }
}

/// Waits for the first signal that asks the program to end. It is listened for from the call on, not only while somebody waits:
/// who looks up from work now and then keeps what this gives, and misses none.
pub(crate) fn signal() -> impl Future<Output = Exit> {
    let (interrupted, terminated) = (interrupts(), terminations());
    async move {
        tokio::select! {
            () = interrupted => Exit::Interrupted,
            () = terminated => Exit::Terminated,
        }
    }
}

#[cfg(unix)]
fn interrupts() -> impl Future<Output = ()> {
    came(tokio::signal::unix::SignalKind::interrupt())
}

#[cfg(unix)]
fn terminations() -> impl Future<Output = ()> {
    came(tokio::signal::unix::SignalKind::terminate())
}

/// Where the handler cannot be installed, the system's own stays and ends the program.
#[cfg(unix)]
fn came(kind: tokio::signal::unix::SignalKind) -> impl Future<Output = ()> {
    let listening = tokio::signal::unix::signal(kind);
    async move {
        match listening {
            Ok(mut listening) => {
                listening.recv().await;
            }
            Err(_) => std::future::pending().await,
        }
    }
}

#[cfg(not(unix))]
async fn interrupts() {
    if tokio::signal::ctrl_c().await.is_err() {
        std::future::pending::<()>().await;
    }
}

#[cfg(not(unix))]
async fn terminations() {
    std::future::pending().await
}
