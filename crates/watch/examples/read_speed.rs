//! How fast lines are read: `cargo run --release -p ratewarden-watch --example read_speed -- FILE…`
//!
//! With `--ahead` before the files, compressed ones are unpacked on a thread of their own.
//! Prints lines, bytes after decompression and gigabytes (10^9) a second for each file, the best of three runs.

use std::path::Path;
use std::time::Instant;

use ratewarden_watch::source::{Line, open};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut ahead = false;
    for name in std::env::args().skip(1) {
        if name == "--ahead" {
            ahead = true;
            continue;
        }
        let mut best = f64::MAX;
        let (mut lines, mut bytes, mut encoding) = (0_u64, 0, "");
        for _ in 0..3 {
            let began = Instant::now();
            let opened = open(Path::new(&name))?;
            let mut opened = if ahead { opened.read_ahead()? } else { opened };
            (lines, encoding) = (0, opened.encoding().as_str());
            let mut longest = 0;
            while let Some(line) = opened.next_line()? {
                lines += 1;
                if let Line::Whole(line) = line {
                    longest = longest.max(line.len());
                }
            }
            std::hint::black_box(longest);
            bytes = opened.consumed();
            best = best.min(began.elapsed().as_secs_f64());
        }
        let (gigabytes, millions) = (bytes as f64 / 1e9 / best, lines as f64 / 1e6 / best);
        println!(
            "{encoding}: {lines} lines, {bytes} bytes, {gigabytes:.2} GB/s, {millions:.1} M lines/s ({name})"
        );
    }
    Ok(())
}
