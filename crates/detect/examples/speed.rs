//! Lines a second on one core, with all default detectors: `cargo run --release -p ratewarden-detect --example speed --
//! FILE [RULE…]`, or with the detectors of these rules only (`none` for no detector). Reading lines alone is shown beside
//! it. Time is the processor's, so that other programs hardly matter.

#![expect(clippy::unwrap_used, reason = "an example that cannot go on stops")]

use ratewarden_detect::{Engine, Settings};
use ratewarden_logs::{Options, Reader};

fn main() {
    let mut arguments = std::env::args().skip(1);
    let file = arguments.next().unwrap();
    let rules: Vec<String> = arguments.collect();
    let mut detectors = ratewarden_detect::detectors();
    detectors.retain(|detector| {
        rules.is_empty() || rules.iter().any(|rule| detector.rule.ends_with(rule.as_str()))
    });
    println!("{} detectors", detectors.len());
    let text = std::fs::read(file).unwrap();
    let lines = || Lines { rest: &text };
    let count = lines().count();
    for _ in 0..3 {
        let (mut reader, mut calls) = (Reader::new(&Options::default()), 0_u64);
        let begun = cpu_nanos();
        for line in lines() {
            let _ = reader.read(line, |_| calls += 1);
        }
        shown("read", count, begun);
        let (mut reader, mut engine) = (
            Reader::new(&Options::default()),
            Engine::new(Settings { detectors: detectors.clone(), ..Settings::default() }),
        );
        let begun = cpu_nanos();
        for line in lines() {
            let _ = reader.read(line, |call| engine.see(call));
        }
        engine.finish();
        shown("watched", count, begun);
        println!(
            "{calls} calls, {} findings, {} MiB of groups",
            engine.findings().len(),
            engine.bytes() >> 20
        );
    }
}

/// The lines of a text, found as the program finds them: `split` asks each byte by itself, which takes as long as a good part
/// of what is measured.
struct Lines<'a> {
    rest: &'a [u8],
}

impl<'a> Iterator for Lines<'a> {
    type Item = &'a [u8];

    fn next(&mut self) -> Option<&'a [u8]> {
        if self.rest.is_empty() {
            return None;
        }
        let end = memchr::memchr(b'\n', self.rest).unwrap_or(self.rest.len());
        let (line, rest) = self.rest.split_at(end);
        self.rest = rest.strip_prefix(b"\n").unwrap_or_default();
        Some(line)
    }
}

fn shown(what: &str, lines: usize, begun: u64) {
    let nanos = cpu_nanos() - begun;
    #[expect(clippy::cast_precision_loss, reason = "a figure to look at")]
    let (nanos, lines) = (nanos as f64, lines as f64);
    println!("{what}: {:.0} ns a line, {:.2} M lines/s", nanos / lines, lines / nanos * 1e3);
}

/// Nanoseconds that this process was on a processor.
fn cpu_nanos() -> u64 {
    let told = std::fs::read_to_string("/proc/self/schedstat").unwrap();
    told.split(' ').next().unwrap().parse().unwrap()
}
