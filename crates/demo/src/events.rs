//! Events in a wide-column store, handed out and taken in without care.
//!
//! `GET /events` passes `limit` on to the store as it came and sends the store's own paging state to the client, so a
//! client may ask for everything and may start anywhere. `POST /events` takes what it is given: any type, any field, any
//! length, any key. Written events are counted and priced by their key ([`crate::heat`]) but not kept, so that the demo
//! cannot grow.

use std::fmt::Write as _;
use std::time::Duration;

use bytes::Bytes;
use http::StatusCode;
use serde_json::{Value, json};

use crate::answer::{self, Answer, Rows};
use crate::heat::Heat;
use crate::paging_state::PagingState;

/// Rows of a page when `limit` is left out, as drivers of Cassandra have it.
pub const DEFAULT_EVENTS: usize = 5_000;
/// All the rows there are, and so the largest page.
pub const MAX_EVENTS: usize = USERS * EVENTS_EACH;

const USERS: usize = 500;
const EVENTS_EACH: usize = 100;
/// 2026-11-24T00:00:00Z, in milliseconds since 1970.
const FIRST_MILLIS: i64 = 1_795_478_400_000;
/// One event a minute for each user.
const STEP_MILLIS: i64 = 60_000;
/// A read costs the store so much for each row.
const READ_COST: Duration = Duration::from_micros(2);

/// The table.
#[derive(Debug)]
pub(crate) struct Events {
    rows: Rows,
    heat: Heat,
}

impl Events {
    pub(crate) fn new() -> Self {
        let names = ["click", "view", "login", "purchase"];
        let rows = Rows::render(MAX_EVENTS, |row, text| {
            let (user, event) = (row / EVENTS_EACH, row % EVENTS_EACH);
            let (hour, minute) = (event / 60, event % 60);
            // Writing into a String cannot fail.
            let _ = write!(
                text,
                r#"{{"user_id":"user-{user:05}","event_time":"2026-11-24T{hour:02}:{minute:02}:00Z","event":"{}","value":{},"session":"{:012x}"}}"#,
                names[row % names.len()],
                (row * 7919) % 1_000,
                row.wrapping_mul(2_654_435_761) & 0xffff_ffff_ffff,
            );
        });
        Self { rows, heat: Heat::default() }
    }

