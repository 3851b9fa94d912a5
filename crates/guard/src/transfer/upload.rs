//! A client's body that comes over HTTP/2: bounded in length and time.

use bytes::{Bytes, BytesMut};
use http_body_util::BodyExt as _;
use hyper::body::{Body as _, Incoming};
use ratewarden_http1::Framing;
use tokio::sync::mpsc;

use super::pieces::Piece;
use crate::failed::Broken;
use crate::net::deadline::{Late, Patience};

/// A body that is being read.
#[derive(Debug)]
pub(crate) struct Upload {
    incoming: Incoming,
    framing: Framing,
    most: Option<u64>,
    seen: u64,
}

impl Upload {
    /// A body with `framing`, of at most `most` bytes.
    pub(crate) const fn new(incoming: Incoming, framing: Framing, most: Option<u64>) -> Self {
        Self { incoming, framing, most, seen: 0 }
    }

    /// The next piece; `None` when the end has been told already. A body that is not as long as it was said to be
    /// is broken: the server was told the same length.
    pub(crate) async fn piece(&mut self, patience: &Patience) -> Result<Option<Piece>, Broken> {
        let frame = match patience.wait(self.incoming.frame()).await {
            Ok(Some(Ok(frame))) => frame,
            Ok(Some(Err(_))) => return Err(Broken::Closed),
            Ok(None) => return if self.is_short() { Err(Broken::Closed) } else { Ok(None) },
            Err(Late) => return Err(Broken::Late),
        };
        match frame.into_data() {
            Ok(bytes) => {
                self.seen += bytes.len() as u64;
                if let Some(most) = self.most
                    && self.seen > most
                {
                    return Err(Broken::TooLarge(most));
                }
                if matches!(self.framing, Framing::Length(length) if self.seen > length) {
                    return Err(Broken::Closed);
                }
                let last = self.incoming.is_end_stream();
                if last && self.is_short() { Err(Broken::Closed) } else { Ok(Some(Piece::Data(bytes, last))) }
            }
            Err(_) if self.is_short() => Err(Broken::Closed),
            Err(frame) => Ok(frame.into_trailers().ok().map(Piece::Trailers)),
        }
    }

    /// The whole of it, of at most `most` bytes; trailers are left out.
    pub(crate) async fn whole(&mut self, most: usize, patience: &Patience) -> Result<Bytes, Broken> {
        let too_large = || Broken::TooLarge(most as u64);
        if matches!(self.framing, Framing::Length(length) if length > most as u64) {
            return Err(too_large());
        }
        let mut whole = BytesMut::new();
        loop {
            match self.piece(patience).await? {
                Some(Piece::Data(bytes, last)) => {
                    whole.extend_from_slice(&bytes);
                    if whole.len() > most {
                        return Err(too_large());
                    }
                    if last {
                        return Ok(whole.freeze());
                    }
                }
                Some(Piece::Trailers(_) | Piece::End) | None => return Ok(whole.freeze()),
            }
        }
    }

    fn is_short(&self) -> bool {
        matches!(self.framing, Framing::Length(length) if self.seen < length)
    }
}

/// Hands a body on, piece by piece.
///
/// # Errors
/// When it breaks, or nobody wants the rest.
pub(crate) async fn hand_on(
    mut upload: Upload,
    to: mpsc::Sender<Piece>,
    patience: Patience,
) -> Result<(), Broken> {
    loop {
        let piece = upload.piece(&patience).await?.unwrap_or(Piece::End);
        let last = !matches!(piece, Piece::Data(_, false));
        patience.wait(to.send(piece)).await.map_err(|_| Broken::Write)?.map_err(|_| Broken::Write)?;
        if last {
            return Ok(());
        }
    }
}
