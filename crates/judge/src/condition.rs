//! Conditions in CEL, for what `match` cannot say.
//!
//! Compiled when the policy is loaded; only a limit that has one pays for it (some microseconds), and only when its
//! `match` holds.

use std::collections::HashMap;

use cel::{Context, Program, Value};
use ratewarden_callers::Fields;
use ratewarden_policy::condition;

use crate::{Head, Subject};

/// A compiled condition.
pub struct Condition(Program);

/// A condition that does not compile; the policy's check has seen it before.
#[derive(Debug, thiserror::Error)]
#[error("the condition of `{limit}`: {message}")]
pub struct ConditionError {
    limit: String,
    message: String,
}

impl Condition {
    /// Compiles the condition of `limit`.
    ///
    /// # Errors
    /// When it is no condition.
    pub fn compile(limit: &str, text: &str) -> Result<Self, ConditionError> {
        condition::compile(text).map(Self).map_err(|faults| ConditionError {
            limit: limit.to_owned(),
            message: faults.into_iter().map(|fault| fault.message).collect::<Vec<_>>().join("; "),
        })
    }

    /// Whether it holds. Where it cannot be computed (it asks for a header that is not there) the limit applies: a
    /// caller must not get round a limit by leaving something out. A condition that means to ask says
    /// `"x-tier" in request.headers`.
    pub fn holds<F: Fields>(&self, head: &Head<'_, F>, subject: &Subject) -> bool {
        !matches!(self.0.execute(&context(head, subject)), Ok(Value::Bool(false)))
    }
}

impl std::fmt::Debug for Condition {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Condition")
    }
}

fn context<F: Fields>(head: &Head<'_, F>, subject: &Subject) -> Context<'static, 'static> {
    let text = |text: &str| Value::from(text.to_owned());
    let mut headers = HashMap::new();
    head.fields.each(&mut |name, value| {
        headers.entry(name.to_ascii_lowercase()).or_insert_with(|| text(&String::from_utf8_lossy(value)));
    });
    let mut query = HashMap::new();
    for pair in head.query.unwrap_or_default().split('&').filter(|pair| !pair.is_empty()) {
        // The name is decoded as a value of an unnamed parameter, so that there is one decoder.
        let raw = pair.split('=').next().unwrap_or_default();
        let unnamed = format!("={raw}");
        let name = ratewarden_http1::query_values(&unnamed, "").next().unwrap_or_default().into_owned();
        let value = ratewarden_http1::query_values(pair, &name).next().unwrap_or_default().into_owned();
        query.entry(name).or_insert_with(|| Value::from(value));
    }
    let table = |entries: Vec<(&str, Value)>| {
        let owned = entries.into_iter().map(|(name, value)| (name.to_owned(), value));
        Value::from(owned.collect::<HashMap<String, Value>>())
    };
    let request = table(vec![
        ("method", text(head.method)),
        ("path", text(head.path)),
        ("query", Value::from(query)),
        ("headers", Value::from(headers)),
    ]);
    let caller = table(vec![
        ("name", Value::from(subject.caller.display().to_string())),
        ("plan", text(subject.caller.plan().unwrap_or_default())),
        ("address", Value::from(subject.address.map(|address| address.to_string()).unwrap_or_default())),
    ]);
    let mut context = Context::default();
    context.add_variable_from_value("request", request);
    context.add_variable_from_value("caller", caller);
    context
}
