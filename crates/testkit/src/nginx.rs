//! nginx: `limit_req`, `limit_conn`, or no limit.
//!
//! `limit_req` never sees a location that answers by `return`, because the rewrite phase comes first. So the
//! limited server proxies to a second server block on a Unix socket, which answers by `return`; and the
//! readiness path uses that same property to stay outside the limiter.

use std::fmt::Write as _;
use std::process::Command;
use std::time::Duration;

use crate::error::StartError;
use crate::plain::Unlimited;
use crate::process::Place;
use crate::server::Server;
use crate::services::Services;

const NAME: &str = "nginx";

/// What requests are counted per.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Key {
    /// The address of the connection.
    #[default]
    Address,
    /// A header, named in lower case. As nginx has it, a request without it is not limited at all.
    Header(&'static str),
    /// A header, or the address where it is missing. With `x-forwarded-for` this is the classic weak key: whoever
    /// makes up a header gets an allowance of his own.
    HeaderOrAddress(&'static str),
    /// The raw path with its query, and the address: another spelling has an allowance of its own.
    UriAndAddress,
    /// One count for everybody.
    Global,
}

impl Key {
    /// The `map` that the key needs, and the variable that holds it.
    fn written(self) -> (String, String) {
        let variable = |header: &str| format!("$http_{}", header.replace('-', "_"));
        match self {
            Self::Address => (String::new(), "$binary_remote_addr".into()),
            Self::Header(name) => (String::new(), variable(name)),
            Self::HeaderOrAddress(name) => {
                let header = variable(name);
                let map = format!("map {header} $caller {{ default {header}; \"\" $remote_addr; }}\n");
                (map, "$caller".into())
            }
            Self::UriAndAddress => (String::new(), "$binary_remote_addr$request_uri".into()),
            Self::Global => (String::new(), "$server_port".into()),
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Excess {
    Queued,
    Immediate,
    DelayedAfter(u32),
}

/// `limit_req`: a leaky bucket that delays, or with `nodelay` a token bucket that admits burst + 1 from idle.
#[derive(Debug, Clone)]
pub struct LimitReq {
    rate: String,
    burst: Option<u32>,
    excess: Excess,
    status: Option<u16>,
    key: Key,
}

impl LimitReq {
    /// A limit of this rate as nginx writes it: `10r/s`, `300r/m`. No burst, status 503, per address.
    #[must_use]
    pub fn new(rate: &str) -> Self {
        Self { rate: rate.into(), burst: None, excess: Excess::Queued, status: None, key: Key::Address }
    }

    /// `burst=N`: this many beyond the rate are queued, or admitted at once with [`Self::nodelay`].
    #[must_use]
    pub fn burst(mut self, requests: u32) -> Self {
        self.burst = Some(requests);
        self
    }

    /// `nodelay`: the burst is admitted at once. Needs a burst.
    #[must_use]
    pub fn nodelay(mut self) -> Self {
        self.excess = Excess::Immediate;
        self
    }

    /// `delay=N`: this many of the burst at once, the rest queued. Needs a burst.
    #[must_use]
    pub fn delay(mut self, requests: u32) -> Self {
        self.excess = Excess::DelayedAfter(requests);
        self
    }

    /// `limit_req_status`; 503 where it is not set.
    #[must_use]
    pub fn status(mut self, status: u16) -> Self {
        self.status = Some(status);
        self
    }

    /// What requests are counted per.
    #[must_use]
    pub fn key(mut self, key: Key) -> Self {
        self.key = key;
        self
    }

    /// Starts it.
    ///
    /// # Errors
    /// [`StartError`], with nginx's own words where it refuses the configuration.
    pub fn start(&self, services: &Services) -> Result<Server, StartError> {
        let (map, key) = self.key.written();
        let zone = format!("{map}limit_req_zone {key} zone=limit:1m rate={};\n", self.rate);
        launch(services, &zone, &self.directives(), None)
    }

    fn directives(&self) -> String {
        let mut text = "limit_req zone=limit".to_owned();
        if let Some(burst) = self.burst {
            // Writing to a String cannot fail.
            let _ = write!(text, " burst={burst}");
        }
        match self.excess {
            Excess::Queued => {}
            Excess::Immediate => text.push_str(" nodelay"),
            Excess::DelayedAfter(requests) => {
                let _ = write!(text, " delay={requests}");
            }
        }
        text.push(';');
        if let Some(status) = self.status {
            let _ = write!(text, " limit_req_status {status};");
        }
        text
    }
}

/// `limit_conn`: a number of requests in flight per address, seen only while answers are slow; so it stands
/// before a slow back end.
#[derive(Debug, Clone)]
pub struct LimitConn {
    limit: u32,
    status: Option<u16>,
    latency: Duration,
}

impl LimitConn {
    /// At most this many in flight; answers take 250 ms; status 503.
    #[must_use]
    pub fn new(limit: u32) -> Self {
        Self { limit, status: None, latency: Duration::from_millis(250) }
    }

    /// `limit_conn_status`; 503 where it is not set.
    #[must_use]
    pub fn status(mut self, status: u16) -> Self {
        self.status = Some(status);
        self
    }

    /// How long each answer takes.
    #[must_use]
    pub fn latency(mut self, latency: Duration) -> Self {
        self.latency = latency;
        self
    }

    /// Starts it and its back end.
    ///
    /// # Errors
    /// [`StartError`], with nginx's own words where it refuses the configuration.
    pub fn start(&self, services: &Services) -> Result<Server, StartError> {
        let behind = Unlimited::slow(self.latency, self.latency / 10).start()?;
        let mut directives = format!("limit_conn limit {};", self.limit);
        if let Some(status) = self.status {
            let _ = write!(directives, " limit_conn_status {status};");
        }
        launch(services, "limit_conn_zone $binary_remote_addr zone=limit:1m;\n", &directives, Some(behind))
    }
}

/// nginx without any limit.
///
/// # Errors
/// [`StartError`].
pub fn unlimited(services: &Services) -> Result<Server, StartError> {
    launch(services, "", "", None)
}

fn launch(
    services: &Services,
    zone: &str,
    directives: &str,
    behind: Option<Server>,
) -> Result<Server, StartError> {
    let place = Place::prepare(NAME)?;
    let folder = place.folder().display();
    let socket = format!("unix:{folder}/back.sock");
    let upstream = behind.as_ref().map_or_else(|| socket.clone(), |server| server.address().to_string());
    let port = place.port();
    let body = crate::BODY;
    let ready = crate::READY_PATH;
    let http = format!(
        r#"default_type application/json;
upstream back {{ server {upstream}; keepalive 64; }}
server {{
  listen {socket};
  location / {{ return 200 '{body}'; }}
}}
{zone}server {{
  listen 127.0.0.1:{port};
  location = {ready} {{ return 204; }}
  location / {{
    {directives}
    proxy_pass http://back;
    proxy_http_version 1.1;
    proxy_set_header Connection "";
  }}
}}
"#
    );
    let server = start(services, NAME, place, "error", &http)?;
    Ok(match behind {
        Some(behind) => server.before(behind),
        None => server,
    })
}

/// Starts nginx with this inside `http`, and nothing outside the folder of its own. `level` is the least that it
/// reports.
pub(crate) fn start(
    services: &Services,
    name: &'static str,
    place: Place,
    level: &str,
    http: &str,
) -> Result<Server, StartError> {
    let folder = place.folder().display();
    // Started as root, workers would become `nobody`, who may not enter the folder.
    let text = format!(
        r"daemon off;
user root;
worker_processes 1;
pid {folder}/pid;
error_log stderr {level};
events {{ worker_connections 1024; }}
http {{
access_log off;
client_body_temp_path {folder}/body;
proxy_temp_path {folder}/proxy;
fastcgi_temp_path {folder}/fastcgi;
uwsgi_temp_path {folder}/uwsgi;
scgi_temp_path {folder}/scgi;
{http}}}
"
    );
    let configuration = place.write("nginx.conf", &text)?;
    let mut command = Command::new(&services.nginx);
    command.arg("-c").arg(configuration).arg("-e").arg("stderr").arg("-p").arg(place.folder());
    Ok(Server::process(name, place.start(&command)?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn directives_are_written_as_nginx_reads_them() {
        assert_eq!(LimitReq::new("10r/s").directives(), "limit_req zone=limit;");
        let full = LimitReq::new("10r/s").burst(20).delay(8).status(429);
        assert_eq!(full.directives(), "limit_req zone=limit burst=20 delay=8; limit_req_status 429;");
        assert_eq!(
            LimitReq::new("1r/s").burst(2).nodelay().directives(),
            "limit_req zone=limit burst=2 nodelay;"
        );
    }

    #[test]
    fn a_weak_key_falls_back_to_the_address() {
        let (map, key) = Key::HeaderOrAddress("x-forwarded-for").written();
        assert_eq!(key, "$caller");
        assert!(map.contains("$http_x_forwarded_for") && map.contains("\"\" $remote_addr"));
    }
}
