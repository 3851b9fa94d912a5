//! A writer, whatever rotates its file, and a follower, in every order.

use std::fs::{self, File};
use std::io::Write as _;
use std::path::PathBuf;

use proptest::prelude::*;

use super::super::{Event, Follower, GRACE_MS, Saved, SourceId, Start};
use super::open;
use crate::source::Line as Read;

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
                let Read::Whole(line) = line else { panic!("none is too long") };
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
