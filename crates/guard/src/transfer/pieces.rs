//! A body as hyper reads it, fed piece by piece.

use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use http::HeaderMap;
use hyper::body::{Body, Frame, SizeHint};
use tokio::sync::mpsc;

/// Pieces that wait for the slower side.
const WAITING: usize = 2;

/// A part of a body.
#[derive(Debug)]
pub(crate) enum Piece {
    /// Bytes, and whether they are the last.
    Data(Bytes, bool),
    /// Fields after the body, which end it.
    Trailers(HeaderMap),
    /// The end of a body whose last bytes nobody knew to be that.
    End,
}

/// A body. One that is fed and whose feeder goes away before the end is an error and never looks whole: the other
/// side resets the stream.
#[derive(Debug)]
pub(crate) enum Pieces {
    /// None, or all of it has been read.
    Done,
    Whole(Bytes),
    Fed(mpsc::Receiver<Piece>),
}

/// A body whose feeder went away.
#[derive(Debug, thiserror::Error)]
#[error("the body was cut off")]
pub(crate) struct Cut(#[source] h2::Error);

/// A body and its feeder.
pub(crate) fn feed() -> (mpsc::Sender<Piece>, Pieces) {
    let (sender, receiver) = mpsc::channel(WAITING);
    (sender, Pieces::Fed(receiver))
}

impl Body for Pieces {
    type Data = Bytes;
    type Error = Cut;

    fn poll_frame(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Self::Error>>> {
        let pieces = self.get_mut();
        let piece = match pieces {
            Self::Done => return Poll::Ready(None),
            Self::Whole(bytes) => Some(Piece::Data(std::mem::take(bytes), true)),
            Self::Fed(receiver) => ready!(receiver.poll_recv(context)),
        };
        Poll::Ready(match piece {
            Some(Piece::Data(bytes, last)) => {
                if last {
                    *pieces = Self::Done;
                }
                Some(Ok(Frame::data(bytes)))
            }
            Some(Piece::Trailers(fields)) => {
                *pieces = Self::Done;
                Some(Ok(Frame::trailers(fields)))
            }
            Some(Piece::End) => {
                *pieces = Self::Done;
                None
            }
            None => {
                *pieces = Self::Done;
                Some(Err(Cut(h2::Reason::CANCEL.into())))
            }
        })
    }

    fn is_end_stream(&self) -> bool {
        match self {
            Self::Done => true,
            Self::Whole(bytes) => bytes.is_empty(),
            Self::Fed(_) => false,
        }
    }

    fn size_hint(&self) -> SizeHint {
        match self {
            Self::Done => SizeHint::with_exact(0),
            Self::Whole(bytes) => SizeHint::with_exact(bytes.len() as u64),
            Self::Fed(_) => SizeHint::default(),
        }
    }
}

#[cfg(test)]
mod tests {
    use http_body_util::BodyExt as _;

    use super::*;

    #[tokio::test]
    async fn a_body_whose_feeder_went_away_is_not_whole() {
        let (sender, pieces) = feed();
        sender.send(Piece::Data(Bytes::from_static(b"half"), false)).await.unwrap();
        drop(sender);
        assert!(pieces.collect().await.is_err());
        let (sender, pieces) = feed();
        sender.send(Piece::Data(Bytes::from_static(b"all"), false)).await.unwrap();
        sender.send(Piece::End).await.unwrap();
        assert_eq!(pieces.collect().await.unwrap().to_bytes(), "all");
    }
}
