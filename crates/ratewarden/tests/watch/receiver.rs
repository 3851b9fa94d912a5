//! A server that takes whatever it is sent, and remembers it.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpListener;
use std::sync::{Arc, Mutex};

/// A receiver that takes every alert, and remembers what it said.
pub(crate) fn receiver() -> (String, Arc<Mutex<Vec<String>>>) {
    receiver_that_says(&[(200, "")])
}

/// One that answers with these statuses and bodies, the last of them from then on.
pub(crate) fn receiver_that_says(
    answers: &'static [(u16, &'static str)],
) -> (String, Arc<Mutex<Vec<String>>>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/", listener.local_addr().unwrap());
    let taken = Arc::new(Mutex::new(Vec::new()));
    let kept = Arc::clone(&taken);
    std::thread::spawn(move || {
        let mut left = answers;
        for mut stream in listener.incoming().map_while(Result::ok) {
            let mut reader = BufReader::new(stream.try_clone().unwrap());
            let (mut length, mut line) = (0, String::new());
            while reader.read_line(&mut line).is_ok_and(|read| read > 2) {
                if let Some(value) = line.to_ascii_lowercase().strip_prefix("content-length:") {
                    length = value.trim().parse().unwrap();
                }
                line.clear();
            }
            let mut body = vec![0; length];
            if reader.read_exact(&mut body).is_ok() {
                kept.lock().unwrap().push(String::from_utf8(body).unwrap());
                let (status, answer) = left[0];
                left = if left.len() > 1 { &left[1..] } else { left };
                let length = answer.len();
                let _ = write!(
                    stream,
                    "HTTP/1.1 {status} Said\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n{answer}"
                );
            }
        }
    });
    (url, taken)
}
