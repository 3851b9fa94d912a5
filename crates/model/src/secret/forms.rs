//! The ways one secret is written: what a server echoes is seldom what was sent, byte for byte.
//!
//! Whole values and their parts are looked for as they stand, percent-encoded, escaped for JSON and in Base64. Left out
//! are hashes, other character sets, and Base64 of a longer text that a secret lies inside: three alignments of every
//! secret would be fragments short enough to blank innocent text.

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, STANDARD_NO_PAD, URL_SAFE, URL_SAFE_NO_PAD};

/// Bytes that encoders leave as they are beside letters and digits: RFC 3986's unreserved ones, JavaScript's
/// `encodeURIComponent`, Python's `quote` (a path), and forms (where a space becomes a plus).
const UNESCAPED: [&[u8]; 4] = [b"-._~", b"-._~!'()*", b"-._~/", b"-._* "];
/// Words before a credential that are none themselves.
const SCHEMES: [&str; 6] = ["basic", "bearer", "digest", "negotiate", "token", "apikey"];

/// A secret, its parts, and every form of each.
pub(super) fn all(secret: &str) -> Vec<String> {
    let mut values = values(secret.trim());
    if let Some(plain) = percent_decoded(secret.trim()) {
        values.extend(self::values(&plain));
    }
    let mut forms = Vec::new();
    for value in values {
        if value.chars().count() < super::SHORTEST_SEARCHED {
            continue;
        }
        for safe in UNESCAPED {
            forms.push(percent_encoded(&value, safe, true));
            forms.push(percent_encoded(&value, safe, false));
        }
        forms.extend(json_escaped(&value));
        forms.extend([STANDARD.encode(&value), STANDARD_NO_PAD.encode(&value)]);
        forms.extend([URL_SAFE.encode(&value), URL_SAFE_NO_PAD.encode(&value)]);
        forms.push(value);
    }
    forms.sort_unstable();
    forms.dedup();
    forms
}

/// The whole, its parts where it is `Scheme value` or a list of cookies, and what a `Basic` credential holds.
fn values(secret: &str) -> Vec<String> {
    let is_scheme = |part: &&str| SCHEMES.iter().any(|scheme| part.eq_ignore_ascii_case(scheme));
    let parts = secret.split([' ', ';', ',', '=']).map(str::trim).filter(|part| !is_scheme(part));
    let mut values: Vec<String> = std::iter::once(secret).chain(parts).map(str::to_owned).collect();
    if let Some((scheme, encoded)) = secret.split_once(' ')
        && scheme.eq_ignore_ascii_case("basic")
    {
        // A part of a split on `=` has lost its padding, so it is taken from the whole.
        values.push(encoded.trim().to_owned());
        if let Some(pair) = base64_decoded(encoded.trim()) {
            values.extend(pair.split_once(':').map(|(_, password)| password.to_owned()));
            values.push(pair);
        }
    }
    values
}

/// The text that percent-encoding stands for; None where it has no escape or is not UTF-8.
pub(super) fn percent_decoded(text: &str) -> Option<String> {
    let bytes = text.as_bytes();
    let mut plain = Vec::with_capacity(bytes.len());
    let mut at = 0;
    while let Some(&byte) = bytes.get(at) {
        let escaped = (byte == b'%').then(|| text.get(at + 1..at + 3)).flatten();
        let escaped = escaped.filter(|digits| digits.bytes().all(|digit| digit.is_ascii_hexdigit()));
        let value = escaped.and_then(|digits| u8::from_str_radix(digits, 16).ok());
        plain.push(value.unwrap_or(byte));
        at += if value.is_some() { 3 } else { 1 };
    }
    String::from_utf8(plain).ok().filter(|plain| plain != text)
}

fn percent_encoded(text: &str, safe: &[u8], upper: bool) -> String {
    let mut encoded = String::with_capacity(text.len());
    for byte in text.bytes() {
        match byte {
            b' ' if safe.contains(&b' ') => encoded.push('+'),
            _ if byte.is_ascii_alphanumeric() || safe.contains(&byte) => encoded.push(char::from(byte)),
            _ if upper => encoded.push_str(&format!("%{byte:02X}")),
            _ => encoded.push_str(&format!("%{byte:02x}")),
        }
    }
    encoded
}

/// As a JSON string holds it: as `serde_json` writes it, with `\/` (PHP), and in ASCII (Python).
fn json_escaped(text: &str) -> Vec<String> {
    let quoted = serde_json::Value::String(text.to_owned()).to_string();
    let inner = quoted.get(1..quoted.len().saturating_sub(1)).unwrap_or_default().to_owned();
    let mut ascii = String::with_capacity(inner.len());
    for c in inner.chars() {
        if c.is_ascii() {
            ascii.push(c);
        } else {
            c.encode_utf16(&mut [0; 2]).iter().for_each(|unit| ascii.push_str(&format!("\\u{unit:04x}")));
        }
    }
    let slashes = [inner.replace('/', "\\/"), ascii.replace('/', "\\/")];
    [inner, ascii].into_iter().chain(slashes).collect()
}

fn base64_decoded(text: &str) -> Option<String> {
    let bare = text.trim_end_matches('=');
    let bytes = STANDARD_NO_PAD.decode(bare).or_else(|_| URL_SAFE_NO_PAD.decode(bare)).ok()?;
    String::from_utf8(bytes).ok()
}
