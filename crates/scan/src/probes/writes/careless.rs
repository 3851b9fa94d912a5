//! Careless writes: a wrong type in the key, a field too many, a key of 64 KiB.

use ratewarden_model::{Confidence, Finding, rules};
use serde_json::{Map, Value, json};

use super::Writing;
use super::draft::Draft;
use crate::curl;
use crate::http::Request;
use crate::probes::Stop;
use crate::remedy;

/// Bytes of the oversized key.
const OVERSIZED: usize = 64 * 1024;
/// The field too many.
const EXTRA: &str = "ratewarden_probe_extra";

/// What was accepted although it should not be.
#[derive(Default)]
pub(super) struct Careless {
    wrong_type: Option<Accepted>,
    extra_field: Option<Accepted>,
    oversized: Option<Accepted>,
    tried: usize,
}

struct Accepted {
    status: u16,
    request: Request,
}

impl Careless {
    /// Sends each careless write once.
    pub(super) async fn try_all(&mut self, writing: &mut Writing<'_>, draft: &Draft) -> Result<(), Stop> {
        // A key in the path has no type, and a path of 64 KiB is refused by every server.
        if draft.has_key() && draft.key_in_path().is_none() {
            self.wrong_type = self.write(writing, draft.request(&draft.wrong_key())).await?;
        }
        let more = Map::from_iter([(EXTRA.to_owned(), json!("ratewarden-probe"))]);
        self.extra_field = self.write(writing, draft.request_with(&draft.fresh_key(), &more)).await?;
        if draft.has_key() && draft.key_in_path().is_none() && draft.is_text() {
            self.oversized = self.write(writing, draft.request(&draft.long_key(OVERSIZED))).await?;
        }
        Ok(())
    }

    async fn write(&mut self, writing: &mut Writing<'_>, request: Request) -> Result<Option<Accepted>, Stop> {
        let answer = writing.courier.ask(&request).await;
        let status = match answer {
            Ok((_, response)) => response.status,
            // To fail on it is not to accept it; the next one may still be tried.
            Err(Stop::Failed(_)) => {
                self.tried += 1;
                return Ok(None);
            }
            Err(stop) => return Err(stop),
        };
        self.tried += 1;
        if !status.is_success() {
            return Ok(None);
        }
        writing.written += 1;
        Ok(Some(Accepted { status: status.as_u16(), request }))
    }

    fn accepted(&self) -> Vec<(&'static str, &Accepted)> {
        let all = [
            ("an object where the key is a plain value", &self.wrong_type),
            ("a key of 64 KiB", &self.oversized),
            ("a field that nobody asked for", &self.extra_field),
        ];
        all.into_iter().filter_map(|(what, accepted)| Some((what, accepted.as_ref()?))).collect()
    }

    /// The finding, where anything was accepted.
    pub(super) fn finding(&self, writing: &Writing<'_>) -> Option<Finding> {
        let accepted = self.accepted();
        let (_, first) = accepted.first()?;
        let ctx = writing.courier.ctx;
        let list: Vec<String> =
            accepted.iter().map(|(what, one)| format!("{what} ({})", one.status)).collect();
        let names: Vec<Value> = accepted.iter().map(|(what, _)| json!(what)).collect();
        let description = format!(
            "{} of {} careless writes were accepted: {}. Whether they were stored as they stand cannot be seen from outside.",
            accepted.len(),
            self.tried,
            list.join(", ")
        );
        // Many APIs ignore unknown fields on purpose; a key of the wrong type or size nobody wants.
        let only_extra = self.wrong_type.is_none() && self.oversized.is_none();
        let confidence = if only_extra { Confidence::Tentative } else { Confidence::Firm };
        let mut finding = writing
            .finding(&rules::CARELESS_WRITE, description)
            .confidence(confidence)
            .evidence("tried", self.tried)
            .evidence("accepted", names);
        // A line of 64 KiB reproduces nothing that anybody would paste.
        if first.request.body.len() < 4_096 {
            finding = finding.reproduce(curl::line(&ctx.client, &first.request));
        }
        finding.remediation.snippets = remedy::write_snippets();
        Some(finding)
    }

    /// What to say where nothing was accepted.
    pub(super) fn note(&self, writing: &Writing<'_>) -> Option<String> {
        (self.tried > 0 && self.accepted().is_empty())
            .then(|| format!("{} refused {} careless writes of {}", writing.place, self.tried, self.tried))
    }
}
