//! What the admin listener understands: one table, which the OpenAPI document is held against.

use hyper::Method;

/// What is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Route {
    Health,
    Ready,
    Metrics,
    /// The description of all of this.
    OpenApi,
    Limits,
    /// For other gateways, in the form their sub-requests have.
    Check,
    /// For applications.
    Decide,
    Penalties,
    AddPenalty,
    Penalty,
    LiftPenalty,
    Callers,
    Findings,
    Decisions,
}

/// A path as OpenAPI writes it, the methods it knows, and what they ask for. A GET is also a HEAD.
pub(super) struct Entry {
    pub(super) path: &'static str,
    /// Empty where any method is taken: a sub-request has that of the call it is about.
    pub(super) methods: &'static [(&'static str, Route)],
    /// Whether who has no token may ask: for load balancers.
    pub(super) is_open: bool,
}

/// Every path.
pub(super) const ENTRIES: &[Entry] = &[
    Entry { path: "/healthz", methods: &[("GET", Route::Health)], is_open: true },
    Entry { path: "/readyz", methods: &[("GET", Route::Ready)], is_open: true },
    Entry { path: "/metrics", methods: &[("GET", Route::Metrics)], is_open: false },
    Entry { path: "/check", methods: &[], is_open: false },
    Entry { path: "/v1/openapi.json", methods: &[("GET", Route::OpenApi)], is_open: false },
    Entry { path: "/v1/limits", methods: &[("GET", Route::Limits)], is_open: false },
    Entry { path: "/v1/check", methods: &[("POST", Route::Decide)], is_open: false },
    Entry { path: "/v1/decisions", methods: &[("GET", Route::Decisions)], is_open: false },
    Entry { path: "/v1/callers", methods: &[("GET", Route::Callers)], is_open: false },
    Entry { path: "/v1/findings", methods: &[("GET", Route::Findings)], is_open: false },
    Entry {
        path: "/v1/penalties",
        methods: &[("GET", Route::Penalties), ("POST", Route::AddPenalty)],
        is_open: false,
    },
    Entry {
        path: "/v1/penalties/{id}",
        methods: &[("GET", Route::Penalty), ("DELETE", Route::LiftPenalty)],
        is_open: false,
    },
];

impl Entry {
    /// The entry of a path, and what stands in the place of its parameter.
    pub(super) fn find(path: &str) -> Option<(&'static Self, &str)> {
        ENTRIES.iter().find_map(|entry| {
            if entry.path == path {
                return Some((entry, ""));
            }
            if entry.methods.is_empty() {
                // Envoy puts the call's own path behind.
                return path
                    .strip_prefix(entry.path)
                    .filter(|rest| rest.starts_with('/'))
                    .map(|_| (entry, ""));
            }
            let (before, _) = entry.path.split_once('{')?;
            let parameter = path.strip_prefix(before)?;
            (!parameter.is_empty() && !parameter.contains('/')).then_some((entry, parameter))
        })
    }

    /// What a method asks for.
    pub(super) fn route(&self, method: &Method) -> Option<Route> {
        if self.methods.is_empty() {
            return Some(Route::Check);
        }
        let method = if method == Method::HEAD { "GET" } else { method.as_str() };
        self.methods.iter().find(|(known, _)| *known == method).map(|(_, route)| *route)
    }

    /// The value of `Allow`.
    pub(super) fn allow(&self) -> String {
        let mut names: Vec<&str> = self.methods.iter().map(|(method, _)| *method).collect();
        if names.contains(&"GET") {
            names.push("HEAD");
        }
        names.join(", ")
    }

    /// All paths, for who asks for another.
    pub(super) fn paths() -> String {
        let paths: Vec<&str> = ENTRIES.iter().map(|entry| entry.path).collect();
        paths.join(", ")
    }
}
