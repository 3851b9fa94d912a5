//! A credential or a user in two places that nobody can be in at once.
//!
//! Distance over time, both with a floor: what is uncertain of both places is taken off the distance, short ways count
//! for nothing however fast, and the time is at least a minute. Places that several credentials call from (a company's
//! way out, a carrier) say nothing about where a person is; a jump waits a quarter of an hour, in which its places can
//! still turn out to be such.
//!
//! Who travels leaves. A credential that calls again within that time from where it was is used in both places at once, as
//! a service in two regions is, and has not moved. Then only a place that is new tells a thief: the credential had been
//! elsewhere alone for an hour or more, and goes on being used there while it shows up far away.

use std::collections::HashMap;

use ratewarden_model::Subject;

use super::{Around, Over, Raised, Seen};
use crate::event::Event;
use crate::geography::Point;
use crate::table::{State, Table};
use crate::window::{Marks, Stretches};

/// Groups that are kept.
const GROUPS: usize = 1 << 16;
/// Jumps that wait.
const WAITING: usize = 1024;
/// Seconds that a jump waits, and within which who calls again from a place has not left it.
const WAIT: u32 = 900;
/// Seconds after which a credential that was at one place only is known to be there.
const KNOWN: u32 = 3600;
/// Places of a group that are kept.
const PLACES: usize = 3;
/// From so many credentials on an address is shared.
const SHARED: u32 = 4;

/// A place that a group calls from.
#[derive(Debug, Clone, Copy, Default)]
struct Spot {
    /// The newest call from there; 0: none.
    last: u32,
    source: u64,
    country: [u8; 2],
    latitude: f32,
    longitude: f32,
    radius_km: f32,
}

/// Where a group has been.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Trail {
    /// Its first call.
    since: u32,
    window: u32,
    places: [Spot; PLACES],
}

impl State for Trail {
    fn weight(&self, now: u32, _places: u32) -> u32 {
        let last = self.places.iter().map(|place| place.last).max().unwrap_or(0);
        if last.saturating_add(self.window) < now { 0 } else { 1 }
    }

    fn touch(&self) -> u8 {
        self.since.to_le_bytes()[0]
    }
}

#[derive(Debug)]
pub(crate) struct Travel {
    trails: Table<Trail>,
    /// Credentials of each address.
    sharers: Table<Marks<1>>,
    stretches: Stretches,
    waiting: HashMap<u64, Jump>,
    kmh: f64,
    km: f64,
    seconds: u32,
}

#[derive(Debug, Clone)]
struct Jump {
    subject: Subject,
    first: u32,
    last: u32,
    sources: (u64, u64),
    countries: [[u8; 2]; 2],
    kmh: f64,
    km: f64,
    jumps: u64,
    /// The place that was left.
    from: Spot,
    /// It was called from again.
    has_returned: bool,
    /// The group had been known elsewhere for long, and the place is new.
    is_new: bool,
}

impl Travel {
    pub(crate) fn new(kmh: u32, km: u32, seconds: u32) -> Self {
        let stretches = Marks::<1>::stretches(86_400);
        Self {
            trails: Table::new(GROUPS, 0, 1),
            sharers: Table::new(GROUPS, 0, stretches.places()),
            stretches,
            waiting: HashMap::new(),
            kmh: kmh.into(),
            km: km.into(),
            seconds,
        }
    }

    /// Brings near what [`see`](Self::see) will ask of the group.
    #[inline(always)]
    pub(crate) fn touch(&self, group: u64) -> u8 {
        self.trails.touch(group)
    }

