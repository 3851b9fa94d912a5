//! Heads, written anew.

use std::io::Write as _;

use crate::framing::Framing;
use crate::request::RequestHead;
use crate::response::ResponseHead;

/// A field that is added: name and value.
pub type Extra<'e> = (&'e str, &'e [u8]);

/// A client's request as it is sent on.
#[derive(Debug, Clone, Copy)]
pub struct OutgoingRequest<'o> {
    /// The normalised path.
    pub path: &'o str,
    /// The query, checked.
    pub query: Option<&'o str>,
    /// `Host`.
    pub host: &'o str,
    /// The body that will follow.
    pub framing: Framing,
    /// The protocol to change to.
    pub upgrade: Option<&'o [u8]>,
    /// Fields of the client that are left out, in lower case: those that `extra` has instead.
    pub without: &'o [&'o str],
    /// Fields that are added.
    pub extra: &'o [Extra<'o>],
}

/// An upstream's response as it is sent on.
#[derive(Debug, Clone, Copy)]
pub struct OutgoingResponse<'o> {
    /// The body that will follow.
    pub framing: Framing,
    /// The connection ends after it.
    pub close: bool,
    /// The protocol that is changed to.
    pub upgrade: Option<&'o [u8]>,
    /// Fields of the upstream that are left out, in lower case.
    pub without: &'o [&'o str],
    /// Fields that are added.
    pub extra: &'o [Extra<'o>],
}

impl<'b> RequestHead<'_, 'b> {
    /// The fields that are for the server as well, without `Host`, the framing and what is for one hop.
    pub fn forwarded(&self) -> impl Iterator<Item = Extra<'b>> {
        let fields = self.fields.iter().enumerate();
        fields.filter(|(index, _)| !self.dropped.has(*index)).map(|(_, field)| (field.name, field.value))
    }

    /// Appends the head as it is sent on: always HTTP/1.1.
    pub fn write(&self, outgoing: &OutgoingRequest<'_>, out: &mut Vec<u8>) {
        write_request(self.method, self.forwarded(), outgoing, out);
    }
}

/// Appends the head of a request, whichever version of HTTP it came in. `fields` are the client's that are for the
/// server as well; they hold no line ends, which whoever parsed them has made sure of.
pub fn write_request<'f>(
    method: &str,
    fields: impl Iterator<Item = Extra<'f>>,
    outgoing: &OutgoingRequest<'_>,
    out: &mut Vec<u8>,
) {
    out.extend_from_slice(method.as_bytes());
    out.push(b' ');
    out.extend_from_slice(outgoing.path.as_bytes());
    if let Some(query) = outgoing.query {
        out.push(b'?');
        out.extend_from_slice(query.as_bytes());
    }
    out.extend_from_slice(b" HTTP/1.1\r\nhost: ");
    out.extend_from_slice(outgoing.host.as_bytes());
    out.extend_from_slice(b"\r\n");
    for (name, value) in fields {
        if !is_named(name, outgoing.without) {
            write_field(out, name, value);
        }
    }
    write_end(out, outgoing.framing, outgoing.upgrade, false, outgoing.extra.iter().copied());
}

impl<'b> ResponseHead<'_, 'b> {
    /// The fields that are for the client as well, without the framing and what is for one hop.
    pub fn forwarded(&self) -> impl Iterator<Item = Extra<'b>> {
        let fields = self.fields.iter().enumerate();
        fields.filter(|(index, _)| !self.dropped.has(*index)).map(|(_, field)| (field.name, field.value))
    }

    /// Appends the head as it is sent on: always HTTP/1.1, with the standard phrase left out.
    pub fn write(&self, outgoing: &OutgoingResponse<'_>, out: &mut Vec<u8>) {
        write_response(self.status, self.forwarded(), self.named_length, outgoing, out);
    }
}

/// Appends the head of a response, whichever version of HTTP it came in. `fields` are the upstream's that are for the
/// client as well; they hold no line ends, which whoever parsed them has made sure of. `named_length` is the length
/// of a body that is left out.
pub fn write_response<'f>(
    status: u16,
    fields: impl Iterator<Item = Extra<'f>>,
    named_length: Option<u64>,
    outgoing: &OutgoingResponse<'_>,
    out: &mut Vec<u8>,
) {
    write_status(out, status);
    for (name, value) in fields {
        if !is_named(name, outgoing.without) {
            write_field(out, name, value);
        }
    }
    if let (Framing::None, Some(length)) = (outgoing.framing, named_length) {
        let _ = write!(out, "content-length: {length}\r\n");
    }
    write_end(out, outgoing.framing, outgoing.upgrade, outgoing.close, outgoing.extra.iter().copied());
}

