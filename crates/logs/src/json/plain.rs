//! How long the plain part of a string is: up to a quote, a backslash or a control character.
//!
//! Most strings of a log are short, so a call of memchr for each does not pay. Sixteen bytes are compared together, in a form
//! that compilers turn into vector instructions. Rejected: the processor's own intrinsics, which want `unsafe`.

const BLOCK: usize = 16;

/// How many bytes at the beginning are neither quote nor backslash nor control characters.
#[inline]
pub(super) fn length(text: &[u8]) -> usize {
    let mut done = 0;
    let (blocks, rest) = text.as_chunks::<BLOCK>();
    for block in blocks {
        // A byte of ones for each that ends the plain part; none at all is 16 bytes of zeros.
        let mut ends = [0_u8; BLOCK];
        for (end, byte) in ends.iter_mut().zip(block) {
            *end = if ends_plain(*byte) { 0xff } else { 0 };
        }
        let ends = u128::from_le_bytes(ends);
        if ends != 0 {
            return done + (ends.trailing_zeros() / 8) as usize;
        }
        done += BLOCK;
    }
    done + rest.iter().take_while(|&&byte| !ends_plain(byte)).count()
}

#[inline]
const fn ends_plain(byte: u8) -> bool {
    // Not `||`: without branches all bytes are compared at once.
    (byte == b'"') | (byte == b'\\') | (byte < 0x20)
}
