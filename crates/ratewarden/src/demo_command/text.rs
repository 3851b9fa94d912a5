//! What the demo says beside the reports: short headings, one line for a finding, and what changed.

use std::fmt::Write as _;
use std::net::IpAddr;
use std::path::Path;
use std::time::Duration;

use clap::builder::styling::{AnsiColor, Style};
use ratewarden_demo::attack::{AttackOptions, Outcome};
use ratewarden_model::{Finding, ScanReport, Severity, format_duration, rules};

use super::attack::Attacked;
use super::scans::{Fate, Pair, fates};
use super::tables::{self, number};
use crate::errors::{Exit, Failure, REPORT};
use crate::expect;

pub(super) const BOLD: Style = Style::new().bold();
pub(super) const DIM: Style = Style::new().dimmed();
const NUMBER: Style = AnsiColor::Cyan.on_default().bold();
pub(super) const GOOD: Style = AnsiColor::Green.on_default();
pub(super) const FAIR: Style = AnsiColor::Yellow.on_default();
pub(super) const BAD: Style = AnsiColor::Red.on_default();

/// The most columns of a line.
const COLUMNS: usize = 98;

/// What it is, where it is, how long it takes.
pub(crate) fn welcome(url: &str, attack: Duration) -> String {
    // The scans take most of a minute; the attack is prepared for half its time, and done again at half its length.
    let seconds = 45 + attack.as_secs() * 9 / 4;
    let about = match seconds {
        0..=75 => "a little over a minute".to_owned(),
        76..=100 => "about a minute and a half".to_owned(),
        _ => format!("about {} minutes", seconds.div_ceil(60)),
    };
    format!(
        "{BOLD}Ratewarden demo{BOLD:#}\n\n  A small API with every weakness we look for is now up, on this machine only:\n  \
         {NUMBER}{url}{NUMBER:#}\n  It is scanned, put behind a gateway whose policy comes from the findings, scanned again through\n  \
         it, and attacked: {about}.\n"
    )
}

/// `1 · title`, with room above.
pub(crate) fn heading(number: u32, title: &str) -> String {
    format!("\n{NUMBER}{number}{NUMBER:#} {DIM}·{DIM:#} {BOLD}{title}{BOLD:#}\n\n")
}

/// A report in a few lines, without what `before` has said of other places.
pub(crate) fn glance(path: &str, report: &ScanReport, before: &[&ScanReport]) -> String {
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

fn untold<'a>(path: &str, report: &'a ScanReport, before: &[&ScanReport]) -> Vec<&'a Finding> {
    let is_new = |finding: &&Finding| {
        let mut told = before.iter().flat_map(|report| &report.findings);
        finding.subject.label().ends_with(path) || told.all(|other| other.fingerprint != finding.fingerprint)
    };
    report.findings.iter().filter(is_new).collect()
}

