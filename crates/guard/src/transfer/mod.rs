//! What passes between the two sides of a call where at least one of them speaks HTTP/2.
//!
//! HTTP/1.1 on both sides needs none of this: there bytes go from buffer to buffer (`h1`). Here a body is handed on
//! in pieces through a short channel, which is also how the slower side holds back the faster one.
//!
//! | file | thought |
//! |---|---|
//! | `pieces` | a body as hyper reads it, fed piece by piece |
//! | `upload` | a client's body: bounded in length and time |
//! | `beside` | waiting for a server while the client's body still comes |
//! | `head` | heads in the types of `http`, built from any engine's fields |
//! | `local` | hyper on a runtime of one thread |

mod beside;
mod head;
mod local;
mod pieces;
mod upload;

pub(crate) use beside::Uploading;
pub(crate) use head::{Outgoing, Parts, is_for_the_server, request, response};
pub(crate) use local::{LocalExec, Rewound};
pub(crate) use pieces::{Cut, Piece, Pieces, feed};
pub(crate) use upload::{Upload, hand_on};
