//! The published pages are those of the code, and every example passes both the reader and the schema.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a test that cannot go on has failed")]

use std::path::Path;

use ratewarden_policy::{EXAMPLE, read, reference, schema};
use serde_json::{Map, Value as Json};
use toml::de::{DeTable, DeValue};

fn published(name: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs").join(name);
    std::fs::read_to_string(&path).unwrap_or_default()
}

fn json(value: &DeValue<'_>) -> Json {
    match value {
        DeValue::String(text) => text.as_ref().into(),
        DeValue::Boolean(switch) => (*switch).into(),
        DeValue::Integer(number) => i64::from_str_radix(number.as_str(), number.radix()).unwrap().into(),
        DeValue::Float(number) => number.as_str().parse::<f64>().unwrap().into(),
        DeValue::Datetime(date) => date.to_string().into(),
        DeValue::Array(array) => array.iter().map(|item| json(item.get_ref())).collect(),
        DeValue::Table(table) => Json::Object(entries(table)),
    }
}

fn entries(table: &DeTable<'_>) -> Map<String, Json> {
    table.iter().map(|(key, value)| (key.get_ref().to_string(), json(value.get_ref()))).collect()
}

/// Both agree that the text is a policy.
fn accepted(text: &str) {
    if let Err(mistakes) = read(text, Path::new("policy.toml")) {
        panic!("{mistakes}\n{text}");
    }
    let document = Json::Object(entries(DeTable::parse(text).unwrap().get_ref()));
    let validator = jsonschema::validator_for(&schema()).unwrap();
    let errors: Vec<String> =
        validator.iter_errors(&document).map(|error| format!("{}: {error}", error.instance_path())).collect();
    assert!(errors.is_empty(), "{errors:#?}\n{text}");
}

#[test]
fn the_published_pages_are_up_to_date() {
    const HINT: &str = "run `cargo run -p ratewarden-policy --example documents`";
    assert!(published("policy.md") == reference(), "docs/policy.md: {HINT}");
    let text = format!("{:#}\n", schema());
    assert!(published("schema/policy-1.schema.json") == text, "docs/schema/policy-1.schema.json: {HINT}");
}

#[test]
fn every_example_of_the_page_is_a_policy() {
    const NEEDED: [(&str, &str); 3] = [
        ("listen", "[listen]\nhttp = \"127.0.0.1:8080\"\n"),
        ("upstream", "[upstream]\nurl = \"http://127.0.0.1:8265\"\n"),
        ("limit", "[[limit]]\nname = \"all\"\nrate = \"1/1s\"\n"),
    ];
    let page = reference();
    let examples: Vec<&str> =
        page.split("```toml\n").skip(1).filter_map(|rest| rest.split("```").next()).collect();
    assert!(examples.len() > 10, "{}", examples.len());
    for example in examples {
        let mut text = example.to_owned();
        for (table, lines) in NEEDED {
            if !example.contains(&format!("[{table}]")) {
                text.push_str(lines);
            }
        }
        accepted(&text);
    }
}

#[test]
fn the_example_has_every_key_and_no_warning() {
    let read = read(EXAMPLE, Path::new("/etc/ratewarden/ratewarden.toml")).unwrap();
    assert_eq!(read.warnings, []);
    assert_eq!(read.policy.tls.unwrap().key, Path::new("/etc/ratewarden/key.pem"));
    // Alternatives stand in comments, so every key of the schema is a word of the file.
    let mut keys = Vec::new();
    collect(&schema(), &mut keys);
    assert!(keys.len() > 100, "{}", keys.len());
    let words: Vec<&str> = EXAMPLE.split(|c: char| !c.is_alphanumeric() && c != '-').collect();
    let missing: Vec<&String> = keys.iter().filter(|key| !words.contains(&key.as_str())).collect();
    assert_eq!(missing, ["public-key"], "keys that the example does not name");
}

fn collect(schema: &Json, keys: &mut Vec<String>) {
    match schema {
        Json::Object(object) => {
            if let Some(Json::Object(properties)) = object.get("properties") {
                keys.extend(properties.keys().cloned());
            }
            object.values().for_each(|value| collect(value, keys));
        }
        Json::Array(list) => list.iter().for_each(|value| collect(value, keys)),
        _ => {}
    }
}

#[test]
fn what_the_schema_refuses_is_refused_by_the_reader() {
    let base = "[listen]\nhttp = \"127.0.0.1:8080\"\n[upstream]\nurl = \"http://127.0.0.1:8265\"\n";
    let validator = jsonschema::validator_for(&schema()).unwrap();
    for wrong in [
        "[limits]\n",
        "[timeouts]\nidle = 60\n",
        "[timeouts]\nidle = \"60\"\n",
        "[caps]\nkeys = 10\n",
        "[caps]\nhead-bytes = \"10MB\"\n",
        "[[limit]]\nname = \"a\"\n",
        "[[limit]]\nname = \"a\"\nrate = \"1/1s\"\nconcurrent = 1\n",
        "[[limit]]\nname = \"a\"\nconcurrent = 1\nburst = 1\n",
        "[[limit]]\nrate = \"1/1s\"\n",
        "[[limit]]\nname = \"a\"\nrate = \"1/1s\"\nper = [\"calller\"]\n",
        "[[limit]]\nname = \" a\"\nrate = \"1/1s\"\n",
        "[[bound]]\nname = \"a\"\nmax = 1\n",
        "[answer]\nstatus = 200\n",
        "[answer]\nbody = \"problems\"\n",
        "[trust]\nheader = \"x-real-ip\"\n",
        "[upstream.health]\n",
        "[watch]\nlateness = 10\n",
        "[watch]\npenalties = { file = \"a\", token-env = \"T\" }\n",
        "[watch]\npenalties = { admin = \"http://a\", token-env = \"T\", token-file = \"f\" }\n",
        "[[detector]]\nname = \"a\"\nover = \"1/1s\"\ndaily = 1\n",
        "[[detector]]\nname = \"a\"\nover = \"1/1s\"\nban-up-to = \"1h\"\n",
        "[[alert]]\nname = \"a\"\n",
        "[[alert]]\nname = \"a\"\nfile = \"a\"\nslack = { url-env = \"U\" }\n",
    ] {
        let text = format!("{base}{wrong}");
        assert!(read(&text, Path::new("policy.toml")).is_err(), "{wrong}");
        let document = Json::Object(entries(DeTable::parse(&text).unwrap().get_ref()));
        assert!(!validator.is_valid(&document), "{wrong}");
    }
}
