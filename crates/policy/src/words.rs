//! Strings with a grammar of their own, and those without: names and texts. Each file below has those of one subject.
//!
//! What makes them wrong is said in their own terms, with what was most likely meant as the hint.

mod costs;
mod machine;
mod message;
mod quantities;
mod receivers;
mod server;
mod sources;
mod watch;

use crate::form::{Written, Wrong};
use crate::notes::short;

pub(crate) use costs::CostWord;
pub(crate) use machine::{AccessLogWord, FilePath, Variable, Zone};
pub(crate) use message::{HeaderName, HeaderValue, Method, RequestPath};
pub(crate) use quantities::{After, BodyCap, DAY, Lasting, Size, YEAR};
pub(crate) use receivers::{HostName, MailAddress, Peer, PostUrl};
pub(crate) use server::KeySet;
pub(crate) use sources::{BodyField, CallerWord, QueryName};
pub(crate) use watch::{
    Exempt, MOST, Pace, PathPattern, Pause, RulePattern, StatusRange, WEEK, Whole, as_rule_name, is_rule_name,
};

/// A name in messages, metrics and header fields.
///
/// It stands as a quoted string in `RateLimit-Policy` (RFC 9651: printable ASCII), and a name that needs escapes
/// there would be misread by somebody.
#[derive(Debug, Clone)]
pub(crate) struct Name(pub(crate) String);

impl Written for Name {
    const EXPECTED: &'static str = "a name of 1 to 64 characters";
    const EXAMPLES: &'static [&'static str] = &["job submissions"];
    const PATTERN: &'static str = r"^[!#-\[\]-~]([ !#-\[\]-~]{0,62}[!#-\[\]-~])?$";

    fn parse(text: &str) -> Result<Self, Wrong> {
        if text.is_empty() || text.len() > 64 {
            return Err(Wrong::new(format!("found a name of {} bytes, expected 1 to 64", text.len())));
        }
        if let Some(wrong) = text.chars().find(|c| !matches!(c, ' '..='~') || matches!(c, '"' | '\\')) {
            let message = format!("`{}` has no place in a name", short(&wrong.to_string()));
            return Err(Wrong::new(message)
                .hint("printable ASCII, without `\"` and `\\`: it stands in header fields"));
        }
        if text.trim() != text {
            return Err(Wrong::new("a name neither begins nor ends with a space"));
        }
        Ok(Self(text.to_owned()))
    }
}

/// Any text of 1 to `MAX` bytes.
#[derive(Debug, Clone)]
pub(crate) struct Text<const MAX: usize>(pub(crate) String);

impl<const MAX: usize> Written for Text<MAX> {
    const EXPECTED: &'static str = "a string";
    const EXAMPLES: &'static [&'static str] = &["text"];

    fn parse(text: &str) -> Result<Self, Wrong> {
        if text.is_empty() || text.len() > MAX {
            return Err(Wrong::new(format!("found {} bytes, expected 1 to {MAX}", text.len())));
        }
        Ok(Self(text.to_owned()))
    }
}

#[cfg(test)]
mod tests;
