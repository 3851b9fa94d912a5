//! The gateway as its clients and its operators see it: real sockets, a server behind it that shows what it got.

mod bodies;
mod calls;
mod hostile;
mod operator;
mod server;
