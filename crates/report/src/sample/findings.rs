//! Findings of the samples, with the evidence that the scanner gives.

use ratewarden_model::{Confidence, Finding, Subject, rules};
use serde_json::json;

pub(super) struct Place {
    pub(super) method: &'static str,
    origin: &'static str,
    path: &'static str,
}

impl Place {
    pub(super) const fn new(method: &'static str, origin: &'static str, path: &'static str) -> Self {
        Self { method, origin, path }
    }

    pub(super) fn url(&self) -> String {
        format!("{}{}", self.origin, self.path)
    }

    pub(super) fn label(&self) -> String {
        format!("{} {}", self.method, self.path)
    }

    pub(super) fn subject(&self) -> Subject {
        Subject::Endpoint { method: self.method.into(), url: self.url() }
    }
}

pub(super) fn address_header(place: &Place) -> Finding {
    let description = "While plain requests were rejected, the same request with `X-Forwarded-For: 198.51.100.7` was \
                       admitted 6 times out of 6; the plain request before and after each was still rejected. Whoever \
                       changes one header has no limit at all.";
    Finding::new(&rules::BYPASS_ADDRESS_HEADER, place.subject(), &place.label(), description)
        .confidence(Confidence::Certain)
        .evidence("header", "X-Forwarded-For")
        .evidence("tried", 6)
        .evidence("admitted", 6)
        .evidence("controls_rejected", 12)
        .reproduce(format!(
            "for i in $(seq 60); do curl -s -o /dev/null -w '%{{http_code}}\\n' -H \"X-Forwarded-For: 198.51.100.$i\" '{}'; done",
            place.url()
        ))
        .snippet(
            "nginx",
            "# Trust the header only from your own proxy, then count by the address it gives.\nset_real_ip_from 10.0.0.0/8;\n\
             real_ip_header X-Forwarded-For;\nreal_ip_recursive on;\nlimit_req_zone $binary_remote_addr zone=api:10m rate=10r/s;",
        )
        .snippet("HAProxy", "http-request del-header X-Forwarded-For\nhttp-request track-sc0 src table per_ip")
        .snippet("Envoy", "use_remote_address: true\nxff_num_trusted_hops: 1")
}

pub(super) fn unbounded_read(place: &Place) -> Finding {
    let pages = json!([
        {"size": 1, "bytes": 318, "latency_ms": 9.1},
        {"size": 10, "bytes": 3_120, "latency_ms": 9.8},
        {"size": 100, "bytes": 31_150, "latency_ms": 17.2},
        {"size": 1_000, "bytes": 311_480, "latency_ms": 96.0},
        {"size": 10_000, "bytes": 3_114_900, "latency_ms": 871.0},
        {"size": null, "bytes": 6_229_800, "latency_ms": 1_702.0}
    ]);
    let description = "Bytes grow in proportion to `limit` up to 10 000 without a plateau (311 bytes an item), and latency \
                       with them. Left out, the parameter gives everything: 6.2 MB in one call.";
    Finding::new(&rules::UNBOUNDED_READ, place.subject(), &place.label(), description)
        .evidence("parameter", "limit")
        .evidence("growth_exponent", 1.0)
        .evidence("plateau", false)
        .evidence("largest_bytes", 6_229_800)
        .evidence("pages", pages)
        .reproduce(format!(
            "curl -s -o /dev/null -w '%{{size_download}} bytes in %{{time_total}} s\\n' '{}?limit=10000'",
            place.url()
        ))
        .snippet("CQL", "SELECT id, body FROM items WHERE tenant = ? AND bucket = ? LIMIT 100;")
        .snippet("OpenAPI", "schema: { type: integer, minimum: 1, maximum: 100, default: 20 }")
}

