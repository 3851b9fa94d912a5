//! Envoy: the `local_ratelimit` HTTP filter.
//!
//! One bucket for every caller, as the filter is without descriptors. The answer is a `direct_response`, to which
//! the filter applies; the readiness route switches it off for itself.

use std::process::Command;
use std::time::Duration;

use serde_json::{Value, json};

use crate::error::StartError;
use crate::process::Place;
use crate::server::Server;
use crate::services::Services;

const NAME: &str = "Envoy";
const FILTER: &str = "envoy.filters.http.local_ratelimit";
const HTTP_FILTERS: &str = "type.googleapis.com/envoy.extensions.filters.http";
const MANAGER: &str =
    "type.googleapis.com/envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager";

/// A token bucket.
#[derive(Debug, Clone)]
pub struct LocalRateLimit {
    max_tokens: u32,
    tokens_per_fill: u32,
    fill_interval: Duration,
    headers: bool,
    status: u16,
}

impl LocalRateLimit {
    /// A bucket of `max_tokens` that gets `tokens_per_fill` in each `fill_interval` (at least 50 ms); no rate
    /// headers, status 429.
    #[must_use]
    pub fn new(max_tokens: u32, tokens_per_fill: u32, fill_interval: Duration) -> Self {
        Self { max_tokens, tokens_per_fill, fill_interval, headers: false, status: 429 }
    }

    /// Whether `x-ratelimit-limit`, `-remaining` and `-reset` are sent (draft 03).
    #[must_use]
    pub fn headers(mut self, sent: bool) -> Self {
        self.headers = sent;
        self
    }

    /// The status of a rejection.
    #[must_use]
    pub fn status(mut self, status: u16) -> Self {
        self.status = status;
        self
    }

    /// Starts it.
    ///
    /// # Errors
    /// [`StartError`], with Envoy's own words where it refuses the configuration.
    pub fn start(&self, services: &Services) -> Result<Server, StartError> {
        let place = Place::prepare(NAME)?;
        let configuration = place.write("envoy.json", &self.configuration(place.port()).to_string())?;
        let mut command = Command::new(&services.envoy);
        command.arg("-c").arg(configuration);
        // Without hot restart there is no shared memory that several instances would have to divide.
        command.args(["--disable-hot-restart", "--concurrency", "1", "--log-level", "error"]);
        Ok(Server::process(NAME, place.start(&command)?))
    }

    fn configuration(&self, port: u16) -> Value {
        let manager = json!({
            "@type": MANAGER,
            "stat_prefix": "front",
            "route_config": { "virtual_hosts": [{ "name": "all", "domains": ["*"], "routes": routes() }] },
            "http_filters": [
                { "name": FILTER, "typed_config": self.filter() },
                { "name": "envoy.filters.http.router",
                  "typed_config": { "@type": format!("{HTTP_FILTERS}.router.v3.Router") } },
            ],
        });
        json!({ "static_resources": { "listeners": [{
            "address": { "socket_address": { "address": "127.0.0.1", "port_value": port } },
            "filter_chains": [{ "filters": [
                { "name": "envoy.filters.network.http_connection_manager", "typed_config": manager },
            ] }],
        }] } })
    }

    fn filter(&self) -> Value {
        let always = json!({ "default_value": { "numerator": 100 } });
        json!({
            "@type": format!("{HTTP_FILTERS}.local_ratelimit.v3.LocalRateLimit"),
            "stat_prefix": "limit",
            "status": { "code": self.status },
            "token_bucket": {
                "max_tokens": self.max_tokens,
                "tokens_per_fill": self.tokens_per_fill,
                "fill_interval": format!("{}s", self.fill_interval.as_secs_f64()),
            },
            "filter_enabled": always,
            "filter_enforced": always,
            "enable_x_ratelimit_headers": if self.headers { "DRAFT_VERSION_03" } else { "OFF" },
        })
    }
}

fn routes() -> Value {
    let unlimited = json!({
        "@type": "type.googleapis.com/envoy.config.route.v3.FilterConfig", "disabled": true, "config": {},
    });
    let json_type = json!({
        "header": { "key": "content-type", "value": "application/json" },
        "append_action": "OVERWRITE_IF_EXISTS_OR_ADD",
    });
    json!([
        {
            "match": { "path": crate::READY_PATH },
            "direct_response": { "status": 204 },
            "typed_per_filter_config": { FILTER: unlimited },
        },
        {
            "match": { "prefix": "/" },
            "direct_response": { "status": 200, "body": { "inline_string": crate::BODY } },
            "response_headers_to_add": [json_type],
        },
    ])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_bucket_is_written_as_envoy_reads_it() {
        let filter = LocalRateLimit::new(20, 5, Duration::from_millis(500)).headers(true).filter();
        assert_eq!(filter["token_bucket"]["fill_interval"], "0.5s");
        assert_eq!(filter["token_bucket"]["max_tokens"], 20);
        assert_eq!(filter["enable_x_ratelimit_headers"], "DRAFT_VERSION_03");
    }
}
