//! A condition tried on a call that is made up.
//!
//! CEL has no types until it runs, so `request.path > 5` and `size(request.path)` are only seen then. What depends
//! on the call (a header that is absent) is no fault.

use std::collections::HashMap;

use cel::objects::ValueType;
use cel::{Context, ExecutionError, Program, Value};

use super::Fault;
use crate::notes::short;

/// What is wrong with the result, if anything.
pub(super) fn fault(program: &Program, text: &str) -> Option<Fault> {
    let whole = || 0..text.len();
    match program.execute(&made_up()) {
        Ok(Value::Bool(_)) => None,
        Ok(other) => {
            let message = format!("is {}, expected true or false", kind(&other));
            Some(Fault::new(whole(), message).hint("compare it with something"))
        }
        Err(error @ (ExecutionError::NoSuchOverload(_) | ExecutionError::FunctionError { .. })) => {
            Some(Fault::new(whole(), format!("cannot be computed: {}", short(&error.to_string()))))
        }
        Err(_) => None,
    }
}

/// `GET /` without query and headers, by a caller without a plan.
fn made_up() -> Context<'static, 'static> {
    let nothing = || Value::from(HashMap::<String, Value>::new());
    let text = |text: &str| Value::from(text.to_owned());
    let table = |entries: Vec<(&str, Value)>| {
        let owned = entries.into_iter().map(|(name, value)| (name.to_owned(), value));
        Value::from(owned.collect::<HashMap<String, Value>>())
    };
    let request = table(vec![
        ("method", text("GET")),
        ("path", text("/")),
        ("query", nothing()),
        ("headers", nothing()),
    ]);
    let caller = table(vec![("name", text("")), ("plan", text("")), ("address", text("192.0.2.1"))]);
    let mut context = Context::default();
    context.add_variable_from_value("request", request);
    context.add_variable_from_value("caller", caller);
    context
}

fn kind(value: &Value) -> String {
    match value.type_of() {
        ValueType::String => "a string".to_owned(),
        ValueType::Int | ValueType::UInt | ValueType::Float => "a number".to_owned(),
        ValueType::List => "a list".to_owned(),
        ValueType::Map => "a map".to_owned(),
        other => format!("of type {other}"),
    }
}
