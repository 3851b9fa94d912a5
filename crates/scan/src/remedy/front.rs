//! Limits in the words of what stands in front of an API.

use ratewarden_model::Snippet;

use super::template::template;
use super::{Suggestion, snippet};

/// Ratewarden's own policy: `ratewarden.toml`. None for a path that the gateway does not forward.
pub(super) fn policy(path: &str, limit: Suggestion) -> Option<Snippet> {
    let Suggestion { per_second, burst } = limit;
    let path = quoted(&template(path)?);
    Some(snippet(
        "Ratewarden",
        format!(
            "# ratewarden.toml: a caller is an address, unless keys say who calls; without a list of them a key could be made up\n\
             # [[caller]]\n\
             # from = \"header:x-api-key\"\n\
             # keys = \"keys.txt\"           # `ratewarden key new NAME` makes one\n\
             \n\
             [[limit]]\n\
             name  = \"calls\"\n\
             match = {{ path = {path} }}\n\
             per   = [\"caller\"]\n\
             rate  = \"{per_second}/1s\"\n\
             burst = {burst}\n"
        ),
    ))
}

/// nginx `limit_req`.
pub(super) fn nginx(path: &str, limit: Suggestion) -> Snippet {
    let Suggestion { per_second, burst } = limit;
    let path = path.replace('\\', "\\\\").replace('"', "\\\"");
    snippet(
        "nginx",
        format!(
            "# in http {{ }}: one counter for each client address\n\
             limit_req_zone $binary_remote_addr zone=calls:10m rate={per_second}r/s;\n\
             limit_req_status 429;                 # the default is 503\n\
             \n\
             # in server {{ }}\n\
             location \"{path}\" {{\n\
             \x20   limit_req zone=calls burst={burst} nodelay;\n\
             \x20   error_page 429 @slow_down;\n\
             \x20   proxy_pass http://backend;\n\
             }}\n\
             location @slow_down {{\n\
             \x20   add_header Retry-After 1 always;\n\
             \x20   return 429;\n\
             }}\n"
        ),
    )
}

/// HAProxy stick table: a sliding window of ten seconds.
pub(super) fn haproxy(path: &str, limit: Suggestion) -> Snippet {
    let calls = u64::from(limit.per_second) * 10;
    let path = path.replace('\'', "%27");
    snippet(
        "HAProxy",
        format!(
            "frontend api\n\
             \x20   acl limited path_beg -- '{path}'\n\
             \x20   stick-table type ipv6 size 100k expire 10s store http_req_rate(10s)\n\
             \x20   http-request track-sc0 src if limited\n\
             \x20   # rejected requests count too: a client that keeps knocking stays out\n\
             \x20   http-request deny deny_status 429 hdr Retry-After 10 if limited {{ sc_http_req_rate(0) gt {calls} }}\n"
        ),
    )
}

/// Envoy `local_ratelimit`, as a route's own configuration.
pub(super) fn envoy(path: &str, limit: Suggestion) -> Snippet {
    let Suggestion { per_second, burst } = limit;
    let path = quoted(path);
    snippet(
        "Envoy",
        format!(
            "# one bucket for all callers of the route; add descriptors (remote_address) for one each\n\
             routes:\n\
             - match: {{ prefix: {path} }}\n\
             \x20 route: {{ cluster: backend }}\n\
             \x20 typed_per_filter_config:\n\
             \x20   envoy.filters.http.local_ratelimit:\n\
             \x20     \"@type\": type.googleapis.com/envoy.extensions.filters.http.local_ratelimit.v3.LocalRateLimit\n\
             \x20     stat_prefix: calls\n\
             \x20     token_bucket: {{ max_tokens: {burst}, tokens_per_fill: {per_second}, fill_interval: 1s }}\n\
             \x20     filter_enabled: {{ default_value: {{ numerator: 100, denominator: HUNDRED }} }}\n\
             \x20     filter_enforced: {{ default_value: {{ numerator: 100, denominator: HUNDRED }} }}\n\
             \x20     enable_x_ratelimit_headers: DRAFT_VERSION_03\n"
        ),
    )
}

/// express-rate-limit.
pub(super) fn express(path: &str, limit: Suggestion) -> Snippet {
    let calls = u64::from(limit.per_second) * 10;
    let path = quoted(path);
    snippet(
        "express-rate-limit",
        format!(
            "import {{ rateLimit }} from 'express-rate-limit'\n\
             \n\
             // set 'trust proxy' to the number of proxies of your own, or every client can choose its address\n\
             app.use({path}, rateLimit({{\n\
             \x20 windowMs: 10_000,\n\
             \x20 limit: {calls},\n\
             \x20 standardHeaders: 'draft-8',\n\
             \x20 legacyHeaders: false,\n\
             }}))\n"
        ),
    )
}

/// Against guessing: failures counted per source, with a lock-out that grows.
#[must_use]
pub fn guessing_snippets(path: &str) -> Vec<Snippet> {
    let quoted_path = path.replace('\'', "%27");
    let haproxy = format!(
        "frontend api\n\
         \x20   stick-table type ipv6 size 100k expire 10m store http_err_rate(1m)\n\
         \x20   http-request track-sc0 src if {{ path_beg -- '{quoted_path}' }}\n\
         \x20   # ten 4xx answers in a minute, and the source waits\n\
         \x20   http-request deny deny_status 429 hdr Retry-After 60 if {{ sc_http_err_rate(0) gt 10 }}\n"
    );
    std::iter::once(snippet("HAProxy", haproxy)).chain(lock_out(path)).collect()
}

/// A limit per address, and a ban for who insists.
fn lock_out(path: &str) -> Option<Snippet> {
    let path = quoted(&template(path)?);
    let policy = format!(
        "# ratewarden.toml\n\
         [[limit]]\n\
         name  = \"calls per source\"\n\
         match = {{ path = {path} }}\n\
         per   = [\"address\"]\n\
         rate  = \"5/1s\"\n\
         burst = 10\n\
         \n\
         [[penalty]]\n\
         after = \"20 rejections/1m\"\n\
         ban   = \"5m\"              # doubles each time\n\
         up-to = \"24h\"\n\
         \n\
         [store]\n\
         file = \"ratewarden.db\"     # a restart lifts no ban\n"
    );
    Some(snippet("Ratewarden", policy))
}

/// Against careless writes: a schema that says no.
#[must_use]
pub fn write_snippets() -> Vec<Snippet> {
    let schema = "# JSON Schema of the body, checked before anything else happens\n\
                  type: object\n\
                  additionalProperties: false      # a field nobody asked for is refused\n\
                  required: [user_id]\n\
                  properties:\n\
                  \x20 user_id: { type: string, minLength: 1, maxLength: 64, pattern: '^[A-Za-z0-9_-]+$' }\n";
    vec![snippet("OpenAPI", schema)]
}

/// A string as JSON, YAML and TOML all read it.
fn quoted(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}
