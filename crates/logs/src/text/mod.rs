//! Forms that are text: one line, parts between blanks, quotes and brackets.

pub(crate) mod address;
pub(crate) mod clf;
pub(crate) mod scan;
