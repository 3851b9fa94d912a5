//! A writer, whatever rotates its file, and a follower, in every order.

use std::fs::{self, File};
use std::io::Write as _;
use std::path::PathBuf;

use proptest::prelude::*;

use super::{Event, Follower, GRACE_MS, Path, Saved, SourceId, Start};

#[derive(Debug, Clone, Copy, PartialEq)]
enum Step {
    /// The writer writes a line (or ends one that it began).
    Line,
    /// The writer begins a line.
    Part,
    /// The file gets the next name; the writer does not know yet.
    Rename,
    /// The writer opens the name anew.
    Reopen,
    /// The file is copied, then truncated.
    CopyTruncate,
    /// The file is deleted, and its name given to a new one. What was deleted is in no set, so the new one must be
    /// seen before it is rotated itself.
    Replace,
    /// The second rotated file is compressed.
    Compress,
    /// The follower polls.
    Poll,
    /// The follower begins again where it stood.
    Restart,
}

use Step::*;

const STEPS: [Step; 9] = [Line, Part, Rename, Reopen, CopyTruncate, Replace, Compress, Poll, Restart];

struct World {
    folder: tempfile::TempDir,
    writer: File,
    begun: bool,
    next: u64,
    follower: Follower,
    now_ms: u64,
    handed: Vec<u64>,
    /// Whether the file was empty when the follower saw it last: of such a file it knows nothing, and a truncation
    /// before it sees more is one that it cannot see.
    seen_empty: bool,
    events: Vec<Event>,
}

impl World {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let writer = open(&folder.path().join("access.log"));
        let follower = Follower::new(vec![folder.path().join("access.log")], Start::Beginning, None);
        let mut world = Self {
            folder,
            writer,
            begun: false,
            next: 0,
            follower,
            now_ms: 0,
            handed: Vec::new(),
            seen_empty: false,
            events: Vec::new(),
        };
        world.step(Line);
        world.step(Poll);
        world
    }

    fn file(&self, number: u32) -> PathBuf {
        let name = if number == 0 { "access.log".to_owned() } else { format!("access.log.{number}") };
        self.folder.path().join(name)
    }

    /// `access.log.1` becomes `access.log.2` and so on, compressed or not.
    fn shift(&self) {
        for number in (1..30).rev() {
            for ending in ["", ".gz"] {
                let named = |number| {
                    let mut name = self.file(number).into_os_string();
                    name.push(ending);
                    PathBuf::from(name)
                };
                if named(number).exists() {
                    fs::rename(named(number), named(number + 1)).unwrap();
                }
            }
        }
    }

    fn end_line(&mut self) {
        if std::mem::take(&mut self.begun) {
            writeln!(self.writer, " log").unwrap();
            self.next += 1;
        }
    }

    fn poll(&mut self) {
        loop {
            let handed = &mut self.handed;
            let progress = self.follower.poll(self.now_ms, |source, position, line| {
                assert_eq!(source, SourceId(0));
                let crate::source::Line::Whole(line) = line else { panic!("none is too long") };
                assert!(position.offset > line.len() as u64);
                let text = std::str::from_utf8(line).unwrap();
                let number = text.strip_prefix("line ").and_then(|text| text.strip_suffix(" of the log"));
                handed.push(number.unwrap_or_else(|| panic!("torn: {text}")).parse().unwrap());
            });
            self.events.extend(progress.events.into_iter().map(|(_, event)| event));
            if !progress.more {
                break;
            }
        }
        self.seen_empty = fs::metadata(self.file(0)).is_ok_and(|found| found.len() == 0);
    }

    fn step(&mut self, step: Step) {
        self.now_ms += 200;
        let there = self.file(0).exists();
        match step {
            Line if self.begun => self.end_line(),
            Line => {
                writeln!(self.writer, "line {:08} of the log", self.next).unwrap();
                self.next += 1;
            }
            Part if !self.begun => {
                write!(self.writer, "line {:08} of the", self.next).unwrap();
                self.begun = true;
            }
            Rename if there => {
                self.shift();
                fs::rename(self.file(0), self.file(1)).unwrap();
            }
            Reopen => {
                self.end_line();
                self.writer = open(&self.file(0));
                self.seen_empty &= there;
            }
            CopyTruncate if there => {
                self.end_line();
                if self.seen_empty {
                    self.poll();
                }
                self.shift();
                fs::copy(self.file(0), self.file(1)).unwrap();
                File::options().write(true).truncate(true).open(self.file(0)).unwrap();
            }
            Replace if there => {
                self.end_line();
                self.poll();
                fs::remove_file(self.file(0)).unwrap();
                self.writer = open(&self.file(0));
                self.poll();
            }
            Compress if self.file(2).exists() => {
                // A file of which nothing was read is not known again once it is compressed.
                let known = self.follower.position();
                if known.of(&self.file(0)).is_some_and(|files| files.iter().any(|file| file.head() == 0)) {
                    return;
                }
                let mut packed = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
                packed.write_all(&fs::read(self.file(2)).unwrap()).unwrap();
                let mut file = File::create(self.folder.path().join("access.log.2.gz")).unwrap();
                file.write_all(&packed.finish().unwrap()).unwrap();
                // gzip keeps the time.
                file.set_modified(fs::metadata(self.file(2)).unwrap().modified().unwrap()).unwrap();
                fs::remove_file(self.file(2)).unwrap();
            }
            Poll => self.poll(),
            Restart => {
                let saved = Saved::parse(&self.follower.position().document().unwrap()).unwrap();
                self.follower = Follower::new(vec![self.file(0)], Start::End, Some(&saved));
            }
            Part | Rename | CopyTruncate | Replace | Compress => {}
        }
    }

    fn end(mut self, steps: &[Step]) {
        // What had the name only between two polls is looked for when the name is there again.
        self.step(Reopen);
        self.poll();
        self.now_ms += 2 * GRACE_MS;
        self.poll();
        let expected: Vec<u64> = (0..self.next).collect();
        assert_eq!(self.handed, expected, "after {steps:?}; events {:?}", self.events);
    }
}

