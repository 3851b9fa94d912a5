//! Dates as logs write them, all in UTC.

const DAY_MS: i64 = 86_400_000;
const MONTHS: [&str; 12] =
    ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];

/// Year, month (1–12), day (1–31), hour, minute, second, millisecond of a time in milliseconds since 1970.
///
/// The day is found as in Howard Hinnant's `civil_from_days` ("chrono-compatible low-level date algorithms").
#[must_use]
pub const fn fields(at_ms: i64) -> [i64; 7] {
    let days = at_ms.div_euclid(DAY_MS) + 719_468;
    let rest = at_ms.rem_euclid(DAY_MS);
    let era = days.div_euclid(146_097);
    let of_era = days.rem_euclid(146_097);
    let year_of_era = (of_era - of_era / 1460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted = (5 * of_year + 2) / 153;
    let day = of_year - (153 * shifted + 2) / 5 + 1;
    let month = if shifted < 10 { shifted + 3 } else { shifted - 9 };
    let year = year_of_era + era * 400 + (month <= 2) as i64;
    [year, month, day, rest / 3_600_000, rest / 60_000 % 60, rest / 1000 % 60, rest % 1000]
}

/// `02/Mar/2026:00:00:00 +0000`, as the common log format has it; milliseconds are lost.
#[must_use]
pub fn common(at_ms: i64) -> String {
    let [year, month, day, hour, minute, second, _] = fields(at_ms);
    let name = usize::try_from(month - 1).ok().and_then(|at| MONTHS.get(at)).unwrap_or(&"Jan");
    format!("{day:02}/{name}/{year:04}:{hour:02}:{minute:02}:{second:02} +0000")
}

/// `2026-03-02T00:00:00.000Z` (RFC 3339).
#[must_use]
pub fn rfc3339(at_ms: i64) -> String {
    let [year, month, day, hour, minute, second, milli] = fields(at_ms);
    format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}.{milli:03}Z")
}

/// The hour of the day, 0 up to 24.
#[must_use]
pub fn hour(at_ms: i64) -> f64 {
    at_ms.rem_euclid(DAY_MS) as f64 / 3_600_000.0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_are_those_of_the_calendar() {
        assert_eq!(rfc3339(0), "1970-01-01T00:00:00.000Z");
        assert_eq!(rfc3339(951_782_400_000), "2000-02-29T00:00:00.000Z");
        assert_eq!(rfc3339(-1), "1969-12-31T23:59:59.999Z");
        assert_eq!(rfc3339(1_709_251_199_123), "2024-02-29T23:59:59.123Z");
        assert_eq!(common(crate::MONDAY_MS + 3_723_004), "02/Mar/2026:01:02:03 +0000");
    }
}
