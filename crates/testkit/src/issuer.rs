//! An issuer of JSON Web Tokens: keys of every kind, tokens signed with them, and what is published of them.
//!
//! Tokens are put together from text, so that a test can make those that no library would: with a header of its own,
//! without a signature, or signed with the wrong thing. The RSA keys are kept in the repository, since ring makes none;
//! they open nothing.

#![expect(clippy::expect_used, clippy::panic, reason = "for tests, where what cannot go on has failed")]

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use ring::rand::SystemRandom;
use ring::signature::{self, EcdsaKeyPair, Ed25519KeyPair, KeyPair as _, RsaKeyPair};
use ring::{hmac, pkcs8};

/// A key to sign with.
#[derive(Debug)]
pub struct SigningKey(Kind);

#[derive(Debug)]
enum Kind {
    Secret(Vec<u8>),
    Rsa(RsaKeyPair),
    Ecdsa { pair: EcdsaKeyPair, curve: &'static str },
    Ed25519(Ed25519KeyPair),
}

/// Object identifiers in DER: rsaEncryption with its NULL, ecPublicKey on either curve, and Ed25519.
const RSA: &[u8] = &[0x06, 0x09, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x01, 0x05, 0x00];
const P256: &[u8] = &[
    0x06, 0x07, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01, 0x06, 0x08, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03,
    0x01, 0x07,
];
const P384: &[u8] =
    &[0x06, 0x07, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01, 0x06, 0x05, 0x2b, 0x81, 0x04, 0x00, 0x22];
const ED25519: &[u8] = &[0x06, 0x03, 0x2b, 0x65, 0x70];

impl SigningKey {
    /// A shared secret.
    #[must_use]
    pub fn secret(secret: &[u8]) -> Self {
        Self(Kind::Secret(secret.to_vec()))
    }

    /// One of two RSA keys of 2048 bits: 1 or 2.
    ///
    /// # Panics
    /// When the file in the repository is broken.
    #[must_use]
    pub fn rsa(which: usize) -> Self {
        let der: &[u8] = match which {
            1 => include_bytes!("../keys/rsa-1.pk8"),
            _ => include_bytes!("../keys/rsa-2.pk8"),
        };
        Self(Kind::Rsa(RsaKeyPair::from_pkcs8(der).expect("the key is in the repository")))
    }

    /// A new key on P-256.
    #[must_use]
    pub fn p256() -> Self {
        Self::ecdsa(&signature::ECDSA_P256_SHA256_FIXED_SIGNING, "P-256")
    }

    /// A new key on P-384.
    #[must_use]
    pub fn p384() -> Self {
        Self::ecdsa(&signature::ECDSA_P384_SHA384_FIXED_SIGNING, "P-384")
    }

    fn ecdsa(algorithm: &'static signature::EcdsaSigningAlgorithm, curve: &'static str) -> Self {
        let random = SystemRandom::new();
        let document: pkcs8::Document = EcdsaKeyPair::generate_pkcs8(algorithm, &random).expect(RANDOM);
        let pair = EcdsaKeyPair::from_pkcs8(algorithm, document.as_ref(), &random).expect(RANDOM);
        Self(Kind::Ecdsa { pair, curve })
    }

    /// A new key on Ed25519.
    ///
    /// # Panics
    /// When the system has no randomness.
    #[must_use]
    pub fn ed25519() -> Self {
        let document = Ed25519KeyPair::generate_pkcs8(&SystemRandom::new()).expect(RANDOM);
        Self(Kind::Ed25519(Ed25519KeyPair::from_pkcs8(document.as_ref()).expect(RANDOM)))
    }

