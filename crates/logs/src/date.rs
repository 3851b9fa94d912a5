//! Dates as logs write them, turned into milliseconds since 1970 (UTC).
//!
//! Lines of one second repeat its date, so the text of the last one is remembered with what it means: the usual line
//! costs one comparison. The calendar is proleptic Gregorian, years 0 to 9999; a leap second (`:60`) is the first
//! moment of the next minute. No clock is read: what a date leaves out is an argument.

use crate::fault::Fault;

/// Reads dates and remembers the last ones.
#[derive(Debug, Clone)]
pub(crate) struct Dates {
    clf: ([u8; 26], i64),
    iso: ([u8; 19], i64),
    /// For dates without a year.
    year: Option<i64>,
    /// For dates without a zone: seconds east of UTC.
    offset_secs: i64,
}

/// The date that an envelope has: read only where the line in it has none.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Stamp<'a> {
    None,
    Iso(&'a [u8]),
    Bsd(&'a [u8; 15]),
}

impl Dates {
    pub(crate) const fn new(year: Option<i64>, offset_secs: i64) -> Self {
        // What nothing was remembered as must be true, too.
        Self {
            clf: (*b"01/Jan/1970:00:00:00 +0000", 0),
            iso: (*b"1970-01-01T00:00:00", 0),
            year,
            offset_secs,
        }
    }

    /// `28/Nov/2026:01:02:03 +0000`, as CLF has it in brackets.
    #[inline]
    pub(crate) fn clf(&mut self, text: &[u8; 26]) -> Result<i64, Fault> {
        if self.clf.0 == *text {
            return Ok(self.clf.1);
        }
        let at = clf(text).ok_or(Fault::Date)?;
        self.clf = (*text, at);
        Ok(at)
    }

    /// HAProxy's `28/Nov/2026:01:02:03.123`, in the zone of the machine that wrote it.
    pub(crate) fn haproxy(&self, text: &[u8]) -> Result<i64, Fault> {
        let (second, rest) = text.split_first_chunk::<20>().ok_or(Fault::Date)?;
        let secs = clf_second(second).ok_or(Fault::Date)? - self.offset_secs;
        let (millis, rest) = fraction(rest);
        if rest.is_empty() { Ok(secs * 1000 + millis) } else { Err(Fault::Date) }
    }

    /// `2026-11-28T01:02:03.123+01:00`: RFC 3339, also with a blank for the `T`, a slash for the dash, a comma for the point,
    /// a zone without colon or a name of UTC; without a zone it is local. The whole text must be the date.
    #[inline]
    pub(crate) fn iso(&mut self, text: &[u8]) -> Result<i64, Fault> {
        let (second, rest) = text.split_first_chunk::<19>().ok_or(Fault::Date)?;
        let secs = if self.iso.0 == *second {
            self.iso.1
        } else {
            let secs = iso_second(second).ok_or(Fault::Date)?;
            self.iso = (*second, secs);
            secs
        };
        let (millis, rest) = fraction(rest);
        let offset = match rest {
            b"Z" | b"z" | b" UTC" | b" Z" => 0,
            b"" => self.offset_secs,
            zone => offset(zone.strip_prefix(b" ").unwrap_or(zone)).ok_or(Fault::Date)?,
        };
        Ok((secs - offset) * 1000 + millis)
    }

    /// Syslog's `Nov 28 01:02:03` (RFC 3164), in the year that was given.
    pub(crate) fn bsd(&self, text: &[u8; 15]) -> Result<i64, Fault> {
        let [m1, m2, m3, b' ', d1, d2, b' ', clock @ ..] = text else { return Err(Fault::Date) };
        let month = month([*m1, *m2, *m3]).ok_or(Fault::Date)?;
        let day = two([if *d1 == b' ' { b'0' } else { *d1 }, *d2]).ok_or(Fault::Date)?;
        let clock = clock_secs(clock).ok_or(Fault::Date)?;
        let year = self.year.ok_or(Fault::Year)?;
        Ok((days(year, month, day).ok_or(Fault::Date)? * 86_400 + clock - self.offset_secs) * 1000)
    }

    /// The date of an envelope.
    pub(crate) fn stamp(&mut self, stamp: Stamp<'_>) -> Result<i64, Fault> {
        match stamp {
            Stamp::None => Err(Fault::Fields),
            Stamp::Iso(text) => self.iso(text),
            Stamp::Bsd(text) => self.bsd(text),
        }
    }

    /// Any date: one of the above, or a number of seconds, milliseconds, microseconds or nanoseconds since 1970, told apart
    /// by its size: below 100 000 000 000 seconds (until the year 5138), then each unit for a thousand times more.
    pub(crate) fn any(&mut self, text: &[u8]) -> Result<i64, Fault> {
        let text = text.strip_prefix(b"[").and_then(|text| text.strip_suffix(b"]")).unwrap_or(text);
        match text {
            [_, _, b'/', ..] => match <&[u8; 26]>::try_from(text) {
                Ok(text) => self.clf(text),
                Err(_) => self.haproxy(text),
            },
            [_, _, _, _, b'-' | b'/', ..] => self.iso(text),
            [b'A'..=b'Z', _, _, b' ', ..] => self.bsd(text.try_into().map_err(|_| Fault::Date)?),
            _ => epoch(text).ok_or(Fault::Date),
        }
    }
}

/// A number since 1970 in the unit that its size says.
fn epoch(text: &[u8]) -> Option<i64> {
    let (sign, text) = text.strip_prefix(b"-").map_or((1, text), |text| (-1, text));
    let digits = text.iter().take_while(|byte| byte.is_ascii_digit()).count();
    let (whole, rest) = text.split_at_checked(digits)?;
    if !(1..=18).contains(&digits) || matches!(rest, [b'e' | b'E', ..]) {
        return float_epoch(text).map(|at| sign * at);
    }
    let whole = whole.iter().fold(0, |sum, &digit| sum * 10 + i64::from(digit - b'0'));
    let (per_milli, scale) = match whole {
        0..100_000_000_000 => (0, 1000),
        100_000_000_000..100_000_000_000_000 => (1, 1),
        100_000_000_000_000..100_000_000_000_000_000 => (1000, 1),
        _ => (1_000_000, 1),
    };
    if per_milli == 0 {
        let (millis, rest) = fraction(rest);
        return match rest {
            b"" => Some(sign * (whole * scale + millis)),
            [b'e' | b'E', ..] => float_epoch(text).map(|at| sign * at),
            _ => None,
        };
    }
    fraction(rest).1.is_empty().then(|| sign * (whole / per_milli))
}

/// Numbers with an exponent, which some printers make of large ones: seconds or more, by size like the others.
#[cold]
fn float_epoch(text: &[u8]) -> Option<i64> {
    let value: f64 = std::str::from_utf8(text).ok()?.parse().ok()?;
    let millis = match value {
        ..1e11 => value * 1000.0,
        ..1e14 => value,
        ..1e17 => value / 1e3,
        ..1e20 => value / 1e6,
        _ => return None,
    };
    (millis >= 0.0).then_some(millis as i64)
}

fn clf(text: &[u8; 26]) -> Option<i64> {
    let (second, zone) = text.split_first_chunk::<20>()?;
    let zone = zone.strip_prefix(b" ")?;
    Some((clf_second(second)? - offset(zone)?) * 1000)
}

/// `28/Nov/2026:01:02:03`, in seconds, as if it were UTC.
fn clf_second(text: &[u8; 20]) -> Option<i64> {
    let [d1, d2, b'/', m1, m2, m3, b'/', y1, y2, y3, y4, b':', clock @ ..] = text else { return None };
    let month = month([*m1, *m2, *m3])?;
    let days = days(two([*y1, *y2])? * 100 + two([*y3, *y4])?, month, two([*d1, *d2])?)?;
    Some(days * 86_400 + clock_secs(clock)?)
}

/// `2026-11-28T01:02:03`, in seconds, as if it were UTC.
fn iso_second(text: &[u8; 19]) -> Option<i64> {
    let [y1, y2, y3, y4, dash, m1, m2, dash2, d1, d2, between, clock @ ..] = text;
    if dash != dash2 || !matches!(dash, b'-' | b'/') || !matches!(between, b'T' | b't' | b' ') {
        return None;
    }
    let days = days(two([*y1, *y2])? * 100 + two([*y3, *y4])?, two([*m1, *m2])?, two([*d1, *d2])?)?;
    Some(days * 86_400 + clock_secs(clock)?)
}

/// `01:02:03`.
fn clock_secs(text: &[u8; 8]) -> Option<i64> {
    let [h1, h2, b':', m1, m2, b':', s1, s2] = text else { return None };
    let (hour, minute, second) = (two([*h1, *h2])?, two([*m1, *m2])?, two([*s1, *s2])?);
    (hour < 24 && minute < 60 && second <= 60).then_some(hour * 3600 + minute * 60 + second)
}

/// `+0100`, `+01:00` or `+01`, in seconds east of UTC.
pub(crate) fn offset(text: &[u8]) -> Option<i64> {
    let (sign, text) = match text {
        [b'+', rest @ ..] => (1, rest),
        [b'-', rest @ ..] => (-1, rest),
        _ => return None,
    };
    let (hours, minutes) = match text {
        [h1, h2, m1, m2] | [h1, h2, b':', m1, m2] => (two([*h1, *h2])?, two([*m1, *m2])?),
        [h1, h2] => (two([*h1, *h2])?, 0),
        _ => return None,
    };
    (hours < 24 && minutes < 60).then_some(sign * (hours * 3600 + minutes * 60))
}

/// `.123456` in full milliseconds, and what follows; 0 where there is no fraction.
fn fraction(text: &[u8]) -> (i64, &[u8]) {
    let [b'.' | b',', digits @ ..] = text else { return (0, text) };
    let (mut millis, mut unit, mut seen) = (0, 100, 0);
    for byte in digits.iter().take_while(|byte| byte.is_ascii_digit()) {
        millis += i64::from(byte - b'0') * unit;
        unit /= 10;
        seen += 1;
    }
    match digits.get(seen..) {
        Some(rest) if seen > 0 => (millis, rest),
        _ => (0, text),
    }
}

#[inline]
fn two([tens, ones]: [u8; 2]) -> Option<i64> {
    (tens.is_ascii_digit() && ones.is_ascii_digit())
        .then(|| i64::from(tens - b'0') * 10 + i64::from(ones - b'0'))
}

fn month(name: [u8; 3]) -> Option<i64> {
    const NAMES: [&[u8; 3]; 12] =
        [b"Jan", b"Feb", b"Mar", b"Apr", b"May", b"Jun", b"Jul", b"Aug", b"Sep", b"Oct", b"Nov", b"Dec"];
    (1..).zip(NAMES).find(|(_, known)| **known == name).map(|(month, _)| month)
}

/// Days since 1970-01-01 of a date that exists. The formula is Howard Hinnant's `days_from_civil`
/// (<https://howardhinnant.github.io/date_algorithms.html>).
fn days(year: i64, month: i64, day: i64) -> Option<i64> {
    let leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    let length = match month {
        1 | 3 | 5 | 7 | 8 | 10 | 12 => 31,
        4 | 6 | 9 | 11 => 30,
        2 if leap => 29,
        2 => 28,
        _ => return None,
    };
    if !(1..=length).contains(&day) || !(0..=9999).contains(&year) {
        return None;
    }
    let year = if month <= 2 { year - 1 } else { year };
    let era = year.div_euclid(400);
    let of_era = year.rem_euclid(400);
    let of_year = (153 * (month + if month > 2 { -3 } else { 9 }) + 2) / 5 + day - 1;
    Some(era * 146_097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719_468)
}

#[cfg(test)]
mod tests;
