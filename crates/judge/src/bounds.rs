//! Ceilings on what a call may ask for: an unbounded read is stopped at the door.

use ratewarden_callers::Fields;
use ratewarden_http1::query_values;
use ratewarden_policy::{Bound, Bounded};

use crate::body::Body;
use crate::{Head, Refusal, Rules, Selected};

/// What bounds change of a call.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Changed {
    /// The query to forward instead.
    pub query: Option<String>,
    /// The body to forward instead.
    pub body: Option<Vec<u8>>,
    /// The most bytes of the response's body.
    pub response: Option<u64>,
}

/// Holds a call to its bounds.
///
/// # Errors
/// A refusal (422) when a number is over its ceiling and not to be lowered, is not a number, or is missing; 400
/// when it is there more than once.
pub fn hold<F: Fields>(
    rules: &Rules,
    selected: &Selected,
    head: &Head<'_, F>,
    body: Option<&Body<'_>>,
) -> Result<Changed, Refusal> {
    let mut changed = Changed::default();
    for bound in selected.bounds.iter().filter_map(|&index| rules.bounds.get(index)) {
        match &bound.what {
            Bounded::Query { name, max, clamp, required } => {
                // A second bound sees what the first has made of the query.
                let query = changed.query.clone().or_else(|| head.query.map(str::to_owned));
                let head = Head { query: query.as_deref(), ..*head };
                let value = head.parameter(name)?;
                if must_lower(bound, name, value.as_deref(), *max, *clamp && head.changeable, *required)? {
                    changed.query = Some(with_parameter(head.query.unwrap_or_default(), name, *max));
                }
            }
            Bounded::Body { field, max, clamp, required } => {
                let kept = changed.body.take();
                let seen = kept.as_deref().map(Body::new);
                let Some(seen) = seen.as_ref().or(body) else { continue };
                let value = seen.scalar(field)?;
                changed.body = kept.clone();
                let clamp = *clamp && head.changeable;
                if must_lower(bound, &field.join("."), value.as_deref(), *max, clamp, *required)?
                    && let Some((place, _)) = seen.find(field)?
                {
                    changed.body = seen.replaced(place, &max.to_string());
                }
            }
            Bounded::Response { max } => {
                changed.response = Some(changed.response.map_or(*max, |other| other.min(*max)));
            }
        }
    }
    Ok(changed)
}

/// Whether the number must be replaced by the ceiling.
fn must_lower(
    bound: &Bound,
    name: &str,
    value: Option<&str>,
    max: u64,
    clamp: bool,
    required: bool,
) -> Result<bool, Refusal> {
    let Some(value) = value else {
        if required {
            let detail = format!("`{name}` is required (at most {max})");
            return Err(Refusal::new(422, "bound_missing", detail));
        }
        return Ok(false);
    };
    match value.parse::<u64>() {
        Ok(number) if number <= max => Ok(false),
        Ok(_) if clamp => Ok(true),
        Ok(number) => {
            let detail = format!("`{name}` is {number}, at most {max} is allowed ({})", bound.name);
            Err(Refusal::new(422, "bound_exceeded", detail))
        }
        Err(_) => {
            let detail = format!("`{name}` must be a whole number of at most {max}");
            Err(Refusal::new(422, "bound_not_a_number", detail))
        }
    }
}

/// The query with the one parameter `name` set to `value`.
fn with_parameter(query: &str, name: &str, value: u64) -> String {
    let replaced = query.split('&').map(|pair| {
        if query_values(pair, name).next().is_none() {
            return pair.to_owned();
        }
        let raw_name = pair.split('=').next().unwrap_or(name);
        format!("{raw_name}={value}")
    });
    replaced.collect::<Vec<_>>().join("&")
}

impl Body<'_> {
    fn replaced(&self, place: std::ops::Range<usize>, with: &str) -> Option<Vec<u8>> {
        let bytes = self.bytes();
        let (before, after) = (bytes.get(..place.start)?, bytes.get(place.end..)?);
        Some([before, with.as_bytes(), after].concat())
    }
}
