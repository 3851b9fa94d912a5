//! What to change in the back end itself: Cassandra, Ray, Anyscale.
//!
//! The advice differs from what is often written, on purpose. A clustering column does not spread writes, since only the
//! partition key decides where a row lies; Cassandra's guardrails are off by default and do nothing without authentication;
//! and Ray knows no users, so that only a gateway can limit one.

use ratewarden_model::Snippet;

use super::{Suggestion, front, snippet};
use crate::config::Backend;

/// Against a hot key; `path` is where the writes go.
#[must_use]
pub fn hot_key_snippets(backend: Option<Backend>, path: &str) -> Vec<Snippet> {
    let per_caller = front::policy(path, Suggestion::USUAL);
    match backend {
        Some(Backend::Cassandra) => std::iter::once(snippet("CQL", BUCKETED)).chain(per_caller).collect(),
        Some(Backend::Ray) => ray_snippets(),
        Some(Backend::Anyscale) => anyscale_snippets(),
        None => per_caller.into_iter().chain([snippet("CQL", BUCKETED)]).collect(),
    }
}

const BUCKETED: &str = "\
-- PRIMARY KEY ((user_id), event_time) keeps all events of a user in one partition, on the same replicas, however unique
-- event_time is: a clustering column orders rows inside a partition and spreads nothing.
-- Only the partition key spreads load, so the bucket goes into it:
CREATE TABLE events_by_user (
    user_id    text,
    day        date,        -- bounds how large a partition gets
    shard      tinyint,     -- cools the current day: a time bucket alone leaves today's partition hot
    event_time timeuuid,
    body       text,
    PRIMARY KEY ((user_id, day, shard), event_time)
) WITH CLUSTERING ORDER BY (event_time DESC);
-- Write with shard = random(0..8). A read asks all 8 shards of a day at once and merges: more shards, dearer reads.
";

/// Against reads without bound; `parameter` is the page size's name, where there is one.
#[must_use]
pub fn read_snippets(backend: Option<Backend>, parameter: Option<&str>) -> Vec<Snippet> {
    let general = vec![openapi_page(parameter), express_page(parameter)];
    match backend {
        Some(Backend::Cassandra) => {
            let own = vec![snippet("CQL", LIMITED), snippet("cassandra.yaml", GUARDRAILS)];
            own.into_iter().chain(general).collect()
        }
        Some(Backend::Ray) => ray_snippets(),
        Some(Backend::Anyscale) => anyscale_snippets(),
        None => general,
    }
}

const LIMITED: &str = "\
-- Always one partition, always a LIMIT that the server chooses: min(what was asked for, 100).
SELECT event_time, body FROM events_by_user
 WHERE user_id = ? AND day = ? AND shard = ?
 LIMIT 100;
-- Paging by page size alone is no ceiling: the client can ask for the next page for ever. Charge each page as a call.
";

const GUARDRAILS: &str = "\
# cassandra.yaml, 4.1 and later. All of these are off by default, and guardrails do nothing for superusers or while
# authentication is off (AllowAllAuthenticator).
page_size_fail_threshold: 1000                  # queries without paging pass by it: keep the LIMIT too
partition_keys_in_select_fail_threshold: 20
allow_filtering_enabled: false
read_thresholds_enabled: true
coordinator_read_size_fail_threshold: 10MiB
local_read_size_fail_threshold: 10MiB
# Nothing here stops SELECT * FROM t: no application role should be able to send its own CQL.
";

fn openapi_page(parameter: Option<&str>) -> Snippet {
    let name = serde_json::Value::from(parameter.unwrap_or("limit")).to_string();
    let text = format!(
        "# a ceiling that is checked, and a small default\n\
         parameters:\n\
         - name: {name}\n\
         \x20 in: query\n\
         \x20 schema: {{ type: integer, minimum: 1, maximum: 100, default: 20 }}\n\
         - name: page_token\n\
         \x20 in: query\n\
         \x20 description: opaque, signed by the server\n\
         \x20 schema: {{ type: string, maxLength: 512 }}\n"
    );
    snippet("OpenAPI", text)
}

