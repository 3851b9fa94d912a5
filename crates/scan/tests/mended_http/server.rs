//! Small servers in threads that end with the test's process, and a client of one.

use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::time::Duration;

use ratewarden_model::Redactor;
use ratewarden_scan::Config;
use ratewarden_scan::budget::Budget;
use ratewarden_scan::http::Client;
use ratewarden_scan::target::Target;

/// A server whose every connection is handled like this; the number says how many came before.
pub(crate) fn raw(handle: impl Fn(usize, TcpStream) + Send + Sync + 'static) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let handle = Arc::new(handle);
    std::thread::spawn(move || {
        for (number, stream) in listener.incoming().flatten().enumerate() {
            let handle = Arc::clone(&handle);
            std::thread::spawn(move || handle(number, stream));
        }
    });
    address
}

/// One request as text, its body included; None where the client has gone.
pub(crate) fn request(stream: &mut TcpStream) -> Option<String> {
    let mut text = Vec::new();
    let mut byte = [0; 1];
    while !text.ends_with(b"\r\n\r\n") {
        stream.read_exact(&mut byte).ok()?;
        text.push(byte[0]);
    }
    let head = String::from_utf8(text).unwrap();
    let length = head
        .to_ascii_lowercase()
        .split_once("content-length: ")
        .map_or(0, |(_, rest)| rest.split("\r\n").next().unwrap().parse::<usize>().unwrap());
    let mut body = vec![0; length];
    stream.read_exact(&mut body).ok()?;
    Some(head + &String::from_utf8(body).unwrap())
}

pub(crate) fn reply(status: &str, fields: &str, body: &str) -> Vec<u8> {
    format!("HTTP/1.1 {status}\r\ncontent-length: {}\r\n{fields}\r\n{body}", body.len()).into_bytes()
}

/// A server that keeps its connections and answers each request like this.
pub(crate) fn server(answer: impl Fn(&str) -> Vec<u8> + Send + Sync + 'static) -> SocketAddr {
    raw(move |_, mut stream| {
        while let Some(text) = request(&mut stream) {
            if stream.write_all(&answer(&text)).is_err() {
                break;
            }
        }
    })
}

/// Begins an answer and never ends its body.
pub(crate) fn endless(_: usize, mut stream: TcpStream) {
    let _ = request(&mut stream);
    let _ = stream.write_all(b"HTTP/1.1 200 OK\r\n\r\n");
    let _ = stream.write_all(&[b'x'; 2_000]);
    // Until the client has left.
    let _ = stream.read(&mut [0]);
}

pub(crate) fn client(address: SocketAddr, max_requests: u32, timeout: Duration) -> Client {
    let mut config = Config::new(format!("http://{address}/x"));
    config.request_timeout = timeout;
    let target = Target::parse(&config.url, &mut Redactor::default()).unwrap();
    let budget = Budget::new(max_requests, Duration::from_secs(20), 1);
    Client::new(&target, address, &config, Arc::new(budget)).unwrap()
}
