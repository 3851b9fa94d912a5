//! The admin listener's own thread: whoever asks there waits for no call, and no call waits for it.

use std::net::{SocketAddr, TcpListener};
use std::sync::Arc;
use std::thread::JoinHandle;

use tokio::sync::watch;
use tracing::warn;

use super::Admin;
use crate::load;
use crate::run::GuardError;
use crate::state::Shared;

/// The thread of the admin listener.
#[derive(Debug)]
pub(crate) struct AdminThread {
    address: SocketAddr,
    end: watch::Sender<bool>,
    thread: JoinHandle<()>,
}

impl AdminThread {
    /// Starts it, where there is a listener; it serves until it is ended, or leaves the listener to the successor.
    pub(crate) fn start(
        shared: &Arc<Shared>,
        socket: Option<TcpListener>,
        mut was_taken: watch::Receiver<bool>,
    ) -> Result<Option<Self>, GuardError> {
        let Some(socket) = socket else { return Ok(None) };
        let token = load::admin_token(&shared.loaded().policy)?;
        let address = socket.local_addr().map_err(GuardError::Worker)?;
        let shared = Arc::clone(shared);
        let mut runtime = tokio::runtime::Builder::new_current_thread();
        let runtime = runtime.enable_all().build().map_err(GuardError::Worker)?;
        let (end, mut ended) = watch::channel(false);
        let serve = move || {
            let admin = Admin::new(shared, token.as_deref().map(str::as_bytes));
            tokio::task::LocalSet::new().block_on(&runtime, async move {
                tokio::select! {
                    () = admin.serve(socket) => {}
                    Ok(_) = was_taken.wait_for(|taken| *taken) => {}
                    Ok(_) = ended.wait_for(|ended| *ended) => {}
                }
            });
        };
        let thread = std::thread::Builder::new().name("admin".to_owned());
        let thread = thread.spawn(serve).map_err(GuardError::Worker)?;
        Ok(Some(Self { address, end, thread }))
    }

    /// Where it listens.
    pub(crate) const fn address(&self) -> SocketAddr {
        self.address
    }

    /// Ends it, and requests under way with it.
    pub(crate) fn end(self) {
        self.end.send_replace(true);
        if self.thread.join().is_err() {
            warn!("The thread of the admin listener had panicked.");
        }
    }
}
