//! The condition of a limit (`when`), in CEL (the Common Expression Language).
//!
//! What is checked here, so that a condition cannot fail in the middle of the night: its syntax, that it speaks of
//! nothing but what a call has, that its patterns are its own and not the caller's, and, on a call that is made
//! up, that it is true or false. Whoever evaluates it compiles it with [`compile`] again; a policy carries the
//! text.
//!
//! The grammar is the `cel` crate's, whose parser descends some twenty functions for each bracket: a few dozen
//! brackets are more than a thread's usual stack when nothing is optimised. Texts, brackets and nesting have caps,
//! and it runs on a thread whose stack is large enough for everything within them.

mod names;
mod trial;

use std::ops::Range;

use cel::Program;

use crate::build::Builder;
use crate::notes::{Place, Span, short};

/// Bytes of a condition.
pub const MAX_BYTES: usize = 1_024;

/// Brackets of any kind within each other.
pub const MAX_BRACKETS: usize = 12;

/// Operators, selections and calls within each other: `a || b || c` is two.
pub const MAX_NESTING: usize = 40;

/// Over ten times what the deepest condition within the caps has been seen to take without optimisation.
const STACK: usize = 64 << 20;

/// Characters of the parser's own words that are passed on.
const WORDS: usize = 80;

/// What a condition can speak of.
pub const VARIABLES: [(&str, &str); 7] = [
    ("request.method", "The method, a string."),
    ("request.path", "The normalised path, a string."),
    ("request.query", "The decoded query, a map from strings to strings; of several values the first."),
    ("request.headers", "Header fields, a map from lower-case names to strings."),
    ("caller.name", "The caller as it is counted, a string; never a secret itself."),
    ("caller.plan", "The caller's plan, an empty string without one."),
    ("caller.address", "The client's address, a string."),
];

/// What is wrong with a condition.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    /// Where, in bytes of the condition.
    pub at: Range<usize>,
    /// What was found and what was expected.
    pub message: String,
    /// What to do.
    pub hint: Option<String>,
}

impl Fault {
    fn new(at: Range<usize>, message: impl Into<String>) -> Self {
        Self { at, message: message.into(), hint: None }
    }

    fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }
}

/// Compiles a condition that speaks only of [`VARIABLES`].
///
/// # Errors
/// With every fault that is found; one of the syntax hides the others.
pub fn compile(text: &str) -> Result<Program, Vec<Fault>> {
    let whole = || 0..text.len();
    if text.len() > MAX_BYTES {
        let message = format!("found {} bytes, expected at most {MAX_BYTES}", text.len());
        return Err(vec![Fault::new(whole(), message)]);
    }
    if let Some(at) = too_many_brackets(text) {
        let message = format!("found more than {MAX_BRACKETS} brackets within each other");
        return Err(vec![Fault::new(at..at + 1, message).hint("split it: a limit each, or `match`")]);
    }
    let thread = std::thread::Builder::new().name("condition".to_owned()).stack_size(STACK);
    let compiled = std::thread::scope(|scope| {
        let running = thread.spawn_scoped(scope, || compile_here(text));
        running.map(std::thread::ScopedJoinHandle::join)
    });
    match compiled {
        Ok(Ok(compiled)) => compiled,
        Ok(Err(_)) => Err(vec![Fault::new(whole(), "the expression cannot be understood")]),
        Err(error) => Err(vec![Fault::new(whole(), format!("no thread to check it on: {error}"))]),
    }
}

fn compile_here(text: &str) -> Result<Program, Vec<Fault>> {
    let program = Program::compile(text).map_err(|errors| {
        // What follows the first error follows from it.
        let first = errors.errors.into_iter().next();
        let fault = first.map(|error| syntax_fault(text, error.pos, &error.msg));
        vec![fault.unwrap_or_else(|| Fault::new(0..text.len(), "the expression cannot be understood"))]
    })?;
    let mut faults = names::faults(&program, text);
    if faults.is_empty() {
        faults.extend(trial::fault(&program, text));
    }
    if faults.is_empty() { Ok(program) } else { Err(faults) }
}

/// The bracket that is one too deep. Brackets in strings are counted too: it is simpler, and nobody will miss them.
fn too_many_brackets(text: &str) -> Option<usize> {
    let mut depth = 0_usize;
    for (at, byte) in text.bytes().enumerate() {
        match byte {
            b'(' | b'[' | b'{' => depth += 1,
            b')' | b']' | b'}' => depth = depth.saturating_sub(1),
            _ => {}
        }
        if depth > MAX_BRACKETS {
            return Some(at);
        }
    }
    None
}

/// A fault from the parser's line and column (both from 1, in characters).
fn syntax_fault(text: &str, (line, column): (isize, isize), message: &str) -> Fault {
    let line = usize::try_from(line).unwrap_or(1).saturating_sub(1);
    let column = usize::try_from(column).unwrap_or(1).saturating_sub(1);
    let begin: usize = text.split_inclusive('\n').take(line).map(str::len).sum();
    let rest = text.get(begin..).unwrap_or("");
    let within = rest.char_indices().nth(column).map_or(rest.len(), |(at, _)| at);
    let start = begin + within;
    let width = text.get(start..).and_then(|rest| rest.chars().next()).map_or(0, char::len_utf8);
    // The parser lists every token it would have taken; the one it found is what helps.
    let message = message.trim_start_matches("Syntax error: ").split(" expecting ").next().unwrap_or("");
    let message: String = message.replace("'<EOF>'", "the end").chars().take(WORDS).collect();
    Fault::new(start..start + width, format!("is not CEL: {}", short(&message)))
}

impl Builder<'_> {
    /// Notes what is wrong with a condition, at its place in the file.
    pub(crate) fn condition(&mut self, text: &str, span: &Span, place: &Place<'_>) {
        let Err(faults) = compile(text) else { return };
        for fault in faults {
            let written = self.text.get(span.clone()).unwrap_or("");
            let at = in_literal(written, text, &fault.at)
                .map_or_else(|| span.clone(), |at| span.start + at.start..span.start + at.end);
            self.notes.mistake(&at, place, fault.message).hint_if(fault.hint);
        }
    }
}

/// Where a part of a string stands in its TOML literal; `None` when the literal cannot be followed.
pub(crate) fn in_literal(literal: &str, text: &str, part: &Range<usize>) -> Option<Range<usize>> {
    let quote = ["\"\"\"", "'''", "\"", "'"].into_iter().find(|quote| literal.starts_with(quote))?;
    let escapes = quote.starts_with('"');
    let mut at = quote.len();
    if quote.len() == 3 && literal.get(at..)?.starts_with('\n') {
        at += 1;
    }
    let (mut start, mut end) = (None, None);
    for (decoded, c) in text.char_indices() {
        if decoded == part.start {
            start = Some(at);
        }
        if decoded == part.end {
            end = Some(at);
        }
        let rest = literal.get(at..)?;
        at += match rest.strip_prefix('\\').filter(|_| escapes) {
            Some(escape) => match escape.chars().next()? {
                'x' => 4,
                'u' => 6,
                'U' => 10,
                '\n' | '\r' | ' ' | '\t' => return None,
                _ => 2,
            },
            None if rest.starts_with(c) => c.len_utf8(),
            None => return None,
        };
    }
    let start = start.unwrap_or(at);
    Some(start..end.unwrap_or(at).max(start))
}

#[cfg(test)]
mod tests;
