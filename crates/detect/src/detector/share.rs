//! One key with an outsized share of a group's calls: a hot partition.
//!
//! Each group (a route, a table) has two sketches of the most frequent keys, of this half of the window and of the one
//! before. They are looked at every few seconds. A share counts only where there are several keys, and where it is several
//! times that of the next: an API with one key is not skewed, nor is one with three.

use std::collections::HashMap;

use ratewarden_model::{Subject, SubjectKind};

use super::{Around, Over, Raised, Seen};
use crate::event::Event;
use crate::sketch::{Sketch, Summary};
use crate::spec::By;

/// Groups that are kept.
const GROUPS: usize = 512;
/// Keys of a group that are counted.
const KEYS: usize = 128;
/// Different keys that a group must have.
const OTHERS: usize = 10;
/// So many times the calls of the next key.
const TIMES: u64 = 4;

#[derive(Debug)]
pub(crate) struct Share {
    groups: HashMap<u64, Group>,
    of: By,
    percent: u32,
    calls: u32,
    /// Seconds of half a window.
    half: u32,
}

#[derive(Debug)]
struct Group {
    number: u32,
    first: u32,
    first_before: u32,
    now: Sketch<Label>,
    before: Summary<Label>,
    calls: u64,
    calls_before: u64,
}

/// What a key is called, and the hash of group and key.
type Label = (u64, String);

impl Share {
    pub(crate) fn new(of: By, percent: u32, calls: u32, seconds: u32) -> Self {
        Self { groups: HashMap::new(), of, percent, calls: calls.max(1), half: seconds.div_ceil(2).max(1) }
    }

    pub(crate) fn see(&mut self, group: u64, key: u64, event: &Event, around: &Around<'_>) -> Seen {
        if key == 0 {
            return Seen::Quiet;
        }
        let number = event.second / self.half;
        if self.groups.len() >= GROUPS && !self.groups.contains_key(&group) {
            self.groups.retain(|_, kept| kept.number + 2 > number);
            if self.groups.len() >= GROUPS {
                return Seen::Quiet;
            }
        }
        let kept = self.groups.entry(group).or_insert_with(|| Group::new(number, event.second));
        if number > kept.number {
            kept.advance(number, event.second);
        } else if number + 1 < kept.number {
            return Seen::Quiet;
        }
        kept.calls += 1;
        kept.first = kept.first.min(event.second);
        let of = self.of;
        kept.now.add(u128::from(key), || {
            let name = crate::label::subject(of, event, around).label();
            (crate::hash::both(group, key), name)
        });
        Seen::Quiet
    }

    pub(crate) fn tick(&mut self, now: u32) -> Vec<Raised> {
        let mut raised = Vec::new();
        let number = now / self.half;
        for group in self.groups.values().filter(|group| group.number + 1 >= number) {
            let calls = group.calls + group.calls_before;
            if calls < u64::from(self.calls) {
                continue;
            }
            let both = group.now.summary().merged(&group.before, KEYS);
            if both.ranked.len() < OTHERS {
                continue;
            }
            let is_over = |count: u64| count * 100 >= calls * u64::from(self.percent);
            let next = both.ranked.get(1).map_or(0, |next| next.count);
            let hot =
                both.ranked.first().filter(|one| is_over(one.count - one.error) && one.count >= TIMES * next);
            if let Some(one) = hot {
                let subject = Subject::named(kind(self.of), one.label.1.clone());
                let since = if group.calls_before > 0 { group.first_before } else { group.first };
                let over = Over { count: one.count, error: one.error, since };
                let facts = vec![("of_calls", calls.into())];
                raised.push(Raised { key: one.label.0, subject, facts, over });
            }
        }
        raised
    }

    pub(crate) fn bytes(&self) -> usize {
        self.groups.len() * KEYS * 2 * 120
    }
}

const fn kind(of: By) -> SubjectKind {
    match of {
        By::Key => SubjectKind::Key,
        By::Address => SubjectKind::Address,
        By::Prefix | By::WideNetwork => SubjectKind::Prefix,
        By::Asn => SubjectKind::Asn,
        By::Country => SubjectKind::Country,
        By::Token => SubjectKind::Token,
        By::User => SubjectKind::User,
        By::Route | By::Template | By::Path | By::Query | By::Target | By::All | By::Method | By::Status => {
            SubjectKind::Route
        }
        By::Caller | By::Anybody | By::Agent => SubjectKind::Caller,
    }
}

impl Group {
    fn new(number: u32, second: u32) -> Self {
        Self {
            number,
            first: second,
            first_before: second,
            now: Sketch::new(KEYS),
            before: Summary::default(),
            calls: 0,
            calls_before: 0,
        }
    }

    fn advance(&mut self, number: u32, second: u32) {
        if number == self.number + 1 {
            self.before = self.now.summary();
            (self.calls_before, self.first_before) = (self.calls, self.first);
        } else {
            (self.before, self.calls_before) = (Summary::default(), 0);
        }
        (self.now, self.calls, self.first, self.number) = (Sketch::new(KEYS), 0, second, number);
    }
}
