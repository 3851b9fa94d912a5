//! nginx with `limit_req`, and nginx as the back end of all gateways.

use std::fmt::Write as _;
use std::net::SocketAddr;

use super::{Allowance, BODY, Gate};
use crate::error::StartError;
use crate::process::Place;
use crate::server::Server;
use crate::services::Services;

/// A caller's node in a zone is 128 bytes for keys of up to 40; twice that leaves room for the tree's pages.
const ZONE_BYTES_PER_CALLER: u64 = 256;
/// As long as Ratewarden's body for one limit.
const PROBLEM_BYTES: usize = 182;
/// Below this nginx would have to drop callers of small runs.
const SMALLEST_ZONE: u64 = 4 << 20;

/// The server behind every gateway: answers [`BODY`] to all, with one worker.
///
/// # Errors
/// [`StartError`].
pub fn back_end(services: &Services) -> Result<Server, StartError> {
    start(services, "nginx (back end)", |port| {
        let ready = crate::READY_PATH;
        format!(
            "server {{\n  listen 127.0.0.1:{port};\n  location = {ready} {{ return 204; }}\n  \
             location / {{ return 200 '{BODY}'; }}\n}}\n"
        )
    })
}

/// nginx that limits nothing and answers every call with a constant 429 as long as a problem body: what reading a call
/// and writing a rejection costs, whoever decides.
///
/// # Errors
/// [`StartError`].
pub fn always_rejecting(services: &Services) -> Result<Server, StartError> {
    start(services, "nginx (constant 429)", |port| {
        let (ready, body) = (crate::READY_PATH, "x".repeat(PROBLEM_BYTES));
        format!(
            "server {{\n  listen 127.0.0.1:{port};\n  location = {ready} {{ return 204; }}\n  \
             location / {{ add_header Retry-After 60 always; return 429 '{body}'; }}\n}}\n"
        )
    })
}

/// nginx with `limit_req` on the caller's header.
///
/// # Errors
/// [`StartError`], with nginx's own words where it refuses the configuration.
pub fn nginx(services: &Services, gate: Gate, upstream: SocketAddr) -> Result<Server, StartError> {
    start(services, "nginx", |port| server_block(gate, upstream, port))
}

fn server_block(gate: Gate, upstream: SocketAddr, port: u16) -> String {
    let variable = format!("$http_{}", super::CALLER_HEADER.replace('-', "_"));
    let zone = (u64::from(gate.callers) * ZONE_BYTES_PER_CALLER).max(SMALLEST_ZONE);
    let (rate, burst) = match gate.allowance {
        Allowance::Plenty => ("100000r/s", " burst=100000 nodelay"),
        Allowance::OneAMinute => ("1r/m", ""),
    };
    let (mut zones, mut directives) = (String::new(), String::new());
    for number in 1..=gate.limits {
        // Writing to a String cannot fail.
        let _ = writeln!(zones, "limit_req_zone {variable} zone=limit{number}:{zone} rate={rate};");
        let _ = writeln!(directives, "    limit_req zone=limit{number}{burst};");
    }
    // A call without the header is not limited, so the readiness path needs no location of its own.
    format!(
        r#"{zones}upstream back {{ server {upstream}; keepalive 128; keepalive_requests 1000000000; }}
server {{
  listen 127.0.0.1:{port};
  location / {{
{directives}    limit_req_status 429;
    proxy_pass http://back;
    proxy_http_version 1.1;
    proxy_set_header Connection "";
  }}
}}
"#
    )
}

/// nginx closes a connection after 1000 requests unless told otherwise, and logs each rejection as an error.
fn start(
    services: &Services,
    name: &'static str,
    servers: impl FnOnce(u16) -> String,
) -> Result<Server, StartError> {
    let place = Place::prepare(name)?;
    let servers = servers(place.port());
    let http = format!("default_type application/json;\nkeepalive_requests 1000000000;\n{servers}");
    crate::nginx::start(services, name, place, "crit", &http)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_limit_has_a_zone_with_room_for_all_callers() {
        let gate = Gate::new(Allowance::Plenty, 1_000_000).limits(2);
        let text = server_block(gate, SocketAddr::from(([127, 0, 0, 1], 9)), 8);
        assert!(
            text.contains("limit_req_zone $http_x_api_key zone=limit2:256000000 rate=100000r/s;"),
            "{text}"
        );
        assert!(text.contains("    limit_req zone=limit2 burst=100000 nodelay;"), "{text}");
        assert!(text.contains("upstream back { server 127.0.0.1:9; keepalive 128;"), "{text}");
    }
}
