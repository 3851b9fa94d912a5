//! `ratewarden key`: the real binary, and a gateway that reads the file that it writes.

#![cfg(unix)]
#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

#[path = "cli/run.rs"]
#[expect(dead_code, reason = "shared with the other tests of the binary")]
mod cli;

use std::fs;
use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::os::unix::fs::PermissionsExt as _;
use std::path::PathBuf;
use std::process::Stdio;

use cli::{Ran, program};
use ratewarden_guard::Guard;
use tempfile::TempDir;

/// A folder with a policy that reads `keys.txt`.
struct Bench(TempDir);

impl Bench {
    fn new(callers: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let policy = format!(
            "[listen]\nhttp = \"127.0.0.1:0\"\nthreads = 1\n[upstream]\nurl = \"http://127.0.0.1:1\"\n\
             [timeouts]\nshutdown = \"100ms\"\n[[plan]]\nname = \"free\"\ndefault = true\n[[plan]]\nname = \"pro\"\n\
             [[limit]]\nname = \"all\"\nrate = \"100/1s\"\n{callers}"
        );
        fs::write(folder.path().join("ratewarden.toml"), policy).unwrap();
        Self(folder)
    }

    fn with_keys() -> Self {
        Self::new("[[caller]]\nfrom = \"header:x-api-key\"\nkeys = \"keys.txt\"\nrequired = true\n")
    }

    fn file(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn keys(&self) -> String {
        fs::read_to_string(self.file("keys.txt")).unwrap()
    }

    /// `ratewarden key` in the folder.
    fn key(&self, arguments: &[&str]) -> Ran {
        let mut all = vec!["key"];
        all.extend(arguments);
        Ran::of(&program(&all).current_dir(self.0.path()).output().unwrap())
    }

    /// The status of a call with a key. Nobody listens behind the gateway, so one that passes is a 502.
    fn status(&self, guard: &Guard, key: &str) -> u16 {
        let mut stream = TcpStream::connect(guard.http()[0]).unwrap();
        let call =
            format!("GET / HTTP/1.1\r\nhost: a\r\nconnection: close\r\nx-api-key: {}\r\n\r\n", key.trim());
        stream.write_all(call.as_bytes()).unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        answer.split(' ').nth(1).unwrap().parse().unwrap()
    }
}

#[test]
fn a_new_key_is_printed_once_and_opens_the_gateway_until_it_is_removed() {
    let bench = Bench::with_keys();
    let ran = bench.key(&["new", "ann", "--plan", "pro"]);
    let key = ran.ends_with(0).stdout.clone();
    assert!(key.starts_with("rw_") && key.trim_end().len() == 46, "{key}");
    assert!(ran.stderr.contains("only time") && !ran.stderr.contains(key.trim()), "{}", ran.stderr);
    assert!(bench.keys().starts_with("ann:pro:") && !bench.keys().contains(key.trim()));
    let guard = Guard::start(&bench.file("ratewarden.toml")).unwrap();
    assert_eq!([bench.status(&guard, &key), bench.status(&guard, "rw_guess")], [502, 401]);
    let second = bench.key(&["new", "bob"]).ends_with(0).stdout.clone();
    guard.reload().unwrap();
    assert_eq!([bench.status(&guard, &key), bench.status(&guard, &second)], [502, 502]);
    assert_eq!(bench.key(&["list"]).ends_with(0).stdout, "ann  pro\nbob\n");
    assert_eq!(bench.key(&["remove", "ann"]).ends_with(0).stdout, "removed: ann\n");
    guard.reload().unwrap();
    assert_eq!([bench.status(&guard, &key), bench.status(&guard, &second)], [401, 502]);
    guard.stop();
    let ran = bench.key(&["list", "--format", "json"]);
    let listed: serde_json::Value = serde_json::from_str(&ran.ends_with(0).stdout).unwrap();
    assert_eq!(listed, serde_json::json!({ "keys": [{ "name": "bob", "plan": null }] }));
    bench.key(&["remove", "bob"]).ends_with(0);
    assert_eq!(bench.key(&["list"]).ends_with(0).stdout, "nobody has a key\n");
}

#[test]
fn the_file_is_its_owners_and_is_replaced_whole() {
    let bench = Bench::with_keys();
    let mode = || fs::metadata(bench.file("keys.txt")).unwrap().permissions().mode() & 0o777;
    bench.key(&["new", "ann"]).ends_with(0);
    assert_eq!(mode(), 0o600);
    fs::set_permissions(bench.file("keys.txt"), fs::Permissions::from_mode(0o644)).unwrap();
    bench.key(&["new", "bob"]).ends_with(0);
    assert_eq!(mode(), 0o640, "the group that could read it still can, others no longer");
    assert_eq!(fs::read_dir(bench.0.path()).unwrap().count(), 2, "nothing is left beside it");
    fs::rename(bench.file("keys.txt"), bench.file("real.txt")).unwrap();
    std::os::unix::fs::symlink(bench.file("real.txt"), bench.file("keys.txt")).unwrap();
    bench.key(&["remove", "bob"]).ends_with(0);
    assert!(fs::symlink_metadata(bench.file("keys.txt")).unwrap().is_symlink());
    assert!(fs::read_to_string(bench.file("real.txt")).unwrap().starts_with("ann::"));
}

#[test]
fn keys_that_are_made_at_once_are_all_there() {
    let bench = Bench::with_keys();
    let names: Vec<String> = (0..12).map(|number| format!("caller-{number:02}")).collect();
    let begin = |name: &String| {
        let mut command = program(&["key", "new", name]);
        command.current_dir(bench.0.path()).stdout(Stdio::null()).stderr(Stdio::null());
        command.spawn().unwrap()
    };
    let running: Vec<_> = names.iter().map(begin).collect();
    for mut program in running {
        assert!(program.wait().unwrap().success());
    }
    let mut listed: Vec<String> =
        bench.key(&["list"]).ends_with(0).stdout.lines().map(str::to_owned).collect();
    listed.sort();
    assert_eq!(listed, names);
}

#[test]
fn a_file_can_be_named_without_a_policy() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("keys.txt");
    let run = |arguments: &[&str]| {
        let mut command = program(&["key"]);
        command.args(arguments).args(["--file", file.to_str().unwrap()]).current_dir(folder.path());
        Ran::of(&command.output().unwrap())
    };
    run(&["list"]).refuses("cannot read the keys", "key new NAME");
    run(&["new", "ann", "--plan", "whatever"]).ends_with(0);
    assert_eq!(run(&["list"]).ends_with(0).stdout, "ann  whatever\n");
}

