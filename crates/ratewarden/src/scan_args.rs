//! What `scan` can be told, and the step from words to a job that can be done.
//!
//! Headers and the URL are plain text until [`ScanArgs::validate`]: what is wrong with them is said without
//! repeating them.

use std::ffi::OsString;
use std::net::IpAddr;
use std::path::PathBuf;
use std::time::Duration;

use clap::Args;
use clap::builder::{PossibleValuesParser, TypedValueParser};
use ratewarden_model::{Severity, parse_duration};
use ratewarden_report::Format;
use ratewarden_scan::{Backend, Config, Depth, Operation};

use crate::baseline::BaselineFile;
use crate::errors::Failure;
use crate::expect::Expected;
use crate::files;
use crate::gate::Gates;
use crate::headers;
use crate::output::{Outputs, ReportFile};
use crate::scan_command::Job;

/// Longer times are not a scan; they also keep every sum of times within what a clock can hold.
const LONGEST: Duration = Duration::from_secs(24 * 3_600);

#[derive(Debug, Args)]
pub(crate) struct ScanArgs {
    /// The URL to scan, such as `https://api.example.com/v1/items`.
    pub(crate) url: String,

    /// An OpenAPI 3 document that names the operations.
    #[arg(long, value_name = "FILE|URL", help_heading = "What is scanned")]
    openapi: Option<String>,
    /// A header sent with every request, 'Name: value'; its value is shown nowhere. May be repeated. The environment
    /// variable RATEWARDEN_HEADERS holds more, one a line, and keeps secrets out of the list of processes.
    #[arg(short = 'H', long = "header", value_name = "K: V", help_heading = "What is scanned")]
    headers: Vec<String>,
    /// At most 60 requests in 5s, 400 in 15s or 5000 in 120s for each endpoint.
    #[arg(long, default_value = "standard", value_parser = depth(), help_heading = "What is scanned")]
    depth: Depth,
    /// Allow writes; without it only reads are sent. DELETE is never sent.
    #[arg(long, help_heading = "What is scanned")]
    writes: bool,
    /// The operation that writes go to.
    #[arg(long, value_name = "POST /p", requires = "writes", help_heading = "What is scanned")]
    endpoint: Option<String>,
    /// Write remedies for this back end, rather than for the one that is recognised.
    #[arg(long, value_parser = backend(), help_heading = "What is scanned")]
    backend: Option<Backend>,

    /// How the report is printed.
    #[arg(long, default_value = "pretty", value_parser = format(), help_heading = "Reports")]
    format: Format,
    /// Also write the report here; the ending says how: .json, .sarif, .xml, .md, .html, .txt. May be repeated.
    #[arg(short, long = "output", value_name = "FILE", help_heading = "Reports")]
    outputs: Vec<PathBuf>,
    /// Show no progress.
    #[arg(long, help_heading = "Reports")]
    no_progress: bool,
    /// Say nothing beside the report and errors.
    #[arg(short, long, help_heading = "Reports")]
    quiet: bool,

    /// Write the policy that mends what was found here, for `ratewarden guard`.
    #[arg(long, value_name = "FILE", help_heading = "Reports")]
    policy_out: Option<PathBuf>,

    /// Exit with 1 if a finding is at least this severe.
    #[arg(long, value_name = "SEVERITY", value_parser = severity(), help_heading = "Gates")]
    fail_on_severity: Option<Severity>,
    /// Exit with 1 if the score is below this, 0 to 100.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(0..=100), help_heading = "Gates")]
    fail_under: Option<u32>,
    /// Findings in this file are known and open no gate.
    #[arg(long, value_name = "FILE", help_heading = "Gates")]
    baseline: Option<PathBuf>,
    /// Write what is found into the baseline; gates are still judged by what it held before.
    #[arg(long, requires = "baseline", help_heading = "Gates")]
    update_baseline: bool,
    /// Exit with 1 unless the inferred limit is this one, such as 100/1m, or concurrent:5.
    #[arg(long, value_name = "LIMIT", help_heading = "Gates")]
    expect: Option<Expected>,

    /// At most so many requests for each endpoint, whatever the depth.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=100_000), help_heading = "Bounds")]
    max_requests: Option<u32>,
    /// At most so long for each endpoint, such as 30s.
    #[arg(long, value_name = "DURATION", value_parser = time, help_heading = "Bounds")]
    max_time: Option<Duration>,
    /// At most so many requests in flight, 1 to 50.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u8).range(1..=50), help_heading = "Bounds")]
    max_in_flight: Option<u8>,
    /// The longest wait for one answer.
    #[arg(long, value_name = "DURATION", value_parser = time, help_heading = "Bounds")]
    timeout: Option<Duration>,

    /// Do not verify the server's certificate.
    #[arg(long, help_heading = "Connection")]
    insecure: bool,
    /// A second address of this machine, to tell a limit for each address from one for everybody.
    #[arg(long, value_name = "IP", help_heading = "Connection")]
    source_address: Option<IpAddr>,
}

