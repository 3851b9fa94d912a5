//! Limits.

use std::collections::BTreeMap;
use std::num::{NonZeroU32, NonZeroU64};
use std::time::Duration;

use ratewarden_limiter::{Algorithm, Calendar, Concurrency, Gcra, InvalidLimit, Quota, SlidingWindow};
use ratewarden_model::Rate;

use super::{Builder, Names};
use crate::file::{self, File};
use crate::form::{At, Either, Pairs};
use crate::notes::{Place, Span};
use crate::policy::{Cost, CostSource, Key, Limit, Matches, Settle};
use crate::suggestion::{did_you_mean, one_of};

/// The highest cost that is believed when the file does not say.
const COST_MAX: u64 = 1_000;

impl Builder<'_> {
    pub(super) fn limits(&mut self, file: &File) -> Option<Vec<Limit>> {
        let root = Place::Root.key("limit");
        let mut names = Names::new("limit");
        let mut limits = Vec::new();
        for limit in &file.limits.value()?.0 {
            let place = root.item(limit.index);
            if let Some(name) = limit.value.name.get() {
                names.add(&name.value.0, &name.span, &place, self.notes);
            }
            limits.extend(self.limit(&limit.value, file, &place));
        }
        // Stable: among those alike, the order of the file.
        limits.sort_by_key(|limit| sharing(&limit.per));
        Some(limits)
    }

    fn limit(&mut self, limit: &file::Limit, file: &File, place: &Place<'_>) -> Option<Limit> {
        let matches = limit.matches.value().and_then(|table| self.matches(table, file, &place.key("match")));
        if let Some(when) = limit.when.get() {
            self.condition(&when.value.0, &when.span, &place.key("when"));
        }
        let per = self.per(limit, place);
        let counted = self.algorithm(limit, place);
        let cost = self.cost(limit, counted.as_ref().map(|(algorithm, _)| algorithm), place);
        if let (Some(settle), Some(_)) = (limit.settle.get(), limit.concurrent.get()) {
            let message =
                "calls under way are given back when they end; nothing can be charged after the response";
            self.notes.mistake(&settle.span, &place.key("settle"), message);
        }
        let (algorithm, window) = counted?;
        Some(Limit {
            name: limit.name.value()?.0.clone(),
            matches: matches?,
            when: limit.when.known()?.map(|text| text.0.clone()),
            per: per?,
            algorithm,
            window,
            cost: cost?,
            settle: limit.settle.known()?.cloned(),
            shadow: *limit.shadow.value()?,
        })
    }

    /// Which calls.
    pub(super) fn matches(
        &mut self,
        table: &file::Matches,
        file: &File,
        place: &Place<'_>,
    ) -> Option<Matches> {
        if let (Some(plan), Some(plans)) = (table.plan.get(), file.plans.value()) {
            let names: Vec<&str> =
                plans.0.iter().filter_map(|at| Some(at.value.name.value()?.0.as_str())).collect();
            if !names.contains(&plan.value.0.as_str()) {
                let hint =
                    did_you_mean(&plan.value.0, names.iter().copied()).unwrap_or_else(|| match &*names {
                        [] => format!("add [[plan]] with `name = \"{}\"`", plan.value.0),
                        names => format!("the plans are {}", one_of(names.iter().copied())),
                    });
                let message = format!("there is no plan `{}`", plan.value.0);
                self.notes.mistake(&plan.span, &place.key("plan"), message).hint(hint);
            }
        }
        let methods = table.method.known()?.map_or(&[][..], |several| &several.0);
        let headers = table
            .header
            .known()?
            .map(|pairs| self.pairs(pairs, |name| &name.0, |value| &value.0, &place.key("header")));
        let query = table
            .query
            .known()?
            .map(|pairs| self.pairs(pairs, |name| &name.0, |value| &value.0, &place.key("query")));
        Some(Matches {
            methods: methods.iter().map(|at| at.value.0.clone()).collect(),
            path: table.path.known()?.cloned(),
            headers: headers.unwrap_or_default(),
            query: query.unwrap_or_default(),
            plan: table.plan.known()?.map(|name| name.0.clone()),
        })
    }

    /// Names and values; two names that are one in lower case are a mistake.
    fn pairs<K, V, const MAX: usize>(
        &mut self,
        pairs: &Pairs<K, V, MAX>,
        name: impl Fn(&K) -> &String,
        value: impl Fn(&V) -> &String,
        place: &Place<'_>,
    ) -> BTreeMap<String, String> {
        let mut map = BTreeMap::new();
        for (key, text) in &pairs.0 {
            if map.insert(name(&key.value).clone(), value(text).clone()).is_some() {
                let place = place.key(name(&key.value));
                self.notes.mistake(&key.span, &place, "is there already; case makes no difference");
            }
        }
        map
    }

    fn per(&mut self, limit: &file::Limit, place: &Place<'_>) -> Option<Vec<Key>> {
        let root = place.key("per");
        let mut keys: Vec<Key> = Vec::new();
        for key in &limit.per.value()?.0 {
            if keys.contains(&key.value) {
                self.notes.mistake(&key.span, &root.item(key.index), "is there already");
            }
            if let Key::Path(name) = &key.value {
                self.path_parameter(name, limit, &key.span, &root.item(key.index));
            }
            keys.push(key.value.clone());
        }
        Some(keys)
    }

    /// Notes a path parameter that the limit's template does not have.
    fn path_parameter(&mut self, name: &str, limit: &file::Limit, span: &Span, place: &Place<'_>) {
        let Some(matches) = limit.matches.value() else { return };
        let Some(path) = matches.path.known() else { return };
        let names: Vec<&str> = path.map_or_else(Vec::new, |path| path.parameters().collect());
        if names.contains(&name) {
            return;
        }
        let hint = match (path, &*names) {
            (None, _) => format!("add `match.path`, such as `match = {{ path = \"/…/{{{name}}}\" }}`"),
            (Some(_), []) => "write it into `match.path`, in braces".to_owned(),
            (Some(_), names) => did_you_mean(name, names.iter().copied())
                .unwrap_or_else(|| format!("the template has {}", one_of(names.iter().copied()))),
        };
        let message = format!("`match.path` has no parameter `{name}`");
        self.notes.mistake(span, place, message).hint(hint);
    }

    fn algorithm(&mut self, limit: &file::Limit, place: &Place<'_>) -> Option<(Algorithm, Option<Duration>)> {
        if let Some(rate) = limit.rate.get() {
            let burst = limit.burst.known()?.map_or(rate.value.calls, |burst| burst.0);
            let gcra = bucket(rate.value, burst);
            let gcra = self.limit_or_mistake(gcra, &rate.span, &place.key("rate"))?;
            return Some((Algorithm::Rate(gcra), Some(rate.value.per)));
        }
        if let Some(window) = limit.window.get() {
            let sliding = sliding(window.value);
            let sliding = self.limit_or_mistake(sliding, &window.span, &place.key("window"))?;
            return Some((Algorithm::Window(sliding), Some(window.value.per)));
        }
        if let Some(At { value: quota, .. }) = limit.quota.get() {
            let calls = quota.calls.get()?;
            let calendar = Calendar::new(quota.each.value()?.0, quota.zone.value()?.0.clone());
            let quota = Quota::new(NonZeroU64::new(calls.value.0)?, calendar);
            let quota = self.limit_or_mistake(quota, &calls.span, &place.key("quota").key("calls"))?;
            return Some((Algorithm::Quota(quota), None));
        }
        let concurrent = NonZeroU64::new(limit.concurrent.value()?.0)?;
        Some((Algorithm::Concurrency(Concurrency::new(concurrent)), None))
    }

    fn limit_or_mistake<T>(
        &mut self,
        built: Result<T, InvalidLimit>,
        span: &Span,
        place: &Place<'_>,
    ) -> Option<T> {
        built.map_err(|fault| self.notes.mistake(span, place, fault.to_string()).hint_if(None)).ok()
    }

    fn cost(
        &mut self,
        limit: &file::Limit,
        algorithm: Option<&Algorithm>,
        place: &Place<'_>,
    ) -> Option<Cost> {
        let cost = limit.cost.get()?;
        let most = limit.cost_max.known()?.map(|most| most.0);
        match &cost.value {
            Either::First(number) => {
                self.fixed_cost(number.0, limit, algorithm, place);
                if let Some(most) = limit.cost_max.get() {
                    let message = "is only there with a cost that stands in the call";
                    self.notes.mistake(&most.span, &place.key("cost-max"), message);
                }
                Some(Cost::Fixed(number.0))
            }
            Either::Second(word) => {
                // The bytes of a body are seen, not believed.
                let seen = matches!(word.0, CostSource::BodyBytes { .. });
                let most = most.unwrap_or(if seen { u64::MAX } else { COST_MAX });
                Some(Cost::From { source: word.0.clone(), most })
            }
        }
    }

    fn fixed_cost(
        &mut self,
        cost: u64,
        limit: &file::Limit,
        algorithm: Option<&Algorithm>,
        place: &Place<'_>,
    ) {
        let Some(span) = limit.cost.get().map(|at| at.span.clone()) else { return };
        let place = place.key("cost");
        let settles = matches!(
            limit.settle.value(),
            Some(Settle::ResponseBytes { .. } | Settle::ResponseHeader(_) | Settle::Status { .. })
        );
        if cost == 0 && !settles && !limit.settle.is_written() {
            let draft = self.notes.mistake(&span, &place, "a call that costs nothing is not limited");
            draft.hint("0 is only for limits with `settle`, which charges after the response");
        }
        if let Some(capacity) = algorithm.map(Algorithm::capacity).filter(|capacity| cost > *capacity) {
            let message = format!("a cost of {cost} is never admitted: the limit has at most {capacity}");
            let rate = limit.rate.get().is_some();
            let draft = self.notes.mistake(&span, &place, message);
            draft.hint_if(rate.then(|| format!("`burst = {cost}` or more makes room for one call")));
        }
    }
}

/// Limits of single callers come first: a call that its caller's own limit rejects must not have asked anything
/// of what all share.
fn sharing(per: &[Key]) -> u8 {
    let has = |any: fn(&Key) -> bool| per.iter().any(any);
    if has(|key| matches!(key, Key::Caller | Key::Address | Key::User | Key::Header(_) | Key::Cookie(_))) {
        0
    } else if has(|key| matches!(key, Key::Query(_) | Key::Path(_) | Key::Body(_))) {
        1
    } else {
        2
    }
}

fn bucket(rate: Rate, burst: u64) -> Result<Gcra, InvalidLimit> {
    let most = u64::MAX;
    let calls = NonZeroU64::new(rate.calls).ok_or(InvalidLimit::TooMany { most })?;
    let burst = NonZeroU64::new(burst).ok_or(InvalidLimit::TooMany { most })?;
    Gcra::new(calls, rate.per, burst)
}

fn sliding(rate: Rate) -> Result<SlidingWindow, InvalidLimit> {
    let calls = u32::try_from(rate.calls).ok().and_then(NonZeroU32::new);
    let calls = calls.ok_or(InvalidLimit::TooMany { most: u64::from(u32::MAX) })?;
    SlidingWindow::new(calls, rate.per)
}
