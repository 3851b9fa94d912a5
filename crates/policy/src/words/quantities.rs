//! Numbers with a unit: durations, rates, sizes, offences in a time. A number alone is refused with what it would be in the
//! likeliest unit, and zero is never taken for "no limit".

use std::fmt;
use std::time::Duration;

use ratewarden_model::{Rate, format_duration, format_size, parse_duration, parse_size};

use crate::form::{Written, Wrong};
use crate::notes::short;
use crate::policy::Offence;
use crate::suggestion::{did_you_mean, one_of};

/// The longest time anything is configured to: a year.
pub(crate) const YEAR: u64 = 366 * 86_400;

/// The longest timeout: a day.
pub(crate) const DAY: u64 = 86_400;

/// A duration of at most `MAX` seconds.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Lasting<const MAX: u64>(pub(crate) Duration);

impl<const MAX: u64> Written for Lasting<MAX> {
    const EXPECTED: &'static str = "a duration, such as `10s`";
    const EXAMPLES: &'static [&'static str] = &["500ms", "10s", "1m", "24h"];
    const PATTERN: &'static str = r"^\s*[0-9]+(ms|s|m|h|d)\s*$";

    fn parse(text: &str) -> Result<Self, Wrong> {
        let duration = parse_duration(text).map_err(|_| {
            let (message, hint) = unit_fault(text, "a duration");
            Wrong::new(message)
                .hint(hint.unwrap_or("a whole number and a unit: `500ms`, `10s`, `1m`, `24h`, `7d`"))
        })?;
        if duration > Duration::from_secs(MAX) {
            let most = format_duration(Duration::from_secs(MAX));
            return Err(Wrong::new(format!("found {}, expected at most {most}", format_duration(duration))));
        }
        Ok(Self(duration))
    }

    fn hint_for_number(number: &str) -> Option<String> {
        Some(format!("a duration has a unit: \"{number}s\" is {number} seconds"))
    }
}

/// What is wrong with a number and a unit; zero has a hint of its own.
fn unit_fault(text: &str, what: &str) -> (String, Option<&'static str>) {
    let zero = text.trim().trim_start_matches('0').chars().next().is_none_or(char::is_alphabetic);
    if zero && text.trim().starts_with('0') {
        return (format!("`{}` is zero", short(text)), Some("zero never means unlimited here"));
    }
    (format!("`{}` is not {what}", short(text)), None)
}

impl Written for Rate {
    const EXPECTED: &'static str = "a rate, such as `100/1m`";
    const EXAMPLES: &'static [&'static str] = &["100/1m", "10_000/24h"];
    const PATTERN: &'static str = r"^\s*[0-9_]+\s*/\s*[0-9]*(ms|s|m|h|d)\s*$";

    fn parse(text: &str) -> Result<Self, Wrong> {
        text.parse().map_err(|_| {
            let (message, zero) = unit_fault(text.split('/').next().unwrap_or(""), "a rate");
            match zero {
                Some(hint) => Wrong::new(message).hint(hint),
                None => Wrong::new(format!("`{}` is not a rate", short(text)))
                    .hint("calls per duration: `100/1m`, `10/1s`, `10_000/24h`"),
            }
        })
    }

    fn hint_for_number(number: &str) -> Option<String> {
        Some(format!("a rate has a duration: \"{number}/1m\" is {number} calls a minute"))
    }
}

/// A size of at most `MAX` bytes.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Size<const MAX: u64>(pub(crate) u64);

