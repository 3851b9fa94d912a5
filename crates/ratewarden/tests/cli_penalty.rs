//! `ratewarden penalty`: the real binary against a running gateway.

#![cfg(unix)]
#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

#[path = "cli/run.rs"]
#[expect(dead_code, reason = "shared with the other tests of the binary")]
mod cli;

use cli::{Ran, nobody, program, run};
use ratewarden_guard::Guard;
use tempfile::TempDir;

/// What opens the admin listener.
const TOKEN: &str = "open-sesame";

/// A gateway with an admin listener that wants a token.
struct Gateway {
    guard: Option<Guard>,
    folder: TempDir,
    url: String,
}

impl Gateway {
    fn start() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let token = folder.path().join("token");
        std::fs::write(&token, format!("{TOKEN}\n")).unwrap();
        let policy = format!(
            "[listen]\nhttp = \"127.0.0.1:0\"\nadmin = \"127.0.0.1:0\"\nthreads = 1\n\
             [upstream]\nurl = \"http://127.0.0.1:1\"\n[admin]\ntoken-file = {:?}\n\
             [timeouts]\nshutdown = \"100ms\"\n[[limit]]\nname = \"all\"\nrate = \"100/1s\"\n",
            token.to_str().unwrap()
        );
        let file = folder.path().join("ratewarden.toml");
        std::fs::write(&file, policy).unwrap();
        let guard = Guard::start(&file).unwrap();
        let url = format!("http://{}", guard.admin().unwrap());
        Self { guard: Some(guard), folder, url }
    }

    /// `ratewarden penalty` with the token from its file.
    fn penalty(&self, arguments: &[&str]) -> Ran {
        let token = self.folder.path().join("token");
        let mut all = vec!["penalty"];
        all.extend(arguments);
        all.extend(["--admin", &self.url, "--token-file", token.to_str().unwrap()]);
        run(&all)
    }
}

impl Drop for Gateway {
    fn drop(&mut self) {
        if let Some(guard) = self.guard.take() {
            guard.stop();
        }
    }
}

#[test]
fn a_ban_is_imposed_listed_and_lifted() {
    let gateway = Gateway::start();
    let ran = gateway.penalty(&["list"]);
    assert_eq!(ran.ends_with(0).stdout, "nobody is banned\n");
    let ran = gateway.penalty(&["add", "--caller", "ann", "--for", "10m", "--reason", "the invoice"]);
    assert!(ran.ends_with(0).stdout.starts_with("caller ann is banned until 20"), "{}", ran.stdout);
    gateway.penalty(&["add", "--address", "192.0.2.1", "--for", "1h"]).ends_with(0);
    let ran = gateway.penalty(&["list"]);
    let lines: Vec<&str> = ran.ends_with(0).stdout.lines().collect();
    assert_eq!(lines.len(), 2, "{}", ran.stdout);
    assert!(lines[0].ends_with("address 192.0.2.1  by an operator"), "{}", ran.stdout);
    assert!(lines[1].ends_with("caller ann         by an operator: the invoice"), "{}", ran.stdout);
    let ran = gateway.penalty(&["list", "--format", "json"]);
    let found: serde_json::Value = serde_json::from_str(&ran.ends_with(0).stdout).unwrap();
    assert_eq!((&found["total"], &found["penalties"][1]["label"]), (&2.into(), &"ann".into()));
    let id = found["penalties"][1]["id"].as_str().unwrap();
    assert_eq!(gateway.penalty(&["lift", id]).ends_with(0).stdout, format!("lifted: {id}\n"));
    let again = gateway.penalty(&["lift", id]);
    assert!(again.ends_with(1).stderr.contains("penalty list"), "{}", again.stderr);
    assert_eq!(gateway.penalty(&["list"]).ends_with(0).stdout.lines().count(), 1);
}

#[test]
fn the_token_is_taken_from_the_environment_and_never_shown() {
    let gateway = Gateway::start();
    let with = |token: &str| {
        let mut command = program(&["penalty", "list", "--admin", &gateway.url]);
        Ran::of(&command.env("RATEWARDEN_ADMIN_TOKEN", token).output().unwrap())
    };
    with(TOKEN).ends_with(0);
    with("wrong-sekrit").refuses("admin token is required", "--token-file");
    assert!(!with("wrong-sekrit").stderr.contains("sekrit"));
    with("se\nkrit").refuses("no header can have", "visible ASCII");
    with(" ").refuses("is empty", "write the token");
}

#[test]
fn what_cannot_be_done_is_said_with_what_to_do() {
    let gateway = Gateway::start();
    gateway
        .penalty(&["add", "--caller", "ann", "--for", "10"])
        .refuses("a whole number and a unit", "--help");
    gateway.penalty(&["add", "--caller", "ann"]).refuses("--for", "--help");
    gateway.penalty(&["add", "--for", "1m"]).refuses("--caller", "--help");
    gateway
        .penalty(&["add", "--caller", "a", "--address", "::1", "--for", "1m"])
        .refuses("cannot be used", "--help");
    gateway.penalty(&["lift", "../limits"]).ends_with(1);
    let file = gateway.folder.path().join("no such file");
    run(&["penalty", "list", "--admin", &gateway.url, "--token-file", file.to_str().unwrap()])
        .refuses("no such file", "[admin]");
    run(&["penalty", "list", "--admin", "https://127.0.0.1:1"]).refuses("no TLS", "http://HOST:PORT");
    let ran = run(&["penalty", "list", "--admin", &nobody()]);
    assert!(ran.ends_with(3).stderr.contains("cannot connect"), "{}", ran.stderr);
}
