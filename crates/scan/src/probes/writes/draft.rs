//! The body of a test write: which fields, which of them is the key, and keys that say they are tests.

use std::sync::atomic::{AtomicU32, Ordering};

use http::Method;
use serde_json::{Map, Value, json};

use super::hints::{self, Kind};
use super::key::{self, Form, UNIQUE, is_uuid};
use crate::context::Context;
use crate::http::{Request, Response};
use crate::probes::reads::plain_name;

/// Refusals of unknown fields that are followed one field at a time.
const UNKNOWN_ONE_BY_ONE: u32 = 1;

/// A write in the making.
pub(super) struct Draft {
    method: Method,
    /// A `{name}` in it stands for the key.
    path: String,
    fields: Map<String, Value>,
    /// The fields that hold the key.
    keys: Vec<String>,
    form: Form,
    /// Six random digits that all keys of this run carry.
    run: u32,
    next: AtomicU32,
    /// Fields that a refusal asked for.
    required: Vec<String>,
    /// Refusals that named unknown fields.
    refusals: u32,
    /// Bodies not tried yet, for when an error tells nothing.
    spare: Vec<Value>,
}

impl Draft {
    /// The first draft: the API description's example, or a small object of usual names.
    pub(super) fn new(ctx: &Context, method: Method, path: &str) -> Self {
        let bare = path.split('?').next().unwrap_or(path);
        let operation = ctx.api.as_ref().and_then(|api| api.operation_for(method.as_str(), bare));
        let example = operation.and_then(|operation| operation.body_example.clone());
        let guess = json!({ "user_id": "", "key": "", "id": "", "event": "", "value": 1, "timestamp": "" });
        let mut spare = vec![
            json!({ "name": "" }),
            json!({ "id": "" }),
            json!({ "user_id": "", "event": "" }),
            json!({ "key": "" }),
        ];
        let first = match example {
            Some(Value::Object(fields)) => {
                spare.push(guess);
                fields
            }
            _ => guess.as_object().cloned().unwrap_or_default(),
        };
        let mut draft = Self {
            method,
            path: path.to_owned(),
            fields: Map::new(),
            keys: Vec::new(),
            form: Form::Text,
            run: fastrand::u32(0x10_0000..0x100_0000),
            next: AtomicU32::new(0),
            required: Vec::new(),
            refusals: 0,
            spare,
        };
        draft.take(first);
        draft
    }

    /// Takes these fields and chooses the key among them.
    fn take(&mut self, fields: Map<String, Value>) {
        self.keys = key::choose(&fields);
        self.form = self.keys.first().and_then(|name| fields.get(name)).map_or(Form::Text, Form::of);
        self.fields = fields;
    }

    /// Changes the body after a refusal; false where nothing is left to try.
    pub(super) fn improve(&mut self, refusal: &Response) -> bool {
        let hints = hints::read(refusal, &self.fields);
        let mut fields = self.fields.clone();
        self.required.extend(hints.missing.iter().chain(hints.kinds.iter().map(|(name, _)| name)).cloned());
        self.refusals += u32::from(!hints.unknown.is_empty());
        for name in &hints.unknown {
            fields.remove(name);
        }
        if !hints.unknown.is_empty() && self.refusals > UNKNOWN_ONE_BY_ONE {
            // This server names one field at a time: nothing but what it asked for, then.
            fields.retain(|name, _| self.required.contains(name));
        }
        for name in &hints.missing {
            fields.entry(name.clone()).or_insert_with(|| Value::String(String::new()));
        }
        for (name, kind) in &hints.kinds {
            fields.insert(name.clone(), kind.example());
        }
        if fields == self.fields {
            let Some(Value::Object(spare)) = self.spare.pop() else { return false };
            fields = spare;
        }
        self.take(fields);
        true
    }

    /// Whether there is a key to hold fixed.
    pub(super) fn has_key(&self) -> bool {
        !self.keys.is_empty() || self.key_in_path().is_some()
    }

    /// The key's place, for people: `user_id`.
    pub(super) fn key_name(&self) -> String {
        match self.key_in_path() {
            Some(name) => format!("{name} in the path"),
            None => self.keys.join(", "),
        }
    }

    /// What a limit for each key counts per, in the words of a policy: `body:user_id`, `path:id`, `query:user`.
    pub(super) fn counted_per(&self) -> Vec<String> {
        let Some(name) = self.key_in_path() else {
            return self.keys.iter().map(|key| format!("body:{key}")).collect();
        };
        let hole = format!("{{{name}}}");
        let query = self.path.split_once('?').map_or("", |(_, query)| query);
        let holder =
            query.split('&').filter_map(|pair| pair.split_once('=')).find(|(_, value)| *value == hole);
        vec![holder.map_or_else(|| format!("path:{name}"), |(parameter, _)| format!("query:{parameter}"))]
    }

