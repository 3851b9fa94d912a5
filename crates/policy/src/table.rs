//! A table of the file, declared once: what reads it, its schema and its reference page all come from the same
//! declaration, so they cannot disagree.
//!
//! `serde` was tried in thought and left: it stops at the first mistake, and a policy with five mistakes should
//! not take five runs. Each field is read on its own instead and remembers whether it was absent, wrong or there,
//! so that what depends on several keys can still be checked when one of them is wrong.

mod read;
mod schema;

use serde_json::Value as Json;

use crate::form::{At, Kind};

pub(crate) use read::{Walk, read, read_table};
pub(crate) use schema::prose;

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
