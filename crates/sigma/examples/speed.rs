//! What a call costs with rules beside the defaults: the best of several rounds over an hour of honest traffic of all kinds.
//!
//! `cargo run --release -p ratewarden-sigma --example speed -- 100`

use std::fmt::Write as _;
use std::time::{Duration, Instant};

use ratewarden_detect::{Engine, Settings};
use ratewarden_sigma::compile;
use ratewarden_traffic::{MONDAY_MS, background};

const ROUNDS: u32 = 5;

/// Rules as most public ones are: a few words in the target and a few in the agent, and a method.
fn rules(count: usize) -> String {
    (0..count).fold(String::new(), |mut text, number| {
        let _ = write!(
            text,
            "---\ntitle: Rule {number}\nlogsource: {{category: webserver}}\ndetection:\n  path:\n    cs-uri|contains:\n      \
             - '/cgi-bin/x{number}'\n      - '../../etc{number}'\n      - 'cmd{number}='\n      - '${{jndi{number}:'\n  \
             agent:\n    cs-user-agent|contains: ['tool{number}', 'scan{number}/']\n  post:\n    cs-method: POST\n  \
             condition: path or agent and post\n"
        );
        text
    })
}

fn main() {
    let count = std::env::args().nth(1).and_then(|count| count.parse().ok()).unwrap_or(100);
    let compiled = compile([("rules", rules(count))]);
    let traffic = background::everything(7, MONDAY_MS, Duration::from_secs(3600));
    let rounds = (0..ROUNDS).map(|_| {
        let mut detectors = ratewarden_detect::detectors();
        detectors.extend(compiled.detectors.iter().cloned());
        let mut engine = Engine::new(Settings { detectors, ..Settings::default() });
        let start = Instant::now();
        traffic.iter().for_each(|call| engine.see(&call.as_call()));
        engine.finish();
        start.elapsed()
    });
    let best = rounds.min().unwrap_or_default().as_secs_f64() * 1e9 / traffic.len() as f64;
    println!(
        "{} rules, {} refused: best {best:.0} ns a call",
        compiled.detectors.len(),
        compiled.refused.len()
    );
}
