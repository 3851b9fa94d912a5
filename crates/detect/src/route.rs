//! Which route a path is of, and what kind of route that is.
//!
//! A route is a method and a template: segments that look like ids (numbers, UUIDs, hashes, long random words) become
//! `{id}`. That is decided from the segment alone, never from what else was seen, so the same call is of the same route
//! in every log and in any order. Words of static files become one route for each ending. A path is looked at in its
//! normal form ([`normal`]), so that no other way of writing it is another route. What was found out is kept for a while by
//! the hash of the path as it was sent, since a log repeats its paths.

mod files;
mod kinds;
mod normal;
mod query;
mod template;

use std::collections::HashMap;

pub(crate) use kinds::{Kinds, Verb};
pub(crate) use query::{Query, is_paging};

use crate::hash::{Hasher, both};
use files::Ending;

/// Routes that are told apart; what is over goes to one route of its own.
pub(crate) const MAX_ROUTES: usize = 1 << 16;
/// Paths that are remembered.
const CACHE: usize = 1 << 14;

/// A route's number; 0 is all routes that are too many.
pub(crate) type RouteId = u32;

/// What there is to know of a call's path: one line of the processor's cache.
#[derive(Debug, Clone, Copy, Default)]
#[repr(align(64))]
pub(crate) struct Path {
    /// The hash of the whole path, in its normal form.
    pub(crate) hash: u64,
    /// The hash of its template, without the method.
    pub(crate) template: u64,
    pub(crate) route: RouteId,
    pub(crate) kinds: Kinds,
    /// The last number among its ids.
    pub(crate) number: Option<u64>,
    /// The detectors whose filters let calls of its route pass.
    pub(crate) detectors: u128,
    /// Where its last id stands in the path as it was sent: begin and length.
    pub(crate) id: (u16, u16),
}

/// All routes that were seen.
#[derive(Debug)]
pub(crate) struct Routes {
    hasher: Hasher,
    /// The paths that are remembered, by places of their keys. The keys stand together, so that they stay near.
    keys: Vec<u64>,
    paths: Vec<Path>,
    numbers: HashMap<u64, RouteId>,
    routes: Vec<Route>,
    scratch: Vec<u8>,
    /// Room for a path in its normal form.
    normal: Vec<u8>,
}

/// One route.
#[derive(Debug)]
pub(crate) struct Route {
    /// Method and template.
    pub(crate) text: String,
    /// The detectors whose filter lets its calls pass.
    pub(crate) detectors: u128,
}

impl Routes {
    pub(crate) fn new(hasher: Hasher) -> Self {
        let other = Route { text: "(other routes)".to_owned(), detectors: 0 };
        Self {
            hasher,
            keys: vec![0; CACHE],
            paths: vec![Path::default(); CACHE],
            numbers: HashMap::new(),
            routes: vec![other],
            scratch: Vec::new(),
            normal: Vec::new(),
        }
    }

    /// What there is to know of a path. `detectors` says which filters let a new route pass.
    #[inline]
    pub(crate) fn of(
        &mut self,
        method: &[u8],
        verb: Verb,
        path: &[u8],
        detectors: impl FnOnce(&[u8], &str, Kinds) -> u128,
    ) -> Path {
        let hash = self.hasher.text(path);
        let key = both(hash.max(1), u64::from(verb as u8) + 1);
        let place = (key >> 20) as usize & (CACHE - 1);
        // Methods without a verb of their own are told apart by their text, so they are not remembered.
        if self.keys[place] == key && verb != Verb::Other {
            return self.paths[place];
        }
        let found = self.find_out(method, verb, path, hash, detectors);
        (self.keys[place], self.paths[place]) = (key, found);
        found
    }

    /// The route of that number.
    pub(crate) fn get(&self, id: RouteId) -> &Route {
        self.routes.get(id as usize).unwrap_or(&self.routes[0])
    }

    #[cfg(test)]
    fn count(&self) -> usize {
        self.routes.len()
    }

    #[inline(never)]
    fn find_out(
        &mut self,
        method: &[u8],
        verb: Verb,
        sent: &[u8],
        hash: u64,
        detectors: impl FnOnce(&[u8], &str, Kinds) -> u128,
    ) -> Path {
        let mut room = std::mem::take(&mut self.normal);
        let path = normal::of(sent, &mut room);
        let ending = if verb.reads() { files::ending(path) } else { Ending::Other };
        let is_file = ending == Ending::File;
        self.scratch.clear();
        let shape =
            template::write(if let Ending::Appended(stem) = ending { stem } else { path }, &mut self.scratch);
        let kinds = kinds::of(verb, is_file, &self.scratch);
        if is_file {
            template::write_static(path, &mut self.scratch);
        }
        let template = self.hasher.text(&self.scratch);
        let (route, passing) = self.route(method, verb, template, |text| detectors(method, text, kinds));
        let is_as_sent = path.len() == sent.len();
        let hash = if is_as_sent { hash } else { self.hasher.text(path) };
        let (number, id) = match (is_file, is_as_sent) {
            (true, _) => (None, (0, 0)),
            (false, true) => (shape.number, shape.id),
            (false, false) => (shape.number, normal::place(sent, shape.id)),
        };
        self.normal = room;
        Path { hash, template, route, kinds, number, detectors: passing, id }
    }

