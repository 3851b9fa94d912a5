//! From a call to an event: hashes, numbers, and which detectors want it.

use ratewarden_model::{Call, CallCaller};

use crate::event::{Batch, Event, Place, UNSAID};
use crate::filter::{Filters, Shown, Tests};
use crate::hash::{Hasher, as_number, both};
use crate::route::{Query, Routes, Verb};
use crate::spec::{Detector, Kind, Shows};

/// Responses of more bytes are large.
const LARGE: u64 = 1 << 20;

/// What makes events of calls.
#[derive(Debug)]
pub(super) struct Intake {
    pub(super) hasher: Hasher,
    pub(super) routes: Routes,
    filters: Filters,
    tests: Tests,
    /// Detectors that take readings of levels.
    levels: u128,
    /// Detectors that still look for something.
    live: u128,
    /// Detectors that ask for nothing of a call but where it came from.
    light: u128,
}

impl Intake {
    /// For detectors of a bit each, and those after them that ask calls themselves.
    pub(super) fn new(plain: &[Detector], tested: &[Detector], hasher: Hasher) -> Self {
        let is_level = |detector: &Detector| matches!(detector.kind, Kind::Level { .. });
        let levels = plain.iter().enumerate().filter(|(_, detector)| is_level(detector));
        let light = plain.iter().enumerate().filter(|(_, detector)| detector.is_light());
        let set = |set: u128, (place, _): (usize, &Detector)| set | 1 << place;
        Self {
            routes: Routes::new(hasher.clone()),
            hasher,
            filters: Filters::new(plain),
            tests: Tests::new(tested, plain.len()),
            levels: levels.fold(0, set),
            light: light.fold(0, set),
            live: u128::MAX,
        }
    }

    /// Leaves out the detectors for which nothing remains to be done.
    pub(super) fn leave_out(&mut self, over: impl Iterator<Item = bool>) {
        let over = over.take(u128::BITS as usize).enumerate();
        self.live = over.fold(u128::MAX, |live, (place, is_over)| live & !(u128::from(is_over) << place));
    }

    /// Puts a call into a batch. One that no detector wants (a file that a page loads) is left out: nothing would ever ask
    /// for it.
    #[inline]
    pub(super) fn put(&mut self, call: &Call<'_>, second: u32, batch: &mut Batch) {
        let (path, query) = split(call.target);
        let asked = if query.is_empty() { Query::default() } else { Query::of(query) };
        let verb = Verb::of(call.method).with_password(asked.has_password);
        let filters = &self.filters;
        let route = self
            .routes
            .of(call.method, verb, path, |method, template, kinds| filters.of_route(method, template, kinds));
        // Places in a query are walked by pages: what is counted is which page it is.
        let place = asked.place.map(|place| place / u64::from(asked.limit.unwrap_or(1).max(1)));
        let number = place.or(route.number);
        let token = token(call);
        let mut shown = Shown::default();
        shown.set(Shows::Credential, token != 0);
        shown.set(Shows::User, !call.user.is_empty());
        shown.set(Shows::Referer, !call.referer.is_empty());
        shown.set(Shows::Query, !query.is_empty());
        shown.set(Shows::Id, route.id.1 > 0);
        shown.set(Shows::Number, number.is_some());
        shown.set(Shows::Limit, asked.limit.is_some());
        shown.set(Shows::Paging, asked.is_paged);
        shown.set(Shows::Large, call.bytes > LARGE);
        // A reading of a level is no call of its own.
        let passing = if call.held.is_some() { self.levels } else { route.detectors };
        let detectors = self.filters.of(passing, call.status, shown) & self.live;
        if detectors == 0 && self.tests.is_empty() {
            return;
        }
        // Most calls are for files that pages load, which count as calls of an address and as nothing else.
        let is_light = detectors & !self.light == 0 && self.tests.is_empty();
        let key = if is_light { b"" } else { key(call, path, route.id) };
        let user = self.hasher.text(call.user);
        let address = call.address.map_or(0, as_number);
        let source = self.hasher.source(address);
        let event = Event {
            detectors,
            address,
            second,
            route: route.route,
            source,
            caller: [token, user, source].into_iter().find(|&hash| hash != 0).unwrap_or(0),
            token,
            user,
            path: route.hash,
            template: route.template,
            query: if is_light { 0 } else { self.hasher.text(query) },
            agent: if is_light { 0 } else { self.hasher.text(call.agent) },
            key: if key.is_empty() { 0 } else { both(route.template.max(1), self.hasher.text(key)) },
            bytes: call.bytes,
            number: number.unwrap_or(0),
            limit: asked.limit.unwrap_or(0),
            micros: call.micros.map_or(UNSAID, |micros| u32::try_from(micros).unwrap_or(UNSAID - 1)),
            status: call.status,
            kinds: route.kinds,
            shown,
            held: call.held,
            text: Place::default(),
        };
        batch.add(event, call, key);
        if !self.tests.is_empty() {
            self.ask(call, batch);
        }
    }

    /// Asks a call itself, which is the last of its batch.
    #[cold]
    #[inline(never)]
    fn ask(&mut self, call: &Call<'_>, batch: &mut Batch) {
        let Some(&event) = batch.events.last() else { return };
        let place = u32::try_from(batch.events.len() - 1).unwrap_or(u32::MAX);
        let route = &self.routes.get(event.route).text;
        self.tests.ask(call, &event, route, place, batch.hits_mut());
    }
}

#[inline]
fn split(target: &[u8]) -> (&[u8], &[u8]) {
    match memchr::memchr(b'?', target) {
        Some(at) => (target.get(..at).unwrap_or_default(), target.get(at + 1..).unwrap_or_default()),
        None => (target, b""),
    }
}

/// The partition key: what the source names so, else the last id in the path.
fn key<'c>(call: &Call<'c>, path: &'c [u8], id: (u16, u16)) -> &'c [u8] {
    if !call.key.is_empty() {
        return call.key;
    }
    let (begin, length) = (usize::from(id.0), usize::from(id.1));
    path.get(begin..begin + length).unwrap_or_default()
}

#[expect(clippy::cast_possible_truncation, reason = "either half of a hash is one")]
fn token(call: &Call<'_>) -> u64 {
    match call.caller {
        CallCaller::Hashed { id, .. } => ((id >> 64) as u64 ^ id as u64).max(1),
        CallCaller::Nobody | CallCaller::Credential(_) => 0,
    }
}
