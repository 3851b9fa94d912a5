//! What the pages amount to: one finding with the strongest reason, or a note.

use ratewarden_model::{Confidence, Finding, rules};

use super::growth::{self, Ceiling, HUGE_ITEMS, Page, Trend};
use super::listing::Listing;
use super::query;
use crate::context::Context;
use crate::curl;
use crate::http::Request;
use crate::remedy;

/// A list of fewer rows needs no paging.
pub(super) const FEW_ROWS: u64 = 100;
/// A page of this many bytes is huge.
const HUGE_BYTES: u64 = 1024 * 1024;

/// Everything that was seen of the endpoint's pages.
pub(super) struct Seen {
    /// The list as it was first answered.
    pub(super) baseline: Listing,
    /// The parameter that sets the page size.
    pub(super) parameter: Option<String>,
    /// The pages, in the order they were asked for.
    pub(super) pages: Vec<Page>,
    pub(super) ceiling: Ceiling,
    /// The page that carried every usual name, without effect.
    pub(super) ignored: Option<Page>,
    /// Neither sizes nor positions have an effect, and the answer speaks of none.
    pub(super) unpaged: bool,
    /// The URL carries page parameters, so the page without them is another one.
    pub(super) had_paging: bool,
    /// Why no parameter could be told.
    pub(super) unknown: Option<String>,
    /// The last page was too slow or too large to ask for a larger one.
    pub(super) too_much: bool,
    /// The probe was stopped.
    pub(super) cut_short: bool,
}

impl Seen {
    pub(super) const fn new(baseline: Listing) -> Self {
        Self {
            baseline,
            parameter: None,
            pages: Vec::new(),
            ceiling: Ceiling::Unknown,
            ignored: None,
            unpaged: false,
            had_paging: false,
            unknown: None,
            too_much: false,
            cut_short: false,
        }
    }

    fn left_out(&self) -> Option<&Page> {
        self.pages.iter().find(|page| page.size.is_none())
    }
}

/// One reason to call the reads unbounded.
struct Reason {
    text: String,
    confidence: Confidence,
    /// The request that shows it.
    request: Request,
}

/// The finding, if there is a reason for one.
pub(super) fn finding(ctx: &Context, seen: &Seen) -> Option<Finding> {
    let reasons: Vec<Reason> =
        [growth(ctx, seen), omitted(ctx, seen), unpaged(ctx, seen), huge_default(ctx, seen)]
            .into_iter()
            .flatten()
            .collect();
    let strongest = reasons.first()?;
    let description = reasons.iter().map(|reason| reason.text.as_str()).collect::<Vec<_>>().join(" ");
    let trend = Trend::of(&seen.pages);
    let mut pages = seen.pages.clone();
    if pages.is_empty() {
        pages.extend(seen.ignored.clone());
    }
    let plateau = match seen.ceiling {
        Ceiling::NotSeen { .. } => Some(false),
        Ceiling::Items(_) | Ceiling::Refused(_) => Some(true),
        Ceiling::Unknown => None,
    };
    let mut finding = ctx
        .finding(&rules::UNBOUNDED_READ, description)
        .confidence(strongest.confidence)
        .evidence("parameter", seen.parameter.clone())
        .evidence("pages", growth::evidence(&pages))
        .evidence("bytes_exponent", trend.bytes)
        .evidence("latency_exponent", trend.latency)
        .evidence("plateau", plateau)
        .reproduce(format!(
            "curl -sS -o /dev/null -w '%{{http_code}} %{{size_download}} bytes in %{{time_total}} s\\n' {}",
            curl::arguments(&ctx.client, &strongest.request)
        ));
    if seen.ignored.is_some() {
        finding = finding.evidence("parameters_without_effect", query::SIZES.len());
    }
    let backend = remedy::backend(ctx.config.backend, &ctx.technologies);
    finding.remediation.snippets = remedy::read_snippets(backend, seen.parameter.as_deref());
    Some(finding)
}

