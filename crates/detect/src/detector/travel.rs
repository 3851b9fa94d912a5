//! A credential or a user in two places that nobody can be in at once.
//!
//! Distance over time, both with a floor: what is uncertain of both places is taken off the distance, short ways count
//! for nothing however fast, and the time is at least a minute. Places that several credentials call from (a company's
//! way out, a carrier) say nothing about where a person is; a jump waits ten minutes, in which its places can still
//! turn out to be such.

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
/// Seconds that a jump waits.
const WAIT: u32 = 600;
/// From so many credentials on an address is shared.
const SHARED: u32 = 4;

/// Where a group was last.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Spot {
    second: u32,
    source: u64,
    country: [u8; 2],
    latitude: f32,
    longitude: f32,
    radius_km: f32,
    is_set: bool,
    window: u32,
}

impl State for Spot {
    fn weight(&self, now: u32, _places: u32) -> u32 {
        if self.second.saturating_add(self.window) < now { 0 } else { 1 }
    }
}

#[derive(Debug)]
pub(crate) struct Travel {
    spots: Table<Spot>,
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
}

impl Travel {
    pub(crate) fn new(kmh: u32, km: u32, seconds: u32) -> Self {
        let stretches = Marks::<1>::stretches(86_400);
        Self {
            spots: Table::new(GROUPS, 0, 1),
            sharers: Table::new(GROUPS, 0, stretches.places()),
            stretches,
            waiting: HashMap::new(),
            kmh: kmh.into(),
            km: km.into(),
            seconds,
        }
    }

    pub(crate) fn see(&mut self, group: u64, event: &Event, around: &Around<'_>) -> Seen {
        let Some(location) = super::place(event, around) else { return Seen::Quiet };
        let Some(point) = location.point else { return Seen::Quiet };
        let stretch = self.stretches.at(event.second);
        self.sharers.at(event.source, stretch.number).0.add(event.second, stretch, group);
        let here = Spot {
            second: event.second,
            source: event.source,
            country: location.country,
            latitude: point.latitude,
            longitude: point.longitude,
            radius_km: point.radius_km,
            is_set: true,
            window: self.seconds,
        };
        let (spot, _) = self.spots.at(group, event.second);
        let before = std::mem::replace(spot, here);
        if !before.is_set
            || before.source == here.source
            || before.second.saturating_add(self.seconds) < here.second
        {
            return Seen::Quiet;
        }
        let km = before.point().apart(&here.point());
        let hours = f64::from(here.second.abs_diff(before.second).max(60)) / 3600.0;
        if km < self.km || km / hours < self.kmh {
            return Seen::Quiet;
        }
        if self.waiting.len() < WAITING || self.waiting.contains_key(&group) {
            let jump = self.waiting.entry(group).or_insert_with(|| Jump {
                subject: crate::label::subject(around.of, event, around),
                first: before.second.min(here.second),
                last: here.second,
                sources: (before.source, here.source),
                countries: [before.country, here.country],
                kmh: 0.0,
                km: 0.0,
                jumps: 0,
            });
            jump.jumps += 1;
            jump.last = jump.last.max(here.second);
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
            if self.is_shared(jump.sources.0) || self.is_shared(jump.sources.1) {
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
        self.spots.bytes() + self.sharers.bytes()
    }
}

impl Spot {
    const fn point(&self) -> Point {
        Point { latitude: self.latitude, longitude: self.longitude, radius_km: self.radius_km }
    }
}
