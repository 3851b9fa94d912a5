//! How long is waited after a failure. Pure: chance is an argument.

use std::time::Duration;

use crate::config::Retry;

/// How long to wait after the `failures`-th failure in a row (from 1): doubling from `first` to at most `most`, of which
/// `chance` (0 to 1) takes off up to a half, so that receivers that failed together are not tried together. What the
/// receiver asked for is waited for, within `first` and `most_asked`.
pub(crate) fn wait(retry: Retry, failures: u32, asked: Option<Duration>, chance: f64) -> Duration {
    if let Some(asked) = asked {
        return asked.min(retry.most_asked).max(retry.first);
    }
    let doublings = failures.saturating_sub(1).min(30);
    let full = retry.first.saturating_mul(1 << doublings).min(retry.most).max(retry.first);
    full.mul_f64(1.0 - chance.clamp(0.0, 1.0) / 2.0)
}

/// What `Retry-After` asks for (RFC 9110 section 10.2.3): seconds, or a date.
pub(crate) fn asked(value: &str, now_ms: i64) -> Option<Duration> {
    let value = value.trim();
    if let Ok(seconds) = value.parse() {
        return Some(Duration::from_secs(seconds));
    }
    let date = jiff::fmt::rfc2822::parse(value).ok()?;
    let millis = date.timestamp().as_millisecond().saturating_sub(now_ms);
    Some(Duration::from_millis(u64::try_from(millis).unwrap_or(0)))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_wait_doubles_up_to_five_minutes() {
        let waits: Vec<u64> =
            (1..=10).map(|failures| wait(Retry::default(), failures, None, 0.0).as_secs()).collect();
        assert_eq!(waits, [1, 2, 4, 8, 16, 32, 64, 128, 256, 300]);
    }

    #[test]
    fn what_a_receiver_asks_for_is_read_as_seconds_or_date() {
        assert_eq!(asked("30", 0), Some(Duration::from_secs(30)));
        assert_eq!(asked("Thu, 01 Jan 1970 00:00:10 GMT", 4_000), Some(Duration::from_secs(6)));
        assert_eq!(asked("Thu, 01 Jan 1970 00:00:10 GMT", 20_000), Some(Duration::ZERO));
        assert_eq!((asked("soon", 0), asked("-1", 0), asked("1e9", 0)), (None, None, None));
    }

    proptest! {
        #[test]
        fn whatever_a_receiver_asks_for_is_within_bounds(value: String, now_ms: i64) {
            let asked = asked(&value, now_ms);
            prop_assert!(wait(Retry::default(), 1, asked, 0.5) <= Retry::default().most_asked);
        }

        #[test]
        fn a_wait_stays_within_its_bounds(failures: u32, seconds: Option<u64>, chance in -1.0..2.0) {
            let retry = Retry::default();
            let waited = wait(retry, failures, seconds.map(Duration::from_secs), chance);
            prop_assert!(waited >= retry.first / 2);
            let most = if seconds.is_some() { retry.most_asked } else { retry.most };
            prop_assert!(waited <= most);
        }
    }
}
