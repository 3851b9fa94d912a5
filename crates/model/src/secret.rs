//! Secrets that cannot be printed, and the redactor that takes them out of everything we print.
//!
//! A credential can reach a report by many ways: the URL, a header echoed in a body, a cursor, an error
//! message. So there are two nets: [`Secret`] never shows itself, and [`Redactor`] cuts every known secret out
//! of a finished document (and of panics), whichever way it came in.

use std::fmt;

/// What stands where a secret was.
pub const REDACTED: &str = "[redacted]";

/// Text that neither `Display` nor `Debug` shows.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(String);

impl Secret {
    /// Wraps a secret.
    #[must_use]
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// The secret itself: only for putting it on the wire.
    #[must_use]
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(REDACTED)
    }
}

impl fmt::Display for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(REDACTED)
    }
}

/// Shorter secrets than this are not searched for in free text: `-H 'x-debug: 1'` must not blank every `1`.
const SHORTEST_SEARCHED: usize = 4;

/// Cuts known secrets out of text.
#[derive(Clone, Default)]
pub struct Redactor {
    secrets: Vec<String>,
}

impl fmt::Debug for Redactor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Redactor({} secrets)", self.secrets.len())
    }
}

impl Redactor {
    /// Adds a secret, and its parts where it is `Scheme value`, a cookie list or a percent-encoded text, for a
    /// server may echo only a part.
    pub fn add(&mut self, secret: &str) {
        let parts = secret.split([' ', ';', ',', '=']).map(str::trim);
        let words = ["basic", "bearer", "digest", "negotiate", "token", "apikey"];
        for part in std::iter::once(secret.trim()).chain(parts) {
            let is_scheme = words.contains(&part.to_ascii_lowercase().as_str());
            if part.len() >= SHORTEST_SEARCHED
                && !is_scheme
                && !self.secrets.iter().any(|known| known == part)
            {
                self.secrets.push(part.to_owned());
            }
        }
        // The longest first, so that a part never leaves the rest of the whole behind.
        self.secrets.sort_by_key(|known| std::cmp::Reverse(known.len()));
    }

    /// The text without the secrets.
    #[must_use]
    pub fn redact(&self, text: &str) -> String {
        let mut clean = text.to_owned();
        for secret in &self.secrets {
            if clean.contains(secret.as_str()) {
                clean = clean.replace(secret.as_str(), REDACTED);
            }
        }
        clean
    }

    /// Redacts every string value of a JSON document, in place. Keys are ours and stay.
    pub fn redact_json(&self, value: &mut serde_json::Value) {
        match value {
            serde_json::Value::String(text) => *text = self.redact(text),
            serde_json::Value::Array(items) => items.iter_mut().for_each(|item| self.redact_json(item)),
            serde_json::Value::Object(fields) => {
                fields.values_mut().for_each(|field| self.redact_json(field));
            }
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_never_shows_itself() {
        let secret = Secret::new("hunter22");
        assert_eq!(format!("{secret} {secret:?}"), "[redacted] [redacted]");
        let mut redactor = Redactor::default();
        redactor.add("hunter22");
        assert!(!format!("{redactor:?}").contains("hunter22"));
    }

    #[test]
    fn a_secret_is_cut_out_whole_and_in_parts() {
        let mut redactor = Redactor::default();
        redactor.add("Bearer abcd1234efgh");
        redactor.add("session=zzzz9999; theme=dark");
        let text = redactor.redact("token abcd1234efgh of Bearer abcd1234efgh, cookie zzzz9999");
        assert_eq!(text, "token [redacted] of [redacted], cookie [redacted]");
        assert_eq!(redactor.redact("Bearer is a scheme"), "Bearer is a scheme");
    }

    #[test]
    fn a_short_value_does_not_blank_the_report() {
        let mut redactor = Redactor::default();
        redactor.add("1");
        assert_eq!(redactor.redact("100 requests in 1 s"), "100 requests in 1 s");
    }
}