/// Appends a whole answer of the gateway itself. `with_body` is false for an answer to HEAD: the length is named,
/// the body left out.
pub fn write_answer<'e>(
    out: &mut Vec<u8>,
    status: u16,
    extra: impl Iterator<Item = Extra<'e>>,
    body: &[u8],
    close: bool,
    with_body: bool,
) {
    write_status(out, status);
    write_end(out, Framing::Length(body.len() as u64), None, close, extra);
    if with_body {
        out.extend_from_slice(body);
    }
}

fn write_status(out: &mut Vec<u8>, status: u16) {
    out.extend_from_slice(b"HTTP/1.1 ");
    let digits = [status / 100 % 10, status / 10 % 10, status % 10];
    out.extend(digits.iter().filter_map(|digit| u8::try_from(*digit).ok()).map(|digit| b'0' + digit));
    out.push(b' ');
    out.extend_from_slice(phrase(status).as_bytes());
    out.extend_from_slice(b"\r\n");
}

fn write_end<'e>(
    out: &mut Vec<u8>,
    framing: Framing,
    upgrade: Option<&[u8]>,
    close: bool,
    extra: impl Iterator<Item = Extra<'e>>,
) {
    for (name, value) in extra {
        write_field(out, name, value);
    }
    match framing {
        Framing::None | Framing::UntilClose => {}
        Framing::Length(length) => {
            out.extend_from_slice(b"content-length: ");
            write_number(out, length);
            out.extend_from_slice(b"\r\n");
        }
        Framing::Chunked => out.extend_from_slice(b"transfer-encoding: chunked\r\n"),
    }
    if let Some(protocol) = upgrade {
        write_field(out, "connection", b"upgrade");
        write_field(out, "upgrade", protocol);
    } else if close || framing == Framing::UntilClose {
        out.extend_from_slice(b"connection: close\r\n");
    }
    out.extend_from_slice(b"\r\n");
}

fn write_field(out: &mut Vec<u8>, name: &str, value: &[u8]) {
    out.extend_from_slice(name.as_bytes());
    out.extend_from_slice(b": ");
    out.extend_from_slice(value);
    out.extend_from_slice(b"\r\n");
}

fn write_number(out: &mut Vec<u8>, mut number: u64) {
    let mut digits = [0; 20];
    let mut start = digits.len();
    loop {
        start -= 1;
        if let Some(digit) = digits.get_mut(start) {
            *digit = b'0' + (number % 10) as u8;
        }
        number /= 10;
        if number == 0 {
            break;
        }
    }
    out.extend_from_slice(digits.get(start..).unwrap_or_default());
}

fn is_named(name: &str, names: &[&str]) -> bool {
    names.iter().any(|known| name.eq_ignore_ascii_case(known))
}

/// The phrases that RFC 9110 gives; clients ignore them, people read them.
const fn phrase(status: u16) -> &'static str {
    match status {
        100 => "Continue",
        101 => "Switching Protocols",
        200 => "OK",
        201 => "Created",
        202 => "Accepted",
        204 => "No Content",
        206 => "Partial Content",
        301 => "Moved Permanently",
        302 => "Found",
        303 => "See Other",
        304 => "Not Modified",
        307 => "Temporary Redirect",
        308 => "Permanent Redirect",
        400 => "Bad Request",
        401 => "Unauthorized",
        403 => "Forbidden",
        404 => "Not Found",
        405 => "Method Not Allowed",
        408 => "Request Timeout",
        409 => "Conflict",
        413 => "Content Too Large",
        414 => "URI Too Long",
        415 => "Unsupported Media Type",
        417 => "Expectation Failed",
        422 => "Unprocessable Content",
        429 => "Too Many Requests",
        431 => "Request Header Fields Too Large",
        500 => "Internal Server Error",
        501 => "Not Implemented",
        502 => "Bad Gateway",
        503 => "Service Unavailable",
        504 => "Gateway Timeout",
        505 => "HTTP Version Not Supported",
        _ => "",
    }
}
