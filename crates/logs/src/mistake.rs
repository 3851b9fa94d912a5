//! Mistakes in what users write: a format, a field map.

/// What is wrong with a format or a field map, and where.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{what} (at column {column})")]
pub struct Mistake {
    pub(crate) what: String,
    pub(crate) column: usize,
    pub(crate) hint: Option<String>,
}

impl Mistake {
    pub(crate) fn new(what: impl Into<String>, column: usize) -> Self {
        Self { what: what.into(), column, hint: None }
    }

    pub(crate) fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    /// Where in the text it is: the first character is 1.
    #[must_use]
    pub const fn column(&self) -> usize {
        self.column
    }

    /// What to do, for the line `hint: …`.
    #[must_use]
    pub fn advice(&self) -> Option<&str> {
        self.hint.as_deref()
    }
}

/// The known name that is most like `name`, if one is like it at all.
pub(crate) fn suggestion<'n>(name: &str, known: impl IntoIterator<Item = &'n str>) -> Option<&'n str> {
    // Beyond this the comparison, which is quadratic, is not worth it: no known name is so long.
    if name.len() > 60 {
        return None;
    }
    let near = known.into_iter().map(|known| (strsim::damerau_levenshtein(name, known), known));
    let limit = (name.chars().count() / 4).clamp(1, 3);
    near.filter(|(distance, _)| *distance <= limit).min().map(|(_, known)| known)
}

/// No more of a user's text than a message can hold, and nothing that a terminal would obey.
pub(crate) fn shown(text: &str) -> String {
    text.chars().take(60).flat_map(char::escape_debug).collect()
}