    /// The key that stays the same.
    pub(super) fn fixed_key(&self) -> Value {
        self.key(0)
    }

    /// A key that was not used before.
    pub(super) fn fresh_key(&self) -> Value {
        self.key(self.next.fetch_add(1, Ordering::Relaxed) + 1)
    }

    fn key(&self, number: u32) -> Value {
        match self.form {
            Form::Text => json!(format!("{}-{number}", self.prefix())),
            Form::Number => json!(u64::from(self.run) * 1_000 + u64::from(number)),
            Form::Uuid => json!(format!("{}{number:06x}", self.prefix())),
        }
    }

    fn prefix(&self) -> String {
        match self.form {
            Form::Uuid => format!("facade00-0000-4000-8000-{:06x}", self.run),
            _ => format!("ratewarden-probe-{:06x}", self.run),
        }
    }

    /// How the records written can be found again.
    pub(super) fn marks(&self) -> String {
        let place = self.key_name();
        match self.form {
            Form::Number => {
                let first = u64::from(self.run) * 1_000;
                format!("{place} from {first} to {}", first + u64::from(self.next.load(Ordering::Relaxed)))
            }
            _ => format!("{place} begins with `{}`", self.prefix()),
        }
    }

    /// The write with this key.
    pub(super) fn request(&self, key: &Value) -> Request {
        self.request_with(key, &Map::new())
    }

    /// The write with this key and more fields.
    pub(super) fn request_with(&self, key: &Value, more: &Map<String, Value>) -> Request {
        let mut body = self.fields.clone();
        for (name, value) in &mut body {
            if self.keys.contains(name) {
                *value = key.clone();
            } else if UNIQUE.contains(&plain_name(name).as_str())
                && value.as_str().is_some_and(|text| !is_uuid(text))
            {
                *value = json!(format!("ratewarden-probe-{:016x}", fastrand::u64(..)));
            } else if UNIQUE.contains(&plain_name(name).as_str()) && value.is_string() {
                *value = json!(random_uuid());
            } else if value.as_str() == Some("") {
                *value = filling(name);
            }
        }
        body.extend(more.clone());
        let mut path = self.path.clone();
        if let Some(name) = self.key_in_path() {
            let text = key.as_str().map_or_else(|| key.to_string(), str::to_owned);
            path = path.replace(&format!("{{{name}}}"), &text);
        }
        Request::get(path).method(self.method.clone()).json(&Value::Object(body))
    }

    /// The name of a `{key}` in the path.
    pub(super) fn key_in_path(&self) -> Option<&str> {
        let (_, rest) = self.path.split_once('{')?;
        rest.split_once('}').map(|(name, _)| name)
    }

    /// Whether keys are texts, so that a very long one can be tried.
    pub(super) fn is_text(&self) -> bool {
        self.form != Form::Number
    }

    /// A value that is no key of any form, marked as ours.
    pub(super) fn wrong_key(&self) -> Value {
        json!({ "ratewarden-probe": [self.prefix()] })
    }

    /// A key of so many bytes.
    pub(super) fn long_key(&self, bytes: usize) -> Value {
        let mut text = format!("{}-", self.prefix());
        text.extend(std::iter::repeat_n('x', bytes.saturating_sub(text.len())));
        json!(text)
    }
}

/// What to put into a field of this name.
fn filling(name: &str) -> Value {
    let plain = plain_name(name);
    if ["time", "date", "createdat", "updatedat", "ts"].iter().any(|part| plain.contains(part)) {
        return json!(jiff::Timestamp::now().to_string());
    }
    match plain.as_str() {
        "value" | "count" | "amount" | "quantity" | "price" | "size" | "duration" => json!(1),
        "email" => json!("ratewarden-probe@example.invalid"),
        _ => json!("ratewarden-probe"),
    }
}

fn random_uuid() -> String {
    format!("facade00-0000-4000-8000-{:012x}", fastrand::u64(..1 << 48))
}

impl Kind {
    /// A value of this kind.
    fn example(self) -> Value {
        match self {
            Self::Number => json!(1),
            Self::Boolean => json!(true),
            Self::List => json!([]),
            Self::Object => json!({}),
            Self::Text => json!(""),
            Self::Uuid => json!(random_uuid()),
        }
    }
}