/// What is worth saying where nothing is wrong.
pub(super) fn note(seen: &Seen) -> Option<String> {
    let parameter = seen.parameter.as_deref().unwrap_or("the page size");
    match (&seen.ceiling, &seen.unknown) {
        (Ceiling::Items(items), _) => {
            Some(format!("no page had more than {items} items, whatever {parameter} asked for"))
        }
        (Ceiling::Refused(size), _) => Some(format!("{parameter}={size} was refused")),
        (Ceiling::Unknown, Some(why)) => Some(format!("page sizes could not be judged: {why}")),
        (Ceiling::Unknown, None) if seen.parameter.is_some() && !seen.cut_short => {
            Some("page sizes could not be judged: the list ended before a ceiling could be seen".to_owned())
        }
        _ => None,
    }
}

fn growth(ctx: &Context, seen: &Seen) -> Option<Reason> {
    let Ceiling::NotSeen { size, items } = seen.ceiling else { return None };
    // A thousand is where many servers hold the size: a tenfold value must have been tried, or cost too much to try.
    let shown = size > HUGE_ITEMS || seen.too_much;
    let name = seen.parameter.as_deref().filter(|_| shown)?;
    let last = seen.pages.iter().rfind(|page| page.size == Some(size))?;
    let about = if last.list.as_ref().is_some_and(|list| list.estimated) { "about " } else { "" };
    let text = format!(
        "Pages grew with `{name}` up to {size} without a plateau: the last one had {about}{items} items in {} bytes and took \
         {:.0} ms.",
        last.bytes, last.latency_ms
    );
    let path = query::with(&ctx.client.target().path_and_query, &[(name, size)]);
    // Where the measuring had to stop early, a ceiling further up is still possible.
    let confidence = if size >= 10_000 { Confidence::Firm } else { Confidence::Tentative };
    Some(Reason { text, confidence, request: Request::get(path) })
}

/// The ceiling holds only while the parameter is sent.
fn omitted(ctx: &Context, seen: &Seen) -> Option<Reason> {
    let page = seen.left_out()?;
    let items = page.list.as_ref()?.items;
    let request = Request::get(query::without_paging(&ctx.client.target().path_and_query));
    let text = match seen.ceiling {
        Ceiling::Items(most) if items >= FEW_ROWS && items * 2 >= most * 3 => format!(
            "No page had more than {most} items while `{}` was sent, yet without it {items} items came.",
            seen.parameter.as_deref().unwrap_or_default()
        ),
        Ceiling::Refused(size) if items > size => format!(
            "`{}={size}` was refused, yet without it {items} items came.",
            seen.parameter.as_deref().unwrap_or_default()
        ),
        _ if seen.had_paging && items >= HUGE_ITEMS && items >= seen.baseline.items * 10 => format!(
            "With its page parameters left out the endpoint answered {items} items instead of {}.",
            seen.baseline.items
        ),
        _ => return None,
    };
    Some(Reason { text, confidence: Confidence::Firm, request })
}

fn unpaged(ctx: &Context, seen: &Seen) -> Option<Reason> {
    let control = seen.ignored.as_ref().filter(|_| seen.unpaged)?;
    let items = control.items();
    let about = if control.list.as_ref().is_some_and(|list| list.estimated) { "about " } else { "" };
    let text = format!(
        "The list came whole, {about}{items} items in {} bytes: none of {} usual page-size parameters and none of the usual \
         offsets changed it, and it names no next page.",
        control.bytes,
        query::SIZES.len()
    );
    let confidence = if items >= HUGE_ITEMS { Confidence::Firm } else { Confidence::Tentative };
    Some(Reason { text, confidence, request: ctx.plain() })
}

fn huge_default(ctx: &Context, seen: &Seen) -> Option<Reason> {
    let page = seen.left_out()?;
    let list = page.list.as_ref()?;
    let huge = list.items >= HUGE_ITEMS || page.bytes >= HUGE_BYTES;
    let about = if list.estimated { "about " } else { "" };
    huge.then(|| Reason {
        text: format!(
            "Without any page parameter one call brought {about}{} items in {} bytes.",
            list.items, page.bytes
        ),
        confidence: Confidence::Firm,
        request: Request::get(query::without_paging(&ctx.client.target().path_and_query)),
    })
}
