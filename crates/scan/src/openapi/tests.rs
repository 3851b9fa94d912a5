//! Descriptions as people write them, and as nobody should.

mod hostile;
mod samples;

use serde_json::json;

use super::*;

const SHOP: &str = r##"
openapi: 3.1.0
info: { title: Shop, version: 1 }
servers:
  - url: "https://{host}/{version}/"
    variables: { host: { default: api.example.com }, version: { default: v2 } }
security:
  - key: []
paths:
  /items:
    parameters:
      - $ref: "#/components/parameters/limit"
      - { name: shop, in: query, required: true, schema: { type: string, enum: [berlin, rome] } }
    get:
      parameters:
        - { name: cursor, in: query, schema: { type: string } }
      responses:
        200: { description: fine }
    post:
      security: []
      requestBody: { $ref: "#/components/requestBodies/item" }
      responses:
        "201": { description: made }
  /items/{id}:
    parameters:
      - { name: id, in: path, required: true, schema: { type: string }, example: a/b }
    get:
      security: [{}, { key: [] }]
      responses: { default: { description: x } }
    delete:
      parameters:
        - { name: id, in: path, required: true, schema: { type: string } }
      responses: { default: { description: x } }
  /items/latest:
    get: { responses: { default: { description: x } } }
  /reports/{day}.json:
    servers: [{ url: /internal }]
    get:
      parameters: [{ name: day, in: path, required: true, schema: { type: string, default: 2026-01-01 } }]
      responses: { default: { description: x } }
  x-note: { get: {} }
components:
  parameters:
    limit: { name: limit, in: query, schema: { type: integer, default: 20 } }
  requestBodies:
    item:
      content:
        application/json: { schema: { $ref: "#/components/schemas/Item" } }
  schemas:
    Named:
      type: object
      required: [name]
      properties: { name: { type: string, maxLength: 4 }, id: { type: integer, readOnly: true } }
    Item:
      allOf:
        - $ref: "#/components/schemas/Named"
        - type: object
          properties:
            price: { type: number, minimum: 0, exclusiveMinimum: 2 }
            made: { type: [ "null", string ], format: date-time }
            parts: { type: array, minItems: 2, items: { $ref: "#/components/schemas/Item" } }
"##;

fn operation<'a>(api: &'a ApiDescription, method: &str, path: &str) -> &'a ApiOperation {
    api.operations.iter().find(|one| one.method == method && one.path == path).unwrap()
}

#[test]
fn operations_come_in_the_order_of_the_document_with_the_servers_path() {
    let api = parse(SHOP.as_bytes()).unwrap();
    let listed: Vec<String> =
        api.operations.iter().map(|one| format!("{} {}", one.method, one.path)).collect();
    assert_eq!(
        listed,
        [
            "GET /v2/items",
            "POST /v2/items",
            "GET /v2/items/{id}",
            "DELETE /v2/items/{id}",
            "GET /v2/items/latest",
            "GET /internal/reports/{day}.json",
        ]
    );
    assert_eq!((api.title.as_str(), api.truncated), ("Shop", false));
}

#[test]
fn a_request_is_filled_in_from_examples_defaults_and_enums() {
    let api = parse(SHOP.as_bytes()).unwrap();
    let list = operation(&api, "GET", "/v2/items");
    assert_eq!(list.query, ["cursor", "limit", "shop"]);
    assert_eq!(list.concrete.as_deref(), Some("/v2/items?shop=berlin"));
    assert_eq!(operation(&api, "GET", "/v2/items/{id}").concrete.as_deref(), Some("/v2/items/a%2Fb"));
    assert_eq!(
        operation(&api, "DELETE", "/v2/items/{id}").concrete,
        None,
        "the operation's own parameter has no example"
    );
    let report = operation(&api, "GET", "/internal/reports/{day}.json");
    assert_eq!(report.concrete.as_deref(), Some("/internal/reports/2026-01-01.json"));
}

#[test]
fn security_may_be_general_its_own_none_or_optional() {
    let api = parse(SHOP.as_bytes()).unwrap();
    assert!(operation(&api, "GET", "/v2/items").secured);
    assert!(!operation(&api, "POST", "/v2/items").secured, "an empty list lifts it");
    assert!(!operation(&api, "GET", "/v2/items/{id}").secured, "an empty requirement makes it optional");
}

#[test]
fn an_example_body_merges_all_of_and_ends_in_spite_of_self_reference() {
    let api = parse(SHOP.as_bytes()).unwrap();
    let body = operation(&api, "POST", "/v2/items").body_example.clone().unwrap();
    assert_eq!(body["name"], "stri", "maxLength holds");
    assert_eq!((&body["price"], &body["made"]), (&json!(2.5), &json!("2026-01-01T00:00:00Z")));
    assert_eq!(body["parts"].as_array().map(Vec::len), Some(2));
    assert_eq!(body.get("id"), None, "the server sets it");
    assert!(body.to_string().len() < 8 * 1024);
}

#[test]
fn a_request_finds_its_operation_and_the_concrete_path_wins() {
    let api = parse(SHOP.as_bytes()).unwrap();
    let found = |method: &str, path: &str| api.operation_for(method, path).map(|one| one.path.as_str());
    assert_eq!(found("GET", "/v2/items/latest"), Some("/v2/items/latest"));
    assert_eq!(found("get", "/v2/items/17/?x=1"), Some("/v2/items/{id}"));
    assert_eq!(found("GET", "/internal/reports/monday.json"), Some("/internal/reports/{day}.json"));
    assert_eq!(found("GET", "/internal/reports/.json"), None);
    assert_eq!(found("GET", "/v2/items/1/2"), None);
    assert_eq!(found("GET", "/items"), None);
    assert_eq!(found("PUT", "/v2/items"), None);
}

#[test]
fn the_same_document_reads_the_same_as_json() {
    let tree: Value = tree::read(SHOP.as_bytes()).unwrap();
    let json = serde_json::to_string_pretty(&tree).unwrap();
    assert_eq!(parse(json.as_bytes()), parse(SHOP.as_bytes()));
    assert_eq!(parse(format!("\u{feff}{json}").as_bytes()), parse(SHOP.as_bytes()));
}

#[test]
fn the_usual_paths_are_few_and_begin_with_the_likeliest() {
    assert!(USUAL_PATHS.len() <= 8);
    assert_eq!(USUAL_PATHS[0], "/openapi.json");
    assert!(USUAL_PATHS.iter().all(|path| path.starts_with('/')));
}
