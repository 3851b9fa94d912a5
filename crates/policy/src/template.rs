//! A path with holes: `/api/jobs/{id}/logs`, `/files/{*rest}`.
//!
//! A template is compared with the one form that the path of a call is brought into before anything is judged
//! (escapes that need none decoded, hex digits in upper case, no empty and no dot segments), segment by segment
//! and without allocating. Its own text must have that form: a limit that can never match would go unnoticed. `{name}` is exactly one segment that is not empty;
//! `{*name}` is all that is left, and may be nothing: `/files/{*rest}` is `/files/` and all below it. A limit that
//! missed the folder itself would be a limit with a hole.
//!
//! There is no partial hole (`/v{n}`), no optional segment and no expression: what a template cannot say, `when`
//! says.

use std::fmt;
use std::str::FromStr;

/// Holes a template may have.
pub const MAX_PARAMETERS: usize = 16;

/// Bytes a template may have.
pub const MAX_TEMPLATE_BYTES: usize = 1_024;

/// A path with holes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PathTemplate {
    text: String,
    segments: Vec<Segment>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Segment {
    /// This, which may be empty: the last one of `/jobs/` is.
    Literal(String),
    /// One segment that is not empty.
    One(String),
    /// All that is left; only at the end.
    Rest(String),
}

/// Why a text is not a path template.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InvalidTemplate {
    /// It does not begin with a slash.
    #[error("a path begins with `/`")]
    Relative,
    /// It is too long.
    #[error("a path template has at most {MAX_TEMPLATE_BYTES} bytes")]
    TooLong,
    /// It has too many holes.
    #[error("a path template has at most {MAX_PARAMETERS} parameters")]
    TooManyParameters,
    /// A query or a fragment.
    #[error("`{0}` does not belong to a path")]
    NotPath(char),
    /// A segment that is written otherwise once the path is normalised.
    #[error("the segment `{found}` is `{form}` once a path is normalised")]
    NotNormal {
        /// What was found.
        found: String,
        /// What it should be.
        form: String,
    },
    /// A segment that no path has, because calls with it are refused.
    #[error("calls with the segment `{0}` are refused, whatever the limit")]
    Refused(String),
    /// Two slashes in a row.
    #[error("no path has two slashes in a row once it is normalised")]
    EmptySegment,
    /// Something else than a whole segment in braces.
    #[error("`{0}` is no parameter: braces hold the name of a whole segment")]
    Braces(String),
    /// A name that is not a name.
    #[error("`{0}` is no parameter name: letters, digits, `_` and `-`, at most 64")]
    Name(String),
    /// The same name twice.
    #[error("the parameter `{0}` is there twice")]
    Twice(String),
    /// `{*rest}` is not at the end.
    #[error("`{{*{0}}}` takes all that is left, so nothing can follow it")]
    NotLast(String),
}

impl PathTemplate {
    /// Whether the path (normalised, without query) has this form.
    #[must_use]
    pub fn matches(&self, path: &str) -> bool {
        self.walk(path, |_, _| {}).is_some()
    }

    /// What stands in the hole `name` of `path`; `None` when the path has another form or the template no such
    /// hole.
    #[must_use]
    pub fn param<'p>(&self, path: &'p str, name: &str) -> Option<&'p str> {
        let mut found = None;
        self.walk(path, |hole, value| {
            if hole == name {
                found = Some(value);
            }
        })?;
        found
    }

    /// The template as it was written.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// The names of the holes, in order.
    pub fn parameters(&self) -> impl Iterator<Item = &str> {
        self.segments.iter().filter_map(|segment| match segment {
            Segment::Literal(_) => None,
            Segment::One(name) | Segment::Rest(name) => Some(name.as_str()),
        })
    }

    /// Compares the path with the template and names what stands in each hole on the way.
    fn walk<'p, 't>(&'t self, path: &'p str, mut hole: impl FnMut(&'t str, &'p str)) -> Option<()> {
        // `None` when nothing is left, not even an empty segment.
        let mut left = Some(path.strip_prefix('/')?);
        for segment in &self.segments {
            let rest = left?;
            if let Segment::Rest(name) = segment {
                hole(name, rest);
                return Some(());
            }
            let (first, after) = match rest.split_once('/') {
                Some((first, after)) => (first, Some(after)),
                None => (rest, None),
            };
            match segment {
                Segment::Literal(text) if text == first => {}
                Segment::One(name) if !first.is_empty() => hole(name, first),
                _ => return None,
            }
            left = after;
        }
        left.is_none().then_some(())
    }
}

