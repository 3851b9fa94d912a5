//! What a call costs in the engine with the detectors that are there by default: the best of several rounds over an hour of
//! honest traffic of all kinds.
//!
//! `cargo run --release -p ratewarden-detect --example speed`

use std::time::{Duration, Instant};

use ratewarden_detect::{Engine, Settings};
use ratewarden_model::CallCaller;
use ratewarden_traffic::{MONDAY_MS, background};

const ROUNDS: u32 = 9;

fn main() {
    let traffic = background::everything(7, MONDAY_MS, Duration::from_secs(3600));
    let mut times = Vec::new();
    for _ in 0..ROUNDS {
        let mut engine = Engine::new(Settings::default());
        let start = Instant::now();
        for call in traffic.iter() {
            let mut call = call.as_call();
            if let CallCaller::Credential(text) = call.caller {
                let id =
                    text.iter().fold(7_u128, |id, &byte| id.wrapping_mul(0x1_0000_01b3) ^ u128::from(byte));
                call.caller = CallCaller::Hashed { id, name: b"" };
            }
            engine.see(&call);
        }
        engine.finish();
        times.push(start.elapsed());
    }
    let best = times.iter().min().copied().unwrap_or_default();
    times.sort();
    let of = |time: Duration| time.as_secs_f64() * 1e9 / traffic.len() as f64;
    let median = times.get(times.len() / 2).copied().unwrap_or_default();
    println!("{} calls, best {:.1} ns a call, median {:.1} ns", traffic.len(), of(best), of(median));
}
