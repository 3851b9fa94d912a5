//! Which field of a body is the key, and what a key has to look like.

use serde_json::{Map, Value};

use crate::probes::reads::plain_name;

/// Fields that rows are usually partitioned by, the likeliest first, without case and punctuation.
const KEYS: [&str; 19] = [
    "userid",
    "key",
    "partitionkey",
    "deviceid",
    "sensorid",
    "accountid",
    "tenantid",
    "customerid",
    "sessionid",
    "user",
    "device",
    "sensor",
    "account",
    "tenant",
    "customer",
    "series",
    "metric",
    "source",
    "name",
];
/// Fields that are new with every row: a fixed value in one of these is a duplicate, not a hot key.
pub(super) const UNIQUE: [&str; 6] = ["id", "eventid", "uuid", "requestid", "messageid", "idempotencykey"];

/// What a key has to look like.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Form {
    Text,
    Number,
    Uuid,
}

impl Form {
    /// The form of a value.
    pub(super) fn of(value: &Value) -> Self {
        match value {
            Value::Number(_) => Self::Number,
            Value::String(text) if is_uuid(text) => Self::Uuid,
            _ => Self::Text,
        }
    }
}

/// The field that rows are likeliest to be partitioned by. Our own guess has two names for it, so where both `user_id` and
/// `key` are there and alike, both are.
pub(super) fn choose(fields: &Map<String, Value>) -> Vec<String> {
    let plain = |value: &Value| value.is_string() || value.is_number();
    let names = || fields.iter().filter(|(_, value)| plain(value)).map(|(name, _)| (name, plain_name(name)));
    let rank = |plain: &str| KEYS.iter().position(|key| *key == plain);
    let ends = |plain: &str| plain.ends_with("id") || plain.ends_with("key");
    let is_unique = |plain: &str| UNIQUE.contains(&plain);
    let first = names()
        .filter_map(|(name, plain)| Some((rank(&plain)?, name)))
        .min()
        .map(|(_, name)| name)
        .or_else(|| names().find(|(_, plain)| ends(plain) && !is_unique(plain)).map(|(name, _)| name))
        .or_else(|| names().find(|(_, plain)| is_unique(plain)).map(|(name, _)| name));
    let Some(first) = first else { return Vec::new() };
    let form = fields.get(first).map(Form::of);
    let twin = (plain_name(first) == "userid")
        .then(|| fields.get("key").filter(|value| plain(value) && Some(Form::of(value)) == form))
        .flatten();
    let mut keys = vec![first.clone()];
    keys.extend(twin.map(|_| "key".to_owned()));
    keys
}

/// Whether a text is written as a UUID is.
pub(super) fn is_uuid(text: &str) -> bool {
    let lengths: Vec<usize> = text.split('-').map(str::len).collect();
    lengths == [8, 4, 4, 4, 12] && text.chars().all(|c| c == '-' || c.is_ascii_hexdigit())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn keys(body: &Value) -> Vec<String> {
        choose(body.as_object().unwrap())
    }

    #[test]
    fn the_key_is_what_rows_are_grouped_by() {
        assert_eq!(keys(&json!({ "id": "", "name": "", "user_id": "" })), ["user_id"]);
        assert_eq!(keys(&json!({ "key": "", "user_id": "" })), ["user_id", "key"]);
        assert_eq!(keys(&json!({ "key": 1, "user_id": "" })), ["user_id"]);
        assert_eq!(keys(&json!({ "user": { "id": 1 }, "orderId": "", "id": "" })), ["orderId"]);
        assert_eq!(keys(&json!({ "id": 5, "text": "" })), ["id"]);
        assert_eq!(keys(&json!({ "text": "", "on": true })), [""; 0]);
    }

    #[test]
    fn its_form_is_that_of_the_example() {
        assert_eq!(Form::of(&json!(5)), Form::Number);
        assert_eq!(Form::of(&json!("123e4567-e89b-12d3-a456-426614174000")), Form::Uuid);
        assert_eq!(Form::of(&json!("ann")), Form::Text);
    }
}
