//! OpenAPI documents, JSON and YAML.

#![no_main]

use libfuzzer_sys::fuzz_target;
use ratewarden_scan::openapi::{self, MAX_OPERATIONS};

fuzz_target!(|input: &[u8]| {
    match openapi::parse(input) {
        Ok(api) => {
            assert!(api.operations.len() <= MAX_OPERATIONS);
            for operation in &api.operations {
                assert!(operation.path.starts_with('/'));
                if let Some(path) = &operation.concrete {
                    assert!(path.starts_with('/'), "{path}");
                    path.parse::<http::Uri>().expect("a path that can be requested");
                    let _ = api.operation_for(&operation.method, path);
                }
                if let Some(body) = &operation.body_example {
                    assert!(body.to_string().len() < 1 << 20);
                }
            }
        }
        Err(error) => assert!(!error.to_string().is_empty() && !error.hint().is_empty()),
    }
});
