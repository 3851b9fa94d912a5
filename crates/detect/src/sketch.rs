//! Counts of many keys in little memory, each with its error.

mod bits;
mod cells;
mod top;

pub(crate) use bits::{Bits, estimate};
pub(crate) use cells::{Cells, Remembered};
pub use top::{Ranked, Sketch, Summary};
