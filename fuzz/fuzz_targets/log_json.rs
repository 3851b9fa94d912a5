//! JSON lines: what serde_json reads is read, with the same text in it, and what it refuses is refused.

#![no_main]

use libfuzzer_sys::fuzz_target;
use ratewarden_logs::{Fault, JsonFields, Options, Reader};
use serde_json::Value;

fuzz_target!(|input: &[u8]| {
    let mut detecting = Reader::new(&Options::default());
    let fields = JsonFields::parse("time=t,user=u,user=v.w,method=m").expect("a map");
    let options = Options { json_fields: Some(fields), ..Options::default() };
    let mut mapped = Reader::new(&options);
    for line in input.split(|&byte| byte == b'\n') {
        let _ = detecting.read(line, |_| {});
        let mut wrapped = br#"{"t":1,"u":"#.to_vec();
        wrapped.extend_from_slice(line);
        wrapped.push(b'}');
        let mut users = Vec::new();
        let read = mapped.read(&wrapped, |call| users.push(call.user.to_vec()));
        let Ok(text) = std::str::from_utf8(&wrapped) else { continue };
        match serde_json::from_str::<Value>(text) {
            Ok(object) => {
                assert_ne!(read, Err(Fault::Json), "{text}");
                if let Value::String(user) = &object["u"]
                    && !matches!(user.as_str(), "" | "-")
                    && object["t"] == 1
                {
                    assert!(users.iter().all(|seen| seen == user.as_bytes()) && !users.is_empty(), "{text}");
                }
            }
            // What may differ: lone surrogates, and numbers that no float holds.
            Err(error) if error.is_syntax() => {
                let message = error.to_string();
                let may =
                    ["surrogate", "out of range", "hex escape"].iter().any(|part| message.contains(part));
                assert!(may || read.is_err(), "{text}: {message}");
            }
            Err(_) => assert!(read.is_err(), "{text}"),
        }
    }
});
