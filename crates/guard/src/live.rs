//! The live view: lines of the access log, to whoever listens just now.
//!
//! While nobody listens it costs a call one relaxed load. A worker never waits for a reader: lines wait in a queue
//! with a cap of its own for each reader, and when that is full they are left out, counted, and the reader is told
//! how many are missing and where. The list of readers has a lock that workers share, so a line is put to a queue
//! under it and nothing else is done there.

use std::pin::Pin;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use tokio::sync::mpsc::{Receiver, Sender, channel};
use tokio::time::Interval;

use crate::gate::Judged;
use crate::state::Shared;

/// Readers at a time.
pub(crate) const READERS: usize = 8;

/// Lines that may wait for one reader, and their bytes.
const WAITING: usize = 1_024;
const WAITING_BYTES: usize = 1 << 20;

/// Lines that are handed on at once.
const TOGETHER: usize = 64;

/// After so long without a line a reader is told that nothing is lost, so that both ends see whether the other is
/// still there.
const QUIET: Duration = Duration::from_secs(15);

/// All readers.
#[derive(Debug, Default)]
pub(crate) struct Live {
    count: AtomicUsize,
    next: AtomicU64,
    readers: Mutex<Vec<Reader>>,
}

/// What a reader wants to see.
#[derive(Debug, Clone, Default)]
pub(crate) struct Filter {
    pub(crate) decision: Option<Judged>,
    /// A caller by the label under which it is shown.
    pub(crate) caller: Option<String>,
}

#[derive(Debug)]
struct Reader {
    number: u64,
    filter: Filter,
    lines: Sender<Bytes>,
    /// Bytes that wait.
    bytes: Arc<AtomicUsize>,
    lost: u64,
}

/// A reader's end: lines as they come. Dropping it ends the reading.
#[derive(Debug)]
pub(crate) struct Tail {
    shared: Arc<Shared>,
    number: u64,
    lines: Receiver<Bytes>,
    bytes: Arc<AtomicUsize>,
    quiet: Interval,
}

impl Live {
    /// Whether anybody listens.
    pub(crate) fn is_heard(&self) -> bool {
        self.count.load(Ordering::Relaxed) > 0
    }

    /// Hands a line, without its end, to everybody who wants it.
    pub(crate) fn publish(&self, decision: Judged, caller: &str, line: &str) {
        let mut readers = self.readers.lock().unwrap_or_else(PoisonError::into_inner);
        let mut shared = None;
        for reader in readers.iter_mut().filter(|reader| reader.filter.wants(decision, caller)) {
            let line = shared.get_or_insert_with(|| Bytes::from(format!("{line}\n")));
            reader.put(line.clone());
        }
    }

    /// Begins to listen; nothing while there are as many readers as there may be.
    pub(crate) fn listen(shared: &Arc<Shared>, filter: Filter) -> Option<Tail> {
        let live = &shared.live;
        let mut readers = live.readers.lock().unwrap_or_else(PoisonError::into_inner);
        if readers.len() >= READERS {
            return None;
        }
        let number = live.next.fetch_add(1, Ordering::Relaxed);
        let (sender, lines) = channel(WAITING);
        let bytes = Arc::<AtomicUsize>::default();
        readers.push(Reader { number, filter, lines: sender, bytes: Arc::clone(&bytes), lost: 0 });
        live.count.store(readers.len(), Ordering::Relaxed);
        drop(readers);
        let mut quiet = tokio::time::interval_at(tokio::time::Instant::now() + QUIET, QUIET);
        quiet.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        Some(Tail { shared: Arc::clone(shared), number, lines, bytes, quiet })
    }

    fn leave(&self, number: u64) {
        let mut readers = self.readers.lock().unwrap_or_else(PoisonError::into_inner);
        readers.retain(|reader| reader.number != number);
        self.count.store(readers.len(), Ordering::Relaxed);
    }

    /// Lines that a reader has lost and was not told of.
    fn take_lost(&self, number: u64) -> u64 {
        let mut readers = self.readers.lock().unwrap_or_else(PoisonError::into_inner);
        let reader = readers.iter_mut().find(|reader| reader.number == number);
        reader.map_or(0, |reader| std::mem::take(&mut reader.lost))
    }
}

