//! HAProxy: a stick table of request rates.
//!
//! `http_req_rate(period)` is a sliding counter over two periods, and it counts rejected requests too: a client
//! that keeps knocking never gets in again.

use std::process::Command;
use std::time::Duration;

use crate::error::StartError;
use crate::process::Place;
use crate::server::Server;
use crate::services::Services;

const NAME: &str = "HAProxy";

/// Answers 503 while the client is over the limit, 204 once it is not; asking is not counted.
pub const FORGOTTEN_PATH: &str = "/forgotten";

/// `deny` beyond so many requests in a period, per client address.
#[derive(Debug, Clone)]
pub struct StickTable {
    limit: u32,
    period: Duration,
    status: u16,
}

impl StickTable {
    /// Denies with 429 when the rate over the period is greater than the limit.
    #[must_use]
    pub fn new(limit: u32, period: Duration) -> Self {
        Self { limit, period, status: 429 }
    }

    /// `deny_status`: one of those HAProxy knows (403, 429, 503…).
    #[must_use]
    pub fn status(mut self, status: u16) -> Self {
        self.status = status;
        self
    }

    /// Starts it.
    ///
    /// # Errors
    /// [`StartError`], with HAProxy's own words where it refuses the configuration.
    pub fn start(&self, services: &Services) -> Result<Server, StartError> {
        let place = Place::prepare(NAME)?;
        let configuration = place.write("haproxy.cfg", &self.configuration(place.port()))?;
        let mut command = Command::new(&services.haproxy);
        command.arg("-db").arg("-f").arg(configuration);
        Ok(Server::process(NAME, place.start(&command)?))
    }

    fn configuration(&self, port: u16) -> String {
        let period = self.period.as_millis();
        // An entry must outlive its counters, which look back two periods.
        let expire = 3 * period;
        let (limit, status, ready, body) = (self.limit, self.status, crate::READY_PATH, crate::BODY);
        format!(
            "global\n  maxconn 1024\n\
             defaults\n  mode http\n  timeout connect 2s\n  timeout client 30s\n  timeout server 30s\n\
             frontend front\n  bind 127.0.0.1:{port}\n  \
               stick-table type ip size 100k expire {expire}ms store http_req_rate({period}ms)\n  \
               http-request return status 204 if {{ path {ready} }}\n  \
               http-request return status 503 if {{ path {FORGOTTEN_PATH} }} {{ src_http_req_rate(front) ge {limit} }}\n  \
               http-request return status 204 if {{ path {FORGOTTEN_PATH} }}\n  \
               http-request track-sc0 src\n  \
               http-request deny deny_status {status} if {{ sc_http_req_rate(0) gt {limit} }}\n  \
               default_backend plain\n\
             backend plain\n  \
               http-request return status 200 content-type application/json string '{body}'\n"
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_looks_back_over_the_period() {
        let text = StickTable::new(20, Duration::from_secs(10)).configuration(1);
        assert!(text.contains("expire 30000ms store http_req_rate(10000ms)"), "{text}");
        assert!(text.contains("deny_status 429 if { sc_http_req_rate(0) gt 20 }"), "{text}");
    }
}
