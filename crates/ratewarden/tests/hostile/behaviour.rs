//! What each mode does with a connection.

use std::io::{self, Write};
use std::net::TcpStream;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use super::answers::{self, ESCAPES, LIST};
use super::{Dice, Echo, Mode, Shared, Wire, field, is_pause, read_request};

/// A certificate for 127.0.0.1 that is signed by nobody.
pub(crate) fn self_signed() -> Arc<rustls::ServerConfig> {
    let made = rcgen::generate_simple_self_signed(["127.0.0.1".to_owned(), "localhost".to_owned()]).unwrap();
    let key = rustls::pki_types::PrivatePkcs8KeyDer::from(made.signing_key.serialize_der());
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = rustls::ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![made.cert.der().clone()], key.into())
        .unwrap();
    Arc::new(config)
}

/// Serves one connection until the peer leaves or the server stops.
pub(crate) fn connection(
    stream: TcpStream,
    number: u64,
    shared: &Shared,
    tls: Option<Arc<rustls::ServerConfig>>,
) -> io::Result<()> {
    stream.set_read_timeout(Some(Duration::from_millis(200)))?;
    stream.set_write_timeout(Some(Duration::from_secs(2)))?;
    stream.set_nodelay(true)?;
    let mut stream: Box<dyn Wire> = match tls {
        Some(config) => {
            let session = rustls::ServerConnection::new(config).map_err(io::Error::other)?;
            Box::new(rustls::StreamOwned::new(session, stream))
        }
        None => Box::new(stream),
    };
    if matches!(shared.mode, Mode::ClosesAtOnce) {
        return Ok(());
    }
    let mut dice = Dice::new(number + if let Mode::ClosesAtRandom(seed) = shared.mode { seed } else { 0 });
    while !shared.is_stopping() {
        let Some(head) = read_request(stream.as_mut(), shared)? else { return Ok(()) };
        let kept = respond(stream.as_mut(), &head, shared, &mut dice)?;
        stream.flush()?;
        if !kept {
            return Ok(());
        }
    }
    Ok(())
}

/// Answers one request; false where the connection is then closed.
fn respond(stream: &mut dyn Wire, head: &str, shared: &Shared, dice: &mut Dice) -> io::Result<bool> {
    match &shared.mode {
        Mode::NeverAnswers => hang(stream, shared),
        Mode::HeadersForever | Mode::BodyForever | Mode::OnlyInterim | Mode::ManyHeaders | Mode::Gigabyte => {
            flood(stream, shared)
        }
        Mode::Drip => {
            for byte in answers::json(LIST) {
                shared.sleep(Duration::from_millis(200));
                stream.write_all(&[byte])?;
                stream.flush()?;
            }
            Ok(true)
        }
        Mode::HangsInBody => {
            let whole = answers::with_fields(200, &[], &[b' '; 1_000]);
            stream.write_all(&whole[..whole.len() - 500])?;
            stream.flush()?;
            hang(stream, shared)
        }
        Mode::ClosesAtRandom(_) => {
            let whole = answers::json(LIST);
            let sent = match dice.roll(4) {
                0 => 0,
                1 => usize::try_from(dice.roll(whole.len() as u64)).unwrap_or(0),
                _ => whole.len(),
            };
            stream.write_all(&whole[..sent])?;
            Ok(sent == whole.len())
        }
        Mode::Suffers => {
            shared.sleep(suffering(shared.requests.load(Ordering::Relaxed), dice));
            stream.write_all(&answers::json(LIST))?;
            Ok(true)
        }
        Mode::Breaks => {
            let broken = shared.requests.load(Ordering::Relaxed) > FREE && dice.roll(10) < 8;
            let answer = if broken { answers::with_fields(500, &[], b"{}") } else { answers::json(LIST) };
            stream.write_all(&answer)?;
            Ok(true)
        }
        Mode::Echo(place) => echo(stream, *place, head, shared),
        mode => {
            let (answer, kept) = ready_made(mode, head, shared, dice);
            stream.write_all(&answer)?;
            Ok(kept)
        }
    }
}

/// Requests that a server which degrades still serves well.
const FREE: u64 = 12;

/// The more it was asked, the slower it is, and no two answers alike: nothing a limiter would do.
fn suffering(requests: u64, dice: &mut Dice) -> Duration {
    let load = requests.saturating_sub(FREE);
    let millis = 20 + 5 * load;
    Duration::from_millis((millis * (60 + dice.roll(80)) / 100).min(3_000))
}

