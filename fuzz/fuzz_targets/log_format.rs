//! Formats and field maps, and lines that are read with them: a mistake points into the text.

#![no_main]

use libfuzzer_sys::fuzz_target;
use ratewarden_logs::{Options, Reader};

fuzz_target!(|input: &[u8]| {
    let (first, lines) = input.split_at(input.iter().position(|&byte| byte == b'\n').unwrap_or(input.len()));
    let Ok(text) = std::str::from_utf8(first) else { return };
    let (mut formatted, mut mapped) = (Options::default(), Options::default());
    for mistake in
        [formatted.parse_log_format(text).err(), mapped.parse_json_fields(text).err()].into_iter().flatten()
    {
        assert!((1..=text.chars().count() + 1).contains(&mistake.column()), "{mistake:?}");
    }
    for options in [formatted, mapped] {
        let mut reader = Reader::new(&options);
        for line in lines.split(|&byte| byte == b'\n') {
            let mut calls = 0;
            let read = reader.read(line, |_| calls += 1);
            assert!(read.is_err() || calls > 0 || line.contains(&b'['), "a line that is read is a call");
        }
    }
});
