//! Bytes to Calls: every log form and envelope that is read.
//!
//! A [`Reader`] is made for one source. It finds out the form by itself from each line unless it is told, takes
//! envelopes (syslog, container runtime, docker) off, and hands each call on as it reads it; nothing is kept of a
//! line. A line that is no call is a [`Fault`]: who counts lines counts it too, so that calls + unreadable = lines.
//!
//! What a line is read as depends on that line and the [`Options`] only, never on lines before it: those only say what is
//! tried first. Forms exclude each other, strict ones go before lax ones. The one exception is a line that a container
//! runtime cut into pieces.
//!
//! Lines are bytes: nothing is checked for being UTF-8, and text is handed on as it stands (nginx's `\x22` stays), but
//! JSON's escapes are taken off. Nothing is allocated per line once buffers have grown. Rejected: regular
//! expressions (a tenth of the speed) and a tree of JSON values (a third).
//!
//! ```
//! use ratewarden_logs::{Options, Reader};
//!
//! let mut reader = Reader::new(&Options::default());
//! let line = br#"203.0.113.7 - alice [28/Nov/2026:01:02:03 +0000] "GET /items?page=2 HTTP/1.1" 200 1532 "-" "curl/8.5.0""#;
//! reader.read(line, |call| assert_eq!((call.path(), call.status), (&b"/items"[..], 200)))?;
//! assert_eq!(reader.form(), Some("nginx-combined"));
//! # Ok::<(), ratewarden_logs::Fault>(())
//! ```
//!
//! Tier 0: nothing here opens a file, and no clock is read. Lines come without their line end.

mod audit;
mod date;
mod duration;
mod envelope;
mod fault;
mod form;
mod format;
mod json;
mod mistake;
mod options;
mod plain;
mod reader;
mod row;
mod text;

pub use fault::Fault;
pub use form::Form;
pub use format::LogFormat;
pub use json::map::JsonFields;
pub use mistake::Mistake;
pub use options::Options;
pub use reader::Reader;
