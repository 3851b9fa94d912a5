//! HTTP/2 from clients: agreed on in the TLS handshake, or known beforehand on a plain listener.
//!
//! The frames are hyper's. What a call means is decided where HTTP/1.1 decides it (`call`), and on the way to a
//! server that speaks HTTP/1.1 the head is written by the same codec. RFC 9113 lets a gateway treat what cannot be
//! told in HTTP/1.1 as malformed, and so it is: that is where requests are smuggled by downgrading.
//!
//! Trailers pass to and from servers that speak HTTP/2 and are left out elsewhere, as HTTP/1.1 leaves them out. A client
//! that waits for `100 Continue` is not told: it sends its body after a moment, as every client must. CONNECT, and with it
//! WebSockets over HTTP/2, is refused.
//!
//! | file | thought |
//! |---|---|
//! | `serve` | a client's connection: its caps, its idleness, its end |
//! | `link` | what the calls of one connection share |
//! | `begin` | a head: checked, judged, and made ready for the upstream |
//! | `forward` | a call on its way, in a task of its own |
//! | `answering` | the client's side of it: what it is told, and what is counted at its end |
//! | `download` | a server's answer, from either version of HTTP |
//! | `reply` | what hyper is given to answer with |

mod answering;
mod begin;
mod download;
mod forward;
mod link;
mod reply;
mod serve;

pub(crate) use serve::serve;
