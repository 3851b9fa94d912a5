//! Keys that signatures are verified with: a shared secret, a public key in PEM, or a set of them (JWKS, RFC 7517).

use std::fmt;

use jsonwebtoken::jwk::{AlgorithmParameters, EllipticCurve, Jwk, KeyOperations, PublicKeyUse};
use jsonwebtoken::{Algorithm, AlgorithmFamily, DecodingKey};
use serde::Deserialize;

/// The most bytes of a JWKS, of a PEM file and of a secret.
pub const MAX_KEY_BYTES: usize = 256 * 1024;

/// The most keys of a set. Issuers publish two to ten.
const MOST_KEYS: usize = 100;

/// How many bytes an RSA public key of 2048 bits has in DER, less what the encoding itself takes.
const SHORTEST_RSA: usize = 2048 / 8;

/// The keys of an issuer.
#[derive(Debug)]
pub(super) struct KeySet(Vec<Key>);

/// A key, its name, and what it may be used with.
pub(super) struct Key {
    id: Option<String>,
    /// Never empty, all of one family.
    algorithms: Vec<Algorithm>,
    pub(super) key: DecodingKey,
    /// The JWK it was made from, to see whether it has changed.
    source: String,
}

impl KeySet {
    /// A shared secret, for the algorithms whose hash is no longer than it (RFC 7518 section 3.2).
    pub(super) fn of_secret(secret: &[u8]) -> Result<Self, String> {
        if secret.windows(10).any(|window| window == b"-----BEGIN") {
            return Err("this is a key in PEM and not a secret; name a public key by `public-key`".to_owned());
        }
        let fits = |&(_, bytes): &(Algorithm, usize)| secret.len() >= bytes;
        let all = [(Algorithm::HS256, 32), (Algorithm::HS384, 48), (Algorithm::HS512, 64)];
        let algorithms: Vec<Algorithm> = all.iter().filter(|it| fits(it)).map(|it| it.0).collect();
        if algorithms.is_empty() {
            return Err(format!(
                "the secret has {} bytes; with fewer than 32 it can be found out from a token",
                secret.len()
            ));
        }
        let key = DecodingKey::from_secret(secret);
        Ok(Self(vec![Key { id: None, algorithms, key, source: String::new() }]))
    }

    /// A public key in PEM.
    pub(super) fn of_pem(pem: &[u8]) -> Result<Self, String> {
        let has = |what: &[u8]| pem.windows(what.len()).any(|window| window == what);
        if has(b"PRIVATE KEY-----") {
            return Err("this is a private key; the gateway needs the public one only".to_owned());
        }
        if !has(b"-----BEGIN PUBLIC KEY-----") && !has(b"-----BEGIN RSA PUBLIC KEY-----") {
            return Err("a PEM block `BEGIN PUBLIC KEY` was expected".to_owned());
        }
        let any = DecodingKey::from_ed_pem(pem)
            .or_else(|_| DecodingKey::from_ec_pem(pem))
            .or_else(|_| DecodingKey::from_rsa_pem(pem))
            .map_err(|_| "it cannot be read, or is neither RSA, P-256, P-384 nor Ed25519".to_owned())?;
        let algorithms = fitting(&any)?;
        Ok(Self(vec![Key { id: None, algorithms, key: any, source: String::new() }]))
    }

    /// A JWKS. Keys for something else, or of a kind that is not known, are left out (RFC 7517 section 5), and
    /// secrets are: what is published is none.
    pub(super) fn of_jwks(json: &[u8]) -> Result<Self, String> {
        #[derive(Deserialize)]
        struct Set {
            keys: Vec<serde_json::Value>,
        }
        let set: Set = serde_json::from_slice(json).map_err(|error| format!("it is no JWKS: {error}"))?;
        if set.keys.len() > MOST_KEYS {
            return Err(format!("it has {} keys, at most {MOST_KEYS} are taken", set.keys.len()));
        }
        let keys: Vec<Key> = set.keys.into_iter().filter_map(Key::of_jwk).collect();
        if keys.is_empty() {
            return Err("it has no key for signatures that can be used".to_owned());
        }
        Ok(Self(keys))
    }

