//! Cursors: those of a JSON body, and the input itself as one, as text and as the bytes behind Base64 and hex.

#![no_main]

use libfuzzer_sys::fuzz_target;
use ratewarden_scan::cursor;

fuzz_target!(|input: &[u8]| {
    let hex: String = input.iter().map(|byte| format!("{byte:02x}")).collect();
    let _ = cursor::weakness(&hex);
    let Ok(text) = std::str::from_utf8(input) else { return };
    let _ = cursor::weakness(text);
    if let Ok(body) = serde_json::from_str(text) {
        let found = cursor::find_in(&body);
        assert!(found.len() <= 32);
        for (path, cursor) in found {
            assert!(path.starts_with('$') && !cursor.is_empty());
            let _ = cursor::weakness(&cursor);
        }
    }
});
