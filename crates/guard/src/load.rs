//! From a policy file to a policy in force.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use ratewarden_callers::Identifier;
use ratewarden_counters::Hasher;
use ratewarden_judge::penalties::PenaltyRules;
use ratewarden_judge::{ConditionError, Rules};
use ratewarden_policy::{CallerFrom, Gateway, Key, Mistakes, Policy, Profile, SecretSource};

use crate::issuers::Issuers;
use crate::state::Loaded;
use crate::tls::{self, TlsError};
use crate::upstream::{Connector, Servers};

/// Why a policy cannot be put in force.
#[derive(Debug, thiserror::Error)]
pub enum LoadError {
    /// The file cannot be read.
    #[error("cannot read the policy {}", path.display())]
    Read {
        /// Which.
        path: PathBuf,
        /// Why not.
        #[source]
        source: std::io::Error,
    },
    /// The file has mistakes; all of them, each with its place.
    #[error("{0}")]
    Mistakes(Mistakes),
    /// Something that policies can say and this version does not do; a setting that silently does nothing would be
    /// worse.
    #[error("`{0}` is not done by this version yet")]
    NotDone(&'static str),
    /// The admin token.
    #[error("cannot read the admin token from {from}")]
    Token {
        /// The file or variable.
        from: String,
        /// Why not.
        #[source]
        source: std::io::Error,
    },
    /// A condition.
    #[error(transparent)]
    Condition(#[from] ConditionError),
    /// A file of keys, or a token's key.
    #[error(transparent)]
    Callers(#[from] ratewarden_callers::CallersError),
    /// A certificate or key.
    #[error(transparent)]
    Tls(#[from] TlsError),
    /// What watching calls needs: a file of places, somebody who is told.
    #[error("calls cannot be watched as the policy says")]
    Watch(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// The system gave no thread for detectors.
    #[error("cannot start the thread of the detectors")]
    Thread(#[source] std::io::Error),
}

/// Reads the policy, without what it names.
///
/// # Errors
/// When it cannot be read, has mistakes, is for watching only, or asks for what is not done.
pub(crate) fn read(path: &Path) -> Result<(Gateway, Policy), LoadError> {
    let absolute = std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
    let text = std::fs::read_to_string(&absolute)
        .map_err(|source| LoadError::Read { path: path.to_owned(), source })?;
    let (gateway, read) = ratewarden_policy::read_gateway(&text, &absolute).map_err(LoadError::Mistakes)?;
    for warning in &read.warnings {
        tracing::warn!("{}", warning.show(path));
    }
    not_done(&gateway).map_or(Ok((gateway, read.policy)), |what| Err(LoadError::NotDone(what)))
}

/// Reads what a policy names and makes it ready. What has not changed since `before` (servers with their load and
/// health) is kept.
///
/// # Errors
/// When anything is wrong; nothing is in force then.
pub(crate) fn build(
    (gateway, policy): (Gateway, Policy),
    before: Option<&Loaded>,
    hasher: &Hasher,
    secret: &[u8; 16],
) -> Result<Loaded, LoadError> {
    let servers = match before {
        Some(before) if before.gateway.upstream == gateway.upstream => Arc::clone(&before.servers),
        _ => Arc::new(Servers::new(&gateway.upstream)),
    };
    let identifier = Identifier::build(&policy, secret, before.map(|before| &before.identifier))?;
    let loaded = Loaded {
        rules: Rules::build(&policy, hasher)?,
        penalties: PenaltyRules::build(&policy, hasher),
        issuers: Issuers::build(&identifier, before.map(|before| &before.issuers))?,
        identifier,
        connector: Connector::new(tls::client(&gateway.upstream)?),
        acceptor: policy.tls.as_ref().map(tls::server).transpose()?,
        protected: protected(&policy),
        servers,
        gateway,
        policy,
    };
    // The last thing: what is wrong with a policy is known at once.
    loaded.issuers.fetch_first();
    Ok(loaded)
}

/// The admin token, where the policy names one. White space at its end is no part of it.
///
/// # Errors
/// When it cannot be read, or is empty: anybody could give that one.
pub(crate) fn admin_token(policy: &Policy) -> Result<Option<String>, LoadError> {
    let (from, read) = match &policy.admin_token {
        None => return Ok(None),
        Some(SecretSource::File(path)) => (path.display().to_string(), std::fs::read_to_string(path)),
        Some(SecretSource::Environment(name)) => {
            (name.clone(), std::env::var(name).map_err(std::io::Error::other))
        }
    };
    let token = read.and_then(|token| match token.trim_end() {
        "" => Err(std::io::Error::other("it is empty")),
        token => Ok(token.to_owned()),
    });
    token.map(Some).map_err(|source| LoadError::Token { from, source })
}

fn not_done(gateway: &Gateway) -> Option<&'static str> {
    let table = [("upstream.profile", gateway.upstream.profile != Profile::None)];
    table.into_iter().find(|(_, asked)| *asked).map(|(key, _)| key)
}

/// Names of fields that callers or limits depend on.
fn protected(policy: &Policy) -> Vec<String> {
    let callers = policy.callers.iter().filter_map(|source| match &source.from {
        CallerFrom::Header(name) => Some(name.clone()),
        _ => None,
    });
    let keys = policy.limits.iter().flat_map(|limit| &limit.per).filter_map(|key| match key {
        Key::Header(name) => Some(name.clone()),
        _ => None,
    });
    let limits = policy.limits.iter().map(|limit| &limit.matches);
    let matches = limits.chain(policy.bounds.iter().map(|bound| &bound.matches));
    let matched = matches.flat_map(|matches| matches.headers.keys().cloned());
    let mut names: Vec<String> = callers.chain(keys).chain(matched).collect();
    names.sort_unstable();
    names.dedup();
    names
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_gateway_starts_with_a_policy_for_watching_only() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("ratewarden.toml");
        std::fs::write(&path, "[watch]\nlateness = \"1m\"\n").unwrap();
        let Err(LoadError::Mistakes(mistakes)) = read(&path) else { panic!("nobody listens") };
        let shown = mistakes.to_string();
        for said in
            [":1:1: listen: is missing: where the gateway listens", "hint: add [upstream] with `url = "]
        {
            assert!(shown.contains(said), "{shown}");
        }
    }
}
