//! An issuer of tokens that publishes its keys over HTTP.

use std::io::Write;
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{SystemTime, UNIX_EPOCH};

use ratewarden_testkit::issuer::SigningKey;

use crate::server::{Answer, Gateway, read_message};

/// What it says when it is asked.
#[derive(Debug, Clone)]
pub(crate) enum Says {
    /// 200 with this body.
    Keys(String),
    /// This, as it is.
    Bytes(String),
    /// A body without an end.
    Endless,
    /// Nothing, and the connection stays open.
    Nothing,
}

/// A server of keys.
pub(crate) struct TokenIssuer {
    pub(crate) address: SocketAddr,
    says: Arc<Mutex<Says>>,
    asked: Arc<AtomicUsize>,
}

impl TokenIssuer {
    pub(crate) fn start(says: Says) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let issuer = Self { address, says: Arc::new(Mutex::new(says)), asked: Arc::default() };
        let (says, asked) = (Arc::clone(&issuer.says), Arc::clone(&issuer.asked));
        // Ends with the test's process; each connection with its client.
        std::thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                let (says, asked) = (Arc::clone(&says), Arc::clone(&asked));
                std::thread::spawn(move || answer(&stream, &says, &asked));
            }
        });
        issuer
    }

    /// One that publishes this key under this name.
    pub(crate) fn with(key: &SigningKey, kid: &str) -> Self {
        Self::start(Says::Keys(jwks(&[(key, kid)])))
    }

    pub(crate) fn now_says(&self, says: Says) {
        *self.says.lock().unwrap_or_else(PoisonError::into_inner) = says;
    }

    /// How often it was asked.
    pub(crate) fn asked(&self) -> usize {
        self.asked.load(Ordering::SeqCst)
    }

    /// A policy that asks it.
    pub(crate) fn rules(&self, more: &str) -> String {
        format!(
            "[[caller]]\nfrom = \"jwt:sub\"\n\
             jwt = {{ jwks = \"http://{}/jwks?of=test\", issuer = \"https://login.test\", audience = \"jobs\" }}\n{more}",
            self.address
        )
    }
}

fn answer(mut stream: &TcpStream, says: &Mutex<Says>, asked: &AtomicUsize) {
    let Some((head, _)) = read_message(stream) else { return };
    let says = says.lock().unwrap_or_else(PoisonError::into_inner).clone();
    asked.fetch_add(1, Ordering::SeqCst);
    // What a client that has gone does not read is nobody's fault.
    let _ = match says {
        Says::Keys(_) if !head.starts_with("GET /jwks?of=test HTTP/1.1\r\n") => {
            stream.write_all(b"HTTP/1.1 404 Not Found\r\ncontent-length: 0\r\n\r\n")
        }
        Says::Keys(keys) => stream
            .write_all(format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\n\r\n{keys}", keys.len()).as_bytes()),
        Says::Bytes(bytes) => stream.write_all(bytes.as_bytes()),
        Says::Endless => {
            let mut written = stream.write_all(b"HTTP/1.1 200 OK\r\n\r\n{\"keys\":[");
            while written.is_ok() {
                written = stream.write_all(&[b' '; 4_096]);
            }
            written
        }
        Says::Nothing => {
            let _ = read_message(stream);
            Ok(())
        }
    };
}

/// What is published of keys, each under its name.
pub(crate) fn jwks(keys: &[(&SigningKey, &str)]) -> String {
    let each = keys.iter().map(|(key, kid)| key.jwk(&format!("\"kid\":\"{kid}\",\"use\":\"sig\"")));
    format!("{{\"keys\":[{}]}}", each.collect::<Vec<_>>().join(","))
}

/// Seconds since 1970, this many from now.
pub(crate) fn seconds(from_now: i64) -> i64 {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs();
    i64::try_from(now).unwrap() + from_now
}

/// Claims that are right, for ten minutes.
pub(crate) fn claims(subject: &str) -> String {
    format!(
        r#"{{"iss":"https://login.test","aud":"jobs","sub":"{subject}","exp":{},"nbf":{}}}"#,
        seconds(600),
        seconds(-5)
    )
}

/// A call with a token.
pub(crate) fn call(gateway: &Gateway, token: &str) -> Answer {
    gateway.get("/", &format!("authorization: Bearer {token}\r\n"))
}

/// Why a call was refused; empty where it was not.
pub(crate) fn reason(answer: &Answer) -> String {
    let problem: serde_json::Value = serde_json::from_str(&answer.body).unwrap_or_default();
    problem["reason"].as_str().unwrap_or_default().to_owned()
}
