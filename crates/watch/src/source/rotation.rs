//! Rotated logs: what names say of age, which files belong together, and in which order they are read.
//!
//! Read are the names of logrotate (`access.log.1`, `access.log-20261127.gz`, with hours or seconds where it is told
//! so), of cronolog and of Java's loggers (`access.log.2026-11-27`, `access-2026-11-27.log`), each with the ending of a
//! compression or without. A set is only looked for when somebody asks for it ([`rotated_set`]): who names one file
//! means that file.

use std::collections::HashSet;
use std::ffi::OsStr;
use std::fs;
use std::io;
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

use super::{Line, open};

/// How old a file of a rotated set is by its name. Smaller is older; dated files count as older than numbered ones,
/// since a set that has both has changed to numbers by the newest.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Age {
    /// Carries a date, or seconds since 1970, made one number that grows with time.
    Dated(u64),
    /// Carries a number; the greater the older.
    Numbered(std::cmp::Reverse<u32>),
    /// The file that is written to.
    Current,
}

/// Files in a set at most; more are an error.
pub const MAX_SET: usize = 10_000;
/// Lines, and bytes, that are looked through for the time of a file's first call.
const PEEK: (usize, u64) = (1_000, 1024 * 1024);

/// A file in the order of reading.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ordered {
    /// The file.
    pub path: PathBuf,
    /// The name that all files of its set have in common, such as `/var/log/nginx/access.log`.
    pub set: PathBuf,
    /// The time of its first readable call, in milliseconds since 1970; `None` where it has none, is a pipe, or
    /// cannot be opened.
    pub first_ms: Option<i64>,
}

/// The order in which files are read.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Order {
    /// The files, oldest first.
    pub files: Vec<Ordered>,
    /// Files that were named more than once, under a second name or the same; they are in `files` once.
    pub again: Vec<PathBuf>,
}

/// Puts files into the order of time: by their first readable call, then by the age that their names say, then as
/// they were given. What has no call, and pipes, come last, as they were given.
///
/// `time_of` reads a line's time in milliseconds since 1970. At most 1 000 lines or 1 MiB of each file are asked.
#[must_use]
pub fn in_time_order(paths: Vec<PathBuf>, time_of: &dyn Fn(&[u8]) -> Option<i64>) -> Order {
    let mut order = Order::default();
    let mut known = HashSet::new();
    for path in paths {
        let regular = fs::metadata(&path).ok().filter(fs::Metadata::is_file);
        if regular.as_ref().is_some_and(|found| !known.insert((found.dev(), found.ino()))) {
            order.again.push(path);
            continue;
        }
        let first_ms = regular.and_then(|_| first_time(&path, time_of));
        let set = age_of(&path).0;
        order.files.push(Ordered { path, set, first_ms });
    }
    order.files.sort_by_cached_key(|file| {
        let at = file.first_ms.unwrap_or(i64::MAX);
        (file.first_ms.is_none(), at, file.first_ms.map(|_| age_of(&file.path).1))
    });
    order
}

/// The files of the set that `path` is the current file of, oldest first, `path` itself last (if it is there).
///
/// # Errors
/// Where the folder cannot be read, or has more than [`MAX_SET`] files of the set.
pub fn rotated_set(path: &Path) -> io::Result<Vec<PathBuf>> {
    let folder = match path.parent() {
        Some(folder) if folder != Path::new("") => folder,
        _ => Path::new("."),
    };
    let wanted = path.file_name();
    let mut files = Vec::new();
    for entry in fs::read_dir(folder)? {
        let name = entry?.file_name();
        let (base, age) = age_of(Path::new(&name));
        if base.file_name() != wanted {
            continue;
        }
        if files.len() == MAX_SET {
            return Err(io::Error::other(format!("more than {MAX_SET} files belong to the set")));
        }
        files.push((age, path.with_file_name(name)));
    }
    files.sort();
    Ok(files.into_iter().map(|(_, path)| path).collect())
}

