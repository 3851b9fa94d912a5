//! Small documents, each for one rule.

use serde_json::{Value, json};

use super::super::parse;

/// The only operation of a document with these paths.
fn only(document: &Value) -> super::ApiOperation {
    let mut api = parse(document.to_string().as_bytes()).unwrap();
    assert_eq!(api.operations.len(), 1, "{document}");
    api.operations.remove(0)
}

/// The example body of a schema, beside one component to refer to.
fn body_of(schema: &Value, component: &Value) -> Option<Value> {
    only(&json!({
        "openapi": "3.0.3",
        "paths": {"/x": {"post": {"requestBody": {"content": {"application/json": {"schema": schema}}}}}},
        "components": {"schemas": {"Other": component}},
    }))
    .body_example
}

#[test]
fn the_base_path_is_the_path_of_the_first_server() {
    let cases = [
        (json!([]), "/x"),
        (json!([{"url": "/"}]), "/x"),
        (json!([{"url": "https://api.example.com"}]), "/x"),
        (json!([{"url": "https://api.example.com/v1/?q#f"}, {"url": "/v2"}]), "/v1/x"),
        (json!([{"url": "//api.example.com/v1"}]), "/v1/x"),
        (json!([{"url": "./v1"}]), "/v1/x"),
        (json!([{"url": "v1"}]), "/v1/x"),
        (
            json!([{"url": "https://{region}.example.com/{base}", "variables": {"base": {"default": "api"}}}]),
            "/api/x",
        ),
        (json!("nonsense"), "/x"),
    ];
    for (servers, path) in cases {
        let operation = only(&json!({"openapi": "3.0.0", "servers": servers, "paths": {"/x": {"get": {}}}}));
        assert_eq!(operation.path, path, "{servers}");
    }
}

#[test]
fn example_bodies_are_plain_values_within_the_bounds_of_the_schema() {
    let cases = [
        (json!({"type": "string", "format": "uuid"}), json!("00000000-0000-4000-8000-000000000001")),
        (json!({"type": "string", "minLength": 8}), json!("stringxx")),
        (json!({"type": "integer"}), json!(1)),
        (json!({"type": "integer", "minimum": 10, "exclusiveMinimum": true}), json!(11)),
        (json!({"type": "integer", "maximum": -3}), json!(-3)),
        (json!({"type": "integer", "multipleOf": 5}), json!(5)),
        (json!({"type": "boolean"}), json!(false)),
        (json!({"type": ["null"]}), json!(null)),
        (json!({"type": "array", "items": {"type": "integer"}}), json!([1])),
        (json!({"type": "object"}), json!({})),
        (json!({"enum": ["b", "a"]}), json!("b")),
        (json!({"const": 7}), json!(7)),
        (json!({"type": "string", "examples": ["first", "second"]}), json!("first")),
        (json!({"oneOf": [{"$ref": "#/nowhere"}, {"type": "integer"}]}), json!(1)),
        (json!({"anyOf": [{"$ref": "#/components/schemas/Other"}]}), json!("other")),
        (
            json!({"properties": {"old": {"type": "string", "deprecated": true}, "new": {"type": "string"}}}),
            json!({"new": "string"}),
        ),
    ];
    for (schema, example) in cases {
        assert_eq!(body_of(&schema, &json!({"const": "other"})), Some(example), "{schema}");
    }
}

#[test]
fn half_an_example_is_none() {
    let required =
        json!({"type": "object", "required": ["a"], "properties": {"a": {"$ref": "other.yaml#/A"}}});
    assert_eq!(body_of(&required, &json!({})), None, "another document is not read");
    let circle = json!({"$ref": "#/components/schemas/Other"});
    let endless = json!({"type": "object", "required": ["next"], "properties": {"next": circle}});
    assert_eq!(body_of(&circle, &endless), None, "a circle of required members has no end");
    let large = json!({"type": "string", "example": "x".repeat(9_000)});
    assert_eq!(
        body_of(&json!({"type": "array", "items": large, "minItems": 1}), &json!({})),
        Some(json!(["string"]))
    );
}

#[test]
fn a_reference_may_be_escaped_and_chained() {
    let document = json!({
        "openapi": "3.0.3",
        "paths": {"/a~b/{id}": {"$ref": "#/components/pathItems/Item%20One"}},
        "components": {
            "pathItems": {"Item One": {"get": {"parameters": [{"$ref": "#/components/parameters/a~1b"}]}}},
            "parameters": {
                "a/b": {"$ref": "#/components/parameters/id"},
                "id": {"name": "id", "in": "path", "required": true, "examples": {"one": {"$ref": "#/components/examples/one"}}},
            },
            "examples": {"one": {"value": 17}},
        },
    });
    assert_eq!(only(&document).concrete.as_deref(), Some("/a~b/17"));
}

#[test]
fn media_types_that_are_json_have_an_example_and_others_none() {
    let with = |media: &str| {
        only(&json!({"openapi": "3.0.3", "paths": {"/x": {"post": {"requestBody": {"content": {media: {"example": {"a": 1}}}}}}}})).body_example
    };
    for media in
        ["application/json", "application/merge-patch+json", "Application/JSON; charset=utf-8", "*/*"]
    {
        assert_eq!(with(media), Some(json!({"a": 1})), "{media}");
    }
    assert_eq!(with("application/xml"), None);
}

#[test]
fn an_odd_member_hides_nothing_else() {
    let document = json!({
        "openapi": "3.0.3",
        "info": 7,
        "paths": {
            "/odd": 3,
            "/odder": {"get": [], "summary": "x", "parameters": "y"},
            "/fine": {"get": {"parameters": [null, 1, {"in": "query"}, {"name": "q", "in": "query"}]}},
        },
    });
    let operation = only(&document);
    assert_eq!((operation.path.as_str(), operation.query), ("/fine", vec!["q".to_owned()]));
    assert_eq!(operation.concrete.as_deref(), Some("/fine"));
    assert!(parse(b"openapi: 3.1.0").unwrap().operations.is_empty(), "3.1 may have webhooks only");
}
