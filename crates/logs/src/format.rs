//! nginx's `log_format` strings, compiled into what a line is matched against.
//!
//! A variable's value ends where the text behind it in the format begins; a date of known length ends there. There is no
//! going back: nginx escapes quotes in values, so a quoted value cannot hold its own end. What stands unquoted between blanks
//! must have none in it; only lists of upstreams (`a, b : c`) may.

mod directive;
mod variables;

use ratewarden_model::Call;

use crate::duration::Unit;
use crate::fault::Fault;
use crate::form::Form;
use crate::json::forms::{Context, hand_on};
use crate::mistake::{Mistake, suggestion};
use crate::row::{Field, Kind, Row, Value};

use directive::{Escape, Source};
use variables::Variable;

/// How long a format may be, in bytes.
const MAX_LENGTH: usize = 8192;

/// A `log_format` of nginx.
#[derive(Debug, Clone)]
pub struct LogFormat {
    /// The text before the first variable.
    start: Box<[u8]>,
    parts: Vec<Part>,
    escape: Escape,
}

/// A variable and the text behind it.
#[derive(Debug, Clone)]
struct Part {
    variable: Variable,
    behind: Box<[u8]>,
}

impl LogFormat {
    /// Compiles a format: the bare string, or the directive `log_format name [escape=…] '…' '…';`. Variables that nginx
    /// does not have are passed over, since `map` and `set` make new ones, unless they look like one misspelt.
    ///
    /// # Errors
    /// When two variables stand side by side, one looks misspelt, or none says who called or what.
    pub fn parse(text: &str) -> Result<Self, Mistake> {
        if text.len() > MAX_LENGTH {
            return Err(Mistake::new(format!("the format is longer than {MAX_LENGTH} bytes"), 1));
        }
        let Source { text, escape } = directive::unwrap(text)?;
        let mut start = Vec::new();
        let mut parts: Vec<Part> = Vec::new();
        let mut behind = Vec::new();
        let mut rest = text.as_slice();
        while let Some(&(column, character)) = rest.first() {
            rest = rest.get(1..).unwrap_or_default();
            if character != '$' {
                behind.extend_from_slice(character.encode_utf8(&mut [0; 4]).as_bytes());
                continue;
            }
            let (name, length) = name(rest).ok_or_else(|| {
                Mistake::new("expected the name of a variable behind $", column)
                    .hint("write $name or ${name}")
            })?;
            rest = rest.get(length..).unwrap_or_default();
            match parts.last_mut() {
                Some(part) if behind.is_empty() && part.variable.width.is_none() => {
                    return Err(Mistake::new(
                        format!("nothing stands between ${name} and the variable before it"),
                        column,
                    )
                    .hint("where one value ends can only be seen by a text between them"));
                }
                Some(part) => part.behind = std::mem::take(&mut behind).into(),
                None => start = std::mem::take(&mut behind),
            }
            parts.push(Part { variable: variable(&name, column)?, behind: Box::default() });
        }
        if let Some(part) = parts.last_mut() {
            part.behind = behind.into();
        }
        let format = Self { start: start.into(), parts, escape };
        if format.says_something() {
            return Ok(format);
        }
        Err(Mistake::new("no variable says who called or what", 1).hint(
            "a format has at least one of $remote_addr, $remote_user, $request, $request_uri and $status",
        ))
    }

    fn says_something(&self) -> bool {
        let asides = [Field::Time, Field::Bytes, Field::Duration, Field::Agent, Field::Referer, Field::Query]
            .map(Some);
        self.parts.iter().any(|part| part.variable.field.is_some() && !asides.contains(&part.variable.field))
    }

