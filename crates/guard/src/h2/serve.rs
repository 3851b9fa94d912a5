//! A client's connection: its caps, its idleness, its end.

use std::convert::Infallible;
use std::pin::pin;
use std::rc::Rc;

use hyper::server::conn::http2::Builder;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tracing::debug;

use super::begin;
use super::link::Link;
use crate::client::Client;
use crate::state::Loaded;
use crate::transfer::{LocalExec, Rewound};
use crate::worker::Worker;

/// Calls of one connection at a time.
const STREAMS: u32 = 100;

/// Streams that were reset before anybody looked at them; one more ends the connection.
const UNSEEN_RESETS: usize = 20;

/// Streams that the gateway had to reset because they were malformed; one more ends the connection.
const MALFORMED: usize = 100;

/// What a client may send ahead of what the upstream has read: of one body, and of all on a connection.
const STREAM_WINDOW: u32 = 128 * 1024;
const CONNECTION_WINDOW: u32 = 1024 * 1024;

/// Bytes of an answer that wait for the client.
const SEND_BUFFER: usize = 64 * 1024;

/// Serves a connection to its end.
pub(crate) async fn serve(worker: Rc<Worker>, client: Client, stream: Rewound) {
    let link = Link::new(worker, client);
    let worker = &link.worker;
    let service = service_fn(|request| {
        let link = Rc::clone(&link);
        async move { Ok::<_, Infallible>(begin::answer(link, request).await) }
    });
    let builder = builder(&worker.loaded());
    let mut connection = pin!(builder.serve_connection(TokioIo::new(stream), service));
    // Taken before the question whether it is over already, so that nothing falls between the two.
    let mut ending = pin!(worker.ending.notified());
    if worker.shared.is_draining() {
        link.tell();
        connection.as_mut().graceful_shutdown();
    }
    loop {
        tokio::select! {
            biased;
            ended = connection.as_mut() => {
                if let Err(error) = ended {
                    debug!(%error, "A connection over HTTP/2 failed.");
                }
                return;
            }
            () = ending.as_mut(), if !link.is_told() => {
                link.tell();
                connection.as_mut().graceful_shutdown();
            }
            () = link.flooded() => {
                worker.metrics.refused("h2_resets");
                return;
            }
            () = link.deadline.over() => {
                // Who was told and does not go is cut off.
                if link.is_told() || !link.has_begun() {
                    return;
                }
                link.tell();
                connection.as_mut().graceful_shutdown();
            }
        }
    }
}

fn builder(loaded: &Loaded) -> Builder<LocalExec> {
    let (caps, timeouts) = (&loaded.policy.caps, &loaded.policy.timeouts);
    let mut builder = Builder::new(LocalExec);
    builder
        .timer(TokioTimer::new())
        .max_concurrent_streams(STREAMS)
        .max_pending_accept_reset_streams(UNSEEN_RESETS)
        .max_local_error_reset_streams(MALFORMED)
        .max_header_list_size(u32::try_from(caps.head_bytes).unwrap_or(u32::MAX))
        .initial_stream_window_size(STREAM_WINDOW)
        .initial_connection_window_size(CONNECTION_WINDOW)
        .max_send_buf_size(SEND_BUFFER)
        .auto_date_header(false)
        // A client that is gone without a word is found out.
        .keep_alive_interval(timeouts.idle)
        .keep_alive_timeout(timeouts.header);
    builder
}
