//! Whatever stands in a log: each line is a call or is counted, and what is good beside it is found.

use std::fs;
use std::io::Write as _;
use std::process::Stdio;

use ratewarden_traffic::{MONDAY_MS, OwnedCall, lines, scenario};
use serde_json::Value;

use crate::cli::{Ran, program, run};
use crate::logs::{Folder, adds_up, as_logged, findings, has, nginx, report, said};

/// A log in which abuse stands on both sides of the middle: three hundred logins in a minute.
fn good() -> Vec<OwnedCall> {
    as_logged(scenario::login_brute_force(7, MONDAY_MS).calls).into_calls()
}

/// [`good`] with something in its middle, and after every tenth line.
fn around(bad: &[&[u8]]) -> Vec<u8> {
    let mut log = Vec::new();
    let mut bad = bad.iter().cycle();
    let count = bad.clone().take(1).count();
    for (number, call) in good().iter().enumerate() {
        writeln!(log, "{}", lines::nginx_combined(call)).unwrap();
        if number % 10 == 0 && count > 0 {
            log.extend_from_slice(bad.next().unwrap());
            log.push(b'\n');
        }
    }
    log
}

/// Lines that are put in by [`around`].
const PUT_IN: u64 = 30;

/// What is said of a log: the abuse in it, and that everything adds up.
#[track_caller]
fn watched(folder: &Folder, name: &str, log: &[u8], arguments: &[&str]) -> Value {
    let path = folder.write(name, log);
    let mut all = vec![path.as_str()];
    all.extend(arguments);
    let report = report(&all);
    adds_up(&report);
    assert!(has(&report, "watch.login-brute-force", "203.0.113.5"), "{name}: {report}");
    report
}

fn number(report: &Value, field: &str) -> u64 {
    report["sources"][0][field].as_u64().unwrap()
}

#[test]
fn a_line_that_is_no_call_is_counted_with_its_place_and_stops_nothing() {
    let line = lines::nginx_combined(&good()[0]).into_bytes();
    let torn: Vec<&[u8]> = vec![&line[..12], &line[..40], &line[20..], &line[..70]];
    let long =
        [b"203.0.113.9 - - [02/Mar/2026:00:00:01 +0000] \"GET /", vec![b'a'; 2 << 20].as_slice()].concat();
    let wrong_date = String::from_utf8(line.clone()).unwrap().replace("02/Mar/2026:00", "31/Feb/2026:25");
    let zeros = vec![0; 4_096];
    let folder = Folder::new();
    let clean = watched(&folder, "clean", &around(&[]), &[]);
    assert_eq!(number(&clean, "unreadable"), 0);
    for (name, bad, reason) in [
        ("torn", torn, ""),
        ("two megabytes", vec![long.as_slice()], "longer than 1 MiB"),
        ("zeros", vec![zeros.as_slice()], "no known form"),
        ("wrong date", vec![wrong_date.as_bytes()], "expected a date"),
        (
            "not a log",
            vec![b"Lorem ipsum dolor sit amet".as_slice(), b"{}", b"{\"a\":", b"\x1b[2J\xff\xfe"],
            "",
        ),
        ("empty lines", vec![b"".as_slice(), b"   "], "the line is empty"),
    ] {
        let report = watched(&folder, name, &around(&bad), &[]);
        assert_eq!(number(&report, "unreadable"), PUT_IN, "{name}: {}", report["sources"]);
        assert_eq!(number(&report, "calls"), 300, "{name}");
        assert_eq!(said(findings(&report)), said(findings(&clean)), "{name}");
        let first = &report["sources"][0]["reasons"][0];
        assert!(first["reason"].as_str().unwrap().contains(reason), "{name}: {first}");
        assert_eq!(
            report["sources"][0]["reasons"]
                .as_array()
                .unwrap()
                .iter()
                .map(|one| one["first_line"].as_u64().unwrap())
                .min(),
            Some(2)
        );
    }
}

#[test]
fn strange_bytes_in_a_call_leave_it_a_call() {
    let folder = Folder::new();
    let clean = watched(&folder, "clean", &around(&[]), &[]);
    let long = vec![b'x'; 1_000_000];
    for (name, inside) in [
        ("invalid UTF-8", b"/\xff\xfe\xc3".as_slice()),
        ("zeros", b"/a\0b"),
        ("a megabyte", &long),
        ("escapes", b"/\x1b[2J\x07"),
    ] {
        let call = [
            b"198.51.100.77 - - [02/Mar/2026:00:00:30 +0000] \"GET /".as_slice(),
            inside,
            b" HTTP/1.1\" 200 5 \"-\" \"curl/8\"",
        ]
        .concat();
        let report = watched(&folder, name, &around(&[&call]), &[]);
        assert_eq!((number(&report, "calls"), number(&report, "unreadable")), (300 + PUT_IN, 0), "{name}");
        assert_eq!(said(findings(&report)), said(findings(&clean)), "{name}");
        let pretty = run(&["watch", &folder.argument(name)]);
        assert!(!pretty.stdout.contains(['\u{1b}', '\u{7}', '\0']), "{name}");
    }
}

