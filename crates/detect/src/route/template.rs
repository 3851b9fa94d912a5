//! From a path to its template.

/// Bytes of a template; what is longer is cut at a segment.
const MAX_BYTES: usize = 200;
/// Segments of a template.
const MAX_SEGMENTS: usize = 12;
/// Random words of so many characters and more are ids.
const LONG: usize = 16;

/// What was found on the way.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Shape {
    pub(super) number: Option<u64>,
    /// Begin and length of the last id in the path.
    pub(super) id: (u16, u16),
}

/// Writes the template of `path` to `out`. What begins with no slash (a table of an audit record) is its own template.
pub(super) fn write(path: &[u8], out: &mut Vec<u8>) -> Shape {
    let mut shape = Shape::default();
    if path.first() != Some(&b'/') {
        out.extend_from_slice(path.get(..MAX_BYTES).unwrap_or(path));
        return shape;
    }
    let mut begin = 1;
    for (index, segment) in path.get(1..).unwrap_or_default().split(|&byte| byte == b'/').enumerate() {
        if index >= MAX_SEGMENTS || out.len() + segment.len() > MAX_BYTES {
            out.extend_from_slice(b"/{*rest}");
            break;
        }
        out.push(b'/');
        if is_id(segment) {
            out.extend_from_slice(b"{id}");
            shape.number = number(segment).or(shape.number);
            shape.id = (narrow(begin), narrow(segment.len()));
        } else {
            out.extend_from_slice(segment);
        }
        begin += segment.len() + 1;
    }
    shape
}

/// The template of a static file: only its ending.
pub(super) fn write_static(path: &[u8], out: &mut Vec<u8>) {
    let ending = path.rsplit(|&byte| byte == b'.').next().unwrap_or_default();
    out.clear();
    out.extend_from_slice(b"/*.");
    out.extend(ending.iter().map(u8::to_ascii_lowercase));
}

fn narrow(length: usize) -> u16 {
    u16::try_from(length).unwrap_or(0)
}

/// The number that a segment is.
fn number(segment: &[u8]) -> Option<u64> {
    if segment.is_empty() || segment.len() > 19 {
        return None;
    }
    segment
        .iter()
        .try_fold(0_u64, |sum, byte| byte.is_ascii_digit().then(|| sum * 10 + u64::from(byte - b'0')))
}

/// Whether a segment looks like an id: a number, a UUID, a hash, or a long word of letters and digits.
#[expect(clippy::match_overlapping_arm, reason = "measured: ranges that do not overlap take more steps")]
fn is_id(segment: &[u8]) -> bool {
    let (mut digits, mut hex, mut letters, mut upper, mut dashes, mut others) = (0, 0, 0, 0, 0, 0);
    for &byte in segment {
        match byte {
            b'0'..=b'9' => digits += 1,
            b'a'..=b'f' => hex += 1,
            b'A'..=b'F' => {
                hex += 1;
                upper += 1;
            }
            b'A'..=b'Z' => {
                letters += 1;
                upper += 1;
            }
            b'a'..=b'z' => letters += 1,
            b'-' | b'_' => dashes += 1,
            _ => others += 1,
        }
    }
    let length = segment.len();
    if digits == 0 || others > 0 {
        return false;
    }
    if letters + hex + dashes == 0 {
        return true;
    }
    let is_hex = letters == 0 && digits + hex >= 8 && digits * 6 >= digits + hex;
    let is_random = length >= LONG && dashes <= 2 && digits >= 2 && (digits + upper) * 5 >= length;
    let is_numbered = letters + hex <= 4 && digits >= 3 && dashes <= 1;
    (is_hex && (dashes == 0 || (dashes == 4 && length == 36))) || is_random || is_numbered
}
