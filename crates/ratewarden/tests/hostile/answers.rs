//! The bytes of answers: good ones, and those that are wrong in one particular way.

/// A good answer.
pub(crate) fn json(body: &str) -> Vec<u8> {
    with_fields(200, &[], body.as_bytes())
}

/// The list that the polite server serves.
pub(crate) const LIST: &str = r#"{"items":[{"id":1,"name":"one"},{"id":2,"name":"two"}],"next":null}"#;

/// An answer with fields beside the usual ones. Fields are bytes: what a server sends need not be text.
pub(crate) fn with_fields(status: u16, fields: &[(&str, &[u8])], body: &[u8]) -> Vec<u8> {
    let reason = if status == 200 { "OK" } else { "Other" };
    let mut bytes = format!("HTTP/1.1 {status} {reason}\r\n").into_bytes();
    if !fields.iter().any(|(name, _)| *name == "content-type") {
        bytes.extend_from_slice(b"content-type: application/json\r\n");
    }
    for (name, value) in fields {
        bytes.extend_from_slice(name.as_bytes());
        bytes.extend_from_slice(b": ");
        bytes.extend_from_slice(value);
        bytes.extend_from_slice(b"\r\n");
    }
    bytes.extend_from_slice(format!("content-length: {}\r\n\r\n", body.len()).as_bytes());
    bytes.extend_from_slice(body);
    bytes
}

/// A redirect.
pub(crate) fn redirect(to: &str) -> Vec<u8> {
    with_fields(302, &[("location", to.as_bytes())], b"")
}

/// What a terminal would obey: colours, the title, the clipboard, a hyperlink, and the eight-bit form of CSI, which is
/// one character (U+009B) in UTF-8 and one invalid byte outside it.
pub(crate) const ESCAPES: &str = "\u{1b}[31mevil\u{1b}]0;pwned\u{7}\u{1b}]52;c;ZXZpbA==\u{7}\u{1b}]8;;http://evil/\u{1b}\\x\u{9b}2J\u{8}\u{7f}";

/// A JSON document with escapes in its names and values, where JSON writes them as `\u001b`.
pub(crate) fn escaped_json() -> String {
    let text = serde_json::Value::String(ESCAPES.to_owned()).to_string();
    // Names that paging probes look at, so that they have a reason to be shown.
    format!(
        r#"{{{text}:1,"title":{text},"detail":{text},"items":[{text}],"next_cursor":{text},"ray_version":{text}}}"#
    )
}

/// 100 MB of zeros, as gzip: one literal and 400 000 times "258 bytes from one byte back", in fixed Huffman codes
/// (RFC 1951). The checksum is wrong, which only a reader finds out that has unpacked it all.
pub(crate) fn gzip_bomb() -> Vec<u8> {
    let mut bytes = vec![0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 255];
    let mut bits = Bits { bytes: &mut bytes, filled: 0, byte: 0 };
    bits.push(0b1, 1);
    bits.push(0b10, 2);
    bits.push(0b0011_0000, 8);
    for _ in 0..400_000 {
        bits.push(0b1100_0101, 8);
        bits.push(0, 5);
    }
    bits.push(0, 7);
    bits.push(0, 7);
    bytes.extend_from_slice(&[0; 8]);
    bytes
}

struct Bits<'a> {
    bytes: &'a mut Vec<u8>,
    filled: u8,
    byte: u8,
}

impl Bits<'_> {
    /// Appends the lowest `count` bits of `code`, its highest bit first, as Huffman codes are packed.
    fn push(&mut self, code: u16, count: u8) {
        for bit in (0..count).rev() {
            self.byte |= u8::from(code >> bit & 1 == 1) << self.filled;
            self.filled += 1;
            if self.filled == 8 {
                self.bytes.push(self.byte);
                (self.filled, self.byte) = (0, 0);
            }
        }
    }
}