fn express_page(parameter: Option<&str>) -> Snippet {
    let name = serde_json::Value::from(parameter.unwrap_or("limit")).to_string();
    let text = format!(
        "// hold it on the server, whatever is asked for; nothing and nonsense both mean 20\n\
         const asked = Number.parseInt(req.query[{name}], 10)\n\
         const size = Number.isNaN(asked) ? 20 : Math.min(Math.max(asked, 1), 100)\n"
    );
    snippet("Express", text)
}

/// Against cursors that can be forged.
#[must_use]
pub fn cursor_snippets(is_cassandra: bool) -> Vec<Snippet> {
    let what = if is_cassandra {
        "# The driver's paging state holds partition key, row mark and remaining counts, unsigned: never hand it out as it is.\n"
    } else {
        ""
    };
    let text = format!(
        "{what}# the cursor: position, caller and query, sealed with a key that only the server has\n\
         cursor = base64url(aead_seal(key, position, associated_data = caller_id + \"\\n\" + query_without_cursor))\n\
         # on the way in: open it with the same caller and query, else 400\n"
    );
    vec![snippet("Pseudocode", text)]
}

/// A gateway before a Ray head, and the head itself.
#[must_use]
pub fn ray_snippets() -> Vec<Snippet> {
    vec![snippet("Ratewarden", RAY_POLICY), snippet("Ray", RAY_HEAD)]
}

const RAY_POLICY: &str = "\
# ratewarden.toml: Ray has no users and no limits of its own, so the gateway is where callers are told apart
[listen]
http = \"0.0.0.0:8080\"

[upstream]
url = \"http://127.0.0.1:8265\"

[[caller]]
from = \"bearer\"

[[limit]]
name  = \"job submissions\"
match = { method = \"POST\", path = \"/api/jobs/\" }
per   = [\"caller\"]
rate  = \"10/1m\"
burst = 5

[[limit]]
name  = \"job list\"                 # answers all jobs at once: ?limit= has no effect
match = { method = \"GET\", path = \"/api/jobs/\" }
per   = [\"caller\"]
rate  = \"1/1s\"
burst = 5

[[limit]]
name  = \"of an address\"            # tokens can be made up, addresses cannot
per   = [\"address\"]
rate  = \"20/1s\"
burst = 50

[[limit]]
name  = \"submissions of an address\"
match = { method = \"POST\", path = \"/api/jobs/\" }
per   = [\"address\"]
rate  = \"30/1m\"
burst = 10
";

const RAY_HEAD: &str = "\
# Ray 2.52 or later: a token, and nothing but loopback behind the gateway
export RAY_AUTH_MODE=token
export RAY_AUTH_TOKEN=$(head -c 32 /dev/urandom | base64 -w 0)
ray start --head --dashboard-host 127.0.0.1 --node-ip-address 127.0.0.1
";

/// A gateway before Anyscale's API: what starts machines is limited hardest.
pub(super) fn anyscale_snippets() -> Vec<Snippet> {
    vec![snippet("Ratewarden", ANYSCALE_POLICY)]
}

const ANYSCALE_POLICY: &str = "\
# ratewarden.toml: Anyscale's own limits (500 jobs in 30 min a user) are far above what hurts a budget
[upstream]
url = \"https://console.anyscale.com\"

[[caller]]
from = \"cookie:cli_token\"          # the command line sends its token as a cookie

[[limit]]
name  = \"job creation\"
match = { method = \"POST\", path = \"/api/v2/decorated_ha_jobs/create\" }
per   = [\"caller\"]
rate  = \"10/1m\"
burst = 5

[[limit]]
name  = \"cluster creation\"
match = { method = \"POST\", path = \"/ext/v0/clusters/\" }
per   = [\"caller\"]
rate  = \"5/10m\"
burst = 2

[[limit]]
name  = \"cluster start\"
match = { method = \"POST\", path = \"/api/v2/sessions/{id}/start\" }
per   = [\"caller\"]
rate  = \"5/10m\"
burst = 2

[[limit]]
name  = \"writes of an address\"     # tokens can be made up, addresses cannot
match = { method = \"POST\" }
per   = [\"address\"]
rate  = \"60/1m\"
burst = 30
";
