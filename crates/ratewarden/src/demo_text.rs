//! What the demo says beside the reports: short headings, one line for a finding, and a table of before and after.

use clap::builder::styling::{AnsiColor, Style};
use ratewarden_model::{Finding, ScanReport, Severity, rules};

use crate::expect;

const BOLD: Style = Style::new().bold();
const DIM: Style = Style::new().dimmed();
const NUMBER: Style = AnsiColor::Cyan.on_default().bold();
const GOOD: Style = AnsiColor::Green.on_default();
const FAIR: Style = AnsiColor::Yellow.on_default();
const BAD: Style = AnsiColor::Red.on_default();

/// What it is, where it is, how long it takes.
pub(crate) fn welcome(url: &str) -> String {
    format!(
        "{BOLD}Ratewarden demo{BOLD:#}\n\n  A small API with every weakness we look for is now up, on this machine only:\n  \
         {NUMBER}{url}{NUMBER:#}\n  It is scanned, put behind a rate limit, and scanned again: about half a minute.\n"
    )
}

/// `1 · title`, with room above.
pub(crate) fn heading(number: u32, title: &str) -> String {
    format!("\n{NUMBER}{number}{NUMBER:#} {DIM}·{DIM:#} {BOLD}{title}{BOLD:#}\n\n")
}

/// A report in a few lines, without what `before` has said of other places.
pub(crate) fn glance(path: &str, report: &ScanReport, before: &ScanReport) -> String {
    let mut text = format!("  {BOLD}GET {path}{BOLD:#}  {}\n", score(report));
    let told = untold(path, report, before);
    if told.is_empty() {
        text.push_str("    nothing was found\n");
    }
    for finding in told {
        text.push_str(&format!("    {}  {}\n", severity(finding.severity), finding.title));
    }
    text.push('\n');
    text
}

fn untold<'a>(path: &str, report: &'a ScanReport, before: &ScanReport) -> Vec<&'a Finding> {
    let is_new = |finding: &&Finding| {
        finding.subject.label().ends_with(path)
            || before.findings.iter().all(|other| other.fingerprint != finding.fingerprint)
    };
    report.findings.iter().filter(is_new).collect()
}

/// A report in a few lines, with what shows that a limit is less than it seems.
pub(crate) fn got_round(path: &str, report: &ScanReport, before: &ScanReport) -> String {
    let mut text = format!("  {BOLD}GET {path}{BOLD:#}  {}\n", score(report));
    text.push_str(&format!("    {DIM}limiter{DIM:#}   {}\n", limiters(report)));
    for finding in untold(path, report, before) {
        text.push_str(&format!("    {}  {}\n", severity(finding.severity), finding.title));
        if let Some(shown) = shown(finding) {
            text.push_str(&format!("              {DIM}{shown}{DIM:#}\n"));
        }
    }
    text
}

/// The variants that got round a limit, or what is false in its headers.
fn shown(finding: &Finding) -> Option<String> {
    if finding.rule == rules::HEADERS_LIE.id {
        return Some(finding.description.clone());
    }
    let variants = finding.evidence.get("variants")?.as_array()?;
    let names: Vec<_> = variants.iter().filter_map(|value| value.as_str()).collect();
    Some(format!("got round with {}", names.join(", ")))
}

/// What the limit changed, and what it did not.
pub(crate) fn comparison(before: &ScanReport, after: &ScanReport) -> String {
    let column = limiters(before).chars().count().max(20);
    let row = |name: &str, before: &str, style: Style, after: &str| {
        format!("  {DIM}{name:<8}{DIM:#}  {before:<column$}  {style}{after}{style:#}\n")
    };
    let total = |report: &ScanReport| format!("{}/100, {}", report.score, report.grade);
    let mut text = row("", "before", DIM, "after");
    text.push_str(&row("score", &total(before), style_of(after.score), &total(after)));
    text.push_str(&row("limiter", &limiters(before), BOLD, &limiters(after)));
    text.push('\n');
    let in_after =
        |finding: &&Finding| after.findings.iter().any(|other| other.fingerprint == finding.fingerprint);
    let in_before =
        |finding: &&Finding| before.findings.iter().any(|other| other.fingerprint == finding.fingerprint);
    let tested = |finding: &&Finding| after.tested.contains(&finding.rule);
    let (still, missing): (Vec<_>, Vec<_>) = before.findings.iter().partition(in_after);
    // What was not tried again was not seen to be gone.
    let (gone, untried): (Vec<_>, Vec<_>) = missing.into_iter().partition(tested);
    let new: Vec<_> = after.findings.iter().filter(|finding| !in_before(finding)).collect();
    text.push_str(&group("not seen again", GOOD, &gone));
    text.push_str(&group("still there", BAD, &still));
    text.push_str(&group("not tried again", DIM, &untried));
    text.push_str(&group("new", FAIR, &new));
    if !still.is_empty() {
        text.push_str(
            "\n  A limit counts calls. What one call may cost has to be mended where it is served.\n",
        );
    }
    text
}

