//! The client that does nothing wrong: a bit of everything the API offers, at a fixed pace.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use serde_json::json;
use tokio::task::JoinSet;
use tokio::time::Instant;

use super::call::{Call, Verdict};
use super::connection::{Connection, TIMEOUT};
use super::tally::Tally;
use super::{AttackOptions, Who};
use crate::routes::PRIVATE_TOKEN;

/// Calls under way; one that would be more is not sent and counts as failed.
const MOST_UNDER_WAY: usize = 1_000;
/// Connections and caches are made in this time, which is not counted.
const WARM_UP: Duration = Duration::from_millis(500);
/// Users whose events it writes.
const USERS: u64 = 50;

/// Its call of this number: of forty, eight reads and eight writes of events, eight of metrics, eight searches, six of
/// `/private` and one each of the rest; and one job in four hundred.
fn call(number: u64) -> Call {
    if number % 400 == 399 {
        return Call::post("/api/jobs/", &json!({ "entrypoint": "python report.py --day yesterday" }));
    }
    match (number % 5, number % 40) {
        (_, 19) => Call::get("/api/jobs/"),
        (_, 39) => Call::get("/api/version"),
        (0, _) => Call::get("/events?limit=50"),
        (1, _) => {
            let user = format!("reader-{:02}", (number / 5) % USERS);
            Call::post("/events", &json!({ "user_id": user, "event": "view", "value": 1 }))
        }
        (2, _) => Call::get("/metrics?page_size=50"),
        (3, _) => Call::get("/search?q=hot"),
        _ => Call::get("/private").bearer(PRIVATE_TOKEN),
    }
}

/// What was measured: alone, and during the attack.
pub(super) type Measured = (Tally, Tally);

/// When the attack begins, and when it ends.
#[derive(Debug, Clone, Copy)]
pub(super) struct Times {
    begin: Instant,
    pub(super) attack: Instant,
    pub(super) end: Instant,
}

impl Times {
    /// From now on.
    pub(super) fn of(options: &AttackOptions) -> Self {
        let begin = Instant::now();
        let attack = begin + WARM_UP + options.alone;
        Self { begin, attack, end: attack + options.attack }
    }
}

/// Calls at its pace, each timed from when it was meant to go out.
pub(super) async fn measure(options: &AttackOptions, times: Times) -> Measured {
    let Times { begin, attack, end } = times;
    let client = Arc::new(Client {
        key: options.key(Who::Honest).map(str::to_owned),
        idle: Connections::new(options),
        alone: Mutex::default(),
        attacked: Mutex::default(),
    });
    let mut under_way = JoinSet::new();
    for number in 0.. {
        let meant = begin + Duration::from_secs(1) * number / options.honest_per_s.max(1);
        if meant >= end {
            break;
        }
        tokio::time::sleep_until(meant).await;
        while under_way.try_join_next().is_some() {}
        let phase = match meant {
            _ if meant < begin + WARM_UP => None,
            _ if meant < attack => Some(Phase::Alone),
            _ => Some(Phase::Attack),
        };
        if under_way.len() >= MOST_UNDER_WAY {
            client.note(phase, Verdict::Failed, 0, TIMEOUT);
            continue;
        }
        let client = Arc::clone(&client);
        under_way.spawn(async move { client.send(u64::from(number), meant, phase).await });
    }
    under_way.join_all().await;
    let tally = |tally: &Mutex<Tally>| tally.lock().unwrap_or_else(PoisonError::into_inner).clone();
    (tally(&client.alone), tally(&client.attacked))
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Phase {
    Alone,
    Attack,
}

/// The client, as its calls share it.
struct Client {
    key: Option<String>,
    idle: Connections,
    alone: Mutex<Tally>,
    attacked: Mutex<Tally>,
}

impl Client {
    async fn send(&self, number: u64, meant: Instant, phase: Option<Phase>) {
        let mut connection = self.idle.take();
        let call = call(number);
        let got = connection.send(call.request(connection.host(), self.key.as_deref())).await;
        let (verdict, bytes) = got.map_or((Verdict::Failed, 0), |got| (call.judge(got.status), got.bytes));
        self.note(phase, verdict, bytes, meant.elapsed());
        self.idle.put_back(connection);
    }

    fn note(&self, phase: Option<Phase>, verdict: Verdict, bytes: u64, took: Duration) {
        let tally = match phase {
            None => return,
            Some(Phase::Alone) => &self.alone,
            Some(Phase::Attack) => &self.attacked,
        };
        tally.lock().unwrap_or_else(PoisonError::into_inner).add(verdict, bytes, took);
    }
}

/// Connections that nobody uses at the moment; there are never more than calls under way.
struct Connections {
    idle: Mutex<Vec<Connection>>,
    options: AttackOptions,
}

impl Connections {
    fn new(options: &AttackOptions) -> Self {
        Self { idle: Mutex::default(), options: options.clone() }
    }

    fn take(&self) -> Connection {
        let idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner).pop();
        idle.unwrap_or_else(|| Connection::new(Who::Honest.address(), self.options.target))
    }

    fn put_back(&self, connection: Connection) {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner).push(connection);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_route_gets_more_than_a_fifth_of_the_pace() {
        let mut counts = std::collections::BTreeMap::<String, u32>::new();
        for number in 0..400 {
            let request = call(number).request("h", None);
            *counts.entry(format!("{} {}", request.method(), request.uri().path())).or_default() += 1;
        }
        assert_eq!(counts.len(), 8, "{counts:?}");
        assert!(counts.values().all(|&count| count <= 80), "{counts:?}");
        assert_eq!((counts["POST /api/jobs/"], counts["GET /api/jobs/"]), (1, 10));
    }
}
