//! SARIF 2.1.0, as GitHub code scanning reads it.
//!
//! Code scanning shows a result only where it has a file, so a result points at the file that named the target (the
//! anchor) or at a stable path made from the URL. All results of a scan then share one line; the upload action
//! would take its fingerprint from that line and merge them, so `primaryLocationLineHash` is set by us too.

use std::collections::BTreeMap;

use ratewarden_model::{Finding, Rule, ScanReport, Severity, rules};
use serde_json::{Value, json};
use serde_sarif::sarif::{
    ArtifactLocation, Invocation, Location, Message, MultiformatMessageString, Notification,
    PhysicalLocation, PropertyBag, Region, ReportingConfiguration, ReportingDescriptor,
    Result as SarifResult, ResultLevel, Run, RunAutomationDetails, Sarif, Tool, ToolComponent, Version,
};

use crate::{Options, ReportError, order};

mod anchor;
#[cfg(test)]
mod tests;

/// Code scanning reads at most this many results of a run.
const MOST_RESULTS: usize = 5_000;
/// The key under which our own fingerprint stands.
const FINGERPRINT: &str = "ratewarden/v1";
const HOME: &str = env!("CARGO_PKG_REPOSITORY");
const SCHEMA: &str = "https://json.schemastore.org/sarif-2.1.0.json";

pub(crate) fn render(report: &ScanReport, options: &Options) -> Result<String, ReportError> {
    let findings = order::worst_first(report);
    let catalogue = catalogue(&findings);
    let results: Vec<SarifResult> = findings
        .iter()
        .take(MOST_RESULTS)
        .map(|&finding| result(finding, &catalogue, options.anchor.as_deref()))
        .collect();
    let driver = ToolComponent::builder()
        .name("Ratewarden")
        .semantic_version(&report.version)
        .information_uri(HOME)
        .rules(catalogue)
        .build();
    // The part before the last slash tells uploads of several targets apart; what follows names the run.
    let automation =
        RunAutomationDetails::builder().id(format!("ratewarden/{}/", anchor::of_target(&report.target)));
    let properties = bag(json!({"score": report.score, "grade": report.grade, "target": report.target}));
    let run = Run::builder()
        .tool(Tool::builder().driver(driver).build())
        .automation_details(automation.build())
        .invocations(vec![invocation(report, findings.len())])
        .results(results)
        .properties(properties)
        .build();
    let document =
        Sarif::builder().schema(SCHEMA).version(Version::V2_1_0.to_string()).runs(vec![run]).build();
    Ok(serde_json::to_string_pretty(&document)? + "\n")
}

/// How the level and the number code scanning sorts by follow from a severity.
fn level(severity: Severity) -> (ResultLevel, &'static str, &'static str) {
    match severity {
        Severity::Critical => (ResultLevel::Error, "error", "9.5"),
        Severity::High => (ResultLevel::Error, "error", "8.0"),
        Severity::Medium => (ResultLevel::Warning, "warning", "5.5"),
        Severity::Low => (ResultLevel::Note, "note", "3.0"),
        Severity::Info => (ResultLevel::Note, "note", "0.5"),
    }
}

/// Every rule of this version, then those of findings that another version made.
fn catalogue(findings: &[&Finding]) -> Vec<ReportingDescriptor> {
    let mut descriptors: Vec<_> = rules::ALL.iter().map(descriptor).collect();
    for finding in findings {
        if !descriptors.iter().any(|known| known.id == finding.rule) {
            descriptors.push(foreign_descriptor(finding));
        }
    }
    descriptors
}

fn descriptor(rule: &Rule) -> ReportingDescriptor {
    let page = format!("{HOME}/blob/main/{}", rule.page());
    let references = rule.references.join(", ");
    let text = format!("{} {} References: {references}.", rule.explanation, rule.remedy);
    let markdown = format!(
        "{}\n\n**What to do.** {}\n\n**References.** {references}\n\n[The rule's page]({page})",
        rule.explanation, rule.remedy
    );
    let (_, level, number) = level(rule.severity);
    let mut tags = vec!["security".to_owned(), rule.category.to_lowercase().replace(' ', "-")];
    tags.extend(rule.references.iter().filter_map(|reference| {
        reference.strip_prefix("CWE-").map(|number| format!("external/cwe/cwe-{number:0>3}"))
    }));
    let properties = bag(json!({"tags": tags, "security-severity": number, "precision": "high",
                                "deduction": rule.deduction()}));
    ReportingDescriptor::builder()
        .id(rule.id)
        .name(pascal_case(rule.id))
        .short_description(MultiformatMessageString::builder().text(rule.title).build())
        .full_description(MultiformatMessageString::builder().text(rule.explanation).build())
        .help(MultiformatMessageString::builder().text(text).markdown(markdown).build())
        .help_uri(page)
        .default_configuration(ReportingConfiguration::builder().level(level).build())
        .properties(properties)
        .build()
}

