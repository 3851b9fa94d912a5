//! Signatures, checked by ring.
//!
//! `jsonwebtoken` leaves the cryptography to a provider of the process. Its own ones are aws-lc, which wants cmake, and
//! RustCrypto, which would be a second implementation beside ring, which is here for TLS anyway. A key of one family is never
//! tried with an algorithm of another: a public key that is taken for a secret is how tokens are forged.

use jsonwebtoken::crypto::{CryptoProvider, JwtSigner, JwtVerifier, KeyUtils};
use jsonwebtoken::errors::{ErrorKind, Result};
use jsonwebtoken::signature::{Error as Wrong, Verifier};
use jsonwebtoken::{Algorithm, DecodingKey, DecodingKeyKind, EncodingKey};
use ring::rsa::PublicKeyComponents;
use ring::{hmac, signature};

static RING: CryptoProvider = CryptoProvider {
    signer_factory: no_signer,
    verifier_factory: verifier,
    key_utils: KeyUtils {
        rsa_pub_components_from_private_key: |_| Err(ErrorKind::UnsupportedAlgorithm.into()),
        rsa_pub_components_from_public_key: |_| Err(ErrorKind::UnsupportedAlgorithm.into()),
        ec_pub_components_from_private_key: |_, _| Err(ErrorKind::UnsupportedAlgorithm.into()),
        ed_pub_components_from_private_key: |_, _| Err(ErrorKind::UnsupportedAlgorithm.into()),
        compute_digest: |_, _| Err(ErrorKind::UnsupportedAlgorithm.into()),
    },
};

/// Makes ring the provider of this process. Where there is one already, that one stays.
pub(super) fn install() {
    let _ = RING.install_default();
}

/// Whether this is the signature (in Base64) of the message.
pub(super) fn is_valid(signature: &str, message: &[u8], key: &DecodingKey, algorithm: Algorithm) -> bool {
    jsonwebtoken::crypto::verify(signature, message, key, algorithm).unwrap_or(false)
}

fn no_signer(_: &Algorithm, _: &EncodingKey) -> Result<Box<dyn JwtSigner>> {
    Err(ErrorKind::UnsupportedAlgorithm.into())
}

fn verifier(algorithm: &Algorithm, key: &DecodingKey) -> Result<Box<dyn JwtVerifier>> {
    if key.family() != algorithm.family() {
        return Err(ErrorKind::InvalidAlgorithm.into());
    }
    let how = how(*algorithm).ok_or(ErrorKind::UnsupportedAlgorithm)?;
    Ok(Box::new(ByRing { algorithm: *algorithm, how, key: key.clone() }))
}

struct ByRing {
    algorithm: Algorithm,
    how: How,
    key: DecodingKey,
}

/// ring's name of an algorithm.
#[derive(Clone, Copy)]
enum How {
    Secret(hmac::Algorithm),
    Rsa(&'static signature::RsaParameters),
    Curve(&'static dyn signature::VerificationAlgorithm),
}

fn how(algorithm: Algorithm) -> Option<How> {
    Some(match algorithm {
        Algorithm::HS256 => How::Secret(hmac::HMAC_SHA256),
        Algorithm::HS384 => How::Secret(hmac::HMAC_SHA384),
        Algorithm::HS512 => How::Secret(hmac::HMAC_SHA512),
        Algorithm::RS256 => How::Rsa(&signature::RSA_PKCS1_2048_8192_SHA256),
        Algorithm::RS384 => How::Rsa(&signature::RSA_PKCS1_2048_8192_SHA384),
        Algorithm::RS512 => How::Rsa(&signature::RSA_PKCS1_2048_8192_SHA512),
        Algorithm::PS256 => How::Rsa(&signature::RSA_PSS_2048_8192_SHA256),
        Algorithm::PS384 => How::Rsa(&signature::RSA_PSS_2048_8192_SHA384),
        Algorithm::PS512 => How::Rsa(&signature::RSA_PSS_2048_8192_SHA512),
        Algorithm::ES256 => How::Curve(&signature::ECDSA_P256_SHA256_FIXED),
        Algorithm::ES384 => How::Curve(&signature::ECDSA_P384_SHA384_FIXED),
        Algorithm::EdDSA => How::Curve(&signature::ED25519),
        _ => return None,
    })
}

impl JwtVerifier for ByRing {
    fn algorithm(&self) -> Algorithm {
        self.algorithm
    }
}

impl Verifier<Vec<u8>> for ByRing {
    fn verify(&self, message: &[u8], signature: &Vec<u8>) -> std::result::Result<(), Wrong> {
        let checked = match (self.how, self.key.kind()) {
            (How::Secret(algorithm), DecodingKeyKind::SecretOrDer(secret)) => {
                hmac::verify(&hmac::Key::new(algorithm, secret), message, signature)
            }
            (How::Rsa(how), DecodingKeyKind::RsaModulusExponent { n, e }) => {
                PublicKeyComponents { n, e }.verify(how, message, signature)
            }
            (How::Rsa(how), DecodingKeyKind::SecretOrDer(der)) => {
                signature::UnparsedPublicKey::new(how, der).verify(message, signature)
            }
            (How::Curve(how), DecodingKeyKind::SecretOrDer(point)) => {
                signature::UnparsedPublicKey::new(how, point).verify(message, signature)
            }
            (How::Secret(_) | How::Curve(_), DecodingKeyKind::RsaModulusExponent { .. }) => {
                Err(ring::error::Unspecified)
            }
        };
        checked.map_err(|_| Wrong::new())
    }
}
