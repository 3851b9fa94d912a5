//! What a reader sees.

use textwrap::core::display_width;

use super::*;
use crate::sample;

fn plain(report: &ScanReport, width: usize) -> String {
    render(report, &Options { width, ..Options::default() })
}

#[test]
fn the_report_leads_with_target_score_and_limiter() {
    let text = plain(&sample::token_bucket(), 100);
    let lines: Vec<_> = text.lines().collect();
    assert_eq!(lines[0], "https://api.example.com/v1/items");
    assert!(lines[1].starts_with("312 requests in 9.8 s, begun 2026-11-25"), "{}", lines[1]);
    assert!(lines[3].trim_start().starts_with("52/100  E  ████"), "{}", lines[3]);
    for part in [
        "token bucket: 10 calls/s, burst 20, counted per address; rejects with 429; firm",
        "the answers publish no limit",
        "behaves like nginx limit_req (tentative), as configured by",
        "limit_req zone=api burst=20 nodelay;",
    ] {
        assert!(text.contains(part), "{part} is not in\n{text}");
    }
}

#[test]
fn a_finding_shows_its_points_its_curl_line_and_its_remedy() {
    let text = plain(&sample::token_bucket(), 80);
    let start = text.find("HIGH  A header").unwrap();
    let block = &text[start..text.find("LOW").unwrap()];
    assert!(block.lines().next().unwrap().ends_with("−25"), "{block}");
    for part in [
        "scan.bypass.address-header · certain · GET https://api.example.com/v1/items",
        "controls rejected: 12",
        "$ for i in $(seq 60); do curl",
        "→ Take the client's address from the connection",
        "limit_req_zone $binary_remote_addr",
        "also for HAProxy, Envoy",
        "    10000     3.1 MB     871 ms",
    ] {
        assert!(block.contains(part), "{part} is not in\n{block}");
    }
}

#[test]
fn only_what_must_be_copied_whole_is_wider_than_the_terminal() {
    for (name, mut report) in sample::all() {
        for finding in &mut report.findings {
            finding.reproduce = None;
            finding.remediation.snippets.clear();
        }
        report.limiters.iter_mut().for_each(|limiter| limiter.implementation = None);
        let report = crate::text::without_controls(&report);
        for width in [0, 40, 61, 80, 120] {
            for line in plain(&report, width).lines() {
                assert!(display_width(line) <= width.max(40), "{name} at {width}: {line}");
            }
        }
    }
}

#[test]
fn the_table_of_deductions_sums_to_the_score() {
    for (name, report) in sample::all() {
        let text = plain(&report, 100);
        let table = &text[text.find("\nScore\n").unwrap()..];
        let taken: u32 = table
            .lines()
            .filter_map(|line| {
                line.trim_start().strip_prefix('−')?.split_whitespace().next()?.parse::<u32>().ok()
            })
            .sum();
        assert_eq!(100_u32.saturating_sub(taken), report.score, "{name}");
        assert!(table.contains(&format!("= {} ({})", report.score, report.grade)), "{name}");
    }
}

#[test]
fn an_aborted_scan_says_so_before_anything_else() {
    let text = plain(&sample::aborted(), 80);
    assert!(!text.contains("Nothing to mend"), "{text}");
    assert!(text.find("STOPPED BEFORE ITS END: the median latency").unwrap() < text.find("Limiter").unwrap());
}

#[test]
fn where_nothing_was_rejected_only_what_was_sent_is_said() {
    let text = plain(&sample::unlimited(), 80);
    assert!(text.contains("no rejection in 300 requests over 9.8 s"), "{text}");
    assert!(!text.to_lowercase().contains("no limit was found"), "{text}");
}

#[test]
fn colour_changes_nothing_but_colour() {
    let report = sample::token_bucket();
    let coloured = render(&report, &Options { colour: true, width: 80, anchor: None });
    assert!(coloured.contains("\u{1b}["));
    let stripped = anstream::adapter::strip_str(&coloured).to_string();
    assert_eq!(stripped, plain(&report, 80));
    assert!(!plain(&report, 80).contains('\u{1b}'));
}

#[test]
fn the_bar_is_full_only_at_a_hundred() {
    assert_eq!(bar(100, 4), "████");
    assert_eq!(bar(99, 4), "███░");
    assert_eq!(bar(1, 4), "█░░░");
    assert_eq!(bar(0, 4), "░░░░");
}
