//! Reading on a thread of its own, so that unpacking and what is done with lines go on side by side.

use std::io::{self, ErrorKind, Read};
use std::sync::mpsc::{Receiver, Sender, SyncSender, channel, sync_channel};
use std::thread;

use super::BLOCK;

/// Blocks that may wait to be taken.
const WAITING: usize = 4;

/// Part of a block: its bytes, and how many of them count.
type Part = (Vec<u8>, usize);

/// What another thread has read. That thread ends with its reader, with an error, and when this is dropped (if it
/// waits for a pipe then: when that gives something).
pub(super) struct Ahead {
    parts: Receiver<io::Result<Part>>,
    /// Blocks to be used again.
    empty: Sender<Vec<u8>>,
    part: Part,
    taken: usize,
}

impl Ahead {
    /// Begins to read.
    ///
    /// # Errors
    /// Where the system gives no thread.
    pub(super) fn new(reader: impl Read + Send + 'static) -> io::Result<Self> {
        let (to_take, parts) = sync_channel(WAITING);
        let (empty, to_fill) = channel();
        let body = move || fill(reader, &to_take, &to_fill);
        thread::Builder::new().name("read-ahead".to_owned()).spawn(body)?;
        Ok(Self { parts, empty, part: (Vec::new(), 0), taken: 0 })
    }
}

impl Read for Ahead {
    fn read(&mut self, space: &mut [u8]) -> io::Result<usize> {
        if self.taken == self.part.1 && !space.is_empty() {
            // The other side is gone at the end.
            let Ok(part) = self.parts.recv() else { return Ok(0) };
            let (former, _) = std::mem::replace(&mut self.part, part?);
            self.taken = 0;
            // It may be gone already, and then needs no more blocks.
            let _ = self.empty.send(former);
        }
        let (block, end) = &self.part;
        let mut rest = block.get(self.taken..*end).unwrap_or_default();
        let bytes = rest.read(space)?;
        self.taken += bytes;
        Ok(bytes)
    }
}

fn fill(mut reader: impl Read, to_take: &SyncSender<io::Result<Part>>, to_fill: &Receiver<Vec<u8>>) {
    loop {
        let mut block = to_fill.try_recv().unwrap_or_default();
        block.resize(BLOCK, 0);
        let bytes = match reader.read(&mut block) {
            Ok(0) => return,
            Ok(bytes) => bytes,
            Err(error) if error.kind() == ErrorKind::Interrupted => continue,
            Err(error) => {
                let _ = to_take.send(Err(error));
                return;
            }
        };
        if to_take.send(Ok((block, bytes))).is_err() {
            return;
        }
    }
}
