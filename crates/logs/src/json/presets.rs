//! Where the known JSON forms have their fields, and the names which many logs of no known form have. Which keys tell the
//! forms apart is in [`marks`].

mod marks;

use crate::duration::{Unit, unit_of};
use crate::form::Form;
use crate::json::fields::Fields;
use crate::row::Field;
use marks::MARKS;

pub(crate) use marks::{RECORDS, form_of};

/// A place for a field: the path of keys, the field, its rank, its unit.
type Place = (&'static [&'static str], Field, u8, Unit);

/// The table of a form; for `Json` that of names which many logs have.
pub(crate) fn fields(form: Form) -> Fields {
    let mut fields = Fields::new();
    for (path, marks) in MARKS {
        fields.mark(path, *marks);
    }
    for (path, field, rank, unit) in places(form) {
        fields.field(path, *field, *rank, *unit);
    }
    if form == Form::Json {
        for (field, names) in COMMON {
            for (rank, name) in (0..).zip(*names) {
                fields.field(&[name], *field, rank, unit_of(name));
                let path: Vec<&str> = name.split('.').collect();
                fields.field(&path, *field, rank, unit_of(name));
            }
        }
    }
    fields
}

const fn places(form: Form) -> &'static [Place] {
    match form {
        Form::JsonEnvoy => ENVOY,
        Form::JsonCaddy => CADDY,
        Form::JsonTraefik => TRAEFIK,
        Form::JsonApigateway => API_GATEWAY,
        Form::JsonCloudtrail => CLOUDTRAIL,
        Form::JsonRatewarden => RATEWARDEN,
        Form::JsonAnyscale => ANYSCALE,
        _ => &[],
    }
}

const A: Unit = Unit::Auto;

/// Envoy's usual names (its documentation's example, and Istio's `accessLogEncoding: JSON`).
const ENVOY: &[Place] = &[
    (&["start_time"], Field::Time, 0, A),
    (&["downstream_remote_address"], Field::Address, 0, A),
    (&["x_forwarded_for"], Field::Forwarded, 0, A),
    (&["x-forwarded-for"], Field::Forwarded, 1, A),
    (&["method"], Field::Method, 0, A),
    (&["path"], Field::Target, 0, A),
    (&["x-envoy-original-path"], Field::Target, 1, A),
    (&["response_code"], Field::Status, 0, A),
    (&["bytes_sent"], Field::Bytes, 0, A),
    (&["duration"], Field::Duration, 0, Unit::Millis),
    (&["user_agent"], Field::Agent, 0, A),
    (&["user-agent"], Field::Agent, 1, A),
    (&["referer"], Field::Referer, 0, A),
    (&["authorization"], Field::Credential, 0, A),
    (&["x_api_key"], Field::Credential, 1, A),
];

/// Caddy's `http.log.access`.
const CADDY: &[Place] = &[
    (&["ts"], Field::Time, 0, A),
    (&["request", "client_ip"], Field::Address, 0, A),
    (&["request", "remote_ip"], Field::Address, 1, A),
    (&["request", "remote_addr"], Field::Address, 2, A),
    (&["request", "method"], Field::Method, 0, A),
    (&["request", "uri"], Field::Target, 0, A),
    (&["request", "headers", "User-Agent"], Field::Agent, 0, A),
    (&["request", "headers", "Referer"], Field::Referer, 0, A),
    // Caddy hides Authorization, but not this one.
    (&["request", "headers", "X-Api-Key"], Field::Credential, 0, A),
    (&["request", "headers", "Authorization"], Field::Credential, 1, A),
    (&["user_id"], Field::User, 0, A),
    (&["status"], Field::Status, 0, A),
    (&["size"], Field::Bytes, 0, A),
    (&["duration"], Field::Duration, 0, Unit::Secs),
];

/// Traefik's `format: json`.
const TRAEFIK: &[Place] = &[
    (&["StartUTC"], Field::Time, 0, A),
    (&["time"], Field::Time, 1, A),
    (&["StartLocal"], Field::Time, 2, A),
    (&["ClientHost"], Field::Address, 0, A),
    (&["ClientAddr"], Field::Address, 1, A),
    (&["ClientUsername"], Field::User, 0, A),
    (&["RequestMethod"], Field::Method, 0, A),
    (&["RequestPath"], Field::Target, 0, A),
    (&["DownstreamStatus"], Field::Status, 0, A),
    (&["DownstreamContentSize"], Field::Bytes, 0, A),
    (&["Duration"], Field::Duration, 0, Unit::Nanos),
    (&["request_User-Agent"], Field::Agent, 0, A),
    (&["request_Referer"], Field::Referer, 0, A),
    (&["request_Authorization"], Field::Credential, 0, A),
    (&["request_X-Api-Key"], Field::Credential, 1, A),
];