/// What a name says: the name of its set's current file, and how old the file is.
#[must_use]
pub fn age_of(path: &Path) -> (PathBuf, Age) {
    let name = path.file_name().unwrap_or_default().as_bytes();
    let packed: [&[u8]; 6] = [b".gz", b".zst", b".zstd", b".bz2", b".xz", b".lz4"];
    let name = packed.iter().find_map(|&ending| name.strip_suffix(ending)).unwrap_or(name);
    let named = |base: &[u8]| path.with_file_name(OsStr::from_bytes(base));
    if let Some((base, age)) = split_age(name) {
        return (named(base), age);
    }
    // `access-2026-11-27.log`: the date stands before the ending. A number there (`app.1.log`) is not an age:
    // it is as often the number of an instance.
    if let Some(dot) = name.iter().rposition(|&byte| byte == b'.') {
        let (stem, ending) = name.split_at(dot);
        if let Some((base, age @ Age::Dated(_))) = split_age(stem) {
            return (named(&[base, ending].concat()), age);
        }
    }
    // A compressed file without an age is a log of its own, of which there is nothing current.
    (path.to_path_buf(), Age::Current)
}

/// Takes an age off the end of a name.
fn split_age(name: &[u8]) -> Option<(&[u8], Age)> {
    let mark = |byte: u8| matches!(byte, b'.' | b'-' | b'_');
    let inside = |byte: u8| byte.is_ascii_digit() || mark(byte) || matches!(byte, b':' | b'T');
    let tail_at = name.iter().rposition(|&byte| !inside(byte))? + 1;
    let tail = name.get(tail_at..)?;
    let begins = tail.iter().position(u8::is_ascii_digit)?;
    if begins == 0 || !tail.last()?.is_ascii_digit() {
        return None;
    }
    // Of several marks in a row the last one belongs to the age.
    let base = name.get(..tail_at + begins - 1).filter(|base| !base.is_empty())?;
    let age = tail.get(begins..)?;
    let digits: Vec<u8> = age.iter().copied().filter(u8::is_ascii_digit).collect();
    let plain = digits.len() == age.len();
    let number: u64 = std::str::from_utf8(&digits).ok()?.parse().ok()?;
    if plain && digits.len() <= 4 {
        let numbered = tail.get(begins - 1) == Some(&b'.');
        return numbered.then_some((base, Age::Numbered(std::cmp::Reverse(u32::try_from(number).ok()?))));
    }
    Some((base, Age::Dated(dated(&digits, plain)?)))
}

/// A date as a number: `YYYYMMDDhhmmss`, where what is not said is zero.
fn dated(digits: &[u8], plain: bool) -> Option<u64> {
    let part = |from: usize, to: usize| -> Option<u64> {
        std::str::from_utf8(digits.get(from..to)?).ok()?.parse().ok()
    };
    let (year, month, day) = (part(0, 4)?, part(4, 6)?, part(6, 8)?);
    let is_date = (1970..=9999).contains(&year) && (1..=12).contains(&month) && (1..=31).contains(&day);
    let scale = match digits.len() {
        8 => 1_000_000,
        10 => 10_000,
        12 => 100,
        14 => 1,
        _ => return None,
    };
    if is_date {
        return Some(part(0, digits.len())? * scale);
    }
    // Ten digits that are no date and hour are seconds since 1970 (`dateformat -%s`). A set has one form only, so
    // the two scales do not meet.
    (plain && digits.len() == 10).then(|| part(0, 10)).flatten()
}

