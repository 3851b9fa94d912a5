//! The honest client: calls at a steady pace on connections it keeps.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep_until, timeout};

/// Connections the calls take turns on.
const CONNECTIONS: u32 = 8;

/// A call that is answered later than this was not answered.
const PATIENCE: Duration = Duration::from_secs(10);

const CALL: &[u8] = b"GET /v1/items HTTP/1.1\r\nhost: bench\r\nx-api-key: honest\r\n\r\n";

/// What became of its calls.
#[derive(Debug, Default)]
pub(crate) struct Honest {
    pub(crate) sent: usize,
    /// Of each call that was answered with 200, from when it was due; in order once all are there.
    latencies: Vec<Duration>,
}

impl Honest {
    pub(crate) fn answered(&self) -> usize {
        self.latencies.len()
    }

    /// The latency that this share of the answered calls does not exceed (nearest rank).
    pub(crate) fn quantile(&self, share: f64) -> Duration {
        #[expect(
            clippy::cast_precision_loss,
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "a rank"
        )]
        let rank = (self.latencies.len() as f64 * share).ceil() as usize;
        self.latencies.get(rank.saturating_sub(1)).copied().unwrap_or(Duration::MAX)
    }
}

/// Calls `pace` times a second for `duration`. A call is due at its time whatever became of the last, so waiting for a slow
/// answer counts against those behind it.
pub(crate) async fn calls(to: SocketAddr, pace: u32, duration: Duration) -> Result<Honest> {
    let found = Arc::new(Mutex::new(Honest::default()));
    let start = Instant::now();
    let apart = Duration::from_secs(1) / pace;
    let mut lanes = JoinSet::new();
    for lane in 0..CONNECTIONS {
        let found = Arc::clone(&found);
        lanes.spawn(async move {
            let mut stream = None;
            let mut number = lane;
            while apart * number < duration {
                let due = start + apart * number;
                sleep_until(due).await;
                let answered = timeout(PATIENCE, call(&mut stream, to)).await;
                let fine = matches!(answered, Ok(Ok(())));
                if !fine {
                    stream = None;
                }
                let mut found = found.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
                found.sent += 1;
                if fine {
                    found.latencies.push(due.elapsed());
                }
                number += CONNECTIONS;
            }
        });
    }
    while let Some(ended) = lanes.join_next().await {
        ended.context("the honest client broke")?;
    }
    let mut found = std::mem::take(&mut *found.lock().unwrap_or_else(std::sync::PoisonError::into_inner));
    found.latencies.sort_unstable();
    Ok(found)
}

/// Makes one call on the connection that is kept, or a new one.
pub(crate) async fn call(kept: &mut Option<TcpStream>, to: SocketAddr) -> Result<()> {
    let stream = match kept {
        Some(stream) => stream,
        None => kept.insert(TcpStream::connect(to).await?),
    };
    stream.set_nodelay(true)?;
    stream.write_all(CALL).await?;
    let mut answer = Vec::with_capacity(512);
    loop {
        ensure!(stream.read_buf(&mut answer).await? > 0, "closed");
        let text = String::from_utf8_lossy(&answer);
        let Some((head, body)) = text.split_once("\r\n\r\n") else { continue };
        ensure!(head.starts_with("HTTP/1.1 200"), "{}", head.lines().next().unwrap_or_default());
        let length = head.lines().find_map(|line| {
            let (name, value) = line.split_once(':')?;
            name.eq_ignore_ascii_case("content-length").then(|| value.trim().parse::<usize>().ok())?
        });
        if body.len() >= length.context("no length")? {
            return Ok(());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_quantile_is_a_latency_that_was_seen() {
        let latencies = (1..=100).map(Duration::from_micros).collect();
        let honest = Honest { sent: 100, latencies };
        assert_eq!(honest.quantile(0.5), Duration::from_micros(50));
        assert_eq!(honest.quantile(0.99), Duration::from_micros(99));
        assert_eq!(honest.quantile(1.0), Duration::from_micros(100));
        assert_eq!(Honest::default().quantile(0.5), Duration::MAX);
    }
}
