//! Lines a second on one core, with all default detectors: `cargo run --release -p ratewarden-detect --example speed --
//! FILE`. Reading lines alone is shown beside it.

#![expect(clippy::unwrap_used, reason = "an example that cannot go on stops")]

use std::time::Instant;

use ratewarden_detect::{Engine, Settings};
use ratewarden_logs::{Options, Reader};

fn main() {
    let file = std::env::args().nth(1).unwrap();
    let text = std::fs::read(file).unwrap();
    let lines = || text.split(|&byte| byte == b'\n').filter(|line| !line.is_empty());
    let count = lines().count();
    for _ in 0..3 {
        let (mut reader, mut calls) = (Reader::new(&Options::default()), 0_u64);
        let begun = Instant::now();
        for line in lines() {
            let _ = reader.read(line, |_| calls += 1);
        }
        shown("read", count, begun);
        let (mut reader, mut engine) = (Reader::new(&Options::default()), Engine::new(Settings::default()));
        let begun = Instant::now();
        for line in lines() {
            let _ = reader.read(line, |call| engine.see(call));
        }
        engine.finish();
        shown("watched", count, begun);
        println!("{calls} calls, {} findings, {} MiB of groups", engine.findings().len(), engine.bytes() >> 20);
    }
}

fn shown(what: &str, lines: usize, begun: Instant) {
    let seconds = begun.elapsed().as_secs_f64();
    #[expect(clippy::cast_precision_loss, reason = "a figure to look at")]
    let lines = lines as f64;
    println!("{what}: {:.0} ns a line, {:.2} M lines/s", seconds * 1e9 / lines, lines / seconds / 1e6);
}