#[test]
fn a_leap_second_is_a_time() {
    let folder = Folder::new();
    let leap = b"198.51.100.77 - - [02/Mar/2026:00:00:60 +0000] \"GET / HTTP/1.1\" 200 5 \"-\" \"curl/8\"";
    let report = watched(&folder, "leap", &around(&[leap]), &[]);
    assert_eq!(number(&report, "unreadable"), 0, "{}", report["sources"]);
}

#[test]
fn dates_without_a_zone_are_of_the_zone_that_is_said() {
    let folder = Folder::new();
    let line = "Feb  6 12:14:14 host haproxy[14389]: 10.0.1.2:33317 [06/Feb/2026:12:14:14.655] http-in \
                static/srv1 10/0/30/69/109 200 2750 - - ---- 1/1/1/1/0 0/0 {1wt.eu} {} \"GET /index.html HTTP/1.1\"\n";
    let log = folder.write("haproxy.log", line);
    for (arguments, from) in [
        (&[][..], "2026-02-06T12:14:14Z"),
        (&["--utc-offset", "+02:00"], "2026-02-06T10:14:14Z"),
        (&["--utc-offset=-05:30"], "2026-02-06T17:44:14Z"),
    ] {
        let report = report(&[&[log.as_str()], arguments].concat());
        assert_eq!(report["from"], from, "{report}");
    }
}

#[test]
fn a_log_from_the_future_and_one_that_goes_back_change_nothing_of_what_others_did() {
    let folder = Folder::new();
    let clean = watched(&folder, "clean", &around(&[]), &[]);
    let at = |at_ms: i64| {
        let honest = OwnedCall { address: Some("192.0.2.1".parse().unwrap()), ..OwnedCall::at(at_ms) };
        lines::nginx_combined(&honest)
    };
    let mut log = around(&[]);
    let future = at(4_070_908_800_000) + "\n";
    let middle = log.iter().take(log.len() / 2).rposition(|&byte| byte == b'\n').unwrap() + 1;
    log.splice(middle..middle, future.bytes());
    let report = watched(&folder, "2099", &log, &[]);
    assert_eq!(said(findings(&report)), said(findings(&clean)));
    let notes = report["notes"].to_string();
    assert!(notes.contains("1 call had a time far ahead of all others and did not count."), "{notes}");

    let back: Vec<String> = (1..=3).map(|step| at(MONDAY_MS - step * 1_200_000)).collect();
    let back: Vec<&[u8]> = back.iter().map(String::as_bytes).collect();
    let report = watched(&folder, "back", &around(&back), &[]);
    assert_eq!(number(&report, "unreadable"), 0);
    assert_eq!(said(findings(&report)), said(findings(&clean)));
    assert!(report["notes"].to_string().contains("30 calls came later"), "{}", report["notes"]);
}

#[test]
fn a_log_may_mix_forms() {
    let folder = Folder::new();
    let clean = watched(&folder, "clean", &around(&[]), &[]);
    let mut log = String::new();
    for (number, call) in good().iter().enumerate() {
        log += &match number % 4 {
            0 => lines::json_caddy(call),
            1 => format!("Mar  2 00:00:00 web1 nginx: {}", lines::nginx_combined(call)),
            2 => lines::json_envoy(call),
            _ => lines::nginx_combined(call),
        };
        log.push('\n');
    }
    let report = watched(&folder, "mixed", log.as_bytes(), &[]);
    assert_eq!((number(&report, "calls"), number(&report, "unreadable")), (300, 0), "{}", report["sources"]);
    assert_eq!(said(findings(&report)), said(findings(&clean)));
}

#[test]
fn rubbish_is_counted_and_takes_no_time() {
    let folder = Folder::new();
    let mut state: u64 = 0x9e37_79b9_7f4a_7c15;
    let rubbish: Vec<u8> = std::iter::repeat_with(|| {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        (state >> 56) as u8
    })
    .take(256 << 10)
    .collect();
    let mut log = nginx(&good()).into_bytes();
    let half = log.len() / 2;
    let at = log.iter().take(half).rposition(|&byte| byte == b'\n').unwrap() + 1;
    log.splice(at..at, [rubbish.as_slice(), b"\n"].concat());
    let report = watched(&folder, "rubbish", &log, &[]);
    assert_eq!(number(&report, "calls"), 300);
    assert!(number(&report, "unreadable") > 500);
    let alone = folder.write("alone", &rubbish);
    let alone = crate::logs::report(&[&alone]);
    adds_up(&alone);
    assert_eq!((number(&alone, "calls"), alone["sources"][0]["form"].clone()), (0, Value::Null));
    let text = run(&["watch", &folder.argument("alone")]).stdout;
    assert!(text.contains("no line of it is a call: name its form with --log-format"), "{text}");
}

