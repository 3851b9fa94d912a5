//! Reading one header field, within bounds: numbers, lists of quotas, instants and durations.

use std::time::Duration;

use http::HeaderMap;
use jiff::Timestamp;
use jiff::civil::DateTime;
use jiff::fmt::{rfc2822, strtime};
use jiff::tz::TimeZone;

/// A field of more bytes, all its lines together, is not read.
const MAX_FIELD_BYTES: usize = 8 * 1024;

/// The longest wait that is believed; a longer one is cut to it, so that adding it to a clock never overflows.
pub const MAX_WAIT: Duration = Duration::from_secs(366 * 86_400);

/// Names are cut to so many characters.
const MAX_NAME_CHARS: usize = 64;

/// From here on a number of seconds is an instant: it would be 31 years from now, or September 2001.
const FIRST_EPOCH_SECONDS: u64 = 1_000_000_000;
/// From here on a number is an instant in milliseconds: in seconds it would be the year 33 658.
const FIRST_EPOCH_MILLIS: u64 = 1_000_000_000_000;

/// The fields of one answer, and the clock they are read by.
pub(super) struct Fields<'a> {
    headers: &'a HeaderMap,
    /// Instants are relative to this.
    pub(super) now: Timestamp,
}

impl<'a> Fields<'a> {
    /// An instant published by a server whose clock is wrong is right by that clock, so the answer's own `Date`
    /// is used where it differs by more than its resolution explains. A cached answer (`Age`) has an old date and
    /// says nothing about the clock.
    pub(super) fn new(headers: &'a HeaderMap, now: Timestamp) -> Self {
        let local = Self { headers, now };
        let date = local.text("date").and_then(|text| http_date(&text));
        match date.filter(|date| date.duration_since(now).unsigned_abs() > Duration::from_secs(2)) {
            Some(date) if !local.has("age") => Self { headers, now: date },
            _ => local,
        }
    }

    pub(super) fn has(&self, name: &str) -> bool {
        self.headers.contains_key(name)
    }

    /// The lower-case names that begin with a prefix, in no particular order.
    pub(super) fn names(&self, prefix: &str) -> impl Iterator<Item = &'a str> {
        self.headers.keys().map(http::HeaderName::as_str).filter(move |name| name.starts_with(prefix))
    }

    /// A field's value, its lines joined as RFC 9110 section 5.3 says. None where it is missing, too long or
    /// not visible ASCII.
    pub(super) fn text(&self, name: &str) -> Option<String> {
        let mut joined = String::new();
        for (index, line) in self.headers.get_all(name).iter().enumerate() {
            let line = line.to_str().ok()?;
            if joined.len() + line.len() + 2 > MAX_FIELD_BYTES {
                return None;
            }
            if index > 0 {
                joined.push_str(", ");
            }
            joined.push_str(line);
        }
        self.has(name).then(|| joined.trim().to_owned())
    }

    /// A whole number. Of a list the first; a fraction (Reddit's `99.0`) is cut off.
    pub(super) fn number(&self, name: &str) -> Option<u64> {
        number(self.text(name)?.split([',', ';']).next()?)
    }

    /// The time from now until what a field says, in whichever way it says it.
    pub(super) fn wait(&self, name: &str) -> Option<Duration> {
        wait(&self.text(name)?, self.now)
    }
}

/// A decimal number that is not negative; a fraction is cut off.
pub(super) fn number(text: &str) -> Option<u64> {
    decimal(text).map(|(whole, _)| whole)
}

/// A decimal number that is not negative, as whole and nanoseconds.
fn decimal(text: &str) -> Option<(u64, u32)> {
    let text = text.trim();
    let (whole, fraction) = text.split_once('.').unwrap_or((text, "0"));
    let digits = |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
    if !digits(whole) || !digits(fraction) {
        return None;
    }
    let nanos = fraction.bytes().chain(std::iter::repeat(b'0')).take(9);
    let nanos = nanos.fold(0, |sum, digit| sum * 10 + u32::from(digit - b'0'));
    Some((whole.parse().ok()?, nanos))
}

