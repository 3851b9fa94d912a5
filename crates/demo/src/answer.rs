//! Answers, and the body they are made of.
//!
//! A page of 50 000 rows is 6 MB. The rows are rendered once, and a body is a list of slices of that one buffer, so
//! that fifty such answers in flight cost no memory. `Full<Bytes>` would have to copy the page for each.

use std::collections::VecDeque;
use std::convert::Infallible;
use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use http::header::{CONTENT_TYPE, HeaderValue};
use http::{HeaderName, Response, StatusCode};
use hyper::body::{Body, Frame, SizeHint};

/// A body in pieces, of known length.
#[derive(Debug, Default)]
pub(crate) struct Chunks(VecDeque<Bytes>);

impl Chunks {
    pub(crate) fn new(pieces: impl IntoIterator<Item = Bytes>) -> Self {
        Self(pieces.into_iter().filter(|piece| !piece.is_empty()).collect())
    }
}

impl Body for Chunks {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        Poll::Ready(self.0.pop_front().map(|piece| Ok(Frame::data(piece))))
    }

    fn is_end_stream(&self) -> bool {
        self.0.is_empty()
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.0.iter().map(|piece| piece.len() as u64).sum())
    }
}

/// What every route answers with.
pub(crate) type Answer = Response<Chunks>;

/// An answer with a body of one piece.
pub(crate) fn whole(status: StatusCode, media_type: &'static str, body: impl Into<Bytes>) -> Answer {
    pieces(status, media_type, [body.into()])
}

/// An answer with a body of several pieces.
pub(crate) fn pieces(
    status: StatusCode,
    media_type: &'static str,
    body: impl IntoIterator<Item = Bytes>,
) -> Answer {
    let mut answer = Response::new(Chunks::new(body));
    *answer.status_mut() = status;
    answer.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(media_type));
    answer
}

/// A 200 in JSON.
pub(crate) fn json(body: impl Into<Bytes>) -> Answer {
    whole(StatusCode::OK, "application/json", body)
}

/// An error as plain text, as aiohttp and Ray answer.
pub(crate) fn text(status: StatusCode, message: impl Into<Bytes>) -> Answer {
    whole(status, "text/plain; charset=utf-8", message)
}

/// The same answer with one more header; a value that is no header value is left out.
pub(crate) fn with_header(mut answer: Answer, name: HeaderName, value: &str) -> Answer {
    if let Ok(value) = HeaderValue::from_str(value) {
        answer.headers_mut().insert(name, value);
    }
    answer
}

/// Rendered rows in one buffer, any run of which can be sent without being copied.
#[derive(Debug)]
pub(crate) struct Rows {
    text: Bytes,
    /// Where each row begins, and at last where the text ends. Rows are joined by commas.
    starts: Vec<usize>,
}

impl Rows {
    /// Renders `count` rows; `render` appends row `i` to the text.
    pub(crate) fn render(count: usize, mut render: impl FnMut(usize, &mut String)) -> Self {
        let mut text = String::new();
        let mut starts = Vec::with_capacity(count + 1);
        for row in 0..count {
            starts.push(text.len());
            render(row, &mut text);
            text.push(',');
        }
        starts.push(text.len());
        Self { text: Bytes::from(text), starts }
    }

    /// How many rows there are.
    pub(crate) fn len(&self) -> usize {
        self.starts.len() - 1
    }

    /// The text of up to `count` rows from `first` on, joined by commas, and the row after them.
    pub(crate) fn run(&self, first: usize, count: usize) -> (Bytes, usize) {
        let first = first.min(self.len());
        let after = first.saturating_add(count).min(self.len());
        if first == after {
            return (Bytes::new(), after);
        }
        (self.text.slice(self.starts[first]..self.starts[after] - 1), after)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_run_of_rows_is_a_list_without_its_brackets() {
        let rows = Rows::render(3, |row, text| text.push_str(&row.to_string()));
        assert_eq!(rows.run(0, 2), (Bytes::from_static(b"0,1"), 2));
        assert_eq!(rows.run(2, 50), (Bytes::from_static(b"2"), 3));
        assert_eq!(rows.run(9, usize::MAX), (Bytes::new(), 3));
        assert_eq!(rows.run(1, 0), (Bytes::new(), 1));
    }

    #[test]
    fn the_length_of_a_body_in_pieces_is_known() {
        let body = Chunks::new([Bytes::from_static(b"ab"), Bytes::new(), Bytes::from_static(b"c")]);
        assert_eq!(body.size_hint().exact(), Some(3));
        assert!(!body.is_end_stream());
    }
}