impl FromStr for PathTemplate {
    type Err = InvalidTemplate;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if text.len() > MAX_TEMPLATE_BYTES {
            return Err(InvalidTemplate::TooLong);
        }
        let path = text.strip_prefix('/').ok_or(InvalidTemplate::Relative)?;
        if let Some(foreign) = path.chars().find(|c| matches!(c, '?' | '#' | '\\')) {
            return Err(InvalidTemplate::NotPath(foreign));
        }
        let mut segments = Vec::new();
        let last = path.split('/').count().saturating_sub(1);
        for (index, piece) in path.split('/').enumerate() {
            segments.push(segment(piece, index == last)?);
        }
        let template = Self { text: text.to_owned(), segments };
        let names: Vec<&str> = template.parameters().collect();
        if names.len() > MAX_PARAMETERS {
            return Err(InvalidTemplate::TooManyParameters);
        }
        for (index, name) in names.iter().enumerate() {
            if names.iter().take(index).any(|earlier| earlier == name) {
                return Err(InvalidTemplate::Twice((*name).to_owned()));
            }
        }
        Ok(template)
    }
}

impl fmt::Display for PathTemplate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

fn segment(piece: &str, last: bool) -> Result<Segment, InvalidTemplate> {
    let Some(inner) = piece.strip_prefix('{').and_then(|piece| piece.strip_suffix('}')) else {
        if piece.contains(['{', '}']) {
            return Err(InvalidTemplate::Braces(piece.to_owned()));
        }
        return literal(piece, last);
    };
    match inner.strip_prefix('*') {
        None => Ok(Segment::One(name(inner)?)),
        Some(rest) if last => Ok(Segment::Rest(name(rest)?)),
        Some(rest) => Err(InvalidTemplate::NotLast(name(rest)?)),
    }
}

/// A literal that a normalised path can have.
fn literal(piece: &str, last: bool) -> Result<Segment, InvalidTemplate> {
    if piece.is_empty() && !last {
        return Err(InvalidTemplate::EmptySegment);
    }
    let form = normal(piece).ok_or_else(|| InvalidTemplate::Refused(piece.to_owned()))?;
    // Some servers take parameters away before they resolve dots.
    if matches!(form.split(';').next(), Some("." | "..")) {
        return Err(InvalidTemplate::Refused(piece.to_owned()));
    }
    if form != piece {
        return Err(InvalidTemplate::NotNormal { found: piece.to_owned(), form });
    }
    Ok(Segment::Literal(form))
}

/// The one form of a segment; `None` where calls with it are refused.
fn normal(piece: &str) -> Option<String> {
    let mut form = String::with_capacity(piece.len());
    let mut bytes = piece.bytes();
    while let Some(byte) = bytes.next() {
        let value = match byte {
            b'%' => u8::try_from(digit(bytes.next()?)? * 16 + digit(bytes.next()?)?).ok()?,
            plain => plain,
        };
        let escaped = byte == b'%' && !is_unreserved(value);
        match value {
            0 | b'/' | b'\\' => return None,
            _ if escaped || !(is_unreserved(value) || b"!$&'()*+,;=:@".contains(&value)) => {
                // Writing to a String cannot fail.
                let _ = fmt::Write::write_fmt(&mut form, format_args!("%{value:02X}"));
            }
            _ => form.push(char::from(value)),
        }
    }
    Some(form)
}

fn digit(byte: u8) -> Option<u32> {
    char::from(byte).to_digit(16)
}

/// RFC 3986, section 2.3.
const fn is_unreserved(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'~')
}

fn name(text: &str) -> Result<String, InvalidTemplate> {
    let fits = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-');
    if text.is_empty() || text.len() > 64 || !text.chars().all(fits) {
        return Err(InvalidTemplate::Name(text.to_owned()));
    }
    Ok(text.to_owned())
}

#[cfg(test)]
mod tests;
