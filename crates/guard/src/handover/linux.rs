//! The hand-over itself: records of a fixed size, each with a socket, and one byte back.

use std::io::{self, IoSlice, IoSliceMut, Read as _, Write as _};
use std::mem::MaybeUninit;
use std::net::{SocketAddr, TcpListener};
use std::os::fd::{AsFd as _, BorrowedFd, OwnedFd};
use std::os::linux::net::SocketAddrExt as _;
use std::os::unix::net::{SocketAddr as UnixAddress, UnixListener, UnixStream};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use ratewarden_counters::Hasher;
use rustix::net::{
    RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags, SendAncillaryBuffer, SendAncillaryMessage,
    SendFlags,
};
use serde::{Deserialize, Serialize};
use tokio::sync::watch;
use tracing::{debug, info, warn};

use super::{Listening, Purpose};

/// Bytes of a record: JSON, filled up with spaces.
const RECORD: usize = 128;

/// What the successor sends when it accepts.
const READY: u8 = b'r';

/// How long a successor may take to start.
const PATIENCE: Duration = Duration::from_secs(120);

/// How long the name of the offer is waited for: the predecessor gives it up when its successor is ready.
const NAME_PATIENCE: Duration = Duration::from_secs(30);

/// Between two tries for the name.
const PAUSE: Duration = Duration::from_millis(50);

/// Where successors ask: the Unix socket, which is handed over as well.
#[derive(Debug)]
pub(crate) struct Stand(UnixListener);

/// One socket; or the end of them, with the stand.
#[derive(Debug, Serialize, Deserialize)]
struct Record {
    purpose: Option<Purpose>,
    address: Option<SocketAddr>,
}

/// A gateway that waits for this process to be ready.
#[derive(Debug)]
pub(crate) struct Predecessor {
    pub(crate) sockets: Vec<Listening>,
    pub(crate) stand: Option<Stand>,
    stream: UnixStream,
}

/// What is handed over in one record.
enum Handed {
    Socket(Listening),
    /// The end.
    Stand(Stand),
}

/// An offer that stands until it is taken or ended.
#[derive(Debug)]
pub(crate) struct Offer {
    name: UnixAddress,
    ended: Arc<AtomicBool>,
    thread: JoinHandle<()>,
}

/// Asks the gateway that runs with this policy file for its sockets; `None` when there is none.
///
/// # Errors
/// When there is one and it does not hand them over.
pub(crate) fn predecessor(policy: &Path) -> io::Result<Option<Predecessor>> {
    let stream = match UnixStream::connect_addr(&name(policy)?) {
        Ok(stream) => stream,
        Err(error) if error.kind() == io::ErrorKind::ConnectionRefused => return Ok(None),
        Err(error) => return Err(error),
    };
    is_ours(&stream)?;
    stream.set_read_timeout(Some(PATIENCE))?;
    let mut sockets = Vec::new();
    let stand = loop {
        match receive(&stream)? {
            Handed::Socket(listening) => sockets.push(listening),
            Handed::Stand(stand) => break Some(stand),
        }
    };
    Ok(Some(Predecessor { sockets, stand, stream }))
}

impl Predecessor {
    /// Lets it go: from now on this process answers.
    pub(crate) fn ready(mut self) {
        if let Err(error) = self.stream.write_all(&[READY]) {
            warn!(%error, "The predecessor cannot be told that it may end; end it with SIGTERM.");
        }
    }
}

impl Offer {
    /// Offers the sockets to a successor, at the stand of the predecessor where there was one; `taken` says when one has
    /// them and is ready.
    pub(crate) fn make(
        policy: &Path,
        stand: Option<Stand>,
        sockets: Vec<Listening>,
        taken: watch::Sender<bool>,
    ) -> io::Result<Self> {
        let name = name(policy)?;
        let ended = Arc::<AtomicBool>::default();
        // At once, for a successor may come at once.
        let stand = stand.map(|Stand(listener)| listener).or_else(|| UnixListener::bind_addr(&name).ok());
        let thread = std::thread::Builder::new().name("handover".to_owned()).spawn({
            let (name, ended) = (name.clone(), Arc::clone(&ended));
            move || offer(&name, stand, &sockets, &taken, &ended)
        })?;
        Ok(Self { name, ended, thread })
    }

    /// Takes the offer back. The handles of the sockets are closed when this returns.
    pub(crate) fn end(self) {
        self.ended.store(true, Ordering::SeqCst);
        // Wakes the thread. One that has ended has given the stand away, and nobody is to be woken there.
        if !self.thread.is_finished() {
            drop(UnixStream::connect_addr(&self.name));
        }
        if self.thread.join().is_err() {
            warn!("The thread of the hand-over had panicked.");
        }
    }
}

