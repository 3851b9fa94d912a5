//! A table of the file, declared once: what reads it, its schema and its reference page all come from the same
//! declaration, so they cannot disagree.
//!
//! `serde` was tried in thought and left: it stops at the first mistake, and a policy with five mistakes should
//! not take five runs. Each field is read on its own instead and remembers whether it was absent, wrong or there,
//! so that what depends on several keys can still be checked when one of them is wrong.

use serde_json::{Map, Value as Json, json};
use toml::de::{DeTable, DeValue};

use crate::form::{At, Form, Kind, Value, wrong_type};
use crate::notes::{Notes, Place, Span};
use crate::suggestion::{nearest, one_of};

/// What became of a key.
#[derive(Debug)]
pub(crate) enum Field<T> {
    /// It is not there, and need not be.
    Absent,
    /// A mistake has been noted.
    Wrong,
    /// Its value.
    Is(At<T>),
    /// It is not there and has a default; the place is that of the table.
    Default(At<T>),
}

impl<T> Field<T> {
    /// The value, if there is one.
    pub(crate) const fn get(&self) -> Option<&At<T>> {
        match self {
            Self::Is(at) | Self::Default(at) => Some(at),
            Self::Absent | Self::Wrong => None,
        }
    }

    /// Whether it stands in the file, right or wrong.
    pub(crate) const fn is_written(&self) -> bool {
        matches!(self, Self::Is(_) | Self::Wrong)
    }

    /// The value, without its place.
    pub(crate) fn value(&self) -> Option<&T> {
        self.get().map(|at| &at.value)
    }

    fn by_default(self) -> Self {
        match self {
            Self::Is(at) => Self::Default(at),
            other => other,
        }
    }

    /// The value; `None` only where a mistake has been noted.
    pub(crate) fn known(&self) -> Option<Option<&T>> {
        match self {
            Self::Is(at) | Self::Default(at) => Some(Some(&at.value)),
            Self::Absent => Some(None),
            Self::Wrong => None,
        }
    }
}

/// Whether a key must be there.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Presence {
    /// It must.
    Required,
    /// It need not, and there is no default.
    Optional,
    /// It need not, and then it is this (TOML).
    Default(&'static str),
}

/// A key, described.
#[derive(Debug)]
pub(crate) struct AboutKey {
    pub(crate) name: &'static str,
    /// Lines of its description.
    pub(crate) doc: &'static [&'static str],
    pub(crate) presence: Presence,
    pub(crate) kind: Kind,
    pub(crate) expected: fn() -> String,
    pub(crate) schema: fn() -> Json,
    /// The table it holds, if it holds one.
    pub(crate) table: Option<&'static About>,
}

/// A table, described.
#[derive(Debug)]
pub(crate) struct About {
    /// Lines of its description.
    pub(crate) doc: &'static [&'static str],
    pub(crate) keys: &'static [AboutKey],
    pub(crate) rules: &'static [Together],
}

/// What must hold for several keys together.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Together {
    /// Exactly one of them is there.
    ExactlyOne(&'static [&'static str]),
    /// At least one of them is there.
    AtLeastOne(&'static [&'static str]),
    /// At most one of them is there.
    AtMostOne(&'static [&'static str]),
    /// The first is there only with the second.
    Needs(&'static [&'static str; 2]),
}

/// A declared table.
pub(crate) trait Table: Sized {
    /// Its description.
    const ABOUT: About;

    /// Takes its fields.
    fn take(walk: &mut Walk<'_, '_>) -> Self;
}

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

/// A description as one text.
pub(crate) fn prose(doc: &[&str]) -> String {
    doc.iter().map(|line| line.trim()).collect::<Vec<_>>().join(" ")
}

