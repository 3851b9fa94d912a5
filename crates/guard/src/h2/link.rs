//! What the calls of one connection share.

use std::cell::Cell;
use std::rc::Rc;
use std::time::Duration;

use tokio::sync::Notify;

use crate::client::Client;
use crate::net::deadline::Deadline;
use crate::worker::Worker;

/// Calls that a client may begin and give up beyond those it waits for. A reset costs the client a frame and the
/// servers behind the gateway a call (CVE-2023-44487).
const ABANDONED: u32 = 100;

/// A client's connection.
#[derive(Debug)]
pub(crate) struct Link {
    pub(crate) worker: Rc<Worker>,
    pub(crate) client: Client,
    /// Calls that are on their way to the upstream; each of them has deadlines of its own.
    forwarded: Cell<usize>,
    /// Of waits for the next call.
    pub(crate) deadline: Rc<Deadline>,
    /// How long such a wait may last.
    patience: Cell<Duration>,
    begun: Cell<bool>,
    told: Cell<bool>,
    abandoned: Cell<u32>,
    flooded: Notify,
}

/// A call on its way; counts until it is dropped.
#[derive(Debug)]
pub(crate) struct OnItsWay {
    link: Rc<Link>,
    answered: bool,
}

impl Link {
    pub(crate) fn new(worker: Rc<Worker>, client: Client) -> Rc<Self> {
        let link = Self {
            deadline: worker.deadlines.add(),
            patience: Cell::new(worker.loaded().policy.timeouts.header),
            worker,
            client,
            forwarded: Cell::new(0),
            begun: Cell::new(false),
            told: Cell::new(false),
            abandoned: Cell::new(0),
            flooded: Notify::new(),
        };
        link.stir();
        Rc::new(link)
    }

    /// A call has begun.
    pub(crate) fn begin(self: &Rc<Self>) -> OnItsWay {
        self.begun.set(true);
        if !self.is_told() {
            self.patience.set(self.worker.loaded().policy.timeouts.idle);
        }
        self.forwarded.set(self.forwarded.get() + 1);
        self.stir();
        OnItsWay { link: Rc::clone(self), answered: false }
    }

    /// The client is told to begin no further call.
    pub(crate) fn tell(&self) {
        self.told.set(true);
        self.patience.set(self.worker.loaded().policy.timeouts.body);
        self.stir();
    }

    /// Whether it was.
    pub(crate) const fn is_told(&self) -> bool {
        self.told.get()
    }

    /// The wait for the next call begins anew, or has to wait itself while one is on its way.
    fn stir(&self) {
        let is_idle = self.forwarded.get() == 0;
        self.deadline.set_idle(is_idle.then(|| self.worker.deadlines.now() + self.patience.get()));
    }

    /// Whether any call has come yet.
    pub(crate) const fn has_begun(&self) -> bool {
        self.begun.get()
    }

    /// Waits until the client has given up too many calls.
    pub(crate) async fn flooded(&self) {
        self.flooded.notified().await;
    }
}

impl OnItsWay {
    /// The gateway has done its part; what the client does now is its own affair.
    pub(crate) fn answered(&mut self) {
        self.answered = true;
    }
}

impl Drop for OnItsWay {
    fn drop(&mut self) {
        let link = &self.link;
        link.forwarded.set(link.forwarded.get().saturating_sub(1));
        link.stir();
        let abandoned = link.abandoned.get();
        if self.answered {
            link.abandoned.set(abandoned.saturating_sub(1));
        } else {
            link.abandoned.set(abandoned + 1);
            if abandoned >= ABANDONED {
                link.flooded.notify_one();
            }
        }
    }
}
