//! Envoy with `local_ratelimit`.

use std::net::SocketAddr;
use std::process::Command;

use serde_json::{Value, json};

use super::{Allowance, Gate};
use crate::error::StartError;
use crate::process::Place;
use crate::server::Server;
use crate::services::Services;

const NAME: &str = "Envoy";
const FILTER: &str = "envoy.filters.http.local_ratelimit";
const HTTP_FILTERS: &str = "type.googleapis.com/envoy.extensions.filters.http";
const MANAGER: &str =
    "type.googleapis.com/envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager";

/// Envoy with `local_ratelimit`: one bucket for all callers, as the filter is without descriptors.
///
/// # Errors
/// [`StartError`], with Envoy's own words where it refuses the configuration.
pub fn envoy(services: &Services, gate: Gate, upstream: SocketAddr) -> Result<Server, StartError> {
    let place = Place::prepare(NAME)?;
    let text = configuration(gate, upstream, place.port()).to_string();
    let configuration = place.write("envoy.json", &text)?;
    let mut command = Command::new(&services.envoy);
    command.arg("-c").arg(configuration);
    // Without hot restart there is no shared memory that several instances would have to divide.
    command.args(["--disable-hot-restart", "--concurrency", "1", "--log-level", "error"]);
    Ok(Server::process(NAME, place.start(&command)?))
}

fn configuration(gate: Gate, upstream: SocketAddr, port: u16) -> Value {
    let manager = json!({
        "@type": MANAGER,
        "stat_prefix": "front",
        "route_config": { "virtual_hosts": [{ "name": "all", "domains": ["*"], "routes": routes() }] },
        "http_filters": [
            { "name": FILTER, "typed_config": filter(gate.allowance) },
            { "name": "envoy.filters.http.router",
              "typed_config": { "@type": format!("{HTTP_FILTERS}.router.v3.Router") } },
        ],
    });
    let endpoint = json!({ "endpoint": { "address": socket(upstream.ip().to_string(), upstream.port()) } });
    json!({ "static_resources": {
        "listeners": [{
            "address": socket("127.0.0.1".into(), port),
            "filter_chains": [{ "filters": [
                { "name": "envoy.filters.network.http_connection_manager", "typed_config": manager },
            ] }],
        }],
        "clusters": [{
            "name": "back",
            "type": "STATIC",
            "connect_timeout": "2s",
            "load_assignment": { "cluster_name": "back", "endpoints": [{ "lb_endpoints": [endpoint] }] },
        }],
    } })
}

#[expect(clippy::needless_pass_by_value, reason = "the macro borrows what it writes")]
fn socket(address: String, port: u16) -> Value {
    json!({ "socket_address": { "address": address, "port_value": port } })
}

fn filter(allowance: Allowance) -> Value {
    let always = json!({ "default_value": { "numerator": 100 } });
    let (tokens, interval) = match allowance {
        Allowance::Plenty => (4_000_000_000_u32, "1s"),
        Allowance::OneAMinute => (1, "60s"),
    };
    json!({
        "@type": format!("{HTTP_FILTERS}.local_ratelimit.v3.LocalRateLimit"),
        "stat_prefix": "limit",
        "token_bucket": { "max_tokens": tokens, "tokens_per_fill": tokens, "fill_interval": interval },
        "filter_enabled": always,
        "filter_enforced": always,
    })
}

fn routes() -> Value {
    let unlimited = json!({
        "@type": "type.googleapis.com/envoy.config.route.v3.FilterConfig", "disabled": true, "config": {},
    });
    json!([
        {
            "match": { "path": crate::READY_PATH },
            "route": { "cluster": "back" },
            "typed_per_filter_config": { FILTER: unlimited },
        },
        { "match": { "prefix": "/" }, "route": { "cluster": "back" } },
    ])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_cluster_is_the_back_end_and_the_bucket_what_the_gate_allows() {
        let gate = Gate::new(Allowance::OneAMinute, 10);
        let text = configuration(gate, SocketAddr::from(([127, 0, 0, 1], 9)), 8).to_string();
        assert!(text.contains(r#"{"max_tokens":1,"tokens_per_fill":1,"fill_interval":"60s"}"#), "{text}");
        assert!(
            text.contains(
                r#""endpoint":{"address":{"socket_address":{"address":"127.0.0.1","port_value":9}}}"#
            )
        );
    }
}
