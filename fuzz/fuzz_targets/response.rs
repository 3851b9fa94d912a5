//! Responses as a server sends them, a server that may be hostile.

#![no_main]

use libfuzzer_sys::fuzz_target;
use ratewarden_http1::{Framing, HeadEnd, parse_response, storage};

fuzz_target!(|input: &[u8]| {
    let Some((to_head, input)) = input.split_first() else { return };
    let Ok(Some(end)) = HeadEnd::default().find(input) else { return };
    let mut fields = storage();
    let Ok(head) = parse_response(&input[..end], &mut fields, to_head % 2 == 1) else { return };
    assert!((100..1_000).contains(&head.status));
    assert!(head.fields.len() <= 256);
    if to_head % 2 == 1 || head.status == 204 || head.status == 304 {
        assert_eq!(head.framing, Framing::None, "an answer that has no body has none");
    }
});
