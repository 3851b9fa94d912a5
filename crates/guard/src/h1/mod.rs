//! HTTP/1.1 in, HTTP/1.1 out: the way nearly every call takes, and the one that is measured beside nginx.
//!
//! A gateway on hyper, written by hand, took 11.4 to 11.9 µs of CPU for a call where nginx took 8.4 to 11.7: a header
//! map for each message, a task for each upstream connection and a channel for each body have their price. Here a head
//! is parsed once where it lies in the buffer, judged, and written field by field into the upstream's request; bodies
//! pass through with their framing made anew. A small call is one read and one write on either side.
//!
//! | file | thought |
//! |---|---|
//! | `session` | a client's connection: call after call |
//! | `begin` | a head: parsed, judged, and turned into the upstream's head or an answer |
//! | `forward` | to a server and back, both directions at once |
//! | `download` | a server's answer, passed on as it comes |
//! | `body` | moving bodies, framing made anew |
//! | `to_http2` | the same to a server that speaks HTTP/2 |
//! | `upgrade` | bytes both ways after 101 |
//! | `fields` | the codec's fields as callers and limits read them |

mod begin;
pub(crate) mod body;
mod download;
mod fields;
mod forward;
mod session;
mod to_http2;
mod upgrade;

pub(crate) use session::serve;
