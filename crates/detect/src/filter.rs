//! Filters of all detectors at once, as sets of bits.
//!
//! A detector is one bit. What a filter says of the route is worked out once for each route, of the status once for
//! each status, of what a call shows once for each combination; a call's detectors are the bits that all three have. So a
//! call costs three looks at tables however many detectors there are, and most detectors are never asked.

use crate::event::{Event, Hit};
use crate::predicate::{Lower, When};
use crate::route::Kinds;
use crate::spec::{Detector, Filter, Kind, MAX_PARTS, RouteKind, Shows};
use ratewarden_model::Call;

/// What a call shows, as bits.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Shown(u16);

impl Shown {
    #[inline]
    pub(crate) const fn set(&mut self, what: Shows, holds: bool) {
        self.0 |= (holds as u16) << what as u8;
    }

    #[inline]
    pub(crate) const fn has(self, what: Shows) -> bool {
        self.0 >> what as u8 & 1 == 1
    }
}

/// Combinations of what a call can show.
const COMBINATIONS: u16 = 1 << 9;

/// Statuses with a place of their own; others have the last.
const STATUSES: usize = 601;

/// The filters of all detectors.
#[derive(Debug)]
pub(crate) struct Filters {
    by_status: Vec<u128>,
    by_shown: Vec<u128>,
    filters: Vec<Filter>,
}

impl Filters {
    pub(crate) fn new(detectors: &[Detector]) -> Self {
        let filters: Vec<Filter> = detectors.iter().map(|detector| detector.filter.clone()).collect();
        let set = |holds: &dyn Fn(&Filter) -> bool| {
            let places = filters.iter().enumerate();
            places.fold(0_u128, |set, (place, filter)| set | u128::from(holds(filter)) << place)
        };
        let status =
            |place: usize| if place + 1 == STATUSES { u16::MAX } else { u16::try_from(place).unwrap_or(0) };
        let by_status =
            (0..STATUSES).map(|place| set(&|filter| filter.statuses.has(status(place)))).collect();
        let by_shown = (0..COMBINATIONS)
            .map(|shown| {
                let shown = Shown(shown);
                set(&|filter| filter.has_shown(shown))
            })
            .collect();
        Self { by_status, by_shown, filters }
    }

    /// The detectors that let calls of a route pass.
    pub(crate) fn of_route(&self, method: &[u8], template: &str, kinds: Kinds) -> u128 {
        let places = self.filters.iter().enumerate();
        let passes = |filter: &Filter| filter.has_route(method, template, kinds);
        places.fold(0, |set, (place, filter)| set | u128::from(passes(filter)) << place)
    }

    /// The detectors that let a call pass.
    #[inline]
    pub(crate) fn of(&self, route: u128, status: u16, shown: Shown) -> u128 {
        let status = usize::from(status).min(STATUSES - 1);
        route & self.by_status[status] & self.by_shown[usize::from(shown.0)]
    }
}

/// The filters of detectors that ask calls themselves: one after the other, for those are not many and seldom hold.
#[derive(Debug, Default)]
pub(crate) struct Tests {
    tests: Vec<Test>,
    lower: Lower,
}

#[derive(Debug)]
struct Test {
    detector: u16,
    filter: Filter,
    parts: Vec<When>,
}

impl Tests {
    /// Those of `detectors`, the first of which has the place `first` among all.
    pub(crate) fn new(detectors: &[Detector], first: usize) -> Self {
        let test = |(place, detector): (usize, &Detector)| {
            let parts = match &detector.kind {
                Kind::Together { parts, .. } => parts.iter().take(MAX_PARTS).cloned().collect(),
                _ => Vec::new(),
            };
            let detector_place = u16::try_from(first + place).unwrap_or(u16::MAX);
            Test { detector: detector_place, filter: detector.filter.clone(), parts }
        };
        Self { tests: detectors.iter().enumerate().map(test).collect(), lower: Lower::default() }
    }

    #[inline]
    pub(crate) fn is_empty(&self) -> bool {
        self.tests.is_empty()
    }

    /// Adds a hit for each question that holds of a call, whose place in its batch is `place`. `route` is method and template.
    pub(crate) fn ask(
        &mut self,
        call: &Call<'_>,
        event: &Event,
        route: &str,
        place: u32,
        hits: &mut Vec<Hit>,
    ) {
        let lower = self.lower.of(call);
        let template = route.split_once(' ').map_or(route, |(_, template)| template);
        for test in &self.tests {
            let holds = |when: &When| when.0.holds(call, &lower);
            if !test.filter.when.as_ref().is_none_or(holds)
                || !test.filter.statuses.has(call.status)
                || !test.filter.has_shown(event.shown)
                || !test.filter.has_route(call.method, template, event.kinds)
            {
                continue;
            }
            let hit = |part: u16| Hit { detector: test.detector, part, event: place };
            if test.parts.is_empty() {
                hits.push(hit(0));
            }
            let parts = (0_u16..).zip(&test.parts).filter(|(_, when)| holds(when));
            hits.extend(parts.map(|(part, _)| hit(part)));
        }
    }
}

