//! Findings to terminal, JSON, SARIF, JUnit, Markdown and HTML.
//!
//! One pure function, [`render`], from a [`ScanReport`] to text: no file, no clock and no terminal is touched here
//! but in [`Options::for_stdout`], so that every format can be tested as a string. Wording that several formats
//! share lives in `text`, figures of the evidence in `evidence`; a format only arranges them.
//!
//! Nearly every string of a report came from the target or passed through it, so it is hostile until shown
//! otherwise: control characters are taken out once, before any format for people sees the report, and each format
//! escapes what remains in its own way.

mod charts;
mod evidence;
mod html;
mod json;
mod junit;
mod markdown;
mod options;
mod order;
mod page;
mod pretty;
#[cfg(any(test, feature = "sample"))]
pub mod sample;
mod sarif;
pub mod terminal;
mod text;
mod watch;

#[cfg(test)]
mod hostile_tests;
#[cfg(test)]
mod scoring_page_tests;

pub use json::harmless;
pub use options::{Format, Options, UnknownFormat};
pub use page::Page;
pub use text::{clean, one_line};
pub use watch::{render_finding_line, render_finding_pretty, render_watch_json, render_watch_pretty};

use ratewarden_model::ScanReport;

/// Why a report could not be written.
#[derive(Debug, thiserror::Error)]
pub enum ReportError {
    /// The document could not be put into JSON.
    #[error("the report could not be written as JSON")]
    Json(#[from] serde_json::Error),
    /// The document could not be put into XML.
    #[error("the report could not be written as JUnit XML")]
    Junit(#[from] quick_junit::SerializeError),
    /// The page could not be filled in.
    #[error("the HTML page could not be filled in")]
    Page(#[from] askama::Error),
    /// A chart could not be drawn; the text says which and why.
    #[error("the chart of {chart} could not be drawn: {reason}")]
    Chart {
        /// What it would have shown.
        chart: &'static str,
        /// What the drawing library said.
        reason: String,
    },
}

/// Writes a report in a format. The text ends with a newline.
///
/// # Errors
/// Where a serializer or the drawing library refuses, which no report of our own making brings about.
pub fn render(report: &ScanReport, format: Format, options: &Options) -> Result<String, ReportError> {
    if format == Format::Json {
        return json::render(report);
    }
    let clean = text::without_controls(report);
    match format {
        Format::Json => json::render(report),
        Format::Pretty => Ok(pretty::render(&clean, options)),
        Format::Sarif => sarif::render(&clean, options),
        Format::Junit => junit::render(&clean),
        Format::Markdown => Ok(markdown::render(&clean)),
        Format::Html => html::render(&clean),
    }
}
