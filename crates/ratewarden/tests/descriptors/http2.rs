//! As much of an HTTP/2 client as it takes to be one (RFC 9113).

use std::io::{self, Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};

use crate::run::PATIENCE;

const DATA: u8 = 0;
const HEADERS: u8 = 1;
const GOAWAY: u8 = 7;

const END_STREAM: u8 = 1;
const END_HEADERS: u8 = 4;

/// The preface, and settings that change nothing.
const BEGIN: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\x00\x00\x00\x04\x00\x00\x00\x00\x00";

/// `GET http://a/`, as RFC 7541 writes it.
const HEAD: &[u8] = b"\x82\x86\x84\x41\x01a";

/// `:status: 200` in the same way.
const OK: u8 = 0x88;

/// A client's connection, which answers no question of its server.
pub(crate) struct Http2Client {
    stream: TcpStream,
    next: u8,
}

struct Frame {
    kind: u8,
    flags: u8,
    on: u32,
    payload: Vec<u8>,
}

impl Http2Client {
    pub(crate) fn connect(address: SocketAddr) -> Self {
        let mut stream = TcpStream::connect(address).unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        stream.write_all(BEGIN).unwrap();
        Self { stream, next: 1 }
    }

    /// A call, which must be answered with 200.
    pub(crate) fn call(&mut self) {
        let on = self.next;
        self.next += 2;
        let length = u8::try_from(HEAD.len()).unwrap();
        let frame = [0, 0, length, HEADERS, END_STREAM | END_HEADERS, 0, 0, 0, on];
        self.stream.write_all(&[&frame, HEAD].concat()).unwrap();
        loop {
            let frame = self.frame().unwrap();
            assert_ne!(frame.kind, GOAWAY, "the connection is ended");
            let is_of_the_answer = frame.on == u32::from(on) && matches!(frame.kind, HEADERS | DATA);
            if is_of_the_answer && frame.kind == HEADERS {
                assert_eq!(frame.payload.first(), Some(&OK));
            }
            if is_of_the_answer && frame.flags & END_STREAM != 0 {
                return;
            }
        }
    }

    /// Waits until the connection is said to be at its end.
    pub(crate) fn is_sent_away(&mut self) {
        while self.frame().unwrap().kind != GOAWAY {}
    }

    fn frame(&mut self) -> io::Result<Frame> {
        let mut head = [0; 9];
        self.stream.read_exact(&mut head)?;
        let [high, middle, low, kind, flags, a, b, c, d] = head;
        let mut payload = vec![0; u32::from_be_bytes([0, high, middle, low]) as usize];
        self.stream.read_exact(&mut payload)?;
        Ok(Frame { kind, flags, on: u32::from_be_bytes([a, b, c, d]), payload })
    }
}