/// A report in a few lines, with what shows that a limit is less than it seems.
pub(crate) fn got_round(path: &str, report: &ScanReport, before: &[&ScanReport]) -> String {
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

/// The policy that was written: where it is, and what it has.
pub(super) fn policy(path: &Path) -> Result<String, Failure> {
    let text = std::fs::read_to_string(path).map_err(|error| {
        Failure::new(Exit::Usage, error, "look whether somebody removed it")
            .context(format!("cannot read {}", path.display()))
    })?;
    let read =
        ratewarden_policy::read(&text, path).map_err(|error| Failure::new(Exit::Panicked, error, REPORT))?;
    let limits: Vec<_> = read.policy.limits.iter().map(|limit| limit.name.as_str()).collect();
    let bounds: Vec<_> = read.policy.bounds.iter().map(|bound| bound.name.as_str()).collect();
    let credentials = read.policy.credentials;
    let lockout = format!(
        "{}, each one twice as long, after {} failed credentials in {}",
        format_duration(credentials.lockout),
        credentials.per_source.calls,
        format_duration(credentials.per_source.per)
    );
    let mut said = format!("  {NUMBER}{}{NUMBER:#}\n\n", path.display());
    said.push_str(&listed("limits", &limits));
    said.push_str(&listed("bounds", &bounds));
    said.push_str(&listed("lock-out", &[&lockout]));
    Ok(said)
}

/// Names under one heading, broken into lines.
fn listed(name: &str, items: &[&str]) -> String {
    let mut text = String::new();
    let mut line = String::new();
    let mut flush = |line: &mut String, name: &str| {
        let _ = writeln!(text, "  {DIM}{name:<10}{DIM:#}{line}");
        line.clear();
    };
    let mut name = name;
    for item in items {
        if !line.is_empty() && 12 + line.chars().count() + item.chars().count() + 3 > COLUMNS {
            flush(&mut line, std::mem::take(&mut name));
        }
        if !line.is_empty() {
            line.push_str(" · ");
        }
        line.push_str(item);
    }
    if !line.is_empty() {
        flush(&mut line, name);
    }
    text
}

/// What the gateway changed, and what it did not.
pub(super) fn comparison(pairs: &[Pair]) -> String {
    let total = |report: &ScanReport| format!("{}/100, {}", report.score, report.grade);
    let mut text = format!("  {DIM}{:<14}{:<13}{:<13}limiter now{DIM:#}\n", "", "before", "after");
    for Pair { scan, before, after } in pairs {
        let style = style_of(after.score);
        let _ = writeln!(
            text,
            "  {:<14}{:<13}{style}{:<13}{style:#}{}",
            scan.path(),
            total(before),
            total(after),
            limiters(after)
        );
    }
    text.push('\n');
    let fates = fates(pairs);
    let of = |wanted: Fate| -> Vec<&Finding> {
        fates.iter().filter(|(fate, _)| *fate == wanted).map(|(_, finding)| *finding).collect()
    };
    text.push_str(&group("not seen again", GOOD, &of(Fate::NotSeen)));
    text.push_str(&group("still there", BAD, &of(Fate::Still)));
    text.push_str(&group("not tried again", DIM, &of(Fate::NotTried)));
    text.push_str(&group("new", FAIR, &of(Fate::New)));
    if !of(Fate::Still).is_empty() {
        text.push_str("\n  What is still there no limit can mend; the head of the policy says what can.\n");
    }
    text
}

fn group(name: &str, style: Style, findings: &[&Finding]) -> String {
    if findings.is_empty() {
        return String::new();
    }
    let mut text = format!("  {style}{name}{style:#}\n");
    for finding in findings {
        let label = finding.subject.label();
        let place = label.rsplit_once("//").and_then(|(_, rest)| rest.find('/').map(|at| &rest[at..]));
        let rule = finding.rule.trim_start_matches("scan.");
        let _ = writeln!(text, "    {:<12}{rule:<23}{}", place.unwrap_or_default(), finding.title);
    }
    text
}

/// What is about to happen.
pub(super) fn attack_begins(options: &AttackOptions) -> String {
    format!(
        "  An honest client makes {} calls a second, a bit of everything, each timed from when it was meant\n  \
         to go out. Then four attackers join it, each with 16 connections and up to {} calls a second.\n",
        options.honest_per_s, options.attacker_per_s
    )
}

/// What became of everybody's calls.
pub(super) fn attacked(title: &str, attacked: &Attacked) -> String {
    let Attacked { outcome, reached } = attacked;
    format!(
        "\n  {BOLD}{title}{BOLD:#}\n\n{}\n  {DIM}The API itself saw {} calls: {} jobs, {} writes of events and {} wrong tokens among them.{DIM:#}\n",
        tables::attack(outcome),
        number(reached.calls),
        number(reached.jobs),
        number(reached.writes),
        number(reached.refused_tokens),
    )
}

/// What the gateway is worth.
pub(super) fn difference(with: &Outcome, without: &Outcome) -> String {
    tables::difference(with, without)
}

/// Why the attack was left out.
pub(super) fn no_attack(address: IpAddr) -> String {
    format!(
        "  The attack was left out: each of its callers needs an address of its own, and this machine has no\n  \
         {address}. On macOS: sudo ifconfig lo0 alias {address}, and so on up to 127.0.0.5.\n"
    )
}

/// Both addresses, and what to do with them.
pub(crate) fn still_up(weak: &str, gateway: &str) -> String {
    format!(
        "{}  weak     {weak}\n  gateway  {gateway}\n\n  {DIM}Try:{DIM:#} ratewarden scan {gateway}/metrics --expect 10/1s\n  \
         {DIM}Ctrl-C ends both.{DIM:#}\n",
        heading(8, "The API and the gateway before it are still up, for scans of your own")
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
    use super::super::scans::Scan;
    use super::super::scans::tests::pair;
    use super::*;
    use crate::gate::tests::{finding, report};

    #[test]
    fn a_limit_that_can_be_got_round_is_told_with_the_way_and_the_lie() {
        let bypass =
            finding(&rules::BYPASS_ADDRESS_HEADER, "/s").evidence("variants", vec!["x-forwarded-for"]);
        let lie = finding(&rules::HEADERS_LIE, "/s");
        let plane = finding(&rules::OPEN_CONTROL_PLANE, "/api");
        let told =
            got_round("/s", &report(vec![plane.clone(), bypass, lie.clone()]), &[&report(vec![plane])]);
        let text = anstream::adapter::strip_str(&told).to_string();
        for line in ["got round with x-forwarded-for", &lie.description] {
            assert!(text.lines().any(|own| own.trim() == line), "{text}");
        }
        assert!(!text.contains(rules::OPEN_CONTROL_PLANE.title), "it was told before: {text}");
    }

    #[test]
    fn a_comparison_says_what_became_of_each_finding_and_of_what_nothing_is_known() {
        let all = [&rules::NO_LIMIT, &rules::HOT_KEY, &rules::WEAK_CURSOR].map(|rule| finding(rule, "/e"));
        let after = vec![finding(&rules::WEAK_CURSOR, "/e"), finding(&rules::NO_RATE_HEADERS, "/e")];
        let pairs = [pair(Scan::Events, all.to_vec(), after, &[rules::NO_LIMIT.id, rules::WEAK_CURSOR.id])];
        let text = anstream::adapter::strip_str(&comparison(&pairs)).to_string();
        let lines: Vec<_> =
            text.lines().map(|line| line.split_whitespace().take(2).collect::<Vec<_>>()).collect();
        let told = [
            ["not", "seen"],
            ["/e", "no-limit"],
            ["still", "there"],
            ["/e", "weak-cursor"],
            ["not", "tried"],
            ["/e", "hot-key"],
        ];
        assert!(lines.windows(told.len()).any(|window| window == told), "{text}");
        assert!(text.contains("  new\n    /e          no-rate-headers"), "{text}");
        assert!(text.lines().all(|line| line.chars().count() <= 100), "{text}");
    }

    #[test]
    fn long_lists_are_broken_into_lines_under_one_heading() {
        let names = ["GET /api/jobs/"; 20];
        let text = anstream::adapter::strip_str(&listed("limits", &names)).to_string();
        assert!(text.lines().count() > 2 && text.lines().all(|line| line.chars().count() <= 100), "{text}");
        assert_eq!(text.matches("limits").count(), 1);
        assert_eq!(text.matches("GET").count(), 20);
    }
}