fn first_time(path: &Path, time_of: &dyn Fn(&[u8]) -> Option<i64>) -> Option<i64> {
    let mut opened = open(path).ok()?;
    for _ in 0..PEEK.0 {
        if let Line::Whole(line) = opened.next_line().ok()??
            && let Some(at_ms) = time_of(line)
        {
            return Some(at_ms);
        }
        if opened.consumed() > PEEK.1 {
            break;
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use std::cmp::Reverse;
    use std::io::Write as _;

    use proptest::prelude::*;

    use super::*;

    fn age(name: &str) -> (String, Age) {
        let (base, age) = age_of(Path::new(name));
        (base.to_str().unwrap().to_owned(), age)
    }

    #[test]
    fn names_say_the_set_and_the_age() {
        let dated = Age::Dated(20_261_127_000_000);
        for (name, base, expected) in [
            ("access.log", "access.log", Age::Current),
            ("/var/log/access.log.1", "/var/log/access.log", Age::Numbered(Reverse(1))),
            ("access.log.2.gz", "access.log", Age::Numbered(Reverse(2))),
            ("access.log.10.zst", "access.log", Age::Numbered(Reverse(10))),
            ("access.log-20261127.gz", "access.log", dated),
            ("access.log-20261127", "access.log", dated),
            ("access.log.2026-11-27", "access.log", dated),
            ("access-2026-11-27.log", "access.log", dated),
            ("access_2026-11-27.log.gz", "access.log", dated),
            ("access.log-2026112713", "access.log", Age::Dated(20_261_127_130_000)),
            ("access.log-20261127-130501", "access.log", Age::Dated(20_261_127_130_501)),
            ("access.log.2026-11-27T13:05", "access.log", Age::Dated(20_261_127_130_500)),
            ("access.log-1764201600", "access.log", Age::Dated(1_764_201_600)),
            ("app.1.log", "app.1.log", Age::Current),
            ("node-3", "node-3", Age::Current),
            ("20261127.log", "20261127.log", Age::Current),
            ("other.gz", "other.gz", Age::Current),
            ("access.log.99999999", "access.log.99999999", Age::Current),
            (".1", ".1", Age::Current),
        ] {
            assert_eq!(age(name), (base.to_owned(), expected), "{name}");
        }
    }

    proptest! {
        #[test]
        fn any_name_has_an_age(name in ".{0,30}", digits in "[-._0-9:T]{0,24}", ending in "(\\.log)?(\\.gz)?") {
            let _ = age_of(Path::new(&format!("{name}{digits}{ending}")));
        }
    }

    /// The time of a test's line: `t<number>`.
    fn time_of(line: &[u8]) -> Option<i64> {
        std::str::from_utf8(line.strip_prefix(b"t")?).ok()?.parse().ok()
    }

    #[test]
    fn files_are_read_oldest_first_whatever_their_names() {
        let folder = tempfile::tempdir().unwrap();
        let write = |name: &str, text: &str| {
            let path = folder.path().join(name);
            fs::write(&path, text).unwrap();
            path
        };
        let mut packed = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        packed.write_all(b"garbage\nt10\n").unwrap();
        fs::write(folder.path().join("access.log.2.gz"), packed.finish().unwrap()).unwrap();
        write("access.log.1", "t50\nt60\n");
        write("access.log", "t90\n");
        write("access.log.3", "");
        write("other.log.1", "t50\n");
        let given = ["other.log.1", "access.log", "access.log.1", "access.log.2.gz", "access.log.3", "gone"];
        let mut paths: Vec<PathBuf> = given.iter().map(|name| folder.path().join(name)).collect();
        paths.push(folder.path().join("../").join(folder.path().file_name().unwrap()).join("access.log"));
        let order = in_time_order(paths, &time_of);
        let names: Vec<&str> =
            order.files.iter().map(|file| file.path.file_name().unwrap().to_str().unwrap()).collect();
        let expected =
            ["access.log.2.gz", "other.log.1", "access.log.1", "access.log", "access.log.3", "gone"];
        assert_eq!(names, expected);
        assert_eq!(order.files[0].first_ms, Some(10));
        assert_eq!(order.files[2].set, folder.path().join("access.log"));
        assert_eq!(order.again.len(), 1, "the second name of access.log");

        let set = rotated_set(&folder.path().join("access.log")).unwrap();
        let expected = ["access.log.3", "access.log.2.gz", "access.log.1", "access.log"];
        assert_eq!(set, expected.map(|name| folder.path().join(name)));
    }

    #[test]
    fn the_same_first_second_leaves_it_to_the_names() {
        let folder = tempfile::tempdir().unwrap();
        let paths = ["a.log", "a.log.1", "a.log.2", "a.log.10"].map(|name| {
            fs::write(folder.path().join(name), "t7\n").unwrap();
            folder.path().join(name)
        });
        let order = in_time_order(paths.to_vec(), &time_of);
        let names: Vec<&Path> = order.files.iter().map(|file| file.path.as_path()).collect();
        assert_eq!(names, [&paths[3], &paths[2], &paths[1], &paths[0]]);
    }
}
