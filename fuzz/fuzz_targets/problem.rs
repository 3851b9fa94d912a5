//! Bodies of rejections: problem details and rules in words. The first line of the input is the media type.

#![no_main]

use libfuzzer_sys::fuzz_target;
use ratewarden_scan::problem;
use ratewarden_scan::published::{self, MAX_WAIT};

fuzz_target!(|input: &str| {
    let (media_type, body) = input.split_once('\n').unwrap_or(("application/problem+json", input));
    if let Some(problem) = problem::parse(media_type, body) {
        let _ = problem.is_rate_problem();
        assert!(problem.violated_policies.len() <= 16);
        assert!(problem.status.is_none_or(|status| (100..600).contains(&status)));
    }
    if let Some(limit) = published::read_body(body) {
        assert!(limit.reset.is_none_or(|reset| reset <= MAX_WAIT));
        assert!(limit.window.is_none_or(|window| !window.is_zero() && window <= MAX_WAIT));
    }
});
