//! Each form's examples are read, and its pattern in the schema takes whatever is read.

use std::net::SocketAddr;

use jsonschema::Validator;
use proptest::prelude::*;
use proptest::test_runner::TestRunner;
use ratewarden_model::Rate;
use serde_json::Value as Json;

use super::*;
use crate::form::Form;
use crate::network::Network;
use crate::policy::{Key, Server, Settle};
use crate::template::PathTemplate;

/// Examples, damaged examples and made-up texts: what is read passes the schema.
fn agree<T: Written>() {
    let name = std::any::type_name::<T>();
    let schema = jsonschema::validator_for(&<T as Form>::schema()).unwrap();
    for example in T::EXAMPLES {
        assert!(T::parse(example).is_ok(), "{name}: {example}");
        assert!(passes(&schema, example), "{name}: {example}");
    }
    let made_up = prop_oneof![
        "[a-z0-9:/._ %=xhqKMiBs-]{0,16}",
        (prop::sample::select(T::EXAMPLES), 0_usize..20, "\\PC{0,2}").prop_map(|(example, at, put)| {
            let at = example.floor_char_boundary(at.min(example.len()));
            [&example[..at], &put, &example[at..]].concat()
        }),
    ];
    let mut runner = TestRunner::default();
    let ran = runner.run(&made_up, |text| {
        prop_assert!(T::parse(&text).is_err() || passes(&schema, &text), "{}: {}", name, text);
        Ok(())
    });
    assert!(ran.is_ok(), "{}", ran.unwrap_err());
}

fn passes(schema: &Validator, text: &str) -> bool {
    schema.is_valid(&Json::String(text.to_owned()))
}

#[test]
fn plain_forms_agree_with_their_schema() {
    agree::<Name>();
    agree::<Text<8>>();
    agree::<FilePath>();
    agree::<Variable>();
    agree::<Method>();
    agree::<RequestPath>();
    agree::<AccessLogWord>();
    agree::<Zone>();
}

#[test]
fn numbers_with_units_agree_with_their_schema() {
    agree::<Lasting<YEAR>>();
    agree::<Rate>();
    agree::<Size<{ u64::MAX }>>();
    agree::<BodyCap>();
    agree::<After>();
}

#[test]
fn addresses_and_paths_agree_with_their_schema() {
    agree::<SocketAddr>();
    agree::<Network>();
    agree::<Server>();
    agree::<PathTemplate>();
    agree::<KeySet>();
}

#[test]
fn forms_of_watching_agree_with_their_schema() {
    agree::<Whole<600>>();
    agree::<Pace<2, 400>>();
    agree::<StatusRange>();
    agree::<PathPattern>();
    agree::<Exempt>();
    agree::<RulePattern>();
    agree::<Pause<3_600>>();
}

#[test]
fn forms_of_receivers_agree_with_their_schema() {
    agree::<PostUrl>();
    agree::<Peer>();
    agree::<MailAddress>();
    agree::<HostName>();
}

#[test]
fn places_in_a_call_agree_with_their_schema() {
    agree::<HeaderName>();
    agree::<HeaderValue>();
    agree::<QueryName>();
    agree::<BodyField>();
    agree::<Key>();
    agree::<CallerWord>();
    agree::<CostWord>();
    agree::<Settle>();
}
