//! Bans that are on their way, those that will not arrive, and the file that remembers the former.

use std::collections::HashMap;
use std::io;
use std::path::Path;
use std::time::Duration;

use ratewarden_watch::{Ban, write_document};

use crate::stderr;

/// Bans that are on their way at once.
const MOST: usize = 1024;
/// A ban that lasts no longer than this is not worth asking for.
pub(super) const LEAST: Duration = Duration::from_secs(1);
/// When a ban that came to nothing may be decided on again, doubled each time up to ten minutes.
const FIRST_AGAIN: Duration = Duration::from_secs(5);
const LONGEST_AGAIN: Duration = Duration::from_secs(600);

/// Bans that are on their way.
#[derive(Debug, Default)]
pub(super) struct Waiting {
    bans: Vec<Ban>,
    /// Those that will not arrive, and why; `None` where that is nothing to be said.
    lost: Vec<(Ban, Option<String>)>,
    /// What was said of whose bans came to nothing, by fingerprint.
    failed: HashMap<String, Failed>,
    /// It is not what stands in the file.
    has_changed: bool,
}

#[derive(Debug)]
struct Failed {
    why: String,
    again: Duration,
}

impl Waiting {
    /// Takes a ban; `false` where too many are on their way.
    pub(super) fn add(&mut self, ban: &Ban) -> bool {
        let has_place = self.bans.len() < MOST;
        if has_place {
            self.bans.push(ban.clone());
            self.has_changed = true;
        }
        has_place
    }

    /// It has arrived.
    pub(super) fn arrived(&mut self, ban: &Ban) {
        self.failed.remove(&ban.fingerprint);
        self.remove(ban);
    }

    /// It will not arrive.
    pub(super) fn lost(&mut self, ban: &Ban, why: String) {
        if self.remove(ban) {
            self.lost.push((ban.clone(), Some(why)));
        }
    }

    /// It has no place.
    pub(super) fn left_out(&mut self, ban: Ban) {
        self.lost.push((ban, Some("too many wait for the gateway".to_owned())));
    }

    /// It was on its way when the last run ended, and is so no more.
    pub(super) fn let_go(&mut self, ban: Ban) {
        self.has_changed = true;
        self.lost.push((ban, None));
    }

    /// Whether a ban is on its way.
    pub(super) fn has(&self, ban: &Ban) -> bool {
        self.bans.contains(ban)
    }

    fn remove(&mut self, ban: &Ban) -> bool {
        let before = self.bans.len();
        self.bans.retain(|other| other != ban);
        let is_gone = self.bans.len() < before;
        self.has_changed |= is_gone;
        is_gone
    }

    /// Takes out what came to nothing, with when it may be decided on again. Why is said the first time, and when it changes.
    pub(super) fn take_lost(&mut self, now_ms: i64) -> Vec<(Ban, Duration)> {
        let is_over = |ban: &Ban| ban.left(now_ms) < LEAST;
        let over: Vec<Ban> = self.bans.iter().filter(|ban| is_over(ban)).cloned().collect();
        for ban in &over {
            self.lost(ban, "it has ended before it could be placed".to_owned());
        }
        let lost = std::mem::take(&mut self.lost);
        let again = |(ban, why): (Ban, Option<String>)| {
            let again = why.map_or(FIRST_AGAIN, |why| self.fail(&ban, why));
            (ban, again)
        };
        lost.into_iter().map(again).collect()
    }

    fn fail(&mut self, ban: &Ban, why: String) -> Duration {
        let before = self.failed.get(&ban.fingerprint);
        let again = before.map_or(FIRST_AGAIN, |before| (before.again * 2).min(LONGEST_AGAIN));
        if before.is_none_or(|before| before.why != why) {
            let (kind, whom) = (ban.subject.kind(), ban.subject.label());
            stderr::error(&format!(
                "the ban of {kind} {whom} was not placed: {why}; trying again while what it is for goes on"
            ));
        }
        if self.failed.len() >= MOST && before.is_none() {
            // Said once more, at worst.
            self.failed.clear();
        }
        self.failed.insert(ban.fingerprint.clone(), Failed { why, again });
        again
    }

