//! Gateways with a configuration that the test brings, such as the one the documentation shows.
//!
//! What a reader copies is then what was tried. Only what a test cannot do without is put around it: no daemon, no
//! files outside the server's own folder. [`READY_PATH`](crate::READY_PATH) must reach an upstream that answers 204.

use std::process::Command;

use crate::error::StartError;
use crate::process::Place;
use crate::server::Server;
use crate::services::Services;

/// nginx, with this inside `http`. The configuration is written when the port is known.
///
/// # Errors
/// [`StartError`], with nginx's own words where it refuses the configuration.
pub fn nginx(services: &Services, write: impl FnOnce(u16) -> String) -> Result<Server, StartError> {
    const NAME: &str = "nginx";
    let place = Place::prepare(NAME)?;
    let http = write(place.port());
    crate::nginx::start(services, NAME, place, "error", &http)
}

/// Envoy, with this bootstrap in YAML.
///
/// # Errors
/// [`StartError`], with Envoy's own words where it refuses the configuration.
pub fn envoy(services: &Services, write: impl FnOnce(u16) -> String) -> Result<Server, StartError> {
    const NAME: &str = "Envoy";
    let place = Place::prepare(NAME)?;
    let configuration = place.write("envoy.yaml", &write(place.port()))?;
    let mut command = Command::new(&services.envoy);
    command.arg("-c").arg(configuration);
    // Without hot restart there is no shared memory that several instances would have to divide.
    command.args(["--disable-hot-restart", "--concurrency", "1", "--log-level", "error"]);
    Ok(Server::process(NAME, place.start(&command)?))
}

/// Caddy, with this Caddyfile. On loopback, without its own admin listener and without certificates.
///
/// # Errors
/// [`StartError`], with Caddy's own words where it refuses the configuration.
pub fn caddy(services: &Services, write: impl FnOnce(u16) -> String) -> Result<Server, StartError> {
    const NAME: &str = "Caddy";
    let place = Place::prepare(NAME)?;
    let text =
        format!("{{\n\tadmin off\n\tauto_https off\n\tdefault_bind 127.0.0.1\n}}\n{}", write(place.port()));
    let configuration = place.write("Caddyfile", &text)?;
    let mut command = Command::new(&services.caddy);
    command.args(["run", "--adapter", "caddyfile", "--config"]).arg(configuration);
    for variable in ["HOME", "XDG_DATA_HOME", "XDG_CONFIG_HOME"] {
        command.env(variable, place.folder());
    }
    Ok(Server::process(NAME, place.start(&command)?))
}
