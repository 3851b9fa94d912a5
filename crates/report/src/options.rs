//! Which format, how wide, in colour or not: decided here, once, before anything is written.

use std::fmt;
use std::path::Path;
use std::str::FromStr;

use crate::terminal;

/// How a report is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Format {
    /// For a person at a terminal.
    Pretty,
    /// The document itself, `ratewarden.scan/1`.
    Json,
    /// SARIF 2.1.0, for code scanning.
    Sarif,
    /// JUnit XML, for CI servers.
    Junit,
    /// For a pull request or the summary of a CI step; under 60 kB.
    Markdown,
    /// One self-contained page with charts.
    Html,
}

impl Format {
    /// All formats, in the order help texts list them.
    pub const ALL: [Self; 6] =
        [Self::Pretty, Self::Json, Self::Sarif, Self::Junit, Self::Markdown, Self::Html];

    /// The word used on the command line.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Pretty => "pretty",
            Self::Json => "json",
            Self::Sarif => "sarif",
            Self::Junit => "junit",
            Self::Markdown => "markdown",
            Self::Html => "html",
        }
    }

    /// The format that the ending of a file's name asks for: `.json`, `.sarif`, `.xml` (JUnit), `.md`, `.html` or
    /// `.txt` (pretty; write it with [`Options::default`], which has no colour). None for any other ending.
    #[must_use]
    pub fn from_path(path: &Path) -> Option<Self> {
        match path.extension()?.to_str()?.to_ascii_lowercase().as_str() {
            "txt" => Some(Self::Pretty),
            "json" => Some(Self::Json),
            "sarif" => Some(Self::Sarif),
            "xml" => Some(Self::Junit),
            "md" | "markdown" => Some(Self::Markdown),
            "html" | "htm" => Some(Self::Html),
            _ => None,
        }
    }
}

impl fmt::Display for Format {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// A word that names no format.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not a format: expected pretty, json, sarif, junit, markdown or html")]
pub struct UnknownFormat(String);

impl FromStr for Format {
    type Err = UnknownFormat;

    fn from_str(word: &str) -> Result<Self, Self::Err> {
        Self::ALL
            .into_iter()
            .find(|format| format.as_str().eq_ignore_ascii_case(word))
            .ok_or_else(|| UnknownFormat(word.to_owned()))
    }
}

/// What a format needs to know beside the report.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Options {
    /// Whether `pretty` may use colour.
    pub colour: bool,
    /// The columns `pretty` may use; fewer than 40 are taken as 40.
    pub width: usize,
    /// The OpenAPI or configuration file that named the target, relative to the repository's root: SARIF results
    /// are shown there. Without it a path is derived from the target.
    pub anchor: Option<String>,
}

impl Default for Options {
    /// For a file: no colour, 100 columns, no anchor.
    fn default() -> Self {
        Self { colour: false, width: terminal::WIDTH_OF_A_FILE, anchor: None }
    }
}

impl Options {
    /// For the standard output as it is now: colour where the terminal and `NO_COLOR`, `CLICOLOR` and
    /// `CLICOLOR_FORCE` allow it; the terminal's width between 40 and 120, or 100 where there is none.
    #[must_use]
    pub fn for_stdout() -> Self {
        Self { colour: terminal::stdout_wants_colour(), width: terminal::stdout_width(), anchor: None }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_unknown_format_is_answered_with_the_list() {
        for format in Format::ALL {
            assert_eq!(format.as_str().parse::<Format>(), Ok(format));
            let error = "yaml".parse::<Format>().unwrap_err().to_string();
            assert!(error.contains("`yaml`") && error.contains(format.as_str()), "{error}");
        }
        assert_eq!("HTML".parse::<Format>(), Ok(Format::Html));
    }

    #[test]
    fn the_ending_of_a_file_names_the_format() {
        let of = |name: &str| Format::from_path(Path::new(name));
        assert_eq!(of("out/a.json"), Some(Format::Json));
        assert_eq!(of("a.SARIF"), Some(Format::Sarif));
        assert_eq!(of("junit.xml"), Some(Format::Junit));
        assert_eq!(of("a.md"), Some(Format::Markdown));
        assert_eq!(of("a.html"), Some(Format::Html));
        assert_eq!(of("a.txt"), Some(Format::Pretty));
        assert_eq!(of("a.pdf"), None);
        assert_eq!(of(".json"), None);
        assert_eq!(of("report"), None);
    }

    #[test]
    fn a_file_gets_no_colour() {
        assert!(!Options::default().colour);
        assert_eq!(Options::default().width, 100);
    }
}
