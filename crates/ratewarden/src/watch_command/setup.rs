//! What `watch` is made of: the command line's words over the policy's, the policy's over the defaults.

use std::path::{Path, PathBuf};

use ratewarden_callers::Identifier;
use ratewarden_logs::Options;
use ratewarden_policy::Policy;
use ratewarden_watch::{Credentials, Engine, FindingBans, Pipeline, Places, Settings, geo};

use crate::errors::{Exit, Failure};
use crate::watch_args::WatchJob;
use crate::{logs_of, output, policy_file, stderr};

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
    let policy = job.config.as_deref().map(policy_file::read).transpose()?;
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
    let secret = policy_file::secret(policy.as_ref())?;
    let lateness = job.lateness.or(watch.map(|watch| watch.lateness)).unwrap_or(LATENESS);
    let settings = Settings {
        detectors,
        lateness,
        geography: geography.map(|places| Box::new(places) as _),
        ipv6_prefix: policy
            .as_ref()
            .map_or(Settings::default().ipv6_prefix, |policy| policy.trust.ipv6_prefix),
        seed: u64::from_le_bytes(secret.first_chunk().copied().unwrap_or_default()),
    };
    let identifier = policy.as_ref().map(|policy| Identifier::build(policy, &secret, None)).transpose();
    let identifier = identifier.map_err(|error| {
        Failure::new(Exit::Usage, error, "the policy's `[[caller]]` tables name the files of keys")
    })?;
    // A report is made at the end; news are for who follows.
    let engine = if job.follow { Engine::new(settings) } else { Engine::new(settings).quiet() };
    let mut bans = FindingBans::of_logs().late_by(lateness);
    // Of a log that is read once nobody is banned, so nobody need be remembered.
    policy.iter().filter(|_| job.follow).for_each(|policy| bans.set(policy));
    Ok(Setup {
        pipeline: Pipeline::new(engine, Credentials::new(secret, identifier), bans),
        options: match watch {
            Some(watch) => logs_of::or_of_policy(job.options.clone(), watch)?,
            None => job.options.clone(),
        },
        state: job.state.clone().or_else(|| watch?.state.clone()),
        policy,
        notes,
    })
}

fn places(file: &Path, systems: Option<&Path>) -> Result<Places, Failure> {
    geo::Geography::open(file, systems).map(Places::new).map_err(|error| {
        let hint = error.hint().to_owned();
        Failure::new(Exit::Usage, error, hint)
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

/// Says what of a policy has no effect where logs are read once.
pub(super) fn say_unfollowed(policy: &Policy) {
    let has = match (policy.alerts.receivers.is_empty(), policy.bans.is_empty()) {
        (true, true) => return,
        (false, true) => "alerts",
        (true, false) => "bans",
        (false, false) => "alerts and bans",
    };
    stderr::note(&format!("the policy's {has} are only for --follow: this run tells and bans nobody"));
}

/// Prints what the reader should know, where the report does not.
pub(super) fn say(notes: &[String]) {
    notes.iter().for_each(|note| stderr::note(note));
}

/// Refuses a report that could not be written, before anything is read.
pub(super) fn check_outputs(job: &WatchJob) -> Result<(), Failure> {
    job.outputs.iter().try_for_each(|file| output::check_writable(&file.path))
}
