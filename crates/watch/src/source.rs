//! From the names of files to lines.
//!
//! [`open()`] opens whatever a user names (a file, a pipe, `-`), sees by its first bytes whether it is compressed, and
//! gives [`Lines`]. A line is bytes: logs hold what clients sent, so nothing here assumes UTF-8. Memory is bounded by
//! one block and one longest line, however long lines or however well compressed files are.

mod ahead;
mod encoding;
mod error;
mod lines;
mod open;
mod rotation;

pub use encoding::Encoding;
pub use error::SourceError;
pub use lines::{BLOCK, Line, Lines, MAX_LINE, Splitter};
pub use open::{Input, Opened, STDIN, open, stream};
pub use rotation::{Age, MAX_SET, Order, Ordered, age_of, in_time_order, rotated_set};

#[cfg(test)]
mod tests;
