//! A log that knows no clients: all calls come from a few addresses, each of which stands for many callers.
//!
//! Behind a load balancer or a proxy a server logs that one's address where it was not told otherwise. Whatever is counted
//! of an address is then counted of everybody, so nothing is claimed of such an address, and the log's owner is told. What
//! is one: the log has no other addresses but a handful, and this one has many agents that each call often. As soon
//! as there are more addresses the log knows its clients, and nothing is looked at any more; so an attacker
//! who changes agents is excused by nothing but a log in which nobody else is.

use ratewarden_model::Subject;

use super::{Around, Over, Raised};
use crate::event::Event;
use crate::sketch::Bits;
use crate::spec::By;

/// Calls that each agent has on average.
const OFTEN: u64 = 4;
/// Calls and seconds after which the log's owner is told.
const CALLS: u64 = 500;
const SECONDS: u32 = 600;

#[derive(Debug)]
pub(crate) struct Front {
    known: Vec<Address>,
    /// There are more addresses: the log knows its clients.
    is_over: bool,
    addresses: usize,
    agents: u32,
}

#[derive(Debug)]
struct Address {
    source: u64,
    subject: Subject,
    first: u32,
    calls: u64,
    agents: Bits<64>,
}

impl Front {
    pub(crate) fn new(addresses: u32, agents: u32) -> Self {
        let addresses = usize::try_from(addresses).unwrap_or(usize::MAX);
        Self { known: Vec::new(), is_over: false, addresses, agents }
    }

    #[inline]
    pub(crate) fn see(&mut self, event: &Event, around: &Around<'_>) {
        if !self.is_over {
            self.count(event, around);
        }
    }

    #[inline(never)]
    fn count(&mut self, event: &Event, around: &Around<'_>) {
        let place = self.known.iter().position(|known| known.source == event.source);
        let place = place.unwrap_or(self.known.len());
        if place >= self.addresses {
            (self.is_over, self.known) = (true, Vec::new());
            return;
        }
        if place == self.known.len() {
            self.known.push(Address {
                source: event.source,
                subject: crate::label::subject(By::Address, event, around),
                first: event.second,
                calls: 0,
                agents: Bits::default(),
            });
        }
        if let Some(known) = self.known.get_mut(place) {
            known.calls += 1;
            known.first = known.first.min(event.second);
            if event.agent != 0 {
                known.agents.mark(event.agent);
            }
        }
    }

    /// Whether it has nothing to look for any more.
    pub(crate) const fn is_over(&self) -> bool {
        self.is_over
    }

    /// Whether an address stands for many callers.
    pub(crate) fn has(&self, source: u64) -> bool {
        self.known.iter().any(|known| known.source == source && known.is_many(self.agents))
    }

    pub(crate) fn tick(&self, now: u32) -> Vec<Raised> {
        let told = self.known.iter().filter(|known| {
            known.is_many(self.agents) && known.calls >= CALLS && known.first.saturating_add(SECONDS) <= now
        });
        told.map(|known| Raised {
            key: known.source,
            subject: known.subject.clone(),
            facts: vec![("agents_at_least", known.agents.marked().into())],
            over: Over { count: known.calls, error: 0, since: known.first },
        })
        .collect()
    }

    pub(crate) fn bytes(&self) -> usize {
        self.known.capacity() * size_of::<Address>()
    }
}

impl Address {
    fn is_many(&self, agents: u32) -> bool {
        let (known, _) = self.agents.estimate();
        known >= agents && self.calls >= OFTEN * u64::from(known)
    }
}
