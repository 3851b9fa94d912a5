//! What a service asks for: limits, and what each counts per.

use std::borrow::Cow;
use std::sync::Arc;
use std::time::Duration;

use http::request::Parts;
use ratewarden_limiter::{Algorithm, Published};

/// What a call is counted under by one limit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Per<'r> {
    /// The limit is not about this call.
    Exempt,
    /// One total that all calls share.
    Everybody,
    /// A name the caller chose itself: a header, an address, a field.
    Claimed(Cow<'r, [u8]>),
    /// An identity that was proved before this layer: a known key, the subject of a signed token. Such callers are
    /// never displaced by a flood of claimed names, so their number must be bounded by what you gave out.
    Verified(Cow<'r, [u8]>),
}

/// Why limits cannot be enforced.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InvalidLimits {
    /// More than a store can tell apart.
    #[error("{count} limits, and at most 255 can be told apart")]
    TooMany {
        /// How many were given.
        count: usize,
    },
    /// Two limits would share their counts.
    #[error("two limits are named `{name}`")]
    Duplicate {
        /// The name.
        name: String,
    },
    /// The name stands in a header field.
    #[error("the name {name:?} of a limit must be of printable ASCII characters, and at least one")]
    Name {
        /// The name.
        name: String,
    },
    /// Keys are hashed under a secret.
    #[error("the system has no random bytes for the store's secret")]
    NoSecret,
}

pub(crate) type PerFn = dyn for<'r> Fn(&'r Parts) -> Per<'r> + Send + Sync;
pub(crate) type CostFn = dyn Fn(&Parts) -> u64 + Send + Sync;

/// One limit.
#[derive(Clone)]
pub struct Limit {
    pub(crate) name: String,
    pub(crate) algorithm: Algorithm,
    pub(crate) window: Option<Duration>,
    pub(crate) per: Option<Arc<PerFn>>,
    pub(crate) cost: Option<Arc<CostFn>>,
    pub(crate) shadow: bool,
}

impl Limit {
    /// A limit on all calls together; see [`Limit::per`]. The name is told to callers.
    #[must_use]
    pub fn new(name: impl Into<String>, algorithm: Algorithm) -> Self {
        Self { name: name.into(), algorithm, window: None, per: None, cost: None, shadow: false }
    }

    /// Counts each of these apart. The function sees the head of the request with its extensions, where earlier
    /// layers leave who calls; it runs on every call, so it should not look anything up.
    #[must_use]
    pub fn per(mut self, per: impl for<'r> Fn(&'r Parts) -> Per<'r> + Send + Sync + 'static) -> Self {
        self.per = Some(Arc::new(per));
        self
    }

    /// What a call costs; 1 if not said. Over the limit's capacity it is never admitted.
    #[must_use]
    pub fn cost(mut self, cost: impl Fn(&Parts) -> u64 + Send + Sync + 'static) -> Self {
        self.cost = Some(Arc::new(cost));
        self
    }

    /// The duration that `RateLimit-Policy` names for the quota. A sliding window needs it said, since it keeps
    /// only slices; a token bucket that is not told names the time in which its burst comes back.
    #[must_use]
    pub const fn window(mut self, window: Duration) -> Self {
        self.window = Some(window);
        self
    }

    /// Counts, but rejects nobody; see [`RateLimitLayer::shadow_rejections`](crate::RateLimitLayer::shadow_rejections).
    #[must_use]
    pub const fn shadow(mut self) -> Self {
        self.shadow = true;
        self
    }

    pub(crate) fn published(&self) -> Published {
        Published::of(&self.algorithm, self.window)
    }
}

impl std::fmt::Debug for Limit {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Limit")
            .field("name", &self.name)
            .field("algorithm", &self.algorithm)
            .field("shadow", &self.shadow)
            .finish_non_exhaustive()
    }
}

/// Counts per value of a header field: its first, which is the one [`http::HeaderMap::get`] gives the service. Calls
/// without it share one count.
pub fn by_header(name: &'static str) -> impl for<'r> Fn(&'r Parts) -> Per<'r> + Send + Sync + 'static {
    move |call| {
        Per::Claimed(Cow::Borrowed(call.headers.get(name).map_or(&[][..], http::HeaderValue::as_bytes)))
    }
}

pub(crate) fn validate(limits: &[Limit]) -> Result<(), InvalidLimits> {
    if limits.len() > usize::from(u8::MAX) {
        return Err(InvalidLimits::TooMany { count: limits.len() });
    }
    for (index, limit) in limits.iter().enumerate() {
        let name = &limit.name;
        if name.is_empty() || !name.bytes().all(|byte| byte == b' ' || byte.is_ascii_graphic()) {
            return Err(InvalidLimits::Name { name: name.clone() });
        }
        if limits.iter().take(index).any(|other| other.name == *name) {
            return Err(InvalidLimits::Duplicate { name: name.clone() });
        }
    }
    Ok(())
}
