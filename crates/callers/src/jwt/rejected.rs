//! Why a token is not accepted.

/// Why a token is not accepted. What its claims say comes out only of one whose signature is right.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Rejected {
    /// It is no token of three parts, or a part is not what it should be.
    Malformed,
    /// An algorithm that the policy or the key does not allow; `none` is always one.
    Algorithm,
    /// It names a key that is not there.
    Key,
    Signature,
    NoExpiry,
    Expired,
    Early,
    Issuer,
    Audience,
    /// The claim that names the caller is missing or names nobody.
    Nameless,
    /// The keys are not there yet, or those that the token names are just being asked for. That is not the caller's
    /// fault.
    KeysAwaited,
    /// Nobody looked at its signature: it was not worth that.
    Unchecked,
}

impl Rejected {
    /// A stable word for metrics and logs.
    pub(crate) const fn word(self) -> &'static str {
        match self {
            Self::Malformed => "token_malformed",
            Self::Algorithm => "token_algorithm",
            Self::Key => "token_key",
            Self::Signature => "token_signature",
            Self::NoExpiry => "token_no_expiry",
            Self::Expired => "token_expired",
            Self::Early => "token_early",
            Self::Issuer => "token_issuer",
            Self::Audience => "token_audience",
            Self::Nameless => "token_nameless",
            Self::KeysAwaited => "token_keys_awaited",
            Self::Unchecked => "token_unchecked",
        }
    }

    /// What the client is told.
    pub(crate) const fn told(self) -> &'static str {
        match self {
            Self::Malformed => "the token is malformed",
            Self::Algorithm => "the token's algorithm is not accepted",
            Self::Key => "the token's key is not known",
            Self::Signature => "the token's signature is wrong",
            Self::NoExpiry => "the token has no expiry (exp)",
            Self::Expired => "the token has expired",
            Self::Early => "the token is not valid yet",
            Self::Issuer => "the token is from another issuer",
            Self::Audience => "the token is for another audience",
            Self::Nameless => "the token does not name its caller",
            Self::KeysAwaited => "the keys of tokens are being fetched; try again in a moment",
            Self::Unchecked => "the token was not looked at",
        }
    }
}
