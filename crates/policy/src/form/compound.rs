//! Forms that are made of other forms: arrays, one or another, and tables from names to values. A wrong part is noted at its
//! own place and the rest is read on, so one run tells of all mistakes.

use serde_json::{Value as Json, json};
use toml::de::{DeArray, DeValue};

use super::{At, Form, Kind, Value, Written, is_kind, wrong_type};
use crate::notes::{Notes, Place, short};
use crate::table::About;

/// One value, or an array of one to `MAX`.
#[derive(Debug)]
pub(crate) struct Several<T, const MAX: usize>(pub(crate) Vec<At<T>>);

impl<T: Form, const MAX: usize> Form for Several<T, MAX> {
    const KIND: Kind = Kind::List;
    const TABLE: Option<&'static About> = T::TABLE;

    fn expected() -> String {
        format!("{}, or an array of them", T::expected())
    }

    fn schema() -> Json {
        let one = T::schema();
        json!({ "anyOf": [one, { "type": "array", "items": one, "minItems": 1, "maxItems": MAX }] })
    }

    fn read(value: &Value<'_>, place: &Place<'_>, notes: &mut Notes) -> Option<Self> {
        let DeValue::Array(array) = value.get_ref() else {
            let read = T::read(value, place, notes)?;
            return Some(Self(vec![At::new(read, notes.span(&value.span()))]));
        };
        if array.is_empty() {
            notes.mistake(&value.span(), place, format!("found an empty array, expected {}", T::expected()));
            return None;
        }
        Some(Self(items(array, MAX, value, place, notes)))
    }
}

/// An array of at most `MAX`, which may be empty.
#[derive(Debug)]
pub(crate) struct Many<T, const MAX: usize>(pub(crate) Vec<At<T>>);

impl<T: Form, const MAX: usize> Form for Many<T, MAX> {
    const KIND: Kind = Kind::List;
    const TABLE: Option<&'static About> = T::TABLE;

    fn expected() -> String {
        match T::KIND {
            Kind::Table => "an array of tables".to_owned(),
            _ => format!("an array, each {}", T::expected()),
        }
    }

    fn schema() -> Json {
        json!({ "type": "array", "items": T::schema(), "maxItems": MAX })
    }

    fn read(value: &Value<'_>, place: &Place<'_>, notes: &mut Notes) -> Option<Self> {
        let found = value.get_ref();
        if let DeValue::Array(array) = found {
            return Some(Self(items(array, MAX, value, place, notes)));
        }
        let draft = wrong_type(value, &Self::expected(), place, notes);
        if is_kind(found, T::KIND) {
            match found {
                DeValue::Table(_) => draft.hint(format!("write `[[{place}]]`, with two brackets")),
                DeValue::String(text) => draft.hint(format!("write [\"{}\"]", short(text))),
                _ => {}
            }
        }
        None
    }
}

/// Reads each element, and goes on after a wrong one.
fn items<T: Form>(
    array: &DeArray<'_>,
    most: usize,
    value: &Value<'_>,
    place: &Place<'_>,
    notes: &mut Notes,
) -> Vec<At<T>> {
    if array.len() > most {
        let message = format!("found {} elements, expected at most {most}", array.len());
        notes.mistake(&value.span(), place, message);
    }
    let each = array.iter().take(most).enumerate().filter_map(|(index, item)| {
        let read = T::read(item, &place.item(index), notes)?;
        Some(At { value: read, span: notes.span(&item.span()), index })
    });
    each.collect()
}

/// One form or another, told apart by the kind of value.
#[derive(Debug)]
pub(crate) enum Either<A, B> {
    First(A),
    Second(B),
}

impl<A: Form, B: Form> Form for Either<A, B> {
    const KIND: Kind = A::KIND;
    const TABLE: Option<&'static About> = match A::TABLE {
        Some(table) => Some(table),
        None => B::TABLE,
    };

    fn expected() -> String {
        format!("{}, or {}", A::expected(), B::expected())
    }

    fn schema() -> Json {
        json!({ "anyOf": [A::schema(), B::schema()] })
    }

    fn read(value: &Value<'_>, place: &Place<'_>, notes: &mut Notes) -> Option<Self> {
        if is_kind(value.get_ref(), A::KIND) {
            return A::read(value, place, notes).map(Self::First);
        }
        if is_kind(value.get_ref(), B::KIND) {
            return B::read(value, place, notes).map(Self::Second);
        }
        wrong_type(value, &Self::expected(), place, notes);
        None
    }
}

/// A table whose keys are names of the caller's own and whose values are strings, at most `MAX`.
#[derive(Debug)]
pub(crate) struct Pairs<K, V, const MAX: usize>(pub(crate) Vec<(At<K>, V)>);

impl<K: Written, V: Written, const MAX: usize> Form for Pairs<K, V, MAX> {
    const KIND: Kind = Kind::Table;

    fn expected() -> String {
        format!("a table from {} to {}", K::EXPECTED, V::EXPECTED)
    }

    fn schema() -> Json {
        json!({
            "type": "object",
            "propertyNames": K::schema(),
            "additionalProperties": V::schema(),
            "minProperties": 1,
            "maxProperties": MAX,
        })
    }

    fn read(value: &Value<'_>, place: &Place<'_>, notes: &mut Notes) -> Option<Self> {
        let DeValue::Table(table) = value.get_ref() else {
            wrong_type(value, &Self::expected(), place, notes);
            return None;
        };
        if table.is_empty() || table.len() > MAX {
            let message = format!("found {} entries, expected 1 to {MAX}", table.len());
            notes.mistake(&value.span(), place, message);
        }
        let mut pairs: Vec<(At<K>, V)> = Vec::new();
        for (name, value) in table.iter().take(MAX) {
            let place = place.key(name.get_ref());
            let key = match K::parse(name.get_ref()) {
                Ok(key) => Some(key),
                Err(wrong) => {
                    notes.mistake(&name.span(), &place, wrong.message).hint_if(wrong.hint);
                    None
                }
            };
            if let (Some(key), Some(value)) = (key, V::read(value, &place, notes)) {
                pairs.push((At::new(key, notes.span(&name.span())), value));
            }
        }
        Some(Self(pairs))
    }
}
