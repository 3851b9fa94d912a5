//! A place that is full: said once with what it is full of, and once when it has room again, with how many had none meanwhile.

use std::time::Duration;

/// When a ban may be decided on again that had no place, doubled each time the place is still full up to ten minutes.
const FIRST_AGAIN: Duration = Duration::from_secs(10);
const LONGEST_AGAIN: Duration = Duration::from_secs(600);

/// What is known of a place that may be full.
#[derive(Debug, Default)]
pub(super) struct Full {
    left_out: u64,
    again: Option<Duration>,
    /// Until then what is refused is of the same time, in milliseconds since 1970.
    until_ms: i64,
}

impl Full {
    /// One more has no place. Whether that is to be said, and when it may be tried again.
    pub(super) fn leave_out(&mut self, now_ms: i64) -> (bool, Duration) {
        let is_first = self.left_out == 0;
        self.left_out += 1;
        let again = match self.again {
            None => FIRST_AGAIN,
            Some(again) if now_ms >= self.until_ms => (again * 2).min(LONGEST_AGAIN),
            Some(again) => return (is_first, again),
        };
        self.again = Some(again);
        self.until_ms = now_ms.saturating_add(i64::try_from(again.as_millis()).unwrap_or(i64::MAX));
        (is_first, again)
    }

    /// One has a place: how many had none before, where that has not been said.
    pub(super) fn has_room(&mut self) -> Option<u64> {
        let left_out = std::mem::take(self).left_out;
        (left_out > 0).then_some(left_out)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_full_place_is_said_once_and_asked_less_and_less_often_until_it_has_room() {
        let mut full = Full::default();
        assert_eq!(full.has_room(), None);
        let mut leave = |at_ms| {
            let (is_said, again) = full.leave_out(at_ms);
            (is_said, again.as_secs())
        };
        assert_eq!([leave(0), leave(1), leave(9_999)], [(true, 10), (false, 10), (false, 10)], "of one time");
        assert_eq!([leave(10_000), leave(10_001), leave(30_000)], [(false, 20), (false, 20), (false, 40)]);
        let longest = (1..20).map(|time| leave(time * 1_000_000)).last();
        assert_eq!(longest, Some((false, 600)));
        assert_eq!((full.has_room(), full.has_room()), (Some(25), None));
        assert_eq!(full.leave_out(0), (true, FIRST_AGAIN));
    }
}
