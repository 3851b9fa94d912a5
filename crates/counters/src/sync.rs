//! Atomics and locks: the machine's, or shuttle's where every interleaving is to be tried.

#[cfg(not(feature = "shuttle"))]
pub(crate) use std::{
    hint::spin_loop,
    sync::{Mutex, atomic},
    thread::yield_now,
};

#[cfg(feature = "shuttle")]
pub(crate) use shuttle::{
    hint::spin_loop,
    sync::{Mutex, atomic},
    thread::yield_now,
};
