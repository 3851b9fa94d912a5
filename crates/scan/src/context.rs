//! What every probe of one endpoint shares.

use std::sync::Arc;
use std::time::Duration;

use ratewarden_model::scan_report::Technology;
use ratewarden_model::{Finding, Rule, Subject};

use crate::config::Config;
use crate::http::{Client, Request, Response};
use crate::observe::Normal;
use crate::openapi::ApiDescription;

/// One endpoint, after its first answers.
pub struct Context {
    /// Sends requests, within the endpoint's budget.
    pub client: Arc<Client>,
    /// What the user asked for.
    pub config: Arc<Config>,
    /// What an unlimited answer looks like.
    pub normal: Normal,
    /// The first unlimited answer itself.
    pub baseline: Response,
    /// The shortest time to the header of an unlimited answer.
    pub baseline_latency: Duration,
    /// What is known of the programs behind the URL so far.
    pub technologies: Vec<Technology>,
    /// A limiter was seen that rejects, so it may be our own requests that a later one is rejected for.
    pub limiter_rejects: bool,
    /// The API's own description, given or found.
    pub api: Option<Arc<ApiDescription>>,
}

impl Context {
    /// The plain request of this endpoint.
    #[must_use]
    pub fn plain(&self) -> Request {
        Request::get(self.client.target().path_and_query.clone())
    }

    /// The endpoint as a finding's subject.
    #[must_use]
    pub fn subject(&self) -> Subject {
        Subject::Endpoint { method: "GET".to_owned(), url: self.client.target().shown() }
    }

    /// What stays the same from run to run, for fingerprints: method and path, not host or port, so that a
    /// baseline made against one deployment holds for another.
    #[must_use]
    pub fn place(&self) -> String {
        format!("GET {}", self.client.target().path())
    }

    /// A finding about this endpoint.
    #[must_use]
    pub fn finding(&self, rule: &Rule, description: impl Into<String>) -> Finding {
        Finding::new(rule, self.subject(), &self.place(), description)
    }

    /// The beginning of a text of the target's, to be shown: without control characters, and redacted before it is cut,
    /// for nobody recognises half a secret.
    #[must_use]
    pub fn excerpt(&self, text: &str, longest: usize) -> String {
        let clean: String = text.chars().filter(|c| !c.is_control()).collect();
        crate::run::redactor(&self.config).redact(&clean).chars().take(longest).collect()
    }
}
