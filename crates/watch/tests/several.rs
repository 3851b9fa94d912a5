//! Several logs that are followed at once, whose clocks and writers differ.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::fs::File;
use std::io::Write as _;
use std::path::PathBuf;

use ratewarden_judge::findings::FindingBans;
use ratewarden_logs::Options;
use ratewarden_watch::follow::Start;
use ratewarden_watch::{Behind, Credentials, Engine, Live, NewsState, Pipeline, Settings, detectors};

const HOUR: i64 = 3_600;

/// Two logs that are followed, and what is said of them.
struct Two {
    folder: tempfile::TempDir,
    live: Live,
    now_ms: u64,
    opened: Vec<String>,
    ended: usize,
    clocks: Vec<(String, Behind)>,
}

/// A call so many seconds after noon.
fn line(secs: i64, last: u8, login: bool) -> String {
    let secs = 12 * HOUR + secs;
    let (hour, minute, second) = (secs / HOUR, secs / 60 % 60, secs % 60);
    let (request, status) = if login { ("POST /login", 401) } else { ("GET /data", 200) };
    format!(
        "192.0.2.{last} - - [27/Nov/2026:{hour:02}:{minute:02}:{second:02} +0000] \"{request} HTTP/1.1\" \
         {status} 5 \"-\" \"Go-http-client/2.0\"\n"
    )
}

impl Two {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let paths: Vec<PathBuf> = ["a.log", "b.log"].map(|name| folder.path().join(name)).into();
        let settings = Settings { detectors: detectors(), lateness: 10, seed: 1, ..Settings::default() };
        let credentials = Credentials::new([7; 16], None);
        let pipeline = Pipeline::new(Engine::new(settings), credentials, FindingBans::of_logs());
        let live = Live::new(&paths, Start::Beginning, &Options::default(), pipeline, None).unwrap().0;
        Self { folder, live, now_ms: 0, opened: Vec::new(), ended: 0, clocks: Vec::new() }
    }

    fn write(&self, name: &str, text: &str) {
        let path = self.folder.path().join(name);
        File::options().create(true).append(true).open(path).unwrap().write_all(text.as_bytes()).unwrap();
    }

    /// Reads all that is there, at a time in seconds.
    fn read(&mut self, secs: i64) {
        self.now_ms = u64::try_from(secs * 1_000).unwrap();
        loop {
            let step = self.live.step(self.now_ms);
            for news in step.news {
                match news.state {
                    NewsState::Opened => {
                        self.opened.push(format!("{} {}", news.finding.rule, news.finding.subject.label()));
                    }
                    NewsState::Joined => {}
                    NewsState::Ended => self.ended += 1,
                }
            }
            self.clocks.extend(
                step.clocks
                    .into_iter()
                    .map(|(name, behind)| (name.rsplit('/').next().unwrap_or_default().to_owned(), behind)),
            );
            if !step.more {
                return;
            }
        }
    }

    /// Sorted, as often as each has opened.
    fn opened(&self) -> Vec<String> {
        let mut opened = self.opened.clone();
        opened.sort();
        opened
    }

    fn late(&self, name: &str) -> Vec<u64> {
        let of = self.clocks.iter().filter(|(log, _)| log == name);
        let calls = of.filter_map(|(_, behind)| match behind {
            Behind::Late { calls, .. } => Some(*calls),
            Behind::Moved(_) | Behind::Again => None,
        });
        calls.collect()
    }
}

/// What is found of guesses from these addresses.
fn guessing(from: &[u8]) -> Vec<String> {
    let rules = ["watch.login-brute-force", "watch.token-guessing"];
    rules.iter().flat_map(|rule| from.iter().map(move |last| format!("{rule} 192.0.2.{last}"))).collect()
}

#[test]
fn abuse_in_a_log_whose_clock_is_an_hour_behind_is_found_and_its_clock_is_said() {
    let mut two = Two::new();
    for secs in 0..300 {
        two.write("a.log", &line(secs, 1, false));
        // Somebody guesses at the other host from the second minute on.
        two.write("b.log", &line(secs - HOUR, 2, secs > 100));
        two.read(secs);
    }
    assert_eq!(two.opened(), guessing(&[2]), "{:?}", two.clocks);
    assert_eq!(two.ended, 0, "nothing begins anew");
    let moved = two.clocks.iter().filter(|(_, behind)| matches!(behind, Behind::Moved(3_595..=3_605)));
    assert_eq!(moved.map(|(name, _)| name.as_str()).collect::<Vec<_>>(), ["b.log"], "{:?}", two.clocks);
    assert_eq!((two.late("a.log"), two.late("b.log").len()), (vec![], 1), "{:?}", two.clocks);
    // Its clock is set right.
    for secs in 300..400 {
        two.write("a.log", &line(secs, 1, false));
        two.write("b.log", &line(secs, 3, false));
        two.read(secs);
    }
    assert_eq!(two.clocks.last(), Some(&("b.log".to_owned(), Behind::Again)));
    assert_eq!(two.opened(), guessing(&[2]));
}

#[test]
fn a_busy_log_far_behind_does_not_make_the_others_begin_anew_and_what_is_missed_is_counted() {
    let mut two = Two::new();
    let mut written = 0;
    for secs in 0..120 {
        two.write("a.log", &line(secs, 1, true));
        if secs % 60 == 30 {
            // What another host has sent of the hour before: the newest of it is of now.
            let sent: Vec<String> = (0..1_800).map(|at| line(secs - HOUR + 2 * at, 2, false)).collect();
            written += sent.len() as u64;
            two.write("b.log", &(sent.concat() + &line(secs, 2, false)));
        }
        two.read(secs);
    }
    assert_eq!(two.opened(), guessing(&[1]), "nobody is accused of a rush");
    assert_eq!(two.ended, 0, "the guessing is one finding, and not one for each time that lines were sent");
    let Some((_, Behind::Late { calls, left_out, most })) =
        two.clocks.iter().find(|(name, _)| name == "b.log")
    else {
        panic!("nothing is said: {:?}", two.clocks)
    };
    assert!((1_780..=1_800).contains(calls) && *left_out > 1_000 && *most > 3_500, "{:?}", two.clocks);
    assert!(two.clocks.iter().all(|(_, behind)| matches!(behind, Behind::Late { .. })), "{:?}", two.clocks);
    assert!(written > *calls);
}

#[test]
fn logs_that_are_caught_up_with_are_read_side_by_side() {
    let mut two = Two::new();
    for (name, last) in [("a.log", 1), ("b.log", 2)] {
        let is_guess = |secs| (HOUR..HOUR + 120).contains(&secs);
        let text: String = (0..2 * HOUR).map(|secs| line(secs, last, is_guess(secs))).collect();
        two.write(name, &text);
    }
    two.read(0);
    assert_eq!(two.opened(), guessing(&[1, 2]));
    assert_eq!(two.clocks, []);
}
