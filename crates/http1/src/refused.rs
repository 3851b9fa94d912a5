//! Why a message is not accepted.

use std::fmt;

/// A message that is not accepted, and the status a client is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("{reason}")]
pub struct Refused {
    /// 400 unless another says it better.
    pub status: u16,
    /// Why.
    pub reason: Reason,
}

macro_rules! reasons {
    ($($variant:ident $name:literal $status:literal $sentence:literal,)*) => {
        /// Why a message is not accepted.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        pub enum Reason {
            $(#[doc = $sentence] $variant,)*
        }

        impl Reason {
            /// Every reason.
            pub const ALL: &[Self] = &[$(Self::$variant,)*];

            /// A stable word for metrics and logs.
            #[must_use]
            pub const fn name(self) -> &'static str {
                match self { $(Self::$variant => $name,)* }
            }

            /// The status a client is told.
            #[must_use]
            pub const fn status(self) -> u16 {
                match self { $(Self::$variant => $status,)* }
            }

            const fn sentence(self) -> &'static str {
                match self { $(Self::$variant => $sentence,)* }
            }
        }
    };
}

reasons! {
    BareLineFeed "bare_line_feed" 400 "a line ends with a bare line feed",
    RequestLine "request_line" 400 "the request line is malformed",
    StatusLine "status_line" 400 "the status line is malformed",
    Version "version" 505 "only HTTP/1.0 and HTTP/1.1 are spoken here",
    FieldName "field_name" 400 "a field name is malformed (space before the colon, a folded line, a control character)",
    FieldValue "field_value" 400 "a field value contains a control character",
    TooManyFields "too_many_fields" 431 "there are too many header fields",
    HeadTooLarge "head_too_large" 431 "the head is too large",
    HeadTimeout "header_timeout" 408 "the head took too long",
    TargetTooLong "target_too_long" 414 "the request target is too long",
    MissingHost "missing_host" 400 "the field Host is missing or empty",
    DuplicateHost "duplicate_host" 400 "the field Host is there more than once",
    HostAndAuthority "host_and_authority" 400 "Host and `:authority` name different hosts",
    InvalidHost "invalid_host" 400 "the field Host is not a host and port",
    LengthAndEncoding "length_and_encoding" 400 "Content-Length and Transfer-Encoding are both there",
    DuplicateLength "duplicate_length" 400 "Content-Length is there more than once",
    InvalidLength "invalid_length" 400 "Content-Length is not a plain number",
    InvalidEncoding "invalid_encoding" 400 "Transfer-Encoding is not exactly `chunked`",
    UnknownEncoding "unknown_encoding" 501 "a transfer coding other than chunked is not understood",
    EncodingInHttp10 "encoding_in_http10" 400 "Transfer-Encoding does not exist in HTTP/1.0",
    TargetForm "target_form" 400 "the request target must begin with a slash",
    Method "method" 405 "this method is not forwarded",
    InvalidConnection "invalid_connection" 400 "the field Connection is malformed",
    ProtectedField "protected_field" 400 "Connection names a field that must reach the server",
    Expectation "expectation" 417 "only the expectation 100-continue is understood",
    PathCharacter "path_character" 400 "the path contains a character that must be percent-encoded",
    PathEscape "path_escape" 400 "the path contains a malformed percent escape",
    PathEncodedSlash "path_encoded_slash" 400 "the path contains an encoded slash, backslash or null",
    PathDotSegment "path_dot_segment" 400 "the path contains a dot segment",
    QueryCharacter "query_character" 400 "the query contains a character that must be percent-encoded",
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.sentence())
    }
}

impl From<Reason> for Refused {
    fn from(reason: Reason) -> Self {
        Self { status: reason.status(), reason }
    }
}
