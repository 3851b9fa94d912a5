//! `ratewarden key`: the keys that callers have, in the file that the gateway reads.
//!
//! A key is on the standard output once and nowhere else. The gateway reads the file when it starts and when the
//! policy is read again, which every command here reminds of.

use std::io;
use std::path::{Path, PathBuf};

use ratewarden_callers::{KeyLines, KeysError, NewKey};
use ratewarden_policy as policy;
use serde_json::json;

use crate::cli::{KeyCommand, KeyFileArgs, RulesFormat};
use crate::errors::{Exit, Failure};
use crate::{files, output, stderr};

/// What makes a running gateway see the change.
const RELOAD: &str = "a running gateway knows it from its next SIGHUP on";

pub(crate) fn run(command: KeyCommand) -> Result<Exit, Failure> {
    match command {
        KeyCommand::New { name, plan, file } => new(&name, plan.as_deref(), &file),
        KeyCommand::List { file, format } => list(&file, format),
        KeyCommand::Remove { name, file } => remove(&name, &file),
    }
}

fn new(name: &str, plan: Option<&str>, file: &KeyFileArgs) -> Result<Exit, Failure> {
    let file = Named::of(file)?;
    if let Some(plan) = plan {
        file.check_plan(plan)?;
    }
    let key = NewKey::generate(name, plan.unwrap_or_default())
        .map_err(|what| Failure::usage(what, "such as `ratewarden key new ann --plan pro`"))?;
    file.change(|lines| {
        let is_taken = lines.owners().any(|owner| &*owner.name == name);
        if is_taken {
            let shown = file.path.display();
            return Err(Failure::usage(
                format!("{name} has a key in {shown} already"),
                format!("`ratewarden key remove {name}` takes it away; two keys at once need two names"),
            ));
        }
        lines.add(&key).map_err(wrong_file)
    })?;
    output::print(format!("{}\n", key.key).as_bytes())?;
    stderr::note(&format!(
        "This is the only time the key is shown; {} has its hash; {RELOAD}.",
        file.path.display()
    ));
    Ok(Exit::Fine)
}

fn list(file: &KeyFileArgs, format: RulesFormat) -> Result<Exit, Failure> {
    let path = Named::of(file)?.path;
    if !path.exists() {
        let error = io::Error::from(io::ErrorKind::NotFound);
        return Err(unreadable(&path, error));
    }
    let lines = KeyLines::read(&path).map_err(wrong_file)?;
    let text = match format {
        RulesFormat::Json => {
            let owner =
                |it: ratewarden_callers::Owner| json!({ "name": &*it.name, "plan": it.plan.as_deref() });
            format!("{:#}\n", json!({ "keys": lines.owners().map(owner).collect::<Vec<_>>() }))
        }
        RulesFormat::Pretty => {
            let widest = lines.owners().map(|owner| owner.name.len()).max().unwrap_or_default();
            let line = |owner: ratewarden_callers::Owner| {
                let line = format!("{:widest$}  {}", owner.name, owner.plan.as_deref().unwrap_or_default());
                format!("{}\n", line.trim_end())
            };
            let text: String = lines.owners().map(line).collect();
            if text.is_empty() { "nobody has a key\n".to_owned() } else { text }
        }
    };
    output::print(text.as_bytes())?;
    Ok(Exit::Fine)
}

fn remove(name: &str, file: &KeyFileArgs) -> Result<Exit, Failure> {
    let file = Named::of(file)?;
    file.change(|lines| {
        if lines.remove(name) {
            return Ok(());
        }
        let message =
            format!("nobody called `{}` has a key in {}", stderr::clean(name, &[]), file.path.display());
        Err(Failure::new(Exit::Failed, io::Error::other(message), "`ratewarden key list` shows who has one"))
    })?;
    output::print(format!("removed: {name}\n").as_bytes())?;
    stderr::note(&format!("The key is good until then: {RELOAD}."));
    Ok(Exit::Fine)
}