/// Answers that are known before the request is.
fn ready_made(mode: &Mode, head: &str, shared: &Shared, dice: &mut Dice) -> (Vec<u8>, bool) {
    match mode {
        Mode::Garbage => ((0..4_096).map(|_| dice.roll(256) as u8).collect(), false),
        Mode::NoStatusLine => (b"<html><body>It works!</body></html>\n".to_vec(), false),
        Mode::RedirectCircle => {
            (answers::redirect(if head.starts_with("GET /a") { "/b" } else { "/a" }), true)
        }
        Mode::RedirectAway(to) => (answers::redirect(to), true),
        Mode::AlwaysFails => (answers::with_fields(500, &[], br#"{"error":"Internal Server Error"}"#), true),
        Mode::LengthTooLong => {
            let whole = answers::with_fields(200, &[], LIST.as_bytes());
            let text = String::from_utf8_lossy(&whole).replace("content-length: ", "content-length: 1");
            (text.into_bytes(), false)
        }
        Mode::LengthTooShort => {
            let mut whole = answers::json("{}");
            whole.extend_from_slice(b" and then some, HTTP/1.1 200 OK\r\n\r\n");
            (whole, true)
        }
        Mode::Escapes => (escapes(shared), true),
        Mode::EscapesInHeaders => {
            let fields: [(&str, &[u8]); 2] =
                [("server", ESCAPES.as_bytes()), ("x-powered-by", ESCAPES.as_bytes())];
            (answers::with_fields(200, &fields, LIST.as_bytes()), true)
        }
        Mode::GzipBomb => {
            let fields: [(&str, &[u8]); 1] = [("content-encoding", b"gzip")];
            (answers::with_fields(200, &fields, &answers::gzip_bomb()), true)
        }
        _ => (answers::json(LIST), true),
    }
}

/// HTTP allows bytes from 0x80 on in a field, so C1 controls and invalid UTF-8 arrive there; ESC only in bodies.
fn escapes(shared: &Shared) -> Vec<u8> {
    let body = answers::escaped_json();
    let server: &[u8] = b"evil\x9b31m\xff\xfe\xc2\x9b2J/1.0";
    if shared.requests.load(Ordering::Relaxed) <= FREE {
        let fields: [(&str, &[u8]); 3] = [("server", server), ("x-powered-by", server), ("via", server)];
        return answers::with_fields(200, &fields, body.as_bytes());
    }
    let fields: [(&str, &[u8]); 5] = [
        ("content-type", b"application/problem+json"),
        ("server", server),
        ("retry-after", server),
        ("ratelimit-policy", b"\"\xc2\x9b31mevil\";q=12;w=60"),
        ("x-ratelimit-limit", server),
    ];
    answers::with_fields(429, &fields, body.as_bytes())
}

/// Writes until the peer has had enough.
fn flood(stream: &mut dyn Wire, shared: &Shared) -> io::Result<bool> {
    let filler = vec![b'a'; 64 * 1024];
    match shared.mode {
        Mode::ManyHeaders => {
            let mut head = b"HTTP/1.1 200 OK\r\n".to_vec();
            for number in 0..100_000 {
                head.extend_from_slice(format!("x-{number}: {number}\r\n").as_bytes());
            }
            head.extend_from_slice(b"content-length: 2\r\n\r\n{}");
            stream.write_all(&head)?;
            return Ok(true);
        }
        Mode::Gigabyte => {
            stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 1000000000\r\n\r\n")?;
            let mut left = 1_000_000_000;
            while left > 0 && !shared.is_stopping() {
                let piece = filler.len().min(left);
                stream.write_all(&filler[..piece])?;
                left -= piece;
            }
            return Ok(true);
        }
        Mode::OnlyInterim => {}
        Mode::HeadersForever => stream.write_all(b"HTTP/1.1 200 OK\r\n")?,
        _ => stream.write_all(b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n")?,
    }
    for number in 0_u64.. {
        match shared.mode {
            Mode::HeadersForever => write!(stream, "x-{number}: {number}\r\n")?,
            Mode::OnlyInterim => stream.write_all(b"HTTP/1.1 103 Early Hints\r\nlink: </a>\r\n\r\n")?,
            _ => {
                stream.write_all(b"10000\r\n")?;
                stream.write_all(&filler)?;
                stream.write_all(b"\r\n")?;
            }
        }
        if shared.is_stopping() {
            break;
        }
    }
    Ok(false)
}

/// Says nothing until the peer leaves.
fn hang(stream: &mut dyn Wire, shared: &Shared) -> io::Result<bool> {
    while !shared.is_stopping() {
        match stream.read(&mut [0; 1024]) {
            Ok(0) => break,
            Ok(_) => {}
            Err(error) if is_pause(&error) => {}
            Err(error) => return Err(error),
        }
    }
    Ok(false)
}

fn echo(stream: &mut dyn Wire, place: Echo, head: &str, shared: &Shared) -> io::Result<bool> {
    let secret = field(head, "authorization").or_else(|| field(head, "x-api-key")).unwrap_or("none");
    let quoted = serde_json::Value::String(head.to_owned()).to_string();
    let body = format!(r#"{{"items":[],"next":null,"you_sent":{quoted},"token":"{secret}"}}"#);
    let quoted_policy = format!("\"{secret}\";q=12;w=60");
    let fields: [(&str, &[u8]); 5] = [
        ("server", secret.as_bytes()),
        ("x-powered-by", secret.as_bytes()),
        ("via", secret.as_bytes()),
        ("ratelimit-policy", quoted_policy.as_bytes()),
        ("www-authenticate", secret.as_bytes()),
    ];
    let asked_often = shared.requests.load(Ordering::Relaxed) > FREE;
    let answer = match place {
        Echo::Body => answers::json(&body),
        Echo::Fields => answers::with_fields(200, &fields, LIST.as_bytes()),
        Echo::Location => answers::redirect(&format!("/next?token={}", secret.replace(' ', "%20"))),
        Echo::StatusLine => format!("HTTP/1.1 {secret}\r\n\r\n").into_bytes(),
        Echo::Rejection if asked_often => answers::with_fields(429, &fields, body.as_bytes()),
        Echo::Rejection => answers::json(LIST),
        Echo::Cursor => {
            let cursor = base64(format!("offset:10;for={secret}").as_bytes());
            answers::json(&format!(r#"{{"items":[],"next_cursor":"{cursor}"}}"#))
        }
    };
    stream.write_all(&answer)?;
    Ok(place != Echo::StatusLine)
}

fn base64(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    bytes
        .chunks(3)
        .flat_map(|chunk| {
            let bits = chunk.iter().fold(0_u32, |bits, &byte| bits << 8 | u32::from(byte))
                << (8 * (3 - chunk.len()));
            (0..4).map(move |digit| match digit <= chunk.len() {
                true => char::from(DIGITS[(bits >> (18 - 6 * digit) & 63) as usize]),
                false => '=',
            })
        })
        .collect()
}
