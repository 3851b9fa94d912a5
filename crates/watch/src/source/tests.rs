use std::fs::{self, File};
use std::io::{Cursor, Read, Write as _};
use std::path::Path;

use flate2::Compression;
use flate2::write::GzEncoder;
use proptest::collection::vec;
use proptest::prelude::*;

use super::*;

fn gzip(content: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(content).unwrap();
    encoder.finish().unwrap()
}

fn zstandard(content: &[u8]) -> Vec<u8> {
    zstd::encode_all(content, 1).unwrap()
}

/// A reader that gives a few bytes at a time, as a pipe may.
struct Trickle<R>(R, usize);

impl<R: Read> Read for Trickle<R> {
    fn read(&mut self, space: &mut [u8]) -> std::io::Result<usize> {
        let few = self.1.min(space.len());
        self.0.read(&mut space[..few])
    }
}

fn all(mut opened: Opened) -> (Vec<Vec<u8>>, Option<SourceError>) {
    let (mut lines, mut failed) = (Vec::new(), None);
    loop {
        match opened.next_line() {
            Ok(Some(Line::Whole(line))) => lines.push(line.to_vec()),
            Ok(Some(Line::TooLong(_))) => panic!("none is too long here"),
            Ok(None) => return (lines, failed),
            Err(error) => assert!(failed.replace(error).is_none()),
        }
    }
}

fn of(bytes: Vec<u8>) -> Result<Opened, SourceError> {
    stream("some", Box::new(Cursor::new(bytes)))
}

fn model(content: &[u8]) -> Vec<Vec<u8>> {
    let mut lines: Vec<&[u8]> = content.split(|&byte| byte == b'\n').collect();
    if lines.last().is_some_and(|line| line.is_empty()) {
        lines.pop();
    }
    lines.iter().map(|line| line.strip_suffix(b"\r").unwrap_or(line).to_vec()).collect()
}

proptest! {
    #[test]
    fn however_it_is_compressed_and_comes_the_lines_are_the_same(
        parts in vec(vec(prop_oneof![2 => Just(b'\n'), 7 => b'a'..=b'd', 2 => any::<u8>()], 0..200), 0..4),
        how in 0..3,
        ahead in any::<bool>(),
        at_once in prop_oneof![1_usize..20, Just(1 << 20)],
    ) {
        let content = parts.concat();
        prop_assume!(Encoding::of(&content) == Encoding::Plain);
        let bytes = match how {
            0 => content.clone(),
            1 => parts.iter().flat_map(|part| gzip(part)).collect(),
            _ => parts.iter().flat_map(|part| zstandard(part)).collect(),
        };
        let mut opened = stream("some", Box::new(Trickle(Cursor::new(bytes), at_once))).unwrap();
        if ahead {
            opened = opened.read_ahead().unwrap();
        }
        let (lines, failed) = all(opened);
        prop_assert!(failed.is_none(), "{:?}", failed);
        prop_assert_eq!(lines, model(&content));
    }

    #[test]
    fn what_is_cut_off_gives_its_first_lines_and_then_says_so(
        lines in vec("[a-z]{0,40}", 1..200),
        cut in 0.0..1.0_f64,
        zstd in any::<bool>(),
        ahead in any::<bool>(),
    ) {
        let content = lines.join("\n").into_bytes();
        let mut bytes = if zstd { zstandard(&content) } else { gzip(&content) };
        // At least the magic, at most all but one byte.
        let keep = 6 + ((bytes.len() - 7) as f64 * cut) as usize;
        bytes.truncate(keep);
        let (found, failed) = match of(bytes) {
            Ok(opened) => all(if ahead { opened.read_ahead().unwrap() } else { opened }),
            Err(error) => (Vec::new(), Some(error)),
        };
        let failed = failed.expect("it is cut off").to_string();
        prop_assert!(failed.starts_with("some could not be read beyond byte "), "{}", failed);
        let whole = model(&content);
        prop_assert!(found.len() <= whole.len());
        if let Some((last, before)) = found.split_last() {
            prop_assert_eq!(before, &whole[..before.len()]);
            prop_assert!(whole[before.len()].starts_with(last));
        }
    }
}

