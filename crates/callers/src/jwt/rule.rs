//! One way that tokens are verified: keys, algorithms, and what their claims must be.

use std::path::Path;
use std::sync::Arc;
use std::{fs, io, str};

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::Algorithm;
use ratewarden_policy::{Jwt, JwtKey, SecretSource};
use serde::Deserialize;
use serde::de::IgnoredAny;
use serde_json::{Map, Value};

use super::claims::{Named, Wanted, issuer_in};
use super::key_set::{KeySet, MAX_KEY_BYTES};
use super::rejected::Rejected;
use super::remote::RemoteKeys;
use super::{LONGEST_TOKEN, signature};

/// Keys that one token is tried with. Only tokens without a `kid` are tried with more than one.
const MOST_TRIED: usize = 4;

/// Why tokens cannot be verified.
#[derive(Debug, thiserror::Error)]
#[error("cannot use the key of tokens {from}: {why}")]
pub struct TokenKeyError {
    /// The file or the environment variable.
    pub from: String,
    /// What is wrong with it.
    pub why: String,
}

/// How tokens are verified.
#[derive(Debug)]
pub(crate) struct TokenRule {
    keys: Keyring,
    /// Empty where all are accepted that fit the key.
    algorithms: Vec<Algorithm>,
    wanted: Wanted,
}

#[derive(Debug)]
enum Keyring {
    Fixed(Arc<KeySet>),
    Remote(Arc<RemoteKeys>),
}

/// The part of a header that is looked at.
#[derive(Deserialize)]
struct Header<'h> {
    #[serde(borrow)]
    alg: std::borrow::Cow<'h, str>,
    #[serde(default, borrow)]
    kid: Option<std::borrow::Cow<'h, str>>,
    #[serde(default)]
    crit: Option<IgnoredAny>,
}

impl TokenRule {
    /// Makes a rule of the policy ready; reads the file it names. Keys at a URL are taken over from `before`, where
    /// that has them.
    pub(crate) fn build(jwt: &Jwt, before: &[Arc<RemoteKeys>]) -> Result<Self, TokenKeyError> {
        signature::install();
        let algorithms: Vec<Algorithm> = jwt.algorithms.iter().filter_map(|name| name.parse().ok()).collect();
        let fixed = |from: String, keys: Result<KeySet, String>| {
            let keys = keys.and_then(|keys| {
                let fits = keys.fits(&algorithms);
                let why = || format!("it does not fit {}", jwt.algorithms.join(", "));
                fits.then_some(keys).ok_or_else(why)
            });
            keys.map(|keys| Keyring::Fixed(Arc::new(keys))).map_err(|why| TokenKeyError { from, why })
        };
        let keys = match &jwt.key {
            JwtKey::Secret(SecretSource::Environment(name)) => {
                let secret = std::env::var(name).map_err(|error| error.to_string());
                fixed(name.clone(), secret.and_then(|secret| KeySet::of_secret(secret.as_bytes())))?
            }
            JwtKey::Secret(SecretSource::File(path)) => fixed(
                path.display().to_string(),
                read(path).and_then(|secret| KeySet::of_secret(without_line_break(&secret))),
            )?,
            JwtKey::PublicKey(path) => {
                fixed(path.display().to_string(), read(path).and_then(|pem| KeySet::of_pem(&pem)))?
            }
            JwtKey::JwksFile(path) => {
                fixed(path.display().to_string(), read(path).and_then(|json| KeySet::of_jwks(&json)))?
            }
            JwtKey::JwksUrl(at) => {
                let kept = before.iter().find(|keys| keys.at() == at).map(Arc::clone);
                Keyring::Remote(kept.unwrap_or_else(|| Arc::new(RemoteKeys::new(at.clone()))))
            }
        };
        let wanted = Wanted {
            name: jwt.claim.clone(),
            plan: jwt.plan_claim.clone(),
            issuer: jwt.issuer.clone(),
            audience: jwt.audience.clone(),
            skew: jwt.skew.as_secs(),
            require_exp: jwt.require_exp,
        };
        Ok(Self { keys, algorithms, wanted })
    }

    /// The keys that are fetched from a URL.
    pub(crate) const fn remote(&self) -> Option<&Arc<RemoteKeys>> {
        match &self.keys {
            Keyring::Remote(keys) => Some(keys),
            Keyring::Fixed(_) => None,
        }
    }

