//! Sigma's strings: `*` stands for anything, `?` for one character, a backslash takes their meaning away.
//!
//! Most values are a word that begins, ends or lies in a text; those have forms of their own that are searched fast. What
//! is left is matched with one place to come back to, so time is the product of both lengths at most.

use memchr::memmem::Finder;

/// Bytes of a value.
pub(crate) const MAX_BYTES: usize = 4096;

/// What a modifier says of where the value stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Stands {
    Whole,
    Begins,
    Ends,
    Inside,
}

/// A value, ready to be looked for.
#[derive(Debug, Clone)]
pub(crate) struct Pattern {
    form: Form,
    /// It is looked for in the text as it is; else in its lower case.
    pub(crate) is_cased: bool,
}

#[derive(Debug, Clone)]
enum Form {
    /// Any text, but not none.
    Anything,
    /// Nothing stands there.
    Nothing,
    Whole(Box<[u8]>),
    Begins(Box<[u8]>),
    Ends(Box<[u8]>),
    Inside(Box<Finder<'static>>),
    Pieces(Box<[Piece]>),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Piece {
    Byte(u8),
    One,
    Any,
}

impl Pattern {
    /// From a value as it stands in a rule.
    pub(crate) fn new(value: &str, stands: Stands, is_cased: bool) -> Self {
        let lower = if is_cased { value.to_owned() } else { value.to_ascii_lowercase() };
        let mut pieces = Vec::with_capacity(lower.len() + 2);
        if matches!(stands, Stands::Ends | Stands::Inside) {
            pieces.push(Piece::Any);
        }
        let mut rest = lower.bytes().peekable();
        while let Some(byte) = rest.next() {
            pieces.push(match byte {
                b'*' => Piece::Any,
                b'?' => Piece::One,
                b'\\' => {
                    Piece::Byte(rest.next_if(|next| matches!(next, b'*' | b'?' | b'\\')).unwrap_or(byte))
                }
                _ => Piece::Byte(byte),
            });
        }
        if matches!(stands, Stands::Begins | Stands::Inside) {
            pieces.push(Piece::Any);
        }
        pieces.dedup_by(|one, other| *one == Piece::Any && *other == Piece::Any);
        Self { form: Form::of(pieces), is_cased }
    }

    /// Whether a text is of this form. `text` is in lower case unless [`is_cased`](Self::is_cased). No text at all is
    /// only of the form of an empty value, or of a lone `-`, which is how logs write it.
    pub(crate) fn fits(&self, text: &[u8]) -> bool {
        match &self.form {
            Form::Nothing => text.is_empty(),
            _ if text.is_empty() => false,
            Form::Anything => true,
            Form::Whole(word) => text == &**word,
            Form::Begins(word) => text.starts_with(word),
            Form::Ends(word) => text.ends_with(word),
            Form::Inside(word) => word.find(text).is_some(),
            Form::Pieces(pieces) => fits(pieces, text),
        }
    }

    /// What it is when it is nothing but a word.
    pub(crate) fn whole(&self) -> Option<&[u8]> {
        if let Form::Whole(word) = &self.form { Some(word) } else { None }
    }

    /// How much work it is, roughly.
    pub(crate) const fn cost(&self) -> u32 {
        match self.form {
            Form::Anything | Form::Nothing | Form::Whole(_) | Form::Begins(_) | Form::Ends(_) => 1,
            Form::Inside(_) => 4,
            Form::Pieces(_) => 20,
        }
    }
}

impl Form {
    fn of(pieces: Vec<Piece>) -> Self {
        let (begins, ends) = (pieces.first() == Some(&Piece::Any), pieces.last() == Some(&Piece::Any));
        let byte = |piece: &Piece| if let Piece::Byte(byte) = piece { Some(*byte) } else { None };
        let inner = match (begins, ends) {
            _ if pieces.len() == 1 && begins => return Self::Anything,
            (true, true) => pieces.get(1..pieces.len() - 1),
            (true, false) => pieces.get(1..),
            (false, true) => pieces.get(..pieces.len() - 1),
            (false, false) => Some(pieces.as_slice()),
        };
        let Some(word) = inner.unwrap_or_default().iter().map(byte).collect::<Option<Box<[u8]>>>() else {
            return Self::Pieces(pieces.into());
        };
        match (begins, ends) {
            (true, true) => Self::Inside(Box::new(Finder::new(&word).into_owned())),
            (true, false) => Self::Ends(word),
            (false, true) => Self::Begins(word),
            (false, false) if word.is_empty() || *word == *b"-" => Self::Nothing,
            (false, false) => Self::Whole(word),
        }
    }
}

fn fits(pieces: &[Piece], text: &[u8]) -> bool {
    let (mut at, mut place) = (0, 0);
    let mut star = None;
    while place < text.len() {
        let step = match pieces.get(at) {
            Some(Piece::Any) => {
                star = Some((at, place));
                at += 1;
                continue;
            }
            Some(Piece::One) => Some(width(text, place)),
            Some(Piece::Byte(byte)) => (text.get(place) == Some(byte)).then_some(1),
            None => None,
        };
        if let Some(step) = step {
            (at, place) = (at + 1, place + step);
        } else if let Some((star_at, from)) = star {
            (at, place) = (star_at + 1, from + 1);
            star = Some((star_at, from + 1));
        } else {
            return false;
        }
    }
    pieces.get(at..).unwrap_or_default().iter().all(|piece| *piece == Piece::Any)
}

/// Bytes of the character that begins at `place`: one, and those that go on with it.
fn width(text: &[u8], place: usize) -> usize {
    let after = text.get(place + 1..).unwrap_or_default();
    1 + after.iter().take(3).take_while(|&&byte| byte & 0xc0 == 0x80).count()
}

#[cfg(test)]
mod tests;
