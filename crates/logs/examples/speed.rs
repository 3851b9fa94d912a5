//! How fast lines are read on this machine: nanoseconds a line, for each form, one core.
//!
//! `cargo run --release -p ratewarden-logs --example speed`

use std::hint::black_box;
use std::time::Instant;

use ratewarden_logs::{Options, Reader};

fn main() {
    let mut combined = Options::default();
    let read = combined.parse_log_format(
        r#"$remote_addr - $remote_user [$time_local] "$request" $status $body_bytes_sent "$http_referer" "$http_user_agent""#,
    );
    assert!(read.is_ok(), "{read:?}");
    let detect = Options::default();
    measure("nginx", &detect, &nginx());
    measure("nginx, custom", &combined, &nginx());
    measure(
        "nginx in syslog",
        &detect,
        &wrapped(&nginx(), |line| format!("Nov 28 01:02:03 web-1 nginx: {line}")),
    );
    measure(
        "nginx in CRI",
        &detect,
        &wrapped(&nginx(), |line| format!("2026-11-28T01:02:03.123456789Z stdout F {line}")),
    );
    measure("nginx in docker", &detect, &wrapped(&nginx(), docker));
    measure("flat JSON", &detect, &flat());
    measure("Envoy", &detect, &envoy());
    measure("Caddy", &detect, &caddy());
    let mixed: Vec<String> = nginx().into_iter().zip(envoy()).flat_map(|(one, other)| [one, other]).collect();
    measure("nginx and Envoy", &detect, &mixed);
}

fn wrapped(lines: &[String], wrap: impl Fn(&str) -> String) -> Vec<String> {
    lines.iter().map(|line| wrap(line)).collect()
}

fn docker(line: &str) -> String {
    let log = line.replace('"', "\\\"");
    format!("{{\"log\":\"{log}\\n\",\"stream\":\"stdout\",\"time\":\"2026-11-28T01:02:03.123456789Z\"}}")
}

/// Lines are measured in small groups, and of each group the best of several rounds counts: on a busy machine most of a
/// round's time may be somebody else's.
fn measure(name: &str, options: &Options, lines: &[String]) {
    const GROUP: usize = 500;
    let mut reader = Reader::new(options);
    let mut best = vec![f64::INFINITY; lines.len().div_ceil(GROUP)];
    for _ in 0..15 {
        for (group, best) in lines.chunks(GROUP).zip(&mut best) {
            let begun = Instant::now();
            let mut sum = 0_u64;
            for line in group {
                let read = reader.read(black_box(line.as_bytes()), |call| {
                    sum = sum.wrapping_add(u64::from(call.status)).wrapping_add(call.target.len() as u64);
                });
                assert!(read.is_ok(), "{line}: {read:?}");
            }
            black_box(sum);
            *best = best.min(begun.elapsed().as_secs_f64());
        }
    }
    let secs = best.iter().sum::<f64>() / lines.len() as f64;
    println!(
        "{name:<16} {:>7.1} ns a line of {} bytes: {:.2} M lines/s, form {}",
        secs * 1e9,
        lines.iter().map(String::len).sum::<usize>() / lines.len(),
        1e-6 / secs,
        reader.form().unwrap_or("none"),
    );
}

/// Lines that differ, a thousand of them in each second.
fn lines(line: impl Fn(usize, usize) -> String) -> Vec<String> {
    (0..50_000).map(|number| line(number, (number / 1000) % 60)).collect()
}

fn nginx() -> Vec<String> {
    lines(|n, second| {
        format!(
            "203.0.{}.{} - - [28/Nov/2026:01:02:{second:02} +0000] \"GET /api/v1/items/{n}?page={} HTTP/1.1\" 200 {} \
             \"https://example.com/items\" \"Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 Chrome/124.0 Safari/537.36\"",
            n % 256,
            n % 199,
            n % 97,
            n % 5000,
        )
    })
}

/// As programs write their own: a key is left out where it says nothing.
fn flat() -> Vec<String> {
    lines(|n, second| {
        let credential =
            if n % 2 == 0 { format!("\"credential\":\"sess_{:016x}\",", n % 251) } else { String::new() };
        let referer = if n % 3 == 0 { "\"referer\":\"https://www.example.org/shop\"," } else { "" };
        format!(
            "{{\"time\":\"2026-11-28T01:02:{second:02}Z\",\"address\":\"203.0.{}.{}\",{credential}\"method\":\"GET\",\
             \"target\":\"/api/v1/items/{n}?fields=name,price\",\"agent\":\"Mozilla/5.0 (Windows NT 10.0; Win64; x64) \
             AppleWebKit/537.36 (KHTML, like Gecko) Chrome/145.0.0.0 Safari/537.36\",{referer}\"status\":200,\
             \"bytes\":{},\"duration\":0.0{}}}",
            n % 256,
            n % 199,
            n % 50_000,
            n % 9000 + 1000,
        )
    })
}

fn envoy() -> Vec<String> {
    lines(|n, second| {
        format!(
            "{{\"start_time\":\"2026-11-28T01:02:{second:02}.123Z\",\"method\":\"GET\",\"path\":\"/api/items/{n}?page={}\",\
             \"protocol\":\"HTTP/1.1\",\"response_code\":200,\"response_flags\":\"-\",\"bytes_received\":0,\"bytes_sent\":{},\
             \"duration\":12,\"x_forwarded_for\":\"203.0.{}.{}\",\"user_agent\":\"curl/8.5.0\",\
             \"request_id\":\"b1f1ee0d-93a5-4ac2-9b0c-1a1a4d1f5c3e\",\"authority\":\"api.example.com\",\
             \"upstream_host\":\"10.0.0.1:8080\"}}",
            n % 97,
            n % 5000,
            n % 256,
            n % 199,
        )
    })
}

fn caddy() -> Vec<String> {
    lines(|n, second| {
        format!(
            "{{\"level\":\"info\",\"ts\":17958277{second:02}.123,\"logger\":\"http.log.access\",\"msg\":\"handled request\",\
             \"request\":{{\"remote_ip\":\"203.0.{}.{}\",\"remote_port\":\"41342\",\"proto\":\"HTTP/2.0\",\"method\":\"GET\",\
             \"host\":\"localhost\",\"uri\":\"/items/{n}\",\"headers\":{{\"User-Agent\":[\"curl/7.82.0\"]}}}},\"user_id\":\"\",\
             \"duration\":0.000929675,\"size\":10900,\"status\":200}}",
            n % 256,
            n % 199,
        )
    })
}
