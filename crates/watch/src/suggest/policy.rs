//! What is suggested, as the text of a policy with its evidence.

use std::path::Path;

use ratewarden_policy::write::{NewLimit, NewPolicy, policy_for};
use ratewarden_policy::{Key, Policy};

use super::propose::Proposal;
use super::{Options, SuggestError, SuggestReport, SuggestedLimit};
use crate::replay::{number, percent};

pub(super) fn about(report: &SuggestReport, measured: &str) -> String {
    format!(
        "Written by `ratewarden policy suggest` from {} calls, {} to {}.\n\
         Limits are what nearly all callers stay under, with head-room. {measured}",
        number(report.calls),
        report.from.as_deref().unwrap_or_default(),
        report.to.as_deref().unwrap_or_default()
    )
}

/// The policy with these limits, as text and as it is read.
pub(super) fn write(
    options: &Options,
    about: &str,
    limits: &[Proposal],
) -> Result<(String, Policy), SuggestError> {
    let new = NewPolicy {
        upstream: options.upstream.clone(),
        about: about.to_owned(),
        limits: limits.iter().filter_map(Proposal::new_limit).collect(),
        ..NewPolicy::default()
    };
    let text = policy_for(&new, &options.callers).map_err(SuggestError::Mistakes)?;
    let read =
        ratewarden_policy::read(&text, Path::new("ratewarden.toml")).map_err(SuggestError::Mistakes)?;
    Ok((text, read.policy))
}

impl Proposal {
    fn new_limit(&self) -> Option<NewLimit> {
        let path = match &self.route {
            Some((_, path)) => Some(path.parse().ok()?),
            None => None,
        };
        Some(NewLimit {
            name: self.name.clone(),
            about: self.evidence.clone(),
            methods: self.route.iter().map(|(method, _)| method.clone()).collect(),
            path,
            per: vec![Key::Caller],
            rate: self.rate,
            burst: Some(self.burst),
        })
    }
}

impl SuggestedLimit {
    pub(super) fn measured(&self) -> String {
        match (self.calls_touched, self.calls, self.callers_touched, self.callers) {
            (Some(0), ..) => "It would have rejected none of these calls.".to_owned(),
            (Some(touched), Some(calls), Some(callers), Some(of)) => format!(
                "It would have rejected {} of {} calls ({}), of {} of {} callers ({}); {} of them look honest.",
                number(touched),
                number(calls),
                percent(touched, calls),
                number(callers),
                number(of),
                percent(callers, of),
                self.looks_honest.unwrap_or_default()
            ),
            _ => "It was not measured.".to_owned(),
        }
    }
}
