//! Parts of a message of HTTP: fields, methods and paths, as narrow as the messages themselves allow, for what is written here
//! is compared with calls or put into answers.

use crate::form::{Written, Wrong};
use crate::notes::short;
use crate::template::{InvalidTemplate, PathTemplate};

/// The name of a header field, in lower case.
#[derive(Debug, Clone)]
pub(crate) struct HeaderName(pub(crate) String);

impl Written for HeaderName {
    const EXPECTED: &'static str = "the name of a header field";
    const EXAMPLES: &'static [&'static str] = &["x-team"];
    const PATTERN: &'static str = r"^[!#$%&'*+.^_`|~0-9A-Za-z-]{1,128}$";

    fn parse(text: &str) -> Result<Self, Wrong> {
        if text.is_empty() || text.len() > 128 || !text.chars().all(is_token) {
            let wrong = Wrong::new(format!("`{}` is not the name of a header field", short(text)));
            let trimmed = text.trim().trim_end_matches(':').trim_end();
            let meant = trimmed != text && !trimmed.is_empty() && trimmed.chars().all(is_token);
            return Err(wrong.hint_if(meant.then(|| format!("write `{}`", short(trimmed)))));
        }
        Ok(Self(text.to_ascii_lowercase()))
    }
}

/// A character of a token (RFC 9110, section 5.6.2).
pub(crate) fn is_token(c: char) -> bool {
    c.is_ascii_alphanumeric() || "!#$%&'*+-.^_`|~".contains(c)
}

/// The value of a header field: visible, with spaces only between.
#[derive(Debug, Clone)]
pub(crate) struct HeaderValue(pub(crate) String);

impl Written for HeaderValue {
    const EXPECTED: &'static str = "the value of a header field";
    const EXAMPLES: &'static [&'static str] = &["red", "text/plain; charset=utf-8"];
    const PATTERN: &'static str = r"^[!-~]([ -~]{0,1022}[!-~])?$";

    fn parse(text: &str) -> Result<Self, Wrong> {
        let visible = text.chars().all(|c| matches!(c, ' '..='~'));
        if text.is_empty() || text.len() > 1_024 || !visible || text.trim() != text {
            let message = format!("`{}` cannot be the value of a header field", short(text));
            return Err(
                Wrong::new(message).hint("1 to 1024 printable ASCII characters, no space at either end")
            );
        }
        Ok(Self(text.to_owned()))
    }
}

/// A method.
#[derive(Debug, Clone)]
pub(crate) struct Method(pub(crate) String);

impl Written for Method {
    const EXPECTED: &'static str = "a method, such as `POST`";
    const EXAMPLES: &'static [&'static str] = &["GET", "POST"];
    const PATTERN: &'static str = "^[A-Z][A-Z0-9_-]{0,31}$";

    fn parse(text: &str) -> Result<Self, Wrong> {
        let upper = text.to_ascii_uppercase();
        let fits = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-');
        let begins = text.starts_with(|c: char| c.is_ascii_alphabetic());
        if !begins || text.len() > 32 || !text.chars().all(fits) {
            return Err(Wrong::new(format!("`{}` is not a method", short(text))));
        }
        if upper != text {
            return Err(Wrong::new("methods are told apart by case").hint(format!("write `{upper}`")));
        }
        Ok(Self(upper))
    }
}

impl Written for PathTemplate {
    const EXPECTED: &'static str = "a path, such as `/api/jobs/{id}`";
    const EXAMPLES: &'static [&'static str] = &["/api/jobs/", "/api/jobs/{id}/logs", "/files/{*rest}"];
    const PATTERN: &'static str = r"^/[^?#\s\\]*$";

    fn parse(text: &str) -> Result<Self, Wrong> {
        text.parse().map_err(|fault: InvalidTemplate| {
            let hint = match &fault {
                InvalidTemplate::NotPath('?') => "a query is matched with `query = { name = \"value\" }`",
                InvalidTemplate::Braces(_) => "`/{name}/` is one whole segment, `/{*rest}` all that is left",
                InvalidTemplate::Relative if text.contains("://") => "only the path, without scheme and host",
                InvalidTemplate::NotNormal { form, .. } => &format!("write `{}`", short(form)),
                _ => return Wrong::new(fault.to_string()),
            };
            Wrong::new(fault.to_string()).hint(hint)
        })
    }
}

/// A path that is asked for, with or without a query.
#[derive(Debug, Clone)]
pub(crate) struct RequestPath(pub(crate) String);

impl Written for RequestPath {
    const EXPECTED: &'static str = "a path, such as `/healthz`";
    const EXAMPLES: &'static [&'static str] = &["/healthz"];
    const PATTERN: &'static str = r#"^/[!"$-~]{0,1023}$"#;

    fn parse(text: &str) -> Result<Self, Wrong> {
        let fits = |c: char| c.is_ascii_graphic() && c != '#';
        if !text.starts_with('/') || text.len() > 1_024 || !text.chars().all(fits) {
            let wrong = Wrong::new(format!("`{}` is not a path that can be asked for", short(text)));
            return Err(wrong.hint("it begins with `/` and has no spaces and no `#`"));
        }
        Ok(Self(text.to_owned()))
    }
}
