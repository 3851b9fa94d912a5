//! Known programs, by how they behave and answer together. Always tentative: many behave alike.

use ratewarden_model::Confidence;
use ratewarden_model::scan_report::{Algorithm, Implementation};

use super::prober::Seen;
use crate::http::Response;
use crate::infer::{Fit, Inference};

/// HAProxy's stock body of a denied request.
const HAPROXY_BODY: &str = "You have sent too many requests in a given amount of time";

/// Whether a rejection comes from a program that is known to count rejected calls.
pub(super) fn counts_rejected(seen: &Seen) -> bool {
    seen.rejection.as_ref().is_some_and(is_haproxy)
}

fn server(response: &Response) -> String {
    response.header("server").unwrap_or_default().to_ascii_lowercase()
}

fn is_haproxy(response: &Response) -> bool {
    response.text().contains(HAPROXY_BODY) && server(response).is_empty()
}

fn is_envoy(response: &Response) -> bool {
    server(response) == "envoy"
        || response.text().contains("local_rate_limited")
        || response.headers.contains_key("x-envoy-ratelimited")
}

fn is_nginx(response: &Response) -> bool {
    server(response).contains("nginx") || response.text().contains("<center>nginx")
}

/// `5 per 1 minute` in Werkzeug's error page.
fn is_flask_limiter(response: &Response) -> bool {
    let text = response.text();
    text.contains("<title>429 Too Many Requests</title>") && text.contains(" per ")
}

fn is_express(response: &Response) -> bool {
    response.text().starts_with("Too many requests, please try again later.")
        || response.header("x-powered-by") == Some("Express")
}

/// The known program that fits, with the configuration that would behave the same.
pub(super) fn recognise(inference: &Inference, seen: &[Seen]) -> Option<Implementation> {
    let text = seen.iter().rev().find_map(|seen| seen.rejection.clone())?;
    let fit = &inference.fit;
    let (name, config) = match fit.algorithm {
        Algorithm::TokenBucket if is_nginx(&text) => ("nginx limit_req", nginx(fit, " nodelay")?),
        Algorithm::LeakyQueue if is_nginx(&text) => ("nginx limit_req", nginx(fit, &nginx_delay(fit))?),
        Algorithm::Concurrency if is_nginx(&text) => {
            ("nginx limit_conn", format!("limit_conn zone {}", fit.limit?))
        }
        Algorithm::TokenBucket if is_envoy(&text) => ("Envoy local_ratelimit", envoy(fit)?),
        Algorithm::SlidingCounter if is_haproxy(&text) => ("HAProxy stick table", haproxy(fit)?),
        // Its period may be too long to be seen, its answer is unmistakable.
        Algorithm::FixedWindow if is_haproxy(&text) => {
            ("HAProxy stick table", format!("http_req_rate(...) gt {}", fit.limit?))
        }
        Algorithm::FixedWindow if is_express(&text) => ("express-rate-limit", express(fit)?),
        Algorithm::FixedWindow | Algorithm::SlidingLog | Algorithm::SlidingCounter
            if is_flask_limiter(&text) =>
        {
            ("Flask-Limiter", flask(fit)?)
        }
        _ => return None,
    };
    Some(Implementation { name: name.to_owned(), confidence: Confidence::Tentative, config })
}

/// nginx counts whole calls a second, or a minute where that is not whole.
fn nginx(fit: &Fit, tail: &str) -> Option<String> {
    let rate = fit.rate?;
    let rate = if rate >= 0.95 && (rate - rate.round()).abs() < 0.06 * rate {
        format!("{}r/s", rate.round())
    } else {
        format!("{}r/m", round_two(rate * 60.0))
    };
    // A burst of N admits N + 1 from idle.
    let burst = fit.burst?.saturating_sub(1);
    Some(if burst == 0 { format!("rate={rate}") } else { format!("rate={rate} burst={burst}{tail}") })
}

fn nginx_delay(fit: &Fit) -> String {
    match fit.undelayed {
        Some(calls) if calls > 0 => format!(" delay={calls}"),
        _ => String::new(),
    }
}

fn envoy(fit: &Fit) -> Option<String> {
    let per_second = fit.rate?;
    let (tokens, interval) = if per_second >= 0.95 { (per_second, "1s") } else { (per_second * 60.0, "60s") };
    Some(format!(
        "max_tokens: {}, tokens_per_fill: {}, fill_interval: {interval}",
        fit.burst?,
        tokens.round()
    ))
}

fn haproxy(fit: &Fit) -> Option<String> {
    Some(format!("http_req_rate({}s) gt {}", round_two(fit.window?), fit.limit?))
}

fn express(fit: &Fit) -> Option<String> {
    let window =
        fit.window.map_or_else(String::new, |window| format!(", windowMs: {}", (window * 1000.0).round()));
    Some(format!("rateLimit({{ limit: {}{window} }})", fit.limit?))
}

fn flask(fit: &Fit) -> Option<String> {
    let strategy = match fit.algorithm {
        Algorithm::SlidingLog => "moving-window",
        Algorithm::SlidingCounter => "sliding-window-counter",
        _ => "fixed-window",
    };
    let limit = fit.limit?;
    let text = fit.window.map_or_else(
        || format!("{limit} per …"),
        |window| format!("{limit} per {} second", round_two(window)),
    );
    Some(format!("Limiter(strategy=\"{strategy}\", default_limits=[\"{text}\"])"))
}

/// Two significant digits, without a trailing fraction where there is none.
fn round_two(value: f64) -> String {
    if value >= 10.0 {
        return format!("{}", value.round());
    }
    let rounded = (value * 10.0).round() / 10.0;
    if rounded.fract() == 0.0 { format!("{rounded:.0}") } else { format!("{rounded}") }
}