    /// A finding has ended: what is said of its bans is said anew.
    pub(super) fn ended(&mut self, fingerprint: &str) {
        self.failed.remove(fingerprint);
    }

    /// Writes down what is on its way, where that has changed.
    pub(super) fn save(&mut self, document: &Path) -> io::Result<()> {
        if self.has_changed {
            write_document(document, &Ban::to_json(&self.bans)?)?;
            self.has_changed = false;
        }
        Ok(())
    }
}

/// What was on its way when the file was written.
pub(super) fn read(document: &Path) -> io::Result<Vec<Ban>> {
    match std::fs::read(document) {
        Ok(bytes) => Ban::from_json(&bytes),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Vec::new()),
        Err(error) => Err(error),
    }
}

#[cfg(test)]
mod tests {
    use ratewarden_model::{Subject, SubjectKind};

    use super::*;

    fn ban(number: u8, until: &str) -> Ban {
        let address = std::net::Ipv4Addr::new(192, 0, 2, number);
        Ban {
            subject: Subject::named(SubjectKind::Address, address.to_string()),
            seconds: 600,
            until: until.to_owned(),
            reason: "watch.flood".to_owned(),
            rule: "watch.flood".to_owned(),
            fingerprint: number.to_string(),
            id: u128::from(number) << 100,
            address: Some(address.into()),
        }
    }

    const UNTIL: &str = "1970-01-01T00:10:00Z";

    #[test]
    fn what_came_to_nothing_is_tried_again_after_twice_as_long_each_time() {
        let mut waiting = Waiting::default();
        let fails = |waiting: &mut Waiting| {
            assert!(waiting.add(&ban(1, UNTIL)));
            waiting.lost(&ban(1, UNTIL), "422".to_owned());
            waiting.take_lost(0).into_iter().map(|(_, again)| again.as_secs()).collect::<Vec<_>>()
        };
        let given: Vec<Vec<u64>> = (0..9).map(|_| fails(&mut waiting)).collect();
        assert_eq!(given.concat(), [5, 10, 20, 40, 80, 160, 320, 600, 600]);
        waiting.ended("1");
        assert_eq!(fails(&mut waiting), [5]);
        assert!(waiting.add(&ban(1, UNTIL)));
        waiting.arrived(&ban(1, UNTIL));
        assert_eq!((fails(&mut waiting), waiting.take_lost(0)), (vec![5], vec![]));
    }

    #[test]
    fn a_ban_that_ends_on_its_way_comes_to_nothing_once() {
        let mut waiting = Waiting::default();
        assert!(waiting.add(&ban(1, UNTIL)) && waiting.add(&ban(2, "1970-01-01T00:20:00Z")));
        assert_eq!(waiting.take_lost(599_000), []);
        let lost: Vec<Ban> = waiting.take_lost(599_001).into_iter().map(|(ban, _)| ban).collect();
        assert_eq!(lost, [ban(1, UNTIL)]);
        // Whoever was on the way with it is told no by now.
        waiting.lost(&ban(1, UNTIL), "422".to_owned());
        assert_eq!(waiting.take_lost(599_002), []);
        assert!(waiting.has(&ban(2, "1970-01-01T00:20:00Z")));
    }

    #[test]
    fn what_is_on_its_way_is_bounded_and_stands_in_the_file_as_it_is() {
        let folder = tempfile::tempdir().unwrap();
        let document = folder.path().join("bans.json");
        assert_eq!(read(&document).unwrap(), []);
        let mut waiting = Waiting::default();
        assert!((0..MOST).all(|_| waiting.add(&ban(1, UNTIL))) && !waiting.add(&ban(2, UNTIL)));
        waiting.arrived(&ban(1, UNTIL));
        assert!(waiting.add(&ban(3, UNTIL)));
        waiting.save(&document).unwrap();
        assert_eq!(read(&document).unwrap(), [ban(3, UNTIL)]);
    }
}
