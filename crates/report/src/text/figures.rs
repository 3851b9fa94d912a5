//! Figures in the units a person would say, rounded as far as they are known.

/// `1 request`, `300 requests`.
pub(crate) fn count(number: u64, noun: &str) -> String {
    format!("{number} {noun}{}", if number == 1 { "" } else { "s" })
}

/// At most two decimals, or three significant digits below one; no trailing zeros. Below a ten-thousandth as a power.
pub(crate) fn number(value: f64) -> String {
    if !value.is_finite() {
        return "unknown".to_owned();
    }
    if value != 0.0 && value.abs() < 1e-4 {
        return format!("{value:.1e}");
    }
    let mut decimals = 2;
    let mut scaled = value.abs();
    while scaled > 0.0 && scaled < 1.0 && decimals < 6 {
        scaled *= 10.0;
        decimals += 1;
    }
    let text = format!("{value:.decimals$}");
    let text = text.trim_end_matches('0').trim_end_matches('.');
    if text.is_empty() || text == "-0" { "0".to_owned() } else { text.to_owned() }
}

/// Seconds with one decimal (two below one): what a stopwatch would show.
pub(crate) fn seconds(value: f64) -> String {
    let rounded =
        if value.abs() < 1.0 { (value * 100.0).round() / 100.0 } else { (value * 10.0).round() / 10.0 };
    format!("{} s", number(rounded))
}

/// Milliseconds in the unit a person would say: `500 ms`, `12 s`, `5 min`, `24 h`.
pub(crate) fn milliseconds(millis: u64) -> String {
    #[expect(clippy::cast_precision_loss, reason = "2^52 ms are 140 000 years")]
    match millis {
        0..1_000 => format!("{millis} ms"),
        7_200_000.. if millis.is_multiple_of(3_600_000) => format!("{} h", millis / 3_600_000),
        3_600_000 => "1 h".to_owned(),
        120_000.. if millis.is_multiple_of(60_000) => format!("{} min", millis / 60_000),
        _ => seconds(millis as f64 / 1_000.0),
    }
}

/// A latency: milliseconds, and seconds from one second.
pub(crate) fn latency(millis: f64) -> String {
    if millis < 1_000.0 {
        format!("{} ms", number(millis))
    } else {
        format!("{} s", number(millis / 1_000.0))
    }
}

/// A count with its thousands apart: `12 345`. Up to four digits stand together.
pub(crate) fn number_of(count: u64) -> String {
    let digits = count.to_string();
    if digits.len() <= 4 {
        return digits;
    }
    let mut text = String::new();
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            text.push(' ');
        }
        text.push(digit);
    }
    text
}

/// Bytes in decimal units: `312 B`, `4.2 kB`, `1.3 MB`.
pub(crate) fn bytes(value: f64) -> String {
    let units = ["B", "kB", "MB", "GB", "TB"];
    let (mut scaled, mut unit) = (value, 0);
    while scaled.abs() >= 999.5 && unit + 1 < units.len() {
        scaled /= 1_000.0;
        unit += 1;
    }
    let digits = if scaled.abs() >= 99.95 || unit == 0 { 0 } else { 1 };
    let text = format!("{scaled:.digits$}");
    let text = if digits > 0 { text.trim_end_matches('0').trim_end_matches('.') } else { &text };
    format!("{text} {}", units[unit])
}

/// Calls a second, or a minute or an hour where that is the rounder way to say it.
pub(crate) fn rate(per_second: f64) -> String {
    if per_second >= 1.0 || per_second <= 0.0 {
        format!("{} calls/s", number(per_second))
    } else if per_second >= 1.0 / 60.0 {
        format!("{} calls/min", number(per_second * 60.0))
    } else {
        format!("{} calls/h", number(per_second * 3_600.0))
    }
}
