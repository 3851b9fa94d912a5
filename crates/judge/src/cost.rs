//! What a call costs of a limit.

use ratewarden_callers::Fields;
use ratewarden_policy::{Cost, CostSource, Limit};

use crate::body::Body;
use crate::{Head, Refusal};

/// The cost of a call. A number that stands in the call counts up to the configured highest; one that is not
/// there counts 1, and one that cannot be read counts as the highest: who writes `limit=1e9` must not pay 1.
///
/// # Errors
/// When the number is there more than once.
pub(crate) fn of<F: Fields>(
    limit: &Limit,
    head: &Head<'_, F>,
    body: Option<&Body<'_>>,
) -> Result<u64, Refusal> {
    let (source, most) = match &limit.cost {
        Cost::Fixed(cost) => return Ok(*cost),
        Cost::From { source, most } => (source, *most),
    };
    let text = match source {
        CostSource::Query(name) => head.parameter(name)?,
        CostSource::Header(name) => {
            head.field(name)?.map(|value| String::from_utf8_lossy(value).trim().to_owned())
        }
        CostSource::Body(field) => match body {
            Some(body) => body.scalar(field)?,
            None => None,
        },
        CostSource::BodyBytes { per } => {
            let bytes = body.map_or(0, |body| body.len() as u64);
            return Ok(bytes.div_ceil(per.get()).clamp(1, most));
        }
    };
    Ok(text.map_or(1, |text| text.parse::<u64>().unwrap_or(most).min(most)))
}
