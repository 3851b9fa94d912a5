//! hyper on a runtime of one thread.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};

use hyper::rt::Executor;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use crate::net::stream::Stream;

/// Spawns hyper's tasks on the worker's own thread: calls hold what cannot leave it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct LocalExec;

impl<F> Executor<F> for LocalExec
where
    F: Future + 'static,
    F::Output: 'static,
{
    fn execute(&self, future: F) {
        tokio::task::spawn_local(future);
    }
}

/// A stream of which somebody has read the beginning already.
#[derive(Debug)]
pub(crate) struct Rewound {
    beginning: Vec<u8>,
    at: usize,
    stream: Stream,
}

impl Rewound {
    /// Reads `beginning` again before the rest of `stream`.
    pub(crate) const fn new(beginning: Vec<u8>, stream: Stream) -> Self {
        Self { beginning, at: 0, stream }
    }
}

impl AsyncRead for Rewound {
    fn poll_read(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        to: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let rewound = self.get_mut();
        let left = rewound.beginning.get(rewound.at..).unwrap_or_default();
        if left.is_empty() {
            return Pin::new(&mut rewound.stream).poll_read(context, to);
        }
        let count = left.len().min(to.remaining());
        to.put_slice(left.get(..count).unwrap_or_default());
        rewound.at += count;
        if rewound.at == rewound.beginning.len() {
            (rewound.beginning, rewound.at) = (Vec::new(), 0);
        }
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for Rewound {
    fn poll_write(self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.get_mut().stream).poll_write(context, bytes)
    }

    fn poll_flush(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().stream).poll_flush(context)
    }

    fn poll_shutdown(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().stream).poll_shutdown(context)
    }
}
