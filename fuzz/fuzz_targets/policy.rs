//! Policy files: read or refused with mistakes that point into them, and never anything else.

#![no_main]

use std::path::Path;

use libfuzzer_sys::fuzz_target;
use ratewarden_policy::{Gateway, MAX_LIMITS, MAX_REMARKS, Remark, read};

fuzz_target!(|text: &str| {
    match read(text, Path::new("/etc/ratewarden.toml")) {
        Ok(read) => {
            let policy = &read.policy;
            assert!(policy.limits.len() <= MAX_LIMITS && !policy.callers.is_empty());
            if let Some(Gateway { listen, upstream }) = &policy.gateway {
                assert!(!listen.http.is_empty() || !listen.https.is_empty());
                assert!(!upstream.servers.is_empty());
            }
            for detector in &policy.detectors {
                assert!(!detector.per.is_empty() && (1..=604_800).contains(&detector.seconds));
            }
            assert!(policy.bans.iter().all(|ban| ban.ban <= ban.up_to));
            for limit in &policy.limits {
                assert!(limit.algorithm.capacity() > 0);
                if let Some(path) = &limit.matches.path {
                    assert!(path.as_str().starts_with('/'));
                }
            }
            read.warnings.iter().for_each(|remark| points_into(remark, text));
        }
        Err(mistakes) => {
            assert!((1..=MAX_REMARKS).contains(&mistakes.remarks().len()));
            mistakes.remarks().iter().for_each(|remark| points_into(remark, text));
            let shown = mistakes.to_string();
            assert!(!shown.contains('\u{1b}') && shown.len() < 1 << 20);
        }
    }
});

fn points_into(remark: &Remark, text: &str) {
    let line = text.split('\n').nth(remark.line - 1).expect("a line of the text");
    assert!((1..=line.chars().count() + 1).contains(&remark.column), "{remark:?}");
    assert!(!remark.message.is_empty());
}
