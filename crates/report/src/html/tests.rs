//! What the page says, that it asks nobody for anything, and that no text of the target becomes markup.

use base64::Engine as _;
use sha2::Digest as _;

use super::*;
use crate::{sample, text};

#[test]
fn the_page_tells_the_whole_story() {
    let page = render(&sample::token_bucket()).unwrap();
    for part in [
        "<title>52/100 E · https://api.example.com/v1/items · Ratewarden</title>",
        "token bucket: 10 calls/s, burst 20, counted per address; rejects with 429; firm",
        "62 of 178 requests rejected over 9.7 s",
        "limit_req zone=api burst=20 nodelay;",
        "A header that anybody can send gets round the limit",
        "calls left (model)",
        "left out: 6.2 MB",
        "100 − 48 = 52 (E)",
        "Writes were not tried",
        "<b>nginx 1.26.3</b>",
    ] {
        assert!(page.contains(part), "{part}");
    }
    assert_eq!(page.matches("<article").count(), 3);
}

#[test]
fn the_page_asks_nobody_for_anything() {
    for (name, report) in sample::all() {
        let page = render(&text::without_controls(&report)).unwrap();
        for loading in ["src=", "<link", "@import", "url(", "<img", "<iframe", "fetch(", "xlink:href"] {
            assert!(!page.contains(loading) || name == "hostile", "{name} has {loading}");
        }
        assert!(page.contains("default-src 'none'"));
    }
}

#[test]
fn the_policy_names_the_script_that_is_there() {
    let hash = base64::engine::general_purpose::STANDARD.encode(sha2::Sha256::digest(SCRIPT));
    assert_eq!(hash, SCRIPT_HASH, "templates/report.js has changed: put this hash into SCRIPT_HASH");
    let page = render(&sample::clean()).unwrap();
    assert!(page.contains(&format!("<script>{SCRIPT}</script>")));
    assert!(page.contains(&format!("script-src 'sha256-{SCRIPT_HASH}';")));
}

#[test]
fn hostile_text_stays_text() {
    let page = render(&text::without_controls(&sample::hostile())).unwrap();
    assert_eq!(page.matches("<script").count(), 1, "only our own script");
    assert!(!page.contains("</details>\n#"));
    assert!(page.contains("&#60;script&#62;alert(1)") || page.contains("&lt;script&gt;alert(1)"));
    assert_eq!(page.matches("<details").count(), page.matches("</details>").count());
}

#[test]
fn an_aborted_scan_says_so_at_the_top() {
    let page = render(&sample::aborted()).unwrap();
    assert!(page.find("The scan stopped before its end:").unwrap() < page.find("<h2>").unwrap());
    assert!(!page.contains("Nothing to mend"));
    assert!(
        page.contains("A so far") && page.contains("<header class=\"unfinished\">"),
        "no praise for half a scan"
    );
}
