//! Paging cursors in answers, and whether a caller can read or forge them.
//!
//! A cursor that decodes to a position lets anybody start anywhere: skip past deleted rows, jump to the deepest
//! and dearest page, walk other people's keys. Only what decodes without doubt is claimed: an encrypted or signed
//! token looks random, and random bytes must not be taken for a weakness.

mod encoded;
mod find;
mod paging_state;
#[cfg(test)]
mod tests;

use serde::de::IgnoredAny;
use serde_json::Value;

pub use find::find_in;

/// Why a cursor is weak.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Weakness {
    /// It is a number: an offset, a page or a sequential id.
    Offset(u64),
    /// It is an id of the last row: a UUID or an object id.
    Id(String),
    /// It is readable JSON without a signature.
    Json {
        /// The keys of the object, at most 16; none for a list.
        keys: Vec<String>,
    },
    /// It is a paging state of Cassandra, unsigned: partition key, row mark and remaining counts.
    CassandraPagingState,
    /// It is readable text in Base64 or hex, cut to 80 characters.
    Base64Plain(String),
}

/// Longer cursors are not looked into.
pub const MAX_CURSOR_BYTES: usize = 8 * 1024;

/// Encodings inside encodings are opened so often.
const MAX_LAYERS: usize = 2;

/// The shortest text that is claimed to be readable: the chance that so many random bytes are printable is 1 : 400,
/// and a token of so few bytes is no token.
const SHORTEST_TEXT: usize = 6;

/// What a caller can read in a cursor; None where it looks opaque.
#[must_use]
pub fn weakness(cursor: &str) -> Option<Weakness> {
    let cursor = cursor.trim();
    if cursor.is_empty() || cursor.len() > MAX_CURSOR_BYTES {
        return None;
    }
    of_text(cursor, MAX_LAYERS)
}

/// What a text is: a number, an id, JSON, or an encoding of something.
fn of_text(text: &str, layers: usize) -> Option<Weakness> {
    if let Some(known) = plain(text) {
        return Some(known);
    }
    if layers == 0 {
        return None;
    }
    encoded::decodings(text).into_iter().find_map(|bytes| of_bytes(&bytes, layers - 1))
}

/// What needs no decoding.
fn plain(text: &str) -> Option<Weakness> {
    if let Some(number) = digits(text) {
        return Some(Weakness::Offset(number));
    }
    if is_row_id(text) {
        return Some(Weakness::Id(text.to_ascii_lowercase()));
    }
    if let Ok(json @ (Value::Object(_) | Value::Array(_))) = serde_json::from_str(text) {
        return of_json(&json);
    }
    // `offset:20`, `page=3`, Relay's `arrayconnection:20`.
    let (name, number) = text.split_once([':', '='])?;
    let is_position = ["offset", "page", "skip", "start", "cursor", "arrayconnection", "index", "position"]
        .iter()
        .any(|known| name.trim().eq_ignore_ascii_case(known));
    digits(number.trim()).filter(|_| is_position).map(Weakness::Offset)
}

fn digits(text: &str) -> Option<u64> {
    text.bytes().all(|byte| byte.is_ascii_digit()).then(|| text.parse().ok())?
}

/// A UUID as text, or a MongoDB object id whose time is plausible.
fn is_row_id(text: &str) -> bool {
    let is_hex = |part: &str| part.bytes().all(|byte| byte.is_ascii_hexdigit());
    let groups: Vec<&str> = text.split('-').take(6).collect();
    let lengths: Vec<usize> = groups.iter().map(|group| group.len()).collect();
    if lengths == [8, 4, 4, 4, 12] {
        return groups.iter().all(|group| is_hex(group));
    }
    let seconds = (text.len() == 24 && is_hex(text)).then(|| u32::from_str_radix(&text[..8], 16).ok());
    // From MongoDB's first year to 2035.
    seconds.flatten().is_some_and(|seconds| (1_230_000_000..2_050_000_000).contains(&seconds))
}

