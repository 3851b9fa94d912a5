//! One step of a workflow, run as a runner runs it, with the real binary or a stand-in for it.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use tempfile::TempDir;

/// A runner's directories, and the environment of one step.
pub(crate) struct Step {
    dir: TempDir,
    env: BTreeMap<String, String>,
}

/// What a step left behind.
pub(crate) struct Ran {
    pub(crate) code: i32,
    pub(crate) log: String,
    pub(crate) outputs: BTreeMap<String, String>,
    pub(crate) summary: String,
}

impl Step {
    pub(crate) fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
        let mut step = Self { env: BTreeMap::new(), dir };
        for name in ["workspace", "temp"] {
            fs::create_dir(step.path(name)).unwrap();
        }
        for name in ["output", "summary"] {
            fs::write(step.path(name), "").unwrap();
        }
        step = step.with("PATH", &std::env::var("PATH").unwrap());
        step = step.with("GITHUB_ACTION_PATH", root.to_str().unwrap());
        for (name, file) in [
            ("GITHUB_OUTPUT", "output"),
            ("GITHUB_STEP_SUMMARY", "summary"),
            ("GITHUB_WORKSPACE", "workspace"),
            ("RUNNER_TEMP", "temp"),
        ] {
            let path = step.path(file);
            step = step.with(name, path.to_str().unwrap());
        }
        step
    }

    /// A step that runs the real binary against `url`, at the smallest depth.
    pub(crate) fn scanning(url: &str) -> Self {
        let step = Self::new().with("RATEWARDEN_BIN", env!("CARGO_BIN_EXE_ratewarden"));
        step.with("INPUT_URL", url).with("INPUT_DEPTH", "quick")
    }

    /// A step whose binary is a script that notes its arguments, writes the files it is asked for and ends with `code`.
    pub(crate) fn standing_in(code: i32) -> Self {
        let step = Self::new();
        let stand_in = format!(
            r#"#!/usr/bin/env bash
printf '%s\0' "$@" >'{arguments}'
printf '%s' "${{RATEWARDEN_HEADERS-unset}}" >'{headers}'
printf 'error: something to say\n::set-env name=PATH::/evil\nhint: what to do\n' >&2
while (($#)); do
  if [[ $1 == -o ]]; then
    case $2 in
      *.json) printf '%s' '{report}' >"$2" ;;
      *.sarif) printf '{{}}' >"$2" ;;
      *.md) printf '# Report\n' >"$2" ;;
    esac
  fi
  shift
done
exit {code}
"#,
            arguments = step.path("arguments").display(),
            headers = step.path("headers").display(),
            report = r#"{"target":"http://h/,\"score\":7","score":41,"grade":"F","categories":{"x":{"score":99}}}"#,
        );
        let path = step.path("stand-in");
        fs::write(&path, stand_in).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
        let path = path.to_str().unwrap().to_owned();
        step.with("INPUT_BINARY", &path).with("INPUT_URL", "http://h/")
    }

    pub(crate) fn with(mut self, name: &str, value: &str) -> Self {
        self.env.insert(name.to_owned(), value.to_owned());
        self
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    pub(crate) fn in_workspace(&self, name: &str) -> PathBuf {
        self.path("workspace").join(name)
    }

    pub(crate) fn run(&self) -> Ran {
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../action/scan.sh");
        let done = Command::new("bash")
            .arg(script)
            .current_dir(self.path("temp"))
            .env_clear()
            .envs(&self.env)
            .output()
            .unwrap();
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        let outputs = fs::read_to_string(self.path("output")).unwrap();
        Ran {
            code: done.status.code().unwrap(),
            log: text(&done.stdout) + &text(&done.stderr),
            outputs: outputs.lines().map(|line| line.split_once('=').unwrap()).map(own).collect(),
            summary: fs::read_to_string(self.path("summary")).unwrap(),
        }
    }

    /// What the stand-in was called with; None where it was not called.
    pub(crate) fn arguments(&self) -> Option<Vec<String>> {
        let noted = fs::read_to_string(self.path("arguments")).ok()?;
        Some(noted.split_terminator('\0').map(str::to_owned).collect())
    }
}

fn own((name, value): (&str, &str)) -> (String, String) {
    (name.to_owned(), value.to_owned())
}