    /// The route of the template that stands in `scratch`, and which detectors let it pass.
    fn route(
        &mut self,
        method: &[u8],
        verb: Verb,
        template: u64,
        detectors: impl FnOnce(&str) -> u128,
    ) -> (RouteId, u128) {
        let key = both(template.max(1), self.hasher.text(method).max(1));
        // With a password it is another route of the same name, since other filters let it pass.
        let key = if verb.has_password() { both(key.max(1), 1) } else { key };
        if let Some(&route) = self.numbers.get(&key) {
            return (route, self.get(route).detectors);
        }
        let text = String::from_utf8_lossy(&self.scratch).into_owned();
        let passing = detectors(&text);
        (self.add(key, method, &text, passing), passing)
    }

    fn add(&mut self, key: u64, method: &[u8], template: &str, detectors: u128) -> RouteId {
        if self.routes.len() >= MAX_ROUTES {
            // What is too much shares a name, not what its filters let pass: that each path is asked for itself.
            return 0;
        }
        let id = RouteId::try_from(self.routes.len()).unwrap_or(0);
        let method = String::from_utf8_lossy(method);
        self.routes.push(Route { text: format!("{method} {template}").trim().to_owned(), detectors });
        self.numbers.insert(key, id);
        id
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn route(path: &str) -> String {
        let mut routes = Routes::new(Hasher::new(1));
        let found = routes.of(b"GET", Verb::Get, path.as_bytes(), |_, _, _| 0);
        routes.get(found.route).text.clone()
    }

    #[test]
    fn what_looks_like_an_id_is_one() {
        for (path, template) in [
            ("/api/users/123/orders", "GET /api/users/{id}/orders"),
            ("/api/v2/clusters", "GET /api/v2/clusters"),
            ("/a/550e8400-e29b-41d4-a716-446655440000/", "GET /a/{id}/"),
            ("/commit/9fceb02d0ae598e95dc970b74767f19372d61af8", "GET /commit/{id}"),
            ("/api/jobs/raysubmit_8mAqUxwKxTb4LHKq", "GET /api/jobs/{id}"),
            ("/articles/how-we-mended-our-limiter", "GET /articles/how-we-mended-our-limiter"),
            ("/assets/app.3f2a1c.js", "GET /*.js"),
            ("/api/items/7001.js", "GET /api/items/{id}"),
            ("/%61pi/items/%37001", "GET /api/items/{id}"),
            ("http://example.org/a/%62", "GET /a/b"),
            ("/", "GET /"),
            ("", "GET"),
        ] {
            assert_eq!(route(path), template, "{path}");
        }
    }

    #[test]
    fn a_path_that_is_remembered_is_the_same_as_one_that_is_not() {
        let mut routes = Routes::new(Hasher::new(1));
        let mut of = |path: &str| routes.of(b"GET", Verb::Get, path.as_bytes(), |_, _, _| 0);
        let first = of("/a/77");
        for number in 0..100_000 {
            of(&format!("/b/{number}"));
        }
        let again = of("/a/77");
        assert_eq!((first.route, first.number, first.id), (again.route, again.number, again.id));
        assert_eq!(again.number, Some(77));
        assert_eq!(routes.count(), 3);
    }

    #[test]
    fn a_path_that_is_encoded_is_the_same_path() {
        let mut routes = Routes::new(Hasher::new(1));
        let mut of = |path: &str| routes.of(b"POST", Verb::Post, path.as_bytes(), |_, _, _| 0);
        let (plain, encoded) = (of("/users/77/login"), of("/users/%377/%6cogin"));
        assert_eq!(
            (plain.hash, plain.template, plain.route),
            (encoded.hash, encoded.template, encoded.route)
        );
        assert_eq!((plain.number, plain.kinds), (encoded.number, encoded.kinds));
        assert_eq!(encoded.id, (7, 4));
    }

    #[test]
    fn a_password_makes_another_route_of_the_same_name() {
        let mut routes = Routes::new(Hasher::new(1));
        let mut of = |verb: Verb| {
            routes.of(b"GET", verb, b"/login", |_, _, kinds| u128::from(kinds.has(Kinds::LOGIN)))
        };
        let (plain, with) = (of(Verb::Get), of(Verb::GetPassword));
        assert_eq!((plain.detectors, with.detectors), (0, 1));
        assert_eq!((plain.hash, plain.template), (with.hash, with.template));
        assert_eq!(routes.get(plain.route).text, routes.get(with.route).text);
    }

    #[test]
    fn too_many_routes_become_one() {
        let mut routes = Routes::new(Hasher::new(1));
        for number in 0..MAX_ROUTES + 10 {
            let path = format!(
                "/w{}",
                number.to_string().replace(|digit: char| digit.is_ascii_digit(), "x") + &word(number)
            );
            routes.of(b"GET", Verb::Get, path.as_bytes(), |_, _, _| 0);
        }
        assert_eq!(routes.count(), MAX_ROUTES);
    }

    fn word(mut number: usize) -> String {
        let mut text = String::new();
        while number > 0 {
            text.push(char::from(b'a' + u8::try_from(number % 26).unwrap()));
            number /= 26;
        }
        text
    }
}
