//! Bans on their way to a gateway or a file, through restarts, refusals and disks that take nothing.

use std::fs;
use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::Path;

use ratewarden_guard::Guard;
use serde_json::Value;

use crate::consequences::{later, now_ms, probes};
use crate::following::{Following, Logger, Said};
use crate::logs::Folder;
use crate::receiver::{receiver, receiver_that_says};

/// A gateway that takes every ban.
const PLACED: &[(u16, &str)] = &[(201, TAKEN)];
const TAKEN: &str =
    r#"{"id":"00","kind":"address","label":null,"until":"2100-01-01T00:00:00Z","seconds_left":1,"times":1}"#;

fn policy(folder: &Folder, penalties: &str) -> String {
    let text = format!(
        "[watch]\nstate = \"state\"\nlateness = \"1s\"\npenalties = {{ {penalties} }}\n\
         [[detector]]\nname = \"sensitive files\"\nban = \"10m\"\n"
    );
    folder.write("rw.toml", text)
}

/// A log of whom is banned, some seconds old.
fn log(folder: &Folder, numbers: std::ops::Range<u8>) -> (String, Logger) {
    let mut logger = Logger::new(&folder.path("access.log"));
    let text = probes(numbers, now_ms() - 5_000);
    logger.write(&text, text.len());
    (folder.argument("access.log"), logger)
}

fn kept(folder: &Folder, document: &str) -> String {
    fs::read_to_string(folder.path(&format!("state/{document}"))).unwrap_or_default()
}

/// How many notes have these words.
fn notes(follow: &Following, words: &str) -> usize {
    follow.all.iter().filter(|said| matches!(said, Said::Err(line) if line.contains(words))).count()
}

#[test]
fn a_ban_that_waits_for_its_gateway_survives_a_kill() {
    let folder = Folder::new();
    let closed = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let policy = |url: &str| {
        let text = format!(
            "[watch]\nstate = \"state\"\npenalties = {{ admin = \"{url}\" }}\n\
             [[detector]]\nname = \"sensitive files\"\nban = \"10m\"\n"
        );
        folder.write("rw.toml", text)
    };
    let path = folder.argument("access.log");
    let text = probes(7..8, now_ms() - 60_000) + &later(now_ms() - 60_000);
    Logger::new(&folder.path("access.log")).write(&text, text.len());
    let mut first =
        Following::start(&[&path, "--from-beginning", "-c", &policy(&format!("http://{closed}"))]);
    first.until_noted("the ban of address 203.0.113.7 could not be placed");
    let waiting = || fs::read_to_string(folder.path("state/bans.json")).unwrap_or_default();
    first.until_seen("it stands in the folder of states", || waiting().contains("203.0.113.7"));
    first.signal("KILL");
    assert_eq!(first.end(), None);

    // Whom the policy spares by now is let go, although it was on its way.
    let kept = waiting();
    let (url, spared) = receiver_that_says(PLACED);
    let text = fs::read_to_string(policy(url.trim_end_matches('/'))).unwrap();
    let with_list = text.replacen("[watch]", "[watch]\nnever-ban = [\"203.0.113.7\"]", 1);
    let mut sparing =
        Following::start(&[&path, "--from-beginning", "-c", &folder.write("rw.toml", with_list)]);
    sparing.until_noted("203.0.113.7 is not banned");
    sparing.until_seen("it is let go", || waiting().trim() == "[]");
    drop(sparing);
    assert!(spared.lock().unwrap().is_empty());
    folder.write("state/bans.json", kept);

    // The log is gone, so nothing leads to this ban but what was kept of it.
    fs::remove_file(folder.path("access.log")).unwrap();
    let (url, taken) = receiver_that_says(PLACED);
    let mut second = Following::start(&[&path, "-c", &policy(url.trim_end_matches('/'))]);
    second.until_noted("banned: address 203.0.113.7");
    let asked: Value = serde_json::from_str(&taken.lock().unwrap()[0]).unwrap();
    let lasts: u64 = asked["for"].as_str().unwrap().trim_end_matches('s').parse().unwrap();
    assert!((500..600).contains(&lasts), "{asked}");
    second.until_seen("nothing waits any more", || waiting().trim() == "[]");
}

