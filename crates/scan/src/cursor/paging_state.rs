//! Recognises Cassandra's paging state by its structure.
//!
//! It is neither signed nor encrypted; drivers hand it out as bytes, and applications pass it on as hex or Base64.
//! Three layouts, after `org.apache.cassandra.service.pager.PagingState` and the Java driver's
//! `DefaultPagingState`:
//!
//! - protocol 4 and 5: partition key and row mark, each behind an unsigned vint length; then the remaining rows and
//!   the remaining rows in the partition as unsigned vints. The row mark is the clustering: a header of two bits a
//!   column, then each value behind a vint length.
//! - protocol 3 and older: the same behind 16-bit lengths, the counts as 32-bit integers, the last one missing
//!   before 3.0.
//! - the Java driver's wrapper: two 16-bit lengths, the state, an MD5 of it (which anybody can compute), and the
//!   protocol version in 16 bits.
//!
//! Every length must come out exactly at the end, and the counts must be what Cassandra writes, so that a random
//! token passes in about one of 10 000 cases.

/// Counts at least this large stand for "no limit": `Integer.MAX_VALUE` less what was read already.
const UNLIMITED: u64 = 0x4000_0000;

/// A larger `LIMIT` than this is not written by anybody, short of none at all.
const LARGEST_LIMIT: u64 = 10_000_000;

/// The longest partition key (65 535 bytes by the storage format, but nobody's cursor is so long).
const LONGEST_KEY: usize = 4_096;

/// Whether the bytes are a paging state.
pub(super) fn is_paging_state(bytes: &[u8]) -> bool {
    modern(bytes).is_some() || legacy(bytes).is_some() || wrapped(bytes).is_some()
}

fn modern(bytes: &[u8]) -> Option<()> {
    let (key, rest) = vint_bytes(bytes)?;
    let (mark, rest) = vint_bytes(rest)?;
    let (remaining, rest) = vint(rest)?;
    let (in_partition, rest) = vint(rest)?;
    (rest.is_empty() && is_clustering(mark) && are_counts(remaining, in_partition, key)).then_some(())
}

/// What Cassandra can have written: at least one of the counts is without a limit, or they are the same small one;
/// and there is always a key to go on from.
fn are_counts(remaining: u64, in_partition: u64, key: &[u8]) -> bool {
    let unlimited = |count: u64| (UNLIMITED..=0x7fff_ffff).contains(&count);
    let limited = |count: u64| (1..=LARGEST_LIMIT).contains(&count);
    let rows = unlimited(remaining) || limited(remaining);
    let rows_in_partition = unlimited(in_partition)
        || (unlimited(remaining) && (limited(in_partition) || in_partition == 0))
        || in_partition == remaining;
    !key.is_empty() && key.len() <= LONGEST_KEY && rows && rows_in_partition
}

/// The clustering of the last row: no columns, or a header without null and empty values and as many values as
/// fill it.
fn is_clustering(mark: &[u8]) -> bool {
    if mark.is_empty() {
        return true;
    }
    let Some((0, mut rest)) = vint(mark) else { return false };
    for _ in 0..32 {
        if rest.is_empty() {
            return true;
        }
        match vint_bytes(rest) {
            Some((_, after)) => rest = after,
            None => return false,
        }
    }
    false
}

fn legacy(bytes: &[u8]) -> Option<()> {
    let (key, rest) = short_bytes(bytes)?;
    let (_, rest) = short_bytes(rest)?;
    let (remaining, rest) = rest.split_first_chunk::<4>()?;
    let remaining = u64::from(u32::from_be_bytes(*remaining));
    let in_partition = match rest {
        [] => 0x7fff_ffff,
        [a, b, c, d] => u64::from(u32::from_be_bytes([*a, *b, *c, *d])),
        _ => return None,
    };
    are_counts(remaining, in_partition, key).then_some(())
}

fn wrapped(bytes: &[u8]) -> Option<()> {
    const MD5: u16 = 16;
    let (lengths, rest) = bytes.split_first_chunk::<4>()?;
    let state = usize::from(u16::from_be_bytes([lengths[0], lengths[1]]));
    if u16::from_be_bytes([lengths[2], lengths[3]]) != MD5 {
        return None;
    }
    let (state, rest) = rest.split_at_checked(state)?;
    let tail = rest.len().checked_sub(usize::from(MD5))?;
    ((tail == 0 || tail == 2) && (modern(state).is_some() || legacy(state).is_some())).then_some(())
}

fn short_bytes(bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    let (length, rest) = bytes.split_first_chunk::<2>()?;
    rest.split_at_checked(usize::from(u16::from_be_bytes(*length)))
}

fn vint_bytes(bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    let (length, rest) = vint(bytes)?;
    rest.split_at_checked(usize::try_from(length).ok()?)
}

/// Cassandra's unsigned vint: as many leading ones in the first byte as bytes follow, then the number, big end
/// first. A longer form than needed is never written and is refused.
fn vint(bytes: &[u8]) -> Option<(u64, &[u8])> {
    let (first, rest) = bytes.split_first()?;
    let extra = usize::try_from(first.leading_ones()).ok()?;
    let (tail, rest) = rest.split_at_checked(extra)?;
    let own_bits = u64::from(*first) & (0xff_u64 >> (extra + 1).min(8));
    let value = tail
        .iter()
        .fold(if extra >= 8 { 0 } else { own_bits }, |value, byte| (value << 8) | u64::from(*byte));
    let shortest = extra == 0 || value >> (7 * extra) != 0;
    shortest.then_some((value, rest))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_vint_counts_its_bytes_in_the_leading_ones() {
        assert_eq!(vint(&[0x00]), Some((0, &[][..])));
        assert_eq!(vint(&[0x7f, 9]), Some((127, &[9][..])));
        assert_eq!(vint(&[0x80, 0x80]), Some((128, &[][..])));
        assert_eq!(vint(&[0xf0, 0x7f, 0xff, 0xff, 0xff]), Some((0x7fff_ffff, &[][..])));
        assert_eq!(vint(&[0xff; 9]), Some((u64::MAX, &[][..])));
        assert_eq!(vint(&[0x80, 0x01]), None, "longer than needed");
        assert_eq!(vint(&[0xf0, 1, 2]), None, "cut off");
        assert_eq!(vint(&[]), None);
    }

    #[test]
    fn a_state_with_something_after_it_or_missing_is_none() {
        let state = [0x01, b'k', 0x00, 0xf0, 0x7f, 0xff, 0xff, 0xf0, 0xf0, 0x7f, 0xff, 0xff, 0xff];
        assert!(is_paging_state(&state));
        assert!(!is_paging_state(&state[..state.len() - 1]));
        assert!(!is_paging_state(&[&state[..], &[0]].concat()));
        assert!(!is_paging_state(&[]));
        assert!(!is_paging_state(&[0, 0, 0, 0]), "nothing remains, so there is no next page");
    }
}
