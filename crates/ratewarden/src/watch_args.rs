//! What `watch` can be told, and the step from words to a job that can be done.

use std::path::PathBuf;
use std::time::Duration;

use clap::Args;
use clap::builder::{PossibleValuesParser, TypedValueParser};
use ratewarden_logs::Options;
use ratewarden_model::{Severity, parse_duration};

use crate::errors::Failure;
use crate::logs_of::FormArgs;

/// The longest lateness.
const LATEST: Duration = Duration::from_secs(600);

#[derive(Debug, Args)]
pub(crate) struct WatchArgs {
    /// Logs, plain or compressed, in any of the known forms; `-` is the standard input. Several are read in the order of
    /// their first call.
    #[arg(value_name = "FILE")]
    pub(crate) files: Vec<PathBuf>,

    #[command(flatten)]
    form: FormArgs,
    /// How late a line may come, 0s to 10m: lines are put back into order within this time. Without it the policy's, else
    /// 10s.
    #[arg(long, value_name = "DURATION", help_heading = "What is read")]
    lateness: Option<String>,

    /// The policy: its detectors, alerts and bans, and its callers' names. Without it the built-in detectors are used.
    #[arg(short, long, value_name = "FILE", help_heading = "What is looked for")]
    config: Option<PathBuf>,
    /// Sigma rules, detection and correlation: a folder, or a file. docs/sigma.md says what is carried.
    #[arg(long, value_name = "DIR", help_heading = "What is looked for")]
    sigma: Option<PathBuf>,
    /// Where addresses are: a file of countries or cities (.mmdb).
    #[arg(long, value_name = "FILE", help_heading = "What is looked for")]
    geoip: Option<PathBuf>,
    /// Autonomous systems of addresses (.mmdb).
    #[arg(long, value_name = "FILE", requires = "geoip", help_heading = "What is looked for")]
    geoip_asn: Option<PathBuf>,

    /// Keep watching: lines that are added, through rotation and truncation, until a signal ends it. Findings are printed
    /// as they open and end, with --format json one a line.
    #[arg(short, long, help_heading = "Following")]
    follow: bool,
    /// Read what is in the files already too, rather than begin at their end.
    #[arg(long, requires = "follow", help_heading = "Following")]
    from_beginning: bool,
    /// A folder for what is to survive a restart: where reading stood, alerts that wait. Without it a restart begins at
    /// the end again.
    #[arg(long, value_name = "FOLDER", requires = "follow", help_heading = "Following")]
    state: Option<PathBuf>,
    /// Place no bans and send no alerts; say who would be banned.
    #[arg(long, requires = "follow", help_heading = "Following")]
    dry_run: bool,

    /// How findings are printed.
    #[arg(long, value_name = "FORMAT", default_value = "pretty", value_parser = format(), help_heading = "Reports")]
    pub(crate) format: WatchFormat,
    /// Write the report here too; the ending says how: .json or .txt. May be repeated.
    #[arg(short, long = "output", value_name = "FILE", conflicts_with = "follow", help_heading = "Reports")]
    outputs: Vec<PathBuf>,
    /// Show no progress.
    #[arg(long, help_heading = "Reports")]
    no_progress: bool,

    /// Exit with 1 if a finding is at least this severe.
    #[arg(long, value_name = "SEVERITY", value_parser = severity(), conflicts_with = "follow", help_heading = "Gates")]
    fail_on_severity: Option<Severity>,
    /// Exit with 1 unless exactly the findings of this file are there: a list with rule, subject and count, or an earlier
    /// report.
    #[arg(long, value_name = "FILE", conflicts_with = "follow", help_heading = "Gates")]
    expect: Option<PathBuf>,
}

/// The formats of `watch`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum WatchFormat {
    Pretty,
    Json,
}

/// A file that a report goes to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct WatchOutput {
    pub(crate) path: PathBuf,
    pub(crate) format: WatchFormat,
}

