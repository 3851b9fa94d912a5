//! Lines of every form, envelopes round them, and properties that hold for all.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod envelopes;
mod forms;
mod json;
mod options;
mod owned;
mod properties;
