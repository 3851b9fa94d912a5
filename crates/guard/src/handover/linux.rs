//! The hand-over itself: records of a fixed size, each with a socket, and one byte back.

use std::io::{self, IoSlice, IoSliceMut, Read as _, Write as _};
use std::mem::MaybeUninit;
use std::net::{SocketAddr, TcpListener};
use std::os::fd::{AsFd as _, OwnedFd};
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

/// One socket, or the end of them.
#[derive(Debug, Serialize, Deserialize)]
struct Record {
    purpose: Option<Purpose>,
    address: Option<SocketAddr>,
}

/// A gateway that waits for this process to be ready.
#[derive(Debug)]
pub(crate) struct Predecessor {
    pub(crate) sockets: Vec<Listening>,
    stream: UnixStream,
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
    while let Some(listening) = receive(&stream)? {
        sockets.push(listening);
    }
    Ok(Some(Predecessor { sockets, stream }))
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
    /// Offers the sockets to a successor; `taken` says when one has them and is ready.
    pub(crate) fn make(
        policy: &Path,
        sockets: Vec<Listening>,
        taken: watch::Sender<bool>,
    ) -> io::Result<Self> {
        let name = name(policy)?;
        let ended = Arc::<AtomicBool>::default();
        let thread = std::thread::Builder::new().name("handover".to_owned()).spawn({
            let (name, ended) = (name.clone(), Arc::clone(&ended));
            move || offer(&name, &sockets, &taken, &ended)
        })?;
        Ok(Self { name, ended, thread })
    }

    /// Takes the offer back. The handles of the sockets are closed when this returns.
    pub(crate) fn end(self) {
        self.ended.store(true, Ordering::SeqCst);
        // Wakes the thread; when there is nobody to wake it has ended.
        drop(UnixStream::connect_addr(&self.name));
        if self.thread.join().is_err() {
            warn!("The thread of the hand-over had panicked.");
        }
    }
}

fn offer(name: &UnixAddress, sockets: &[Listening], taken: &watch::Sender<bool>, ended: &AtomicBool) {
    let begun = Instant::now();
    let listener = loop {
        match UnixListener::bind_addr(name) {
            Ok(listener) => break listener,
            Err(error) if begun.elapsed() > NAME_PATIENCE => {
                warn!(%error, "Another gateway runs with this policy file; this one cannot be replaced with --take-over.");
                return;
            }
            Err(_) if ended.load(Ordering::SeqCst) => return,
            Err(_) => std::thread::sleep(PAUSE),
        }
    };
    // From here on whoever ends the offer can wake this thread by connecting.
    if ended.load(Ordering::SeqCst) {
        return;
    }
    for stream in listener.incoming() {
        if ended.load(Ordering::SeqCst) {
            return;
        }
        match stream.and_then(|stream| hand_over(stream, sockets)) {
            Ok(()) => {
                info!("A successor has taken over.");
                taken.send_replace(true);
                return;
            }
            Err(error) => debug!(%error, "A successor did not take over."),
        }
    }
}

/// Gives all sockets to who has connected and waits until it is ready.
fn hand_over(mut stream: UnixStream, sockets: &[Listening]) -> io::Result<()> {
    is_ours(&stream)?;
    stream.set_write_timeout(Some(PATIENCE))?;
    for Listening { purpose, address, socket } in sockets {
        send(&stream, &Record { purpose: Some(*purpose), address: Some(*address) }, Some(socket))?;
    }
    send(&stream, &Record { purpose: None, address: None }, None)?;
    stream.set_read_timeout(Some(PATIENCE))?;
    let mut answer = [0];
    stream.read_exact(&mut answer)?;
    if answer == [READY] { Ok(()) } else { Err(io::ErrorKind::InvalidData.into()) }
}

fn send(stream: &UnixStream, record: &Record, socket: Option<&TcpListener>) -> io::Result<()> {
    let mut bytes = serde_json::to_vec(record)?;
    bytes.resize(RECORD, b' ');
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(1))];
    let mut rights = SendAncillaryBuffer::new(&mut space);
    let handles = socket.map(|socket| [socket.as_fd()]);
    if let Some(handles) = &handles {
        rights.push(SendAncillaryMessage::ScmRights(handles));
    }
    let sent = rustix::net::sendmsg(stream, &[IoSlice::new(&bytes)], &mut rights, SendFlags::NOSIGNAL)?;
    let mut rest = stream;
    rest.write_all(bytes.get(sent..).unwrap_or_default())
}

/// The next socket, or the end of them.
fn receive(stream: &UnixStream) -> io::Result<Option<Listening>> {
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
            Ok(Some(Listening { purpose, address, socket: TcpListener::from(handle) }))
        }
        (Record { purpose: None, address: None }, None) => Ok(None),
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
