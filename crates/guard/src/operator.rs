//! What an operator's commands ask a running gateway's admin listener, and the documents both sides share.

use std::net::IpAddr;
use std::time::Duration;

use bytes::Bytes;
use http::{HeaderValue, Method};
use http_body_util::{BodyExt as _, Full, Limited};
use hyper::Request;
use hyper_util::rt::TokioIo;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use tokio::net::TcpStream;

/// The most penalties in one list.
pub(crate) const MAX_LISTED: usize = 10_000;

/// How long an answer may take.
const PATIENCE: Duration = Duration::from_secs(10);

/// The most bytes of an answer: [`MAX_LISTED`] penalties, each with a long label and a long reason.
const MOST: usize = 16 << 20;

/// A ban in force.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Penalty {
    /// 32 hexadecimal digits, of the keyed hash of whoever is banned; a lock-out of an address has another than a ban
    /// that spares nobody there. It says nothing to who has not the gateway's
    /// secret, and without a store it is another one after a restart.
    pub id: String,
    /// `caller`, `address`, `target` (a credential that was guessed at) or `pair` (a caller at one address).
    pub kind: String,
    /// A caller's name or an address, where it is known; never a secret.
    pub label: Option<String>,
    /// The rule of the policy, or of the finding, that imposed it.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub rule: Option<String>,
    /// The operator's reason, where an operator imposed it, or the figures of the finding.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub reason: Option<String>,
    /// RFC 3339, UTC.
    pub until: String,
    /// Rounded up.
    pub seconds_left: u64,
    /// Which one it is: the first is 1.
    pub times: u64,
}

/// Bans in force.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Penalties {
    /// Those that last longest first, as many as were asked for.
    pub penalties: Vec<Penalty>,
    /// How many there are.
    pub total: usize,
}

/// A ban to impose; against one of a caller, an address and an id.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NewPenalty {
    /// The name of a key, or of a caller that an application names.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub caller: Option<String>,
    /// IPv6 with its whole network, as the policy counts it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub address: Option<IpAddr>,
    /// Any other caller, by the id under which the gateway shows it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
    /// For how long, such as `10m`.
    #[serde(rename = "for")]
    pub lasts: String,
    /// For other operators; the banned one is not told.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// The rule of the finding that leads to it, which the banned one is told. A ban of an address spares callers then that
    /// had proved who they are from there, and none is shortened. Without it the ban is on an operator's word.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub finding: Option<String>,
    /// A ban that is in force and ends no sooner stays as it is.
    #[serde(skip_serializing_if = "std::ops::Not::not", default)]
    pub extend_only: bool,
}

/// Asks an admin listener.
#[derive(Debug, Clone)]
pub struct Operator {
    authority: String,
    /// Marked as sensitive, so that it is never shown.
    token: Option<HeaderValue>,
}

/// Why an admin listener has not done what it was asked.
#[derive(Debug, thiserror::Error)]
pub enum OperatorError {
    /// The token cannot be sent.
    #[error("the admin token has characters that no header can have")]
    Token,
    /// Nobody listens.
    #[error("cannot connect to the admin listener {authority}")]
    Connect {
        /// Where.
        authority: String,
        /// Why not.
        #[source]
        source: std::io::Error,
    },
    /// It took too long.
    #[error("the admin listener {0} has not answered in {seconds} seconds", seconds = PATIENCE.as_secs())]
    Slow(String),
    /// It said no.
    #[error("the admin listener answered {status}: {detail}")]
    Refused {
        /// The HTTP status.
        status: u16,
        /// In its words.
        detail: String,
    },
    /// What it said is nothing that an admin listener says.
    #[error("what listens at {authority} is no admin listener of this version: {what}")]
    Strange {
        /// Where.
        authority: String,
        /// What is wrong.
        what: String,
    },
}