/// A quota with its parameters, as `100;w=60;name="x"` in the lists of draft -06, -07 and Envoy.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Quota {
    pub(super) limit: u64,
    pub(super) window: Option<Duration>,
    pub(super) name: Option<String>,
}

/// The quotas of a list; members that are none are left out. At most 32.
pub(super) fn quotas(text: &str) -> Vec<Quota> {
    text.split(',').take(32).filter_map(quota).collect()
}

fn quota(member: &str) -> Option<Quota> {
    let mut parts = member.split(';');
    let limit = number(parts.next()?)?;
    let mut quota = Quota { limit, window: None, name: None };
    for (key, value) in parts.filter_map(|part| part.split_once('=')) {
        match key.trim() {
            "w" | "window" => quota.window = number(value).map(seconds).filter(|window| !window.is_zero()),
            "name" => quota.name = name(value.trim().trim_matches('"')),
            _ => {}
        }
    }
    Some(quota)
}

/// A name, cut to its bound; none where it is empty.
pub(super) fn name(text: &str) -> Option<String> {
    let text = text.trim();
    (!text.is_empty()).then(|| text.chars().filter(|c| !c.is_control()).take(MAX_NAME_CHARS).collect())
}

/// Seconds, cut to [`MAX_WAIT`].
pub(super) fn seconds(whole: u64) -> Duration {
    Duration::from_secs(whole).min(MAX_WAIT)
}

/// The time from `now` until what the text says: seconds, epoch in seconds or milliseconds (told apart by size),
/// a duration (`6m0s`), RFC 3339 or an HTTP date. An instant in the past is no wait at all.
pub(super) fn wait(text: &str, now: Timestamp) -> Option<Duration> {
    let text = text.trim();
    let first = text.split([',', ';']).next().unwrap_or(text);
    if let Some((whole, nanos)) = decimal(first) {
        return Some(match whole {
            FIRST_EPOCH_MILLIS.. => until(Timestamp::from_millisecond(i64::try_from(whole).ok()?).ok()?, now),
            FIRST_EPOCH_SECONDS.. => {
                until(Timestamp::new(i64::try_from(whole).ok()?, i32::try_from(nanos).ok()?).ok()?, now)
            }
            _ => Duration::new(whole, nanos).min(MAX_WAIT),
        });
    }
    duration(text).or_else(|| {
        let instant: Timestamp = text.parse().ok().or_else(|| http_date(text))?;
        Some(until(instant, now))
    })
}

fn until(instant: Timestamp, now: Timestamp) -> Duration {
    Duration::try_from(instant.duration_since(now)).unwrap_or(Duration::ZERO).min(MAX_WAIT)
}

/// Units of Go's durations, the longer names first, for `m` also begins `ms`.
const UNITS: [(&str, f64); 8] = [
    ("ms", 1e-3),
    ("us", 1e-6),
    ("µs", 1e-6),
    ("ns", 1e-9),
    ("d", 86_400.0),
    ("h", 3_600.0),
    ("m", 60.0),
    ("s", 1.0),
];

/// A duration as Go writes it: `6m0s`, `1.5s`, `120ms`. At most six parts.
pub(super) fn duration(text: &str) -> Option<Duration> {
    let mut rest = text.trim();
    let mut total = 0.0;
    for _ in 0..6 {
        let digits = rest.find(|c: char| !c.is_ascii_digit() && c != '.')?;
        let (whole, nanos) = decimal(&rest[..digits])?;
        let (unit, scale) = UNITS.iter().find(|(unit, _)| rest[digits..].starts_with(unit))?;
        #[expect(clippy::cast_precision_loss, reason = "beyond 2^52 s it is cut to a year anyway")]
        let amount = whole as f64 + f64::from(nanos) / 1e9;
        total += amount * scale;
        rest = &rest[digits + unit.len()..];
        if rest.is_empty() {
            return Duration::try_from_secs_f64(total.min(MAX_WAIT.as_secs_f64())).ok();
        }
    }
    None
}

