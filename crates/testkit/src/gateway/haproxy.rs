//! HAProxy with a stick table.

use std::net::SocketAddr;
use std::process::Command;

use super::{Allowance, CALLER_HEADER, Gate};
use crate::error::StartError;
use crate::process::Place;
use crate::server::Server;
use crate::services::Services;

const NAME: &str = "HAProxy";

/// HAProxy with a stick table on the caller's header: one limit, whatever the gate says.
///
/// # Errors
/// [`StartError`], with HAProxy's own words where it refuses the configuration.
pub fn haproxy(services: &Services, gate: Gate, upstream: SocketAddr) -> Result<Server, StartError> {
    let place = Place::prepare(NAME)?;
    let configuration = place.write("haproxy.cfg", &configuration(gate, upstream, place.port()))?;
    let mut command = Command::new(&services.haproxy);
    command.arg("-db").arg("-f").arg(configuration);
    Ok(Server::process(NAME, place.start(&command)?))
}

fn configuration(gate: Gate, upstream: SocketAddr, port: u16) -> String {
    let calls: u32 = match gate.allowance {
        Allowance::Plenty => 1_000_000_000,
        Allowance::OneAMinute => 1,
    };
    // Entries beyond the size push others out, so it has room to spare.
    let size = u64::from(gate.callers) * 2;
    format!(
        "global\n  maxconn 1024\n  nbthread 1\n\
         defaults\n  mode http\n  http-reuse always\n  timeout connect 2s\n  timeout client 30s\n  timeout server 30s\n\
         frontend front\n  bind 127.0.0.1:{port}\n  \
           stick-table type string len 32 size {size} expire 180s store http_req_rate(60s)\n  \
           http-request track-sc0 req.hdr({CALLER_HEADER})\n  \
           http-request deny deny_status 429 if {{ sc_http_req_rate(0) gt {calls} }}\n  \
           default_backend back\n\
         backend back\n  \
           server back {upstream}\n"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_counts_per_caller_on_one_thread() {
        let gate = Gate::new(Allowance::OneAMinute, 10_000);
        let text = configuration(gate, SocketAddr::from(([127, 0, 0, 1], 9)), 8);
        assert!(text.contains("track-sc0 req.hdr(x-api-key)"), "{text}");
        assert!(text.contains("deny_status 429 if { sc_http_req_rate(0) gt 1 }"), "{text}");
        assert!(text.contains("nbthread 1") && text.contains("server back 127.0.0.1:9"), "{text}");
    }
}
