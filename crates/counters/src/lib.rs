//! Where the state of limits is kept.