#[test]
fn a_line_whose_last_piece_is_missing_is_counted() {
    let folder = Folder::new();
    let good = r#"2026-11-28T01:02:03.000000000Z stdout F 192.0.2.1 - - [28/Nov/2026:01:02:03 +0000] "GET / HTTP/1.1" 200 5 "-" "curl/8""#;
    let torn = "2026-11-28T01:02:04.000000000Z stdout P 192.0.2.1 - - [28/Nov/2026:01:02:04";
    let report = report(&[&folder.write("pod.log", format!("{good}\n{torn}\n"))]);
    adds_up(&report);
    let source = &report["sources"][0];
    assert_eq!(
        (number(&report, "lines"), number(&report, "calls"), number(&report, "unreadable")),
        (2, 1, 1)
    );
    assert!(
        source["reasons"][0]["reason"].as_str().unwrap().contains("ends before the last one"),
        "{source}"
    );
}

#[test]
fn an_empty_log_is_no_error() {
    let folder = Folder::new();
    let empty = folder.write("empty.log", "");
    let report = report(&[&empty]);
    adds_up(&report);
    assert_eq!((number(&report, "lines"), report["from"].clone()), (0, Value::Null));
    let ran = Ran::of(&program(&["watch", "--format", "json"]).stdin(Stdio::null()).output().unwrap());
    assert!(ran.ends_with(0).stdout.contains("\"standard input\""));
}

/// The good log is read whatever stands beside it, what stands there is said, and the exit code is 3.
#[track_caller]
fn beside(folder: &Folder, bad: &str, error: &str, hint: &str) -> Value {
    let good = folder.write("good.log", nginx(&good()));
    let ran = run(&["watch", "--format", "json", bad, &good]);
    ran.ends_with(3);
    let report: Value = serde_json::from_str(&ran.stdout).unwrap();
    adds_up(&report);
    assert!(has(&report, "watch.login-brute-force", "203.0.113.5"), "{report}");
    let said: Vec<&str> = ran.stderr.lines().collect();
    assert!(
        said[0].starts_with("error: ") && said[0].contains(bad) && said[0].contains(error),
        "{}",
        ran.stderr
    );
    assert!(said.len() == 1 || (said[1].starts_with("hint: ") && said[1].contains(hint)), "{}", ran.stderr);
    let sources = report["sources"].as_array().unwrap();
    let told = sources.iter().find(|source| source["name"] == bad).unwrap();
    assert!(told["error"].as_str().unwrap().contains(error), "{told}");
    told.clone()
}

#[test]
fn a_log_that_cannot_be_read_is_said_and_the_others_are_read() {
    let folder = Folder::new();
    beside(&folder, &folder.argument("gone.log"), "could not be opened", "whether the name is right");
    fs::create_dir(folder.path("folder")).unwrap();
    beside(&folder, &folder.argument("folder"), "is a folder", "/*.log*");
    // Not a question of who asks: no one can follow a link that leads to itself.
    std::os::unix::fs::symlink(folder.path("loop"), folder.path("loop")).unwrap();
    beside(&folder, &folder.argument("loop"), "could not be opened", "");
    let packed = folder.write("old.log.bz2", b"BZh91AY&SY\x12\x34\x56\x78");
    beside(&folder, &packed, "compressed with bzip2", "bzip2 -dc");
}

#[test]
fn a_log_that_is_cut_off_gives_what_stands_before_the_cut() {
    let folder = Folder::new();
    let text = nginx(&as_logged(scenario::crawl(7, MONDAY_MS).calls));
    let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::none());
    gzip.write_all(text.as_bytes()).unwrap();
    let gzip = gzip.finish().unwrap();
    let cut = folder.write("cut.gz", &gzip[..gzip.len() * 9 / 10]);
    let told = beside(&folder, &cut, "could not be read beyond byte", "cut off");
    let lines = text.lines().count() as u64;
    let read = told["calls"].as_u64().unwrap();
    assert!(read >= lines * 8 / 10 && read < lines, "{read} of {lines}");
    let report: Value =
        serde_json::from_str(&run(&["watch", "--format", "json", &cut]).ends_with(3).stdout).unwrap();
    assert!(findings(&report).iter().any(|finding| finding["rule"] == "watch.crawl"), "{report}");
}
