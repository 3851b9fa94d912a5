//! Connections as they come in: counted, capped, decrypted, and given to the engine they speak to.

use std::io;
use std::net::IpAddr;
use std::rc::Rc;
use std::time::{Duration, Instant};

use ratewarden_http1::proxy;
use tokio::io::AsyncReadExt as _;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio_rustls::TlsAcceptor;
use tracing::{debug, warn};

use crate::client::Client;
use crate::connections::{Full, Open};
use crate::descriptors::{Missing, PAUSE};
use crate::h1;
use crate::h2;
use crate::net::stream::Stream;
use crate::tls;
use crate::transfer::Rewound;
use crate::worker::Worker;

/// How often the end of the connections is looked for at the end.
const LOOK: Duration = Duration::from_millis(20);

/// Accepts until told to stop, then waits for the connections to end.
pub(crate) async fn serve(
    worker: Rc<Worker>,
    sockets: Vec<(std::net::TcpListener, bool)>,
    mut stopping: watch::Receiver<bool>,
) {
    let looking = Rc::clone(&worker);
    let deadlines = Rc::clone(&worker.deadlines).keep(move || looking.make_room_for_others());
    let deadlines = tokio::task::spawn_local(deadlines);
    let mut accepting = JoinSet::new();
    for (socket, tls) in sockets {
        match TcpListener::from_std(socket) {
            Ok(listener) => {
                accepting.spawn_local(accept(Rc::clone(&worker), listener, tls));
            }
            Err(error) => warn!(%error, "A listener cannot be used."),
        }
    }
    // An error means that nobody is left who could stop us.
    let _ = stopping.wait_for(|stop| *stop).await;
    accepting.shutdown().await;
    worker.ending.notify_waiters();
    drain(&worker).await;
    deadlines.abort();
}

/// Connections between two calls may still send one, and are told then that it is the last; in the second half of
/// the time they are closed. What is under way at the end is cut off.
async fn drain(worker: &Rc<Worker>) {
    let patience = worker.loaded().policy.timeouts.shutdown;
    let now = Instant::now();
    worker.deadlines.end_idle_at(now + patience / 2);
    while worker.shared.connections.open() > 0 && now.elapsed() < patience {
        tokio::time::sleep(LOOK).await;
    }
    let connections = worker.shared.connections.open();
    if connections > 0 {
        warn!(connections, "Connections are cut off at the end of the shutdown time.");
    }
}

async fn accept(worker: Rc<Worker>, listener: TcpListener, tls: bool) {
    loop {
        match listener.accept().await {
            Ok((stream, peer)) => {
                let Some(open) = admit(&worker, peer.ip()) else { continue };
                let worker = Rc::clone(&worker);
                tokio::task::spawn_local(connection(worker, stream, peer.ip(), open, tls));
            }
            Err(error) if is_the_clients(&error) => {}
            Err(error) => {
                if !worker.lacks_descriptors(Missing::Accept, &error) {
                    worker.metrics.refused("accept");
                    warn!(%error, "A connection cannot be accepted.");
                }
                tokio::time::sleep(PAUSE).await;
            }
        }
    }
}

fn admit(worker: &Worker, peer: IpAddr) -> Option<Open> {
    let loaded = worker.loaded();
    let caps = &loaded.policy.caps;
    let address = ratewarden_callers::counted(peer, loaded.policy.trust.ipv6_prefix);
    // A proxy's connections are those of all its clients.
    let each = if is_trusted(worker, peer) { usize::MAX } else { caps.connections_per_address };
    match worker.shared.connections.admit(address, caps.connections, each) {
        Ok(open) => Some(open),
        Err(full) => {
            worker.metrics.refused(match full {
                Full::InAll => "connections",
                Full::OfAddress => "connections_per_address",
            });
            None
        }
    }
}

fn is_trusted(worker: &Worker, peer: IpAddr) -> bool {
    worker.loaded().policy.trust.proxies.iter().any(|network| network.contains(peer))
}

