//! Queries of the admin listener: known parameters only, each once.

use ratewarden_http1::query_values;
use ratewarden_judge::Refusal;

/// The value of each parameter of `known` in turn.
///
/// # Errors
/// When there is another one, or one is there twice.
pub(super) fn read<const N: usize>(
    query: Option<&str>,
    known: [&'static str; N],
) -> Result<[Option<String>; N], Refusal> {
    let query = query.unwrap_or_default();
    for pair in query.split('&').filter(|pair| !pair.is_empty()) {
        let name = pair.split('=').next().unwrap_or_default();
        if !known.contains(&name) {
            let detail = format!("there is no parameter `{name}`; known are {}", known.join(", "));
            return Err(Refusal::new(400, "parameter", detail));
        }
    }
    let mut found = [const { None }; N];
    for (value, name) in found.iter_mut().zip(known) {
        let mut values = query_values(query, name);
        *value = values.next().map(std::borrow::Cow::into_owned);
        if values.next().is_some() {
            return Err(Refusal::new(400, "parameter", format!("`{name}` is there more than once")));
        }
    }
    Ok(found)
}

/// How many of something, from 1.
///
/// # Errors
/// When it is no such number.
pub(super) fn limit(text: Option<&str>, otherwise: usize, most: usize) -> Result<usize, Refusal> {
    let Some(text) = text else { return Ok(otherwise) };
    text.parse().ok().filter(|limit| (1..=most).contains(limit)).ok_or_else(|| {
        Refusal::new(400, "parameter", format!("`limit` is a whole number from 1 to {most}, not `{text}`"))
    })
}