impl Filter {
    fn wants(&self, decision: Judged, caller: &str) -> bool {
        self.decision.is_none_or(|wanted| wanted == decision)
            && self.caller.as_deref().is_none_or(|wanted| wanted == caller)
    }
}

impl Reader {
    fn put(&mut self, line: Bytes) {
        // What is missing is said where it is missing: with the next line that has room.
        let line = if self.lost > 0 { [lost(self.lost), line].concat().into() } else { line };
        if self.send(line) {
            self.lost = 0;
        } else {
            self.lost += 1;
        }
    }

    fn send(&self, line: Bytes) -> bool {
        let length = line.len();
        // Counted before it is there, or the reader could subtract it first.
        let waiting = self.bytes.fetch_add(length, Ordering::Relaxed);
        let is_sent = waiting + length <= WAITING_BYTES && self.lines.try_send(line).is_ok();
        if !is_sent {
            self.bytes.fetch_sub(length, Ordering::Relaxed);
        }
        is_sent
    }
}

fn lost(count: u64) -> Bytes {
    Bytes::from(format!("{{\"lost\":{count}}}\n"))
}

impl Tail {
    /// The next lines, as many as are there; it never ends by itself.
    pub(crate) fn poll_lines(&mut self, context: &mut Context<'_>) -> Poll<Bytes> {
        let mut lines = Vec::new();
        if self.lines.poll_recv_many(context, &mut lines, TOGETHER).is_ready() && !lines.is_empty() {
            let length = lines.iter().map(Bytes::len).sum();
            self.bytes.fetch_sub(length, Ordering::Relaxed);
            self.quiet.reset();
            let mut all = BytesMut::with_capacity(length);
            lines.iter().for_each(|line| all.extend_from_slice(line));
            return Poll::Ready(all.freeze());
        }
        ready!(Pin::new(&mut self.quiet).poll_tick(context));
        Poll::Ready(lost(self.shared.live.take_lost(self.number)))
    }
}

impl Drop for Tail {
    fn drop(&mut self) {
        self.shared.live.leave(self.number);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reader(filter: Filter) -> (Live, Receiver<Bytes>) {
        let (sender, lines) = channel(WAITING);
        let reader = Reader { number: 0, filter, lines: sender, bytes: Arc::default(), lost: 0 };
        (Live { readers: Mutex::new(vec![reader]), ..Live::default() }, lines)
    }

    fn read(lines: &mut Receiver<Bytes>) -> Vec<String> {
        std::iter::from_fn(|| lines.try_recv().ok())
            .map(|line| String::from_utf8(line.to_vec()).unwrap())
            .collect()
    }

    #[test]
    fn a_slow_reader_loses_lines_and_is_told_how_many_and_where() {
        let (live, mut lines) = reader(Filter::default());
        for number in 0..WAITING + 5 {
            live.publish(Judged::Admitted, "ann", &number.to_string());
        }
        let seen = read(&mut lines);
        assert_eq!((seen.len(), seen.last().map(String::as_str)), (WAITING, Some("1023\n")));
        live.publish(Judged::Admitted, "ann", "next");
        live.publish(Judged::Admitted, "ann", "after");
        assert_eq!(read(&mut lines), ["{\"lost\":5}\nnext\n", "after\n"]);
    }

    #[test]
    fn long_lines_cannot_take_more_memory_than_short_ones() {
        let (live, mut lines) = reader(Filter::default());
        let long = "x".repeat(WAITING_BYTES / 4);
        for _ in 0..10 {
            live.publish(Judged::Admitted, "ann", &long);
        }
        assert_eq!(read(&mut lines).len(), 3, "a line has an end too");
        assert_eq!(live.take_lost(0), 7);
    }

    #[test]
    fn a_reader_sees_what_it_asked_for() {
        let (live, mut lines) =
            reader(Filter { decision: Some(Judged::Rejected), caller: Some("ann".to_owned()) });
        live.publish(Judged::Rejected, "bob", "1");
        live.publish(Judged::Admitted, "ann", "2");
        live.publish(Judged::Rejected, "ann", "3");
        assert_eq!(read(&mut lines), ["3\n"]);
        live.leave(0);
        assert!(!live.is_heard());
    }
}
