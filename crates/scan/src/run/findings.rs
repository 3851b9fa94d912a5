//! What is wrong with a limiter, in words, with figures and a remedy.

use ratewarden_model::scan_report::Algorithm;
use ratewarden_model::{Confidence, Finding, Limiter, rules};

use crate::bypass::{Bypasses, Kind, Passed};
use crate::context::Context;
use crate::curl;
use crate::limiter::{Disagreement, Investigation, Seen};
use crate::remedy::{self, Suggestion};

/// With fewer requests than this, "no rejection" says nothing.
const FEWEST_FOR_NO_LIMIT: u64 = 20;

/// Every finding about the limiter (or its absence).
pub(super) fn of_limiter(
    ctx: &Context,
    found: &Investigation,
    limiter: &Limiter,
    bypasses: &Bypasses,
    tested: &mut Vec<&'static str>,
) -> Vec<Finding> {
    let mut findings = Vec::new();
    if found.suffering.is_none() && limiter.observed.requests >= FEWEST_FOR_NO_LIMIT {
        tested.extend([rules::NO_LIMIT.id, rules::HEADERS_LIE.id]);
        findings.extend(no_limit(ctx, found, limiter));
    }
    findings.extend(headers_lie(ctx, found));
    if found.rejects() {
        tested.push(rules::NO_RATE_HEADERS.id);
        if bypasses.other_addresses_rejected > 0 || limiter.keyed_by.iter().any(|key| key == "address") {
            tested.push(rules::SHARED_LIMIT.id);
        }
        if waits(&found.seen).next().is_some() {
            tested.push(rules::RETRY_AFTER_LIES.id);
        }
        findings.extend(no_rate_headers(ctx, found));
        findings.extend(retry_after_lies(ctx, found));
        findings.extend(shared(ctx, limiter));
        findings.extend(passed(ctx, limiter, bypasses));
    }
    findings
}

fn no_limit(ctx: &Context, found: &Investigation, limiter: &Limiter) -> Option<Finding> {
    let normal = found.seen.iter().filter(|seen| seen.is_admitted() && seen.same_status).count();
    if found.inference.is_some() || found.rejects() || normal * 20 < found.seen.len() * 19 {
        return None;
    }
    let observed = limiter.observed;
    let stray = match observed.rejected {
        0 => "No rejection".to_owned(),
        1 => "Only one rejection, which nothing followed,".to_owned(),
        number => format!("Only {number} rejections, without a pattern,"),
    };
    let text = format!(
        "{stray} in {} requests over {} s, at a pace that grew to {:.0} requests/s. A limit above that, or one counted \
         over a longer time, would not have been seen.",
        observed.requests,
        observed.seconds,
        peak_pace(&found.seen)
    );
    let backend = remedy::backend(ctx.config.backend, &ctx.technologies);
    let mut finding = ctx
        .finding(&rules::NO_LIMIT, text)
        .confidence(if ctx.normal.status.is_success() { Confidence::Firm } else { Confidence::Tentative })
        .evidence("requests", observed.requests)
        .evidence("seconds", observed.seconds)
        .evidence("peak_per_s", peak_pace(&found.seen).round())
        .reproduce(curl::repeated(&ctx.client, &ctx.plain(), observed.requests));
    finding.remediation.snippets =
        remedy::limit_snippets(ctx.client.target().path(), Suggestion::USUAL, &ctx.technologies, backend);
    Some(finding)
}

/// The most requests in any second.
fn peak_pace(seen: &[Seen]) -> f64 {
    let mut from = 0;
    let mut most = 0;
    for (to, last) in seen.iter().enumerate() {
        while (last.observation.sent_at.saturating_sub(seen[from].observation.sent_at)).as_secs_f64() > 1.0 {
            from += 1;
        }
        most = most.max(to - from + 1);
    }
    f64::from(u32::try_from(most).unwrap_or(u32::MAX))
}

fn headers_lie(ctx: &Context, found: &Investigation) -> Option<Finding> {
    let verified = found.verified.as_ref().filter(|verified| verified.agrees == Some(false))?;
    let confidence = found.inference.as_ref().map_or(Confidence::Firm, |inference| inference.confidence);
    let family = verified.published.family;
    let (text, published, observed) = match verified.disagreement.as_ref()? {
        Disagreement::Limit { published, observed } => (
            format!(
                "The answers publish a limit of {published} ({family}), but {observed} calls were admitted before the rejection."
            ),
            published.to_string(),
            observed.to_string(),
        ),
        Disagreement::Window { published, observed, whole } => (
            format!(
                "The answers publish a window of {} s ({family}), but it was seen to be {:.1} s{}.",
                published.as_secs(),
                observed.as_secs_f64(),
                if *whole { "" } else { " or more" }
            ),
            format!("{} s", published.as_secs()),
            format!("{:.1} s", observed.as_secs_f64()),
        ),
        Disagreement::NotEnforced { published, admitted, within } => (
            format!(
                "The answers publish a limit of {published} ({family}), but {admitted} calls were admitted in {:.1} s and none was rejected.",
                within.as_secs_f64()
            ),
            published.to_string(),
            format!("{admitted} admitted"),
        ),
        Disagreement::LeftOnRejection { remaining, rejections } => (
            format!("{rejections} rejections say that {remaining} or more calls are left ({family})."),
            format!("{remaining} left"),
            "rejected".to_owned(),
        ),
        Disagreement::RemainingStands { remaining, admitted } => (
            format!(
                "The answers say that {remaining} calls are left ({family}), unchanged during {admitted} admitted calls."
            ),
            remaining.to_string(),
            format!("{admitted} admitted"),
        ),
    };
    Some(
        ctx.finding(&rules::HEADERS_LIE, text)
            .confidence(confidence)
            .evidence("family", family)
            .evidence("published", published)
            .evidence("observed", observed)
            .reproduce(format!("curl -sS -D - -o /dev/null {}", curl::arguments(&ctx.client, &ctx.plain()))),
    )
}

