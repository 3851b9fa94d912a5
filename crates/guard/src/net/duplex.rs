//! One stream, read and written by two parts of one task.
//!
//! A gateway reads a request's body while it writes the response's. Both run in one task of one thread, so the
//! two sides may share the stream by a borrow that lasts one poll; a lock would be paid on every read.

use std::cell::RefCell;
use std::future::poll_fn;
use std::io;
use std::pin::Pin;
use std::task::{Poll, ready};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use super::buffers::Buffer;

/// A stream whose reads and writes borrow it one at a time.
#[derive(Debug)]
pub(crate) struct Duplex<S>(RefCell<S>);

impl<S: AsyncRead + AsyncWrite + Unpin> Duplex<S> {
    pub(crate) fn new(stream: S) -> Self {
        Self(RefCell::new(stream))
    }

    /// The stream itself.
    pub(crate) fn into_inner(self) -> S {
        self.0.into_inner()
    }

    /// Reads what is there into `buffer`, which grows up to `most`; 0 at the end of the stream, and when the
    /// buffer is full. The buffer holds no memory while nothing is there.
    pub(crate) async fn read(&self, buffer: &mut Buffer, most: usize) -> io::Result<usize> {
        poll_fn(|context| {
            let mut room = ReadBuf::new(buffer.room(most));
            match Pin::new(&mut *self.0.borrow_mut()).poll_read(context, &mut room) {
                Poll::Ready(Ok(())) => {
                    let count = room.filled().len();
                    buffer.fill(count);
                    Poll::Ready(Ok(count))
                }
                Poll::Ready(Err(error)) => Poll::Ready(Err(error)),
                Poll::Pending => {
                    buffer.rest();
                    Poll::Pending
                }
            }
        })
        .await
    }

    /// Whether the stream can still carry a call: nothing has come that nobody asked for, and it is not closed.
    /// Costs no system call on a socket that was drained.
    pub(crate) async fn is_quiet(&self) -> bool {
        poll_fn(|context| {
            let mut byte = [0];
            let mut room = ReadBuf::new(&mut byte);
            let read = Pin::new(&mut *self.0.borrow_mut()).poll_read(context, &mut room);
            Poll::Ready(read.is_pending())
        })
        .await
    }

    /// Writes all of `bytes`.
    pub(crate) async fn write_all(&self, mut bytes: &[u8]) -> io::Result<()> {
        poll_fn(|context| {
            while !bytes.is_empty() {
                let count = ready!(Pin::new(&mut *self.0.borrow_mut()).poll_write(context, bytes))?;
                if count == 0 {
                    return Poll::Ready(Err(io::ErrorKind::WriteZero.into()));
                }
                bytes = bytes.get(count..).unwrap_or_default();
            }
            Poll::Ready(Ok(()))
        })
        .await
    }

    /// Writes all of `bytes` and pushes out what TLS still holds.
    pub(crate) async fn write_out(&self, bytes: &[u8]) -> io::Result<()> {
        self.write_all(bytes).await?;
        self.flush().await
    }

    /// Pushes out what TLS still holds.
    pub(crate) async fn flush(&self) -> io::Result<()> {
        poll_fn(|context| Pin::new(&mut *self.0.borrow_mut()).poll_flush(context)).await
    }

    /// Says that nothing more will be written.
    pub(crate) async fn shutdown(&self) -> io::Result<()> {
        poll_fn(|context| Pin::new(&mut *self.0.borrow_mut()).poll_shutdown(context)).await
    }
}