fn group(name: &str, style: Style, findings: &[&Finding]) -> String {
    let line = |(index, finding): (usize, &&Finding)| {
        let name = if index == 0 { name } else { "" };
        format!("  {style}{name:<15}{style:#}  {:<24}  {}\n", finding.rule, finding.title)
    };
    findings.iter().enumerate().map(line).collect()
}

/// Both addresses, and what to do with them.
pub(crate) fn still_up(weak: &str, limited: &str) -> String {
    format!(
        "{}  weak     {weak}\n  limited  {limited}\n\n  {DIM}Try:{DIM:#} ratewarden scan {limited}/events --expect 10/1s\n  \
         {DIM}Ctrl-C ends both.{DIM:#}\n",
        heading(6, "Both APIs are still up, for scans of your own")
    )
}

fn limiters(report: &ScanReport) -> String {
    let found: Vec<_> = report.limiters.iter().map(expect::found).collect();
    if found.is_empty() { "not looked for".to_owned() } else { found.join(" and ") }
}

fn score(report: &ScanReport) -> String {
    let style = style_of(report.score);
    format!("{style}{}/100, {}{style:#}", report.score, report.grade)
}

const fn style_of(score: u32) -> Style {
    match score {
        80.. => GOOD,
        60..=79 => FAIR,
        _ => BAD,
    }
}

fn severity(severity: Severity) -> String {
    let style = match severity {
        Severity::Critical | Severity::High => BAD,
        Severity::Medium => FAIR,
        Severity::Low | Severity::Info => DIM,
    };
    format!("{style}{severity:<8}{style:#}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::gate::tests::{finding, report};

    #[test]
    fn a_limit_that_can_be_got_round_is_told_with_the_way_and_the_lie() {
        let bypass =
            finding(&rules::BYPASS_ADDRESS_HEADER, "/s").evidence("variants", vec!["x-forwarded-for"]);
        let lie = finding(&rules::HEADERS_LIE, "/s");
        let plane = finding(&rules::OPEN_CONTROL_PLANE, "/api");
        let told = got_round("/s", &report(vec![plane.clone(), bypass, lie.clone()]), &report(vec![plane]));
        let text = anstream::adapter::strip_str(&told).to_string();
        for line in ["got round with x-forwarded-for", &lie.description] {
            assert!(text.lines().any(|own| own.trim() == line), "{text}");
        }
        assert!(!text.contains(rules::OPEN_CONTROL_PLANE.title), "it was told before: {text}");
    }

    #[test]
    fn a_finding_counts_as_missing_only_where_its_rule_was_tried_again() {
        let all = [&rules::NO_LIMIT, &rules::HOT_KEY, &rules::WEAK_CURSOR].map(|rule| finding(rule, "/e"));
        let before = report(all.to_vec());
        let mut after =
            report(vec![finding(&rules::WEAK_CURSOR, "/e"), finding(&rules::NO_RATE_HEADERS, "/e")]);
        after.tested = vec![rules::NO_LIMIT.id.into(), rules::WEAK_CURSOR.id.into()];
        let text = anstream::adapter::strip_str(&comparison(&before, &after)).to_string();
        let line = |rule: &str| text.lines().find(|line| line.contains(rule)).unwrap().trim().to_owned();
        assert!(line("scan.no-limit").starts_with("not seen again"), "{text}");
        assert!(line("scan.hot-key").starts_with("not tried again"), "{text}");
        assert!(line("scan.weak-cursor").starts_with("still there"), "{text}");
        assert!(line("scan.no-rate-headers").starts_with("new"), "{text}");
    }
}
