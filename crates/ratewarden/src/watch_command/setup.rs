//! What `watch` is made of: the command line's words over the policy's, the policy's over the defaults.

use std::path::{Path, PathBuf};

use ratewarden_callers::Identifier;
use ratewarden_logs::Options;
use ratewarden_policy::{self as policy, Policy};
use ratewarden_watch::{Credentials, Engine, Pipeline, Places, Settings, geo, machine_secret};

use crate::errors::{Exit, Failure};
use crate::watch_args::WatchJob;
use crate::{output, stderr};

/// Seconds that a line may be late where nobody says otherwise.
const LATENESS: u32 = 10;
/// Files of Sigma rules that are read.
const SIGMA_FILES: usize = 10_000;
/// Folders in folders of Sigma rules.
const SIGMA_DEPTH: usize = 16;

/// Everything that is known before the first line.
pub(super) struct Setup {
    pub(super) pipeline: Pipeline,
    pub(super) options: Options,
    pub(super) policy: Option<Policy>,
    pub(super) state: Option<PathBuf>,
    /// What the reader should know.
    pub(super) notes: Vec<String>,
}

/// Reads the policy and the files it and the command line name.
pub(super) fn setup(job: &WatchJob) -> Result<Setup, Failure> {
    let policy = job.config.as_deref().map(read_policy).transpose()?;
    let watch = policy.as_ref().map(|policy| &policy.watch);
    let mut notes = Vec::new();
    let mut detectors =
        policy.as_ref().map_or_else(ratewarden_watch::detectors, |policy| policy.detectors.clone());
    if let Some(folder) = &job.sigma {
        detectors.extend(sigma(folder, &mut notes)?);
    }
    let geoip = job.geoip.clone().or_else(|| watch?.geoip.clone());
    let systems = job.geoip_asn.clone().or_else(|| watch?.geoip_asn.clone());
    let geography = geoip.map(|file| places(&file, systems.as_deref())).transpose()?;
    if geography.is_none() {
        notes.push("Detectors of countries and of travel are off: --geoip names a file that says where addresses are.".to_owned());
    }
    let secret = secret(policy.as_ref())?;
    let settings = Settings {
        detectors,
        lateness: job.lateness.or(watch.map(|watch| watch.lateness)).unwrap_or(LATENESS),
        geography: geography.map(|places| Box::new(places) as _),
        seed: u64::from_le_bytes(secret.first_chunk().copied().unwrap_or_default()),
    };
    let identifier = policy.as_ref().map(|policy| Identifier::build(policy, &secret, None)).transpose();
    let identifier = identifier.map_err(|error| {
        Failure::new(Exit::Usage, error, "the policy's `[[caller]]` tables name the files of keys")
    })?;
    Ok(Setup {
        pipeline: Pipeline::new(Engine::new(settings), Credentials::new(secret, identifier)),
        options: options(job, watch)?,
        state: job.state.clone().or_else(|| watch?.state.clone()),
        policy,
        notes,
    })
}

/// Reads a policy, and says all its mistakes.
fn read_policy(path: &Path) -> Result<Policy, Failure> {
    let text = std::fs::read_to_string(path).map_err(|error| {
        let hint =
            "`ratewarden policy example` prints a policy to begin with; without -c the defaults are used";
        Failure::new(Exit::Usage, error, hint).context(format!("cannot read {}", path.display()))
    })?;
    match policy::read(&text, path) {
        Ok(read) => Ok(read.policy),
        Err(mistakes) => {
            stderr::note(&mistakes.to_string());
            Err(Failure::usage(
                format!("{} has mistakes", path.display()),
                format!("`ratewarden policy check {}` says this without reading any log", path.display()),
            ))
        }
    }
}

