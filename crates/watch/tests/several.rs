//! Several logs that are followed at once, whose clocks and writers differ.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::fs::File;
use std::io::Write as _;
use std::path::PathBuf;

use ratewarden_judge::findings::FindingBans;
use ratewarden_logs::Options;
use ratewarden_watch::follow::Start;
use ratewarden_watch::{Credentials, Engine, Live, Missed, NewsState, Pipeline, Settings, detectors};

const HOUR: i64 = 3_600;

/// Logs that are followed, and what is said of them.
struct Several {
    folder: tempfile::TempDir,
    live: Live,
    now_ms: u64,
    opened: Vec<String>,
    ended: usize,
    missed: Vec<(String, Missed)>,
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

impl Several {
    /// Follows these logs, which are there already.
    fn of(logs: &[(&str, String)], keeps_state: bool) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let paths: Vec<PathBuf> = logs.iter().map(|(name, _)| folder.path().join(name)).collect();
        let settings = Settings { detectors: detectors(), lateness: 10, seed: 1, ..Settings::default() };
        let credentials = Credentials::new([7; 16], None);
        let pipeline = Pipeline::new(Engine::new(settings), credentials, FindingBans::of_logs());
        let state = keeps_state.then(|| folder.path().join("state"));
        let live = Live::new(&paths, Start::Beginning, &Options::default(), pipeline, state.as_deref());
        let live = live.unwrap().0;
        let several = Self { folder, live, now_ms: 0, opened: Vec::new(), ended: 0, missed: Vec::new() };
        logs.iter().for_each(|(name, text)| several.write(name, text));
        several
    }

    fn two() -> Self {
        Self::of(&[("a.log", String::new()), ("b.log", String::new())], false)
    }

    fn write(&self, name: &str, text: &str) {
        let path = self.folder.path().join(name);
        File::options().create(true).append(true).open(path).unwrap().write_all(text.as_bytes()).unwrap();
    }

    /// Reads all that is there, at a time in seconds.
    fn read(&mut self, secs: i64) {
        self.now_ms = u64::try_from(secs * 1_000).unwrap();
        for turn in 0.. {
            assert!(turn < 200_000, "it does not come to an end");
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
            let named = |(name, missed): (String, Missed)| {
                (name.rsplit('/').next().unwrap_or_default().to_owned(), missed)
            };
            self.missed.extend(step.missed.into_iter().map(named));
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
}

/// What is found of guesses from these addresses.
fn guessing(from: &[u8]) -> Vec<String> {
    let rules = ["watch.login-brute-force", "watch.token-guessing"];
    rules.iter().flat_map(|rule| from.iter().map(move |last| format!("{rule} 192.0.2.{last}"))).collect()
}

#[test]
fn abuse_in_a_log_whose_clock_is_an_hour_behind_is_found_and_its_lateness_is_said() {
    let mut two = Several::two();
    for secs in 0..300 {
        two.write("a.log", &line(secs, 1, false));
        // Somebody guesses at the other host from the second minute on.
        two.write("b.log", &line(secs - HOUR, 2, secs > 100));
        two.read(secs);
    }
    let mut found = two.opened();
    found.dedup();
    assert_eq!(found, guessing(&[2]), "{:?}", two.missed);
    let late = |(name, missed): &(String, Missed)| {
        assert_eq!(name, "b.log");
        assert!((3_580..=3_600).contains(&missed.most) && missed.left_out == 0, "{missed:?}");
        missed.late
    };
    let late: Vec<u64> = two.missed.iter().map(late).collect();
    assert!(matches!(late[..], [1, 10..=19, 100..=199]), "the first time, then at each tenfold: {late:?}");
}

#[test]
fn a_busy_log_far_behind_does_not_make_the_others_begin_anew_and_what_is_missed_is_counted() {
    let mut two = Several::two();
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
    let Some((name, missed)) = two.missed.first() else { panic!("nothing is said") };
    assert_eq!(name, "b.log");
    assert!((1_780..=1_800).contains(&missed.late) && missed.left_out > 1_000 && missed.most > 3_500);
    assert!(written > missed.late);
}

/// Two hours of a call a second, of which two minutes are guesses.
fn two_hours(last: u8, from: i64) -> String {
    let is_guess = |secs: i64| (HOUR..HOUR + 120).contains(&secs);
    (0..2 * HOUR).map(|secs| line(from + secs, last, is_guess(secs))).collect()
}

#[test]
fn logs_that_are_caught_up_with_are_read_side_by_side_in_whatever_order_they_are_named() {
    for keeps_state in [false, true] {
        let logs = [("a.log", 0), ("b.log", 0), ("old.log", -6 * HOUR), ("sparse.log", 0)];
        for turn in 0..logs.len() {
            let mut logs: Vec<(&str, String)> = (1..)
                .zip(logs)
                .map(|(last, (name, from))| match name {
                    // A call each quarter of an hour.
                    "sparse.log" => (name, (0..8).map(|at| line(at * 900, last, false)).collect::<String>()),
                    _ => (name, two_hours(last, from)),
                })
                .collect();
            logs.rotate_left(turn);
            let mut several = Several::of(&logs, keeps_state);
            several.read(0);
            assert_eq!(several.opened(), guessing(&[1, 2, 3]), "{turn}");
            assert_eq!(several.missed, [], "{turn}");
            assert_eq!(several.live.counts().misdated, 0, "the call after a silence counts: {turn}");
            assert_eq!(several.live.counts().calls, 3 * 7_200 + 8, "{turn}");
        }
    }
}

#[test]
fn a_date_of_another_year_does_not_keep_its_log_waiting() {
    let log = two_hours(1, 0);
    let (first, rest) = log.split_at(line(0, 1, false).len() * 100);
    let odd = line(0, 9, false).replace("2026", "2039");
    let mut several =
        Several::of(&[("a.log", [first, odd.as_str(), rest].concat()), ("b.log", two_hours(2, 0))], false);
    several.read(0);
    assert_eq!(several.opened(), guessing(&[1, 2]));
    assert_eq!((several.missed.len(), several.live.counts().misdated), (0, 1));
}
