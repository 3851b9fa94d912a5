//! Where reports go: the standard output and the files of `-o`, each in its format.
//!
//! The standard output is data and nothing else. A reader that went away (`| head -1`) is no error: it has what it
//! wanted. Any other failure to write is one, for a pipeline must not go on with half a report.

use std::io::{self, Write};
use std::path::PathBuf;

use clap::builder::StyledStr;
use ratewarden_model::ScanReport;
use ratewarden_report::{Format, Options, render};

use crate::errors::{Exit, Failure, REPORT};
use crate::files;

/// What the endings of `-o` mean, for the error and the help.
pub(crate) const ENDINGS: &str = ".json, .sarif, .xml (JUnit), .md (Markdown), .html or .txt";

/// A file of `-o`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ReportFile {
    pub(crate) path: PathBuf,
    pub(crate) format: Format,
}

impl ReportFile {
    /// Takes the format from the ending.
    pub(crate) fn new(path: PathBuf) -> Result<Self, Failure> {
        match Format::from_path(&path) {
            Some(format) => Ok(Self { path, format }),
            None => Err(Failure::usage(
                format!("the ending of `{}` names no format", path.display()),
                format!("end the name of -o with {ENDINGS}"),
            )),
        }
    }
}

/// Everything one run writes.
#[derive(Debug, Clone)]
pub(crate) struct Outputs {
    pub(crate) stdout: Format,
    pub(crate) files: Vec<ReportFile>,
    /// The OpenAPI file, where SARIF results are shown.
    pub(crate) anchor: Option<String>,
}

impl Outputs {
    /// Refuses, before the scan, what could not be written after it.
    pub(crate) fn check(&self) -> Result<(), Failure> {
        for file in &self.files {
            check_writable(&file.path)?;
        }
        Ok(())
    }

    /// Writes all of them. One that fails does not keep the others from being written.
    pub(crate) fn write(&self, report: &ScanReport) -> Result<(), Failure> {
        let mut first_failure = None;
        for file in &self.files {
            let options = Options { anchor: self.anchor.clone(), ..Options::default() };
            let written =
                rendered(report, file.format, &options).and_then(|text| write_file(&file.path, &text));
            first_failure = first_failure.or(written.err());
        }
        let options = Options { anchor: self.anchor.clone(), ..Options::for_stdout() };
        let printed = rendered(report, self.stdout, &options).and_then(|text| print_terminal(&text));
        first_failure.or(printed.err()).map_or(Ok(()), Err)
    }
}

/// Refuses a file that could not be written.
pub(crate) fn check_writable(path: &std::path::Path) -> Result<(), Failure> {
    files::check_writable(path).map_err(|error| {
        Failure::new(Exit::Usage, error, "name a file in a folder that exists and may be written to")
            .context(format!("cannot write `{}`", path.display()))
    })
}

pub(crate) fn write_file(path: &std::path::Path, text: &str) -> Result<(), Failure> {
    files::write(path, text.as_bytes()).map_err(|error| {
        Failure::new(Exit::Usage, error, "look whether the disk is full or the folder went away")
            .context(format!("cannot write `{}`", path.display()))
    })
}

pub(crate) fn rendered(report: &ScanReport, format: Format, options: &Options) -> Result<String, Failure> {
    render(report, format, options).map_err(|error| Failure::new(Exit::Panicked, error, REPORT))
}

/// Prints data as it is.
pub(crate) fn print(data: &[u8]) -> Result<(), Failure> {
    finish(write_all(&mut io::stdout().lock(), data))
}

/// Prints text that may have colours, which are taken out where they are not wanted.
pub(crate) fn print_terminal(text: &str) -> Result<(), Failure> {
    finish(write_all(&mut anstream::stdout().lock(), text.as_bytes()))
}

/// Prints one of clap's pages.
pub(crate) fn print_styled(page: &StyledStr) -> Result<(), Failure> {
    print_terminal(&page.ansi().to_string())
}

fn write_all(out: &mut impl Write, data: &[u8]) -> io::Result<()> {
    out.write_all(data)?;
    out.flush()
}

fn finish(written: io::Result<()>) -> Result<(), Failure> {
    match written {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => {
            let hint = "look whether the disk behind the standard output is full";
            Err(Failure::new(Exit::Usage, error, hint).context("cannot write to the standard output"))
        }
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reader_that_went_away_is_no_error() {
        assert!(finish(Err(io::ErrorKind::BrokenPipe.into())).is_ok());
        assert!(finish(Err(io::ErrorKind::StorageFull.into())).is_err());
    }

    #[test]
    fn an_ending_that_names_no_format_is_answered_with_those_that_do() {
        assert_eq!(ReportFile::new("out/a.xml".into()).unwrap().format, Format::Junit);
        let text = ReportFile::new("a.pdf".into()).unwrap_err().text();
        assert!(text.contains("a.pdf") && text.contains(".sarif"), "{text}");
    }
}
