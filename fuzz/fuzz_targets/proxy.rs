//! PROXY headers, read as a connection is: never a byte more than is said to be needed.

#![no_main]

use libfuzzer_sys::fuzz_target;
use ratewarden_http1::proxy::{MOST, Need, need, source};

fuzz_target!(|input: &[u8]| {
    let mut read = 0;
    loop {
        match need(&input[..read]) {
            Err(_) => return,
            Ok(Need::Nothing) => break,
            Ok(Need::Bytes(count)) => {
                assert!(count > 0 && read + count <= MOST);
                if read + count > input.len() {
                    return;
                }
                read += count;
            }
        }
    }
    let header = &input[..read];
    if source(header).is_ok() && header.starts_with(b"PROXY ") {
        assert!(header.ends_with(b"\r\n") && !header[..read - 2].contains(&b'\n'));
    }
});