/// Members that hold a proof or a ciphertext: such a cursor can perhaps be read, but not forged.
const PROOFS: [&str; 9] = ["sig", "signature", "hmac", "mac", "hash", "checksum", "iv", "tag", "ciphertext"];

fn of_json(json: &Value) -> Option<Weakness> {
    let keys: Vec<String> = match json {
        Value::Object(members) => members.keys().take(16).map(|key| key.chars().take(64).collect()).collect(),
        _ => Vec::new(),
    };
    let is_proof = |key: &String| PROOFS.iter().any(|proof| key.eq_ignore_ascii_case(proof));
    (!keys.iter().any(is_proof)).then_some(Weakness::Json { keys })
}

/// What decoded bytes are.
fn of_bytes(bytes: &[u8], layers: usize) -> Option<Weakness> {
    if paging_state::is_paging_state(bytes) {
        return Some(Weakness::CassandraPagingState);
    }
    if let Some(text) = readable(bytes) {
        if let Some(inner) = of_text(text, layers) {
            return Some(inner);
        }
        // JSON that is not weak is signed, and one more encoding of something opaque is opaque.
        let signed = text.starts_with('{') && serde_json::from_str::<IgnoredAny>(text).is_ok();
        let opaque = text.len() >= 16 && !encoded::decodings(text).is_empty();
        let long_enough = text.len() >= SHORTEST_TEXT && !opaque && !signed;
        return long_enough.then(|| Weakness::Base64Plain(text.chars().take(80).collect()));
    }
    binary_id(bytes).or_else(|| binary_number(bytes))
}

/// Text for people: no control characters, and most of it ASCII.
fn readable(bytes: &[u8]) -> Option<&str> {
    let text = std::str::from_utf8(bytes).ok()?.trim_matches(['\n', '\r', ' ']);
    let ascii = text.chars().filter(char::is_ascii).count();
    let is_plain = !text.is_empty() && !text.chars().any(char::is_control) && ascii * 4 >= text.len() * 3;
    is_plain.then_some(text)
}

/// A UUID of version 1 or 7 in 16 bytes whose time lies between 2005 and 2040. Version 4 cannot be told from
/// 16 random bytes with certainty, so it is not claimed.
fn binary_id(bytes: &[u8]) -> Option<Weakness> {
    const SECONDS: std::ops::Range<u64> = 1_104_537_600..2_208_988_800;
    /// Seconds from the Gregorian reform to 1970 (RFC 9562 section 5.1).
    const GREGORIAN: u64 = 12_219_292_800;
    let bytes: [u8; 16] = bytes.try_into().ok()?;
    let number = u128::from_be_bytes(bytes);
    let part =
        |shift: u32, bits: u32| u64::try_from((number >> shift) & ((1 << bits) - 1)).unwrap_or_default();
    let seconds = match part(76, 4) {
        1 => {
            let ticks = (part(64, 12) << 48) | (part(80, 16) << 32) | part(96, 32);
            (ticks / 10_000_000).checked_sub(GREGORIAN)?
        }
        7 => part(80, 48) / 1_000,
        _ => return None,
    };
    let hex = format!("{number:032x}");
    let text = [&hex[..8], &hex[8..12], &hex[12..16], &hex[16..20], &hex[20..]].join("-");
    (part(62, 2) == 0b10 && SECONDS.contains(&seconds)).then_some(Weakness::Id(text))
}

/// A number in 4 or 8 bytes, either end first, small enough not to be random.
fn binary_number(bytes: &[u8]) -> Option<Weakness> {
    let (big, little, largest) = match *bytes {
        [a, b, c, d] => {
            let bytes = [a, b, c, d];
            (u64::from(u32::from_be_bytes(bytes)), u64::from(u32::from_le_bytes(bytes)), 1 << 22)
        }
        _ => {
            let bytes: [u8; 8] = bytes.try_into().ok()?;
            (u64::from_be_bytes(bytes), u64::from_le_bytes(bytes), 1 << 40)
        }
    };
    Some(big.min(little)).filter(|number| *number < largest).map(Weakness::Offset)
}