    /// A page, and how long the store takes for it. What `limit` cannot be read from is ignored.
    pub(crate) fn read(&self, limit: Option<&str>, state: Option<&str>) -> (Answer, Duration) {
        let wished = limit.and_then(|text| text.parse().ok()).filter(|&rows| rows > 0);
        let first = match state.filter(|text| !text.is_empty()).map(PagingState::from_hex) {
            None => 0,
            Some(Some(state)) => position(&state),
            Some(None) => {
                let message = json!({ "error": "Invalid value for the paging state" }).to_string();
                let refused = answer::whole(StatusCode::BAD_REQUEST, "application/json", message);
                return (refused, Duration::ZERO);
            }
        };
        let (rows, after) = self.rows.run(first, wished.unwrap_or(DEFAULT_EVENTS));
        let count = u32::try_from(after.saturating_sub(first)).unwrap_or(u32::MAX);
        let next = (after < self.rows.len() && count > 0).then(|| state_after(after - 1, count).to_hex());
        let tail = match next {
            Some(state) => format!(r#"],"count":{count},"paging_state":"{state}"}}"#),
            None => format!(r#"],"count":{count},"paging_state":null}}"#),
        };
        let body = [Bytes::from_static(br#"{"events":["#), rows, Bytes::from(tail)];
        (answer::pieces(StatusCode::OK, "application/json", body), READ_COST.saturating_mul(count))
    }

    /// Takes an event, and says how long the store takes for it.
    pub(crate) fn write(&mut self, body: &[u8], now: Duration) -> (Answer, Duration) {
        let Ok(event) = serde_json::from_slice::<Value>(body) else {
            let message = json!({ "error": "the body is not JSON" }).to_string();
            return (answer::whole(StatusCode::BAD_REQUEST, "application/json", message), Duration::ZERO);
        };
        // A missing user is a partition too: that of everybody who forgot it.
        let key = match event.get("user_id") {
            Some(Value::String(text)) => text.clone(),
            Some(other) => other.to_string(),
            None => "null".to_owned(),
        };
        let takes = self.heat.write(key.as_bytes(), now);
        let accepted = json!({ "accepted": true }).to_string();
        (answer::whole(StatusCode::CREATED, "application/json", accepted), takes)
    }
}

/// The state that stands after a row.
fn state_after(row: usize, read: u32) -> PagingState {
    let (user, event) = (row / EVENTS_EACH, row % EVENTS_EACH);
    let most = i32::MAX.unsigned_abs();
    PagingState {
        partition_key: format!("user-{user:05}").into_bytes(),
        clustering_millis: FIRST_MILLIS + i64::try_from(event).unwrap_or(0) * STEP_MILLIS,
        remaining: most.saturating_sub(read),
        remaining_in_partition: most.saturating_sub(u32::try_from(event + 1).unwrap_or(0)),
    }
}

/// The row after the one a state names. Any user and any time will do: nothing is signed.
fn position(state: &PagingState) -> usize {
    let key = String::from_utf8_lossy(&state.partition_key);
    let user = key.strip_prefix("user-").and_then(|number| number.parse::<usize>().ok()).unwrap_or(USERS);
    let event = state.clustering_millis.saturating_sub(FIRST_MILLIS) / STEP_MILLIS;
    let event = usize::try_from(event).map_or(0, |event| event.saturating_add(1).min(EVENTS_EACH));
    user.min(USERS) * EVENTS_EACH + event
}

#[cfg(test)]
mod tests {
    use hyper::body::Body as _;

    use super::*;

    fn size(answer: &Answer) -> u64 {
        answer.body().size_hint().exact().unwrap()
    }

    #[test]
    fn the_limit_is_honoured_as_far_as_there_are_rows() {
        let events = Events::new();
        let sizes: Vec<_> =
            ["1", "100", "10000", "50000"].map(|limit| size(&events.read(Some(limit), None).0)).into();
        assert!(sizes.is_sorted() && sizes[3] > 4 * sizes[2] && sizes[3] > 5_000_000, "{sizes:?}");
        assert_eq!(size(&events.read(Some("50000"), None).0), size(&events.read(Some("999999999"), None).0));
        for careless in [None, Some("x"), Some("0"), Some("-1")] {
            assert_eq!(size(&events.read(careless, None).0), size(&events.read(Some("5000"), None).0));
        }
    }

    #[test]
    fn reading_costs_time_by_the_row() {
        let events = Events::new();
        assert!(events.read(Some("50000"), None).1 >= 10 * events.read(Some("5000"), None).1);
    }

    #[test]
    fn the_state_after_a_row_leads_to_the_next_row() {
        for row in [0, 1, 99, 100, 4_999, MAX_EVENTS - 1] {
            assert_eq!(position(&state_after(row, 5)), row + 1);
        }
    }

    #[test]
    fn a_forged_state_reads_from_where_it_says() {
        let events = Events::new();
        let forged = PagingState { partition_key: b"user-00499".to_vec(), ..state_after(0, 0) };
        let (page, _) = events.read(None, Some(&forged.to_hex()));
        assert!(size(&page) < size(&events.read(Some("200"), None).0));
        let stranger = PagingState { partition_key: vec![0xff; 9], clustering_millis: i64::MIN, ..forged };
        assert_eq!(events.read(None, Some(&stranger.to_hex())).0.status(), StatusCode::OK);
        assert_eq!(events.read(None, Some("zz")).0.status(), StatusCode::BAD_REQUEST);
    }

    #[test]
    fn any_json_is_accepted_as_an_event() {
        let mut events = Events::new();
        for body in [r#"{"user_id":{"a":[1]},"extra":true}"#, "7", "[]", r#"{"user_id":null}"#] {
            assert_eq!(
                events.write(body.as_bytes(), Duration::ZERO).0.status(),
                StatusCode::CREATED,
                "{body}"
            );
        }
        assert_eq!(events.write(b"{", Duration::ZERO).0.status(), StatusCode::BAD_REQUEST);
    }

    #[test]
    fn the_same_user_again_and_again_is_slower_than_many_users() {
        let mut events = Events::new();
        let mut takes =
            |user: String| events.write(json!({ "user_id": user }).to_string().as_bytes(), Duration::ZERO).1;
        let hot: Duration = (0..20).map(|_| takes("star".into())).sum();
        let fresh: Duration = (0..20).map(|user| takes(format!("fan-{user}"))).sum();
        assert!(hot > 3 * fresh, "{hot:?} against {fresh:?}");
    }
}
