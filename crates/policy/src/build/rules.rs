//! Bounds and penalties.

use super::{Builder, Names};
use crate::file::{self, File, Over};
use crate::form::{At, Either};
use crate::notes::Place;
use crate::policy::{Bound, Bounded, PenaltyRule};
use crate::table::Field;

impl Builder<'_> {
    pub(super) fn bounds(&mut self, file: &File) -> Option<Vec<Bound>> {
        let root = Place::Root.key("bound");
        let mut names = Names::new("bound");
        let mut bounds = Vec::new();
        for bound in &file.bounds.value()?.0 {
            let place = root.item(bound.index);
            if let Some(name) = bound.value.name.get() {
                names.add(&name.value.0, &name.span, &place, self.notes);
            }
            bounds.extend(self.bound(&bound.value, file, &place));
        }
        Some(bounds)
    }

    fn bound(&mut self, bound: &file::Bound, file: &File, place: &Place<'_>) -> Option<Bound> {
        let matches = bound.matches.value().and_then(|table| self.matches(table, file, &place.key("match")));
        let what = if bound.response.is_written() {
            self.bounded_response(bound, place)
        } else {
            self.bounded_number(bound, place)
        };
        Some(Bound { name: bound.name.value()?.0.clone(), matches: matches?, what: what? })
    }

    fn bounded_response(&mut self, bound: &file::Bound, place: &Place<'_>) -> Option<Bounded> {
        if let Some(At { value: false, span, .. }) = bound.response.get() {
            self.notes.mistake(span, &place.key("response"), "`false` bounds nothing");
        }
        if let Some(At { value: over, span, .. }) = bound.over.get()
            && over.0 == Over::Clamp
        {
            let draft =
                self.notes.mistake(span, &place.key("over"), "a response cannot be lowered, only refused");
            draft.hint("leave it out");
        }
        if let Some(required) = bound.required.get() {
            self.notes.mistake(
                &required.span,
                &place.key("required"),
                "is only there with `query` or `body`",
            );
        }
        let max = bound.max.get()?;
        match &max.value {
            Either::Second(size) => Some(Bounded::Response { max: size.0 }),
            Either::First(number) => {
                let message = format!("found the number {}, expected a size, such as `10MiB`", number.0);
                let draft = self.notes.mistake(&max.span, &place.key("max"), message);
                draft.hint(format!("\"{0}B\" is {0} bytes", number.0));
                None
            }
        }
    }

    fn bounded_number(&mut self, bound: &file::Bound, place: &Place<'_>) -> Option<Bounded> {
        let max = match bound.max.get() {
            Some(At { value: Either::First(number), .. }) => Some(number.0),
            Some(At { value: Either::Second(_), span, .. }) => {
                self.notes.mistake(span, &place.key("max"), "found a size, expected a number");
                None
            }
            None => None,
        };
        let clamp = bound.over.known()?.is_none_or(|over| over.0 == Over::Clamp);
        let required = bound.required.known()?.copied().unwrap_or(false);
        if let Some(name) = bound.query.value() {
            return Some(Bounded::Query { name: name.0.clone(), max: max?, clamp, required });
        }
        let field = bound.body.value()?.0.clone();
        Some(Bounded::Body { field, max: max?, clamp, required })
    }

    pub(super) fn penalties(&mut self, file: &File) -> Option<Vec<PenaltyRule>> {
        let root = Place::Root.key("penalty");
        let mut names = Names::new("penalty");
        let mut penalties = Vec::new();
        for At { value: penalty, index, .. } in &file.penalties.value()?.0 {
            let place = root.item(*index);
            if let Some(after) = penalty.after.get() {
                let rate = At::new(after.value.rate, after.span.clone());
                self.countable(&rate, &place.key("after"));
            }
            self.no_longer(("ban", &penalty.ban), ("up-to", &penalty.up_to), &place);
            let built = self.penalty(penalty);
            if let (Some(built), Some(span)) = (&built, penalty_name_span(penalty)) {
                names.add(&built.name, &span, &place, self.notes);
            }
            penalties.extend(built);
        }
        Some(penalties)
    }

    #[expect(clippy::unused_self, reason = "the sections are built alike")]
    fn penalty(&self, penalty: &file::Penalty) -> Option<PenaltyRule> {
        let after = penalty.after.value()?;
        let name = match penalty.name.known()? {
            Some(name) => name.0.clone(),
            None => after.to_string(),
        };
        Some(PenaltyRule {
            name,
            offence: after.offence,
            after: after.rate,
            per: penalty.per.value()?.0,
            ban: penalty.ban.value()?.0,
            up_to: penalty.up_to.value()?.0,
            forget: penalty.forget.value()?.0,
        })
    }
}

/// Where a penalty has its name from.
fn penalty_name_span(penalty: &file::Penalty) -> Option<crate::notes::Span> {
    match &penalty.name {
        Field::Is(name) => Some(name.span.clone()),
        _ => penalty.after.get().map(|after| after.span.clone()),
    }
}
