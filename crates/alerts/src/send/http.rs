//! One POST: a connection, a request, an answer that is bounded. Redirects are not followed, for a body and its signature
//! are meant for one place. A connection is not kept: alerts are rare, and an old connection fails in ways of its own.

use std::sync::Arc;

use bytes::Bytes;
use http_body_util::{BodyExt as _, Full, Limited};
use hyper::header::{HeaderName, HeaderValue};
use hyper::{Request, Response, StatusCode};
use hyper_util::rt::TokioIo;
use ratewarden_model::{Redactor, Secret};
use ring::hmac;
use rustls::pki_types::ServerName;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;

use super::{Outcome, chain};
use crate::backoff;
use crate::config::{Kind, Webhook};
use crate::endpoint::HttpUrl;
use crate::item::Batch;
use crate::payload::{self, From};

/// Bytes of an answer's head.
const LONGEST_HEAD: usize = 64 * 1024;
/// Bytes that are read of an answer that is no success: the reason stands at its beginning.
const LONGEST_REASON: usize = 4 * 1024;
/// Parts of a path that are shorter are words, not credentials.
const SHORTEST_PART: usize = 10;
/// Addresses of a name that are tried.
const MOST_ADDRESSES: usize = 8;

/// Posts to one place.
pub(super) struct Post {
    url: HttpUrl,
    kind: Kind,
    tls: Option<(TlsConnector, ServerName<'static>)>,
    /// Takes what is secret out of what servers answer, for they echo.
    redactor: Redactor,
}

/// The value of `Ratewarden-Signature`: `v1=` and HMAC-SHA256, in hex, over the value of `Ratewarden-Timestamp`, a dot
/// and the body.
#[must_use]
pub fn webhook_signature(secret: &Secret, timestamp: i64, body: &[u8]) -> String {
    let mut context = hmac::Context::with_key(&hmac::Key::new(hmac::HMAC_SHA256, secret.expose().as_bytes()));
    context.update(format!("{timestamp}.").as_bytes());
    context.update(body);
    let hex: String = context.sign().as_ref().iter().map(|byte| format!("{byte:02x}")).collect();
    format!("v1={hex}")
}

impl Post {
    pub(super) fn new(kind: &Kind, tls: &Arc<rustls::ClientConfig>) -> Result<Self, String> {
        let mut redactor = Redactor::default();
        let url = match kind {
            Kind::Webhook(webhook) => {
                webhook.secret.iter().for_each(|secret| redactor.add(secret.expose()));
                webhook.headers.iter().for_each(|(_, value)| redactor.add(value.expose()));
                &webhook.url
            }
            Kind::PagerDuty { url, routing_key } => {
                redactor.add(routing_key.expose());
                url
            }
            Kind::Slack(url) => url,
            Kind::Mail(_) | Kind::Syslog(_) | Kind::File(_) => {
                return Err("this is not reached by HTTP".into());
            }
        };
        redactor.add(url.target.expose());
        // A server may echo only the part that is the credential.
        let parts = url.target.expose().split(['/', '?', '&', '=', ';']);
        parts.filter(|part| part.len() >= SHORTEST_PART).for_each(|part| redactor.add(part));
        url.authorization.iter().for_each(|login| redactor.add(login.expose()));
        let tls = if url.tls {
            let name = ServerName::try_from(url.host.clone())
                .map_err(|_| format!("`{}` is not a name a certificate can have", url.host))?;
            Some((TlsConnector::from(Arc::clone(tls)), name))
        } else {
            None
        };
        Ok(Self { url: url.clone(), kind: kind.clone(), tls, redactor })
    }

    pub(super) async fn send(&self, batch: &Batch, from: &From, now_ms: i64) -> Outcome {
        let request = match self.request(batch, from, now_ms) {
            Ok(request) => request,
            Err(error) => return Outcome::Refused(self.redactor.redact(&error)),
        };
        match self.exchange(request).await {
            Ok((response, _driver)) => self.judge(response, now_ms).await,
            Err(why) => Outcome::failed(self.redactor.redact(&why)),
        }
    }

    fn request(&self, batch: &Batch, from: &From, now_ms: i64) -> Result<Request<Full<Bytes>>, String> {
        let body = match (&self.kind, batch.items.as_slice()) {
            (Kind::Slack(_), _) => payload::slack::document(batch, from),
            (Kind::PagerDuty { routing_key, .. }, [item]) => {
                payload::pagerduty::document(item, from, routing_key)
            }
            (Kind::PagerDuty { .. }, _) => return Err("PagerDuty takes one event at a time".into()),
            _ => payload::json::document(batch, from),
        };
        let mut request = Request::post(self.url.target.expose())
            .header("host", self.url.authority.as_str())
            .header("content-type", "application/json")
            .header("accept", "*/*")
            .header("user-agent", concat!("ratewarden/", env!("CARGO_PKG_VERSION")))
            .header("connection", "close");
        if let Some(login) = &self.url.authorization {
            request = request.header("authorization", sensitive(login)?);
        }
        if let Kind::Webhook(webhook) = &self.kind {
            request = signed(request, webhook, batch, &body, now_ms)?;
        }
        request.body(Full::new(Bytes::from(body))).map_err(|error| chain(&error))
    }

