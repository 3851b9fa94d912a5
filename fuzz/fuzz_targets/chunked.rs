//! Chunked bodies, in pieces: the data and the end are the same however they come.

#![no_main]

use libfuzzer_sys::fuzz_target;
use ratewarden_http1::{Decoder, write_chunk_end, write_chunk_size};

/// The data, how many bytes were used up, and whether the body ended; `None` when it is malformed.
fn decode(input: &[u8], piece: usize) -> Option<(Vec<u8>, usize, bool)> {
    let (mut decoder, mut data, mut used) = (Decoder::default(), Vec::new(), 0);
    let mut visible = piece.min(input.len());
    loop {
        let advance = decoder.advance(&input[used..visible]).ok()?;
        assert!(advance.data.end <= advance.consumed && advance.consumed <= visible - used);
        data.extend_from_slice(&input[used..visible][advance.data.clone()]);
        used += advance.consumed;
        if advance.done {
            return Some((data, used, true));
        }
        if advance.consumed == 0 || used == visible {
            if visible == input.len() {
                return Some((data, used, false));
            }
            visible = (visible + piece).min(input.len());
        }
    }
}

fuzz_target!(|input: &[u8]| {
    let Some((piece, input)) = input.split_first() else { return };
    let whole = decode(input, input.len().max(1));
    let pieces = decode(input, usize::from(*piece).max(1));
    match (&whole, &pieces) {
        (Some((one, _, true)), Some((two, _, true))) => assert_eq!(one, two),
        (Some((.., ended)), Some((.., also))) => assert_eq!(ended, also),
        (None, None) => {}
        other => panic!("{other:?}"),
    }
    let Some((data, used, true)) = whole else { return };
    assert!(used <= input.len());
    let mut again = Vec::new();
    if !data.is_empty() {
        write_chunk_size(&mut again, data.len());
        again.extend_from_slice(&data);
        again.extend_from_slice(b"\r\n");
    }
    write_chunk_end(&mut again);
    assert_eq!(decode(&again, 7), Some((data, again.len(), true)));
});