#[test]
fn a_ban_that_the_gateway_refuses_is_asked_for_again_while_what_it_is_for_goes_on() {
    const REFUSED: (u16, &str) = (422, r#"{"detail":"there is no such caller"}"#);
    let folder = Folder::new();
    let (url, taken) = receiver_that_says(&[REFUSED, REFUSED, (201, TAKEN)]);
    let policy = policy(&folder, &format!("admin = \"{}\"", url.trim_end_matches('/')));
    let (path, mut logger) = log(&folder, 7..8);
    let mut follow = Following::start(&[&path, "--from-beginning", "-c", &policy]);
    follow.until_noted("the ban of address 203.0.113.7 was not placed");
    follow.until_seen("it counts as none", || kept(&folder, "ban-history.json").contains("\"bans\":[]"));
    // It goes on, so that the finding stays open.
    logger.write(&probes(7..8, now_ms()), usize::MAX);
    follow.until_noted("banned: address 203.0.113.7");
    assert_eq!((taken.lock().unwrap().len(), notes(&follow, "there is no such caller")), (3, 1), "said once");
    for asked in taken.lock().unwrap().iter() {
        let asked: Value = serde_json::from_str(asked).unwrap();
        let lasts: u64 = asked["for"].as_str().unwrap().trim_end_matches('s').parse().unwrap();
        assert!((500..=600).contains(&lasts), "each is a first one: {asked}");
    }
    let has = || kept(&folder, "ban-history.json").contains("203.0.113.7");
    follow.until_seen("it counts", has);
}

#[test]
fn a_ban_that_was_placed_does_not_come_back_with_a_restart() {
    let folder = Folder::new();
    let (url, taken) = receiver_that_says(PLACED);
    let policy = policy(&folder, &format!("admin = \"{}\"", url.trim_end_matches('/')));
    let (path, mut logger) = log(&folder, 7..8);
    let mut first = Following::start(&[&path, "--from-beginning", "-c", &policy]);
    first.until_noted("banned: address 203.0.113.7");
    let are_kept = || {
        kept(&folder, "ban-history.json").contains("203.0.113.7") && kept(&folder, "bans.json").trim() == "[]"
    };
    first.until_seen("what was banned is kept", are_kept);
    first.signal("KILL");
    assert_eq!(first.end(), None);

    // The same lines are read again, and another address comes.
    logger.write(&probes(8..9, now_ms()), usize::MAX);
    let mut second = Following::start(&[&path, "--from-beginning", "-c", &policy]);
    second.until_noted("banned: address 203.0.113.8");
    second.until_findings("opened", 2);
    let asked = taken.lock().unwrap();
    let of = |address: &str| asked.iter().filter(|asked| asked.contains(address)).count();
    assert_eq!((of("203.0.113.7"), of("203.0.113.8")), (1, 1), "an operator may have lifted it since");
}

/// The status of a call at a gateway that believes who its client is.
fn call(at: SocketAddr, client: &str, fields: &str) -> u16 {
    let mut stream = TcpStream::connect(at).unwrap();
    let head = format!(
        "GET / HTTP/1.1\r\nhost: a\r\nx-forwarded-for: {client}\r\nconnection: close\r\n{fields}\r\n"
    );
    stream.write_all(head.as_bytes()).unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    answer.split(' ').nth(1).unwrap().parse().unwrap()
}

#[test]
fn a_running_gateway_holds_a_banned_address_and_spares_who_proved_who_he_is_from_there() {
    let folder = Folder::new();
    let ann = ratewarden_callers::NewKey::generate("ann", "").unwrap();
    folder.write("keys.txt", format!("{}\n", ann.line));
    let (upstream, _) = receiver();
    let file = folder.write(
        "gateway.toml",
        format!(
            "[listen]\nhttp = \"127.0.0.1:0\"\nadmin = \"127.0.0.1:0\"\nthreads = 1\n\
             [upstream]\nurl = \"{}\"\n[trust]\nproxies = [\"127.0.0.1\"]\n[timeouts]\nshutdown = \"100ms\"\n\
             [[caller]]\nfrom = \"header:x-api-key\"\nkeys = \"keys.txt\"\n",
            upstream.trim_end_matches('/')
        ),
    );
    let gateway = Guard::start(Path::new(&file)).unwrap();
    let (http, admin) = (gateway.http()[0], gateway.admin().unwrap());
    let by_ann = format!("x-api-key: {}\r\n", ann.key);
    assert_eq!([call(http, "203.0.113.7", &by_ann), call(http, "203.0.113.7", "")], [200, 200]);

    let policy = policy(&folder, &format!("admin = \"http://{admin}\""));
    let (path, _logger) = log(&folder, 7..8);
    let mut follow = Following::start(&[&path, "--from-beginning", "-c", &policy]);
    follow.until_noted("banned: address 203.0.113.7");
    assert_eq!([call(http, "203.0.113.7", ""), call(http, "203.0.113.8", "")], [429, 200]);
    assert_eq!(call(http, "203.0.113.7", &by_ann), 200, "she had proved who she is from there");
    drop(follow);
    gateway.stop();
}

#[test]
fn a_file_that_cannot_be_written_is_said_once_and_everything_goes_on() {
    let folder = Folder::new();
    let policy = policy(&folder, "file = \"later/bans.ndjson\"");
    let (path, _logger) = log(&folder, 7..8);
    let mut follow = Following::start(&[&path, "--from-beginning", "-c", &policy]);
    follow.until_noted("bans cannot be written to");
    // Another reason is said too.
    fs::create_dir_all(folder.path("folder/bans.ndjson")).unwrap();
    fs::rename(folder.path("folder"), folder.path("later")).unwrap();
    follow.until("another reason", |all| {
        let words = "bans cannot be written to";
        all.iter().filter(|said| matches!(said, Said::Err(line) if line.contains(words))).count() == 2
    });
    fs::remove_dir(folder.path("later/bans.ndjson")).unwrap();
    follow.until_noted("bans are written to");
    assert!(fs::read_to_string(folder.path("later/bans.ndjson")).unwrap().contains("203.0.113.7"));
    assert_eq!(notes(&follow, "bans cannot be written to"), 2);
    assert!(notes(&follow, "later/bans.ndjson") >= 3, "each says the path");
}

#[test]
fn a_folder_of_states_that_takes_no_bans_is_said_once_with_its_path() {
    let folder = Folder::new();
    let (url, _) = receiver_that_says(PLACED);
    let policy = policy(&folder, &format!("admin = \"{}\"", url.trim_end_matches('/')));
    for document in ["bans.json", "ban-history.json"] {
        fs::create_dir_all(folder.path(&format!("state/{document}.new"))).unwrap();
    }
    let (path, mut logger) = log(&folder, 7..8);
    let mut follow = Following::start(&[&path, "--from-beginning", "-c", &policy]);
    follow.until_noted("bans on their way cannot be saved in");
    follow.until_noted("banned: address 203.0.113.7");
    fs::remove_dir(folder.path("state/bans.json.new")).unwrap();
    follow.until_noted("bans on their way are saved in");
    follow.until_noted("the history of bans cannot be saved in");
    // It goes on.
    logger.write(&probes(8..9, now_ms()), usize::MAX);
    follow.until_noted("banned: address 203.0.113.8");
    fs::remove_dir(folder.path("state/ban-history.json.new")).unwrap();
    follow.until_noted("the history of bans is saved in");
    for words in ["bans on their way cannot be saved in", "the history of bans cannot be saved in"] {
        assert_eq!(notes(&follow, words), 1, "{words}");
    }
}

#[test]
fn a_file_says_of_ipv6_what_the_policy_counts_as_one() {
    let folder = Folder::new();
    let policy = policy(&folder, "file = \"bans.ndjson\"");
    for (prefix, value) in
        [(56, "2001:db8:1:200::/56"), (64, "2001:db8:1:2ff::/64"), (128, "2001:db8:1:2ff::7")]
    {
        let text = fs::read_to_string(&policy).unwrap();
        let counted = folder.write("counted.toml", format!("{text}[trust]\nipv6-prefix = {prefix}\n"));
        let calls = probes(7..8, now_ms() - 5_000).replace("203.0.113.7", "2001:db8:1:2ff::7");
        let name = format!("{prefix}.log");
        Logger::new(&folder.path(&name)).write(&calls, calls.len());
        let state = folder.argument(&format!("state-{prefix}"));
        let path = folder.argument(&name);
        let mut follow = Following::start(&[&path, "--from-beginning", "-c", &counted, "--state", &state]);
        follow.until_noted("banned: ");
        let bans = fs::read_to_string(folder.path("bans.ndjson")).unwrap();
        let last: Value = serde_json::from_str(bans.lines().last().unwrap()).unwrap();
        assert_eq!(last["value"], value, "{last}");
    }
}
