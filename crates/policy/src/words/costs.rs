//! What a call costs, where that stands in the call or is known only after the response.

use std::num::NonZeroU64;

use ratewarden_model::parse_size;

use super::StatusRange;
use super::sources::{field, header, parts, plain, unknown};
use crate::form::{Written, Wrong};
use crate::notes::short;
use crate::policy::{CostSource, Settle};

/// A cost that stands in the call.
#[derive(Debug, Clone)]
pub(crate) struct CostWord(pub(crate) CostSource);

impl Written for CostWord {
    const EXPECTED: &'static str = "where the cost stands, such as `query:limit`";
    const EXAMPLES: &'static [&'static str] =
        &["query:limit", "header:x-cost", "body:spec.cpus", "body-bytes", "body-bytes:1KiB"];
    const PATTERN: &'static str = "^(body-bytes|(query|header|body|body-bytes):.+)$";

    fn parse(text: &str) -> Result<Self, Wrong> {
        let source = match parts(text) {
            ("query", Some(name)) => CostSource::Query(plain(name, "a query parameter")?),
            ("header", Some(name)) => CostSource::Header(header(name)?),
            ("body", Some(path)) => CostSource::Body(field(path)?),
            ("body-bytes", Some(size)) => CostSource::BodyBytes { per: unit(size)? },
            ("body-bytes", None) => CostSource::BodyBytes { per: NonZeroU64::MIN },
            _ => {
                return Err(unknown(text, &["query:NAME", "header:NAME", "body:FIELD", "body-bytes:SIZE"]));
            }
        };
        Ok(Self(source))
    }
}

impl Written for Settle {
    const EXPECTED: &'static str = "what is charged after the response, such as `response-bytes:1KiB`";
    const EXAMPLES: &'static [&'static str] = &[
        "response-bytes:1KiB",
        "response-header:x-cost",
        "status:5xx=0",
        "status:404=0",
        "status:500-503=0",
    ];
    const PATTERN: &'static str = "^(response-bytes|response-header|status):.+$";

    fn parse(text: &str) -> Result<Self, Wrong> {
        match parts(text) {
            ("response-bytes", Some(size)) => Ok(Self::ResponseBytes { per: unit(size)? }),
            ("response-header", Some(name)) => Ok(Self::ResponseHeader(header(name)?)),
            ("status", Some(rule)) => status_cost(rule).ok_or_else(|| {
                Wrong::new(format!("`{}` is not a status and a cost", short(rule)))
                    .hint("such as `status:5xx=0`, `status:404=0` or `status:500-503=0`")
            }),
            _ => Err(unknown(text, &["response-bytes:SIZE", "response-header:NAME", "status:5xx=COST"])),
        }
    }
}

fn status_cost(rule: &str) -> Option<Settle> {
    let (statuses, cost) = rule.split_once('=')?;
    let StatusRange { from, to } = StatusRange::of(statuses)?;
    let digits = cost.bytes().all(|byte| byte.is_ascii_digit());
    let cost = cost.parse().ok().filter(|_| digits)?;
    Some(Settle::Status { from, to, cost })
}

/// A number of bytes that cost one.
fn unit(size: &str) -> Result<NonZeroU64, Wrong> {
    parse_size(size).ok().and_then(NonZeroU64::new).ok_or_else(|| {
        Wrong::new(format!("`{}` is not a size", short(size)))
            .hint("such as `1KiB`: each started KiB costs one")
    })
}
