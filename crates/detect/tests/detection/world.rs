//! Where the addresses of the tests are, and what their credentials are called.

use std::hash::{BuildHasher as _, BuildHasherDefault, DefaultHasher};
use std::net::IpAddr;

use ratewarden_detect::{Geography, Location};
use ratewarden_model::{Call, CallCaller, Subject, SubjectKind};
use ratewarden_traffic::Scenario;
use ratewarden_traffic::world::COUNTRIES;

/// The networks of the generated traffic.
#[derive(Debug)]
pub(crate) struct World;

impl Geography for World {
    fn locate(&self, address: IpAddr) -> Option<Location> {
        let IpAddr::V4(four) = address else { return None };
        let country = COUNTRIES
            .iter()
            .find(|country| country.networks.iter().any(|network| four.octets().starts_with(network)))?;
        let code: [u8; 2] = country.code.as_bytes().try_into().ok()?;
        Some(Location { country: code, asn: None, point: ratewarden_detect::centre(code) })
    }
}

fn id(credential: &[u8]) -> u128 {
    let half =
        |salt: u8| u128::from(BuildHasherDefault::<DefaultHasher>::default().hash_one((salt, credential)));
    half(1) << 64 | half(2)
}

/// The call with its credential hashed.
pub(crate) fn hashed<'c>(call: &Call<'c>) -> Call<'c> {
    let caller = match call.caller {
        CallCaller::Credential(credential) => CallCaller::Hashed { id: id(credential), name: b"" },
        other => other,
    };
    Call { caller, ..*call }
}

/// Whom a finding must be about.
pub(crate) fn subject(scenario: &Scenario) -> Subject {
    let (kind, value) = &scenario.subject;
    match kind {
        SubjectKind::Token | SubjectKind::Caller => {
            Subject::named(SubjectKind::Token, format!("{:012x}", id(value.as_bytes()) & 0xffff_ffff_ffff))
        }
        _ => Subject::named(*kind, value.clone()),
    }
}
