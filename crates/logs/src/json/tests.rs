//! The walker beside `serde_json`, which is the slow and obvious model.

use proptest::prelude::*;
use serde_json::Value as Json;

use super::fields::Fields;
use super::shape::Shape;
use super::text::{Place, unescape};
use super::walk::walk;
use crate::duration::Unit;
use crate::row::{Field, Row};

/// Paths that generated objects often have, and the fields that they go to.
const PATHS: [(&[&str], Field); 4] = [
    (&["a"], Field::User),
    (&["b"], Field::Method),
    (&["c", "a"], Field::Target),
    (&["c", "b", "a"], Field::Key),
];

fn fields() -> Fields {
    let mut fields = Fields::new();
    for (path, field) in PATHS {
        fields.field(path, field, 0, Unit::Auto);
    }
    fields
}

fn json() -> impl Strategy<Value = Json> {
    let leaf = prop_oneof![
        Just(Json::Null),
        any::<bool>().prop_map(Json::from),
        any::<i64>().prop_map(Json::from),
        (-1e15..1e15_f64).prop_map(Json::from),
        any::<String>().prop_map(Json::from),
        "[a-z\\\\\"\n\t\u{1}é😀-]{0,20}".prop_map(Json::from),
    ];
    let key = || prop_oneof![4 => "[abc]", 1 => any::<String>()];
    leaf.prop_recursive(6, 60, 6, move |inner| {
        prop_oneof![
            proptest::collection::vec(inner.clone(), 0..5).prop_map(Json::from),
            proptest::collection::vec((key(), inner), 0..6)
                .prop_map(|pairs| Json::Object(pairs.into_iter().collect())),
        ]
    })
}

/// What a field should be by the model: the text of a scalar, of an array its first scalar; `None` where it says nothing.
fn expected(object: &Json, path: &[&str]) -> Option<String> {
    let value = path.iter().try_fold(object, |value, key| value.as_object()?.get(*key))?;
    let scalar = |value: &Json| match value {
        Json::String(text) => Some(text.clone()),
        Json::Number(number) => Some(number.to_string()),
        _ => None,
    };
    match value {
        Json::Array(values) => scalar(values.first()?),
        Json::Bool(truth) => Some(truth.to_string()),
        other => scalar(other),
    }
}

/// Whether a text is one JSON value by the walker.
fn is_json(text: &[u8]) -> bool {
    let mut place = Place { text, at: 0 };
    place.skip(0).is_some() && place.is_end()
}

proptest! {
    #[test]
    fn values_are_found_where_the_model_finds_them(
        before in json().prop_filter("an object", Json::is_object),
        object in json().prop_filter("an object", Json::is_object),
        pretty: bool,
    ) {
        let text = if pretty { serde_json::to_string_pretty(&object) } else { serde_json::to_string(&object) }.unwrap();
        let fields = fields();
        // A line of another object before it, whose shape this one is expected to have.
        let mut shape = Shape::default();
        let before = serde_json::to_string(&before).unwrap();
        let mut place = Place { text: before.as_bytes(), at: 0 };
        prop_assert!(walk(&mut place, &fields, &mut shape, &mut Row::new()).is_some());
        let mut row = Row::new();
        let mut place = Place { text: text.as_bytes(), at: 0 };
        prop_assert!(walk(&mut place, &fields, &mut shape, &mut row).is_some() && place.is_end(), "{text}");
        let mut scratch = Vec::new();
        row.settle(&mut scratch);
        for (path, field) in PATHS {
            let value = expected(&object, path).filter(|text| text != "-").unwrap_or_default();
            prop_assert_eq!(String::from_utf8_lossy(row.text(field)), value, "{:?} in {}", path, text);
        }
    }

    #[test]
    fn what_the_model_refuses_is_refused(
        value in json(), at in any::<proptest::sample::Index>(), byte in 0x08..0x7f_u8, what in 0..3,
    ) {
        let mut text = serde_json::to_vec(&value).unwrap();
        let at = at.index(text.len());
        match what {
            0 => text[at] = byte,
            1 => drop(text.remove(at)),
            _ => text.insert(at, byte),
        }
        let model = serde_json::from_slice::<Json>(&text);
        let lenient = std::str::from_utf8(&text).is_err()
            || model.as_ref().is_err_and(|error| {
                let error = error.to_string();
                error.contains("surrogate") || error.contains("out of range") || error.contains("hex escape")
            });
        if !lenient {
            prop_assert_eq!(is_json(&text), model.is_ok(), "{:?}", String::from_utf8_lossy(&text));
        }
    }

    #[test]
    fn strings_are_what_the_model_makes_of_them(text: String) {
        let escaped: String = text.encode_utf16().map(|unit| format!("\\u{unit:04x}")).collect();
        for written in [serde_json::to_string(&text).unwrap(), format!("\"{escaped}\"")] {
            let mut place = Place { text: written.as_bytes(), at: 1 };
            let (inside, _) = place.string().unwrap();
            let mut ours = Vec::new();
            unescape(inside, &mut ours);
            prop_assert_eq!(String::from_utf8(ours).unwrap(), text.clone());
        }
    }

    #[test]
    fn a_string_ends_where_its_quote_is_whatever_stands_before(length in 0..40_usize, byte: u8) {
        let mut text = vec![b'x'; length];
        text.push(byte);
        text.extend_from_slice(b"yyyyyyyyyyyy\"z");
        let found = Place { text: &text, at: 0 }.string();
        match byte {
            b'"' => prop_assert_eq!(found, Some((&text[..length], false))),
            0..0x20 | b'\\' => prop_assert_eq!(found, None),
            _ => prop_assert_eq!(found, Some((&text[..length + 13], false))),
        }
    }
}

#[test]
fn depth_has_the_models_limit() {
    let nested = |depth: usize| "[".repeat(depth) + &"]".repeat(depth);
    for depth in [1, 126, 127, 128, 129, 100_000] {
        let text = nested(depth);
        assert_eq!(is_json(text.as_bytes()), serde_json::from_str::<Json>(&text).is_ok(), "{depth}");
    }
}

#[test]
fn a_lone_surrogate_is_a_replacement_and_a_key_may_have_escapes() {
    let mut row = Row::new();
    let mut place = Place { text: br#"{"\u0061":"x\ud800y","b":true}"#, at: 0 };
    assert!(walk(&mut place, &fields(), &mut Shape::default(), &mut row).is_some());
    let mut scratch = Vec::new();
    row.settle(&mut scratch);
    assert_eq!(row.text(Field::User), "x\u{fffd}y".as_bytes());
    assert_eq!(row.text(Field::Method), b"true");
}
