//! The flood: heads that come a byte at a time and never end. A connection that is ended is replaced at once.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use anyhow::{Result, ensure};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::sync::oneshot;
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep};

/// Between two bytes of a head.
const DRIP: Duration = Duration::from_secs(1);

/// For all of the flood to be connected.
const PATIENCE: Duration = Duration::from_secs(60);

/// What the flood did.
#[derive(Debug, Default)]
pub(crate) struct Flood {
    begun: AtomicU64,
    ended: AtomicU64,
}

impl Flood {
    /// Keeps so many slow connections open until told to stop.
    pub(crate) fn run(
        self: Arc<Self>,
        to: SocketAddr,
        count: u32,
        stop: oneshot::Receiver<()>,
    ) -> Result<()> {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        runtime.block_on(async {
            let mut connections = JoinSet::new();
            for number in 0..count {
                connections.spawn(Arc::clone(&self).keep(to, number));
            }
            // An error is the sender's end, which is the word to stop.
            let _ = stop.await;
        });
        Ok(())
    }

    async fn keep(self: Arc<Self>, to: SocketAddr, number: u32) {
        loop {
            let ended = self.drip(to, number).await;
            self.ended.fetch_add(u64::from(ended.is_ok()), Ordering::Relaxed);
            if ended.is_err() {
                // Not even connected; at the pace of the bytes, or the flood is a busy loop of ours.
                sleep(DRIP).await;
            }
        }
    }

    /// Sends a head byte by byte until the gateway ends the connection.
    async fn drip(&self, to: SocketAddr, number: u32) -> std::io::Result<()> {
        let mut stream = super::connect(to, 2, number).await?;
        stream.write_all(b"GET / HTTP/1.1\r\nhost: bench\r\nx-slow: ").await?;
        self.begun.fetch_add(1, Ordering::Relaxed);
        let mut answer = [0; 1024];
        loop {
            tokio::select! {
                read = stream.read(&mut answer) => {
                    if !matches!(read, Ok(1..)) {
                        return Ok(());
                    }
                }
                () = sleep(DRIP) => {
                    if stream.write_all(b"x").await.is_err() {
                        return Ok(());
                    }
                }
            }
        }
    }

    /// Waits until so many have begun.
    pub(crate) async fn wait_for(&self, count: u64) -> Result<()> {
        let start = Instant::now();
        while self.begun.load(Ordering::Relaxed) < count {
            ensure!(start.elapsed() < PATIENCE, "the flood could not connect; see ulimit -n");
            sleep(Duration::from_millis(10)).await;
        }
        Ok(())
    }

    /// Connections the gateway ended.
    pub(crate) fn ended(&self) -> u64 {
        self.ended.load(Ordering::Relaxed)
    }
}
