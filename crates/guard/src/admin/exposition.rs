//! Metrics in Prometheus' text format, version 0.0.4.
//!
//! Written out by hand: it is a dozen lines of text, and the counters are each worker's own.

use std::fmt::Write as _;
use std::sync::atomic::Ordering;

use crate::descriptors::{self, Missing};
use crate::gate::Judged;
use crate::metrics::{LATENCIES, Totals};
use crate::state::Shared;

/// All metrics of the gateway.
pub(crate) fn write(shared: &Shared) -> String {
    let totals = shared.totals();
    let loaded = shared.loaded();
    let mut page = Page::default();
    page.family("ratewarden_calls_total", "counter", "Calls by decision.");
    for verdict in Judged::ALL {
        let count = totals.verdicts.get(verdict as usize).copied().unwrap_or_default();
        page.sample("ratewarden_calls_total", &[("decision", verdict.word())], count);
    }
    page.family(
        "ratewarden_limit_rejections_total",
        "counter",
        "Calls that a limit rejected, or would have (shadow).",
    );
    for (rule, count) in loaded.rules.limits.iter().zip(&totals.rejected) {
        let shadow = if rule.limit.shadow { "true" } else { "false" };
        let labels = [("limit", rule.limit.name.as_str()), ("shadow", shadow)];
        page.sample("ratewarden_limit_rejections_total", &labels, *count);
    }
    page.reasons(
        "ratewarden_refused_total",
        "Calls and connections refused for what they are.",
        &totals.refused,
    );
    page.reasons(
        "ratewarden_upstream_failures_total",
        "Calls that the upstream failed, and connection attempts that did.",
        &totals.upstream,
    );
    durations(&mut page, &totals);
    page.family("ratewarden_response_bytes_total", "counter", "Bytes of response bodies passed on.");
    page.sample("ratewarden_response_bytes_total", &[], totals.response_bytes);
    page.family("ratewarden_connections", "gauge", "Open client connections.");
    page.sample("ratewarden_connections", &[], shared.connections.open() as u64);
    descriptors(&mut page, shared);
    let usage = shared.counters.usage();
    page.family("ratewarden_keys", "gauge", "Places of the store that are taken, idle ones included.");
    page.sample("ratewarden_keys", &[], usage.keys);
    page.family("ratewarden_overflowed_total", "counter", "Calls counted in an overflow bucket.");
    page.sample("ratewarden_overflowed_total", &[], usage.overflowed);
    penalties(&mut page, shared);
    watching(&mut page, shared);
    let [done, failed] = [&shared.writes.done, &shared.writes.failed].map(|n| n.load(Ordering::Relaxed));
    page.family("ratewarden_store_writes_total", "counter", "Writes of quotas and penalties to disk.");
    page.sample("ratewarden_store_writes_total", &[("result", "done")], done);
    page.sample("ratewarden_store_writes_total", &[("result", "failed")], failed);
    let fetches = &loaded.issuers.fetches;
    let [done, failed] = [&fetches.done, &fetches.failed].map(|n| n.load(Ordering::Relaxed));
    page.family("ratewarden_jwks_fetches_total", "counter", "Fetches of the keys of tokens.");
    page.sample("ratewarden_jwks_fetches_total", &[("result", "done")], done);
    page.sample("ratewarden_jwks_fetches_total", &[("result", "failed")], failed);
    page.family("ratewarden_upstream_healthy", "gauge", "Whether a server is healthy.");
    for known in loaded.servers.all() {
        let labels = [("server", known.authority.as_str())];
        page.sample("ratewarden_upstream_healthy", &labels, u64::from(known.is_healthy()));
    }
    page.0
}

fn descriptors(page: &mut Page, shared: &Shared) {
    let name = "ratewarden_descriptors_used_up_total";
    page.family(name, "counter", "Times that no file descriptor was left, by what it was needed for.");
    for missing in Missing::ALL {
        page.sample(name, &[("for", missing.word())], shared.descriptors.count(missing));
    }
    page.family("process_max_fds", "gauge", "File descriptors that the process may have.");
    page.sample("process_max_fds", &[], descriptors::limit());
}

