//! The smallest HTTP client that can ask a server whether it is up and count what it admits.
//!
//! Deliberately not the scanner's client: a test that judges the scanner must not lean on it. One connection
//! per request, no redirects, no chunked decoding.

use std::io::{self, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

/// Longer than any server here takes on purpose.
const TIMEOUT: Duration = Duration::from_secs(5);
/// No answer of ours comes near it.
const LARGEST_ANSWER: u64 = 1 << 20;

/// What a server answered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    /// The status code.
    pub status: u16,
    /// Header fields in their order, names in lower case.
    pub headers: Vec<(String, String)>,
    /// The body as it came over the wire.
    pub body: Vec<u8>,
}

impl Answer {
    /// The first field of this name, given in lower case.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    /// Whether nothing more is to come.
    fn is_whole(&self, method: &str) -> bool {
        let length = || self.header("content-length")?.parse().ok();
        method == "HEAD"
            || matches!(self.status, 204 | 304)
            || length().is_some_and(|length: usize| self.body.len() >= length)
    }

    /// The body as text.
    #[must_use]
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }
}

/// One GET without further headers.
///
/// # Errors
/// Whatever the socket says, and `InvalidData` for an answer that is not HTTP.
pub fn get(address: SocketAddr, path: &str) -> io::Result<Answer> {
    request(address, "GET", path, &[])
}

/// One request without a body, on a connection of its own.
///
/// # Errors
/// Whatever the socket says, and `InvalidData` for an answer that is not HTTP.
pub fn request(
    address: SocketAddr,
    method: &str,
    path: &str,
    headers: &[(&str, &str)],
) -> io::Result<Answer> {
    let mut stream = TcpStream::connect_timeout(&address, TIMEOUT)?;
    stream.set_read_timeout(Some(TIMEOUT))?;
    stream.set_nodelay(true)?;
    let mut head = format!("{method} {path} HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n");
    for (name, value) in headers {
        head.push_str(&format!("{name}: {value}\r\n"));
    }
    head.push_str("\r\n");
    stream.write_all(head.as_bytes())?;
    let mut bytes = Vec::new();
    let mut part = [0_u8; 4096];
    let mut stream = stream.take(LARGEST_ANSWER);
    // Not simply to the end: Envoy keeps a connection open for a second after its last answer.
    while !parse(&bytes).is_some_and(|answer| answer.is_whole(method)) {
        let count = stream.read(&mut part)?;
        if count == 0 {
            break;
        }
        bytes.extend_from_slice(&part[..count]);
    }
    parse(&bytes).ok_or_else(|| io::Error::new(io::ErrorKind::InvalidData, "the answer is not HTTP"))
}

/// The statuses of this many GETs of one path, one after another.
///
/// # Errors
/// As [`get`].
pub fn statuses(address: SocketAddr, path: &str, count: usize) -> io::Result<Vec<u16>> {
    (0..count).map(|_| get(address, path).map(|answer| answer.status)).collect()
}

fn parse(bytes: &[u8]) -> Option<Answer> {
    let end = bytes.windows(4).position(|window| window == b"\r\n\r\n")?;
    let head = std::str::from_utf8(&bytes[..end]).ok()?;
    let mut lines = head.split("\r\n");
    let status = lines.next()?.strip_prefix("HTTP/1.")?.get(2..5)?.parse().ok()?;
    let headers = lines
        .filter_map(|line| line.split_once(':'))
        .map(|(name, value)| (name.to_ascii_lowercase(), value.trim().to_owned()))
        .collect();
    Some(Answer { status, headers, body: bytes[end + 4..].to_vec() })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_is_read_with_its_headers_and_body() {
        let answer = parse(b"HTTP/1.1 429 Too Many\r\nRetry-After: 3\r\nA: b:c\r\n\r\nno").unwrap();
        assert_eq!(
            (answer.status, answer.header("retry-after"), answer.header("a")),
            (429, Some("3"), Some("b:c"))
        );
        assert_eq!(answer.text(), "no");
    }

    #[test]
    fn what_is_not_http_is_no_answer() {
        for garbage in [&b""[..], b"hello", b"HTTP/1.1\r\n\r\n", b"HTTP/1.1 abc\r\n\r\n", b"SSH-2.0\r\n\r\n"]
        {
            assert_eq!(parse(garbage), None);
        }
    }
}