fn offer(
    name: &UnixAddress,
    stand: Option<UnixListener>,
    sockets: &[Listening],
    taken: &watch::Sender<bool>,
    ended: &AtomicBool,
) {
    let Some(listener) = stand.or_else(|| wait_for_name(name, ended)) else { return };
    // From here on whoever ends the offer can wake this thread by connecting.
    if ended.load(Ordering::SeqCst) {
        return;
    }
    for stream in listener.incoming() {
        if ended.load(Ordering::SeqCst) {
            return;
        }
        match stream.and_then(|stream| hand_over(stream, sockets, &listener)) {
            Ok(()) => {
                info!("A successor has taken over.");
                taken.send_replace(true);
                return;
            }
            Err(error) => debug!(%error, "A successor did not take over."),
        }
    }
}

/// The stand of a gateway whose name another still has: one that ends just now, or keeps its stand.
fn wait_for_name(name: &UnixAddress, ended: &AtomicBool) -> Option<UnixListener> {
    let begun = Instant::now();
    loop {
        match UnixListener::bind_addr(name) {
            Ok(listener) => return Some(listener),
            Err(error) if begun.elapsed() > NAME_PATIENCE => {
                warn!(%error, "Another gateway runs with this policy file; this one cannot be replaced with --take-over.");
                return None;
            }
            Err(_) if ended.load(Ordering::SeqCst) => return None,
            Err(_) => std::thread::sleep(PAUSE),
        }
    }
}

/// Gives all sockets to who has connected and waits until it is ready.
fn hand_over(mut stream: UnixStream, sockets: &[Listening], stand: &UnixListener) -> io::Result<()> {
    is_ours(&stream)?;
    stream.set_write_timeout(Some(PATIENCE))?;
    for Listening { purpose, address, socket } in sockets {
        send(&stream, &Record { purpose: Some(*purpose), address: Some(*address) }, socket.as_fd())?;
    }
    send(&stream, &Record { purpose: None, address: None }, stand.as_fd())?;
    stream.set_read_timeout(Some(PATIENCE))?;
    let mut answer = [0];
    stream.read_exact(&mut answer)?;
    if answer == [READY] { Ok(()) } else { Err(io::ErrorKind::InvalidData.into()) }
}

fn send(stream: &UnixStream, record: &Record, socket: BorrowedFd<'_>) -> io::Result<()> {
    let mut bytes = serde_json::to_vec(record)?;
    bytes.resize(RECORD, b' ');
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(1))];
    let mut rights = SendAncillaryBuffer::new(&mut space);
    let handles = [socket];
    rights.push(SendAncillaryMessage::ScmRights(&handles));
    let sent = rustix::net::sendmsg(stream, &[IoSlice::new(&bytes)], &mut rights, SendFlags::NOSIGNAL)?;
    let mut rest = stream;
    rest.write_all(bytes.get(sent..).unwrap_or_default())
}

/// The next socket, or the end of them.
fn receive(stream: &UnixStream) -> io::Result<Handed> {
    let mut bytes = [0; RECORD];
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(1))];
    let mut rights = RecvAncillaryBuffer::new(&mut space);
    let flags = RecvFlags::CMSG_CLOEXEC;
    let read = rustix::net::recvmsg(stream, &mut [IoSliceMut::new(&mut bytes)], &mut rights, flags)?;
    let handles: Vec<OwnedFd> =
        rights
            .drain()
            .filter_map(|message| {
                if let RecvAncillaryMessage::ScmRights(handles) = message { Some(handles) } else { None }
            })
            .flatten()
            .collect();
    let mut rest = stream;
    rest.read_exact(bytes.get_mut(read.bytes..).unwrap_or_default())?;
    let record: Record = serde_json::from_slice(&bytes)?;
    match (record, handles.into_iter().next()) {
        (Record { purpose: Some(purpose), address: Some(address) }, Some(handle)) => {
            Ok(Handed::Socket(Listening { purpose, address, socket: TcpListener::from(handle) }))
        }
        (Record { purpose: None, address: None }, Some(handle)) => {
            Ok(Handed::Stand(Stand(UnixListener::from(handle))))
        }
        _ => Err(io::ErrorKind::InvalidData.into()),
    }
}

/// Only the same user's processes may take sockets, or give them.
fn is_ours(stream: &UnixStream) -> io::Result<()> {
    let other = rustix::net::sockopt::socket_peercred(stream)?;
    if other.uid == rustix::process::geteuid() {
        return Ok(());
    }
    Err(io::Error::new(io::ErrorKind::PermissionDenied, "the process at the other end is another user's"))
}

/// The same for every process with this policy file; any length of path fits.
fn name(policy: &Path) -> io::Result<UnixAddress> {
    let path = std::fs::canonicalize(policy)?;
    let hash = Hasher::new(b"ratewarden guard").hash([path.as_os_str().as_encoded_bytes()]);
    UnixAddress::from_abstract_name(format!("ratewarden-guard-{hash:032x}"))
}