fn penalties(page: &mut Page, shared: &Shared) {
    let (in_force, begun, left_out) = shared.penalties.counts(shared.clock.now());
    page.family("ratewarden_bans", "gauge", "Bans in force.");
    page.sample("ratewarden_bans", &[], in_force);
    page.family("ratewarden_bans_begun_total", "counter", "Bans begun.");
    page.sample("ratewarden_bans_begun_total", &[], begun);
    page.family(
        "ratewarden_bans_left_out_total",
        "counter",
        "Bans not begun because too many were in force.",
    );
    page.sample("ratewarden_bans_left_out_total", &[], left_out);
    let (pairs, left_out) = shared.pairs.usage();
    page.family(
        "ratewarden_known_pairs",
        "gauge",
        "Callers and addresses that a lock-out spares; places that are taken, forgotten pairs included.",
    );
    page.sample("ratewarden_known_pairs", &[], pairs);
    page.family(
        "ratewarden_known_pairs_left_out_total",
        "counter",
        "Calls whose caller and address found no place among those.",
    );
    page.sample("ratewarden_known_pairs_left_out_total", &[], left_out);
}

fn watching(page: &mut Page, shared: &Shared) {
    let (seen, dropped) = shared.detection.counts();
    page.family("ratewarden_watch_calls_total", "counter", "Calls that detectors have seen.");
    page.sample("ratewarden_watch_calls_total", &[], seen);
    let name = "ratewarden_watch_calls_dropped_total";
    page.family(name, "counter", "Calls that were not watched because detectors were behind.");
    page.sample(name, &[], dropped);
    let board = shared.detection.board();
    let counts = board.counts();
    page.family("ratewarden_findings_open", "gauge", "Findings that are open, by rule.");
    for (rule, (open, _)) in &counts {
        page.sample("ratewarden_findings_open", &[("rule", rule)], *open);
    }
    page.family("ratewarden_findings_total", "counter", "Findings that have opened, by rule.");
    for (rule, (_, total)) in &counts {
        page.sample("ratewarden_findings_total", &[("rule", rule)], *total);
    }
}

fn durations(page: &mut Page, totals: &Totals) {
    let name = "ratewarden_call_duration_seconds";
    page.family(
        name,
        "histogram",
        "From the decision to the end of the answer, of calls that were passed on.",
    );
    let mut below = 0;
    for (end, count) in LATENCIES.iter().zip(&totals.latencies) {
        below += count;
        #[expect(clippy::cast_precision_loss, reason = "the ends of the buckets are small")]
        let end = if *end == u64::MAX { "+Inf".to_owned() } else { (*end as f64 / 1e6).to_string() };
        page.sample(&format!("{name}_bucket"), &[("le", &end)], below);
    }
    let seconds = totals.latency_micros / 1_000_000;
    let _ = writeln!(page.0, "{name}_sum {seconds}.{:06}", totals.latency_micros % 1_000_000);
    page.sample(&format!("{name}_count"), &[], below);
}

#[derive(Debug, Default)]
struct Page(String);

impl Page {
    fn family(&mut self, name: &str, kind: &str, help: &str) {
        let _ = writeln!(self.0, "# HELP {name} {help}\n# TYPE {name} {kind}");
    }

    fn sample(&mut self, name: &str, labels: &[(&str, &str)], value: u64) {
        let labels: Vec<String> =
            labels.iter().map(|(key, text)| format!("{key}=\"{}\"", escaped(text))).collect();
        let labels = if labels.is_empty() { String::new() } else { format!("{{{}}}", labels.join(",")) };
        let _ = writeln!(self.0, "{name}{labels} {value}");
    }

    fn reasons(&mut self, name: &str, help: &str, counts: &std::collections::BTreeMap<&'static str, u64>) {
        self.family(name, "counter", help);
        for (reason, count) in counts {
            self.sample(name, &[("reason", reason)], *count);
        }
    }
}

fn escaped(text: &str) -> String {
    text.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n")
}