    /// Reads a line and hands its call on.
    #[inline]
    pub(crate) fn read<'a, F: FnMut(&Call<'_>)>(
        &self,
        line: &'a [u8],
        context: &mut Context<'_>,
        scratch: &'a mut Vec<u8>,
        joined: &'a mut Vec<u8>,
        each: &mut F,
    ) -> Result<(), Fault> {
        let mut row = Row::new();
        let mut rest = line.strip_prefix(&*self.start).ok_or(Fault::Form)?;
        let mut parts = self.parts.as_slice();
        while let [part, following @ ..] = parts {
            let end = self.end(part, following.first(), rest).ok_or(Fault::Form)?;
            let text = rest.get(..end).ok_or(Fault::Form)?;
            rest = rest.get(end + part.behind.len()..).ok_or(Fault::Form)?;
            if let Some(field) = part.variable.field {
                let escaped = self.escape == Escape::Json && text.contains(&b'\\');
                let kind = if escaped { Kind::Escaped } else { Kind::Text };
                row.set(field, Value { text, kind, rank: part.variable.rank }, part.variable.unit);
            }
            parts = following;
        }
        if !rest.is_empty() {
            return Err(Fault::Form);
        }
        hand_on(Form::Custom, &mut row, scratch, joined, context, each)
    }

    /// Where the value at the beginning of `rest` ends.
    fn end(&self, part: &Part, next: Option<&Part>, rest: &[u8]) -> Option<usize> {
        if let Some(width) = part.variable.width
            && rest.get(width..).is_some_and(|after| after.starts_with(&part.behind))
        {
            return Some(width);
        }
        let Some(&first) = part.behind.first() else { return next.is_none().then_some(rest.len()) };
        for at in memchr::memchr_iter(first, rest) {
            let (value, after) = rest.split_at_checked(at)?;
            let Some(after) = after.strip_prefix(&*part.behind) else { continue };
            let goes_on = (first == b'"' && self.is_escaped(value))
                || (part.variable.is_list
                    && first == b' '
                    && (value.ends_with(b",") || is_group(value, after)))
                || next.is_some_and(|next| !next.may_begin(after));
            if !goes_on {
                return Some(at);
            }
        }
        None
    }

    /// Whether a quote behind `value` belongs to it.
    fn is_escaped(&self, value: &[u8]) -> bool {
        self.escape != Escape::None && value.iter().rev().take_while(|&&byte| byte == b'\\').count() % 2 == 1
    }
}

impl Part {
    /// Whether its value can stand at the beginning of `text`: one of a known length shows it by what is behind it.
    fn may_begin(&self, text: &[u8]) -> bool {
        self.variable.width.is_none_or(|width| {
            text.starts_with(b"-") || text.get(width..).is_some_and(|after| after.starts_with(&self.behind))
        })
    }
}

/// Whether a blank stands beside the colon between two groups of upstreams.
fn is_group(value: &[u8], after: &[u8]) -> bool {
    value.ends_with(b" :") || after.starts_with(b": ")
}

/// The name behind a `$`, and how many characters it takes.
fn name(rest: &[(usize, char)]) -> Option<(String, usize)> {
    let is_part = |character: &char| character.is_ascii_alphanumeric() || *character == '_';
    let characters = rest.iter().map(|(_, character)| character);
    let (name, length): (String, usize) = if rest.first().is_some_and(|(_, character)| *character == '{') {
        let name: String = characters.skip(1).take_while(|character| **character != '}').collect();
        let length = name.chars().count() + 2;
        (rest.len() >= length && name.chars().all(|character| is_part(&character)))
            .then_some((name, length))?
    } else {
        let name: String = characters.take_while(|character| is_part(character)).collect();
        let length = name.len();
        (name, length)
    };
    (!name.is_empty()).then_some((name, length))
}

fn variable(name: &str, column: usize) -> Result<Variable, Mistake> {
    if let Some(variable) = variables::known(name) {
        return Ok(variable);
    }
    match suggestion(name, variables::names()) {
        Some(known) if name.len() > 4 => Err(Mistake::new(format!("nginx has no variable ${name}"), column)
            .hint(format!("did you mean ${known}? A variable of your own needs a name less like it"))),
        _ => Ok(Variable { field: None, rank: 0, unit: Unit::Auto, width: None, is_list: false }),
    }
}
