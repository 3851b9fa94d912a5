//! Conditions: `selection and not 1 of filter_*`.
//!
//! Names of selections, `and`, `or`, `not`, parentheses, `1 of`, `any of` and `all of` with `them` or a name with stars.
//! `not` binds before `and`, `and` before `or`.

use ratewarden_detect::fits;
use std::sync::Arc;

use crate::Fault;
use crate::question::Question;

/// Bytes of a condition.
const MAX_BYTES: usize = 8192;
/// Parentheses and `not`s within each other.
const MAX_DEPTH: usize = 32;
/// Selections that a condition names in all, those of `them` and of stars included.
const MAX_NAMED: usize = 8192;

/// Selections by their names.
pub(crate) type Selections = [(String, Arc<Question>)];

/// Reads a condition over selections.
pub(crate) fn read(text: &str, selections: &Selections) -> Result<Question, Fault> {
    if text.len() > MAX_BYTES {
        return Err(Fault::new("condition", format!("has more than {MAX_BYTES} bytes")));
    }
    if text.contains('|') {
        let why = "counting in a condition is gone from Sigma; a correlation rule says it (docs/sigma.md)";
        return Err(Fault::new(format!("condition `{text}`"), why));
    }
    let spaced = text.replace('(', " ( ").replace(')', " ) ");
    let words: Vec<&str> = spaced.split_whitespace().collect();
    let mut reader = Reader { words: &words, selections, named: 0, text };
    let question = reader.or(0)?;
    match reader.words.first() {
        None => Ok(question),
        Some(word) => {
            Err(reader.fault(&format!("`{word}` stands where `and`, `or` or the end was expected")))
        }
    }
}

struct Reader<'r> {
    words: &'r [&'r str],
    selections: &'r Selections,
    named: usize,
    text: &'r str,
}

impl Reader<'_> {
    fn fault(&self, why: &str) -> Fault {
        Fault::new(format!("condition `{}`", crate::printable(self.text, 100)), crate::printable(why, 200))
    }

    fn take(&mut self, word: &str) -> bool {
        let is_next = self.words.first().is_some_and(|next| next.eq_ignore_ascii_case(word));
        if is_next {
            self.words = self.words.get(1..).unwrap_or_default();
        }
        is_next
    }

    fn or(&mut self, depth: usize) -> Result<Question, Fault> {
        let mut any = vec![self.and(depth)?];
        while self.take("or") {
            any.push(self.and(depth)?);
        }
        Ok(Question::any(any))
    }

    fn and(&mut self, depth: usize) -> Result<Question, Fault> {
        let mut all = vec![self.not(depth)?];
        while self.take("and") {
            all.push(self.not(depth)?);
        }
        Ok(Question::all(all))
    }

    fn not(&mut self, depth: usize) -> Result<Question, Fault> {
        if depth > MAX_DEPTH {
            return Err(self.fault(&format!("is nested deeper than {MAX_DEPTH}")));
        }
        if self.take("not") {
            return Ok(Question::Not(Box::new(self.not(depth + 1)?)));
        }
        if self.take("(") {
            let inner = self.or(depth + 1)?;
            return if self.take(")") { Ok(inner) } else { Err(self.fault("a `)` is missing")) };
        }
        let Some((&word, rest)) = self.words.split_first() else {
            return Err(self.fault("a selection is missing at its end"));
        };
        self.words = rest;
        if !self.take("of") {
            return self.one(word);
        }
        let several = self.several()?;
        match word.to_ascii_lowercase().as_str() {
            "1" | "any" => Ok(Question::any(several)),
            "all" => Ok(Question::all(several)),
            _ => Err(self.fault(&format!("`{word} of` is none of `1 of`, `any of` and `all of`"))),
        }
    }

    fn one(&mut self, name: &str) -> Result<Question, Fault> {
        let found = self.selections.iter().find(|(own, _)| own == name);
        let Some((_, question)) = found else {
            return Err(self.fault(&format!("there is no selection `{name}`")));
        };
        self.named += 1;
        if self.named > MAX_NAMED {
            Err(self.fault("names too many selections"))
        } else {
            Ok(Question::Shared(Arc::clone(question)))
        }
    }

    /// The selections behind `of`. Those whose name begins with `_` are not meant by `them`.
    fn several(&mut self) -> Result<Vec<Question>, Fault> {
        let Some((&pattern, rest)) = self.words.split_first() else {
            return Err(self.fault("`of` has nothing behind it"));
        };
        self.words = rest;
        let is_them = pattern.eq_ignore_ascii_case("them");
        let is_meant = |name: &str| {
            if is_them { !name.starts_with('_') } else { fits(pattern.as_bytes(), name.as_bytes()) }
        };
        let names: Vec<String> =
            self.selections.iter().map(|(name, _)| name).filter(|name| is_meant(name)).cloned().collect();
        if names.is_empty() {
            return Err(self.fault(&format!("there is no selection `{pattern}`")));
        }
        names.iter().map(|name| self.one(name)).collect()
    }
}

#[cfg(test)]
mod tests;