/// A client that went away before it was accepted is no fault of ours.
fn is_the_clients(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::ConnectionAborted | io::ErrorKind::ConnectionReset | io::ErrorKind::Interrupted
    )
}

async fn connection(worker: Rc<Worker>, mut tcp: TcpStream, peer: IpAddr, open: Open, tls: bool) {
    let (address, open) = if worker.loaded().gateway.listen.proxy_protocol && is_trusted(&worker, peer) {
        // Boxed: its buffer would be a part of every connection otherwise.
        match Box::pin(proxied(&worker, &mut tcp, peer, open)).await {
            Some(client) => client,
            None => return,
        }
    } else {
        (peer, open)
    };
    converse(worker, tcp, address, tls).await;
    // It counts until here.
    drop(open);
}

async fn converse(worker: Rc<Worker>, tcp: TcpStream, address: IpAddr, tls: bool) {
    let address = address.to_canonical();
    let mut client = Client { address, address_text: address.to_string(), subject: None, tls };
    if let Err(error) = tcp.set_nodelay(true) {
        debug!(%error, "A connection ended at once.");
        return;
    }
    let stream = if tls {
        match handshake(&worker, tcp).await {
            Some((stream, subject)) => {
                client.subject = subject;
                stream
            }
            None => return,
        }
    } else {
        Stream::Plain(tcp)
    };
    if tls && stream.agreed_on_http2() {
        return Box::pin(h2::serve(worker, client, Rewound::new(Vec::new(), stream))).await;
    }
    h1::serve(worker, client, stream).await;
}

/// Whose connection it is, as a proxy must say first. That client is counted from then on, as if it had come
/// directly.
async fn proxied(worker: &Worker, tcp: &mut TcpStream, peer: IpAddr, open: Open) -> Option<(IpAddr, Open)> {
    let loaded = worker.loaded();
    let deadline = worker.deadlines.add();
    let until = worker.deadlines.now() + loaded.policy.timeouts.header;
    match deadline.until(until, proxy_header(tcp)).await {
        Ok(Ok(proxy::Source::Proxy)) => Some((peer, open)),
        Ok(Ok(proxy::Source::Address(address, _))) => {
            drop(open);
            Some((address, admit(worker, address)?))
        }
        Ok(Err(error)) => {
            worker.metrics.refused("proxy_header");
            debug!(%error, %peer, "A proxy's connection is closed: it does not say whose it is.");
            None
        }
        Err(_) => {
            worker.metrics.refused("proxy_header_timeout");
            None
        }
    }
}

/// Reads a PROXY header and not a byte more.
async fn proxy_header(tcp: &mut TcpStream) -> io::Result<proxy::Source> {
    let mut header = [0; proxy::MOST];
    let mut read = 0;
    loop {
        let so_far = header.get(..read).unwrap_or_default();
        match proxy::need(so_far).map_err(io::Error::other)? {
            proxy::Need::Nothing => return proxy::source(so_far).map_err(io::Error::other),
            proxy::Need::Bytes(count) => {
                let room = header.get_mut(read..read + count).ok_or(io::ErrorKind::InvalidData)?;
                read += tcp.read_exact(room).await?;
            }
        }
    }
}

async fn handshake(worker: &Worker, tcp: TcpStream) -> Option<(Stream, Option<String>)> {
    let loaded = worker.loaded();
    let acceptor = TlsAcceptor::from(loaded.acceptor.clone()?);
    let deadline = worker.deadlines.add();
    let until = worker.deadlines.now() + loaded.policy.timeouts.header;
    match deadline.until(until, acceptor.accept(tcp)).await {
        Ok(Ok(stream)) => {
            let subject = tls::subject(stream.get_ref().1.peer_certificates());
            Some((Stream::Tls(Box::new(stream.into())), subject))
        }
        Ok(Err(error)) => {
            worker.metrics.refused("tls_handshake");
            debug!(%error, "A TLS handshake failed.");
            None
        }
        Err(_) => {
            worker.metrics.refused("tls_timeout");
            None
        }
    }
}
