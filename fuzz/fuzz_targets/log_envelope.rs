//! Envelopes, and lines that a container runtime cut: a piece is no call, and what follows the pieces is read as ever.

#![no_main]

use libfuzzer_sys::fuzz_target;
use ratewarden_logs::{Fault, Options, Reader};

const LINE: &[u8] = br#"203.0.113.7 - - [28/Nov/2026:01:02:03 +0000] "GET / HTTP/1.1" 200 5 "-" "x""#;

fuzz_target!(|input: &[u8]| {
    let options = Options { year: Some(2026), ..Options::default() };
    let mut reader = Reader::new(&options);
    for line in input.split(|&byte| byte == b'\n') {
        let mut calls = 0;
        match reader.read(line, |_| calls += 1) {
            Ok(()) | Err(Fault::Record) => {}
            Err(_) => assert_eq!(calls, 0),
        }
    }
    let mut calls = 0;
    assert_eq!(reader.read(LINE, |call| calls += usize::from(call.status == 200)), Ok(()));
    // A piece that was begun swallows the next whole line of its stream; the one after it is whole again.
    let whole = [b"2026-11-28T01:02:03.123456789Z stdout F ", LINE].concat();
    let _ = reader.read(&whole, |_| {});
    assert_eq!(reader.read(&whole, |call| calls += usize::from(call.status == 200)), Ok(()));
    assert_eq!(calls, 2);
});