    /// Whether any key is for any of these algorithms; for any at all where there are none.
    pub(super) fn fits(&self, algorithms: &[Algorithm]) -> bool {
        let fits = |key: &Key| key.algorithms.iter().any(|algorithm| algorithms.contains(algorithm));
        algorithms.is_empty() || self.0.iter().any(fits)
    }

    /// Whether two sets of a JWKS have the same keys.
    pub(super) fn is_same_as(&self, other: &Self) -> bool {
        self.0.iter().map(|key| &key.source).eq(other.0.iter().map(|key| &key.source))
    }

    /// Keys that a token with this `kid` may be signed with. Where either has no name, any may be meant.
    pub(super) fn named<'k>(&'k self, id: Option<&'k str>) -> impl Iterator<Item = &'k Key> {
        let is_meant = move |key: &&Key| match (id, key.id.as_deref()) {
            (Some(wanted), Some(found)) => wanted == found,
            (None, _) | (_, None) => true,
        };
        self.0.iter().filter(is_meant)
    }
}

impl Key {
    pub(super) fn is_for(&self, algorithm: Algorithm) -> bool {
        self.algorithms.contains(&algorithm)
    }

    fn of_jwk(json: serde_json::Value) -> Option<Self> {
        let source = json.to_string();
        let jwk: Jwk = serde_json::from_value(json).ok()?;
        let common = &jwk.common;
        let signs = common.public_key_use.as_ref().is_none_or(|it| *it == PublicKeyUse::Signature);
        let verifies = common.key_operations.as_ref().is_none_or(|all| all.contains(&KeyOperations::Verify));
        let is_public = match &jwk.algorithm {
            AlgorithmParameters::RSA(_) => true,
            AlgorithmParameters::EllipticCurve(it) => {
                matches!(it.curve, EllipticCurve::P256 | EllipticCurve::P384)
            }
            AlgorithmParameters::OctetKeyPair(it) => it.curve == EllipticCurve::Ed25519,
            _ => false,
        };
        if !(signs && verifies && is_public) {
            return None;
        }
        let key = DecodingKey::from_jwk(&jwk).ok()?;
        let mut algorithms = fitting(&key).ok()?;
        if let Some(only) = common.key_algorithm {
            let only = Algorithm::try_from(only).ok()?;
            algorithms.retain(|algorithm| *algorithm == only);
        }
        let id = jwk.common.key_id.clone();
        (!algorithms.is_empty()).then_some(Self { id, algorithms, key, source })
    }
}

/// The algorithms a public key can be used with.
fn fitting(key: &DecodingKey) -> Result<Vec<Algorithm>, String> {
    let bytes = match key.kind() {
        jsonwebtoken::DecodingKeyKind::RsaModulusExponent { n, .. } => n,
        jsonwebtoken::DecodingKeyKind::SecretOrDer(bytes) => bytes,
    };
    match (key.family(), bytes.as_slice()) {
        (AlgorithmFamily::Rsa, bytes) if bytes.len() < SHORTEST_RSA => {
            Err("RSA keys of less than 2048 bits are no longer safe".to_owned())
        }
        (AlgorithmFamily::Rsa, _) => Ok(AlgorithmFamily::Rsa.algorithms().to_vec()),
        // An uncompressed point (SEC 1 section 2.3.3), by its length.
        (AlgorithmFamily::Ec, [4, rest @ ..]) if rest.len() == 64 => Ok(vec![Algorithm::ES256]),
        (AlgorithmFamily::Ec, [4, rest @ ..]) if rest.len() == 96 => Ok(vec![Algorithm::ES384]),
        (AlgorithmFamily::Ed, bytes) if bytes.len() == 32 => Ok(vec![Algorithm::EdDSA]),
        _ => Err("it is neither RSA, P-256, P-384 nor Ed25519".to_owned()),
    }
}

impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Key").field("id", &self.id).field("algorithms", &self.algorithms).finish()
    }
}