#[test]
fn what_cannot_be_done_is_said_with_what_to_do_and_changes_nothing() {
    let bench = Bench::with_keys();
    bench.key(&["new", "ann"]).ends_with(0);
    let before = bench.keys();
    bench.key(&["new", "ann"]).refuses("ann has a key", "key remove ann");
    bench.key(&["new", "a:b"]).refuses("the name has 1 to 64 visible ASCII characters", "key new ann");
    bench.key(&["new", ""]).refuses("the name has 1 to 64", "key new ann");
    bench.key(&["new", "a\nb::"]).refuses("the name has 1 to 64", "key new ann");
    bench.key(&["new", "bob", "--plan", "gold"]).refuses("has no plan `gold`", "its plans are free, pro");
    bench.key(&["new"]).refuses("<NAME>", "--help");
    let ran = bench.key(&["remove", "bob"]);
    assert!(
        ran.ends_with(1).stderr.contains("`bob` has a key") && ran.stderr.contains("key list"),
        "{}",
        ran.stderr
    );
    bench
        .key(&["new", "bob", "--file", "no such folder/keys.txt"])
        .refuses("cannot change the keys", "folder");
    bench.key(&["list", "-c", "none.toml"]).refuses("cannot read the policy none.toml", "--config");
    assert_eq!(bench.keys(), before);
    fs::write(bench.file("keys.txt"), format!("{before}bob:pro\n")).unwrap();
    bench.key(&["new", "carl"]).refuses("keys.txt:2: found 2 parts", "mend the line");
    bench.key(&["remove", "ann"]).refuses("keys.txt:2: found 2 parts", "mend the line");
    assert_eq!(bench.keys(), format!("{before}bob:pro\n"));
}

#[test]
fn a_policy_that_does_not_say_which_file_is_told_so() {
    let none = Bench::new("[[caller]]\nfrom = \"address\"\n");
    none.key(&["new", "ann"]).refuses("no [[caller]]", "add `keys");
    let several = Bench::new(
        "[[caller]]\nfrom = \"header:x-a\"\nkeys = \"a.txt\"\n[[caller]]\nfrom = \"bearer\"\nkeys = \"b.txt\"\n",
    );
    several.key(&["new", "ann"]).refuses("several files of keys", "b.txt");
    several.key(&["new", "ann", "--file", "b.txt"]).ends_with(0);
    let wrong = Bench::new("[[caller]]\nfrom = \"adress\"\n");
    wrong.key(&["new", "ann"]).refuses("has mistakes", "policy check ratewarden.toml");
}

#[test]
fn a_secret_of_tokens_comes_from_the_environment_and_is_never_shown() {
    let bench = Bench::new(
        "[[caller]]\nfrom = \"jwt:sub\"\njwt = { secret-env = \"RATEWARDEN_TEST_SECRET\", plan-claim = \"plan\" }\n",
    );
    let with = |secret: &str| {
        let mut command = program(&["guard"]);
        Ran::of(&command.current_dir(bench.0.path()).env("RATEWARDEN_TEST_SECRET", secret).output().unwrap())
    };
    let ran = with("sekrit");
    ran.refuses("RATEWARDEN_TEST_SECRET: the secret has 6 bytes", "ratewarden.toml");
    assert!(!ran.stderr.contains("sekrit"), "{}", ran.stderr);
}
