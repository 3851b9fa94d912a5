//! From what a finding is about to whom a ban would hold.

use std::net::IpAddr;
use std::sync::Arc;

use ratewarden_model::{Subject, SubjectKind};

use super::known::Name;
use super::{FindingBans, Let, whom};
use crate::penalties::Whom;

/// Whom a finding is about, as bans know it.
#[derive(Debug)]
pub(super) struct Offender {
    pub(super) id: u128,
    pub(super) whom: Whom,
    pub(super) label: Arc<str>,
    /// The address as it is banned, where it is one.
    pub(super) address: Option<IpAddr>,
    /// What is banned, as a finding would name it.
    pub(super) subject: Subject,
}

impl FindingBans {
    pub(super) fn offender(
        &self,
        subject: &Subject,
        address_id: &dyn Fn(IpAddr) -> u128,
    ) -> Result<Offender, Let> {
        let Subject::Named { kind, value } = subject else { return Err(Let::Nobody) };
        let name = match kind {
            SubjectKind::Address | SubjectKind::Prefix => return self.address(value, address_id),
            SubjectKind::Caller => Name::Caller(value.as_bytes()),
            SubjectKind::Token => Name::Token(u64::from_str_radix(value, 16).map_err(|_| Let::Unknown)?),
            // A user too: whoever guesses under somebody else's name would get its owner banned.
            _ => return Err(Let::Nobody),
        };
        let somebody = self.known.find(name);
        if self.never.has_caller(value.as_bytes()) || somebody.is_some_and(|somebody| somebody.is_spared) {
            return Err(Let::Spared);
        }
        let somebody = somebody.filter(|somebody| !somebody.is_ambiguous).ok_or(Let::Unknown)?;
        let (label, subject) = (value.as_str().into(), subject.clone());
        Ok(Offender { id: somebody.id, whom: somebody.whom, label, address: None, subject })
    }

    fn address(&self, value: &str, address_id: &dyn Fn(IpAddr) -> u128) -> Result<Offender, Let> {
        let address = whom::held(value, self.ipv6_prefix).ok_or(Let::Nobody)?;
        if self.never.holds(address, self.ipv6_prefix) || self.known.is_spared(address) {
            return Err(Let::Spared);
        }
        if self.of_logs && (address.is_loopback() || address.is_unspecified()) {
            return Err(Let::Own);
        }
        let (id, label) = (address_id(address), address.to_string().into());
        let subject = whom::subject(address, self.ipv6_prefix);
        Ok(Offender { id, whom: Whom::Address, label, address: Some(address), subject })
    }
}
