//! Where one worker's calls wait for the detectors: a batch with a cap.

use std::net::IpAddr;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};

use ratewarden_judge::findings::Whose;
use ratewarden_model::{Call, CallCaller};

use super::said::{PARTS, Said};

/// Calls of one worker that may wait, and the bytes of their texts: what a tenth of a second brings at 160 000 calls a
/// second.
const WAITING: usize = 16_384;
const WAITING_BYTES: usize = 4 << 20;

/// One worker's calls.
#[derive(Debug, Default)]
pub(crate) struct Tray {
    batch: Mutex<Batch>,
    dropped: AtomicU64,
}

/// How a call ended.
#[derive(Debug, Clone, Copy)]
pub(crate) struct End {
    /// Milliseconds since 1970.
    pub(crate) at_ms: i64,
    /// 0 where nobody knows.
    pub(crate) status: u16,
    pub(crate) bytes: u64,
    pub(crate) micros: Option<u64>,
}

/// Calls with their texts.
#[derive(Debug, Default)]
pub(crate) struct Batch {
    calls: Vec<Waiting>,
    text: Vec<u8>,
}

#[derive(Debug, Clone, Copy)]
struct Waiting {
    end: End,
    address: Option<IpAddr>,
    id: Option<u128>,
    is_verified: bool,
    lengths: [u16; PARTS],
}

impl Tray {
    /// Puts a call there; it is counted as dropped where there is no place.
    pub(crate) fn put(&self, said: &Said, end: &End) {
        let mut batch = self.batch.lock().unwrap_or_else(PoisonError::into_inner);
        if batch.calls.len() >= WAITING || batch.text.len() + said.text.len() > WAITING_BYTES {
            drop(batch);
            self.dropped.fetch_add(1, Ordering::Relaxed);
            return;
        }
        let Said { text, lengths, address, id, is_verified } = said;
        batch.text.extend_from_slice(text);
        let (address, id, is_verified, lengths) = (*address, *id, *is_verified, *lengths);
        batch.calls.push(Waiting { end: *end, address, id, is_verified, lengths });
    }

    /// Exchanges what waits for an empty batch.
    pub(crate) fn exchange(&self, batch: &mut Batch) {
        std::mem::swap(&mut *self.batch.lock().unwrap_or_else(PoisonError::into_inner), batch);
    }

    /// Calls that had no place.
    pub(crate) fn dropped(&self) -> u64 {
        self.dropped.load(Ordering::Relaxed)
    }
}

impl Batch {
    /// Hands each call on, and forgets them.
    pub(crate) fn drain(&mut self, mut each: impl FnMut(&Call<'_>, Whose)) -> u64 {
        let mut rest = self.text.as_slice();
        for waiting in &self.calls {
            let mut lengths = waiting.lengths.iter();
            let mut part = || {
                let length = lengths.next().copied().unwrap_or_default();
                let (part, after) = rest.split_at_checked(usize::from(length)).unwrap_or_default();
                rest = after;
                part
            };
            let (method, target, agent, referer) = (part(), part(), part(), part());
            let (user, name) = (part(), part());
            let caller = match waiting.id {
                Some(id) if user.is_empty() => CallCaller::Hashed { id, name },
                _ => CallCaller::Nobody,
            };
            let End { at_ms, status, bytes, micros } = waiting.end;
            let call = Call {
                address: waiting.address,
                caller,
                user,
                method,
                target,
                status,
                bytes,
                micros,
                agent,
                referer,
                ..Call::at(at_ms)
            };
            each(&call, Whose { id: waiting.id, is_verified: waiting.is_verified });
        }
        let count = self.calls.len() as u64;
        self.calls.clear();
        self.text.clear();
        count
    }
}

#[cfg(test)]
mod tests {
    use ratewarden_judge::Operation;

    use super::super::About;
    use super::*;

    fn said(path: &str, agent: &str) -> Said {
        let fields: &[(&str, &str)] = &[("user-agent", agent), ("referer", "http://a/")];
        let operation = Operation { method: "GET", path };
        let address = Some([192, 0, 2, 1].into());
        let mut said = Said::default();
        said.note(&About {
            operation,
            query: Some("b=c"),
            fields: Some(fields),
            address,
            subject: None,
            tried: Some(7),
        });
        said
    }

    fn end(at_ms: i64) -> End {
        End { at_ms, status: 200, bytes: 5, micros: Some(9) }
    }

    #[test]
    fn a_call_comes_out_as_it_went_in() {
        let tray = Tray::default();
        tray.put(&said("/a", "curl"), &end(1));
        tray.put(&said("/long", ""), &end(2));
        let (mut batch, mut seen) = (Batch::default(), Vec::new());
        tray.exchange(&mut batch);
        let count = batch.drain(|call, whose| {
            assert_eq!((call.method, call.referer, call.status), (&b"GET"[..], &b"http://a/"[..], 200));
            assert_eq!((call.caller_id(), whose.id, whose.is_verified), (Some(7), Some(7), false));
            seen.push((call.at_ms, call.target.to_vec(), call.agent.to_vec()));
        });
        assert_eq!(count, 2);
        let expected = [(1, "/a?b=c", "curl"), (2, "/long?b=c", "")];
        assert_eq!(seen, expected.map(|(at, target, agent)| (at, target.into(), agent.into())));
        assert_eq!(batch.drain(|_, _| {}), 0);
    }

    #[test]
    fn a_full_tray_drops_and_counts_by_calls_and_by_bytes() {
        let (tray, small) = (Tray::default(), said("/", ""));
        (0..WAITING + 3).for_each(|_| tray.put(&small, &end(1)));
        assert_eq!(tray.dropped(), 3);
        let (tray, large) = (Tray::default(), said(&"/".repeat(10_000), &"a".repeat(10_000)));
        assert_eq!(large.text.len(), 3 + 4_096 + 512 + 9, "what is longer is cut");
        let most = WAITING_BYTES / large.text.len();
        (0..most + 2).for_each(|_| tray.put(&large, &end(1)));
        assert_eq!(tray.dropped(), 2);
        let mut batch = Batch::default();
        tray.exchange(&mut batch);
        assert_eq!(batch.drain(|_, _| {}), most as u64);
        tray.put(&small, &end(1));
        assert_eq!(tray.dropped(), 2, "there is room again");
    }
}
