//! nginx's variables (<https://nginx.org/en/docs/varindex.html>) and what they say of a call.

use crate::duration::Unit;
use crate::row::Field;

/// What is known of a variable.
#[derive(Debug, Clone, Copy)]
pub(super) struct Variable {
    pub(super) field: Option<Field>,
    /// Of several variables for one field the lowest rank counts.
    pub(super) rank: u8,
    pub(super) unit: Unit,
    /// How long its value always is.
    pub(super) width: Option<usize>,
    /// Whether it may be a list with blanks in it.
    pub(super) is_list: bool,
}

/// Those that say something.
const TELLING: [(&str, Field, u8); 38] = [
    ("msec", Field::Time, 0),
    ("time_iso8601", Field::Time, 1),
    ("time_local", Field::Time, 2),
    ("remote_addr", Field::Address, 0),
    ("the_real_ip", Field::Address, 0),
    ("realip_remote_addr", Field::Address, 1),
    ("http_x_forwarded_for", Field::Forwarded, 0),
    ("proxy_add_x_forwarded_for", Field::Forwarded, 1),
    ("proxy_protocol_addr", Field::Forwarded, 2),
    ("remote_user", Field::User, 0),
    ("jwt_claim_sub", Field::User, 1),
    ("ssl_client_s_dn", Field::User, 2),
    ("http_authorization", Field::Credential, 0),
    ("http_x_api_key", Field::Credential, 1),
    ("http_api_key", Field::Credential, 2),
    ("http_apikey", Field::Credential, 3),
    ("http_x_auth_token", Field::Credential, 4),
    ("http_x_access_token", Field::Credential, 5),
    ("arg_api_key", Field::Credential, 6),
    ("arg_apikey", Field::Credential, 7),
    ("arg_access_token", Field::Credential, 8),
    ("arg_token", Field::Credential, 9),
    ("arg_key", Field::Credential, 10),
    ("request", Field::Request, 0),
    ("request_method", Field::Method, 0),
    ("request_uri", Field::Target, 0),
    ("uri", Field::Target, 1),
    ("document_uri", Field::Target, 2),
    ("args", Field::Query, 0),
    ("query_string", Field::Query, 1),
    ("status", Field::Status, 0),
    ("body_bytes_sent", Field::Bytes, 0),
    ("bytes_sent", Field::Bytes, 1),
    ("request_time", Field::Duration, 0),
    ("upstream_response_time", Field::Duration, 1),
    ("http_user_agent", Field::Agent, 0),
    ("http_referer", Field::Referer, 0),
    ("http_referrer", Field::Referer, 1),
];

/// Others that formats often have: they are passed over, and a name like one of them is a mistake.
const OTHERS: [&str; 34] = [
    "binary_remote_addr",
    "connection",
    "connection_requests",
    "connection_time",
    "content_length",
    "content_type",
    "gzip_ratio",
    "host",
    "hostname",
    "https",
    "is_args",
    "limit_conn_status",
    "limit_req_status",
    "nginx_version",
    "pid",
    "pipe",
    "proxy_host",
    "proxy_port",
    "proxy_upstream_name",
    "proxy_alternative_upstream_name",
    "proxy_protocol_port",
    "remote_port",
    "req_id",
    "request_id",
    "request_length",
    "request_completion",
    "request_filename",
    "scheme",
    "server_addr",
    "server_name",
    "server_port",
    "server_protocol",
    "ssl_cipher",
    "ssl_protocol",
];

/// Families whose names go on as they like.
const FAMILIES: [&str; 10] = [
    "http_",
    "sent_http_",
    "sent_trailer_",
    "arg_",
    "cookie_",
    "upstream_",
    "jwt_",
    "ssl_",
    "tcpinfo_",
    "geoip",
];

/// All names, for suggestions.
pub(super) fn names() -> impl Iterator<Item = &'static str> {
    TELLING.into_iter().map(|(name, ..)| name).chain(OTHERS)
}

/// What is known of a variable; `None` where nginx has none of that name.
pub(super) fn known(name: &str) -> Option<Variable> {
    let width = match name {
        "time_local" => Some(26),
        "time_iso8601" => Some(25),
        _ => None,
    };
    let unit =
        if matches!(name, "request_time" | "upstream_response_time") { Unit::Secs } else { Unit::Auto };
    let is_list = name.starts_with("upstream_") || name.ends_with("forwarded_for");
    let (field, rank) = match TELLING.iter().find(|(known, ..)| *known == name) {
        Some((_, field, rank)) => (Some(*field), *rank),
        None if name.starts_with("cookie_") => (Some(Field::Credential), 20),
        None if OTHERS.contains(&name) || FAMILIES.iter().any(|family| name.starts_with(family)) => (None, 0),
        None => return None,
    };
    Some(Variable { field, rank, unit, width, is_list })
}
