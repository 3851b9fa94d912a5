//! Cursors in the answers: can whoever gets one read it, and so write one?

use std::collections::BTreeSet;

use ratewarden_model::{Confidence, Finding, rules};
use serde_json::{Value, json};

use super::query::is_token;
use crate::context::Context;
use crate::cursor::{self, Weakness};
use crate::http::Response;
use crate::remedy;

/// The most weak cursors that are listed.
const MOST_LISTED: usize = 5;
/// This much of a cursor is shown.
const LONGEST_SHOWN: usize = 200;

/// The finding, where a cursor of these answers is weak. Nothing is sent for it.
pub(super) fn finding(ctx: &Context, answers: &[&Response]) -> Option<Finding> {
    let mut fields = BTreeSet::new();
    let mut weak: Vec<(String, String, Weakness)> = Vec::new();
    for (field, text) in answers.iter().flat_map(|answer| cursors_of(answer)) {
        let Some(weakness) = cursor::weakness(&text) else { continue };
        if weak.len() < MOST_LISTED && fields.insert(field.clone()) {
            weak.push((field, text, weakness));
        }
    }
    let (field, _, weakness) = weak.first()?;
    let kinds: Vec<String> =
        weak.iter().map(|(field, _, weakness)| format!("`{field}` is {}", kind(weakness))).collect();
    let description = format!(
        "The paging cursor can be read: {}. Whoever reads it can write it, and so begin at any place and learn how the data \
         is stored. It was decoded only; no forged cursor was sent.",
        kinds.join("; ")
    );
    let listed: Value = weak
        .iter()
        .map(|(field, text, weakness)| {
            json!({ "field": field, "cursor": ctx.excerpt(text, LONGEST_SHOWN), "kind": kind(weakness), "decoded": decoded(ctx, weakness, text) })
        })
        .collect();
    // A number is readable beyond doubt; ids and texts may be meant to be public.
    let confidence = match weakness {
        Weakness::Offset(_) | Weakness::CassandraPagingState | Weakness::Json { .. } => Confidence::Firm,
        Weakness::Id(_) | Weakness::Base64Plain(_) => Confidence::Tentative,
    };
    let mut finding = ctx
        .finding(&rules::WEAK_CURSOR, description)
        .confidence(confidence)
        .evidence("field", field.clone())
        .evidence("cursors", listed)
        .reproduce(format!("curl -sS {}", crate::curl::arguments(&ctx.client, &ctx.plain())));
    let is_cassandra = *weakness == Weakness::CassandraPagingState;
    finding.remediation.snippets = remedy::cursor_snippets(is_cassandra);
    Some(finding)
}

/// Cursors of a body, and of a `Link` to the next page.
fn cursors_of(answer: &Response) -> Vec<(String, String)> {
    let mut found = answer.json().map(|body| cursor::find_in(&body)).unwrap_or_default();
    let link = answer.header("link").unwrap_or_default();
    for next in link.split(',').filter(|part| part.contains("rel=\"next\"") || part.contains("rel=next")) {
        let url = next.split(['<', '>']).nth(1).unwrap_or_default();
        let query = url.split_once('?').map_or("", |(_, query)| query);
        let tokens = url::form_urlencoded::parse(query.as_bytes()).filter(|(name, _)| is_token(name));
        found.extend(tokens.map(|(name, value)| (format!("Link next {name}"), value.into_owned())));
    }
    found
}

fn kind(weakness: &Weakness) -> &'static str {
    match weakness {
        Weakness::Offset(_) => "a bare number (an offset, a page or a sequential id)",
        Weakness::Id(_) => "the id of a row",
        Weakness::Json { .. } => "plain JSON",
        Weakness::CassandraPagingState => "an unsigned paging state of Cassandra",
        Weakness::Base64Plain(_) => "plain text in Base64 or hex",
    }
}

fn decoded(ctx: &Context, weakness: &Weakness, text: &str) -> Value {
    match weakness {
        Weakness::Offset(number) => json!(number),
        Weakness::Id(id) => json!(ctx.excerpt(id, LONGEST_SHOWN)),
        // What is inside was cut when it was decoded, perhaps in the middle of a secret.
        Weakness::Json { keys } => {
            let redactor = crate::run::redactor(&ctx.config);
            json!({ "keys": keys.iter().map(|key| redactor.redact_cut(key)).collect::<Vec<_>>() })
        }
        Weakness::CassandraPagingState => json!({ "paging_state_characters": text.len() }),
        Weakness::Base64Plain(plain) => json!(crate::run::redactor(&ctx.config).redact_cut(plain)),
    }
}
