//! A strict HTTP/1.1 codec for a gateway.
//!
//! Two programs that read the same bytes differently are how requests are smuggled past a gateway. So this codec
//! accepts one form of everything and refuses what is ambiguous (RFC 9112 lets a recipient refuse nearly all of
//! it), and what it writes is made anew: the framing is ours, the path is the normalised one, and no field that is
//! for one hop passes to the next. A head is parsed where it lies; nothing is copied until it is written out.
//!
//! Tokenising is `httparse`'s. Not used are its leniencies: bare line feeds, and heads without an end.
//!
//! Tier 0: no sockets and no time.

mod chunked;
mod end;
mod framing;
mod hop;
mod path;
pub mod proxy;
mod query;
mod refused;
mod request;
mod response;
mod write;

pub use chunked::{Advance, BadChunk, Decoder, write_chunk_end, write_chunk_size};
pub use end::HeadEnd;
pub use framing::{Framing, declared_length};
pub use hop::is_hop_by_hop;
pub use httparse::Header;
pub use path::normalise;
pub use query::{check_query, query_values};
pub use refused::{Reason, Refused};
pub use request::{RequestHead, Version, check_host, parse_request};
pub use response::{ResponseHead, parse_response};
pub use write::{Extra, OutgoingRequest, OutgoingResponse, write_answer, write_request, write_response};

/// Fields a head may have at the very most, whatever is configured.
pub const MAX_FIELDS: usize = 256;

/// Memory for the fields of a head, not written to before they are parsed.
pub type Storage<'b, const N: usize = MAX_FIELDS> = [std::mem::MaybeUninit<Header<'b>>; N];

/// Fresh [`Storage`].
#[must_use]
pub const fn storage<'b>() -> Storage<'b> {
    [const { std::mem::MaybeUninit::uninit() }; MAX_FIELDS]
}
