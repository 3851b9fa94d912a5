//! Sigma rules, and calls asked by what they become.

#![no_main]

use std::sync::LazyLock;

use libfuzzer_sys::fuzz_target;
use ratewarden_detect::{Engine, Settings};
use ratewarden_model::Call;
use ratewarden_sigma::{MAX_COMPILED, compile};

static CALLS: LazyLock<Vec<Call<'static>>> = LazyLock::new(|| {
    let call = |at_ms: i64, target, status| Call {
        address: "203.0.113.7".parse().ok(),
        method: b"GET",
        target,
        status,
        bytes: 1500,
        micros: Some(250_000),
        agent: b"sqlmap/1.7 (https://sqlmap.org)",
        user: b"anna",
        ..Call::at(1_772_409_600_000 + at_ms)
    };
    vec![
        call(0, b"/admin/../etc/passwd?q=union%20select", 404),
        call(1, "/ü/\u{fffd}?".as_bytes(), 200),
        call(2000, b"/shell.php", 500),
        Call { method: b"PUT", ..call(3000, b"", 0) },
        Call::at(1_772_409_600_000 + 4000),
    ]
});

fuzz_target!(|input: &[u8]| {
    let half = input.len() / 2;
    let (first, second) = input.split_at(half);
    for compiled in [compile([("a", input)]), compile([("a", first), ("b", second)])] {
        assert!(compiled.detectors.len() <= MAX_COMPILED);
        assert!(compiled.detectors.len() <= compiled.rules);
        assert!(!compiled.detectors.is_empty() || !compiled.refused.is_empty());
        for refusal in &compiled.refused {
            let text = refusal.to_string();
            assert!(!refusal.what.is_empty() && !refusal.why.is_empty());
            assert!(!text.chars().any(|character| character.is_control() && character != '\n'), "{text:?}");
        }
        for detector in &compiled.detectors {
            assert!(!detector.threshold().is_empty() && detector.rule.starts_with("sigma."));
        }
        let settings = Settings { detectors: compiled.detectors, ..Settings::default() };
        let mut engine = Engine::new(settings);
        for call in CALLS.iter() {
            engine.see(call);
        }
        engine.finish();
        let _ = engine.findings();
    }
});