#[test]
fn files_are_told_apart_by_what_they_hold_and_not_by_their_names() {
    let folder = tempfile::tempdir().unwrap();
    let write = |name: &str, bytes: &[u8]| {
        let path = folder.path().join(name);
        fs::write(&path, bytes).unwrap();
        path
    };
    let cases = [
        (write("plain.gz", b"a\nb"), Encoding::Plain),
        (write("gzip.log", &gzip(b"a\nb\n")), Encoding::Gzip),
        (write("zstd", &zstandard(b"a\r\nb\r\n")), Encoding::Zstd),
    ];
    for (path, encoding) in cases {
        let opened = open(&path).unwrap();
        assert_eq!((opened.encoding(), opened.name()), (encoding, path.to_str().unwrap()));
        assert_eq!(all(opened).0, model(b"a\nb"));
    }
    assert!(all(open(&write("empty", b"")).unwrap()).0.is_empty());
    assert!(all(open(&write("empty.gz", &gzip(b""))).unwrap()).0.is_empty());
}

#[test]
fn zeros_after_gzip_are_padding_and_anything_else_is_an_error() {
    let mut bytes = gzip(b"a\n");
    bytes.extend([0; 5_000]);
    assert!(all(of(bytes.clone()).unwrap()).1.is_none());
    bytes.extend(b"plain text\n");
    let (lines, failed) = all(of(bytes).unwrap());
    assert_eq!(lines, model(b"a\n"));
    assert!(failed.unwrap().to_string().contains("no gzip"));
}

#[test]
fn a_damaged_checksum_is_an_error() {
    let mut bytes = gzip(b"line\n");
    let at = bytes.len() - 6;
    bytes[at] ^= 1;
    let (lines, failed) = all(of(bytes).unwrap());
    assert_eq!(lines, model(b"line\n"));
    assert!(failed.is_some());
}

#[test]
fn what_cannot_be_opened_is_named_with_what_to_do() {
    let folder = tempfile::tempdir().unwrap();
    let said = |path: &Path| {
        let error = open(path).err().expect("it cannot be opened");
        (error.to_string(), error.hint().unwrap_or_default())
    };
    let missing = folder.path().join("gone.log");
    let (text, hint) = said(&missing);
    assert_eq!(text, format!("{} could not be opened: No such file or directory", missing.display()));
    assert!(hint.contains("standard input"));

    let (text, hint) = said(folder.path());
    assert_eq!(text, format!("{} is a folder", folder.path().display()));
    assert!(hint.contains("*.log*"), "{hint}");

    let packed = folder.path().join("a.xz");
    fs::write(&packed, b"\xfd7zXZ\0rest").unwrap();
    let (text, hint) = said(&packed);
    assert!(text.ends_with("is compressed with xz, which is not read"), "{text}");
    assert!(hint.contains("xz -dc") && hint.contains("watch -"), "{hint}");
}

#[test]
fn a_pipe_is_read_like_a_file() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("pipe");
    let made = std::process::Command::new("mkfifo").arg(&path).status().unwrap();
    assert!(made.success());
    let writer = std::thread::spawn({
        let path = path.clone();
        move || File::options().write(true).open(path).unwrap().write_all(&gzip(b"a\nb\n")).unwrap()
    });
    let (lines, failed) = all(open(&path).unwrap());
    writer.join().unwrap();
    assert!(failed.is_none());
    assert_eq!(lines, model(b"a\nb\n"));
}

#[test]
fn a_bomb_is_read_past_without_being_held() {
    // 8 MiB of zeros without an end of a line, in a few kilobytes, and a line after it.
    let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
    for _ in 0..8 {
        encoder.write_all(&vec![0; 1 << 20]).unwrap();
    }
    encoder.write_all(b"\nafter\n").unwrap();
    let bytes = encoder.finish().unwrap();
    assert!(bytes.len() < 100_000);
    let mut opened = of(bytes).unwrap();
    assert_eq!(opened.next_line().unwrap(), Some(Line::TooLong(8 << 20)));
    assert_eq!(opened.next_line().unwrap(), Some(Line::Whole(b"after")));
    assert_eq!(opened.next_line().unwrap(), None);
}

#[test]
fn who_reads_ahead_waits_for_who_takes_and_ends_with_it() {
    // Endless: were it not held back, it would fill memory, and were it not ended, it would never stop.
    struct Endless {
        _held: std::sync::mpsc::Sender<()>,
    }
    impl Read for Endless {
        fn read(&mut self, space: &mut [u8]) -> std::io::Result<usize> {
            space.fill(b'\n');
            Ok(space.len())
        }
    }
    let (held, is_held) = std::sync::mpsc::channel();
    let mut ahead = super::ahead::Ahead::new(Endless { _held: held }).unwrap();
    let mut space = [0; 10];
    ahead.read_exact(&mut space).unwrap();
    assert_eq!(space, [b'\n'; 10]);
    drop(ahead);
    assert!(
        is_held
            .recv_timeout(std::time::Duration::from_secs(60))
            .is_err_and(|why| { why == std::sync::mpsc::RecvTimeoutError::Disconnected })
    );
}
