//! Callers, their credentials and plans.

use ratewarden_model::Rate;

use crate::form::{Choice, OneOf, Several};
use crate::table::table;
use crate::words::{CallerWord, FilePath, KeySet, Lasting, Name, Text, Variable, YEAR};

table! {
    /// One way to know a caller. Of several, the first that is present in the call wins; `address` always is.
    Caller {
        /// Where the caller is named: `header:NAME`, `bearer` (`Authorization: Bearer`), `basic` (its user),
        /// `cookie:NAME`, `jwt:CLAIM` (of a verified bearer token), `mtls` (the subject of a client certificate) or
        /// `address`.
        "from" from: CallerWord, Required;
        /// File of hashed keys, made with `ratewarden key new`. A key that is not in it is a failed credential
        /// (401). Without it every value is a caller, so whoever makes up a new one is counted anew.
        "keys" keys: FilePath, Optional;
        /// How tokens are verified; for `jwt:CLAIM` only, and required there.
        "jwt" jwt: Jwt, Optional;
        /// A call without it is refused (401) rather than tried with the next.
        "required" required: bool, Default "false";
    }
}

table! {
    /// How JSON Web Tokens (in `Authorization: Bearer`, at most 16 KiB) are verified. An algorithm must be allowed and
    /// fit the key; `none` never does, and what a token's header says of keys beyond the `kid` is not looked at. A
    /// token that is not accepted is a failed credential (401). Those that are get remembered by each worker, at most
    /// 8,192, until they end or the keys change. ES384 costs more than ten times what the others do. Their callers are
    /// shown as `jwt:` with six digits of a keyed hash; limits per `user` count them by the claim.
    Jwt {
        /// File with the shared secret, at least as long as the hash of the algorithm (32 bytes for `HS256`); a line
        /// break at its end is no part of it.
        "secret-file" secret_file: FilePath, Optional;
        /// Environment variable with the shared secret.
        "secret-env" secret_env: Variable, Optional;
        /// PEM file with a public key: RSA of 2048 to 8192 bits, P-256, P-384 or Ed25519.
        "public-key" public_key: FilePath, Optional;
        /// A JWKS: a file, or an `https://` URL that is asked at the start, every five minutes, and when a token names
        /// a key that is not in it, but then at most every ten seconds. Tokens are refused (503) until it has answered;
        /// when it fails later, the keys it gave last stay.
        "jwks" jwks: KeySet, Optional;
        /// PEM file with further authorities that the server of the JWKS may have its certificate from.
        "jwks-ca" jwks_ca: FilePath, Optional;
        /// Algorithms accepted; without this key those that fit the type of each key.
        "algorithms" algorithms: Several<OneOf<JwtAlgorithm>, 16>, Optional;
        /// The issuer (`iss`) tokens must have; without it any.
        "issuer" issuer: Text<1024>, Optional;
        /// The audience (`aud`) tokens must have among theirs; without it any.
        "audience" audience: Text<1024>, Optional;
        /// Clocks may differ by this, at most a day.
        "skew" skew: Lasting<86_400>, Default "\"60s\"";
        /// A token without an expiry (`exp`) is refused. With `false` it is good for as long as its key is.
        "require-exp" require_exp: bool, Default "true";
        /// The claim that names the caller's plan. One that names no plan of this file stands for the default.
        "plan-claim" plan_claim: Text<256>, Optional;
    }
    ExactlyOne ["secret-file", "secret-env", "public-key", "jwks"];
    Needs ["jwks-ca", "jwks"];
}

/// An algorithm of RFC 7518 or RFC 8037. `none` is not one of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct JwtAlgorithm {
    pub(crate) name: &'static str,
    /// It takes a shared secret.
    pub(crate) shared: bool,
}

impl JwtAlgorithm {
    const fn shared(name: &'static str) -> Self {
        Self { name, shared: true }
    }

    const fn public(name: &'static str) -> Self {
        Self { name, shared: false }
    }
}

impl Choice for JwtAlgorithm {
    const WORDS: &'static [(&'static str, Self, &'static str)] = &[
        ("HS256", Self::shared("HS256"), "HMAC with SHA-256."),
        ("HS384", Self::shared("HS384"), "HMAC with SHA-384."),
        ("HS512", Self::shared("HS512"), "HMAC with SHA-512."),
        ("RS256", Self::public("RS256"), "RSA PKCS#1 with SHA-256."),
        ("RS384", Self::public("RS384"), "RSA PKCS#1 with SHA-384."),
        ("RS512", Self::public("RS512"), "RSA PKCS#1 with SHA-512."),
        ("PS256", Self::public("PS256"), "RSA PSS with SHA-256."),
        ("PS384", Self::public("PS384"), "RSA PSS with SHA-384."),
        ("PS512", Self::public("PS512"), "RSA PSS with SHA-512."),
        ("ES256", Self::public("ES256"), "ECDSA on P-256 with SHA-256."),
        ("ES384", Self::public("ES384"), "ECDSA on P-384 with SHA-384."),
        ("EdDSA", Self::public("EdDSA"), "Ed25519."),
    ];
}

table! {
    /// What happens to failed credentials. They are counted twice: who guesses at many is locked out as a source,
    /// and what many guess at as a target.
    /// A lock-out of an address, and so a `[[penalty]]` for failed credentials per address, spares callers who had proved
    /// a credential from that address before: a key of a `keys` file, a token, a client certificate. A user of Basic and
    /// a key without a file are the upstream's to check and are not spared. Everybody else is answered alike, whatever
    /// credential is tried. Who is spared and then fails itself as often (401 and 403 of the upstream) is locked out for
    /// itself at that address. A key of somebody who is spared can still be tried from there: keys are to be random.
    /// Remembered are at most 65,536 pairs of caller and address, 8 for each caller, until 24 hours without a call that was
    /// let through. While there is no place a new pair is not remembered; none that is in use is forgotten for it. It is
    /// kept over a reload, and over a restart only with `[store]`. Signatures of tokens from a locked-out address are checked only where the
    /// token claims to be of a caller who is known there, at most ten a second in one caller's name and a hundred in all. A
    /// flood of forgeries in a caller's name from there holds that caller's new tokens while it lasts, and in ten callers'
    /// names everybody's new ones there; new is what a thread of the gateway has not checked yet.
    Credentials {
        /// Failures from one client address before it is locked out.
        "per-source" per_source: Rate, Default "\"20/1m\"";
        /// Failures at one credential (a user, a key's prefix, a token's subject), from whatever address, before it
        /// is locked out.
        "per-target" per_target: Rate, Default "\"100/1m\"";
        /// 401 and 403 of the upstream are failures too, but for calls that only read and show no credential: no `Authorization`,
        /// cookie or query, and no caller but the address.
        "count-upstream" count_upstream: bool, Default "true";
        /// The first lock-out; each further one is twice as long.
        "lockout" lockout: Lasting<YEAR>, Default "\"1m\"";
        /// The longest lock-out.
        "lockout-max" lockout_max: Lasting<YEAR>, Default "\"1h\"";
    }
}

table! {
    /// A plan that callers can have: by the `keys` file, or by `jwt.plan-claim`.
    Plan {
        /// Its name, unique.
        "name" name: Name, Required;
        /// Callers without a plan of their own have this one. At most one plan is the default.
        "default" default: bool, Default "false";
    }
}
