//! Marks in header fields.

use super::{Found, version_at};
use crate::http::Response;

/// Products as they name themselves in `Server`, lower case, and their usual name.
const SERVERS: [(&str, &str); 25] = [
    ("nginx", "nginx"),
    ("openresty", "OpenResty"),
    ("tengine", "Tengine"),
    ("apache", "Apache httpd"),
    ("envoy", "Envoy"),
    ("istio-envoy", "Envoy"),
    ("haproxy", "HAProxy"),
    ("cloudflare", "Cloudflare"),
    ("kong", "Kong"),
    ("traefik", "Traefik"),
    ("caddy", "Caddy"),
    ("apisix", "APISIX"),
    ("awselb", "AWS Application Load Balancer"),
    ("akamaighost", "Akamai"),
    ("akamainetstorage", "Akamai"),
    ("varnish", "Varnish"),
    ("litespeed", "LiteSpeed"),
    ("microsoft-iis", "IIS"),
    ("kestrel", "Kestrel"),
    ("werkzeug", "Werkzeug (Flask)"),
    ("waitress", "waitress"),
    ("gunicorn", "gunicorn"),
    ("uvicorn", "uvicorn"),
    ("hypercorn", "Hypercorn"),
    ("tornadoserver", "Tornado"),
];

/// Fields that only one product sets: a whole name, or a beginning where it ends with `*`.
const FIELDS: [(&str, &str); 19] = [
    ("x-envoy-*", "Envoy"),
    ("x-kong-*", "Kong"),
    ("cf-ray", "Cloudflare"),
    ("cf-mitigated", "Cloudflare"),
    ("x-retry-in", "Traefik"),
    ("x-amz-apigw-id", "AWS API Gateway"),
    ("apigw-requestid", "AWS API Gateway"),
    ("akamai-*", "Akamai"),
    ("x-akamai-*", "Akamai"),
    ("fastly-restarts", "Fastly"),
    ("x-fastly-*", "Fastly"),
    ("x-tyk-*", "Tyk"),
    ("x-apisix-*", "APISIX"),
    ("x-azure-ref", "Azure Front Door"),
    ("x-ms-ratelimit-*", "Azure Resource Manager"),
    ("x-vercel-id", "Vercel"),
    ("x-github-request-id", "GitHub"),
    ("x-anyscale-*", "Anyscale"),
    ("x-cassandra-*", "Cassandra"),
];

/// A `Server` longer than this is not shown, only the product's name in it.
const LONGEST_SHOWN: usize = 80;

/// Reads the header of one response.
pub(super) fn read(response: &Response, found: &mut Found) {
    for value in response.headers.get_all("server").iter().filter_map(|value| value.to_str().ok()) {
        read_server(value, found);
    }
    for name in response.headers.keys().map(http::HeaderName::as_str) {
        let owner = FIELDS.iter().find(|(mark, _)| match mark.strip_suffix('*') {
            Some(start) => name.starts_with(start),
            None => name == *mark,
        });
        if let Some((_, owner)) = owner {
            found.add(owner, None, &format!("header {name}"));
        }
    }
    read_via(response, found);
    read_powered_by(response, found);
    let fastly = response.header("x-served-by").is_some_and(|value| value.starts_with("cache-"));
    if fastly && response.headers.contains_key("x-timer") {
        found.add("Fastly", None, "headers x-served-by and x-timer");
    }
    if response.header("x-generator").is_some_and(|value| value.eq_ignore_ascii_case("tyk.io")) {
        found.add("Tyk", None, "header x-generator");
    }
    for cookie in response.headers.get_all("set-cookie").iter().filter_map(|value| value.to_str().ok()) {
        if cookie.starts_with("AWSALB=") || cookie.starts_with("AWSALBCORS=") {
            found.add("AWS Application Load Balancer", None, "cookie AWSALB");
        }
    }
}

fn read_server(value: &str, found: &mut Found) {
    // `Server` lists products, each perhaps with a version and a comment: `nginx/1.26.3 (Debian)`.
    for product in value.split_ascii_whitespace().take(4) {
        let (name, version) =
            product.split_once('/').map_or((product, None), |(name, rest)| (name, version_at(rest)));
        let known = SERVERS.iter().find(|(mark, _)| name.eq_ignore_ascii_case(mark));
        if let Some((_, usual)) = known {
            // Whole or not at all: what is cut cannot be redacted any more.
            let shown = if value.len() <= LONGEST_SHOWN { value } else { name };
            found.add(usual, version, &format!("header server: {shown}"));
        }
    }
}

fn read_via(response: &Response, found: &mut Found) {
    let Some(via) = response.header("via") else { return };
    let lower = via.to_ascii_lowercase();
    for (mark, name) in [
        ("kong/", "Kong"),
        ("caddy", "Caddy"),
        ("varnish", "Varnish"),
        ("cloudfront", "CloudFront"),
        ("envoy", "Envoy"),
    ] {
        if let Some(at) = lower.find(mark) {
            found.add(name, version_at(&lower[at + mark.len()..]), &format!("header via: {name}"));
        }
    }
}

fn read_powered_by(response: &Response, found: &mut Found) {
    let Some(value) = response.header("x-powered-by") else { return };
    let (name, version) =
        value.split_once('/').map_or((value, None), |(name, rest)| (name, version_at(rest)));
    for (mark, usual) in
        [("express", "Express"), ("php", "PHP"), ("next.js", "Next.js"), ("asp.net", "ASP.NET")]
    {
        if name.trim().eq_ignore_ascii_case(mark) {
            found.add(usual, version, "header x-powered-by");
        }
    }
}
