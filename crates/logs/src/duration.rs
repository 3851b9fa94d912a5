//! How long something took, as logs write it.

use crate::row::float;
use crate::text::scan::scaled;

/// The unit of a duration.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) enum Unit {
    /// A number with a point is seconds, and one without milliseconds.
    #[default]
    Auto,
    Secs,
    Millis,
    Micros,
    Nanos,
}

/// The unit that the name of a duration speaks of.
pub(crate) fn unit_of(name: &str) -> Unit {
    let ends = |endings: &[&str]| endings.iter().any(|ending| name.ends_with(ending));
    if ends(&["_ms", "Ms", "millis", "Millis", "milliseconds", "_msec"]) {
        Unit::Millis
    } else if ends(&["_us", "Us", "micros", "Micros", "microseconds", "_usec"]) {
        Unit::Micros
    } else if ends(&["_ns", "Ns", "nanos", "Nanos", "nanoseconds", "_nsec"]) {
        Unit::Nanos
    } else if ends(&["_s", "_sec", "_secs", "seconds", "request_time"]) {
        Unit::Secs
    } else {
        Unit::Auto
    }
}

/// A duration in microseconds. A unit in the text goes before the one that is given. The inner `None` is a negative number, by
/// which programs say that they do not know; the outer one is no duration.
#[inline]
pub(crate) fn micros(text: &[u8], unit: Unit) -> Option<Option<u64>> {
    if let [b'-', rest @ ..] = text {
        return float(rest).map(|_| None);
    }
    let digits = text.iter().position(|byte| !byte.is_ascii_digit() && *byte != b'.').unwrap_or(text.len());
    let (amount, rest) = text.split_at_checked(digits)?;
    let unit = match rest {
        [] => unit,
        // Several upstreams of nginx: the first one.
        [b',', ..] => unit,
        [b'e' | b'E', ..] => return exponent(text, unit).map(Some),
        _ => return with_unit(text).map(Some),
    };
    let sum = match unit {
        Unit::Auto if amount.contains(&b'.') => scaled(amount, 1_000_000),
        Unit::Secs => scaled(amount, 1_000_000),
        Unit::Auto | Unit::Millis => scaled(amount, 1000),
        Unit::Micros => scaled(amount, 1),
        Unit::Nanos => scaled(amount, 1).map(|nanos| nanos / 1000),
    };
    sum.map(Some)
}

/// `12ms`, `1.5 s`, and Go's `1m2.5s`.
fn with_unit(text: &[u8]) -> Option<u64> {
    let mut rest = text;
    let mut sum = 0_u64;
    while !rest.is_empty() {
        let digits = rest.iter().position(|byte| !byte.is_ascii_digit() && *byte != b'.')?;
        let (amount, after) = rest.split_at_checked(digits)?;
        let after = after.trim_ascii_start();
        let end = after.iter().position(u8::is_ascii_digit).unwrap_or(after.len());
        let (unit, after) = after.split_at_checked(end)?;
        let part = match unit.trim_ascii_end() {
            b"h" => scaled(amount, 1_000_000)?.saturating_mul(3600),
            b"m" | b"min" => scaled(amount, 1_000_000)?.saturating_mul(60),
            b"s" | b"sec" | b"secs" | b"seconds" => scaled(amount, 1_000_000)?,
            b"ms" => scaled(amount, 1000)?,
            // The micro sign and the Greek letter, in UTF-8.
            b"us" | b"\xc2\xb5s" | b"\xce\xbcs" => scaled(amount, 1)?,
            b"ns" => scaled(amount, 1)? / 1000,
            _ => return None,
        };
        sum = sum.saturating_add(part);
        rest = after;
    }
    Some(sum)
}

/// A number such as `9.29e-05`, which printers make of small ones.
#[cold]
fn exponent(text: &[u8], unit: Unit) -> Option<u64> {
    let per_unit = match unit {
        Unit::Auto | Unit::Secs => 1e6,
        Unit::Millis => 1e3,
        Unit::Micros => 1.0,
        Unit::Nanos => 1e-3,
    };
    float(text).map(|value| (value * per_unit) as u64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_duration_is_in_its_own_unit_or_in_the_one_that_was_said() {
        for (text, unit, expected) in [
            ("0.123", Unit::Auto, Some(Some(123_000))),
            ("123", Unit::Auto, Some(Some(123_000))),
            ("12ms", Unit::Auto, Some(Some(12_000))),
            ("1.5s", Unit::Millis, Some(Some(1_500_000))),
            ("1m2.5s", Unit::Auto, Some(Some(62_500_000))),
            ("3 ms", Unit::Auto, Some(Some(3000))),
            ("7µs", Unit::Secs, Some(Some(7))),
            ("1500", Unit::Nanos, Some(Some(1))),
            ("1500", Unit::Micros, Some(Some(1500))),
            ("9.29e-05", Unit::Secs, Some(Some(92))),
            ("0.004, 0.001", Unit::Secs, Some(Some(4000))),
            ("99999999999999999999999h", Unit::Auto, Some(Some(u64::MAX))),
            ("-1", Unit::Secs, Some(None)),
            ("-", Unit::Secs, None),
            ("x", Unit::Secs, None),
            ("5 lightyears", Unit::Secs, None),
            ("1s2", Unit::Secs, None),
        ] {
            assert_eq!(micros(text.as_bytes(), unit), expected, "{text}");
        }
    }

    #[test]
    fn the_name_of_a_key_may_say_the_unit() {
        for (name, unit) in [
            ("latency_ms", Unit::Millis),
            ("tookMicros", Unit::Micros),
            ("took_us", Unit::Micros),
            ("durationNanos", Unit::Nanos),
            ("duration_ns", Unit::Nanos),
            ("request_time", Unit::Secs),
            ("elapsed", Unit::Auto),
        ] {
            assert_eq!(unit_of(name), unit, "{name}");
        }
    }
}