/// The form of lines: the command line's where it says anything, else the policy's.
fn options(job: &WatchJob, watch: Option<&policy::Watch>) -> Result<Options, Failure> {
    let mut options = job.options.clone();
    let is_said = options.form.is_some() || options.log_format.is_some() || options.json_fields.is_some();
    let Some(watch) = watch.filter(|_| !is_said) else { return Ok(options) };
    let wrong = |mistake: ratewarden_logs::Mistake| {
        Failure::usage(mistake, "`ratewarden policy check` shows the place")
    };
    if let Some(text) = &watch.log_format {
        options.parse_log_format(text).map_err(wrong)?;
    }
    if let Some(text) = &watch.json_fields {
        options.parse_json_fields(text).map_err(wrong)?;
    }
    Ok(options)
}

fn places(file: &Path, systems: Option<&Path>) -> Result<Places, Failure> {
    geo::Geography::open(file, systems).map(Places::new).map_err(|error| {
        let hint = error.hint().to_owned();
        Failure::new(Exit::Usage, error, hint)
    })
}

/// The secret under which credentials are hashed: that of the gateway's store, so that both say the same of a
/// credential; else one that stays the same on this machine.
fn secret(policy: Option<&Policy>) -> Result<[u8; 16], Failure> {
    let made = machine_secret().map_err(|error| {
        Failure::new(Exit::Usage, error, "try again; the system gave no random bytes")
            .context("no secret could be made")
    })?;
    let Some(store) = policy.and_then(|policy| policy.store.as_deref()).filter(|store| store.exists()) else {
        return Ok(made);
    };
    let read = ratewarden_counters::Disk::open(store).and_then(|disk| disk.secret(made));
    read.map_err(|error| {
        Failure::new(
            Exit::Usage,
            error,
            "`store.file` of the policy names the gateway's file; leave it out if there is none",
        )
    })
}

/// The detectors of a folder of Sigma rules; what cannot be carried is named.
fn sigma(folder: &Path, notes: &mut Vec<String>) -> Result<Vec<ratewarden_watch::Detector>, Failure> {
    let mut files = Vec::new();
    sigma_files(folder, SIGMA_DEPTH, &mut files).map_err(|error| {
        Failure::new(Exit::Usage, error, "--sigma names a folder with .yml files, or one such file")
            .context(format!("cannot read the Sigma rules in {}", folder.display()))
    })?;
    files.sort();
    if files.is_empty() {
        return Err(Failure::usage(
            format!("there are no Sigma rules in {}", folder.display()),
            "--sigma names a folder with .yml or .yaml files",
        ));
    }
    let mut sources = Vec::new();
    for file in &files {
        match std::fs::read(file) {
            Ok(text) => sources.push((file.display().to_string(), text)),
            Err(error) => stderr::note(&format!("{} cannot be read: {error}", file.display())),
        }
    }
    let compiled = ratewarden_sigma::compile(sources);
    for refusal in &compiled.refused {
        stderr::note(&format!("not carried: {refusal}"));
    }
    if !compiled.refused.is_empty() {
        notes.push(format!(
            "{} of {} Sigma rules are watched for; what of the others cannot be carried was said at the start.",
            compiled.detectors.len(),
            compiled.rules
        ));
    }
    Ok(compiled.detectors)
}

fn sigma_files(path: &Path, depth: usize, found: &mut Vec<PathBuf>) -> std::io::Result<()> {
    if !std::fs::metadata(path)?.is_dir() {
        found.push(path.to_owned());
        return Ok(());
    }
    for entry in std::fs::read_dir(path)? {
        let path = entry?.path();
        let ending = path.extension().and_then(|ending| ending.to_str()).unwrap_or_default();
        if path.is_dir() && depth > 0 {
            sigma_files(&path, depth - 1, found)?;
        } else if matches!(ending, "yml" | "yaml") && found.len() < SIGMA_FILES {
            found.push(path);
        }
    }
    Ok(())
}

/// Prints what the reader should know, where the report does not.
pub(super) fn say(notes: &[String]) {
    notes.iter().for_each(|note| stderr::note(note));
}

/// Refuses a report that could not be written, before anything is read.
pub(super) fn check_outputs(job: &WatchJob) -> Result<(), Failure> {
    job.outputs.iter().try_for_each(|file| output::check_writable(&file.path))
}