fn foreign_descriptor(finding: &Finding) -> ReportingDescriptor {
    let (_, level, number) = level(finding.severity);
    let text = |text: &str| MultiformatMessageString::builder().text(text).build();
    ReportingDescriptor::builder()
        .id(&finding.rule)
        .short_description(text(&finding.title))
        .full_description(text(&finding.title))
        .help(text(&finding.remediation.summary))
        .help_uri(HOME)
        .default_configuration(ReportingConfiguration::builder().level(level).build())
        .properties(bag(json!({"tags": ["security"], "security-severity": number})))
        .build()
}

fn result(finding: &Finding, catalogue: &[ReportingDescriptor], anchor: Option<&str>) -> SarifResult {
    let uri = anchor.and_then(anchor::of_file).unwrap_or_else(|| anchor::of_subject(&finding.subject));
    let location = PhysicalLocation::builder()
        .artifact_location(ArtifactLocation::builder().uri(uri).build())
        .region(Region::builder().start_line(1_i64).start_column(1_i64).build())
        .build();
    let hashes = BTreeMap::from([
        (FINGERPRINT.to_owned(), finding.fingerprint.clone()),
        ("primaryLocationLineHash".to_owned(), format!("{}:1", finding.fingerprint)),
    ]);
    let index = catalogue.iter().position(|rule| rule.id == finding.rule).unwrap_or_default();
    let properties = bag(json!({
        "severity": finding.severity, "confidence": finding.confidence, "deduction": finding.deduction,
        "endpoints": finding.endpoints, "evidence": finding.evidence, "reproduce": finding.reproduce,
    }));
    SarifResult::builder()
        .rule_id(&finding.rule)
        .rule_index(i64::try_from(index).unwrap_or_default())
        .level(level(finding.severity).0)
        .message(Message::builder().text(message(finding)).build())
        .locations(vec![Location::builder().physical_location(location).build()])
        .partial_fingerprints(hashes)
        .properties(properties)
        .build()
}

fn message(finding: &Finding) -> String {
    let mut text = format!("{}: {}. {}", finding.subject.label(), finding.title, finding.description);
    if let Some(line) = &finding.reproduce {
        text.push_str(&format!("\n\nReproduce: {line}"));
    }
    text.push_str(&format!("\n\nRemedy: {}", finding.remediation.summary));
    text
}

fn invocation(report: &ScanReport, findings: usize) -> Invocation {
    let mut notifications = Vec::new();
    if let Some(why) = &report.aborted {
        notifications.push(notification("error", &format!("The scan stopped before its end: {why}")));
    }
    if findings > MOST_RESULTS {
        let left_out = findings - MOST_RESULTS;
        notifications
            .push(notification("warning", &format!("{left_out} findings of least severity are left out.")));
    }
    notifications.extend(report.notes.iter().map(|note| notification("note", note)));
    let invocation = Invocation::builder().execution_successful(report.aborted.is_none());
    invocation.start_time_utc(&report.started_at).tool_execution_notifications(notifications).build()
}

fn notification(level: &str, text: &str) -> Notification {
    Notification::builder().level(level).message(Message::builder().text(text).build()).build()
}

/// `scan.no-limit` → `ScanNoLimit`: the readable name that SARIF viewers show.
fn pascal_case(id: &str) -> String {
    let words = id.split(['.', '-']).map(|word| {
        let (first, rest) = word.split_at(word.len().min(1));
        first.to_uppercase() + rest
    });
    words.collect()
}

fn bag(properties: Value) -> PropertyBag {
    let Value::Object(mut fields) = properties else { return PropertyBag::builder().build() };
    let tags = fields.remove("tags").and_then(|tags| serde_json::from_value(tags).ok());
    let mut bag =
        PropertyBag::builder().additional_properties(fields.into_iter().collect::<BTreeMap<_, _>>()).build();
    bag.tags = tags;
    bag
}
