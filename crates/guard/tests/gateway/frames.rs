//! Frames of HTTP/2 as bytes, for what no client library sends.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

pub(crate) const DATA: u8 = 0;
pub(crate) const HEADERS: u8 = 1;
pub(crate) const RST_STREAM: u8 = 3;
pub(crate) const SETTINGS: u8 = 4;
pub(crate) const GOAWAY: u8 = 7;
pub(crate) const CONTINUATION: u8 = 9;

pub(crate) const END_STREAM: u8 = 1;
pub(crate) const END_HEADERS: u8 = 4;

/// A connection on which frames are sent as they are.
pub(crate) struct Frames {
    stream: TcpStream,
}

/// How a stream or its connection ended.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// An answer; the status where it is one of the eight that are one byte.
    Answer(Option<u16>),
    Reset,
    GoAway,
    Closed,
}

impl Frames {
    pub(crate) fn connect(address: SocketAddr) -> Self {
        let mut stream = TcpStream::connect(address).unwrap();
        stream.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
        stream.set_nodelay(true).unwrap();
        stream.write_all(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n").unwrap();
        let mut frames = Self { stream };
        frames.send(SETTINGS, 0, 0, &[]).unwrap();
        frames
    }

    pub(crate) fn send(&mut self, kind: u8, flags: u8, stream: u32, payload: &[u8]) -> std::io::Result<()> {
        self.stream.write_all(&frame(kind, flags, stream, payload))
    }

    pub(crate) fn send_bytes(&mut self, bytes: &[u8]) -> std::io::Result<()> {
        self.stream.write_all(bytes)
    }

    /// Reads until `stream`, or the connection, has its outcome.
    pub(crate) fn outcome(&mut self, stream: u32) -> Outcome {
        loop {
            let mut head = [0; 9];
            if self.stream.read_exact(&mut head).is_err() {
                return Outcome::Closed;
            }
            let length = u32::from_be_bytes([0, head[0], head[1], head[2]]) as usize;
            let of = u32::from_be_bytes([head[5], head[6], head[7], head[8]]);
            let mut payload = vec![0; length];
            if self.stream.read_exact(&mut payload).is_err() {
                return Outcome::Closed;
            }
            match head[3] {
                // The static table of HPACK, 8 to 14.
                HEADERS if of == stream => {
                    let statuses = [200, 204, 206, 304, 400, 404, 500];
                    let first = usize::from(payload[0]);
                    return Outcome::Answer(first.checked_sub(0x88).and_then(|at| statuses.get(at).copied()));
                }
                RST_STREAM if of == stream => return Outcome::Reset,
                GOAWAY => return Outcome::GoAway,
                _ => {}
            }
        }
    }
}

/// A frame's bytes.
pub(crate) fn frame(kind: u8, flags: u8, stream: u32, payload: &[u8]) -> Vec<u8> {
    let length = u32::try_from(payload.len()).unwrap().to_be_bytes();
    let mut bytes = vec![length[1], length[2], length[3], kind, flags];
    bytes.extend_from_slice(&stream.to_be_bytes());
    bytes.extend_from_slice(payload);
    bytes
}

/// A block of fields, each written out in full.
pub(crate) fn block(fields: &[(&[u8], &[u8])]) -> Vec<u8> {
    let mut bytes = Vec::new();
    for (name, value) in fields {
        bytes.push(0);
        for text in [name, value] {
            assert!(text.len() < 127, "longer lengths take more than a byte");
            bytes.push(text.len() as u8);
            bytes.extend_from_slice(text);
        }
    }
    bytes
}