    pub(crate) fn see(&mut self, group: u64, event: &Event, around: &Around<'_>) -> Seen {
        let Some(location) = super::place(event, around) else { return Seen::Quiet };
        let Some(point) = location.point else { return Seen::Quiet };
        let stretch = self.stretches.at(event.second);
        self.sharers.at(event.source, stretch.number).0.add(event.second, stretch, group);
        let here = Spot {
            last: event.second,
            source: event.source,
            country: location.country,
            latitude: point.latitude,
            longitude: point.longitude,
            radius_km: point.radius_km,
        };
        let (trail, _) = self.trails.at(group, event.second);
        trail.window = self.seconds;
        let Some(step) = trail.step(here, self.km) else { return Seen::Quiet };
        if !self.waiting.is_empty()
            && let Some(jump) = self.waiting.get_mut(&group)
            && event.second > jump.first
            && jump.from.point().apart(&here.point()) < self.km
        {
            jump.has_returned |= event.second <= jump.from.last.saturating_add(WAIT);
        }
        let before = step.before;
        if before.source == here.source || step.is_there {
            return Seen::Quiet;
        }
        let km = before.point().apart(&here.point());
        let hours = f64::from(here.last.abs_diff(before.last).max(60)) / 3600.0;
        if km < self.km || km / hours < self.kmh {
            return Seen::Quiet;
        }
        if self.waiting.len() < WAITING || self.waiting.contains_key(&group) {
            // A place that was never seen outweighs one that was: it must not be lost behind the owner's own ways.
            if step.is_new && self.waiting.get(&group).is_some_and(|jump| !jump.is_new) {
                self.waiting.remove(&group);
            }
            let jump = self.waiting.entry(group).or_insert_with(|| Jump {
                subject: crate::label::subject(around.of, event, around),
                first: before.last.min(here.last),
                last: here.last,
                sources: (before.source, here.source),
                countries: [before.country, here.country],
                kmh: 0.0,
                km: 0.0,
                jumps: 0,
                from: before,
                has_returned: false,
                is_new: step.is_new,
            });
            jump.jumps += 1;
            jump.last = jump.last.max(here.last);
            if km / hours > jump.kmh {
                (jump.kmh, jump.km) = (km / hours, km);
            }
        }
        Seen::Quiet
    }

    pub(crate) fn tick(&mut self, now: u32, is_end: bool) -> Vec<Raised> {
        let due: Vec<u64> = self
            .waiting
            .iter()
            .filter(|(_, jump)| is_end || jump.first.saturating_add(WAIT) <= now)
            .map(|(&key, _)| key)
            .collect();
        let mut raised = Vec::new();
        for key in due {
            let Some(jump) = self.waiting.remove(&key) else { continue };
            let is_at_both = jump.has_returned && !jump.is_new;
            if is_at_both || self.is_shared(jump.sources.0) || self.is_shared(jump.sources.1) {
                continue;
            }
            let countries = jump.countries.map(|country| String::from_utf8_lossy(&country).into_owned());
            let facts = vec![
                ("countries", countries.join(", ").into()),
                ("kilometres", jump.km.round().into()),
                ("km_per_hour", jump.kmh.round().into()),
            ];
            let over = Over { count: jump.jumps, error: 0, since: jump.first };
            raised.push(Raised { key, subject: jump.subject, facts, over });
        }
        raised
    }

    fn is_shared(&mut self, source: u64) -> bool {
        self.sharers.find(source).is_some_and(|marks| marks.distinct().0 >= SHARED)
    }

    pub(crate) fn bytes(&self) -> usize {
        self.trails.bytes() + self.sharers.bytes()
    }
}

/// What a call says of where its group is.
struct Step {
    /// The place of the call before.
    before: Spot,
    /// It is where the group never left, or not far from there.
    is_there: bool,
    /// The group had been known for long, and never called from there.
    is_new: bool,
}

impl Trail {
    /// Takes a call; `None` for the first. Places that are nearer than `km` are one.
    fn step(&mut self, here: Spot, km: f64) -> Option<Step> {
        let is_old = |place: &Spot, window: u32| place.last.saturating_add(window) < here.last;
        let newest = *self.places.iter().max_by_key(|place| place.last)?;
        if newest.last == 0 || is_old(&newest, self.window) {
            *self = Self {
                since: here.last,
                window: self.window,
                places: [here, Spot::default(), Spot::default()],
            };
            return None;
        }
        let window = self.window;
        let is_near = |place: &&mut Spot| {
            place.last > 0 && !is_old(place, window) && place.point().apart(&here.point()) < km
        };
        if let Some(place) = self.places.iter_mut().find(is_near) {
            let is_there = here.last <= place.last.saturating_add(WAIT);
            *place = Spot { last: place.last.max(here.last), ..here };
            return Some(Step { before: newest, is_there, is_new: false });
        }
        // Who is at several places opens another; who was at one only, for long, does not.
        let alive = self.places.iter().filter(|place| place.last > 0 && !is_old(place, window)).count();
        let is_new = self.since.saturating_add(KNOWN) <= here.last && alive == 1;
        if let Some(oldest) = self.places.iter_mut().min_by_key(|place| place.last) {
            *oldest = here;
        }
        Some(Step { before: newest, is_there: false, is_new })
    }
}

impl Spot {
    const fn point(&self) -> Point {
        Point { latitude: self.latitude, longitude: self.longitude, radius_km: self.radius_km }
    }
}
