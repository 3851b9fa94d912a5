//! What is kept of a call when it has ended: the one event from which metrics, the access log and the live view
//! are made.

use ratewarden_callers::Fields;
use ratewarden_limiter::Time;

use crate::gate::{Judged, Note};
use crate::h1::Client;
use crate::judge::{Head, Refusal, Subject};
use crate::worker::Worker;

/// A call from its decision to its end.
#[derive(Debug, Clone)]
pub(crate) struct CallEnd {
    begun: Time,
    pub(crate) note: Note,
    pub(crate) status: u16,
    pub(crate) bytes: u64,
    /// What is written down; absent where nobody reads it.
    pub(crate) entry: Option<Box<Entry>>,
}

/// What of a call is written down.
#[derive(Debug, Clone)]
pub(crate) struct Entry {
    pub(crate) method: String,
    pub(crate) path: String,
    pub(crate) caller: String,
    pub(crate) address: String,
}

impl CallEnd {
    /// A call that goes to the upstream.
    pub(crate) fn begun<F: Fields>(
        worker: &Worker,
        client: &Client,
        head: &Head<'_, F>,
        subject: &Subject,
        note: &Note,
    ) -> Self {
        worker.metrics.decided(note.verdict, note.limit);
        Self {
            begun: worker.shared.clock.now(),
            note: *note,
            status: 0,
            bytes: 0,
            entry: entry(worker, client, head, Some(subject)),
        }
    }

    /// A call that the gateway answered.
    pub(crate) fn turned<F: Fields>(
        worker: &Worker,
        client: &Client,
        head: &Head<'_, F>,
        subject: Option<&Subject>,
        note: &Note,
        status: u16,
    ) -> Self {
        let entry = entry(worker, client, head, subject);
        Self { begun: Time::START, note: *note, status, bytes: 0, entry }
    }

    /// A message that was none.
    pub(crate) fn refused(refusal: &Refusal, client: &Client) -> Self {
        let note = Note { verdict: Judged::Refused, reason: refusal.reason, ..Note::default() };
        let _ = client;
        Self { begun: Time::START, note, status: refusal.status, bytes: 0, entry: None }
    }

    /// The upstream's answer has gone out, or the call has failed (status 0: nothing could be answered).
    pub(crate) fn finish(mut self, worker: &Worker, status: u16, bytes: u64) {
        (self.status, self.bytes) = (status, bytes);
        let took = worker.shared.clock.now().since(self.begun);
        worker.metrics.answered(u64::try_from(took.as_micros()).unwrap_or(u64::MAX), bytes);
    }
}

fn entry<F: Fields>(
    worker: &Worker,
    client: &Client,
    head: &Head<'_, F>,
    subject: Option<&Subject>,
) -> Option<Box<Entry>> {
    worker.writes_entries().then(|| {
        Box::new(Entry {
            method: head.method.to_owned(),
            path: head.path.to_owned(),
            caller: subject.map_or_else(String::new, |subject| subject.caller.display().to_string()),
            address: client.address_text.clone(),
        })
    })
}

impl Worker {
    /// Records a call that the gateway answered itself.
    pub(crate) fn record(&self, end: &CallEnd) {
        self.metrics.decided(end.note.verdict, end.note.limit);
        if !end.note.reason.is_empty() && end.note.verdict != Judged::Rejected {
            self.metrics.refused(end.note.reason);
        }
    }
}
