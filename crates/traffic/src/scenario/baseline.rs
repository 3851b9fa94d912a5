//! Far outside one's own history.
//!
//! Both have eight days of history, which begin at the start and are not abusive, and break on the ninth. Neither is
//! over any fixed threshold of another rule: 150 calls a minute from 75 callers, and one call a second by one.

use ratewarden_model::SubjectKind::{Caller, Route};

use super::Scenario;
use crate::background::daily_curve;
use crate::call::Who;
use crate::date;
use crate::dice::Dice;
use crate::world::{self, GERMANY};

const DAY: i64 = 86_400_000;
const HOUR: i64 = 3_600_000;

/// A route that has one to ten calls a minute by the hour of the day, over 75 callers; on the ninth day, three hours
/// after the hour of the start, it has 150 a minute for half an hour, from the same callers.
#[must_use]
pub fn route_baseline(seed: u64, start_ms: i64) -> Scenario {
    const TARGET: &str = "/api/v1/exchange-rates";
    let mut dice = Dice::new(seed);
    let whos: Vec<_> = (0..75)
        .map(|_| {
            Who::new(world::home(&mut dice), "okhttp/5.3.0").with_credential(format!("key_{}", dice.hex(24)))
        })
        .collect();
    let begins = start_ms + 8 * DAY + 3 * HOUR;
    let (mut history, mut at) = (Vec::new(), start_ms);
    while at < begins {
        if dice.chance(daily_curve(at)) {
            history.push(dice.pick(&whos).get(at, TARGET, 200, 2_300));
        }
        at += dice.wait_ms(6_000.0);
    }
    let calls =
        (0..4_500).map(|call| whos[call % 75].get(begins + call as i64 * 400, TARGET, 200, 2_300)).collect();
    let subject = (Route, format!("GET {TARGET}"));
    Scenario::new("route-baseline", "watch.baseline", subject, calls).among(history)
}

/// A caller that has two calls a minute from 08:00 to 18:00 UTC; on the ninth day, ten hours after the hour of the
/// start, it has one a second for an hour.
#[must_use]
pub fn caller_baseline(seed: u64, start_ms: i64) -> Scenario {
    let mut dice = Dice::new(seed);
    let key = format!("key_baseline_{}", dice.hex(16));
    let who = Who::new(GERMANY.any(&mut dice), "Java-http-client/21.0.9").with_credential(&key);
    let begins = start_ms + 8 * DAY + 10 * HOUR;
    let (mut history, mut at) = (Vec::new(), start_ms);
    while at < begins {
        if (8.0..18.0).contains(&date::hour(at)) {
            history.push(who.get(at, "/api/v1/warehouse/levels", 200, 3_100));
        }
        at += dice.wait_ms(30_000.0);
    }
    let calls = (0..3_600)
        .map(|call| who.get(begins + call * 1_000, "/api/v1/warehouse/levels", 200, 3_100))
        .collect();
    // Nobody else calls the route, so its history breaks with the caller's.
    Scenario::new("caller-baseline", "watch.baseline", (Caller, key), calls)
        .among(history)
        .also(&["watch.baseline"])
}
