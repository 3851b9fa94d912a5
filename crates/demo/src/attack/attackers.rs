//! The four attackers: each uses the API as it is documented, only far too much.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use http::HeaderName;
use serde_json::json;
use tokio::task::JoinSet;
use tokio::time::{Instant, MissedTickBehavior};

use super::call::{Call, Verdict};
use super::connection::Connection;
use super::honest::Times;
use super::tally::Tally;
use super::{AttackOptions, Who};

/// Connections of one attacker: as many calls it has under way.
const CONNECTIONS: u32 = 16;

/// One of the attackers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Attacker {
    /// Submits one job after another.
    JobFlood,
    /// Tries tokens at `/private`.
    KeyGuessing,
    /// Writes to one key of the store.
    HotKey,
    /// Reads everything there is, in pages as large as they come, and tries what else is there.
    ScanOfEverything,
}

impl Attacker {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::JobFlood, Self::KeyGuessing, Self::HotKey, Self::ScanOfEverything];

    /// What it is called.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::JobFlood => "job flood",
            Self::KeyGuessing => "key guessing",
            Self::HotKey => "one hot key",
            Self::ScanOfEverything => "scan of everything",
        }
    }

    /// The address it calls from; nobody else does.
    #[must_use]
    pub const fn address(self) -> Ipv4Addr {
        let last = match self {
            Self::JobFlood => 2,
            Self::KeyGuessing => 3,
            Self::HotKey => 4,
            Self::ScanOfEverything => 5,
        };
        Ipv4Addr::new(127, 0, 0, last)
    }

    /// Its call of this number.
    fn call(self, number: u64) -> Call {
        match self {
            Self::JobFlood => {
                let run = format!("python train.py --run {number}");
                Call::post("/api/jobs/", &json!({ "entrypoint": run, "entrypoint_num_gpus": 8 }))
            }
            // A refused guess is what was asked for: the token was looked at.
            Self::KeyGuessing => Call::get("/private").bearer(&format!("guess-{number:06}")).also(&[401]),
            Self::HotKey => {
                Call::post("/events", &json!({ "user_id": "celebrity", "event": "click", "value": number }))
            }
            Self::ScanOfEverything => scan(number),
        }
    }
}

/// The largest pages, the list of all jobs, the search under a forged address, and names that may be there.
fn scan(number: u64) -> Call {
    let round = number / 6;
    match number % 6 {
        0 => Call::get("/events?limit=50000"),
        1 => Call::get("/api/jobs/"),
        2 => Call::get("/metrics?page_size=20000"),
        3 => Call::get("/search").header(
            HeaderName::from_static("x-forwarded-for"),
            format!("198.18.{}.{}", (round >> 8) & 0xff, round & 0xff),
        ),
        4 => Call::get(format!("/api/jobs/raysubmit_{round:016x}")).also(&[404]),
        _ => Call::get(format!("/backup-{round}.sql")).also(&[404]),
    }
}

/// Runs all attackers; every connection waits for its answers and keeps to its share of the pace.
pub(super) async fn attack(options: &AttackOptions, times: Times) -> Vec<(Attacker, Tally)> {
    let mut all = JoinSet::new();
    let mut tallies = Vec::new();
    for attacker in Attacker::ALL {
        let who = Who::Attacker(attacker);
        let shared = Arc::new(Shared {
            attacker,
            key: options.key(who).map(str::to_owned),
            next: AtomicU64::new(0),
            tally: Mutex::default(),
        });
        let pause = Duration::from_secs(1) * CONNECTIONS / options.attacker_per_s.max(1);
        for connection in 0..CONNECTIONS {
            let begin = times.attack + pause * connection / CONNECTIONS;
            all.spawn(keep_calling(
                Arc::clone(&shared),
                who.address(),
                options.target,
                begin,
                pause,
                times.end,
            ));
        }
        tallies.push(shared);
    }
    all.join_all().await;
    let tally = |shared: Arc<Shared>| {
        let tally = shared.tally.lock().unwrap_or_else(PoisonError::into_inner).clone();
        (shared.attacker, tally)
    };
    tallies.into_iter().map(tally).collect()
}

/// What the connections of one attacker share.
#[derive(Debug)]
struct Shared {
    attacker: Attacker,
    key: Option<String>,
    next: AtomicU64,
    tally: Mutex<Tally>,
}

async fn keep_calling(
    shared: Arc<Shared>,
    from: IpAddr,
    to: SocketAddr,
    begin: Instant,
    pause: Duration,
    until: Instant,
) {
    let mut connection = Connection::new(from, to);
    let mut ticks = tokio::time::interval_at(begin, pause);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        ticks.tick().await;
        let now = Instant::now();
        if now >= until {
            return;
        }
        let call = shared.attacker.call(shared.next.fetch_add(1, Ordering::Relaxed));
        let request = call.request(connection.host(), shared.key.as_deref());
        let got = connection.send(request).await;
        let (verdict, bytes) = got.map_or((Verdict::Failed, 0), |got| (call.judge(got.status), got.bytes));
        let mut tally = shared.tally.lock().unwrap_or_else(PoisonError::into_inner);
        tally.add(verdict, bytes, now.elapsed());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn attackers_call_from_addresses_of_their_own() {
        let mut addresses: Vec<_> = Attacker::ALL.into_iter().map(Attacker::address).collect();
        addresses.push(super::super::HONEST_ADDRESS);
        addresses.sort();
        addresses.dedup();
        assert!(addresses.len() == 5 && addresses.iter().all(Ipv4Addr::is_loopback));
    }

    #[test]
    fn a_scan_tries_another_name_and_another_address_each_round() {
        let targets = |number| format!("{:?}", scan(number).request("h", None));
        for number in [3, 4, 5] {
            assert_ne!(targets(number), targets(number + 6));
        }
    }
}