    async fn exchange(&self, request: Request<Full<Bytes>>) -> Result<Exchanged, String> {
        let stream = self.connect().await?;
        match &self.tls {
            Some((tls, name)) => {
                let stream = tls
                    .connect(name.clone(), stream)
                    .await
                    .map_err(|error| format!("TLS: {}", chain(&error)))?;
                speak(stream, request).await
            }
            None => speak(stream, request).await,
        }
    }

    /// To the first address of the name that takes a connection.
    async fn connect(&self) -> Result<TcpStream, String> {
        let at = (self.url.host.as_str(), self.url.port);
        let addresses = tokio::net::lookup_host(at)
            .await
            .map_err(|error| format!("cannot look up {}: {error}", self.url.host))?;
        let mut last = format!("{} has no address", self.url.host);
        for address in addresses.take(MOST_ADDRESSES) {
            match TcpStream::connect(address).await {
                Ok(stream) => return Ok(stream),
                Err(error) => last = format!("cannot connect to {address}: {error}"),
            }
        }
        Err(last)
    }

    async fn judge(&self, response: Response<hyper::body::Incoming>, now_ms: i64) -> Outcome {
        let status = response.status();
        if status.is_success() {
            return Outcome::Delivered;
        }
        let asked = response
            .headers()
            .get("retry-after")
            .and_then(|value| value.to_str().ok())
            .and_then(|value| backoff::asked(value, now_ms));
        let location = if status.is_redirection() { "; name the URL that this leads to" } else { "" };
        let reason = self.reason(response).await;
        let why = format!("answered {}{location}{reason}", status.as_u16());
        let is_passing = status.is_server_error()
            || [StatusCode::REQUEST_TIMEOUT, StatusCode::TOO_EARLY, StatusCode::TOO_MANY_REQUESTS]
                .contains(&status);
        if is_passing { Outcome::Failed { why, asked } } else { Outcome::Refused(why) }
    }

    /// The beginning of what it says about it.
    async fn reason(&self, response: Response<hyper::body::Incoming>) -> String {
        let mut body = Limited::new(response.into_body(), LONGEST_REASON);
        let mut read = Vec::new();
        while let Some(Ok(frame)) = body.frame().await {
            if let Some(data) = frame.data_ref() {
                read.extend_from_slice(data);
            }
        }
        let text = self.redactor.redact_cut(&String::from_utf8_lossy(&read));
        let text = payload::line(text.trim(), 200);
        if text.is_empty() { text } else { format!(": {text}") }
    }
}

/// An answer, and the task that reads it.
type Exchanged = (Response<hyper::body::Incoming>, Driver);

/// A connection's task, which ends with the try, however that ends.
struct Driver(tokio::task::JoinHandle<()>);

impl Drop for Driver {
    fn drop(&mut self) {
        self.0.abort();
    }
}

async fn speak(
    stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static,
    request: Request<Full<Bytes>>,
) -> Result<Exchanged, String> {
    let mut shaking = hyper::client::conn::http1::Builder::new();
    shaking.max_buf_size(LONGEST_HEAD);
    let (mut sender, connection) =
        shaking.handshake(TokioIo::new(stream)).await.map_err(|error| chain(&error))?;
    let driver = Driver(tokio::spawn(async {
        // How it ends is seen by the request that is on it.
        let _ = connection.await;
    }));
    let response = sender.send_request(request).await.map_err(|error| chain(&error))?;
    Ok((response, driver))
}

fn signed(
    request: hyper::http::request::Builder,
    webhook: &Webhook,
    batch: &Batch,
    body: &str,
    now_ms: i64,
) -> Result<hyper::http::request::Builder, String> {
    let timestamp = now_ms.div_euclid(1_000);
    let mut request =
        request.header("ratewarden-delivery", batch.name()).header("ratewarden-timestamp", timestamp);
    if let Some(secret) = &webhook.secret {
        let signature = webhook_signature(secret, timestamp, body.as_bytes());
        request = request.header("ratewarden-signature", signature);
    }
    for (name, value) in &webhook.headers {
        let name = HeaderName::from_bytes(name.as_bytes()).map_err(|error| chain(&error))?;
        request = request.header(name, sensitive(value)?);
    }
    Ok(request)
}

fn sensitive(value: &Secret) -> Result<HeaderValue, String> {
    let mut value = HeaderValue::from_str(value.expose())
        .map_err(|_| "a header field's value is not allowed".to_owned())?;
    value.set_sensitive(true);
    Ok(value)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_server_says_shows_no_part_of_a_secret_url() {
        let tls = crate::roots::Roots { certificates: Vec::new(), mozilla: true }.tls().unwrap();
        let url = "https://hooks.test/services/T0123456789/aTokenOf24Characters/x?key=another-token";
        let post = Post::new(&Kind::Slack(url.parse().unwrap()), &tls).unwrap();
        let said = "no services for T0123456789, aTokenOf24Characters or another-token";
        assert_eq!(post.redactor.redact(said), "no services for [redacted], [redacted] or [redacted]");
    }
}
