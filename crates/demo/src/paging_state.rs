//! The paging state of Cassandra, as a careless API hands it to its clients.
//!
//! The layout is that of native protocol v4 and later (`PagingState.modernSerialize` of Cassandra 3.0 and newer): the
//! partition key and the row mark, each after its length, then the rows that remain in all and in the partition; all
//! numbers are unsigned vints, whose first byte has as many leading ones as bytes follow. A row mark is the clustering
//! values: a header vint (0: none is null or empty), then each value after its length. Nothing is signed, so whoever
//! can write these bytes reads from any place: that is the weakness on show.

/// Where a read of `events` goes on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PagingState {
    /// The partition key: the user.
    pub partition_key: Vec<u8>,
    /// The one clustering column: the time of the last row, milliseconds since 1970.
    pub clustering_millis: i64,
    /// Rows that remain below the LIMIT of the query.
    pub remaining: u32,
    /// Rows that remain below the PER PARTITION LIMIT.
    pub remaining_in_partition: u32,
}

/// A clustering of 8 bytes: the header vint, the length, the value.
const MARK_BYTES: usize = 10;

impl PagingState {
    /// The bytes in hexadecimal, as they stand in the answer.
    #[must_use]
    pub fn to_hex(&self) -> String {
        let mut bytes = Vec::new();
        put_vint(&mut bytes, self.partition_key.len() as u64);
        bytes.extend_from_slice(&self.partition_key);
        put_vint(&mut bytes, MARK_BYTES as u64);
        put_vint(&mut bytes, 0);
        put_vint(&mut bytes, 8);
        bytes.extend_from_slice(&self.clustering_millis.to_be_bytes());
        put_vint(&mut bytes, self.remaining.into());
        put_vint(&mut bytes, self.remaining_in_partition.into());
        bytes.iter().map(|byte| format!("{byte:02x}")).collect()
    }

    /// Reads what [`PagingState::to_hex`] wrote, or what somebody forged; None where it is neither.
    #[must_use]
    pub fn from_hex(text: &str) -> Option<Self> {
        if !text.len().is_multiple_of(2) || !text.bytes().all(|byte| byte.is_ascii_hexdigit()) {
            return None;
        }
        let bytes: Option<Vec<u8>> = text
            .as_bytes()
            .chunks_exact(2)
            .map(|pair| u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok())
            .collect();
        let bytes = bytes?;
        let mut rest = bytes.as_slice();
        let partition_key = take_prefixed(&mut rest)?.to_vec();
        let mut mark = take_prefixed(&mut rest)?;
        let header = take_vint(&mut mark)?;
        let clustering = take_prefixed(&mut mark)?;
        let clustering_millis = i64::from_be_bytes(clustering.try_into().ok()?);
        let remaining = take_vint(&mut rest)?.try_into().ok()?;
        let remaining_in_partition = take_vint(&mut rest)?.try_into().ok()?;
        let state = Self { partition_key, clustering_millis, remaining, remaining_in_partition };
        (header == 0 && mark.is_empty() && rest.is_empty()).then_some(state)
    }
}

fn put_vint(bytes: &mut Vec<u8>, value: u64) {
    let bits = 64 - value.leading_zeros();
    // Each byte that follows takes one bit of the first for itself: n following bytes carry 7 + 7n bits.
    let following = (bits.saturating_sub(1) / 7).min(8);
    let whole = value.to_be_bytes();
    if following == 8 {
        bytes.push(0xff);
        bytes.extend_from_slice(&whole);
        return;
    }
    let start = 7 - following as usize;
    let ones = !(0xff_u8 >> following);
    bytes.push(ones | whole[start]);
    bytes.extend_from_slice(&whole[start + 1..]);
}

fn take_vint(rest: &mut &[u8]) -> Option<u64> {
    let (&first, after) = rest.split_first()?;
    let following = first.leading_ones() as usize;
    let (tail, after) = after.split_at_checked(following)?;
    *rest = after;
    let head = u64::from(first) & (0xff_u64 >> following);
    Some(tail.iter().fold(head, |value, &byte| (value << 8) | u64::from(byte)))
}

fn take_prefixed<'a>(rest: &mut &'a [u8]) -> Option<&'a [u8]> {
    let length = usize::try_from(take_vint(rest)?).ok()?;
    let (value, after) = rest.split_at_checked(length)?;
    *rest = after;
    Some(value)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn the_layout_is_the_one_cassandra_writes() {
        let state = PagingState {
            partition_key: b"user-7".to_vec(),
            clustering_millis: 1,
            remaining: i32::MAX as u32 - 2,
            remaining_in_partition: i32::MAX as u32,
        };
        let parts = ["06757365722d37", "0a00080000000000000001", "f07ffffffd", "f07fffffff"];
        assert_eq!(state.to_hex(), parts.concat());
    }

    proptest! {
        #[test]
        fn a_state_survives_writing_and_reading(
            partition_key in prop::collection::vec(any::<u8>(), 0..300),
            clustering_millis: i64,
            remaining: u32,
            remaining_in_partition: u32,
        ) {
            let state = PagingState { partition_key, clustering_millis, remaining, remaining_in_partition };
            prop_assert_eq!(PagingState::from_hex(&state.to_hex()), Some(state));
        }

        #[test]
        fn a_number_of_any_size_survives(value: u64, small in 0_u64..70_000) {
            for number in [value, small, value >> 8, value >> 33] {
                let mut bytes = Vec::new();
                put_vint(&mut bytes, number);
                prop_assert_eq!(take_vint(&mut bytes.as_slice()), Some(number));
            }
        }

        #[test]
        fn what_is_forged_badly_is_refused_and_never_a_panic(text in "\\PC{0,40}", hex in "([0-9a-f]{2}){0,40}") {
            let _ = PagingState::from_hex(&text);
            let _ = PagingState::from_hex(&hex);
        }
    }
}
