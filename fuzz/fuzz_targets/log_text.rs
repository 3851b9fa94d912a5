//! Lines of text forms: a call is made of the line alone, whatever was read before it, and of no byte that is not in it.

#![no_main]

use libfuzzer_sys::fuzz_target;
use ratewarden_logs::{Fault, Options, Reader};

fuzz_target!(|input: &[u8]| {
    let mut reader = Reader::new(&Options::default());
    for line in input.split(|&byte| byte == b'\n') {
        let seen = read(&mut reader, line);
        if matches!(seen.1, Err(Fault::Piece | Fault::Long)) {
            return;
        }
        assert_eq!(
            seen,
            read(&mut Reader::new(&Options::default()), line),
            "what was read before changes nothing"
        );
        // What was JSON, or in docker's JSON, had escapes.
        if line.contains(&b'{') {
            continue;
        }
        let _ = reader.read(line, |call| {
            for text in [call.user, call.method, call.agent, call.referer] {
                assert!(text.is_empty() || line.windows(text.len()).any(|part| part == text));
            }
        });
    }
});

fn read(reader: &mut Reader, line: &[u8]) -> (Vec<String>, Result<(), Fault>) {
    let mut calls = Vec::new();
    let result = reader.read(line, |call| calls.push(format!("{call:?}")));
    (calls, result)
}
