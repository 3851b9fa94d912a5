//! Audit records and error logs: an address that is blamed stands in the line where the program itself wrote it.

#![no_main]

use libfuzzer_sys::fuzz_target;
use ratewarden_logs::{Options, Reader};

fuzz_target!(|input: &[u8]| {
    let reader = |form: &str| {
        let mut options = Options::default();
        options.parse_log_format(form).expect("a preset");
        Reader::new(&options)
    };
    let (mut errors, mut audit) = (reader("nginx-error"), reader("cassandra-audit"));
    for line in input.split(|&byte| byte == b'\n') {
        let text = String::from_utf8_lossy(line);
        let _ = errors.read(line, |call| {
            assert!(matches!(call.status, 401 | 503));
            assert!(call.address.is_none() || text.contains(", client: "), "{text}");
            assert!(call.user.is_empty() || text.matches(", client: ").count() <= 1, "{text}");
        });
        let _ = audit.read(line, |call| {
            assert!(call.at_ms > 0 && !call.method.is_empty());
            assert!(call.key.len() <= line.len() && call.target.len() <= line.len() + 1);
        });
    }
});
