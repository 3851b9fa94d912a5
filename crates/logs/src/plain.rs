//! How long the plain part of a quoted text is: up to a quote, a backslash or, where that is wanted, a control character.
//!
//! Most quoted texts of a log are short, so a call of memchr for each does not pay. Sixteen bytes are compared together, with
//! instructions that every x86-64 processor has; a form that compilers turn into vector instructions, which is what
//! other processors get, took a seventh longer for a line of JSON.

const BLOCK: usize = 16;

/// How many bytes at the beginning are neither quote nor backslash, nor control characters if those end it (in JSON).
#[inline]
pub(crate) fn length<const CONTROL: bool>(text: &[u8]) -> usize {
    let mut done = 0;
    let (blocks, rest) = text.as_chunks::<BLOCK>();
    for block in blocks {
        let plain = plain::<CONTROL>(block);
        if plain < BLOCK {
            return done + plain;
        }
        done += BLOCK;
    }
    done + rest.iter().take_while(|&&byte| !ends_plain::<CONTROL>(byte)).count()
}

/// How many bytes of a block are plain.
#[cfg(target_arch = "x86_64")]
#[inline(always)]
#[expect(unsafe_code, reason = "calls what wants SSE2, which every x86-64 processor has")]
fn plain<const CONTROL: bool>(block: &[u8; BLOCK]) -> usize {
    // SAFETY: SSE2 is part of the architecture, and the function does not read memory but by its argument.
    unsafe { plain_by_sse2::<CONTROL>(block) }
}

#[cfg(target_arch = "x86_64")]
#[inline]
#[target_feature(enable = "sse2")]
fn plain_by_sse2<const CONTROL: bool>(block: &[u8; BLOCK]) -> usize {
    use core::arch::x86_64::{
        _mm_cmpeq_epi8, _mm_min_epu8, _mm_movemask_epi8, _mm_or_si128, _mm_set_epi64x, _mm_set1_epi8,
    };
    let both = i128::from_le_bytes(*block);
    #[expect(clippy::cast_possible_truncation, reason = "the halves of 128 bits")]
    let bytes = _mm_set_epi64x((both >> 64) as i64, both as i64);
    let quote = _mm_cmpeq_epi8(bytes, _mm_set1_epi8(b'"'.cast_signed()));
    let backslash = _mm_cmpeq_epi8(bytes, _mm_set1_epi8(b'\\'.cast_signed()));
    let mut ends = _mm_or_si128(quote, backslash);
    if CONTROL {
        let control = _mm_cmpeq_epi8(_mm_min_epu8(bytes, _mm_set1_epi8(0x1f)), bytes);
        ends = _mm_or_si128(ends, control);
    }
    let ends = _mm_movemask_epi8(ends);
    // A bit above those of the block: no end is one behind it.
    (ends | 1 << BLOCK).trailing_zeros() as usize
}

#[cfg(not(target_arch = "x86_64"))]
#[inline(always)]
fn plain<const CONTROL: bool>(block: &[u8; BLOCK]) -> usize {
    // A byte of ones for each that ends the plain part; none at all is 16 bytes of zeros.
    let mut ends = [0_u8; BLOCK];
    for (end, byte) in ends.iter_mut().zip(block) {
        *end = if ends_plain::<CONTROL>(*byte) { 0xff } else { 0 };
    }
    (u128::from_le_bytes(ends).trailing_zeros() / 8) as usize
}

#[inline]
const fn ends_plain<const CONTROL: bool>(byte: u8) -> bool {
    // Not `||`: without branches all bytes are compared at once.
    (byte == b'"') | (byte == b'\\') | (CONTROL & (byte < 0x20))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn by_bytes<const CONTROL: bool>(text: &[u8]) -> usize {
        text.iter().position(|&byte| ends_plain::<CONTROL>(byte)).unwrap_or(text.len())
    }

    #[test]
    fn every_byte_at_every_place_ends_the_plain_part_or_does_not() {
        for size in [1, 15, 16, 17, 40] {
            for (place, byte) in (0..size).flat_map(|place| (0..=255).map(move |byte| (place, byte))) {
                let mut text = vec![b'a'; size];
                text[place] = byte;
                assert_eq!(length::<true>(&text), by_bytes::<true>(&text), "{byte} at {place} of {size}");
                assert_eq!(length::<false>(&text), by_bytes::<false>(&text), "{byte} at {place} of {size}");
            }
        }
    }
}
