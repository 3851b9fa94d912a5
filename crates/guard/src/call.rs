//! A call's way from its head to the decision, the same for every engine.
//!
//! An engine knows how a head is read and how an answer is written. What the head means, whether the call may pass
//! and what is recorded of that is known here, so that HTTP/2 is no way round what HTTP/1.1 refuses.

use std::borrow::Cow;
use std::net::IpAddr;
use std::rc::Rc;
use std::sync::Arc;

use ratewarden_callers::{Fields, Peer};
use ratewarden_http1::{Framing, Refused, check_query, normalise};
use ratewarden_judge::{Body, Head, Operation, Refusal};

use crate::answer::Answer;
use crate::client::Client;
use crate::detection::About;
use crate::gate::{self, Gate, Pass, Turned};
use crate::record::CallEnd;
use crate::state::Loaded;
use crate::worker::Worker;

/// A head as an engine has read it.
#[derive(Debug)]
pub(crate) struct Asked<'r, F> {
    pub(crate) method: &'r str,
    /// As it came.
    pub(crate) path: &'r str,
    pub(crate) query: Option<&'r str>,
    pub(crate) fields: &'r F,
    pub(crate) framing: Framing,
}

/// What becomes of a call.
#[derive(Debug)]
pub(crate) enum Begun<'r> {
    /// It cannot be judged before its body is there.
    NeedsBody,
    /// The gateway answers; that is recorded already.
    Answer(Answer),
    /// It goes to the upstream.
    Forward(Admitted<'r>),
}

/// A call that goes to the upstream.
#[derive(Debug)]
pub(crate) struct Admitted<'r> {
    /// The one form of the path, which was judged.
    pub(crate) path: Cow<'r, str>,
    /// The client's address, through trusted proxies.
    pub(crate) address: IpAddr,
    pub(crate) pass: Box<Pass>,
    pub(crate) end: CallEnd,
}

/// Checks and judges a head. `body` is there once it has been read, where [`Begun::NeedsBody`] asked for that.
pub(crate) fn begin<'r, F: Fields>(
    worker: &Rc<Worker>,
    loaded: &Arc<Loaded>,
    client: &Client,
    asked: &Asked<'r, F>,
    body: Option<&[u8]>,
) -> Begun<'r> {
    let address = gate::client_address(loaded, client.address, asked.fields);
    let path = match one_form(asked.path, asked.query) {
        Ok(path) => path,
        Err(refusal) => return turned(worker, client, asked, "", address, gate::refused(&refusal, None)),
    };
    if let (Framing::Length(length), Some(most)) = (asked.framing, loaded.policy.caps.body_bytes)
        && length > most
    {
        let refusal = Refusal::new(413, "body_too_large", format!("the body may have at most {most} bytes"));
        return turned(worker, client, asked, &path, address, gate::refused(&refusal, None));
    }
    let peer = Peer { address, certificate_subject: client.subject.as_deref() };
    let view = Head {
        method: asked.method,
        path: &path,
        query: asked.query,
        fields: asked.fields,
        at: worker.shared.clock.now(),
        changeable: true,
    };
    let inspected = match (body, asked.framing) {
        // A call without a body need not wait for one.
        (None, Framing::None) => Some(Body::new(b"")),
        (body, _) => body.map(Body::new),
    };
    match gate::judge(worker, loaded, &view, &peer, inspected.as_ref()) {
        Gate::NeedsBody => Begun::NeedsBody,
        Gate::Answer(answer) => turned(worker, client, asked, &path, address, answer),
        Gate::Pass(pass) => {
            let end = CallEnd::begun(worker, client, &view, address, &pass.subject, &pass.note);
            Begun::Forward(Admitted { path, address, pass, end })
        }
    }
}

/// The one form of a path, where its query is one too.
///
/// # Errors
/// When two readers could understand them differently.
pub(crate) fn one_form<'p>(path: &'p str, query: Option<&str>) -> Result<Cow<'p, str>, Refusal> {
    let checked = normalise(path).and_then(|path| query.map_or(Ok(()), check_query).map(|()| path));
    checked.map_err(|refused| refusal(&refused))
}

/// Path and query of a target.
pub(crate) fn split(target: &str) -> (&str, Option<&str>) {
    target.split_once('?').map_or((target, None), |(path, query)| (path, Some(query)))
}

/// What a client is told of a message that the codec refuses.
pub(crate) fn refusal(refused: &Refused) -> Refusal {
    Refusal::new(refused.status, refused.reason.name(), refused.to_string())
}

/// Records a call that is not forwarded, and hands out its answer.
fn turned<'r, F: Fields>(
    worker: &Worker,
    client: &Client,
    asked: &Asked<'r, F>,
    path: &str,
    address: IpAddr,
    turned: Box<Turned>,
) -> Begun<'r> {
    let operation = Operation { method: asked.method, path };
    let mut end = CallEnd::turned(worker, client, address, operation, &turned);
    let Turned { answer, subject, tried, .. } = *turned;
    // Detectors look at paths that have no one form as they came: those are what probing is made of.
    let path = if path.is_empty() { asked.path } else { path };
    end.said = worker.note(&About {
        operation: Operation { method: asked.method, path },
        query: asked.query,
        fields: Some(asked.fields),
        address: Some(address),
        subject: subject.as_ref(),
        tried,
    });
    worker.record(end);
    Begun::Answer(answer)
}