    /// A token with these claims, in JSON.
    #[must_use]
    pub fn token(&self, algorithm: &str, kid: Option<&str>, claims: &str) -> String {
        let kid = kid.map(|kid| format!(r#","kid":"{kid}""#)).unwrap_or_default();
        self.signed(algorithm, &format!(r#"{{"alg":"{algorithm}","typ":"JWT"{kid}}}"#), claims)
    }

    /// A token with a header of one's own, signed as `algorithm` says.
    ///
    /// # Panics
    /// When the key cannot sign so.
    #[must_use]
    pub fn signed(&self, algorithm: &str, header: &str, claims: &str) -> String {
        let message = unsigned(header, claims);
        let signature = self.sign(algorithm, message.as_bytes());
        format!("{message}.{}", URL_SAFE_NO_PAD.encode(signature))
    }

    fn sign(&self, algorithm: &str, message: &[u8]) -> Vec<u8> {
        let random = SystemRandom::new();
        match &self.0 {
            Kind::Secret(secret) => {
                let hash = match algorithm {
                    "HS384" => hmac::HMAC_SHA384,
                    "HS512" => hmac::HMAC_SHA512,
                    _ => hmac::HMAC_SHA256,
                };
                hmac::sign(&hmac::Key::new(hash, secret), message).as_ref().to_vec()
            }
            Kind::Rsa(pair) => {
                let padding: &dyn signature::RsaEncoding = match algorithm {
                    "RS384" => &signature::RSA_PKCS1_SHA384,
                    "RS512" => &signature::RSA_PKCS1_SHA512,
                    "PS256" => &signature::RSA_PSS_SHA256,
                    "PS384" => &signature::RSA_PSS_SHA384,
                    "PS512" => &signature::RSA_PSS_SHA512,
                    _ => &signature::RSA_PKCS1_SHA256,
                };
                let mut bytes = vec![0; pair.public().modulus_len()];
                pair.sign(padding, &random, message, &mut bytes).expect("the key is long enough");
                bytes
            }
            Kind::Ecdsa { pair, .. } => pair.sign(&random, message).expect(RANDOM).as_ref().to_vec(),
            Kind::Ed25519(pair) => pair.sign(message).as_ref().to_vec(),
        }
    }

    /// The public key as an entry of a JWKS, with further members, such as `"kid":"a"`.
    ///
    /// # Panics
    /// When it is a secret.
    #[must_use]
    pub fn jwk(&self, more: &str) -> String {
        let encode = |bytes: &[u8]| URL_SAFE_NO_PAD.encode(bytes);
        let members = match &self.0 {
            Kind::Secret(_) => panic!("a secret is not published"),
            Kind::Rsa(pair) => {
                let public = ring::rsa::PublicKeyComponents::<Vec<u8>>::from(pair.public_key());
                format!(r#""kty":"RSA","n":"{}","e":"{}""#, encode(&public.n), encode(&public.e))
            }
            Kind::Ecdsa { pair, curve } => {
                let point = &pair.public_key().as_ref()[1..];
                let (x, y) = point.split_at(point.len() / 2);
                format!(r#""kty":"EC","crv":"{curve}","x":"{}","y":"{}""#, encode(x), encode(y))
            }
            Kind::Ed25519(pair) => {
                format!(r#""kty":"OKP","crv":"Ed25519","x":"{}""#, encode(pair.public_key().as_ref()))
            }
        };
        if more.is_empty() { format!("{{{members}}}") } else { format!("{{{members},{more}}}") }
    }

    /// The public key in PEM, `BEGIN PUBLIC KEY`.
    ///
    /// # Panics
    /// When it is a secret.
    #[must_use]
    pub fn pem(&self) -> String {
        let (algorithm, key) = match &self.0 {
            Kind::Secret(_) => panic!("a secret is not published"),
            Kind::Rsa(pair) => (RSA, pair.public_key().as_ref()),
            Kind::Ecdsa { pair, curve: "P-256" } => (P256, pair.public_key().as_ref()),
            Kind::Ecdsa { pair, .. } => (P384, pair.public_key().as_ref()),
            Kind::Ed25519(pair) => (ED25519, pair.public_key().as_ref()),
        };
        let bits = [&[0], key].concat();
        let der = tlv(0x30, &[tlv(0x30, algorithm), tlv(0x03, &bits)].concat());
        let text = STANDARD.encode(der);
        let lines: Vec<&str> =
            (0..text.len()).step_by(64).map(|at| &text[at..text.len().min(at + 64)]).collect();
        format!("-----BEGIN PUBLIC KEY-----\n{}\n-----END PUBLIC KEY-----\n", lines.join("\n"))
    }
}

const RANDOM: &str = "the system has randomness";

/// Header and claims as they are signed.
#[must_use]
pub fn unsigned(header: &str, claims: &str) -> String {
    format!("{}.{}", URL_SAFE_NO_PAD.encode(header), URL_SAFE_NO_PAD.encode(claims))
}

/// A value of DER, of at most 65,535 bytes.
fn tlv(tag: u8, content: &[u8]) -> Vec<u8> {
    let [high, low] = u16::try_from(content.len()).expect("keys are short").to_be_bytes();
    let length = match content.len() {
        0..=127 => vec![low],
        128..=255 => vec![0x81, low],
        _ => vec![0x82, high, low],
    };
    [&[tag], length.as_slice(), content].concat()
}