/// A file of keys, and the plans there are, where a policy names both.
struct Named {
    path: PathBuf,
    plans: Option<(PathBuf, Vec<String>)>,
}

impl Named {
    fn of(arguments: &KeyFileArgs) -> Result<Self, Failure> {
        if let Some(path) = &arguments.file {
            return Ok(Self { path: path.clone(), plans: None });
        }
        let config = &arguments.config;
        let text = std::fs::read_to_string(config).map_err(|error| {
            let hint = "name the file of keys by --file, or the policy that names it by --config";
            Failure::new(Exit::Usage, error, hint)
                .context(format!("cannot read the policy {}", config.display()))
        })?;
        let absolute = std::path::absolute(config).unwrap_or_else(|_| config.clone());
        let read = policy::read(&text, &absolute).map_err(|_| {
            Failure::usage(
                format!("the policy {} has mistakes", config.display()),
                format!("`ratewarden policy check {}` says which", config.display()),
            )
        })?;
        let mut files: Vec<PathBuf> =
            read.policy.callers.into_iter().filter_map(|caller| caller.keys).collect();
        files.sort_unstable();
        files.dedup();
        match <[PathBuf; 1]>::try_from(files) {
            Ok([path]) => {
                let plans = read.policy.plans.into_iter().map(|plan| plan.name).collect();
                Ok(Self { path, plans: Some((config.clone(), plans)) })
            }
            Err(files) if files.is_empty() => Err(Failure::usage(
                format!("no [[caller]] of {} has a file of keys", config.display()),
                "add `keys = \"keys.txt\"` to the [[caller]] with the header that has the key, or name a file by --file",
            )),
            Err(files) => {
                let names: Vec<String> = files.iter().map(|file| file.display().to_string()).collect();
                let hint = format!("name one by --file: {}", names.join(" or "));
                Err(Failure::usage(format!("{} has several files of keys", config.display()), hint))
            }
        }
    }

    /// A plan that no limit can know is a slip.
    fn check_plan(&self, plan: &str) -> Result<(), Failure> {
        let Some((config, plans)) = &self.plans else { return Ok(()) };
        if plans.iter().any(|known| known == plan) {
            return Ok(());
        }
        let shown = config.display();
        let hint = match plans.as_slice() {
            [] => format!("{shown} has none; add a [[plan]], or leave --plan out"),
            plans => format!("its plans are {}", plans.join(", ")),
        };
        Err(Failure::usage(format!("{shown} has no plan `{}`", stderr::clean(plan, &[])), hint))
    }

    fn change(&self, change: impl FnOnce(&mut KeyLines) -> Result<(), Failure>) -> Result<(), Failure> {
        let changed = files::change_private(&self.path, || {
            let mut lines = KeyLines::read(&self.path).map_err(|error| Change::Refused(wrong_file(error)))?;
            change(&mut lines).map_err(Change::Refused)?;
            Ok(lines.text().to_owned())
        });
        changed.map_err(|failed| match failed {
            Change::Refused(failure) => failure,
            Change::Failed(error) => {
                let hint = "the folder must be there, and whoever has the file must change it";
                Failure::new(Exit::Usage, error, hint)
                    .context(format!("cannot change the keys {}", self.path.display()))
            }
        })
    }
}

/// Why a file has not been changed.
enum Change {
    Refused(Failure),
    Failed(io::Error),
}

impl From<io::Error> for Change {
    fn from(error: io::Error) -> Self {
        Self::Failed(error)
    }
}

fn unreadable(path: &Path, error: io::Error) -> Failure {
    Failure::new(Exit::Usage, error, "`ratewarden key new NAME` makes the file with the first key")
        .context(format!("cannot read the keys {}", path.display()))
}

fn wrong_file(error: KeysError) -> Failure {
    let hint = match &error {
        KeysError::Read { .. } => "whoever runs the gateway must be able to read it, and you to change it",
        KeysError::Line { .. } => "mend the line or take it out; nothing was changed",
    };
    Failure::new(Exit::Usage, error, hint)
}
