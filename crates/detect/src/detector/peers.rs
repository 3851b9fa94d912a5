//! Bytes far above those of other callers of the same route.
//!
//! In each window (of absolute time) a route keeps how many callers have how many bytes, by powers of two. A caller with
//! very many is compared with what 95 of 100 others have in this window and the one before; where there are not enough
//! others nothing is said, since a route whose every caller reads much is made for it.

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
    /// Where a route stands among `routes`, by its number, counted from 1; 0: nowhere.
    places: Vec<u16>,
    routes: Vec<Route>,
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
    id: RouteId,
    window: u32,
    now: [u32; POWERS],
    before: [u32; POWERS],
}

impl State for Read {
    fn weight(&self, now: u32, _places: u32) -> u32 {
        if self.window < now { 0 } else { self.bytes.max(1).ilog2() + 1 }
    }

    fn touch(&self) -> u8 {
        self.window.to_le_bytes()[0]
    }
}

impl Peers {
    pub(crate) fn new(bytes: u64, factor: u32, seconds: u32) -> Self {
        Self {
            table: Table::new(GROUPS, 0, 1),
            places: Vec::new(),
            routes: Vec::new(),
            bytes,
            factor,
            seconds: seconds.max(1),
        }
    }

    /// Brings near what [`see`](Self::see) will ask of the group.
    #[inline(always)]
    pub(crate) fn touch(&self, group: u64) -> u8 {
        self.table.touch(group)
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
        let route = self.place(event.route).and_then(|place| self.routes.get(place));
        let Some(most) = route.and_then(|route| route.most_of_others(after)) else { return Seen::Quiet };
        if bytes / u64::from(self.factor.max(1)) < most {
            return Seen::Quiet;
        }
        Seen::Over(Over { count: bytes, error: 0, since })
    }

    fn place(&self, id: RouteId) -> Option<usize> {
        let place = self.places.get(id as usize).copied().unwrap_or(0);
        usize::from(place).checked_sub(1)
    }

    fn route(&mut self, id: RouteId, window: u32) -> Option<&mut Route> {
        let place = match self.place(id) {
            Some(place) => place,
            None => self.add(id, window)?,
        };
        let route = self.routes.get_mut(place)?;
        if route.window < window {
            let before = if route.window + 1 == window { route.now } else { [0; POWERS] };
            *route = Route { id, window, now: [0; POWERS], before };
        }
        Some(route)
    }

    #[cold]
    fn add(&mut self, id: RouteId, window: u32) -> Option<usize> {
        if self.routes.len() >= ROUTES {
            self.routes.retain(|route| route.window + 1 >= window);
            if self.routes.len() >= ROUTES {
                return None;
            }
            self.places.fill(0);
            let kept: Vec<RouteId> = self.routes.iter().map(|route| route.id).collect();
            kept.into_iter().zip(1..).for_each(|(id, place)| self.set_place(id, place));
        }
        self.routes.push(Route { id, window, now: [0; POWERS], before: [0; POWERS] });
        self.set_place(id, u16::try_from(self.routes.len()).unwrap_or(0));
        Some(self.routes.len() - 1)
    }

    /// Routes are numbered up to a bound, so this is too.
    fn set_place(&mut self, id: RouteId, place: u16) {
        let id = id as usize;
        if id >= self.places.len() {
            self.places.resize(id + 1, 0);
        }
        if let Some(known) = self.places.get_mut(id) {
            *known = place;
        }
    }

    pub(crate) fn bytes(&self) -> usize {
        self.table.bytes() + self.routes.capacity() * size_of::<Route>() + self.places.capacity() * 2
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
