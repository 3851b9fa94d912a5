//! Durations written `500ms`, `1m`, `24h`, rates written `100/1m` and sizes written `64KiB`.
//!
//! A bare number is refused: a unit that is guessed is a limit that is wrong. Calendar quotas (`each = "day"`)
//! are not durations and do not belong here.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

/// Why a duration or a rate could not be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum UnitError {
    /// The text has no unit, or one we do not know.
    #[error("`{0}` is not a duration: write a whole number and a unit, such as 500ms, 10s, 1m, 24h or 7d")]
    Duration(String),
    /// Zero where zero would mean "never" or "unlimited".
    #[error("`{0}` is zero, and zero never means unlimited here")]
    Zero(String),
    /// The text is not `CALLS/DURATION`.
    #[error("`{0}` is not a rate: write calls per duration, such as 100/1m or 10/1s")]
    Rate(String),
    /// The text has no unit, or one we do not know.
    #[error("`{0}` is not a size: write a whole number and a unit, such as 512B, 64KiB, 10MiB or 1GiB")]
    Size(String),
}

const UNITS: [(&str, u64); 5] = [("ms", 1), ("s", 1_000), ("m", 60_000), ("h", 3_600_000), ("d", 86_400_000)];

/// Binary units only: `10MB` is ten million bytes to some and 10 · 2^20 to others.
const SIZES: [(&str, u64); 4] = [("B", 1), ("KiB", 1 << 10), ("MiB", 1 << 20), ("GiB", 1 << 30)];

/// Reads `500ms`, `10s`, `1m`, `24h` or `7d`; resolution one millisecond.
///
/// # Errors
/// Without a whole number and a known unit, on zero, and beyond 2^64 ms.
pub fn parse_duration(text: &str) -> Result<Duration, UnitError> {
    let wrong = || UnitError::Duration(text.to_owned());
    let trimmed = text.trim();
    let digits = trimmed.find(|c: char| !c.is_ascii_digit()).ok_or_else(wrong)?;
    let (number, unit) = trimmed.split_at(digits);
    let number: u64 = number.parse().map_err(|_| wrong())?;
    let (_, millis) = UNITS.iter().find(|(name, _)| *name == unit).ok_or_else(wrong)?;
    let total = number.checked_mul(*millis).ok_or_else(wrong)?;
    if total == 0 {
        return Err(UnitError::Zero(text.to_owned()));
    }
    Ok(Duration::from_millis(total))
}

/// Writes a duration in the largest unit that needs no fraction: `90s`, `2m`, `1500ms`. Below a millisecond
/// it is rounded to one.
#[must_use]
pub fn format_duration(duration: Duration) -> String {
    let millis = u64::try_from(duration.as_millis()).unwrap_or(u64::MAX);
    UNITS
        .iter()
        .rev()
        .find(|(_, unit)| millis > 0 && millis.is_multiple_of(*unit))
        .map_or_else(|| format!("{millis}ms"), |(name, unit)| format!("{}{name}", millis / unit))
}

/// Reads `512B`, `64KiB`, `10MiB` or `1GiB`, in bytes.
///
/// # Errors
/// Without a whole number and a known unit, on zero, and beyond 2^64 bytes.
pub fn parse_size(text: &str) -> Result<u64, UnitError> {
    let wrong = || UnitError::Size(text.to_owned());
    let trimmed = text.trim();
    let digits = trimmed.find(|c: char| !c.is_ascii_digit()).ok_or_else(wrong)?;
    let (number, unit) = trimmed.split_at(digits);
    let number: u64 = number.parse().map_err(|_| wrong())?;
    let (_, bytes) = SIZES.iter().find(|(name, _)| *name == unit).ok_or_else(wrong)?;
    match number.checked_mul(*bytes).ok_or_else(wrong)? {
        0 => Err(UnitError::Zero(text.to_owned())),
        total => Ok(total),
    }
}

/// Writes a size in the largest unit that needs no fraction: `64KiB`, `1500B`.
#[must_use]
pub fn format_size(bytes: u64) -> String {
    SIZES
        .iter()
        .rev()
        .find(|(_, unit)| bytes > 0 && bytes.is_multiple_of(*unit))
        .map_or_else(|| format!("{bytes}B"), |(name, unit)| format!("{}{name}", bytes / unit))
}

/// A number of calls in a duration, written `100/1m`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rate {
    /// Calls, at least 1.
    pub calls: u64,
    /// The duration they are counted over, at least 1 ms.
    pub per: Duration,
}

impl Rate {
    /// Calls per second.
    #[must_use]
    #[expect(clippy::cast_precision_loss, reason = "a rate of more than 2^52 calls is not a rate")]
    pub fn per_second(self) -> f64 {
        self.calls as f64 / self.per.as_secs_f64()
    }
}

impl FromStr for Rate {
    type Err = UnitError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let wrong = || UnitError::Rate(text.to_owned());
        let (calls, per) = text.split_once('/').ok_or_else(wrong)?;
        let calls: u64 = calls.trim().replace('_', "").parse().map_err(|_| wrong())?;
        let per = per.trim();
        // `100/m` is what many configurations write for `100/1m`.
        let per =
            if per.starts_with(|c: char| c.is_ascii_digit()) { per.to_owned() } else { format!("1{per}") };
        let per = parse_duration(&per).map_err(|_| wrong())?;
        if calls == 0 {
            return Err(UnitError::Zero(text.to_owned()));
        }
        Ok(Self { calls, per })
    }
}

impl fmt::Display for Rate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.calls, format_duration(self.per))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_number_without_a_unit_is_refused() {
        for text in ["", "10", "s", "-1s", "1.5s", "1 week", "99999999999999999999d", "1m30s"] {
            assert!(matches!(parse_duration(text), Err(UnitError::Duration(_))), "{text}");
        }
        assert!(matches!(parse_duration("0s"), Err(UnitError::Zero(_))));
    }

    #[test]
    fn rates_read_as_the_policy_file_writes_them() {
        let rate: Rate = "100/1m".parse().unwrap();
        assert_eq!((rate.calls, rate.per), (100, Duration::from_secs(60)));
        assert_eq!("10_000/24h".parse::<Rate>().unwrap().calls, 10_000);
        assert_eq!("10/s".parse::<Rate>().unwrap().to_string(), "10/1s");
        for text in ["100", "100/", "/1m", "x/1m", "1/1", "0/1m", "5/0s"] {
            assert!(text.parse::<Rate>().is_err(), "{text}");
        }
    }

    #[test]
    fn a_size_has_a_binary_unit() {
        assert_eq!(parse_size("64KiB"), Ok(65_536));
        assert_eq!(parse_size("512B"), Ok(512));
        for text in ["", "10", "KiB", "10MB", "10kib", "1.5MiB", "-1B", "99999999999GiB"] {
            assert!(matches!(parse_size(text), Err(UnitError::Size(_))), "{text}");
        }
        assert!(matches!(parse_size("0B"), Err(UnitError::Zero(_))));
    }

    proptest! {
        #[test]
        fn a_size_survives_writing_and_reading(bytes in 1_u64..) {
            prop_assert_eq!(parse_size(&format_size(bytes)), Ok(bytes));
        }

        #[test]
        fn a_duration_survives_writing_and_reading(millis in 1_u64..10_000_000_000) {
            let duration = Duration::from_millis(millis);
            prop_assert_eq!(parse_duration(&format_duration(duration)), Ok(duration));
        }
    }
}
