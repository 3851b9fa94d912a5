//! What the codec costs for a typical call: `cargo run --release -p ratewarden-http1 --example cost`.
//!
//! Prints the best of several rounds in nanoseconds, for each step and for the whole way of a call: both heads
//! found, parsed, judged for their form and written anew. The best, because everything else on the machine only
//! ever adds.

use std::hint::black_box;
use std::time::Instant;

use ratewarden_http1::{
    HeadEnd, OutgoingRequest, OutgoingResponse, Refused, RequestHead, check_query, normalise, parse_request,
    parse_response, storage,
};

const REQUEST: &[u8] = b"GET /api/v1/jobs/raysubmit_9fQ2?limit=100&cursor=eyJpZCI6MTB9 HTTP/1.1\r\n\
    Host: api.example.com\r\n\
    User-Agent: python-requests/2.32.3\r\n\
    Accept-Encoding: gzip, deflate, br, zstd\r\n\
    Accept: */*\r\n\
    Connection: keep-alive\r\n\
    X-Api-Key: 5f2b1c9a7d3e4f60812b\r\n\
    Content-Type: application/json\r\n\
    X-Request-Id: 0c9e7c1e-6a43-4c56-9f0f-8a0f1f1f1f1f\r\n\
    Accept-Language: en-GB,en;q=0.9\r\n\
    Cache-Control: no-cache\r\n\r\n";

const RESPONSE: &[u8] = b"HTTP/1.1 200 OK\r\n\
    Content-Type: application/json; charset=utf-8\r\n\
    Content-Length: 158\r\n\
    Date: Fri, 27 Nov 2026 01:23:11 GMT\r\n\
    Server: uvicorn\r\n\
    ETag: \"9e-8Tg2Fzv1\"\r\n\
    Cache-Control: no-store\r\n\
    Vary: Accept-Encoding\r\n\
    Connection: keep-alive\r\n\r\n";

const WITHOUT: &[&str] =
    &["x-forwarded-for", "x-forwarded-proto", "x-forwarded-host", "x-real-ip", "forwarded"];

fn main() {
    let protected = ["x-api-key".to_owned()];
    let mut out = Vec::with_capacity(4096);
    println!("request of {} bytes, response of {} bytes", REQUEST.len(), RESPONSE.len());
    measure("request: end of head", || HeadEnd::default().find(black_box(REQUEST)).is_ok());
    measure("request: parse", || parse_request(black_box(REQUEST), &mut storage(), &protected).is_ok());
    let mut memory = storage();
    if let Ok(head) = parse_request(REQUEST, &mut memory, &protected) {
        measure("request: path and query", || form(black_box(&head)).is_ok());
        measure("request: write", || write_request(black_box(&head), &mut out).is_ok());
    }
    measure("request: all", || request(&protected, &mut out).is_ok());
    measure("response: all", || response(&mut out).is_ok());
}

fn request(protected: &[String], out: &mut Vec<u8>) -> Result<(), Refused> {
    let bytes = black_box(REQUEST);
    let Some(end) = HeadEnd::default().find(bytes)? else { return Ok(()) };
    let mut memory = storage();
    let head = parse_request(bytes.get(..end).unwrap_or_default(), &mut memory, protected)?;
    write_request(&head, out)
}

fn form<'b>(head: &RequestHead<'_, 'b>) -> Result<std::borrow::Cow<'b, str>, Refused> {
    head.query.map_or(Ok(()), check_query)?;
    normalise(head.path)
}

fn write_request(head: &RequestHead<'_, '_>, out: &mut Vec<u8>) -> Result<(), Refused> {
    out.clear();
    let path = form(head)?;
    let outgoing = OutgoingRequest {
        path: &path,
        query: head.query,
        host: head.host,
        framing: head.framing,
        upgrade: None,
        without: WITHOUT,
        extra: &[
            ("x-forwarded-for", b"203.0.113.7"),
            ("x-forwarded-proto", b"https"),
            ("x-forwarded-host", head.host.as_bytes()),
        ],
    };
    head.write(&outgoing, out);
    black_box(out);
    Ok(())
}

fn response(out: &mut Vec<u8>) -> Result<(), Refused> {
    out.clear();
    let bytes = black_box(RESPONSE);
    let Some(end) = HeadEnd::default().find(bytes)? else { return Ok(()) };
    let mut memory = storage();
    let head = parse_response(bytes.get(..end).unwrap_or_default(), &mut memory, false)?;
    let outgoing = OutgoingResponse {
        framing: head.framing,
        close: false,
        upgrade: None,
        without: &["ratelimit", "ratelimit-policy"],
        extra: &[("ratelimit", b"\"jobs\";r=50;t=30"), ("ratelimit-policy", b"\"jobs\";q=100;w=60")],
    };
    head.write(&outgoing, out);
    black_box(out);
    Ok(())
}

fn measure(what: &str, mut step: impl FnMut() -> bool) {
    const CALLS: u32 = 200_000;
    let mut best = f64::INFINITY;
    for _ in 0..15 {
        let begun = Instant::now();
        for _ in 0..CALLS {
            black_box(step());
        }
        best = best.min(begun.elapsed().as_secs_f64() * 1e9 / f64::from(CALLS));
    }
    println!("{what:24} {best:7.1} ns");
}