impl ScanArgs {
    /// Everything that one look at the words can show to be wrong.
    /// `environment` is what [`headers::VARIABLE`] holds.
    pub(crate) fn validate(self, environment: Option<OsString>) -> Result<Job, Failure> {
        let files: Vec<_> = self.outputs.iter().cloned().map(ReportFile::new).collect::<Result<_, _>>()?;
        self.refuse_collisions()?;
        let headers = headers::all(&self.headers, environment)?;
        let endpoint = self.endpoint.as_deref().map(operation).transpose()?;
        let anchor = self.openapi.clone().filter(|source| !is_url(source));
        let mut config = Config::new(self.url);
        config.headers = headers;
        config.depth = self.depth;
        config.max_requests = self.max_requests;
        config.max_time = self.max_time;
        config.max_in_flight = self.max_in_flight.map_or(config.max_in_flight, usize::from);
        config.request_timeout = self.timeout.unwrap_or(config.request_timeout);
        config.writes = self.writes;
        config.endpoint = endpoint;
        config.openapi = self.openapi;
        config.backend = self.backend;
        config.insecure = self.insecure;
        config.second_address = self.source_address;
        let gates = Gates {
            fail_on_severity: self.fail_on_severity,
            fail_under: self.fail_under,
            expect: self.expect,
        };
        let baseline = self.baseline.map(|path| BaselineFile { path, update: self.update_baseline });
        let outputs = Outputs { stdout: self.format, files, anchor };
        Ok(Job {
            config,
            outputs,
            policy_out: self.policy_out,
            gates,
            baseline,
            progress: !self.no_progress && !self.quiet,
            quiet: self.quiet,
        })
    }

    /// A report must not be written over another one, nor over what is read.
    fn refuse_collisions(&self) -> Result<(), Failure> {
        let openapi = self.openapi.iter().filter(|source| !is_url(source)).map(PathBuf::from);
        let mut taken: Vec<_> =
            openapi.chain(self.baseline.clone()).map(|path| files::resolved(&path)).collect();
        for output in &self.outputs {
            let place = files::resolved(output);
            if taken.contains(&place) {
                return Err(Failure::usage(
                    format!("`{}` would be written over", output.display()),
                    "give each -o a name of its own, other than --baseline and --openapi",
                ));
            }
            taken.push(place);
        }
        Ok(())
    }
}

fn is_url(source: &str) -> bool {
    source.starts_with("http://") || source.starts_with("https://")
}

/// Reads `POST /events`.
fn operation(text: &str) -> Result<Operation, Failure> {
    let hint = "write a method and a path, such as --endpoint 'POST /events'";
    let refuse = |what: &str| Failure::usage(format!("`{text}` of --endpoint {what}"), hint);
    let (method, path) = text.trim().split_once(' ').ok_or_else(|| refuse("is not a method and a path"))?;
    let (method, path) = (method.to_ascii_uppercase(), path.trim());
    match method.as_str() {
        "POST" | "PUT" | "PATCH" => {}
        "DELETE" => {
            let hint = "a scan never deletes; name an operation that writes, such as 'POST /events'";
            return Err(Failure::usage("DELETE is never sent", hint));
        }
        _ => return Err(refuse("does not write: POST, PUT or PATCH is expected")),
    }
    if !path.starts_with('/') || path.chars().any(|c| c.is_control() || c.is_whitespace()) {
        return Err(refuse("has a path that does not begin with `/`, or has a space in it"));
    }
    Ok(Operation { method, path: path.to_owned() })
}

fn time(text: &str) -> Result<Duration, String> {
    let time = parse_duration(text).map_err(|error| error.to_string())?;
    if time > LONGEST { Err(format!("`{text}` is longer than 24h")) } else { Ok(time) }
}

fn depth() -> impl TypedValueParser<Value = Depth> {
    PossibleValuesParser::new(["quick", "standard", "deep"]).map(|word| match word.as_str() {
        "quick" => Depth::Quick,
        "deep" => Depth::Deep,
        _ => Depth::Standard,
    })
}

fn backend() -> impl TypedValueParser<Value = Backend> {
    PossibleValuesParser::new(["cassandra", "ray", "anyscale"]).map(|word| match word.as_str() {
        "ray" => Backend::Ray,
        "anyscale" => Backend::Anyscale,
        _ => Backend::Cassandra,
    })
}

fn format() -> impl TypedValueParser<Value = Format> {
    PossibleValuesParser::new(Format::ALL.map(Format::as_str)).try_map(|word| word.parse::<Format>())
}

fn severity() -> impl TypedValueParser<Value = Severity> {
    PossibleValuesParser::new(Severity::WORST_FIRST.map(Severity::as_str))
        .try_map(|word| word.parse::<Severity>())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_endpoint_is_a_write_and_never_a_delete() {
        let events = Operation { method: "POST".into(), path: "/events?a=b".into() };
        assert_eq!(operation("post  /events?a=b").unwrap(), events);
        assert!(operation("DELETE /events").unwrap_err().text().contains("never deletes"));
        for text in ["", "POST", "/events", "POST events", "GET /events", "POST /a b", "POST /a\nX: y"] {
            assert!(operation(text).is_err(), "{text}");
        }
    }

    #[test]
    fn a_time_beyond_a_day_is_refused() {
        assert_eq!(time("24h"), Ok(LONGEST));
        assert!(time("25h").is_err() && time("0s").is_err() && time("10").is_err());
    }
}
