//! A follower that is killed again and again, while its file is written to and rotated.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::fs::{self, File};
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use ratewarden_watch::follow::{Follower, Loaded, Saved, Start};
use ratewarden_watch::source::Line;

/// The folder that the child works in; only the child has it.
const FOLDER: &str = "RATEWARDEN_TEST_FOLDER";

/// The process that is killed: follows `access.log`, writes what it is handed to `out`, then saves its position.
#[test]
fn the_process_that_is_killed() {
    let Some(folder) = std::env::var_os(FOLDER).map(PathBuf::from) else { return };
    let state = folder.join("state");
    let mut out = File::options().create(true).append(true).open(folder.join("out")).unwrap();
    // What the one before wrote last may be torn.
    out.write_all(b"\nstart\n").unwrap();
    let saved = match Saved::load(&state) {
        Loaded::Nothing => None,
        Loaded::Saved(saved) => Some(saved),
        Loaded::Unusable(why) => panic!("{why}"),
    };
    let mut follower = Follower::new(vec![folder.join("access.log")], Start::Beginning, saved.as_ref());
    let began = Instant::now();
    // Whoever started it kills it; if that one dies first, it ends by itself.
    while began.elapsed() < Duration::from_secs(120) {
        let mut batch = Vec::new();
        let now_ms = u64::try_from(began.elapsed().as_millis()).unwrap();
        follower.poll(now_ms, |_, _, line| {
            let Line::Whole(line) = line else { panic!("none is too long") };
            batch.extend_from_slice(line);
            batch.push(b'\n');
        });
        if !batch.is_empty() {
            out.write_all(&batch).unwrap();
            follower.position().write(&state).unwrap();
        }
        std::thread::yield_now();
    }
}

struct Logger {
    folder: PathBuf,
    file: File,
    next: u32,
}

impl Logger {
    fn open(folder: &Path) -> File {
        File::options().create(true).append(true).open(folder.join("access.log")).unwrap()
    }

    fn write(&mut self, lines: u32) {
        for _ in 0..lines {
            // Two writes, so that a line may be seen half written.
            write!(self.file, "line {:06} ", self.next).unwrap();
            writeln!(self.file, "of a log that is rotated").unwrap();
            self.next += 1;
        }
    }

    fn named(&self, number: u32, ending: &str) -> PathBuf {
        self.folder.join(format!("access.log.{number}{ending}"))
    }

    /// As logrotate does with `delaycompress`, and a server that goes on writing to the old file for a while.
    fn rotate(&mut self, late: u32) {
        for number in (1..60).rev() {
            for ending in ["", ".gz"] {
                if self.named(number, ending).exists() {
                    fs::rename(self.named(number, ending), self.named(number + 1, ending)).unwrap();
                }
            }
        }
        fs::rename(self.folder.join("access.log"), self.named(1, "")).unwrap();
        self.write(late);
        self.file = Self::open(&self.folder);
        if self.named(2, "").exists() {
            let packed = Command::new("gzip").arg(self.named(2, "")).status().unwrap();
            assert!(packed.success());
        }
    }
}

fn start(folder: &Path) -> Child {
    Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "the_process_that_is_killed", "--nocapture"])
        .env(FOLDER, folder)
        .stdout(Stdio::null())
        .spawn()
        .unwrap()
}

/// The lines of each process, as numbers.
fn handed(folder: &Path) -> Vec<Vec<u32>> {
    let text = fs::read_to_string(folder.join("out")).unwrap_or_default();
    let mut all = Vec::new();
    for part in text.split("\nstart\n").skip(1) {
        let number = |line: &str| {
            line.strip_prefix("line ")?.strip_suffix(" of a log that is rotated")?.parse::<u32>().ok()
        };
        let numbers: Vec<Option<u32>> = part.lines().map(number).collect();
        let torn = numbers.iter().rposition(Option::is_some).map_or(0, |last| last + 1);
        // A line that the kill tore off is not one of them.
        assert!(numbers.iter().take(torn).all(Option::is_some), "only the last may be torn");
        all.push(numbers.into_iter().flatten().collect());
    }
    all
}

fn wait_until(what: &str, is_so: impl Fn() -> bool) {
    let began = Instant::now();
    while !is_so() {
        assert!(began.elapsed() < Duration::from_secs(60), "waited too long for {what}");
        std::thread::yield_now();
    }
}

#[test]
fn after_a_kill_reading_goes_on_at_the_saved_position_and_nothing_is_lost() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path();
    let mut log = Logger { folder: path.to_path_buf(), file: Logger::open(path), next: 0 };
    let last = |path: &Path| handed(path).last().and_then(|lines| lines.last().copied());
    for round in 0..12_u32 {
        let mut child = start(path);
        let before = log.next;
        log.write(150 + 40 * round);
        wait_until("what was written before", || last(path).is_some_and(|last| last + 1 >= before));
        if round % 2 == 0 {
            wait_until("all of it", || last(path).is_some_and(|last| last + 1 == log.next));
            log.rotate(20);
            log.write(200);
            // Killed at any place of the new file.
            let some = log.next - 190 + 15 * round;
            wait_until("some of the new file", || {
                last(path).is_some_and(|last| last >= some.min(log.next - 1))
            });
        }
        child.kill().unwrap();
        child.wait().unwrap();
        for _ in 0..round % 3 {
            log.write(30);
            log.rotate(5);
        }
        log.write(30);
    }
    let mut child = start(path);
    wait_until("the end", || last(path).is_some_and(|last| last + 1 == log.next));
    child.kill().unwrap();
    child.wait().unwrap();

    let mut expected = 0;
    let (mut twice, mut processes) = (0, 0);
    for lines in handed(path) {
        let Some(&first) = lines.first() else { continue };
        assert!(first <= expected, "{first} follows {expected}: a gap");
        assert!(lines.windows(2).all(|pair| pair[1] == pair[0] + 1), "in order and each once in one process");
        twice += expected - first;
        processes += 1;
        expected = expected.max(lines.last().map_or(0, |last| last + 1));
    }
    assert_eq!(expected, log.next);
    println!("{expected} lines, {processes} processes, {twice} lines twice");
}
