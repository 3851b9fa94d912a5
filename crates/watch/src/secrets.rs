//! Secrets that a policy names: from a file or the environment.

use ratewarden_model::Secret;
use ratewarden_policy::SecretSource;

/// The longest secret, in bytes: a larger file is another one.
const LONGEST: u64 = 4096;

/// A secret that cannot be used.
#[derive(Debug, thiserror::Error)]
#[error("the secret in {from} {why}")]
pub struct SecretError {
    from: String,
    why: String,
}

/// Reads a secret; white space at its end is no part of it.
///
/// # Errors
/// When it cannot be read, is empty, or longer than 4 KiB.
pub fn read_secret(source: &SecretSource) -> Result<Secret, SecretError> {
    let (from, text) = match source {
        SecretSource::File(path) => {
            let read = std::fs::metadata(path).and_then(|about| {
                if about.len() > LONGEST {
                    return Err(std::io::Error::other(format!(
                        "it has {} bytes, at most {LONGEST} are read",
                        about.len()
                    )));
                }
                std::fs::read_to_string(path)
            });
            (path.display().to_string(), read.map_err(|error| error.to_string()))
        }
        SecretSource::Environment(name) => {
            (name.clone(), std::env::var(name).map_err(|error| error.to_string()))
        }
    };
    let wrong = |why: String| SecretError { from: from.clone(), why };
    let text = text.map_err(|error| wrong(format!("cannot be read: {error}")))?;
    match text.trim_end() {
        "" => Err(wrong("is empty".to_owned())),
        text => Ok(Secret::new(text)),
    }
}