impl Filter {
    #[inline(always)]
    fn has_route(&self, method: &[u8], template: &str, kinds: Kinds) -> bool {
        let is = |kind: &RouteKind| kinds.has(kind.as_kinds());
        (self.methods.is_empty() || self.methods.iter().any(|one| one.as_bytes() == method))
            && (self.paths.is_empty()
                || self.paths.iter().any(|path| fits(path.as_bytes(), template.as_bytes())))
            && (self.kinds.is_empty() || self.kinds.iter().any(is))
            && !self.not_kinds.iter().any(is)
    }

    fn has_shown(&self, shown: Shown) -> bool {
        self.with.iter().all(|&what| shown.has(what)) && !self.without.iter().any(|&what| shown.has(what))
    }
}

impl RouteKind {
    pub(crate) const fn as_kinds(self) -> Kinds {
        match self {
            Self::Static => Kinds::STATIC,
            Self::Login => Kinds::LOGIN,
            Self::Token => Kinds::TOKEN,
            Self::Control => Kinds::CONTROL,
            Self::Job => Kinds::JOB,
            Self::Cluster => Kinds::CLUSTER,
            Self::ClusterEnd => Kinds::CLUSTER_END,
            Self::Sensitive => Kinds::SENSITIVE,
            Self::Write => Kinds::WRITE,
            Self::Read => Kinds::READ,
            Self::Dynamic => Kinds::DYNAMIC,
        }
    }
}

/// Whether `text` is of the form `pattern`, in which `*` stands for anything. Time is the product of both lengths at most.
#[must_use]
pub fn fits(pattern: &[u8], text: &[u8]) -> bool {
    let (mut at, mut place) = (0, 0);
    let mut star = None;
    while place < text.len() {
        if pattern.get(at) == Some(&b'*') {
            star = Some((at, place));
            at += 1;
        } else if pattern.get(at) == text.get(place) {
            (at, place) = (at + 1, place + 1);
        } else if let Some((star_at, from)) = star {
            (at, place) = (star_at + 1, from + 1);
            star = Some((star_at, from + 1));
        } else {
            return false;
        }
    }
    pattern.get(at..).unwrap_or_default().iter().all(|&byte| byte == b'*')
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::defaults;

    #[test]
    fn a_star_stands_for_anything() {
        for (pattern, text, expected) in [
            ("/api/*", "/api/x/y", true),
            ("*/create", "/clusters/create", true),
            ("*/a*b", "/x/a/a/b", true),
            ("/a", "/a/", false),
            ("", "", true),
            ("*", "", true),
            ("/a*c", "/abd", false),
        ] {
            assert_eq!(fits(pattern.as_bytes(), text.as_bytes()), expected, "{pattern} {text}");
        }
    }

    #[test]
    fn sets_of_bits_say_what_each_filter_says() {
        let detectors = defaults::detectors();
        let filters = Filters::new(&detectors);
        for (method, path, kinds) in [
            ("GET", "/a", Kinds::READ),
            ("POST", "/login", Kinds::LOGIN | Kinds::WRITE),
            ("GET", "/*.js", Kinds::STATIC),
        ] {
            let route = filters.of_route(method.as_bytes(), path, kinds);
            for status in [0, 200, 401, 404, 503, 999] {
                for shown in (0..COMBINATIONS).map(Shown) {
                    let set = filters.of(route, status, shown);
                    for (place, detector) in detectors.iter().enumerate() {
                        let filter = &detector.filter;
                        let is = |kind: &RouteKind| kinds.has(kind.as_kinds());
                        let expected = (filter.methods.is_empty()
                            || filter.methods.iter().any(|one| one == method))
                            && (filter.kinds.is_empty() || filter.kinds.iter().any(is))
                            && !filter.not_kinds.iter().any(is)
                            && filter.paths.is_empty()
                            && filter.statuses.has(status)
                            && filter.with.iter().all(|&what| shown.has(what))
                            && !filter.without.iter().any(|&what| shown.has(what));
                        assert_eq!(
                            set >> place & 1 == 1,
                            expected,
                            "{} {method} {path} {status}",
                            detector.name
                        );
                    }
                }
            }
        }
    }
}
