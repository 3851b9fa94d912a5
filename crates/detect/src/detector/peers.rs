//! Bytes far above those of other callers of the same route.
//!
//! In each window (of absolute time) a route keeps how many callers have how many bytes, by powers of two. A caller with
//! very many is compared with what 95 of 100 others have in this window and the one before; where there are not enough
//! others nothing is said, since a route whose every caller reads much is made for it.

use std::collections::HashMap;

use super::{Over, Seen};
use crate::event::Event;
use crate::route::RouteId;
use crate::table::{State, Table};

/// Groups that are kept.
const GROUPS: usize = 1 << 16;
/// Routes that are kept.
const ROUTES: usize = 4096;
/// Others there must be.
const OTHERS: u32 = 5;
const POWERS: usize = 64;

#[derive(Debug)]
pub(crate) struct Peers {
    table: Table<Read>,
    routes: HashMap<RouteId, Route, foldhash::fast::FixedState>,
    bytes: u64,
    factor: u32,
    seconds: u32,
}

/// What a caller has read of a route in a window.
#[derive(Debug, Clone, Copy, Default)]
struct Read {
    window: u32,
    first: u32,
    bytes: u64,
}

/// Callers of a route by the power of two of their bytes, in this window and the one before.
#[derive(Debug, Clone)]
struct Route {
    window: u32,
    now: [u32; POWERS],
    before: [u32; POWERS],
}

impl State for Read {
    fn weight(&self, now: u32, _places: u32) -> u32 {
        if self.window < now { 0 } else { self.bytes.max(1).ilog2() + 1 }
    }
}

impl Peers {
    pub(crate) fn new(bytes: u64, factor: u32, seconds: u32) -> Self {
        Self {
            table: Table::new(GROUPS, 0, 1),
            routes: HashMap::default(),
            bytes,
            factor,
            seconds: seconds.max(1),
        }
    }

    pub(crate) fn see(&mut self, group: u64, event: &Event) -> Seen {
        let window = event.second / self.seconds;
        let (read, _) = self.table.at(group, window);
        if read.window > window {
            return Seen::Quiet;
        }
        let is_new = read.window != window;
        if is_new {
            *read = Read { window, first: event.second, bytes: 0 };
        }
        let before = power(read.bytes);
        read.bytes = read.bytes.saturating_add(event.bytes);
        let (after, bytes, since) = (power(read.bytes), read.bytes, read.first);
        if is_new || after != before {
            let Some(route) = self.route(event.route, window) else { return Seen::Quiet };
            if !is_new {
                route.now[before] = route.now[before].saturating_sub(1);
            }
            route.now[after] = route.now[after].saturating_add(1);
        }
        if bytes < self.bytes {
            return Seen::Quiet;
        }
        let Some(most) = self.routes.get(&event.route).and_then(|route| route.most_of_others(after)) else {
            return Seen::Quiet;
        };
        if bytes / u64::from(self.factor.max(1)) < most {
            return Seen::Quiet;
        }
        Seen::Over(Over { count: bytes, error: 0, since })
    }

    fn route(&mut self, id: RouteId, window: u32) -> Option<&mut Route> {
        if self.routes.len() >= ROUTES && !self.routes.contains_key(&id) {
            self.routes.retain(|_, route| route.window + 1 >= window);
            if self.routes.len() >= ROUTES {
                return None;
            }
        }
        let empty = || Route { window, now: [0; POWERS], before: [0; POWERS] };
        let route = self.routes.entry(id).or_insert_with(empty);
        if route.window < window {
            let before = if route.window + 1 == window { route.now } else { [0; POWERS] };
            *route = Route { window, now: [0; POWERS], before };
        }
        Some(route)
    }

    pub(crate) fn bytes(&self) -> usize {
        self.table.bytes() + self.routes.capacity() * size_of::<Route>()
    }
}

impl Route {
    /// At most so many bytes have 95 of 100 callers other than one that has the power `own`.
    fn most_of_others(&self, own: usize) -> Option<u64> {
        let mut both: [u32; POWERS] = std::array::from_fn(|power| self.now[power] + self.before[power]);
        both[own] = both[own].saturating_sub(1);
        let all: u32 = both.iter().sum();
        if all < OTHERS {
            return None;
        }
        let wanted = (u64::from(all) * 95).div_ceil(100);
        let mut sum = 0;
        let power = both.iter().position(|&callers| {
            sum += u64::from(callers);
            sum >= wanted
        });
        power.map(|power| if power + 1 >= POWERS { u64::MAX } else { 1 << (power + 1) })
    }
}

fn power(bytes: u64) -> usize {
    bytes.max(1).ilog2() as usize
}
