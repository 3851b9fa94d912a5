//! Ratewarden itself, as a release would run it.

use std::fmt::Write as _;
use std::net::SocketAddr;
use std::path::Path;
use std::process::Command;

use super::{Allowance, CALLER_HEADER, Gate};
use crate::error::StartError;
use crate::process::Place;
use crate::server::Server;

const NAME: &str = "Ratewarden";

/// `ratewarden guard` of this binary with one limit per caller, or several.
///
/// # Errors
/// [`StartError`], with its own words where it refuses the policy.
pub fn ratewarden(binary: &Path, gate: Gate, upstream: SocketAddr) -> Result<Server, StartError> {
    let place = Place::prepare(NAME)?;
    let listen = SocketAddr::from(([127, 0, 0, 1], place.port()));
    let file = place.write("ratewarden.toml", &policy(gate, listen, upstream))?;
    let mut command = Command::new(binary);
    command.args(["guard", "-c"]).arg(file);
    Ok(Server::process(NAME, place.start(&command)?))
}

/// The same in front of a back end of one's own, with one limit per address: `limit` is what its table says of calls, such as
/// `rate = "10/1s"`, and `fields` those that answers carry. It is on `/v1/`, so that the readiness path is outside it.
///
/// # Errors
/// [`StartError`], with its own words where it refuses the policy.
pub fn guarded(
    binary: &Path,
    limit: &str,
    fields: &str,
    back_end: impl FnOnce() -> Result<Server, StartError>,
) -> Result<Server, StartError> {
    let behind = back_end()?;
    let place = Place::prepare(NAME)?;
    let listen = SocketAddr::from(([127, 0, 0, 1], place.port()));
    let text = format!(
        "[listen]\nhttp = \"{listen}\"\n\n[upstream]\nurl = \"http://{}\"\n\n\
         [[limit]]\nname = \"calls\"\nmatch = {{ path = \"/v1/{{*rest}}\" }}\nper = [\"address\"]\n{limit}\n\n\
         [answer]\nfields = \"{fields}\"\n",
        behind.address()
    );
    let file = place.write("ratewarden.toml", &text)?;
    let mut command = Command::new(binary);
    command.args(["guard", "-c"]).arg(file);
    Ok(Server::process(NAME, place.start(&command)?).before(behind))
}

/// The policy file. Limits are on `/v1/`, so that the readiness path is outside them.
#[must_use]
pub fn policy(gate: Gate, listen: SocketAddr, upstream: SocketAddr) -> String {
    let rate = match gate.allowance {
        Allowance::Plenty => "1_000_000/1m",
        Allowance::OneAMinute => "1/1m",
    };
    // A key for each limit of each caller, and as much again: a table that is full is another measurement.
    let keys = (u64::from(gate.callers) * u64::from(gate.limits) * 2).max(1_000_000);
    let mut text = format!(
        "[listen]\nhttp = \"{listen}\"\nthreads = 1\n\n\
         [upstream]\nurl = \"http://{upstream}\"\npool = 128\n\n\
         [caps]\nkeys = {keys}\n\n\
         [[caller]]\nfrom = \"header:{CALLER_HEADER}\"\n"
    );
    for number in 1..=gate.limits {
        // Writing to a String cannot fail.
        let _ = write!(
            text,
            "\n[[limit]]\nname = \"calls {number}\"\nmatch = {{ path = \"/v1/{{*rest}}\" }}\n\
             per = [\"caller\"]\nrate = \"{rate}\"\n"
        );
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_policy_counts_per_caller_on_one_thread() {
        let address = |port| SocketAddr::from(([127, 0, 0, 1], port));
        let text = policy(Gate::new(Allowance::OneAMinute, 10_000).limits(2), address(8), address(9));
        assert!(text.starts_with("[listen]\nhttp = \"127.0.0.1:8\"\nthreads = 1\n"), "{text}");
        assert!(
            text.contains("from = \"header:x-api-key\"") && text.contains("name = \"calls 2\""),
            "{text}"
        );
        assert!(text.ends_with("per = [\"caller\"]\nrate = \"1/1m\"\n"), "{text}");
    }
}