/// The JSON format that API Gateway's console offers, for REST and for HTTP APIs.
const API_GATEWAY: &[Place] = &[
    (&["requestTimeEpoch"], Field::Time, 0, A),
    (&["requestTime"], Field::Time, 1, A),
    (&["ip"], Field::Address, 0, A),
    (&["sourceIp"], Field::Address, 1, A),
    (&["identity", "sourceIp"], Field::Address, 2, A),
    (&["user"], Field::User, 0, A),
    (&["principalId"], Field::User, 1, A),
    (&["caller"], Field::User, 2, A),
    (&["httpMethod"], Field::Method, 0, A),
    (&["path"], Field::Target, 0, A),
    (&["resourcePath"], Field::Target, 1, A),
    (&["routeKey"], Field::Request, 0, A),
    (&["status"], Field::Status, 0, A),
    (&["responseLength"], Field::Bytes, 0, A),
    (&["responseLatency"], Field::Duration, 0, Unit::Millis),
    (&["userAgent"], Field::Agent, 0, A),
    (&["apiKey"], Field::Credential, 0, A),
    (&["apiKeyId"], Field::Credential, 1, A),
    (&["identity", "apiKey"], Field::Credential, 2, A),
];

/// CloudTrail's events.
const CLOUDTRAIL: &[Place] = &[
    (&["eventTime"], Field::Time, 0, A),
    (&["sourceIPAddress"], Field::Address, 0, A),
    (&["userIdentity", "arn"], Field::User, 0, A),
    (&["userIdentity", "userName"], Field::User, 1, A),
    (&["userIdentity", "principalId"], Field::User, 2, A),
    (&["userIdentity", "invokedBy"], Field::User, 3, A),
    (&["userIdentity", "accessKeyId"], Field::Credential, 0, A),
    (&["eventName"], Field::Method, 0, A),
    (&["eventSource"], Field::Target, 0, A),
    (&["userAgent"], Field::Agent, 0, A),
    (&["errorCode"], Field::Error, 0, A),
    (&["responseElements", "ConsoleLogin"], Field::Outcome, 0, A),
];

/// Our own gateway's access log.
const RATEWARDEN: &[Place] = &[
    (&["time"], Field::Time, 0, A),
    (&["address"], Field::Address, 0, A),
    (&["caller"], Field::Caller, 0, A),
    (&["id"], Field::Id, 0, A),
    (&["identity"], Field::Identity, 0, A),
    (&["method"], Field::Method, 0, A),
    (&["path"], Field::Target, 0, A),
    (&["status"], Field::Status, 0, A),
    (&["bytes"], Field::Bytes, 0, A),
    (&["micros"], Field::Duration, 0, Unit::Micros),
];

/// Anyscale's audit files (<https://docs.anyscale.com/administration/security-and-compliance/audit-logs>).
const ANYSCALE: &[Place] = &[
    (&["timestamp"], Field::Time, 0, A),
    (&["user_id"], Field::User, 0, A),
    (&["user", "email"], Field::User, 1, A),
    (&["source_ip"], Field::Address, 0, A),
    (&["action"], Field::Method, 0, A),
    (&["entity"], Field::Target, 0, A),
    (&["metadata", "id"], Field::Id, 0, A),
];

/// Names that many logs have, the likeliest first.
const COMMON: &[(Field, &[&str])] = &[
    (
        Field::Time,
        &["@timestamp", "timestamp", "time", "ts", "time_iso8601", "time_local", "msec", "datetime", "date"],
    ),
    (
        Field::Address,
        &[
            "client_ip",
            "remote_addr",
            "remote_ip",
            "clientIp",
            "clientip",
            "client.ip",
            "source.ip",
            "source_ip",
            "src_ip",
            "remoteAddr",
            "remoteIp",
            "ip",
            "address",
            "client",
            "httpRequest.remoteIp",
        ],
    ),
    (Field::Forwarded, &["x_forwarded_for", "http_x_forwarded_for"]),
    (Field::User, &["remote_user", "user.name", "username", "user_id", "user"]),
    (Field::Credential, &["api_key", "apikey", "apiKey", "http_authorization", "authorization"]),
    (
        Field::Method,
        &[
            "method",
            "request_method",
            "http_method",
            "http.request.method",
            "verb",
            "httpRequest.requestMethod",
        ],
    ),
    (
        Field::Target,
        &[
            "request_uri",
            "uri",
            "path",
            "target",
            "url.original",
            "url.path",
            "url",
            "httpRequest.requestUrl",
        ],
    ),
    (Field::Request, &["request"]),
    (
        Field::Status,
        &[
            "status",
            "status_code",
            "response_code",
            "http.response.status_code",
            "code",
            "httpRequest.status",
        ],
    ),
    (
        Field::Bytes,
        &["body_bytes_sent", "bytes_sent", "bytes", "size", "response_size", "http.response.body.bytes"],
    ),
    (
        Field::Duration,
        &["request_time", "duration_ms", "latency_ms", "duration", "latency", "response_time", "elapsed"],
    ),
    (Field::Agent, &["http_user_agent", "user_agent", "user_agent.original", "agent", "userAgent"]),
    (Field::Referer, &["http_referer", "referer", "referrer"]),
];