fn open(path: &Path) -> File {
    File::options().create(true).append(true).open(path).unwrap()
}

fn run(steps: &[Step]) {
    let mut world = World::new();
    for &step in steps {
        world.step(step);
    }
    world.end(steps);
}

#[test]
fn every_line_is_handed_out_once_and_in_order_after_every_four_rotations() {
    // A line after each rotation, else most sequences say nothing.
    let rotations = [Rename, Reopen, CopyTruncate, Replace, Poll, Restart, Compress];
    let mut steps = Vec::new();
    for mut number in 0..rotations.len().pow(4) {
        steps.clear();
        for _ in 0..4 {
            steps.extend([rotations[number % rotations.len()], Line]);
            number /= rotations.len();
        }
        run(&steps);
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn every_line_is_handed_out_once_and_in_order_whatever_happens(
        steps in proptest::collection::vec(proptest::sample::select(STEPS.to_vec()), 0..40),
    ) {
        run(&steps);
    }
}

/// A follower of one path in a folder of its own, with what it hands out.
struct One {
    folder: tempfile::TempDir,
    follower: Follower,
    now_ms: u64,
}

impl One {
    fn new(start: Start, before: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.log");
        if !before.is_empty() {
            fs::write(&path, before).unwrap();
        }
        Self { follower: Follower::new(vec![path], start, None), folder, now_ms: 0 }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn add(&self, name: &str, text: &str) {
        open(&self.path(name)).write_all(text.as_bytes()).unwrap();
    }

    fn poll(&mut self) -> (Vec<String>, Vec<Event>) {
        self.now_ms += 200;
        let mut lines = Vec::new();
        let progress = self.follower.poll(self.now_ms, |_, _, line| {
            lines.push(match line {
                crate::source::Line::Whole(line) => String::from_utf8_lossy(line).into_owned(),
                crate::source::Line::TooLong(bytes) => format!("{bytes} bytes"),
            });
        });
        assert_eq!(progress.lines, lines.len() as u64);
        (lines, progress.events.into_iter().map(|(_, event)| event).collect())
    }

    fn lines(&mut self) -> Vec<String> {
        self.poll().0
    }
}

#[test]
fn a_line_waits_for_its_end() {
    let mut one = One::new(Start::Beginning, "first\r\nsec");
    assert_eq!(one.lines(), ["first"]);
    assert!(one.lines().is_empty());
    one.add("a.log", "ond\n\nthi");
    assert_eq!(one.lines(), ["second", ""]);
}

#[test]
fn who_begins_at_the_end_still_gets_the_unfinished_line_whole() {
    let mut one = One::new(Start::End, "old\nnew b");
    assert!(one.lines().is_empty());
    one.add("a.log", "eginning\n");
    assert_eq!(one.lines(), ["new beginning"]);
}

#[test]
fn a_file_that_is_not_there_yet_is_waited_for_and_read_from_its_beginning() {
    let mut one = One::new(Start::End, "");
    assert_eq!(one.poll(), (vec![], vec![Event::Missing]));
    assert_eq!(one.poll(), (vec![], vec![]), "it is said once");
    one.add("a.log", "line\n");
    assert_eq!(one.lines(), ["line"]);
}

#[test]
fn a_deleted_file_is_read_while_somebody_writes_to_it_and_then_let_go() {
    let mut one = One::new(Start::Beginning, "one\n");
    let mut writer = open(&one.path("a.log"));
    assert_eq!(one.lines(), ["one"]);
    fs::remove_file(one.path("a.log")).unwrap();
    writer.write_all(b"two\nunfinished").unwrap();
    assert_eq!(one.poll(), (vec!["two".to_owned()], vec![Event::Missing]));
    one.now_ms += GRACE_MS;
    assert_eq!(one.lines(), ["unfinished"], "what can get no end any more is a line");
    one.add("a.log", "three\n");
    assert_eq!(one.lines(), ["three"]);
}

#[test]
fn a_link_that_points_elsewhere_is_a_rotation_and_back_is_no_repetition() {
    let mut one = One::new(Start::Beginning, "");
    one.add("day-1", "from the first day\n");
    one.add("day-2", "from the second day\n");
    let link = |one: &One, to: &str| {
        let _ = fs::remove_file(one.path("a.log"));
        std::os::unix::fs::symlink(one.path(to), one.path("a.log")).unwrap();
    };
    link(&one, "day-1");
    assert_eq!(one.lines(), ["from the first day"]);
    link(&one, "day-2");
    one.add("day-1", "late\n");
    let (lines, events) = one.poll();
    assert_eq!(lines, ["late", "from the second day"]);
    assert!(events.contains(&Event::Rotated));
    one.now_ms += GRACE_MS;
    one.lines();
    link(&one, "day-1");
    one.add("day-1", "once more\n");
    assert_eq!(one.lines(), ["once more"]);
}

#[test]
fn a_truncation_without_a_copy_says_what_was_lost() {
    let mut one = One::new(Start::Beginning, "line one\ntorn");
    assert_eq!(one.lines(), ["line one"]);
    fs::write(one.path("a.log"), "anew\n").unwrap();
    let (lines, events) = one.poll();
    assert_eq!((lines, events), (vec!["anew".to_owned()], vec![Event::Truncated { copy: None, torn: 4 }]));
}

#[test]
fn a_file_written_anew_to_the_same_length_is_noticed() {
    let mut one = One::new(Start::Beginning, "2026-11-27 a\n");
    assert_eq!(one.lines(), ["2026-11-27 a"]);
    fs::write(one.path("a.log"), "2026-11-28 b\n").unwrap();
    assert_eq!(one.lines(), ["2026-11-28 b"]);
}

#[test]
fn a_long_line_that_comes_in_pieces_is_counted_once_and_not_held() {
    let mut one = One::new(Start::Beginning, "a\n");
    assert_eq!(one.lines(), ["a"]);
    for _ in 0..5 {
        one.add("a.log", &"x".repeat(500_000));
        assert!(one.lines().is_empty());
    }
    one.add("a.log", "end\nb\n");
    assert_eq!(one.lines(), ["2500003 bytes", "b"]);
}

#[test]
fn one_poll_reads_no_more_than_its_budget() {
    let mut one = One::new(Start::Beginning, &"0123456789abcde\n".repeat(1 << 20));
    let (mut lines, mut polls) = (0, 0);
    loop {
        let progress = one.follower.poll(0, |_, _, _| lines += 1);
        polls += 1;
        if !progress.more {
            break;
        }
        assert!(progress.bytes <= super::BUDGET + crate::source::BLOCK as u64);
    }
    assert_eq!(lines, 1 << 20);
    assert!(polls >= 2);
}

#[test]
fn what_cannot_be_followed_is_said_once() {
    let mut one = One::new(Start::Beginning, "");
    fs::create_dir(one.path("a.log")).unwrap();
    assert_eq!(one.poll().1, [Event::NotFollowed("a folder")]);
    assert_eq!(one.poll().1, []);
    fs::remove_dir(one.path("a.log")).unwrap();
    fs::write(one.path("a.log"), b"\x1f\x8b\x08\0rest\n").unwrap();
    assert_eq!(one.poll(), (vec![], vec![Event::NotFollowed("a compressed file")]));
    assert_eq!(one.poll().1, []);
}

#[test]
fn after_a_restart_the_rest_of_a_compressed_file_comes_before_the_new_one() {
    let mut one = One::new(Start::Beginning, "the first line of the log\n");
    assert_eq!(one.lines().len(), 1);
    let saved = one.follower.position();
    one.add("a.log", "written while nobody read\n");
    let mut packed = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    packed.write_all(&fs::read(one.path("a.log")).unwrap()).unwrap();
    fs::write(one.path("a.log.1.gz"), packed.finish().unwrap()).unwrap();
    fs::remove_file(one.path("a.log")).unwrap();
    one.add("a.log", "new\n");
    one.follower = Follower::new(vec![one.path("a.log")], Start::End, Some(&saved));
    assert_eq!(one.lines(), ["written while nobody read", "new"]);
}

#[test]
fn after_a_restart_a_file_that_is_gone_is_said_and_the_new_one_read_whole() {
    let mut one = One::new(Start::Beginning, "the first line of the log\n");
    assert_eq!(one.lines().len(), 1);
    let saved = one.follower.position();
    fs::write(one.path("a.log"), "another file altogether, and longer than that one\n").unwrap();
    one.follower = Follower::new(vec![one.path("a.log")], Start::End, Some(&saved));
    let (lines, events) = one.poll();
    assert_eq!(lines, ["another file altogether, and longer than that one"]);
    assert_eq!(events.first(), Some(&Event::Lost { offset: 26 }));
}