/// An HTTP date in any of the three forms of RFC 9110 section 5.6.7.
pub(super) fn http_date(text: &str) -> Option<Timestamp> {
    if let Ok(instant) = rfc2822::DateTimeParser::new().parse_timestamp(text) {
        return Some(instant);
    }
    ["%A, %d-%b-%y %H:%M:%S GMT", "%a %b %e %H:%M:%S %Y"].iter().find_map(|form| {
        let civil: DateTime = strtime::parse(form, text).ok()?.to_datetime().ok()?;
        TimeZone::UTC.to_timestamp(civil).ok()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn now() -> Timestamp {
        "1994-11-06T08:49:00Z".parse().unwrap()
    }

    #[test]
    fn the_three_forms_of_an_http_date_are_the_same_instant() {
        for text in
            ["Sun, 06 Nov 1994 08:49:37 GMT", "Sunday, 06-Nov-94 08:49:37 GMT", "Sun Nov  6 08:49:37 1994"]
        {
            assert_eq!(wait(text, now()), Some(Duration::from_secs(37)), "{text}");
        }
    }

    #[test]
    fn seconds_and_epochs_are_told_apart_by_size() {
        let epoch = now().as_second();
        assert_eq!(wait("60", now()), Some(Duration::from_secs(60)));
        assert_eq!(wait("0.5", now()), Some(Duration::from_millis(500)));
        let now: Timestamp = "2026-11-25T12:00:00Z".parse().unwrap();
        assert_eq!(wait(&format!("{}", now.as_second() + 60), now), Some(Duration::from_secs(60)));
        assert_eq!(wait(&format!("{}.250", now.as_second() + 60), now), Some(Duration::from_millis(60_250)));
        assert_eq!(
            wait(&format!("{}", now.as_millisecond() + 1_500), now),
            Some(Duration::from_millis(1_500))
        );
        assert_eq!(wait("1700000000", now), Some(Duration::ZERO), "an instant in the past is no wait");
        assert!(epoch < 1_000_000_000);
    }

    #[test]
    fn durations_read_as_go_writes_them() {
        let read = |text| duration(text).map(|duration| duration.as_millis());
        assert_eq!(read("6m0s"), Some(360_000));
        assert_eq!(read("1h2m3.5s"), Some(3_723_500));
        assert_eq!(read("120ms"), Some(120));
        assert_eq!(read("17.5µs"), Some(0));
        for text in ["", "s", "6", "6x", "-6s", "1..2s", "6m 0s", "1s1s1s1s1s1s1s"] {
            assert_eq!(read(text), None, "{text}");
        }
    }

    #[test]
    fn a_wait_is_never_longer_than_a_clock_can_add() {
        for text in ["999999999", "99999999999999999d", "9999-12-31T00:00:00Z", "18446744073709551615"] {
            assert!(wait(text, now()).is_none_or(|wait| wait <= MAX_WAIT), "{text}");
        }
    }

    #[test]
    fn a_server_whose_clock_is_wrong_is_read_by_its_own_clock() {
        let mut headers = HeaderMap::new();
        headers.insert("date", "Sun, 06 Nov 1994 09:49:00 GMT".parse().unwrap());
        headers.insert("reset", "Sun, 06 Nov 1994 09:49:10 GMT".parse().unwrap());
        assert_eq!(Fields::new(&headers, now()).wait("reset"), Some(Duration::from_secs(10)));
        headers.insert("age", "3600".parse().unwrap());
        assert_eq!(Fields::new(&headers, now()).wait("reset"), Some(Duration::from_secs(3_610)));
    }

    #[test]
    fn numbers_that_are_none_are_not_guessed() {
        assert_eq!((number("99.0"), number(" 7 "), number("0")), (Some(99), Some(7), Some(0)));
        for text in ["", "-1", "+1", "1e3", "0x10", "1.", ".5", "1_000", "unlimited", "99999999999999999999"]
        {
            assert_eq!(number(text), None, "{text}");
        }
    }
}