    /// Another one whenever the keys have changed.
    pub(crate) fn version(&self) -> u64 {
        self.remote().map_or(0, |keys| keys.version())
    }

    /// Whom a token names, at `now` seconds since 1970.
    pub(crate) fn verify(&self, token: &[u8], now: u64) -> Result<Named, Rejected> {
        let (header, claims, signature) = parts(token).ok_or(Rejected::Malformed)?;
        let signed = token.get(..header.len() + 1 + claims.len()).ok_or(Rejected::Malformed)?;
        let header = decoded(header)?;
        let header: Header<'_> = serde_json::from_slice(&header).map_err(|_| Rejected::Malformed)?;
        if header.crit.is_some() {
            return Err(Rejected::Malformed);
        }
        let algorithm: Algorithm = header.alg.parse().map_err(|_| Rejected::Algorithm)?;
        if !self.algorithms.is_empty() && !self.algorithms.contains(&algorithm) {
            return Err(Rejected::Algorithm);
        }
        self.check_signature(algorithm, header.kid.as_deref(), signed, signature)?;
        self.wanted.check(&object(claims)?, now)
    }

    /// Whom a token claims to name, and the issuer that it claims (empty where it claims none). Nothing of it is
    /// proved.
    pub(crate) fn claimed(&self, token: &[u8]) -> Option<(String, String)> {
        let (_, claims, _) = parts(token)?;
        let claims = object(claims).ok()?;
        Some((self.wanted.name_in(&claims)?, issuer_in(&claims).to_owned()))
    }

    fn check_signature(
        &self,
        algorithm: Algorithm,
        kid: Option<&str>,
        signed: &[u8],
        signature: &str,
    ) -> Result<(), Rejected> {
        let keys = match &self.keys {
            Keyring::Fixed(keys) => Arc::clone(keys),
            Keyring::Remote(keys) => {
                let current = keys.current();
                if current.is_none() {
                    keys.is_missing_for_good();
                }
                current.ok_or(Rejected::KeysAwaited)?
            }
        };
        let mut named = keys.named(kid).peekable();
        if named.peek().is_none() {
            let is_known = match &self.keys {
                Keyring::Fixed(_) => true,
                Keyring::Remote(keys) => keys.is_missing_for_good(),
            };
            return Err(if is_known { Rejected::Key } else { Rejected::KeysAwaited });
        }
        let mut fitting = named.filter(|key| key.is_for(algorithm)).take(MOST_TRIED).peekable();
        if fitting.peek().is_none() {
            return Err(Rejected::Algorithm);
        }
        let is_right = fitting.any(|key| signature::is_valid(signature, signed, &key.key, algorithm));
        if is_right { Ok(()) } else { Err(Rejected::Signature) }
    }
}

/// The three parts of a token, in Base64.
fn parts(token: &[u8]) -> Option<(&str, &str, &str)> {
    if token.len() > LONGEST_TOKEN {
        return None;
    }
    let mut parts = str::from_utf8(token).ok()?.split('.');
    match (parts.next(), parts.next(), parts.next(), parts.next()) {
        (Some(header), Some(claims), Some(signature), None) => Some((header, claims, signature)),
        _ => None,
    }
}

fn decoded(part: &str) -> Result<Vec<u8>, Rejected> {
    URL_SAFE_NO_PAD.decode(part).map_err(|_| Rejected::Malformed)
}

fn object(part: &str) -> Result<Map<String, Value>, Rejected> {
    serde_json::from_slice(&decoded(part)?).map_err(|_| Rejected::Malformed)
}

fn read(path: &Path) -> Result<Vec<u8>, String> {
    let bounded = || {
        let length = fs::metadata(path)?.len();
        if length > MAX_KEY_BYTES as u64 {
            let message = format!("it has {length} bytes, at most {MAX_KEY_BYTES} are read");
            return Err(io::Error::other(message));
        }
        fs::read(path)
    };
    bounded().map_err(|error| error.to_string())
}

/// Editors end a file with one, and so does `openssl rand -base64 48`.
fn without_line_break(secret: &[u8]) -> &[u8] {
    let secret = secret.strip_suffix(b"\n").unwrap_or(secret);
    secret.strip_suffix(b"\r").unwrap_or(secret)
}
