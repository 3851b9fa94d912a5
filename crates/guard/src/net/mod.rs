//! What lies below HTTP: sockets, buffers and deadlines of one worker.

pub(crate) mod buffers;
pub(crate) mod deadline;
pub(crate) mod duplex;
pub(crate) mod listener;
pub(crate) mod stream;
