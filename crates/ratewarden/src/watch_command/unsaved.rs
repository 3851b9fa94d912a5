//! What the disk does not take: said once, again where the reason is another, and once when it is over.

use std::io;

use crate::stderr;

/// What is known of something that is to be on the disk.
#[derive(Debug, Default)]
pub(super) struct Unsaved {
    said: Option<String>,
}

impl Unsaved {
    /// Takes what became of saving it; whether it is saved. `cannot` says what the reason means for the reader, `again` that
    /// it is saved again.
    pub(super) fn note(
        &mut self,
        saved: io::Result<()>,
        cannot: impl FnOnce(&io::Error) -> String,
        again: impl FnOnce() -> String,
    ) -> bool {
        let error = saved.err();
        let why = error.as_ref().map(ToString::to_string);
        if why != self.said {
            stderr::note(&error.as_ref().map_or_else(again, cannot));
        }
        self.said = why;
        error.is_none()
    }
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;

    use super::*;

    #[test]
    fn a_reason_is_said_once_again_where_it_changes_and_its_end_is_said() {
        let said = Cell::new((0, 0));
        let mut unsaved = Unsaved::default();
        let mut note = |error: Option<&str>| {
            let saved = error.map_or(Ok(()), |error| Err(io::Error::other(error.to_owned())));
            let cannot = |error: &io::Error| {
                said.set((said.get().0 + 1, said.get().1));
                error.to_string()
            };
            let again = || {
                said.set((said.get().0, said.get().1 + 1));
                String::new()
            };
            (unsaved.note(saved, cannot, again), said.get())
        };
        assert_eq!(note(None), (true, (0, 0)));
        assert_eq!([note(Some("full")), note(Some("full"))], [(false, (1, 0)); 2]);
        assert_eq!(note(Some("read-only")), (false, (2, 0)));
        assert_eq!([note(None), note(None)], [(true, (2, 1)); 2]);
    }
}
