//! Callers by JSON Web Token (RFC 7519), in the compact form of RFC 7515.
//!
//! What RFC 8725 asks for holds by construction: an algorithm must be allowed by the policy *and* fit the key, so that
//! neither `none` nor a public key taken for a secret gets through; keys come from the policy alone, never from a
//! token's own header (`jwk`, `jku`, `x5c`); extensions that must be understood (`crit`) are not, so the token is
//! refused. The signature is checked before anything that the claims say.

mod claims;
mod key_set;
mod rejected;
mod remote;
mod rule;
mod signature;
#[cfg(test)]
mod tests;
mod verified;

/// Bytes of a token. Those of issuers with many groups have 10,000.
pub(crate) const LONGEST_TOKEN: usize = 16 * 1024;

pub use key_set::MAX_KEY_BYTES;
pub(crate) use rejected::Rejected;
pub use remote::RemoteKeys;
pub use rule::TokenKeyError;
pub(crate) use rule::TokenRule;
pub(crate) use verified::TokenId;
pub use verified::VerifiedTokens;
