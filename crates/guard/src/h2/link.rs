//! What the calls of one connection share.

use std::cell::Cell;
use std::rc::Rc;
use std::time::Instant;

use tokio::sync::Notify;

use crate::client::Client;
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
    /// When a call last began or ended.
    stirred: Cell<Instant>,
    begun: Cell<bool>,
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
        let stirred = Cell::new(worker.deadlines.now());
        let (forwarded, begun, abandoned) = (Cell::new(0), Cell::new(false), Cell::new(0));
        Rc::new(Self { worker, client, forwarded, stirred, begun, abandoned, flooded: Notify::new() })
    }

    /// A call has begun.
    pub(crate) fn begin(self: &Rc<Self>) -> OnItsWay {
        self.begun.set(true);
        self.stir();
        self.forwarded.set(self.forwarded.get() + 1);
        OnItsWay { link: Rc::clone(self), answered: false }
    }

    pub(crate) fn stir(&self) {
        self.stirred.set(self.worker.deadlines.now());
    }

    /// Whether any call has come yet.
    pub(crate) const fn has_begun(&self) -> bool {
        self.begun.get()
    }

    /// Since when nothing happens; `None` while a call is on its way.
    pub(crate) fn idle_since(&self) -> Option<Instant> {
        (self.forwarded.get() == 0).then(|| self.stirred.get())
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
