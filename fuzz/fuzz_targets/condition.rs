//! Conditions of limits: compiled or refused with faults that point into them, within the stack and in time.

#![no_main]

use libfuzzer_sys::fuzz_target;
use ratewarden_policy::condition::compile;

fuzz_target!(|text: &str| {
    let Err(faults) = compile(text) else { return };
    assert!(!faults.is_empty());
    for fault in faults {
        assert!(text.get(fault.at.clone()).is_some() && !fault.message.is_empty(), "{fault:?}");
    }
});
