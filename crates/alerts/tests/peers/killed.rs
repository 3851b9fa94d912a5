//! Kill -9, at any instant: what was handed over arrives, and what arrives twice has the same delivery id.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use ratewarden_alerts::{Config, Kept, State};

use super::receiver::{Answer, Hook};
use super::{PATIENCE, config, finding, now_ms, start, webhook};

/// What the child is told: folder, URL, the first number.
const TOLD: &str = "RATEWARDEN_ALERTS_CHILD";
/// Findings that are handed over.
const FINDINGS: usize = 300;
/// Lives of the child.
const LIVES: usize = 25;

/// Not a test: what is killed. It says each number when its finding is handed over.
#[test]
fn child() {
    let Ok(told) = std::env::var(TOLD) else { return };
    let [folder, url, first] = told.split('\n').collect::<Vec<_>>().try_into().unwrap();
    let hasty = Config { timeout: Duration::from_millis(300), ..config(vec![webhook("ops", url)]) };
    let alerts = start(&hasty, Path::new(folder));
    for number in first.parse().unwrap()..FINDINGS {
        let kept = alerts.handle(&finding(number), State::Opened, now_ms());
        assert_eq!(kept, Kept::OnDisk);
        println!("handed {number}");
    }
    assert!(alerts.flush(PATIENCE));
    println!("flushed");
}

/// Lets a child live until it has said so many lines, and where that is asked until the receiver gets one more; says the next
/// number, or that it was done.
fn live(folder: &Path, hook: &Hook, first: usize, lines: usize, waits: bool) -> Option<usize> {
    let mut child = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "killed::child", "--nocapture"])
        .env(TOLD, format!("{}\n{}\n{first}", folder.display(), hook.url()))
        .stdout(Stdio::piped())
        .stderr(Stdio::inherit())
        .spawn()
        .unwrap();
    let mut next = first;
    let mut is_done = false;
    let mut read = |line: &str| {
        // The harness's own words stand before the first.
        if let Some((_, number)) = line.split_once("handed ") {
            next = number.parse::<usize>().unwrap() + 1;
        }
        is_done |= line.contains("flushed");
    };
    let mut said = BufReader::new(child.stdout.take().unwrap()).lines();
    for line in said.by_ref().take(lines) {
        read(&line.unwrap());
    }
    if lines < usize::MAX {
        if waits {
            // Between being taken and being crossed out.
            hook.wait_for_another(PATIENCE / 100);
        }
        child.kill().unwrap();
    }
    // What it had said by then. A line may be torn.
    for line in said.map_while(Result::ok).filter(|line| line.is_ascii()) {
        read(&line);
    }
    child.wait().unwrap();
    if is_done { None } else { Some(next) }
}

#[test]
fn whatever_is_killed_when_no_alert_is_lost_and_none_comes_twice_with_another_id() {
    let folder = tempfile::tempdir().unwrap();
    // Now and then the receiver fails, so that there is something to do again; where it hangs it has the alert, and who
    // sent it is killed before it knows.
    let answers: Vec<Answer> = (0..200)
        .map(|number| match number % 7 {
            0 => Answer::status(500),
            3 => Answer::Close,
            4 => Answer::Hang,
            5 => Answer::CloseMidBody(503),
            _ => Answer::status(204),
        })
        .collect();
    let hook = Hook::start(&answers);
    let mut random = fastrand::Rng::with_seed(5);
    let mut next = 0;
    for life in 0..LIVES {
        // The harness says a few lines before the child does.
        let lines = random.usize(0..2 * FINDINGS / LIVES);
        next = live(folder.path(), &hook, next, lines, random.bool()).unwrap_or(FINDINGS);
        if life + 1 == LIVES {
            assert!(next > 0, "nobody lived long enough to hand over one");
        }
    }
    assert_eq!(live(folder.path(), &hook, next, usize::MAX, false), None, "the last one is done");
    let mut ids: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    let mut order = Vec::new();
    for got in hook.got() {
        for alert in got.alerts() {
            ids.entry(alert.clone()).or_default().insert(got.header("ratewarden-delivery").to_owned());
            if got.answered == 204 && !order.contains(&alert) {
                order.push(alert);
            }
        }
    }
    let expected: Vec<String> = (0..FINDINGS).map(|number| format!("opened caller-{number}")).collect();
    assert_eq!(order, expected, "all of them, in order");
    assert!(ids.values().all(|ids| ids.len() == 1), "{ids:?}");
}
