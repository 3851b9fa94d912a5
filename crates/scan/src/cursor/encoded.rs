//! The encodings that cursors come in: hex, and Base64 in both alphabets, with and without padding.

use base64::Engine as _;
use base64::alphabet;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};

const LENIENT: GeneralPurposeConfig = GeneralPurposeConfig::new()
    .with_decode_allow_trailing_bits(true)
    .with_decode_padding_mode(DecodePaddingMode::Indifferent);
const STANDARD: GeneralPurpose = GeneralPurpose::new(&alphabet::STANDARD, LENIENT);
const URL_SAFE: GeneralPurpose = GeneralPurpose::new(&alphabet::URL_SAFE, LENIENT);

/// Every way in which the text can be decoded, the stricter first. Empty where it is no such encoding.
pub(super) fn decodings(text: &str) -> Vec<Vec<u8>> {
    let mut found = Vec::new();
    let digits = text.strip_prefix("0x").unwrap_or(text);
    if digits.len() >= 8 {
        found.extend(hex(digits));
    }
    // Fewer characters than three are a word, not an encoding.
    if text.len() >= 3 {
        let url_safe = text.contains(['-', '_']);
        let engine = if url_safe { URL_SAFE } else { STANDARD };
        found.extend(engine.decode(text).ok().filter(|bytes| !bytes.is_empty()));
    }
    found
}

fn hex(digits: &str) -> Option<Vec<u8>> {
    let digits = digits.as_bytes();
    if !digits.len().is_multiple_of(2) {
        return None;
    }
    let nibble = |byte: u8| char::from(byte).to_digit(16).and_then(|digit| u8::try_from(digit).ok());
    digits.chunks(2).map(|pair| Some(nibble(pair[0])? << 4 | nibble(pair[1])?)).collect()
}