fn no_rate_headers(ctx: &Context, found: &Investigation) -> Option<Finding> {
    let silent = |seen: &Seen| seen.retry_after.is_none() && seen.reset().is_none();
    // A connection that is closed cannot carry a field.
    let rejected: Vec<&Seen> = found.seen.iter().filter(|seen| seen.rejection.is_some()).collect();
    if rejected.is_empty() || !rejected.iter().all(|seen| silent(seen)) {
        return None;
    }
    let signal = found.signal.as_ref().map(ToString::to_string).unwrap_or_default();
    let text = format!(
        "{} rejections ({signal}) carried neither Retry-After nor a reset time of any known family.",
        rejected.len()
    );
    Some(
        ctx.finding(&rules::NO_RATE_HEADERS, text)
            .confidence(Confidence::Certain)
            .evidence("rejections", rejected.len())
            .snippet("nginx", "error_page 429 = @limited;\nlocation @limited {\n    add_header Retry-After 1 always;\n    return 429;\n}")
            .snippet("Ratewarden", "# ratewarden.toml: every rejection carries Retry-After, RateLimit and RateLimit-Policy."),
    )
}

/// Pairs of a rejection that says when to come back, and the next call, where that came clearly after it.
fn waits(seen: &[Seen]) -> impl Iterator<Item = &[Seen]> {
    let margin = std::time::Duration::from_millis(300);
    seen.windows(2).filter(move |pair| {
        let wait = pair[0].retry_after.filter(|_| pair[0].is_rejected());
        wait.is_some_and(|wait| pair[1].observation.sent_at > pair[0].observation.sent_at + wait + margin)
    })
}

/// Calls that came after the announced time, with nothing sent in between, and were still rejected: twice at least, for
/// somebody else may share the limit.
fn retry_after_lies(ctx: &Context, found: &Investigation) -> Option<Finding> {
    let mut broken = waits(&found.seen).filter(|pair| pair[1].is_rejected());
    broken.next()?;
    let broken = broken.next()?;
    let said = broken[0].retry_after.unwrap_or_default().as_secs_f64();
    let waited = (broken[1].observation.sent_at - broken[0].observation.sent_at).as_secs_f64();
    let text = format!(
        "Retry-After announced {said} s; a call {waited:.1} s later, with none in between, was rejected again, and so was one before."
    );
    Some(
        ctx.finding(&rules::RETRY_AFTER_LIES, text)
            .evidence("announced_s", said)
            .evidence("waited_s", (waited * 10.0).round() / 10.0),
    )
}

fn shared(ctx: &Context, limiter: &Limiter) -> Option<Finding> {
    (limiter.keyed_by == ["global"]).then(|| {
        let text = "While calls from one address were rejected, calls from other addresses were rejected as well, several times: one \
                    caller can use up what all share.";
        ctx.finding(&rules::SHARED_LIMIT, text)
            .evidence("second_address_rejected", true)
            .snippet("Ratewarden", "[[limit]]\nname = \"per caller\"\nper  = [\"caller\"]\nrate = \"10/1s\"\nburst = 20")
            .snippet("Envoy", "# one bucket per client address instead of one for all:\ndescriptors:\n- entries: [{key: remote_address}]\n  token_bucket: {max_tokens: 20, tokens_per_fill: 10, fill_interval: 1s}")
    })
}

/// One finding for each rule, listing the variants.
fn passed(ctx: &Context, limiter: &Limiter, bypasses: &Bypasses) -> Vec<Finding> {
    let mut findings: Vec<Finding> = Vec::new();
    for rule in rules::ALL {
        let own: Vec<&Passed> = bypasses
            .passed
            .iter()
            .filter(|passed| passed.variant.kind.rule().is_some_and(|broken| broken.id == rule.id))
            .collect();
        let Some(first) = own.first() else { continue };
        let labels: Vec<&str> = own.iter().map(|passed| passed.variant.label).collect();
        let times: u32 = own.iter().map(|passed| passed.times).sum();
        let text = format!(
            "While the limiter rejected ({}), requests with {} were admitted {times} times; every plain request before and after \
             them was still rejected.",
            limiter.rejects_with.as_deref().unwrap_or("delayed"),
            labels.join(", ")
        );
        let mut finding = ctx
            .finding(rule, text)
            .confidence(Confidence::Certain)
            .evidence("variants", labels)
            .evidence("admitted_between_rejected_controls", times)
            .reproduce(reproduce(ctx, limiter, first));
        if first.variant.kind == Kind::AddressHeader {
            finding = finding
                .snippet("nginx", "# take the address from your own proxy only, and drop what clients send:\nset_real_ip_from 10.0.0.0/8;\nreal_ip_header X-Forwarded-For;\nreal_ip_recursive on;\nproxy_set_header X-Forwarded-For $remote_addr;")
                .snippet("Express", "app.set('trust proxy', 1); // the number of proxies of your own, never true");
        }
        findings.push(finding);
    }
    findings
}

/// Uses the limit up, then shows the plain request and the variant.
fn reproduce(ctx: &Context, limiter: &Limiter, passed: &Passed) -> String {
    let calls = limiter.limit.or(limiter.burst).unwrap_or(20) + 5;
    let quick = if limiter.algorithm == Some(Algorithm::LeakyQueue) { " & done; wait" } else { "; done" };
    let plain = curl::line(&ctx.client, &ctx.plain());
    format!(
        "for i in $(seq {calls}); do {plain}{quick} | tail -1; {plain}; {}",
        curl::line(&ctx.client, &passed.request)
    )
}
