//! Episodes: from the call with which a group is over to the time when it is so no more.

use std::collections::{BTreeSet, HashMap};

use ratewarden_model::{Severity, Subject};
use serde_json::{Map, Value};

use super::{CASES, Engine, News, NewsState};
use crate::detector::{Around, Over, Raised, Seen};
use crate::event::{Batch, Event};
use crate::finding::{Case, ROUTES, SAMPLES};
use crate::label;
use crate::spec::By;

/// Different calls of a second that are looked at for samples and routes.
const WANTED: usize = 16;
/// Groups that are over at once: a finding may be of very many, such as one for each place that is tried.
const EPISODES: usize = 100_000;
/// An episode lasts at least so many seconds after its group was over.
const LINGERS: u32 = 60;

/// A group that is over.
#[derive(Debug)]
pub(super) struct Episode {
    /// Under which its case is kept.
    case: String,
    first: u32,
    last: u32,
    count: u64,
    error: u64,
    calls: u64,
    /// Calls since it was over the last time: part of it only if it is over again.
    pending: u64,
    samples: BTreeSet<String>,
    routes: BTreeSet<String>,
}

impl Engine {
    /// A call of a group that is over, or was.
    pub(super) fn follow(&mut self, place: usize, group: u64, event: &Event, seen: Seen, batch: &Batch) {
        let key = (place, group);
        match (seen, self.episodes.get_mut(&key)) {
            (Seen::Quiet, _) | (Seen::Under, None) => {}
            (Seen::Under, Some(episode)) => episode.pending += 1,
            (Seen::Over(over), Some(episode)) => {
                episode.calls += episode.pending + 1;
                episode.pending = 0;
                episode.last = episode.last.max(event.second);
                let is_total = self.detectors.get(place).is_some_and(|detector| detector.kind.counts_calls());
                let count = if is_total { episode.calls } else { over.count };
                if count >= episode.count {
                    episode.count = count;
                    episode.error = if is_total { episode.error } else { over.error };
                }
                if episode.samples.len() < SAMPLES {
                    self.wanting.push(key);
                }
            }
            (Seen::Over(over), None) => {
                let by = self
                    .detectors
                    .get(place)
                    .and_then(|detector| detector.per.first())
                    .copied()
                    .unwrap_or(By::All);
                let subject = label::subject(by, event, &self.around(batch, by));
                let is_address = matches!(subject.kind(), "address" | "prefix");
                if is_address && self.machines.iter().any(|machine| machine.is_front(event.source)) {
                    return;
                }
                self.open(place, group, subject, over, event.second, Map::new());
                self.wanting.push(key);
            }
        }
    }

    /// A group that a look at all groups found.
    pub(super) fn raise(&mut self, place: usize, raised: Raised, now: u32) {
        let facts: Map<String, Value> =
            raised.facts.into_iter().map(|(name, value)| (name.to_owned(), value)).collect();
        match self.episodes.get_mut(&(place, raised.key)) {
            Some(episode) => {
                episode.last = episode.last.max(now);
                if raised.over.count >= episode.count {
                    (episode.count, episode.error) = (raised.over.count, raised.over.error);
                    episode.calls = episode.calls.max(raised.over.count);
                    let case = self.cases.get_mut(&episode.case);
                    case.into_iter().for_each(|case| case.facts.extend(facts.clone()));
                }
            }
            None => {
                self.open(place, raised.key, raised.subject, raised.over, now, facts);
                self.wanting.push((place, raised.key));
            }
        }
    }

    fn open(
        &mut self,
        place: usize,
        group: u64,
        subject: Subject,
        over: Over,
        now: u32,
        facts: Map<String, Value>,
    ) {
        let Some(detector) = self.detectors.get(place).cloned() else { return };
        let name = format!("{}\n{}\n{}", detector.rule, subject.kind(), subject.label());
        let is_full = self.cases.len() >= CASES && !self.cases.contains_key(&name);
        if self.episodes.len() >= EPISODES || (is_full && !self.make_room(detector.severity)) {
            self.counts.findings_left_out += 1;
            return;
        }
        if let Some(machine) = self.machines.get_mut(place) {
            machine.set_active(group, true);
        }
        let first = over.since.min(now);
        let calls = over.count;
        let episode = Episode {
            case: name.clone(),
            first,
            last: now,
            count: over.count,
            error: over.error,
            calls,
            pending: 0,
            samples: BTreeSet::new(),
            routes: BTreeSet::new(),
        };
        self.episodes.insert((place, group), episode);
        let case = self.cases.entry(name).or_insert_with(|| Case::new(subject, place, first));
        case.facts.extend(facts);
        case.open += 1;
        if self.is_quiet {
            return;
        }
        let mut shown = case.clone();
        shown.take_in(first, now, over.count, over.error, calls);
        self.news.push(News {
            state: if case.open == 1 { NewsState::Opened } else { NewsState::Joined },
            detector: detector.name.clone(),
            finding: shown.finding(&detector),
        });
    }

