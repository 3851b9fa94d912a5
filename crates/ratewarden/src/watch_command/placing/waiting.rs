//! Bans that are on their way, those that will not arrive, and the file that remembers the former.

use std::collections::HashMap;
use std::io;
use std::path::Path;
use std::time::Duration;

use ratewarden_watch::Ban;

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
    to_say: Vec<String>,
    /// Grows with each change; and what it was of what stands in the file.
    version: u64,
    saved: u64,
}

#[derive(Debug)]
struct Failed {
    /// The reasons that were said.
    said: Vec<String>,
    again: Duration,
    /// When it came to nothing the last time: who did so longest ago makes room.
    at_ms: i64,
}

/// Reasons of one finding that are remembered as said.
const REASONS: usize = 8;

impl Waiting {
    /// Takes a ban; `false` where too many are on their way.
    pub(super) fn add(&mut self, ban: &Ban) -> bool {
        let has_place = self.bans.len() < MOST;
        if has_place {
            self.bans.push(ban.clone());
            self.version += 1;
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
        self.version += 1;
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
        self.version += u64::from(is_gone);
        is_gone
    }

    /// Takes out what came to nothing, with when it may be decided on again. Each reason is said once,
    /// by whoever asks here.
    pub(super) fn take_lost(&mut self, now_ms: i64) -> (Vec<(Ban, Duration)>, Vec<String>) {
        let is_over = |ban: &Ban| ban.left(now_ms) < LEAST;
        let over: Vec<Ban> = self.bans.iter().filter(|ban| is_over(ban)).cloned().collect();
        for ban in &over {
            self.lost(ban, "it has ended before it could be placed".to_owned());
        }
        let lost = std::mem::take(&mut self.lost);
        let again = |(ban, why): (Ban, Option<String>)| {
            let again = why.map_or(FIRST_AGAIN, |why| self.fail(&ban, why, now_ms));
            (ban, again)
        };
        let lost = lost.into_iter().map(again).collect();
        (lost, std::mem::take(&mut self.to_say))
    }

    fn fail(&mut self, ban: &Ban, why: String, now_ms: i64) -> Duration {
        if self.failed.len() >= MOST && !self.failed.contains_key(&ban.fingerprint) {
            let longest_ago = self.failed.iter().min_by_key(|(_, failed)| failed.at_ms);
            // Its reason is said once more, at worst.
            if let Some(fingerprint) = longest_ago.map(|(fingerprint, _)| fingerprint.clone()) {
                self.failed.remove(&fingerprint);
            }
        }
        let failed = self.failed.entry(ban.fingerprint.clone());
        let failed = failed.and_modify(|failed| failed.again = (failed.again * 2).min(LONGEST_AGAIN));
        let failed = failed.or_insert_with(|| Failed { said: Vec::new(), again: FIRST_AGAIN, at_ms: now_ms });
        failed.at_ms = now_ms;
        if !failed.said.contains(&why) && failed.said.len() < REASONS {
            let (kind, whom) = (ban.subject.kind(), ban.subject.label());
            self.to_say.push(format!(
                "the ban of {kind} {whom} was not placed: {why}; trying again while what it is for goes on"
            ));
            failed.said.push(why);
        }
        failed.again
    }

    /// A finding has ended: what is said of its bans is said anew.
    pub(super) fn ended(&mut self, fingerprint: &str) {
        self.failed.remove(fingerprint);
    }

    /// What is on its way, to be written down, with a number that tells it from other states; `None` where that stands there.
    pub(super) fn unsaved(&self) -> io::Result<Option<(u64, Vec<u8>)>> {
        let has_changed = self.version != self.saved;
        has_changed.then(|| Ok((self.version, Ban::to_json(&self.bans)?))).transpose()
    }

    /// The state of that number stands in the file.
    pub(super) const fn saved(&mut self, version: u64) {
        self.saved = version;
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
            waiting.take_lost(0).0.into_iter().map(|(_, again)| again.as_secs()).collect::<Vec<_>>()
        };
        let given: Vec<Vec<u64>> = (0..9).map(|_| fails(&mut waiting)).collect();
        assert_eq!(given.concat(), [5, 10, 20, 40, 80, 160, 320, 600, 600]);
        waiting.ended("1");
        assert_eq!(fails(&mut waiting), [5]);
        assert!(waiting.add(&ban(1, UNTIL)));
        waiting.arrived(&ban(1, UNTIL));
        assert_eq!((fails(&mut waiting), waiting.take_lost(0).0), (vec![5], vec![]));
    }

    #[test]
    fn each_reason_is_said_once_and_one_that_fails_longest_ago_makes_room_for_one_more() {
        let mut waiting = Waiting::default();
        let mut fail = |number: usize, why: &str, at_ms| {
            let failing = Ban { fingerprint: number.to_string(), ..ban(1, UNTIL) };
            waiting.fail(&failing, why.to_owned(), at_ms);
        };
        (0..MOST).for_each(|number| fail(number, "422", 5));
        ["422", "404", "422", "404"].into_iter().for_each(|why| fail(0, why, 6));
        fail(MOST, "422", 7);
        assert_eq!(waiting.failed.len(), MOST);
        let first = &waiting.failed["0"];
        assert_eq!(
            (first.said.as_slice(), first.again.as_secs()),
            (&["422".to_owned(), "404".to_owned()][..], 80)
        );
    }

    #[test]
    fn a_ban_that_ends_on_its_way_comes_to_nothing_once() {
        let mut waiting = Waiting::default();
        assert!(waiting.add(&ban(1, UNTIL)) && waiting.add(&ban(2, "1970-01-01T00:20:00Z")));
        assert_eq!(waiting.take_lost(599_000).0, []);
        let lost: Vec<Ban> = waiting.take_lost(599_001).0.into_iter().map(|(ban, _)| ban).collect();
        assert_eq!(lost, [ban(1, UNTIL)]);
        // Whoever was on the way with it is told no by now.
        waiting.lost(&ban(1, UNTIL), "422".to_owned());
        assert_eq!(waiting.take_lost(599_002).0, []);
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
        let (version, bytes) = waiting.unsaved().unwrap().unwrap();
        std::fs::write(&document, bytes).unwrap();
        waiting.let_go(ban(3, UNTIL));
        waiting.saved(version);
        assert!(waiting.unsaved().unwrap().is_some(), "it has changed meanwhile");
        assert_eq!(read(&document).unwrap(), [ban(3, UNTIL)]);
    }
}
