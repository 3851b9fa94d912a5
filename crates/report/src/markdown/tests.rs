//! What a pull request shows, and what a hostile target cannot make it show.

use super::*;
use crate::sample;

#[test]
fn the_comment_begins_with_the_score() {
    let text = render(&sample::token_bucket());
    assert!(text.starts_with("## 🔴 Ratewarden: 52/100 (E)\n\n`https://api.example.com/v1/items`"), "{text}");
    assert!(
        text.contains(
            "| **high** | A header that anybody can send gets round the limit (`scan.bypass.address-header`) \
                           | `GET /v1/items` | −25 |"
        ),
        "{text}"
    );
    assert!(text.contains("| | | **100 − 48 = 52 (E)** | **−48** |"), "{text}");
    assert!(text.contains("token bucket: 10 calls/s, burst 20, counted per address; rejects with 429; firm"));
    assert_eq!(text.matches("<details>").count(), text.matches("\n</details>").count());
}

#[test]
fn a_comment_always_fits_and_says_what_it_leaves_out() {
    let mut report = sample::everything_wrong();
    for number in 0..400 {
        let mut finding = report.findings[number % 10].clone();
        finding.description = "word ".repeat(300);
        report.findings.push(finding);
    }
    report.notes = vec!["note ".repeat(200); 100];
    report.limiters = vec![report.limiters[0].clone(); 300];
    let text = render(&report);
    assert!(text.len() < MOST_BYTES, "{}", text.len());
    for part in ["findings are left out here for length", "more limiters", "more findings", "more notes"] {
        assert!(text.contains(part), "{part}");
    }
}

#[test]
fn a_huge_text_of_the_target_does_not_break_the_bound() {
    let mut report = sample::hostile();
    let huge = "|`<@".repeat(100_000);
    report.target.clone_from(&huge);
    report.aborted = Some(huge.clone());
    report.notes.push(huge.clone());
    for limiter in &mut report.limiters {
        limiter.endpoints = vec![huge.clone(); 9];
    }
    for finding in &mut report.findings {
        finding.title.clone_from(&huge);
        finding.reproduce = Some(huge.clone());
    }
    let text = render(&report);
    assert!(text.len() < MOST_BYTES, "{}", text.len());
}

#[test]
fn what_the_target_says_is_text_and_nothing_else() {
    assert_eq!(
        inline("<b>*x*</b> @all #1 a|b `c`"),
        "&lt;b&gt;\\*x\\*&lt;/b&gt; @&#8203;all #&#8203;1 a&#124;b &#96;c&#96;"
    );
    assert_eq!(inline("see http://evil.test www.evil.test"), "see http&#58;//evil.test www&#46;evil.test");
    assert_eq!(inline("token bucket: 10 calls/s"), "token bucket: 10 calls/s");
    assert_eq!(escape::html("[a] </summary> &"), "[a] &lt;/summary&gt; &amp;");
    assert_eq!(escape::prose("with `a_b` it *fails*"), "with `a_b` it \\*fails\\*");
    assert_eq!(code("a`b``c"), "```a`b``c```");
    assert_eq!(code("`a"), "`` `a ``");
    assert_eq!(cell_code("a\\|b"), "<code>a\\\\&#124;b</code>");
    assert_eq!(cell_code("a"), "`a`");
    assert_eq!(block("sh", "```\nx"), "````sh\n```\nx\n````\n");
    let text = render(&crate::text::without_controls(&sample::hostile()));
    let prose: String = text.lines().filter(|line| !line.contains('`')).collect::<Vec<_>>().join("\n");
    for part in ["<script", "@everyone", "![i]", "http://evil"] {
        assert!(!prose.contains(part), "{part} in\n{prose}");
    }
}

#[test]
fn an_aborted_scan_is_a_caution_and_no_clean_bill() {
    let text = render(&sample::aborted());
    assert!(text.starts_with("## ⚪ Ratewarden: 100/100 (A so far)"), "{text}");
    assert!(
        text.contains("> [!CAUTION]\n> **The scan stopped before its end:** the median latency"),
        "{text}"
    );
    assert!(!text.contains("Nothing to mend"), "{text}");
}