/// What is to be watched.
#[derive(Debug)]
pub(crate) struct WatchJob {
    pub(crate) files: Vec<PathBuf>,
    pub(crate) options: Options,
    pub(crate) lateness: Option<u32>,
    pub(crate) config: Option<PathBuf>,
    pub(crate) sigma: Option<PathBuf>,
    pub(crate) geoip: Option<PathBuf>,
    pub(crate) geoip_asn: Option<PathBuf>,
    pub(crate) dry_run: bool,
    pub(crate) format: WatchFormat,
    pub(crate) outputs: Vec<WatchOutput>,
    pub(crate) progress: bool,
    pub(crate) fail_on_severity: Option<Severity>,
    pub(crate) expect: Option<PathBuf>,
    pub(crate) follow: bool,
    pub(crate) from_beginning: bool,
    pub(crate) state: Option<PathBuf>,
}

impl WatchArgs {
    /// Everything that one look at the words can show to be wrong.
    pub(crate) fn validate(self) -> Result<WatchJob, Failure> {
        let options = self.form.options()?;
        let mut files = self.files;
        if files.is_empty() {
            if std::io::IsTerminal::is_terminal(&std::io::stdin()) {
                return Err(Failure::usage(
                    "no log is named",
                    "name one, such as /var/log/nginx/access.log, or give lines by the standard input",
                ));
            }
            files.push(PathBuf::from("-"));
        }
        let outputs = self.outputs.into_iter().map(output).collect::<Result<_, _>>()?;
        Ok(WatchJob {
            files,
            options,
            lateness: self.lateness.as_deref().map(lateness).transpose()?,
            config: self.config,
            sigma: self.sigma,
            geoip: self.geoip,
            geoip_asn: self.geoip_asn,
            dry_run: self.dry_run,
            format: self.format,
            outputs,
            progress: !self.no_progress,
            fail_on_severity: self.fail_on_severity,
            expect: self.expect,
            follow: self.follow,
            from_beginning: self.from_beginning,
            state: self.state,
        })
    }
}

fn lateness(text: &str) -> Result<u32, Failure> {
    let hint = "write a time from 0s to 10m, such as 10s";
    if matches!(text, "0" | "0s") {
        return Ok(0);
    }
    let time = parse_duration(text).map_err(|error| Failure::usage(format!("--lateness: {error}"), hint))?;
    if time > LATEST {
        return Err(Failure::usage(format!("--lateness: {text} is longer than 10m"), hint));
    }
    Ok(u32::try_from(time.as_millis().div_ceil(1000)).unwrap_or(600))
}

fn output(path: PathBuf) -> Result<WatchOutput, Failure> {
    let ending = path.extension().and_then(|ending| ending.to_str()).map(str::to_ascii_lowercase);
    let format = match ending.as_deref() {
        Some("json") => WatchFormat::Json,
        Some("txt") => WatchFormat::Pretty,
        _ => {
            return Err(Failure::usage(
                format!("the ending of `{}` names no format", path.display()),
                "end the name of -o with .json or .txt",
            ));
        }
    };
    Ok(WatchOutput { path, format })
}

pub(crate) fn severity() -> impl TypedValueParser<Value = Severity> {
    PossibleValuesParser::new(Severity::WORST_FIRST.map(Severity::as_str))
        .try_map(|word| word.parse::<Severity>())
}

fn format() -> impl TypedValueParser<Value = WatchFormat> {
    PossibleValuesParser::new(["pretty", "json"])
        .map(|word| if word == "json" { WatchFormat::Json } else { WatchFormat::Pretty })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lateness_is_a_time_up_to_ten_minutes() {
        assert_eq!(
            (lateness("0s").unwrap(), lateness("1500ms").unwrap(), lateness("10m").unwrap()),
            (0, 2, 600)
        );
        assert!(lateness("11m").unwrap_err().text().contains("longer"));
        assert!(lateness("ten").is_err());
    }
}