pub(super) fn no_headers(place: &Place) -> Finding {
    let description = "62 rejections carried neither Retry-After nor any known rate header.";
    Finding::new(&rules::NO_RATE_HEADERS, place.subject(), &place.label(), description)
        .confidence(Confidence::Certain)
        .evidence("rejections", 62)
        .reproduce(format!("curl -si '{}' | grep -i -e retry-after -e ratelimit", place.url()))
        .snippet(
            "nginx",
            "error_page 429 @limited;\nlocation @limited { add_header Retry-After 1 always; return 429; }",
        )
}

pub(super) fn no_limit(place: &Place) -> Finding {
    let description = "No rejection in 300 requests over 9.8 s, at up to 64 requests a second. A limit above that, or one \
                       counted over a day, cannot be seen this way.";
    let mut finding = Finding::new(&rules::NO_LIMIT, place.subject(), &place.label(), description)
        .evidence("requests", 300)
        .evidence("seconds", 9.8)
        .evidence("highest_pace_per_s", 64.0)
        .reproduce(format!("seq 300 | xargs -P 20 -I{{}} curl -s -o /dev/null -w '%{{http_code}}\\n' '{}' | sort | uniq -c", place.url()))
        .snippet("Ratewarden", "[[limit]]\nname = \"metrics\"\nmatch = { method = \"GET\", path = \"/metrics\" }\nper = [\"caller\"]\nrate = \"100/1m\"\nburst = 20")
        .snippet("nginx", "limit_req_zone $binary_remote_addr zone=api:10m rate=10r/s;\nlimit_req zone=api burst=20 nodelay;\nlimit_req_status 429;");
    finding.endpoints = vec![format!("{} {}", place.method, place.url()), format!("POST {}", place.url())];
    finding
}

pub(super) fn hot_key(place: &Place) -> Finding {
    let description = "40 writes with one fixed `device_id` took a median of 31 ms, 40 interleaved writes with fresh keys 12 ms: \
                       all land in one partition, on one set of replicas.";
    Finding::new(&rules::HOT_KEY, place.subject(), &place.label(), description)
        .evidence("writes_each", 40)
        .evidence("fixed_key_median_ms", 31.0)
        .evidence("fresh_key_median_ms", 12.0)
        .evidence("p_value", 0.000_02)
        .evidence("effect_size", 0.84)
        .snippet(
            "CQL",
            "CREATE TABLE events (\n  device_id text, bucket int, at timeuuid, body text,\n  PRIMARY KEY ((device_id, bucket), at)\n) WITH CLUSTERING ORDER BY (at DESC);",
        )
}

pub(super) fn weak_cursor(place: &Place) -> Finding {
    let description =
        "`next` decodes to `{\"offset\":100}`: a bare offset, neither signed nor bound to the caller.";
    Finding::new(&rules::WEAK_CURSOR, place.subject(), &place.label(), description)
        .confidence(Confidence::Certain)
        .evidence("cursor", "eyJvZmZzZXQiOjEwMH0=")
        .evidence("decoded", "{\"offset\":100}")
        .reproduce(format!("curl -s '{}' | jq -r .next | base64 -d", place.url()))
}

pub(super) fn careless_write(place: &Place) -> Finding {
    let description = "A write whose `device_id` is 64 kB long was answered 201, as the right one was.";
    Finding::new(&rules::CARELESS_WRITE, place.subject(), &place.label(), description)
        .evidence("field", "device_id")
        .evidence("accepted", json!(["wrong type", "oversized string"]))
}

pub(super) fn headers_lie(place: &Place) -> Finding {
    let description = "The headers say 1000 calls per 60 s; the first rejection came after 100.";
    Finding::new(&rules::HEADERS_LIE, place.subject(), &place.label(), description)
        .evidence("published_limit", 1_000)
        .evidence("observed_limit", 100)
        .reproduce(format!("curl -si '{}' | grep -i ratelimit", place.url()))
}

pub(super) fn shared_limit(place: &Place) -> Finding {
    let description = "While one address was delayed, requests from a second address were delayed too.";
    Finding::new(&rules::SHARED_LIMIT, place.subject(), &place.label(), description).evidence("addresses", 2)
}
