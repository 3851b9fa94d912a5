//! Files of every kind as lines: any bytes in any pieces, and the positions that a follower saved.

#![no_main]

use std::io::{Cursor, Read};

use libfuzzer_sys::fuzz_target;
use ratewarden_watch::follow::Saved;
use ratewarden_watch::source::{Encoding, Line, Lines, stream};

/// Gives at most so many bytes at once.
struct Pieces(Cursor<Vec<u8>>, usize);

impl Read for Pieces {
    fn read(&mut self, space: &mut [u8]) -> std::io::Result<usize> {
        let few = self.1.min(space.len());
        self.0.read(&mut space[..few])
    }
}

/// Bytes that one input may unpack to here, so that a bomb does not stop the search.
const MOST: u64 = 1 << 24;

fuzz_target!(|input: &[u8]| {
    let Some((&size, input)) = input.split_first() else { return };
    let _ = Saved::parse(input);
    let pieces = || Pieces(Cursor::new(input.to_vec()), usize::from(size) + 1);

    let mut lines = Lines::new(pieces());
    for line in plain(input) {
        assert_eq!(lines.next_line().unwrap(), Some(Line::Whole(line)));
    }
    assert_eq!(lines.next_line().unwrap(), None);
    assert_eq!(lines.consumed(), input.len() as u64);

    let Ok(mut opened) = stream("input", Box::new(pieces())) else { return };
    let (mut counted, mut failures) = (0, 0);
    while opened.consumed() < MOST {
        match opened.next_line() {
            Ok(Some(_)) => counted += 1,
            Ok(None) => break,
            Err(_) => failures += 1,
        }
    }
    assert!(failures <= 1, "an error is said once");
    if opened.encoding() == Encoding::Plain {
        assert_eq!((counted, failures), (plain(input).count(), 0));
    }
});

/// The slow model; no input here is as long as a line may be.
fn plain(input: &[u8]) -> impl Iterator<Item = &[u8]> {
    let body = input.strip_suffix(b"\n").unwrap_or(input);
    let lines = (!input.is_empty()).then(|| body.split(|&byte| byte == b'\n'));
    lines.into_iter().flatten().map(|line| line.strip_suffix(b"\r").unwrap_or(line))
}
