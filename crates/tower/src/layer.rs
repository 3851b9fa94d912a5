//! The layer and its service.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use http::header::{HeaderName, HeaderValue, RETRY_AFTER};
use http::{Request, Response};
use pin_project_lite::pin_project;
use ratewarden_counters::{Capacity, Instant, Usage};
use tower_layer::Layer;
use tower_service::Service;

use crate::answer::{Answer, Problem};
use crate::limit::{InvalidLimits, Limit};
use crate::limits::{ClockFn, Fields, Held, Limits, Outcome, machine_clock};

const RATE_LIMIT: HeaderName = HeaderName::from_static("ratelimit");
const RATE_LIMIT_POLICY: HeaderName = HeaderName::from_static("ratelimit-policy");

/// Holds calls to limits. All services it makes, and all its clones, share one state.
#[derive(Clone)]
pub struct RateLimitLayer<A = Problem> {
    limits: Arc<Limits>,
    clock: Arc<ClockFn>,
    answer: A,
    tell: bool,
}

/// A service whose calls are held to limits.
#[derive(Clone)]
pub struct RateLimit<S, A = Problem> {
    inner: S,
    layer: RateLimitLayer<A>,
}

impl RateLimitLayer {
    /// A layer with these limits. All of them are asked for every call, and none is charged unless all admit. The
    /// memory for `capacity` is taken here: 48 bytes a key for each kind of state (rates and concurrency, quotas),
    /// 144 for sliding windows.
    ///
    /// # Errors
    /// When there are more than 255, a name is not unique or not printable ASCII, or the system has no random bytes.
    pub fn new(limits: impl IntoIterator<Item = Limit>, capacity: Capacity) -> Result<Self, InvalidLimits> {
        let limits = Arc::new(Limits::new(limits.into_iter().collect(), capacity)?);
        Ok(Self { limits, clock: machine_clock(), answer: Problem, tell: false })
    }
}

impl<A> RateLimitLayer<A> {
    /// Answers rejected calls with this instead of [`Problem`].
    #[must_use]
    pub fn answer<B>(self, answer: B) -> RateLimitLayer<B> {
        RateLimitLayer { limits: self.limits, clock: self.clock, answer, tell: self.tell }
    }

    /// Adds `RateLimit` and `RateLimit-Policy` to the answers of admitted calls too.
    #[must_use]
    pub fn tell_admitted(mut self) -> Self {
        self.tell = true;
        self
    }

    /// Takes the time from here: for tests and simulations. It must never step back.
    #[must_use]
    pub fn clock(mut self, clock: impl Fn() -> Instant + Send + Sync + 'static) -> Self {
        self.clock = Arc::new(clock);
        self
    }

    /// What the store holds.
    #[must_use]
    pub fn usage(&self) -> Usage {
        self.limits.usage()
    }

    /// How often a limit in shadow mode would have rejected a call.
    #[must_use]
    pub fn shadow_rejections(&self) -> u64 {
        self.limits.shadow_rejections()
    }
}

impl<S, A: Clone> Layer<S> for RateLimitLayer<A> {
    type Service = RateLimit<S, A>;

    fn layer(&self, inner: S) -> Self::Service {
        RateLimit { inner, layer: self.clone() }
    }
}

impl<S, A, B, R> Service<Request<B>> for RateLimit<S, A>
where
    S: Service<Request<B>, Response = Response<R>>,
    A: Answer<R>,
{
    type Response = Response<R>;
    type Error = S::Error;
    type Future = ResponseFuture<S::Future, R>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        self.inner.poll_ready(context)
    }

    fn call(&mut self, request: Request<B>) -> Self::Future {
        let RateLimitLayer { limits, clock, answer, tell } = &self.layer;
        let (head, body) = request.into_parts();
        match limits.decide(&head, clock(), *tell) {
            Outcome::Admitted(fields, held) => {
                let inner = self.inner.call(Request::from_parts(head, body));
                ResponseFuture { state: State::Admitted { inner, fields, held } }
            }
            Outcome::Rejected(rejected, fields) => {
                let mut response = answer.rejected(&rejected);
                if let Some(seconds) = rejected.retry().seconds() {
                    response.headers_mut().insert(RETRY_AFTER, HeaderValue::from(seconds));
                }
                put(fields, &mut response);
                ResponseFuture { state: State::Rejected { response: Some(response) } }
            }
        }
    }
}

fn put<R>(fields: Fields, response: &mut Response<R>) {
    if let Some([limit, policy]) = fields {
        response.headers_mut().insert(RATE_LIMIT, limit);
        response.headers_mut().insert(RATE_LIMIT_POLICY, policy);
    }
}

pin_project! {
    /// The answer to a call. A concurrency limit's place is given back when this is ready or dropped: a body that
    /// is still being sent holds none, as with tower's own concurrency limit.
    pub struct ResponseFuture<F, R> {
        #[pin]
        state: State<F, R>,
    }
}

pin_project! {
    #[project = StateProjection]
    enum State<F, R> {
        Admitted { #[pin] inner: F, fields: Fields, held: Held },
        Rejected { response: Option<Response<R>> },
    }
}

impl<F, R, E> Future for ResponseFuture<F, R>
where
    F: Future<Output = Result<Response<R>, E>>,
{
    type Output = F::Output;

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        match self.project().state.project() {
            StateProjection::Admitted { inner, fields, held } => {
                let mut result = ready!(inner.poll(context));
                *held = Held::default();
                if let Ok(response) = &mut result {
                    put(fields.take(), response);
                }
                Poll::Ready(result)
            }
            StateProjection::Rejected { response } => match response.take() {
                Some(response) => Poll::Ready(Ok(response)),
                // Polled again after it was ready, which a caller must not do.
                None => Poll::Pending,
            },
        }
    }
}

impl<A> std::fmt::Debug for RateLimitLayer<A> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("RateLimitLayer").field("usage", &self.usage()).finish_non_exhaustive()
    }
}

impl<S, A> std::fmt::Debug for RateLimit<S, A> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("RateLimit").field("layer", &self.layer).finish_non_exhaustive()
    }
}

impl<F, R> std::fmt::Debug for ResponseFuture<F, R> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("ResponseFuture")
    }
}
