//! What is kept of a call when it has ended: the one event from which metrics, the access log and the live view
//! are made.

use std::net::IpAddr;

use ratewarden_callers::{Fields, Label};
use ratewarden_counters::Scratch;
use ratewarden_judge::penalties::{Offender, Suspects};
use ratewarden_judge::{Head, Operation, Refusal, Subject, may_be_a_guess};
use ratewarden_limiter::Time;
use ratewarden_policy::Offence;
use serde::Serialize;

use crate::client::Client;
use crate::detection::{About, Said};
use crate::gate::{Judged, Note, Turned};
use crate::identity::Identity;
use crate::worker::Worker;

/// A call from its decision to its end.
#[derive(Debug, Clone)]
pub(crate) struct CallEnd {
    begun: Time,
    pub(crate) note: Note,
    /// Who it is, where the upstream's answer may be an offence.
    suspect: Option<Box<(Suspects, Label)>>,
    pub(crate) status: u16,
    pub(crate) bytes: u64,
    /// What is written down; absent where nobody reads it.
    pub(crate) entry: Option<Box<Entry>>,
    /// What detectors are told; absent where nothing is watched.
    pub(crate) said: Option<Box<Said>>,
}

/// What of a call is written down.
#[derive(Debug, Clone)]
pub(crate) struct Entry {
    pub(crate) method: String,
    pub(crate) path: String,
    pub(crate) caller: String,
    pub(crate) identity: Option<Identity>,
    pub(crate) address: String,
}

/// A line of the access log.
#[derive(Debug, Serialize)]
struct Line<'l> {
    /// RFC 3339, UTC.
    time: String,
    method: &'l str,
    path: &'l str,
    caller: &'l str,
    /// The keyed hash that it is counted by; absent, as the next, where nothing but the address says who it is.
    #[serde(skip_serializing_if = "Option::is_none")]
    id: Option<String>,
    /// What that rests on.
    #[serde(skip_serializing_if = "Option::is_none")]
    identity: Option<&'static str>,
    address: &'l str,
    /// 0 where nothing could be answered.
    status: u16,
    bytes: u64,
    /// Until the answer had gone out; absent where the gateway answered itself.
    #[serde(skip_serializing_if = "Option::is_none")]
    micros: Option<u64>,
    decision: &'static str,
    /// The limit that rejected it, or would have.
    #[serde(skip_serializing_if = "Option::is_none")]
    limit: Option<&'l str>,
    #[serde(skip_serializing_if = "str::is_empty")]
    reason: &'l str,
    cost: u64,
    /// An application or another gateway asked for the decision; the call itself was not seen.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    asked: bool,
}

impl CallEnd {
    /// A call that goes to the upstream.
    pub(crate) fn begun<F: Fields>(
        worker: &Worker,
        client: &Client,
        head: &Head<'_, F>,
        address: IpAddr,
        subject: &Subject,
        note: &Note,
    ) -> Self {
        worker.metrics.decided(note.verdict, note.limit);
        let counts = worker.loaded().policy.credentials.count_upstream && may_be_a_guess(head, subject);
        Self {
            begun: head.at,
            note: *note,
            suspect: counts.then(|| Box::new((subject.suspects, subject.caller.label()))),
            status: 0,
            bytes: 0,
            entry: entry(worker, client, address, head.operation(), (Some(subject), None)),
            said: worker.note(&About {
                operation: head.operation(),
                query: head.query,
                fields: Some(head.fields),
                address: Some(address),
                subject: Some(subject),
                tried: None,
            }),
        }
    }

    /// A call that the gateway answered.
    pub(crate) fn turned(
        worker: &Worker,
        client: &Client,
        address: IpAddr,
        operation: Operation<'_>,
        turned: &Turned,
    ) -> Self {
        let Turned { answer, subject, tried, note } = turned;
        let entry = entry(worker, client, address, operation, (subject.as_ref(), *tried));
        let status = answer.status;
        Self { begun: Time::START, note: *note, suspect: None, status, bytes: 0, entry, said: None }
    }

    /// A message that was none.
    pub(crate) fn refused(worker: &Worker, refusal: &Refusal, client: &Client) -> Self {
        let note = Note { verdict: Judged::Refused, reason: refusal.reason, ..Note::default() };
        // Nobody can say what method or path a message had that is none.
        let entry = worker.writes_entries().then(|| {
            let (method, path, caller) = (String::new(), String::new(), String::new());
            Box::new(Entry { method, path, caller, identity: None, address: client.address_text.clone() })
        });
        let said = worker.note(&About::<[(&str, &str)]> {
            operation: Operation { method: "", path: "" },
            query: None,
            fields: None,
            address: Some(client.address),
            subject: None,
            tried: None,
        });
        Self { begun: Time::START, note, suspect: None, status: refusal.status, bytes: 0, entry, said }
    }

