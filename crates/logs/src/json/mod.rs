//! Forms that are one JSON object a line.
//!
//! A line is walked once: values of interest are noted where they lie, everything else is only checked for being JSON. No
//! tree is built and nothing is copied but strings with escapes that are wanted. What is accepted is what `serde_json`
//! accepts, but for three things that cannot be misread: invalid UTF-8, lone surrogates (read as U+FFFD) and numbers
//! beyond what a float holds.

pub(crate) mod fields;
pub(crate) mod forms;
pub(crate) mod map;
pub(crate) mod presets;
pub(crate) mod shape;
pub(crate) mod text;
pub(crate) mod walk;

#[cfg(test)]
mod tests;
