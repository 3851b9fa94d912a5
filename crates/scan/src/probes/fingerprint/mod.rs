//! Which programs stand behind the URL, told from answers that were asked for anyway.
//!
//! Recognition is pure: it reads responses and a path. Each mark is one that a program sets itself (a `Server` name, a
//! header of its own, a stock page), not one that an operator chose, and what gave it away is said with it. A name in
//! `Server` can be forged or stripped, so nothing here ever becomes a finding; it only chooses whose configuration
//! a remedy shows first, and narrows which implementation a limiter may be.

mod bodies;
mod headers;
mod ray;

use ratewarden_model::scan_report::Technology;

use crate::http::Response;
pub use ray::ray;

/// The programs that show themselves in these responses of one path, each once, in the order seen.
#[must_use]
pub fn recognise(responses: &[&Response], path: &str) -> Vec<Technology> {
    let mut found = Found::default();
    for response in responses {
        headers::read(response, &mut found);
        bodies::read(response, &mut found);
    }
    bodies::read_path(path, &mut found);
    found.0
}

/// Adds to a list what it does not hold yet; a version or a better mark completes what it holds.
pub fn merge(into: &mut Vec<Technology>, more: Vec<Technology>) {
    let mut found = Found(std::mem::take(into));
    for technology in more {
        found.add(&technology.name, technology.version.as_deref(), &technology.evidence);
    }
    *into = found.0;
}

/// The programs so far.
#[derive(Default)]
struct Found(Vec<Technology>);

impl Found {
    fn add(&mut self, name: &str, version: Option<&str>, evidence: &str) {
        let version = version.filter(|text| text.len() <= LONGEST_VERSION).map(str::to_owned);
        if let Some(known) = self.0.iter_mut().find(|known| known.name == name) {
            if known.version.is_none() && version.is_some() {
                known.version = version;
                evidence.clone_into(&mut known.evidence);
            }
            return;
        }
        self.0.push(Technology { name: name.to_owned(), version, evidence: evidence.to_owned() });
    }
}

/// What is longer is no version, and is not shown; to cut it could leave half a secret.
const LONGEST_VERSION: usize = 40;

