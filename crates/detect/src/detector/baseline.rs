//! A route or a caller far outside its own history.
//!
//! Each group keeps how many calls it had in each hour of the last two weeks. An hour stands out when it has many
//! times more calls than any hour there was: against the most, not against an average, a nightly batch or a Monday is
//! history and not news, without a season having to be modelled. All traffic has a history too, and what rises with it
//! (a campaign) does not stand out.

use std::collections::{HashMap, VecDeque};

use ratewarden_model::Subject;

use super::{Around, Over, Raised, Seen};
use crate::event::Event;
use crate::hash::Hashed;

/// Groups that are kept.
const GROUPS: usize = 4096;
const HOUR: u32 = 3600;
/// Hours that are remembered.
const HOURS: usize = 14 * 24;
/// Hours there must be before anything is said.
const ENOUGH: usize = 3 * 24;

#[derive(Debug)]
pub(crate) struct Baseline {
    groups: HashMap<u64, History, Hashed>,
    /// No place is looked for until this hour: all groups are alive.
    full_until: u32,
    all: History,
    /// Groups that have calls enough in this hour, so that not all have to be looked at.
    busy: Vec<u64>,
    busy_hour: u32,
    factor: u32,
    calls: u32,
}

#[derive(Debug)]
struct History {
    subject: Subject,
    hour: u32,
    first: u32,
    now: u32,
    past: VecDeque<u32>,
}

impl Baseline {
    pub(crate) fn new(factor: u32, calls: u32) -> Self {
        let all = History::new(Subject::named(ratewarden_model::SubjectKind::Route, ""), 0, 0);
        Self { groups: HashMap::default(), full_until: 0, all, busy: Vec::new(), busy_hour: 0, factor, calls }
    }

    pub(crate) fn see(&mut self, group: u64, event: &Event, around: &Around<'_>) -> Seen {
        let hour = event.second / HOUR;
        self.all.add(hour, event.second);
        if let Some(history) = self.groups.get_mut(&group) {
            history.add(hour, event.second);
            if history.now == self.calls && history.hour == hour {
                if hour > self.busy_hour {
                    self.busy.clear();
                    self.busy_hour = hour;
                }
                self.busy.push(group);
            }
            return Seen::Quiet;
        }
        if self.groups.len() >= GROUPS {
            // Who was not seen for a week makes room. That is a look at all groups, so it is done once an hour.
            if hour < self.full_until {
                return Seen::Quiet;
            }
            self.groups.retain(|_, history| history.hour + 7 * 24 > hour);
            if self.groups.len() >= GROUPS {
                self.full_until = hour + 1;
                return Seen::Quiet;
            }
        }
        let subject = crate::label::subject(around.of, event, around);
        let mut history = History::new(subject, hour, event.second);
        history.add(hour, event.second);
        self.groups.insert(group, history);
        Seen::Quiet
    }

    pub(crate) fn tick(&mut self, now: u32) -> Vec<Raised> {
        let hour = now / HOUR;
        let mut raised = Vec::new();
        for &key in self.busy.iter().filter(|_| self.busy_hour == hour) {
            let Some(history) = self.groups.get(&key) else { continue };
            let Some(most) = history.most(hour).filter(|_| history.now >= self.calls) else { continue };
            let rise = self.all.rise_beside(history, most, hour);
            let allowed = f64::from(most.max(1)) * f64::from(self.factor) * rise.max(1.0);
            if f64::from(history.now) >= allowed {
                let facts = vec![("most_calls_in_an_hour_before", most.into())];
                let over = Over { count: history.now.into(), error: 0, since: history.first };
                raised.push(Raised { key, subject: history.subject.clone(), facts, over });
            }
        }
        raised
    }

    pub(crate) fn bytes(&self) -> usize {
        self.groups.len() * (HOURS * 4 + 160)
    }
}

impl History {
    fn new(subject: Subject, hour: u32, second: u32) -> Self {
        Self { subject, hour, first: second, now: 0, past: VecDeque::new() }
    }

    fn add(&mut self, hour: u32, second: u32) {
        if hour > self.hour {
            if self.hour > 0 {
                self.push(self.now);
                let silent = usize::try_from(hour - self.hour - 1).unwrap_or(HOURS).min(HOURS);
                (0..silent).for_each(|_| self.push(0));
            }
            (self.hour, self.first, self.now) = (hour, second, 0);
        } else if hour < self.hour {
            return;
        }
        self.first = self.first.min(second);
        self.now = self.now.saturating_add(1);
    }

    fn push(&mut self, calls: u32) {
        self.past.push_back(calls);
        if self.past.len() > HOURS {
            self.past.pop_front();
        }
    }

    /// The most calls of any hour before, where there were hours enough and the current one is `hour`.
    fn most(&self, hour: u32) -> Option<u32> {
        let is_known = self.hour == hour && self.past.len() >= ENOUGH;
        self.past.iter().copied().max().filter(|_| is_known)
    }

    /// How many times the most calls of any hour before there are now, those of one group, which had `most`, left out.
    fn rise_beside(&self, group: &Self, most: u32, hour: u32) -> f64 {
        let others = |most_of_all: u32| most_of_all.saturating_sub(most).max(1);
        let now = self.now.saturating_sub(group.now);
        self.most(hour).map_or(1.0, |all| f64::from(now) / f64::from(others(all)))
    }
}
