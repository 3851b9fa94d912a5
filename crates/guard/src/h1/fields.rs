//! The codec's fields as callers and limits read them.

use ratewarden_callers::Fields;
use ratewarden_http1::Header;

/// The fields of a parsed head.
#[derive(Debug, Clone, Copy)]
pub(crate) struct HeadFields<'h, 'b>(pub(crate) &'h [Header<'b>]);

impl Fields for HeadFields<'_, '_> {
    fn values<'a>(&'a self, name: &str) -> impl Iterator<Item = &'a [u8]> {
        self.0.iter().filter(move |field| field.name.eq_ignore_ascii_case(name)).map(|field| field.value)
    }

    fn each(&self, with: &mut dyn FnMut(&str, &[u8])) {
        for field in self.0 {
            with(field.name, field.value);
        }
    }
}