/// The leading `1.2.3-x` of a text, if it begins with a digit.
fn version_at(text: &str) -> Option<&str> {
    let ends = |c: char| !(c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '+' | '_' | '~'));
    let version = text.split(ends).next()?.trim_end_matches(['.', '-']);
    version.starts_with(|c: char| c.is_ascii_digit()).then_some(version)
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;

    use super::*;

    fn response(status: u16, fields: &[(&str, &str)], body: &str) -> Response {
        let mut headers = http::HeaderMap::new();
        for (name, value) in fields {
            headers.append(http::HeaderName::try_from(*name).unwrap(), value.parse().unwrap());
        }
        Response {
            status: http::StatusCode::from_u16(status).unwrap(),
            version: http::Version::HTTP_11,
            headers,
            body: Bytes::copy_from_slice(body.as_bytes()),
            body_bytes: body.len() as u64,
            truncated: false,
        }
    }

    fn names(fields: &[(&str, &str)], body: &str) -> Vec<String> {
        let response = response(200, fields, body);
        recognise(&[&response], "/x").into_iter().map(|found| found.name).collect()
    }

    fn version(fields: &[(&str, &str)], body: &str) -> Option<String> {
        let response = response(200, fields, body);
        recognise(&[&response], "/x").into_iter().find_map(|found| found.version)
    }

    #[test]
    fn programs_are_known_by_their_own_headers() {
        let cases: [(&[(&str, &str)], &str); 19] = [
            (&[("server", "nginx/1.26.3 (Debian)")], "nginx"),
            (&[("server", "Apache/2.4.66 (Debian)")], "Apache httpd"),
            (&[("server", "envoy")], "Envoy"),
            (&[("x-envoy-upstream-service-time", "3")], "Envoy"),
            (&[("cf-ray", "8f-AMS")], "Cloudflare"),
            (&[("via", "1.1 kong/3.9.0")], "Kong"),
            (&[("x-kong-proxy-latency", "1")], "Kong"),
            (&[("x-retry-in", "1.2s")], "Traefik"),
            (&[("server", "Caddy")], "Caddy"),
            (&[("x-amz-apigw-id", "a=")], "AWS API Gateway"),
            (&[("server", "awselb/2.0")], "AWS Application Load Balancer"),
            (&[("server", "AkamaiGHost")], "Akamai"),
            (&[("x-served-by", "cache-ams1-AMS"), ("x-timer", "S1")], "Fastly"),
            (&[("x-powered-by", "Express")], "Express"),
            (&[("server", "Werkzeug/3.1.3 Python/3.13.5")], "Werkzeug (Flask)"),
            (&[("server", "waitress")], "waitress"),
            (&[("x-generator", "tyk.io")], "Tyk"),
            (&[("server", "APISIX/3.14.0")], "APISIX"),
            (&[("server", "uvicorn")], "uvicorn"),
        ];
        for (fields, name) in cases {
            assert_eq!(names(fields, ""), [name], "{fields:?}");
        }
    }

    #[test]
    fn versions_are_read_where_they_are_shown() {
        assert_eq!(version(&[("server", "nginx/1.26.3 (Debian)")], "").as_deref(), Some("1.26.3"));
        assert_eq!(version(&[("server", "nginx")], ""), None);
        assert_eq!(version(&[("via", "HTTP/1.1 kong/3.9.0")], "").as_deref(), Some("3.9.0"));
        assert_eq!(version(&[], "<hr><center>nginx/1.18.0</center>").as_deref(), Some("1.18.0"));
        let page = "<address>Apache/2.4.66 (Debian) Server at h Port 80</address>";
        assert_eq!(version(&[], page).as_deref(), Some("2.4.66"));
        let endless = format!("nginx/{}", "1".repeat(5_000));
        // Cut, it could end in half of a secret, which no redactor knows.
        let server = response(200, &[("server", &endless)], "");
        let found = recognise(&[&server], "/x");
        assert_eq!((found[0].version.as_deref(), found[0].evidence.as_str()), (None, "header server: nginx"));
    }

    #[test]
    fn stock_rejections_name_their_maker() {
        let haproxy = "<html><body><h1>429 Too Many Requests</h1>\nYou have sent too many requests in a given amount of \
                       time.\n</body></html>\n";
        assert_eq!(names(&[], haproxy), ["HAProxy"]);
        assert_eq!(names(&[], "local_rate_limited"), ["Envoy"]);
        assert_eq!(names(&[], r#"{"message":"API rate limit exceeded"}"#), ["Kong"]);
        assert_eq!(names(&[], "Too many requests, please try again later."), ["express-rate-limit"]);
        let flask = "<!doctype html>\n<html lang=en>\n<title>429 Too Many Requests</title>";
        assert_eq!(names(&[], flask), ["Werkzeug (Flask)"]);
    }

    #[test]
    fn back_ends_are_known_by_their_answers() {
        let version = r#"{"version":"4","ray_version":"2.60.0","ray_commit":"abc","session_name":"s"}"#;
        let found = recognise(&[&response(200, &[], version)], "/api/version");
        assert_eq!((found[0].name.as_str(), found[0].version.as_deref()), ("Ray dashboard", Some("2.60.0")));
        assert_eq!(names(&[], "<!doctype html><title>Ray Dashboard</title>"), ["Ray dashboard"]);
        let jobs = r#"[{"type":"SUBMISSION","submission_id":"r","entrypoint":"true","status":"RUNNING"}]"#;
        assert_eq!(names(&[], jobs), ["Ray dashboard"]);
        assert_eq!(names(&[], r#"{"data":[],"pageState":"AAA"}"#), ["Cassandra"]);
        assert_eq!(names(&[], r#"{"rows":[{"paging_state":1}],"paging_state":"00"}"#), ["Cassandra"]);
        let path = recognise(&[&response(401, &[], "")], "/v2/keyspaces/shop/orders");
        assert_eq!(path[0].name, "Stargate");
        assert_eq!(recognise(&[], "/api/v2/decorated_ha_jobs/")[0].name, "Anyscale");
    }

    #[test]
    fn an_answer_that_shows_nothing_is_nothing() {
        assert_eq!(names(&[("server", "api"), ("x-powered-by", "coffee")], r#"{"items":[1,2]}"#), [""; 0]);
        // A product called nginx in the data is not the server.
        assert_eq!(names(&[], r#"{"items":["nginx/1.2","Ray Dashboard","Apache/2"]}"#), [""; 0]);
    }

    #[test]
    fn a_program_is_listed_once_and_keeps_its_version() {
        let plain = response(200, &[("server", "nginx")], "");
        let shown = response(404, &[], "<hr><center>nginx/1.18.0</center>");
        let found = recognise(&[&plain, &shown, &plain], "/");
        assert_eq!(found.len(), 1);
        assert_eq!(found[0].version.as_deref(), Some("1.18.0"));
        let mut list = found.clone();
        merge(&mut list, found);
        assert_eq!(list.len(), 1);
    }
}
