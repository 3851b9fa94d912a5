//! Documents that are broken, endless, enormous or something else.

use std::fmt::Write as _;

use proptest::prelude::*;
use serde_json::json;

use super::super::*;
use super::SHOP;

fn error(document: &[u8]) -> OpenApiError {
    parse(document).unwrap_err()
}

#[test]
fn a_document_of_50_mb_is_refused_by_its_size() {
    let error = error(&vec![b' '; 50_000_000]);
    assert_eq!(error.to_string(), "the OpenAPI document has 48 MiB, and at most 8 MiB are read");
    assert!(error.hint().contains("smaller"));
}

#[test]
fn a_broken_document_says_where() {
    let json = error(b"{\n  \"openapi\": \"3.1.0\",\n  \"paths\": {,}\n}");
    assert_eq!(
        json.to_string(),
        "the OpenAPI document is no JSON that can be read: line 3, column 13: key must be a string"
    );
    let OpenApiError::Broken { format: "YAML", line, column, .. } =
        error(b"openapi: 3.1.0\npaths:\n  /a: [1\n  /b: }\n")
    else {
        panic!()
    };
    assert_eq!((line, column), (4, 5));
    let OpenApiError::Broken { format: "UTF-8", line: 2, column: 5, .. } =
        error(b"openapi: 3.1.0\nx: \xc3\xa4\xff")
    else {
        panic!()
    };
    assert!(matches!(
        error(br#"{"openapi": "3.1.0"} trailing"#),
        OpenApiError::Broken { line: 1, column: 22, .. }
    ));
}

#[test]
fn what_is_no_openapi_3_is_told_apart() {
    let cases: &[(&[u8], &str)] = &[
        (b"", "it is empty"),
        (b" \n\t", "it is empty"),
        (b"<!doctype html><title>App</title>", "it is a web page or XML"),
        (b"[1, 2]", "it is no object"),
        (b"just a sentence", "it is no object"),
        (b"{\"error\": \"not found\"}", "it has no `openapi` member"),
        (b"swagger: '2.0'", "the document is Swagger 2.0, and"),
        (b"{\"swagger\": 2.0}", "the document is Swagger 2.0, and"),
        (b"openapi: 4.0.0", "the document is OpenAPI 4.0.0, and"),
    ];
    for (document, message) in cases {
        let error = error(document);
        assert!(error.to_string().contains(message), "{error}");
        assert!(!error.hint().is_empty());
    }
    assert!(parse(b"openapi: 3.0").is_ok(), "a number in YAML");
}

#[test]
fn references_in_a_circle_end() {
    let document = json!({
        "openapi": "3.0.3",
        "paths": {
            "/self": {"$ref": "#/paths/~1self"},
            "/there": {"$ref": "#/paths/~1back"},
            "/back": {"$ref": "#/paths/~1there"},
            "/fine": {"post": {
                "parameters": [{"$ref": "#/paths/~1fine/post/parameters/0"}],
                "requestBody": {"content": {"application/json": {"schema": {"$ref": "#/components/schemas/All"}}}},
            }},
        },
        "components": {"schemas": {"All": {"allOf": [{"$ref": "#/components/schemas/All"}, {"$ref": "#/components/schemas/All"}]}}},
    });
    let api = parse(document.to_string().as_bytes()).unwrap();
    assert_eq!(api.operations.len(), 1);
    assert_eq!(api.operations[0].body_example, None);
}

#[test]
fn alternatives_inside_alternatives_do_not_explode() {
    let wide: Vec<_> = (0..20).map(|_| json!({"$ref": "#/components/schemas/Wide"})).collect();
    let paths: serde_json::Map<_, _> = (0..200)
        .map(|number| {
            let schema = json!({"$ref": "#/components/schemas/Wide"});
            let body = json!({"requestBody": {"content": {"application/json": {"schema": schema}}}});
            (format!("/{number}"), json!({"post": body}))
        })
        .collect();
    let document =
        json!({"openapi": "3.1.0", "paths": paths, "components": {"schemas": {"Wide": {"anyOf": wide}}}});
    let api = parse(document.to_string().as_bytes()).unwrap();
    assert!(api.operations.iter().all(|operation| operation.body_example.is_none()));
}

#[test]
fn a_billion_laughs_are_refused() {
    let mut laughs = String::from("openapi: 3.1.0\na0: &a0 [ha, ha, ha, ha, ha, ha, ha, ha, ha, ha]\n");
    for level in 1..12 {
        let below = format!("*a{}, ", level - 1).repeat(10);
        let _ = writeln!(laughs, "a{level}: &a{level} [{}]", below.trim_end_matches(", "));
    }
    let error = error(laughs.as_bytes());
    assert!(matches!(error, OpenApiError::TooComplex { .. }), "{error}");
}

#[test]
fn one_long_text_repeated_by_aliases_is_refused() {
    // Few events, but gigabytes: what limits on events alone do not see.
    let mut bomb = format!("openapi: 3.1.0\nlong: &long {}\nmany:\n", "x".repeat(1_000_000));
    for number in 0..900 {
        let _ =
            write!(bomb, "  - &a{number} x\n  - [*long, *long, *long, *long, *long, *long, *long, *long]\n");
    }
    let error = error(bomb.as_bytes());
    assert!(matches!(error, OpenApiError::TooComplex { .. }), "{error}");
}

#[test]
fn endless_nesting_is_an_error_and_no_stack_overflow() {
    for open in ["[", "{\"a\":", "- ", "{a: ", "? "] {
        assert!(parse(open.repeat(200_000).as_bytes()).is_err(), "{open}");
    }
    let indented: String = (0..1_000).fold(String::new(), |mut text, depth| {
        let _ = writeln!(text, "{}a:", " ".repeat(depth));
        text
    });
    assert!(matches!(error(indented.as_bytes()), OpenApiError::TooComplex { .. }));
}

#[test]
fn more_operations_than_are_read_are_said_to_be_more() {
    let paths = |count: usize| -> String {
        let paths: Vec<String> =
            (0..count).map(|number| format!("\"/{number}\": {{\"get\": {{}}}}")).collect();
        format!("{{\"openapi\": \"3.1.0\", \"paths\": {{{}}}}}", paths.join(","))
    };
    let full = parse(paths(MAX_OPERATIONS).as_bytes()).unwrap();
    assert_eq!((full.operations.len(), full.truncated), (MAX_OPERATIONS, false));
    let more = parse(paths(MAX_OPERATIONS + 1).as_bytes()).unwrap();
    assert_eq!((more.operations.len(), more.truncated), (MAX_OPERATIONS, true));
}

#[test]
fn millions_of_values_are_refused_before_they_fill_the_memory() {
    let document = format!("{{\"openapi\": \"3.1.0\", \"x\": [{}1]}}", "1,".repeat(3_000_000));
    assert!(matches!(error(document.as_bytes()), OpenApiError::TooComplex { .. }));
}

proptest! {
    #[test]
    fn no_bytes_make_it_panic(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
        let _ = parse(&bytes);
    }

    #[test]
    fn no_mutation_of_a_document_makes_it_panic(at in 0..SHOP.len(), cut in 0_usize..40, put in "[ -~\\n]{0,12}") {
        let mut bytes = SHOP.as_bytes().to_vec();
        let end = (at + cut).min(bytes.len());
        bytes.splice(at..end, put.into_bytes());
        if let Ok(api) = parse(&bytes) {
            for operation in &api.operations {
                prop_assert!(operation.path.starts_with('/'));
                let sendable = |path: &String| path.starts_with('/') && path.parse::<http::Uri>().is_ok();
                prop_assert!(operation.concrete.as_ref().is_none_or(sendable), "{:?}", operation.concrete);
                let _ = api.operation_for(&operation.method, &operation.path);
            }
        }
    }
}
