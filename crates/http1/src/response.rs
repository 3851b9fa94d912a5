//! A response's head.

use std::mem::MaybeUninit;

use httparse::{Header, Status};

use crate::framing::{Declared, Framing};
use crate::hop::{self, Dropped, Options};
use crate::refused::{Reason, Refused};
use crate::request::reason;

/// A response's head where it lies in the buffer.
#[derive(Debug, Clone, Copy)]
pub struct ResponseHead<'h, 'b> {
    /// 100 to 999.
    pub status: u16,
    /// All fields in their order.
    pub fields: &'h [Header<'b>],
    /// The body.
    pub framing: Framing,
    /// The `Content-Length` that is named where there is no body (an answer to HEAD, 304).
    pub named_length: Option<u64>,
    /// The connection carries another call after this one.
    pub keep_alive: bool,
    /// The protocol that is changed to (101).
    pub upgrade: Option<&'b [u8]>,
    pub(crate) dropped: Dropped,
}

/// Parses a whole head, as [`HeadEnd`](crate::HeadEnd) has found it. `to_head` says that the request was a HEAD.
///
/// # Errors
/// With the reason, when the head is malformed or ambiguous; the status in it is not meant for the client, who
/// gets 502.
pub fn parse_response<'h, 'b>(
    head: &'b [u8],
    storage: &'h mut [MaybeUninit<Header<'b>>],
    to_head: bool,
) -> Result<ResponseHead<'h, 'b>, Refused> {
    let mut response = httparse::Response::new(&mut []);
    let parser = httparse::ParserConfig::default();
    match parser.parse_response_with_uninit_headers(&mut response, head, storage) {
        Ok(Status::Complete(_)) => {}
        Ok(Status::Partial) => return Err(Reason::StatusLine.into()),
        Err(error) => return Err(reason(error, Reason::StatusLine).into()),
    }
    let (Some(status), Some(minor)) = (response.code, response.version) else {
        return Err(Reason::StatusLine.into());
    };
    if status < 100 {
        return Err(Reason::StatusLine.into());
    }
    let fields: &'h [Header<'b>] = response.headers;
    let (mut declared, mut options) = (Declared::default(), Options::default());
    let (mut dropped, mut upgrade) = (Dropped::default(), None);
    for (index, field) in fields.iter().enumerate() {
        if hop::is_hop_by_hop(field.name) {
            dropped.set(index);
        }
        if field.name.eq_ignore_ascii_case("content-length") {
            declared.length(field.value)?;
            dropped.set(index);
        } else if field.name.eq_ignore_ascii_case("transfer-encoding") {
            declared.encoding(field.value)?;
        } else if field.name.eq_ignore_ascii_case("connection") {
            options.read(field.value, &[])?;
        } else if field.name.eq_ignore_ascii_case("upgrade") {
            upgrade = Some(field.value);
        }
    }
    if options.names_fields {
        hop::drop_named(fields, &mut dropped);
    }
    let told = declared.framing(minor == 0)?;
    let bodiless = to_head || (100..200).contains(&status) || matches!(status, 204 | 304);
    let framing = if bodiless { Framing::None } else { told.unwrap_or(Framing::UntilClose) };
    let named_length = match told {
        Some(Framing::Length(length)) if to_head || status == 304 => Some(length),
        _ => None,
    };
    let persistent = if minor == 0 { options.keep_alive && !options.close } else { !options.close };
    Ok(ResponseHead {
        status,
        fields,
        framing,
        named_length,
        keep_alive: persistent && framing != Framing::UntilClose,
        upgrade: if status == 101 { upgrade } else { None },
        dropped,
    })
}
