//! HTTP/1.1 in, HTTP/1.1 out: the way nearly every call takes, and the one that is measured beside nginx.
//!
//! hyper serves every other pairing (`h2`). It was measured here too, and its generality (a header map for each
//! message, a task for each upstream connection, a channel for each body) costs a third of a small call. On this
//! path a head is parsed once where it lies in the buffer, judged, and written field by field into the upstream's
//! request; bodies pass through with their framing made anew. Four system calls for a call: one read and one write
//! on either side.
//!
//! | file | thought |
//! |---|---|
//! | `session` | a client's connection: call after call |
//! | `begin` | a head: parsed, judged, and turned into the upstream's head or an answer |
//! | `forward` | to a server and back, both directions at once |
//! | `body` | moving bodies, framing made anew |
//! | `upgrade` | bytes both ways after 101 |
//! | `fields` | the codec's fields as callers and limits read them |

mod begin;
mod body;
mod fields;
mod forward;
mod session;
mod upgrade;

pub(crate) use session::{Client, serve};