    /// Makes room for a finding of this severity: of those that have ended and are no worse, half go, those with the
    /// fewest calls first. Half at once, so that a flood of findings does not look at all of them each time.
    fn make_room(&mut self, severity: Severity) -> bool {
        let of = |case: &Case| self.detectors.get(case.detector).map(|detector| detector.severity);
        let mut over: Vec<(Option<Severity>, u64, String)> = self
            .cases
            .iter()
            .filter(|(_, case)| case.open == 0 && of(case) <= Some(severity))
            .map(|(name, case)| (of(case), case.calls, name.clone()))
            .collect();
        over.sort_unstable();
        let gone = over.len().div_ceil(2);
        for (_, _, name) in over.into_iter().take(gone) {
            self.cases.remove(&name);
        }
        self.counts.findings_left_out += gone as u64;
        gone > 0
    }

    /// Collects samples and routes for episodes of this batch, the same whatever the order of its calls: one look at the
    /// batch for all that want any, however many do.
    pub(super) fn gather(&mut self, batch: &Batch) {
        let wanting = std::mem::take(&mut self.wanting);
        let around = self.around(batch, By::All);
        let plain = wanting.iter().filter(|(place, _)| *place < self.plain);
        let wanted = plain.fold(0_u128, |set, (place, _)| set | 1 << place);
        let mut found: HashMap<(usize, u64), BTreeSet<(String, String)>> =
            wanting.into_iter().map(|key| (key, BTreeSet::new())).collect();
        for event in &batch.events {
            let mut places = event.detectors & wanted;
            while places != 0 {
                let place = places.trailing_zeros() as usize;
                places &= places - 1;
                self.find(&mut found, place, event, &around);
            }
        }
        for hit in batch.hits() {
            if let Some(event) = batch.events.get(hit.event as usize) {
                self.find(&mut found, usize::from(hit.detector), event, &around);
            }
        }
        for (key, found) in found {
            let Some(episode) = self.episodes.get_mut(&key) else { continue };
            for (sample, route) in found {
                if episode.samples.len() < SAMPLES {
                    episode.samples.insert(sample);
                }
                if episode.routes.len() < ROUTES {
                    episode.routes.insert(route);
                }
            }
        }
    }

    /// Notes a call for the episode it is of, if that wants any.
    fn find(
        &self,
        found: &mut HashMap<(usize, u64), BTreeSet<(String, String)>>,
        place: usize,
        event: &Event,
        around: &Around<'_>,
    ) {
        let Some(machine) = self.machines.get(place) else { return };
        let Some(found) = found.get_mut(&(place, machine.episode(event, around))) else { return };
        let route = label::readable(self.intake.routes.get(event.route).text.as_bytes());
        found.insert((label::sample(event, around), route));
        if found.len() > WANTED {
            found.pop_last();
        }
    }

    /// Ends the episodes that have not been over for a while, at second `now`.
    pub(super) fn end_episodes(&mut self, now: u32) {
        let lingers = |place: usize| {
            self.detectors.get(place).map_or(LINGERS, |detector| detector.seconds.max(LINGERS))
        };
        let mut over: Vec<(usize, u64)> = self
            .episodes
            .iter()
            .filter(|((place, _), episode)| episode.last.saturating_add(lingers(*place)) < now)
            .map(|(&key, _)| key)
            .collect();
        // The same order whatever the map's.
        over.sort_by_key(|key| self.episodes.get(key).map(|episode| (episode.first, episode.case.clone())));
        for key in over {
            self.end(key);
        }
    }

    fn end(&mut self, key: (usize, u64)) {
        let Some(episode) = self.episodes.remove(&key) else { return };
        if let Some(machine) = self.machines.get_mut(key.0) {
            machine.set_active(key.1, false);
        }
        let Some(case) = self.cases.get_mut(&episode.case) else { return };
        episode.add_to(case);
        case.open = case.open.saturating_sub(1);
        // Detectors of one rule that see the same calls are over at once: that is one episode, and it goes on until none is.
        case.episodes += u32::from(case.open == 0);
        if case.open == 0
            && !self.is_quiet
            && let Some(detector) = self.detectors.get(case.detector)
        {
            self.news.push(News {
                state: NewsState::Ended,
                detector: detector.name.clone(),
                finding: case.finding(detector),
            });
        }
    }

    pub(super) fn around<'a>(&'a self, batch: &'a Batch, of: By) -> Around<'a> {
        Around {
            hasher: &self.intake.hasher,
            batch,
            geography: self.geography.as_deref(),
            routes: &self.intake.routes,
            of,
            part: 0,
        }
    }
}

impl Episode {
    /// Under which its case is kept.
    pub(super) fn case(&self) -> &str {
        &self.case
    }

    /// Its first second.
    pub(super) const fn first(&self) -> u32 {
        self.first
    }

    /// Adds its figures and samples to its case.
    pub(super) fn add_to(&self, case: &mut Case) {
        case.take_in(self.first, self.last, self.count, self.error, self.calls);
        case.add_samples(&self.samples, &self.routes);
    }
}
