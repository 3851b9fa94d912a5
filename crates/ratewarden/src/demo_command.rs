//! `ratewarden demo`: a weak API is started and scanned, then the same API behind a limit, and both are compared.
//!
//! It is the first command a reader runs, so it needs nothing: no server, no network, no file but the reports it
//! writes. The scans are the real ones, with the budgets they have everywhere; nothing here knows what they will find.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use ratewarden_demo::{DemoApi, DemoError, DemoOptions, TokenBucket};
use ratewarden_model::ScanReport;
use ratewarden_report::{Format, Options};
use ratewarden_scan::{Backend, Config, Depth, Operation};

use crate::cli::DemoArgs;
use crate::demo_text as text;
use crate::errors::{Exit, Failure};
use crate::output::{self, ReportFile};
use crate::{scan_command, signals, stderr};

/// Enough to find a small limit and the ways round it; the whole demo is to end well within a minute.
const SEARCH_TIME: Duration = Duration::from_secs(12);

pub(crate) async fn run(arguments: DemoArgs) -> Result<Exit, Failure> {
    let place = Place::choose(arguments.output)?;
    let weak = start(DemoOptions { port: arguments.port, ..DemoOptions::default() })?;
    output::print_terminal(&text::welcome(&weak.url()))?;
    let url = weak.url();
    let limited = signals::unless_interrupted(move || show(url, place)).await?;
    if arguments.once {
        return Ok(Exit::Fine);
    }
    output::print_terminal(&text::still_up(&weak.url(), &limited.url()))?;
    // To end it is what the user is asked to do: no failure.
    signals::signal().await;
    Ok(Exit::Fine)
}

/// All scans and what is said of them; gives back the limited API, which stays up.
async fn show(url: String, place: Place) -> Result<DemoApi, Failure> {
    output::print_terminal(&text::heading(1, "GET and POST /events, as they are"))?;
    let before = scan(events(&url)).await?;
    output::print_terminal(&output::rendered(&before, Format::Pretty, &Options::for_stdout())?)?;

    output::print_terminal(&text::heading(2, "What else it has, at a glance"))?;
    for (path, depth) in [("/api/jobs/", Depth::Quick), ("/private", Depth::Standard)] {
        let report = scan(Config { depth, ..Config::new(format!("{url}{path}")) }).await?;
        output::print_terminal(&text::glance(path, &report, &before))?;
    }

    output::print_terminal(&text::heading(3, "A limit that can be got round: GET /search"))?;
    let report = scan(Config { max_time: Some(SEARCH_TIME), ..Config::new(format!("{url}/search")) }).await?;
    output::print_terminal(&text::got_round("/search", &report, &before))?;

    let limit = TokenBucket::default();
    let limited = start(DemoOptions { limit: Some(limit), ..DemoOptions::default() })?;
    let title =
        format!("The same API behind a token bucket: {} a second, burst {}", limit.rate_per_s, limit.burst);
    output::print_terminal(&text::heading(4, &title))?;
    let after = scan(events(&limited.url())).await?;
    output::print_terminal(&text::comparison(&before, &after))?;

    output::print_terminal(&text::heading(5, "The reports, with charts"))?;
    for path in place.write(&before, &after)? {
        output::print_terminal(&format!("  {}\n", path.display()))?;
    }
    Ok(limited)
}

async fn scan(config: Config) -> Result<ScanReport, Failure> {
    let report = scan_command::scan(config, true).await?;
    if let Some(why) = &report.aborted {
        stderr::note(&format!("this scan stopped before its end: {why}"));
    }
    Ok(report)
}

fn start(options: DemoOptions) -> Result<DemoApi, Failure> {
    DemoApi::start(options).map_err(|error| match error {
        DemoError::Listen { .. } => {
            Failure::new(Exit::Usage, error, "give another --port, or leave it out to take a free one")
        }
        DemoError::NoRuntime => Failure::new(Exit::Panicked, error, crate::errors::REPORT),
    })
}

/// A whole scan of the events, with writes: the API is ours.
fn events(url: &str) -> Config {
    Config {
        depth: Depth::Standard,
        writes: true,
        endpoint: Some(Operation { method: "POST".to_owned(), path: "/events".to_owned() }),
        backend: Some(Backend::Cassandra),
        ..Config::new(format!("{url}/events"))
    }
}

/// Where the reports go.
enum Place {
    /// `-o`: the report of the weak API alone.
    File(ReportFile),
    /// A folder of our own.
    Folder,
}

impl Place {
    fn choose(file: Option<PathBuf>) -> Result<Self, Failure> {
        let Some(path) = file else { return Ok(Self::Folder) };
        let file = ReportFile::new(path)?;
        output::check_writable(&file.path)?;
        Ok(Self::File(file))
    }

    /// Writes the reports and says where.
    fn write(&self, before: &ScanReport, after: &ScanReport) -> Result<Vec<PathBuf>, Failure> {
        let write = |path: &Path, report: &ScanReport, format: Format| {
            let text = output::rendered(report, format, &Options::default())?;
            output::write_file(path, &text).map(|()| path.to_owned())
        };
        match self {
            Self::File(file) => Ok(vec![write(&file.path, before, file.format)?]),
            Self::Folder => {
                let folder = new_folder().map_err(|error| {
                    Failure::new(Exit::Usage, error, "say where the report goes with -o report.html")
                        .context("cannot make a folder for the reports")
                })?;
                let before = write(&folder.join("before.html"), before, Format::Html)?;
                Ok(vec![before, write(&folder.join("after.html"), after, Format::Html)?])
            }
        }
    }
}

/// A folder that nobody else has made: in a shared folder, an existing one may be a trap.
fn new_folder() -> io::Result<PathBuf> {
    let base = std::env::temp_dir();
    let mut last = io::Error::from(io::ErrorKind::AlreadyExists);
    for attempt in 0..100 {
        let folder = base.join(format!("ratewarden-demo-{}-{attempt}", std::process::id()));
        match fs::create_dir(&folder) {
            Ok(()) => return Ok(folder),
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => last = error,
            Err(error) => return Err(error),
        }
    }
    Err(last)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_demos_have_two_folders() {
        let (one, other) = (new_folder().unwrap(), new_folder().unwrap());
        assert_ne!(one, other);
        fs::remove_dir(one).unwrap();
        fs::remove_dir(other).unwrap();
    }
}
