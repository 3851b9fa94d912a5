//! A declared table, read: every key on its own, then those that are not known, then what must hold for several together.

use toml::de::{DeTable, DeValue};

use super::{About, Field, Presence, Table, Together};
use crate::form::{At, Form, Value, wrong_type};
use crate::notes::{Notes, Place, Span};
use crate::suggestion::{nearest, one_of};

/// A table that is being read.
pub(crate) struct Walk<'w, 'v> {
    table: &'w DeTable<'v>,
    span: Span,
    place: &'w Place<'w>,
    notes: &'w mut Notes,
}

impl Walk<'_, '_> {
    /// Reads the key `name`.
    pub(crate) fn field<T: Form>(&mut self, name: &str, presence: Presence) -> Field<T> {
        let place = self.place.key(name);
        let found = self.table.iter().find(|(key, _)| key.get_ref() == name);
        match (found, presence) {
            (Some((_, value)), _) => read_field(value, &place, self.notes),
            (None, Presence::Optional) => Field::Absent,
            (None, Presence::Required) => {
                self.notes.mistake(&self.span, &place, format!("is missing: {}", T::expected()));
                Field::Wrong
            }
            (None, Presence::Default(text)) => match DeValue::parse(text) {
                Ok(value) => {
                    self.notes.on_behalf(&self.span, |notes| read_field(&value, &place, notes)).by_default()
                }
                Err(_) => Field::Absent,
            },
        }
    }

    /// Notes every key that is not one of the table's.
    fn unknown_keys(&mut self, about: &About) {
        let names = || about.keys.iter().map(|key| key.name);
        for (key, _) in self.table {
            let name = key.get_ref().as_ref();
            if names().any(|known| known == name) {
                continue;
            }
            let hint = nearest(name, names()).map_or_else(
                || format!("known here: {}", one_of(names())),
                |near| format!("did you mean `{near}`?"),
            );
            self.notes.mistake(&key.span(), &self.place.key(name), "unknown key").hint(hint);
        }
    }

    fn holds(&mut self, rule: Together) {
        match rule {
            Together::ExactlyOne(names) | Together::AtLeastOne(names) | Together::AtMostOne(names) => {
                let mut there: Vec<(usize, &str)> =
                    names.iter().filter_map(|name| Some((self.key(name)?.start, *name))).collect();
                there.sort_unstable();
                let is_one = matches!(rule, Together::ExactlyOne(_) | Together::AtMostOne(_));
                if there.is_empty() && !matches!(rule, Together::AtMostOne(_)) {
                    let message = format!("one of {} is missing", one_of(names.iter().copied()));
                    self.notes.mistake(&self.span, self.place, message);
                } else if let (true, Some((&(_, first), extra))) = (is_one, there.split_first()) {
                    for (_, name) in extra {
                        let known = one_of(names.iter().copied());
                        let many = if matches!(rule, Together::AtMostOne(_)) { "at most" } else { "exactly" };
                        self.at_key(name, format!("cannot be there with `{first}`: {many} one of {known}"));
                    }
                }
            }
            Together::Needs([one, other]) => {
                if self.key(one).is_some() && self.key(other).is_none() {
                    self.at_key(one, format!("is only there with `{other}`"));
                }
            }
        }
    }

    /// Where the key `name` stands, if it does.
    fn key(&self, name: &str) -> Option<Span> {
        self.table.iter().find(|(key, _)| key.get_ref() == name).map(|(key, _)| key.span())
    }

    fn at_key(&mut self, name: &str, message: String) {
        let span = self.key(name);
        self.notes.mistake(&span.unwrap_or_else(|| self.span.clone()), &self.place.key(name), message);
    }
}

fn read_field<T: Form>(value: &Value<'_>, place: &Place<'_>, notes: &mut Notes) -> Field<T> {
    match T::read(value, place, notes) {
        Some(read) => Field::Is(At::new(read, notes.span(&value.span()))),
        None => Field::Wrong,
    }
}

/// Reads a declared table from a value.
pub(crate) fn read<T: Table>(value: &Value<'_>, place: &Place<'_>, notes: &mut Notes) -> Option<T> {
    let DeValue::Table(table) = value.get_ref() else {
        let draft = wrong_type(value, "a table", place, notes);
        if matches!(value.get_ref(), DeValue::Array(_)) {
            draft.hint(format!("there is only one: write `[{place}]`, with single brackets"));
        }
        return None;
    };
    Some(read_table(table, value.span(), place, notes))
}

/// Reads a declared table.
pub(crate) fn read_table<T: Table>(
    table: &DeTable<'_>,
    span: Span,
    place: &Place<'_>,
    notes: &mut Notes,
) -> T {
    let span = notes.span(&span);
    let mut walk = Walk { table, span, place, notes };
    walk.unknown_keys(&T::ABOUT);
    for rule in T::ABOUT.rules {
        walk.holds(*rule);
    }
    T::take(&mut walk)
}