impl About {
    /// The JSON Schema of the table.
    pub(crate) fn schema(&self) -> Json {
        let properties: Map<String, Json> =
            self.keys.iter().map(|key| (key.name.to_owned(), key.schema())).collect();
        let required = self.keys.iter().filter(|key| matches!(key.presence, Presence::Required));
        let required: Vec<&str> = required.map(|key| key.name).collect();
        let mut schema = json!({
            "type": "object",
            "description": prose(self.doc),
            "properties": properties,
            "required": required,
            "additionalProperties": false,
        });
        let all: Vec<Json> = self.rules.iter().map(|rule| rule.schema()).collect();
        if let (Some(object), false) = (schema.as_object_mut(), all.is_empty()) {
            object.insert("allOf".to_owned(), Json::Array(all));
        }
        schema
    }
}

impl AboutKey {
    fn schema(&self) -> Json {
        let mut schema = (self.schema)();
        if let Some(object) = schema.as_object_mut() {
            object.insert("description".to_owned(), Json::String(prose(self.doc)));
            // A table's default is that of its keys.
            if let (Presence::Default(text), None) = (self.presence, self.table)
                && let Some(default) = crate::schema::json_of(text)
            {
                object.insert("default".to_owned(), default);
            }
        }
        schema
    }
}

impl Together {
    fn schema(self) -> Json {
        let each =
            |names: &[&str]| names.iter().map(|name| json!({ "required": [name] })).collect::<Vec<_>>();
        match self {
            Self::ExactlyOne(names) => json!({ "oneOf": each(names) }),
            Self::AtLeastOne(names) => json!({ "anyOf": each(names) }),
            // None, or one.
            Self::AtMostOne(names) => {
                let mut each = each(names);
                each.push(json!({ "not": { "anyOf": each } }));
                json!({ "oneOf": each })
            }
            Self::Needs([one, other]) => json!({ "dependentRequired": { *one: [other] } }),
        }
    }
}

/// Declares tables: their description, and for each key its name, field, form, presence and description.
macro_rules! table {
    (
        $(#[doc = $doc:literal])+
        $name:ident {
            $( $(#[doc = $key_doc:literal])+ $key:literal $field:ident: $form:ty, $presence:ident $($toml:literal)?; )*
        }
        $( $rule:ident $members:tt; )*
    ) => {
        $(#[doc = $doc])+
        #[derive(Debug)]
        pub(crate) struct $name {
            $( $(#[doc = $key_doc])+ pub(crate) $field: $crate::table::Field<$form>, )*
        }

        impl $crate::table::Table for $name {
            const ABOUT: $crate::table::About = $crate::table::About {
                doc: &[$($doc),+],
                keys: &[$( $crate::table::AboutKey {
                    name: $key,
                    doc: &[$($key_doc),+],
                    presence: $crate::table::Presence::$presence $(($toml))?,
                    kind: <$form as $crate::form::Form>::KIND,
                    expected: <$form as $crate::form::Form>::expected,
                    schema: <$form as $crate::form::Form>::schema,
                    table: <$form as $crate::form::Form>::TABLE,
                } ),*],
                rules: &[$( $crate::table::Together::$rule(&$members) ),*],
            };

            fn take(walk: &mut $crate::table::Walk<'_, '_>) -> Self {
                Self {
                    $( $field: walk.field($key, $crate::table::Presence::$presence $(($toml))?), )*
                }
            }
        }

        impl $crate::form::Form for $name {
            const KIND: $crate::form::Kind = $crate::form::Kind::Table;
            const TABLE: Option<&'static $crate::table::About> = Some(&<Self as $crate::table::Table>::ABOUT);

            fn expected() -> String {
                "a table".to_owned()
            }

            fn schema() -> serde_json::Value {
                <Self as $crate::table::Table>::ABOUT.schema()
            }

            fn read(
                value: &$crate::form::Value<'_>,
                place: &$crate::notes::Place<'_>,
                notes: &mut $crate::notes::Notes,
            ) -> Option<Self> {
                $crate::table::read(value, place, notes)
            }
        }
    };
}
pub(crate) use table;
