//! Which keys tell the known JSON forms apart.
//!
//! Every table has the marks of all forms in it, so the walk that reads a line also says what form it is of: a line that
//! looks like the form before it but is of another is read again, never misread.

use crate::form::Form;

/// CloudTrail's `{"Records":[…]}`.
pub(crate) const RECORDS: u32 = 1;
const LOG: u32 = 1 << 1;
const STREAM: u32 = 1 << 2;
const TS: u32 = 1 << 3;
const REQUEST_REMOTE: u32 = 1 << 4;
const START_TIME: u32 = 1 << 5;
const RESPONSE_CODE: u32 = 1 << 6;
const DOWNSTREAM_STATUS: u32 = 1 << 7;
const REQUEST_ID: u32 = 1 << 8;
const HTTP_METHOD: u32 = 1 << 9;
const REQUEST_TIME: u32 = 1 << 10;
const EVENT_TIME: u32 = 1 << 11;
const EVENT_NAME: u32 = 1 << 12;
const EVENT_SOURCE: u32 = 1 << 13;
const ACTION: u32 = 1 << 14;
const TIMESTAMP: u32 = 1 << 15;
const USER_ID: u32 = 1 << 16;
const SOURCE_IP: u32 = 1 << 17;
const DECISION: u32 = 1 << 18;
const CALLER: u32 = 1 << 19;
const ENTITY: u32 = 1 << 20;

/// Keys by their path, and the mark of each.
pub(super) const MARKS: &[(&[&str], u32)] = &[
    (&["Records"], RECORDS),
    (&["log"], LOG),
    (&["stream"], STREAM),
    (&["ts"], TS),
    (&["request", "remote_ip"], REQUEST_REMOTE),
    (&["request", "remote_addr"], REQUEST_REMOTE),
    (&["start_time"], START_TIME),
    (&["response_code"], RESPONSE_CODE),
    (&["DownstreamStatus"], DOWNSTREAM_STATUS),
    (&["requestId"], REQUEST_ID),
    (&["httpMethod"], HTTP_METHOD),
    (&["routeKey"], HTTP_METHOD),
    (&["requestTime"], REQUEST_TIME),
    (&["requestTimeEpoch"], REQUEST_TIME),
    (&["eventTime"], EVENT_TIME),
    (&["eventName"], EVENT_NAME),
    (&["eventSource"], EVENT_SOURCE),
    (&["action"], ACTION),
    (&["timestamp"], TIMESTAMP),
    (&["user_id"], USER_ID),
    (&["source_ip"], SOURCE_IP),
    (&["decision"], DECISION),
    (&["caller"], CALLER),
    (&["entity"], ENTITY),
];

/// The form of an object by its keys; `None` where it is an envelope.
pub(crate) const fn form_of(marks: u32) -> Option<Form> {
    const fn all(marks: u32, of: u32) -> bool {
        marks & of == of
    }
    Some(if all(marks, LOG | STREAM) {
        return None;
    } else if all(marks, RECORDS) || all(marks, EVENT_TIME | EVENT_NAME | EVENT_SOURCE) {
        Form::JsonCloudtrail
    } else if all(marks, TS | REQUEST_REMOTE) {
        Form::JsonCaddy
    } else if all(marks, START_TIME | RESPONSE_CODE) {
        Form::JsonEnvoy
    } else if all(marks, DOWNSTREAM_STATUS) {
        Form::JsonTraefik
    } else if all(marks, REQUEST_ID | HTTP_METHOD | REQUEST_TIME) {
        Form::JsonApigateway
    } else if all(marks, ACTION | TIMESTAMP | USER_ID | SOURCE_IP | ENTITY) {
        Form::JsonAnyscale
    } else if all(marks, DECISION | CALLER) {
        Form::JsonRatewarden
    } else {
        Form::Json
    })
}
