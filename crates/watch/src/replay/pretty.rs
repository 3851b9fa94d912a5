//! The report as somebody reads it who wonders whether to switch a limit on: how many calls and callers it would hit, and
//! whether those look as if they deserved it.

use anstyle::Style;
use ratewarden_report::terminal::{BAD, BOLD, DIM, FAIR, GOOD, PLAIN};
use ratewarden_report::{Options, Page, clean, one_line};

use super::count::{number, percent, plural};
use super::report::{LimitReplay, RejectedCaller, ReplayReport};

/// Rejected callers that are shown for each limit; more are counted.
const CALLERS: usize = 5;

/// Sources that are named; more are counted.
const SOURCES: usize = 5;

/// Columns of the longest name of a caller before figures move on.
const NAME: usize = 40;

/// The report for a terminal. Ends with a newline.
#[must_use]
pub fn pretty(report: &ReplayReport, options: &Options) -> String {
    let mut page = Page::new(options);
    head(&mut page, report);
    page.heading(if report.limits.len() == 1 { "Limit" } else { "Limits" });
    if report.limits.is_empty() {
        page.paragraph(2, "The policy has none.", DIM);
    }
    for limit in &report.limits {
        limit_block(&mut page, limit);
    }
    let penalties: Vec<_> = report.penalties.iter().filter(|one| one.bans > 0 || one.calls > 0).collect();
    if !penalties.is_empty() {
        page.heading("Penalties");
        for penalty in penalties {
            let (bans, calls) = (plural(penalty.bans, "ban", "bans"), plural(penalty.calls, "call", "calls"));
            page.paragraph(2, &format!("{}: {bans}, which met {calls}", shown(&penalty.name)), PLAIN);
        }
    }
    page.heading("What this rests on");
    for assumption in &report.assumptions {
        page.item(2, "· ", &shown(assumption));
    }
    page.into_text()
}

fn head(page: &mut Page, report: &ReplayReport) {
    let calls = plural(report.calls, "call", "calls");
    page.paragraph(0, &format!("What the policy would have done to {calls}"), BOLD);
    for source in report.sources.iter().take(SOURCES) {
        let unreadable = match source.unreadable {
            0 => String::new(),
            lines => format!(", {} unreadable", plural(lines, "line", "lines")),
        };
        let calls = plural(source.calls, "call", "calls");
        page.paragraph(0, &format!("{} ({}): {calls}{unreadable}", shown(&source.name), source.form), DIM);
    }
    if report.sources.len() > SOURCES {
        page.paragraph(0, &format!("and {} more sources", report.sources.len() - SOURCES), DIM);
    }
    if let (Some(from), Some(to)) = (&report.from, &report.to) {
        page.paragraph(0, &format!("{from} to {to}"), DIM);
    }
    page.blank();
    let refused: u64 = report.refused.values().sum();
    let figures = [
        ("admitted", report.admitted, PLAIN),
        ("rejected", report.rejected, BAD),
        ("of banned callers", report.banned, BAD),
        ("refused", refused, FAIR),
        ("of nobody", report.unattributed, DIM),
    ];
    let columns =
        figures.iter().map(|(_, count, _)| number(*count).chars().count()).max().unwrap_or_default();
    for (what, count, style) in figures {
        if count == 0 && what != "rejected" && what != "admitted" {
            continue;
        }
        let why = if what == "refused" { reasons(report) } else { String::new() };
        let line = format!("{:>columns$}  {what} ({}){why}", number(count), percent(count, report.calls));
        page.columns(2, &line, if count == 0 { PLAIN } else { style });
    }
}

fn reasons(report: &ReplayReport) -> String {
    let reasons = report.refused.iter().map(|(reason, count)| format!("{} {reason}", number(*count)));
    format!(": {}", reasons.collect::<Vec<_>>().join(", "))
}

fn limit_block(page: &mut Page, limit: &LimitReplay) {
    let shadow = if limit.shadow { " (only recorded)" } else { "" };
    page.paragraph(2, &format!("{}{shadow}", shown(&limit.name)), BOLD);
    page.paragraph(4, &shown(&limit.admits), DIM);
    match (limit.matched, limit.rejected) {
        (Some(matched), Some(rejected)) => {
            let about = if limit.callers_error > 0.0 { "about " } else { "" };
            let callers = limit.callers.unwrap_or_default();
            let of = if callers == 1 { "caller" } else { "callers" };
            let seen =
                format!("met by {} of {about}{} {of}", plural(matched, "call", "calls"), number(callers));
            page.paragraph(4, &seen, PLAIN);
            let style = if rejected == 0 { GOOD } else { BAD };
            page.paragraph(4, &verdict(limit, matched, rejected, about), style);
        }
        _ => {
            for why in &limit.unsupported {
                page.paragraph(4, &format!("NOT REPLAYED: {}", shown(why)), FAIR);
            }
        }
    }
    callers(page, limit);
    for assumption in &limit.assumptions {
        page.item(4, "· ", &shown(assumption));
    }
    page.blank();
}

fn verdict(limit: &LimitReplay, matched: u64, rejected: u64, about: &str) -> String {
    if rejected == 0 {
        return "none of them rejected".to_owned();
    }
    let (callers, honest) =
        (limit.callers_rejected.unwrap_or_default(), limit.looks_honest.unwrap_or_default());
    let looks = match (callers, honest) {
        (1, 0) => "who does not look honest".to_owned(),
        (1, _) => "who looks honest".to_owned(),
        (_, 0) => "none of whom looks honest".to_owned(),
        (_, 1) => "1 of whom looks honest".to_owned(),
        _ => format!("{} of whom look honest", number(honest)),
    };
    let of = if callers == 1 { "caller" } else { "callers" };
    format!(
        "{} rejected ({}), of {about}{} {of}, {looks}",
        number(rejected),
        percent(rejected, matched),
        number(callers)
    )
}

fn callers(page: &mut Page, limit: &LimitReplay) {
    let shown_callers = limit.rejected_callers.iter().take(CALLERS);
    let name = |caller: &RejectedCaller| shown(&caller.caller);
    let widest =
        shown_callers.clone().map(|caller| name(caller).chars().count()).max().unwrap_or_default().min(NAME);
    for caller in shown_callers {
        let about = if caller.calls_error > 0 { "up to " } else { "" };
        let (looks, style): (_, Style) =
            if caller.looks_honest { ("looks honest", BAD) } else { ("does not look honest", DIM) };
        let line = format!(
            "{:widest$}  {} of {about}{} rejected · {looks}",
            name(caller),
            number(caller.rejected),
            number(caller.calls)
        );
        page.columns(6, &line, style);
        for reason in &caller.reasons {
            page.item(8, "", reason);
        }
    }
    let more = limit.callers_rejected.unwrap_or_default().saturating_sub(CALLERS as u64);
    if more > 0 {
        page.paragraph(6, &format!("and {} in the JSON document", plural(more, "caller", "callers")), DIM);
    }
}

/// Text that came with calls: on one line, and nothing that steers a terminal.
fn shown(text: &str) -> String {
    one_line(&clean(text))
}
