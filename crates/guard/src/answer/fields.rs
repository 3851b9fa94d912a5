//! The fields of an answer, all values in one piece of memory: who floods a gateway makes it write answers.

/// Fields in their order.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct FieldList {
    values: String,
    /// Each name, and where its value ends.
    ends: Vec<(&'static str, usize)>,
}

/// Room for the fields of an answer about one limit.
const VALUES: usize = 128;
const FIELDS: usize = 4;

impl FieldList {
    /// None yet, with room for those of most rejections.
    pub(crate) fn with_room() -> Self {
        Self { values: String::with_capacity(VALUES), ends: Vec::with_capacity(FIELDS) }
    }

    /// Adds a field, whose value `write` appends.
    pub(crate) fn add(&mut self, name: &'static str, write: impl FnOnce(&mut String)) {
        write(&mut self.values);
        self.ends.push((name, self.values.len()));
    }

    /// Adds a field of this value.
    pub(crate) fn push(&mut self, name: &'static str, value: &str) {
        self.add(name, |values| values.push_str(value));
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = (&'static str, &str)> {
        let mut start = 0;
        self.ends.iter().map(move |&(name, end)| {
            let value = self.values.get(start..end).unwrap_or_default();
            start = end;
            (name, value)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_come_in_their_order_and_may_be_empty() {
        let mut fields = FieldList::with_room();
        fields.push("a", "1;r=2");
        fields.push("b", "");
        fields.add("c", |value| value.push('x'));
        assert_eq!(fields.iter().collect::<Vec<_>>(), [("a", "1;r=2"), ("b", ""), ("c", "x")]);
    }
}
