//! What a follower of one path hands out and says.

use std::fs;
use std::io::Write as _;
use std::path::PathBuf;

use super::super::{BUDGET, Chance, Event, Follower, GRACE_MS, Progress, SourceId, Start, Wanted};
use super::open;
use crate::source::{BLOCK, Line};

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
                Line::Whole(line) => String::from_utf8_lossy(line).into_owned(),
                Line::TooLong(bytes) => format!("{bytes} bytes"),
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
        assert!(progress.bytes <= BUDGET + BLOCK as u64);
    }
    assert_eq!(lines, 1 << 20);
    assert!(polls >= 2);
}

/// Takes lines until one begins with `n`, which is left until the second time it is offered.
fn with_pauses(one: &mut One) -> Vec<String> {
    let (mut lines, mut offered) = (Vec::new(), 0);
    for _ in 0..20 {
        let mut progress = Progress::default();
        let more = one.follower.poll_one(SourceId(0), 0, &mut progress, |_, _, line, chance| {
            let Line::Whole(text) = line else { panic!("{line:?}") };
            assert_eq!(chance, Chance::OneOfMany);
            if text.starts_with(b"n") {
                offered += 1;
                if offered % 2 == 1 {
                    return Wanted::Not;
                }
            }
            lines.push(String::from_utf8_lossy(text).into_owned());
            Wanted::More
        });
        if !more {
            return lines;
        }
    }
    panic!("it does not come to an end: {lines:?}")
}

#[test]
fn a_line_that_is_not_wanted_yet_comes_again_and_the_position_is_before_it() {
    let text = "first, long enough to be known\nnot yet\nthird\nnor this\n";
    let mut one = One::new(Start::Beginning, text);
    let mut progress = Progress::default();
    let more = one.follower.poll_one(SourceId(0), 0, &mut progress, |_, _, line, _| match line {
        Line::Whole(text) if text.starts_with(b"n") => Wanted::Not,
        _ => Wanted::More,
    });
    assert_eq!((more, progress.lines), (true, 1));
    let saved = one.follower.position();
    assert_eq!(with_pauses(&mut one), ["not yet", "third", "nor this"]);
    one.follower = Follower::new(vec![one.path("a.log")], Start::End, Some(&saved));
    assert_eq!(with_pauses(&mut one), ["not yet", "third", "nor this"]);
    // What is unpacked cannot be read again, and waits where it is.
    let mut packed = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    packed.write_all(text.as_bytes()).unwrap();
    fs::write(one.path("a.log.1.gz"), packed.finish().unwrap()).unwrap();
    fs::remove_file(one.path("a.log")).unwrap();
    one.follower = Follower::new(vec![one.path("a.log")], Start::End, Some(&saved));
    assert_eq!(with_pauses(&mut one), ["not yet", "third", "nor this"]);
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
