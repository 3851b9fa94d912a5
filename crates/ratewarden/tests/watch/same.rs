//! The same calls give the same findings, whichever way they come in.

use std::fs::File;
use std::io::Write as _;
use std::process::Stdio;

use ratewarden_traffic::lines;
use serde_json::Value;

use crate::cli::{Ran, program};
use crate::logs::{Folder, findings, morning, nginx, report, said};

fn gzip(text: &[u8]) -> Vec<u8> {
    let mut packed = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    packed.write_all(text).unwrap();
    packed.finish().unwrap()
}

fn whole(folder: &Folder) -> (String, Value) {
    let log = folder.write("access.log", nginx(morning()));
    let report = report(&[&log]);
    assert!(findings(&report).len() >= 7, "{report}");
    (log, report)
}

/// What is read from the standard input.
fn of_stdin(path: &str, arguments: &[&str]) -> Value {
    let mut all = vec!["watch", "--format", "json"];
    all.extend(arguments);
    let ran = program(&all).stdin(Stdio::from(File::open(path).unwrap())).output().unwrap();
    serde_json::from_str(&Ran::of(&ran).ends_with(0).stdout).unwrap()
}

#[test]
fn plain_compressed_and_piped_logs_are_one() {
    let folder = Folder::new();
    let (log, expected) = whole(&folder);
    let text = nginx(morning());
    let gzip_name = folder.write("packed.gz", gzip(text.as_bytes()));
    let zstd_name = folder.write("packed.without-ending", zstd::encode_all(text.as_bytes(), 1).unwrap());
    let without_end = folder.write("cut.log", text.trim_end());
    for (what, report) in [
        ("gzip", report(&[&gzip_name])),
        ("zstd", report(&[&zstd_name])),
        ("without the last line's end", report(&[&without_end])),
        ("standard input", of_stdin(&log, &["-"])),
        ("standard input that nobody named", of_stdin(&log, &[])),
        ("gzip by the standard input", of_stdin(&gzip_name, &[])),
    ] {
        assert_eq!(report["findings"], expected["findings"], "{what}");
        for field in ["form", "lines", "calls", "unreadable"] {
            assert_eq!(report["sources"][0][field], expected["sources"][0][field], "{what}");
        }
    }
}

#[test]
fn a_rotated_set_is_one_log_in_whatever_order_it_is_named() {
    let folder = Folder::new();
    let (_, expected) = whole(&folder);
    let calls = morning();
    let (first, rest) = calls.split_at(calls.len() / 3);
    let (second, third) = rest.split_at(rest.len() / 2);
    let names = [
        folder.write("set.log.2.gz", gzip(nginx(first).as_bytes())),
        folder.write("set.log.1", nginx(second)),
        folder.write("set.log", nginx(third)),
    ];
    for order in [[0, 1, 2], [2, 1, 0], [1, 2, 0]] {
        let named = order.map(|place: usize| names[place].as_str());
        let report = report(&named);
        assert_eq!(report["findings"], expected["findings"], "{order:?}");
        let read: Vec<&str> =
            report["sources"].as_array().unwrap().iter().map(|one| one["name"].as_str().unwrap()).collect();
        assert_eq!(read, names, "oldest first");
    }
}

#[test]
fn a_log_with_long_silences_makes_no_call_of_another_late() {
    let folder = Folder::new();
    let (_, expected) = whole(&folder);
    let text = nginx(morning());
    let (mut dense, mut sparse, mut quarter) = (String::new(), String::new(), 0);
    for (call, line) in morning().iter().zip(text.lines()) {
        let is_first = call.at_ms / 900_000 != quarter;
        quarter = call.at_ms / 900_000;
        let log = if is_first { &mut sparse } else { &mut dense };
        log.push_str(line);
        log.push('\n');
    }
    assert!(sparse.lines().count() >= 3, "{sparse}");
    let sparse = folder.write("sparse.log", sparse);
    // A single line of another time is not waited for.
    let (first, rest) = dense.split_at(dense.match_indices('\n').nth(50).unwrap().0 + 1);
    let odd = dense.lines().nth(50).unwrap().replacen("/2026:", "/2027:", 1);
    let odd = folder.write("odd.log", [first, &odd, "\n", rest].concat());
    let dense = folder.write("dense.log", &dense);
    for logs in [[&dense, &sparse], [&sparse, &dense]] {
        let report = report(&[logs[0], logs[1]]);
        assert_eq!(report["findings"], expected["findings"]);
        assert_eq!(report["notes"], expected["notes"]);
    }
    let report = report(&[&odd, &sparse]);
    assert_eq!(said(findings(&report)), said(findings(&expected)));
    let notes = report["notes"].as_array().unwrap();
    assert!(notes.iter().all(|note| !note.as_str().unwrap().contains("later than")), "{notes:?}");
}

#[test]
fn a_line_that_waits_is_not_lost_where_its_log_is_torn_behind_it() {
    let folder = Folder::new();
    let text = nginx(morning());
    let dense = folder.write("dense.log", &text);
    let (first, last) = (text.lines().next().unwrap(), text.lines().last().unwrap());
    let packed = gzip(format!("{first}\n{last}\n").as_bytes());
    let torn = folder.write("sparse.log.gz", &packed[..packed.len() - 4]);
    let ran = program(&["watch", "--format", "json", &dense, &torn]).output().unwrap();
    let report: Value = serde_json::from_slice(&ran.stdout).unwrap();
    assert_eq!(report["sources"][1]["calls"], 2, "{}", report["sources"]);
}

#[test]
fn lines_out_of_order_within_the_lateness_change_nothing() {
    let folder = Folder::new();
    let (_, expected) = whole(&folder);
    for (secs, lateness) in [(10, "10s"), (60, "1m")] {
        let shuffled = morning().clone().shuffled_within(11, secs);
        let log = folder.write("shuffled.log", nginx(&shuffled));
        let report = report(&[&log, "--lateness", lateness]);
        assert_eq!(said(findings(&report)), said(findings(&expected)), "{secs} s");
        assert_eq!(report["notes"], expected["notes"]);
    }
}

#[test]
fn json_lines_and_nginx_lines_of_the_same_calls_give_the_same() {
    let folder = Folder::new();
    let (_, expected) = whole(&folder);
    let fields: String = morning().iter().map(|call| lines::json_fields(call) + "\n").collect();
    let log = folder.write("calls.json", fields);
    let map = "time=time,address=address,user=user,method=method,path=target,status=status,bytes=bytes,\
               agent=agent,referer=referer";
    assert_eq!(said(findings(&report(&[&log, "--json-fields", map]))), said(findings(&expected)));
    let caddy: String = morning().iter().map(|call| lines::json_caddy(call) + "\n").collect();
    let log = folder.write("caddy.log", caddy);
    let report = report(&[&log]);
    assert_eq!(report["sources"][0]["form"], "json-caddy");
    assert_eq!(said(findings(&report)), said(findings(&expected)));
}
