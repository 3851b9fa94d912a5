//! Findings brought to people.
