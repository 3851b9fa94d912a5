//! Rules in the shapes that people write, from their text to findings.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a test that cannot go on fails by panicking")]

mod correlations;
mod refusals;
mod shapes;

use ratewarden_detect::{Engine, Settings};
use ratewarden_model::{Call, Finding};
use ratewarden_sigma::{Compiled, compile};

/// A Monday, in milliseconds.
const START: i64 = 1_772_409_600_000;

/// Rules of one file.
fn rules(text: &str) -> Compiled {
    compile([("rules.yml", text)])
}

/// Rules that can all be carried.
fn carried(text: &str) -> Compiled {
    let compiled = rules(text);
    assert_eq!(compiled.refused, [], "{text}");
    compiled
}

/// A rule of a title, and what is looked for.
fn rule(detection: &str) -> String {
    format!("title: A rule\nlogsource:\n  category: webserver\nlevel: high\ndetection:\n{detection}\n")
}

/// What an engine without any other detector finds.
fn findings(compiled: &Compiled, calls: &[Call<'_>]) -> Vec<Finding> {
    let mut engine = Engine::new(Settings { detectors: compiled.detectors.clone(), ..Settings::default() });
    calls.iter().for_each(|call| engine.see(call));
    engine.finish();
    engine.findings()
}

/// A call that says everything.
fn call(at_ms: i64) -> Call<'static> {
    Call {
        address: "203.0.113.7".parse().ok(),
        method: b"GET",
        target: b"/Shop/items?id=7&sort=Price",
        status: 200,
        bytes: 1500,
        micros: Some(250_000),
        agent: b"Mozilla/5.0 (X11; Linux x86_64)",
        referer: b"https://shop.example/start",
        user: b"anna",
        ..Call::at(START + at_ms)
    }
}

/// Whether a single rule finds a call.
fn finds(detection: &str, call: Call<'_>) -> bool {
    !findings(&carried(&rule(detection)), &[call]).is_empty()
}
