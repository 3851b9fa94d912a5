//! A strict HTTP/1.1 codec for a gateway.
