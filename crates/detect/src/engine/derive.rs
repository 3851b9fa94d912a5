//! From a call to an event: hashes, numbers, and which detectors want it.

use ratewarden_model::{Call, CallCaller};

use super::Engine;
use crate::event::{Batch, Event, Place, UNSAID};
use crate::filter::Shown;
use crate::hash::{as_number, both, source};
use crate::route::{Query, Verb};
use crate::spec::Shows;

/// Responses of more bytes are large.
const LARGE: u64 = 1 << 20;

impl Engine {
    /// Puts a call into a batch. One that no detector wants (a file that a page loads) is left out: nothing would ever ask
    /// for it.
    #[inline]
    pub(super) fn derive_into(&mut self, call: &Call<'_>, second: u32, batch: &mut Batch) {
        let (path, query) = split(call.target);
        let verb = Verb::of(call.method);
        let filters = &self.filters;
        let route = self
            .routes
            .of(call.method, verb, path, |method, template, kinds| filters.of_route(method, template, kinds));
        let asked = if query.is_empty() { Query::default() } else { Query::of(query) };
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
        let detectors = self.filters.of(passing, call.status, shown);
        if detectors == 0 && self.tests.is_empty() {
            return;
        }
        let key = key(call, path, route.id);
        let user = self.hasher.text(call.user);
        let address = call.address.map_or(0, as_number);
        // A line of IPv6 has a whole /64, from which its owner takes addresses as he likes.
        let source = if address == 0 { 0 } else { self.hasher.wide(source(address)) };
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
            query: self.hasher.text(query),
            agent: self.hasher.text(call.agent),
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
