use super::*;
use proptest::collection::vec;
use proptest::prelude::*;

/// A reader that gives pieces of given sizes, and is interrupted between them.
struct Pieces<'a> {
    content: &'a [u8],
    sizes: std::iter::Cycle<std::vec::IntoIter<usize>>,
    interrupt: bool,
    fails: bool,
}

impl<'a> Pieces<'a> {
    fn new(content: &'a [u8], sizes: Vec<usize>) -> Self {
        Self { content, sizes: sizes.into_iter().cycle(), interrupt: false, fails: false }
    }
}

impl Read for Pieces<'_> {
    fn read(&mut self, space: &mut [u8]) -> io::Result<usize> {
        self.interrupt = !self.interrupt;
        if self.interrupt {
            return Err(ErrorKind::Interrupted.into());
        }
        if self.content.is_empty() && self.fails {
            return Err(io::Error::other("torn cable"));
        }
        let bytes = self.sizes.next().unwrap_or(1).min(space.len()).min(self.content.len());
        let (now, later) = self.content.split_at(bytes);
        space[..bytes].copy_from_slice(now);
        self.content = later;
        Ok(bytes)
    }
}

#[derive(Debug, PartialEq)]
enum Owned {
    Whole(Vec<u8>),
    TooLong(u64),
}

/// The slow model.
fn model(content: &[u8]) -> Vec<Owned> {
    let mut lines: Vec<&[u8]> = content.split(|&byte| byte == b'\n').collect();
    if lines.last().is_some_and(|last| last.is_empty()) {
        lines.pop();
    }
    let owned = |line: &[u8]| match line.len() {
        0..=MAX_LINE => Owned::Whole(line.strip_suffix(b"\r").unwrap_or(line).to_vec()),
        long => Owned::TooLong(long as u64),
    };
    lines.into_iter().map(owned).collect()
}

fn read(reader: impl Read) -> (Vec<Owned>, u64, Option<io::Error>) {
    let (mut lines, mut all, mut failed) = (Lines::new(reader), Vec::new(), None);
    loop {
        match lines.next_line() {
            Ok(Some(Line::Whole(line))) => all.push(Owned::Whole(line.to_vec())),
            Ok(Some(Line::TooLong(bytes))) => all.push(Owned::TooLong(bytes)),
            Ok(None) => break,
            Err(error) => assert!(failed.replace(error).is_none(), "an error is said once"),
        }
    }
    assert!(lines.splitter.buffer.len() <= MAX_LINE + BLOCK);
    (all, lines.consumed(), failed)
}

proptest! {
    #[test]
    fn any_bytes_in_any_pieces_are_the_lines_of_the_model(
        content in vec(prop_oneof![3 => Just(b'\n'), 2 => Just(b'\r'), 8 => any::<u8>()], 0..600),
        sizes in vec(1_usize..40, 1..8),
    ) {
        let (lines, consumed, failed) = read(Pieces::new(&content, sizes));
        prop_assert_eq!(lines, model(&content));
        prop_assert_eq!(consumed, content.len() as u64);
        prop_assert!(failed.is_none());
    }

}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(16))]

    #[test]
    fn long_lines_are_cut_where_the_model_cuts_them(
        lengths in vec(prop_oneof![0_usize..300, MAX_LINE - 2..MAX_LINE + 3, Just(3 * MAX_LINE), Just(BLOCK)], 1..5),
        sizes in vec(prop_oneof![4_000_usize..9_000, Just(BLOCK), Just(usize::MAX)], 1..4),
        ended in any::<bool>(),
    ) {
        let mut content = Vec::new();
        for length in lengths {
            content.extend(std::iter::repeat_n(b'x', length));
            content.push(b'\n');
        }
        if !ended {
            content.pop();
        }
        let (lines, consumed, _) = read(Pieces::new(&content, sizes));
        prop_assert!(lines == model(&content));
        prop_assert_eq!(consumed, content.len() as u64);
    }

}

proptest! {
    #[test]
    fn a_splitter_that_begins_at_a_line_again_finds_the_same_lines(
        content in vec(prop_oneof![1 => Just(b'\n'), 4 => any::<u8>()], 0..300),
        stops in vec(0_usize..300, 0..6),
    ) {
        let (mut splitter, mut all) = (Splitter::default(), Vec::new());
        let mut ends: Vec<usize> = stops.into_iter().map(|stop| stop.min(content.len())).collect();
        ends.push(content.len());
        ends.sort_unstable();
        for end in ends {
            let from = splitter.consumed();
            splitter.restart(from, 0);
            let fresh = &content[usize::try_from(from).unwrap()..end];
            splitter.space()[..fresh.len()].copy_from_slice(fresh);
            splitter.filled(fresh.len());
            while let Some(Line::Whole(line)) = splitter.next_line() {
                all.push(Owned::Whole(line.to_vec()));
            }
        }
        if let Some(Line::Whole(line)) = splitter.rest() {
            all.push(Owned::Whole(line.to_vec()));
        }
        prop_assert_eq!(all, model(&content));
    }
}

#[test]
fn what_was_read_before_an_error_comes_before_it() {
    let reader = Pieces { fails: true, ..Pieces::new(b"one\ntwo\nto", vec![4]) };
    let (lines, _, failed) = read(reader);
    assert_eq!(lines, model(b"one\ntwo\nto"));
    assert_eq!(failed.unwrap().to_string(), "torn cable");
}

#[test]
fn a_line_that_was_known_to_be_too_long_stays_it_after_a_restart() {
    let mut splitter = Splitter::default();
    splitter.restart(10, 2_000_000);
    assert_eq!((splitter.waiting(), splitter.read_past()), (2_000_000, 2_000_000));
    let text = b"end\nnext\n";
    splitter.space()[..text.len()].copy_from_slice(text);
    splitter.filled(text.len());
    assert_eq!(splitter.next_line(), Some(Line::TooLong(2_000_003)));
    assert_eq!(splitter.consumed(), 10 + 2_000_004);
    assert_eq!(splitter.next_line(), Some(Line::Whole(b"next")));
}