impl<const MAX: u64> Written for Size<MAX> {
    const EXPECTED: &'static str = "a size, such as `64KiB`";
    const EXAMPLES: &'static [&'static str] = &["512B", "64KiB", "10MiB"];
    const PATTERN: &'static str = r"^\s*[0-9]+(B|KiB|MiB|GiB)\s*$";

    fn parse(text: &str) -> Result<Self, Wrong> {
        let bytes = parse_size(text).map_err(|_| {
            let (message, hint) = unit_fault(text, "a size");
            let hint = hint.map_or_else(|| size_hint(text), ToOwned::to_owned);
            Wrong::new(message).hint(hint)
        })?;
        if bytes > MAX {
            return Err(Wrong::new(format!(
                "found {}, expected at most {}",
                format_size(bytes),
                format_size(MAX)
            )));
        }
        Ok(Self(bytes))
    }

    fn hint_for_number(number: &str) -> Option<String> {
        Some(format!("a size has a unit: \"{number}B\" is {number} bytes"))
    }
}

fn size_hint(text: &str) -> String {
    for (decimal, binary) in
        [("kb", "KiB"), ("mb", "MiB"), ("gb", "GiB"), ("k", "KiB"), ("m", "MiB"), ("g", "GiB")]
    {
        let lower = text.trim().to_ascii_lowercase();
        if let Some(number) = lower.strip_suffix(decimal).filter(|number| number.parse::<u64>().is_ok()) {
            return format!("units are binary: `{number}{binary}`");
        }
    }
    "a whole number and a unit: `512B`, `64KiB`, `10MiB`, `1GiB`".to_owned()
}

/// A cap on bodies: a size, or none.
#[derive(Debug, Clone, Copy)]
pub(crate) struct BodyCap(pub(crate) Option<u64>);

impl Written for BodyCap {
    const EXPECTED: &'static str = "a size, such as `10MiB`, or `none`";
    const EXAMPLES: &'static [&'static str] = &["none", "10MiB"];
    const PATTERN: &'static str = r"^(none|\s*[0-9]+(B|KiB|MiB|GiB)\s*)$";

    fn parse(text: &str) -> Result<Self, Wrong> {
        match text {
            "none" => Ok(Self(None)),
            size => Size::<{ u64::MAX }>::parse(size).map(|size| Self(Some(size.0))),
        }
    }

    fn hint_for_number(number: &str) -> Option<String> {
        Size::<{ u64::MAX }>::hint_for_number(number)
    }
}

/// `20 rejections/1m`.
#[derive(Debug, Clone, Copy)]
pub(crate) struct After {
    pub(crate) offence: Offence,
    pub(crate) rate: Rate,
}

const OFFENCES: [(&str, Offence); 2] =
    [("rejections", Offence::Rejections), ("failed-credentials", Offence::FailedCredentials)];

impl fmt::Display for After {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let word = OFFENCES.iter().find(|(_, offence)| *offence == self.offence).map_or("", |(word, _)| word);
        write!(f, "{} {word}/{}", self.rate.calls, format_duration(self.rate.per))
    }
}

impl Written for After {
    const EXPECTED: &'static str = "so many offences, such as `20 rejections/1m`";
    const EXAMPLES: &'static [&'static str] = &["20 rejections/1m", "10 failed-credentials/1m"];
    const PATTERN: &'static str =
        r"^\s*[0-9_]+ +(rejections|failed-credentials)\s*/\s*[0-9]*(ms|s|m|h|d)\s*$";

    fn parse(text: &str) -> Result<Self, Wrong> {
        let wrong = || {
            Wrong::new(format!("`{}` is not a number of offences in a time", short(text)))
                .hint("such as `20 rejections/1m` or `10 failed-credentials/1m`")
        };
        let (counted, per) = text.trim().split_once('/').ok_or_else(wrong)?;
        let (number, offence) = counted.trim().split_once(' ').ok_or_else(wrong)?;
        let (number, offence) = (number.trim(), offence.trim());
        let words = OFFENCES.map(|(word, _)| word);
        let Some((_, offence)) = OFFENCES.iter().find(|(word, _)| *word == offence) else {
            let message = format!("found `{}`, expected {}", short(offence), one_of(words));
            return Err(Wrong::new(message).hint_if(did_you_mean(offence, words)));
        };
        let rate = <Rate as Written>::parse(&format!("{number}/{per}")).map_err(|_| wrong())?;
        Ok(Self { offence: *offence, rate })
    }
}
