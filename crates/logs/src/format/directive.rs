//! A format as users paste it: the string alone, or the directive round it.

use crate::mistake::{Mistake, shown};

/// How values are escaped.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Escape {
    /// `\x22`, as nginx does unless told otherwise.
    Default,
    /// `\"`, for formats that make JSON.
    Json,
    /// Not at all.
    None,
}

/// The format's characters, each with its column in what the user wrote.
pub(super) struct Source {
    pub(super) text: Vec<(usize, char)>,
    pub(super) escape: Escape,
}

/// Takes the directive off, if there is one.
pub(super) fn unwrap(text: &str) -> Result<Source, Mistake> {
    let numbered: Vec<(usize, char)> = (1..).zip(text.chars()).collect();
    let mut words = Words { rest: &numbered };
    if words.peek_bare() != "log_format" {
        return Ok(Source { text: numbered, escape: Escape::Default });
    }
    words.bare();
    words.bare();
    let mut escape = Escape::Default;
    let option = words.peek_bare();
    if let Some(name) = option.strip_prefix("escape=") {
        escape = match name {
            "default" => Escape::Default,
            "json" => Escape::Json,
            "none" => Escape::None,
            _ => {
                return Err(Mistake::new(format!("nginx has no escape={}", shown(name)), words.column())
                    .hint("it is default, json or none"));
            }
        };
        words.bare();
    }
    let mut format = Vec::new();
    while let Some(part) = words.string()? {
        format.extend_from_slice(&part);
    }
    Ok(Source { text: format, escape })
}

/// The words of a directive.
struct Words<'t> {
    rest: &'t [(usize, char)],
}

impl Words<'_> {
    fn column(&self) -> usize {
        self.rest.first().map_or(1, |(column, _)| *column)
    }

    fn peek(&self) -> Option<char> {
        self.rest.first().map(|(_, character)| *character)
    }

    fn pass(&mut self) {
        self.rest = self.rest.get(1..).unwrap_or_default();
    }

    fn blanks(&mut self) {
        while self.peek().is_some_and(char::is_whitespace) {
            self.pass();
        }
    }

    /// The next word that is not quoted; empty where a quote stands.
    fn bare(&mut self) -> String {
        self.blanks();
        let mut word = String::new();
        while let Some(character) =
            self.peek().filter(|next| !next.is_whitespace() && !matches!(next, '\'' | '"' | ';'))
        {
            word.push(character);
            self.pass();
        }
        self.blanks();
        word
    }

    fn peek_bare(&self) -> String {
        Words { rest: self.rest }.bare()
    }

    /// The next quoted part, or one without quotes; none at the end or the semicolon.
    fn string(&mut self) -> Result<Option<Vec<(usize, char)>>, Mistake> {
        self.blanks();
        let begun = self.column();
        let Some(quote) = self.peek().filter(|next| *next != ';') else { return Ok(None) };
        let quoted = matches!(quote, '\'' | '"');
        if quoted {
            self.pass();
        }
        let mut part = Vec::new();
        while let Some(&(column, character)) = self.rest.first() {
            if (quoted && character == quote) || (!quoted && (character.is_whitespace() || character == ';'))
            {
                break;
            }
            self.pass();
            match (character, self.peek()) {
                ('\\', Some(next @ ('\'' | '"' | '\\'))) => {
                    part.push((column, next));
                    self.pass();
                }
                _ => part.push((column, character)),
            }
        }
        if quoted {
            if self.peek().is_none() {
                return Err(Mistake::new("the quote is not closed", begun));
            }
            self.pass();
        }
        Ok(Some(part))
    }
}
