//! Which operation a request would reach.

use super::ApiOperation;

/// How well one segment of a template fits; the better is the greater.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Fit {
    /// `{id}`: anything.
    Whole,
    /// `{name}.json`: something with fixed text around it.
    Part,
    /// The same text.
    Same,
}

/// The best match: at the first segment where two templates differ, the more concrete wins, as the
/// specification demands.
pub(super) fn find<'a>(operations: &'a [ApiOperation], method: &str, path: &str) -> Option<&'a ApiOperation> {
    let path = path.split(['?', '#']).next().unwrap_or_default().trim_end_matches('/');
    let mut best: Option<(Vec<Fit>, &ApiOperation)> = None;
    for operation in operations.iter().filter(|operation| operation.method.eq_ignore_ascii_case(method)) {
        let Some(fit) = fit(operation.path.trim_end_matches('/'), path) else { continue };
        if best.as_ref().is_none_or(|(known, _)| fit > *known) {
            best = Some((fit, operation));
        }
    }
    best.map(|(_, operation)| operation)
}

fn fit(template: &str, path: &str) -> Option<Vec<Fit>> {
    let (mut templates, mut segments) = (template.split('/'), path.split('/'));
    let mut fits = Vec::new();
    loop {
        match (templates.next(), segments.next()) {
            (None, None) => return Some(fits),
            (Some(template), Some(segment)) => fits.push(fit_segment(template, segment)?),
            _ => return None,
        }
    }
}

fn fit_segment(template: &str, segment: &str) -> Option<Fit> {
    if template == segment {
        return Some(Fit::Same);
    }
    let (prefix, rest) = template.split_once('{')?;
    let suffix = rest.rsplit_once('}')?.1;
    let inner = segment.strip_prefix(prefix)?.strip_suffix(suffix)?;
    let is_whole = prefix.is_empty() && suffix.is_empty();
    (!inner.is_empty()).then_some(if is_whole { Fit::Whole } else { Fit::Part })
}
