//! The partition key of a statement, as far as its text alone can say.
//!
//! A guess until the schema is known: the first literal that a column is compared with by `=` in `WHERE`, or the first value
//! of an `INSERT`. Statements are mostly written with the partition key first.

/// The literal, without its quotes; empty where there is none.
pub(crate) fn key(statement: &[u8]) -> &[u8] {
    let mut tokens = Tokens { rest: statement };
    let insert = match tokens.next() {
        Some(Token::Word(word)) => word.eq_ignore_ascii_case(b"insert"),
        _ => return b"",
    };
    let start: &[u8] = if insert { b"values" } else { b"where" };
    if !tokens.any(|token| matches!(token, Token::Word(word) if word.eq_ignore_ascii_case(start))) {
        return b"";
    }
    if insert {
        return match (tokens.next(), tokens.next()) {
            (Some(Token::Sign(b'(')), Some(Token::Word(value) | Token::Text(value))) => value,
            _ => b"",
        };
    }
    let mut before = b' ';
    while let Some(token) = tokens.next() {
        if matches!(token, Token::Sign(b'=')) && !matches!(before, b'<' | b'>' | b'!') {
            return match tokens.next() {
                Some(Token::Word(value) | Token::Text(value)) => value,
                _ => b"",
            };
        }
        before = if let Token::Sign(sign) = token { sign } else { b' ' };
    }
    b""
}

enum Token<'a> {
    /// A name, a number, a UUID.
    Word(&'a [u8]),
    /// What stands in single quotes.
    Text(&'a [u8]),
    /// What stands in double quotes, a name.
    Name,
    Sign(u8),
}

struct Tokens<'a> {
    rest: &'a [u8],
}

impl<'a> Iterator for Tokens<'a> {
    type Item = Token<'a>;

    fn next(&mut self) -> Option<Token<'a>> {
        let rest = self.rest.trim_ascii_start();
        let (&first, after) = rest.split_first()?;
        let (token, rest) = match first {
            b'\'' | b'"' => {
                let end = closing(first, after)?;
                let inside = after.get(..end)?;
                (if first == b'"' { Token::Name } else { Token::Text(inside) }, after.get(end + 1..)?)
            }
            _ if is_word(first) || (first == b'-' && after.first().is_some_and(u8::is_ascii_digit)) => {
                let end =
                    1 + after.iter().position(|&byte| !is_word(byte) && byte != b'-').unwrap_or(after.len());
                let (word, rest) = rest.split_at_checked(end)?;
                (Token::Word(word), rest)
            }
            sign => (Token::Sign(sign), after),
        };
        self.rest = rest;
        Some(token)
    }
}

const fn is_word(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'.') || byte >= 0x80
}

/// Where a quote closes; a doubled one is one in the text.
fn closing(quote: u8, text: &[u8]) -> Option<usize> {
    let mut from = 0;
    loop {
        let at = from + memchr::memchr(quote, text.get(from..)?)?;
        if text.get(at + 1) != Some(&quote) {
            return Some(at);
        }
        from = at + 2;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_literal_compared_is_the_key() {
        for (statement, expected) in [
            ("SELECT * FROM ks.t WHERE user_id = 'alice' AND day > 5", "alice"),
            ("select v from t where id=42;", "42"),
            (
                "SELECT v FROM t WHERE id=4f1c9a1e-0b7c-4b60-9f9e-1f6a6ff0a0aa AND x=1",
                "4f1c9a1e-0b7c-4b60-9f9e-1f6a6ff0a0aa",
            ),
            ("UPDATE t SET v='where id=1' WHERE \"Id\"=-7", "-7"),
            ("DELETE FROM t WHERE token >= 3 AND k = 'it''s'", "it''s"),
            ("INSERT INTO ks.t (id, v) VALUES ('k1', 2)", "k1"),
            ("insert into t(id) values (0xff)", "0xff"),
            ("SELECT * FROM t WHERE id = ?", ""),
            ("SELECT * FROM t WHERE id = :id", ""),
            ("SELECT * FROM t WHERE id IN (1, 2)", ""),
            ("SELECT * FROM t", ""),
            ("INSERT INTO t JSON '{}'", ""),
            ("SELECT 'open", ""),
            ("", ""),
        ] {
            assert_eq!(key(statement.as_bytes()), expected.as_bytes(), "{statement}");
        }
    }
}