impl Operator {
    /// For the admin listener at `authority`, a host and a port.
    ///
    /// # Errors
    /// When the token cannot be sent.
    pub fn new(authority: &str, token: Option<&str>) -> Result<Self, OperatorError> {
        let bearer =
            |token| HeaderValue::try_from(format!("Bearer {token}")).map_err(|_| OperatorError::Token);
        let mut token = token.map(bearer).transpose()?;
        if let Some(token) = &mut token {
            token.set_sensitive(true);
        }
        Ok(Self { authority: authority.to_owned(), token })
    }

    /// The bans that last longest.
    ///
    /// # Errors
    /// When it cannot be asked, or refuses.
    pub async fn penalties(&self) -> Result<Penalties, OperatorError> {
        let answer = self.ask(Method::GET, &format!("/v1/penalties?limit={MAX_LISTED}"), None).await?;
        self.read(&answer)
    }

    /// Bans somebody.
    ///
    /// # Errors
    /// When it cannot be asked, or refuses.
    pub async fn add_penalty(&self, wanted: &NewPenalty) -> Result<Penalty, OperatorError> {
        let answer = self.ask(Method::POST, "/v1/penalties", serde_json::to_vec(wanted).ok()).await?;
        self.read(&answer)
    }

    /// Ends a ban. An id is hexadecimal; anything else is not sent.
    ///
    /// # Errors
    /// When there is none with this id, it cannot be asked, or refuses.
    pub async fn lift_penalty(&self, id: &str) -> Result<(), OperatorError> {
        if id.is_empty() || !id.bytes().all(|byte| byte.is_ascii_hexdigit()) {
            let detail = "the id of a ban is 32 hexadecimal digits".to_owned();
            return Err(OperatorError::Refused { status: 404, detail });
        }
        self.ask(Method::DELETE, &format!("/v1/penalties/{id}"), None).await.map(|_| ())
    }

    async fn ask(&self, method: Method, path: &str, body: Option<Vec<u8>>) -> Result<Bytes, OperatorError> {
        let asked = tokio::time::timeout(PATIENCE, self.exchange(method, path, body));
        asked.await.map_err(|_| OperatorError::Slow(self.authority.clone()))?
    }

    async fn exchange(
        &self,
        method: Method,
        path: &str,
        body: Option<Vec<u8>>,
    ) -> Result<Bytes, OperatorError> {
        let strange = |what: String| OperatorError::Strange { authority: self.authority.clone(), what };
        let stream = TcpStream::connect(&self.authority)
            .await
            .map_err(|source| OperatorError::Connect { authority: self.authority.clone(), source })?;
        let mut request = Request::builder().method(method).uri(path).header("host", &self.authority);
        if let Some(token) = &self.token {
            request = request.header("authorization", token);
        }
        if body.is_some() {
            request = request.header("content-type", "application/json");
        }
        let body = Full::new(Bytes::from(body.unwrap_or_default()));
        let request = request.body(body).map_err(|error| strange(error.to_string()))?;
        let shaken = hyper::client::conn::http1::handshake(TokioIo::new(stream)).await;
        let (mut sender, connection) = shaken.map_err(|error| strange(error.to_string()))?;
        let driver = tokio::spawn(connection);
        let response = sender.send_request(request).await.map_err(|error| strange(error.to_string()))?;
        let status = response.status();
        let body = Limited::new(response.into_body(), MOST).collect().await;
        driver.abort();
        let body = body.map_err(|error| strange(error.to_string()))?.to_bytes();
        if status.is_success() {
            return Ok(body);
        }
        #[derive(Deserialize)]
        struct Problem {
            detail: String,
        }
        let problem = serde_json::from_slice::<Problem>(&body);
        let detail = problem.map_or_else(|_| "it gives no reason".to_owned(), |problem| problem.detail);
        Err(OperatorError::Refused { status: status.as_u16(), detail })
    }

    fn read<T: DeserializeOwned>(&self, answer: &[u8]) -> Result<T, OperatorError> {
        serde_json::from_slice(answer).map_err(|error| OperatorError::Strange {
            authority: self.authority.clone(),
            what: error.to_string(),
        })
    }
}