    /// The upstream's answer has gone out, or the call has failed (status 0: nothing could be answered).
    pub(crate) fn finish(mut self, worker: &Worker, status: u16, bytes: u64) {
        (self.status, self.bytes) = (status, bytes);
        let now = worker.shared.clock.now();
        let took = now.since(self.begun);
        let micros = u64::try_from(took.as_micros()).unwrap_or(u64::MAX);
        worker.metrics.answered(micros, bytes);
        worker.write(&self, Some(micros));
        worker.watch(self.said.take(), status, bytes, Some(micros));
        // The server knows credentials that the gateway does not.
        if let (401 | 403, Some(suspect)) = (status, &self.suspect) {
            let (suspects, label) = &**suspect;
            let offender = Offender { suspects, caller: Some(label) };
            let mut scratch = Scratch::default();
            worker.offended(&worker.loaded(), Offence::FailedCredentials, &offender, now, &mut scratch);
        }
    }
}

fn entry(
    worker: &Worker,
    client: &Client,
    address: IpAddr,
    operation: Operation<'_>,
    (subject, tried): (Option<&Subject>, Option<u128>),
) -> Option<Box<Entry>> {
    worker.writes_entries().then(|| {
        Box::new(Entry {
            method: operation.method.to_owned(),
            path: operation.path.to_owned(),
            caller: subject.map_or_else(String::new, |subject| subject.caller.display().to_string()),
            identity: Identity::of(subject, tried),
            // Through trusted proxies; most calls have none.
            address: if address == client.address {
                client.address_text.clone()
            } else {
                address.to_string()
            },
        })
    })
}

impl Worker {
    /// Records a call that the gateway answered itself.
    pub(crate) fn record(&self, mut end: CallEnd) {
        self.metrics.decided(end.note.verdict, end.note.limit);
        if !end.note.reason.is_empty() && end.note.verdict != Judged::Rejected {
            self.metrics.refused(end.note.reason);
        }
        self.write(&end, None);
        self.watch(end.said.take(), end.status, end.bytes, None);
    }

    /// Records a decision that somebody asked for, with the status of what would be answered.
    pub(crate) fn asked<F: Fields>(&self, about: &About<'_, F>, note: &Note, status: u16) {
        self.metrics.decided(note.verdict, note.limit);
        // How a call that may pass is answered is not seen.
        let is_admitted = matches!(note.verdict, Judged::Admitted | Judged::Shadowed);
        self.watch(self.note(about), if is_admitted { 0 } else { status }, 0, None);
        if !self.shared.live.is_heard() {
            return;
        }
        let About { operation, subject, tried, .. } = *about;
        let address = subject.and_then(|subject| subject.address);
        let entry = Entry {
            method: operation.method.to_owned(),
            path: operation.path.to_owned(),
            caller: subject.map_or_else(String::new, |subject| subject.caller.display().to_string()),
            identity: Identity::of(subject, tried),
            address: address.map(|address| address.to_string()).unwrap_or_default(),
        };
        let (note, begun) = (*note, Time::START);
        let end = CallEnd { begun, note, suspect: None, status, bytes: 0, entry: None, said: None };
        if let Some(line) = self.line(&end, &entry, None, true) {
            self.shared.live.publish(note.verdict, &entry.caller, &line);
        }
    }

    fn write(&self, end: &CallEnd, micros: Option<u64>) {
        let Some(entry) = &end.entry else { return };
        let Some(line) = self.line(end, entry, micros, false) else { return };
        if self.shared.live.is_heard() {
            self.shared.live.publish(end.note.verdict, &entry.caller, &line);
        }
        if let Some(log) = &self.shared.access_log {
            log.line(line);
        }
    }

    fn line(&self, end: &CallEnd, entry: &Entry, micros: Option<u64>, asked: bool) -> Option<String> {
        let loaded = self.loaded();
        let limit = end.note.limit.and_then(|limit| loaded.policy.limits.get(limit));
        let line = Line {
            time: self.shared.clock.wall().to_string(),
            method: &entry.method,
            path: &entry.path,
            caller: &entry.caller,
            id: entry.identity.map(Identity::id),
            identity: entry.identity.map(Identity::word),
            address: &entry.address,
            status: end.status,
            bytes: end.bytes,
            micros,
            decision: end.note.verdict.word(),
            limit: limit.map(|limit| limit.name.as_str()),
            reason: end.note.reason,
            cost: end.note.cost,
            asked,
        };
        serde_json::to_string(&line).ok()
    }
}
