//! Thresholds, statuses, paths and whom a finding must not hurt: what `[watch]` and `[[detector]]` are written in.
//!
//! Detectors count in whole seconds, so a window of half a second is refused rather than rounded.

use ratewarden_model::{Rate, format_duration};

use crate::form::{Written, Wrong, grouped};
use crate::network::Network;
use crate::notes::short;
use crate::words::Lasting;

/// The longest window of a detector, in seconds.
pub(crate) const WEEK: u64 = 7 * 86_400;

/// The most that is counted to.
pub(crate) const MOST: u64 = u32::MAX as u64;

/// Whole seconds, 1 to `MAX`.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Whole<const MAX: u64>(pub(crate) u32);

impl<const MAX: u64> Written for Whole<MAX> {
    const EXPECTED: &'static str = "a duration of whole seconds, such as `10s`";
    const EXAMPLES: &'static [&'static str] = &["10s", "5m"];
    const PATTERN: &'static str = <Lasting<MAX> as Written>::PATTERN;

    fn parse(text: &str) -> Result<Self, Wrong> {
        let lasting = Lasting::<MAX>::parse(text)?.0;
        let seconds = u32::try_from(lasting.as_secs()).ok().filter(|_| lasting.subsec_nanos() == 0);
        seconds
            .map(Self)
            .ok_or_else(|| Wrong::new(format!("found {}, expected whole seconds", format_duration(lasting))))
    }

    fn hint_for_number(number: &str) -> Option<String> {
        Lasting::<MAX>::hint_for_number(number)
    }
}

/// So many, `MIN` to `MAX`, in a time of whole seconds.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Pace<const MIN: u64, const MAX: u64> {
    pub(crate) number: u32,
    pub(crate) seconds: u32,
}

impl<const MIN: u64, const MAX: u64> Written for Pace<MIN, MAX> {
    const EXPECTED: &'static str = "so many in a time, such as `20/1m`";
    const EXAMPLES: &'static [&'static str] = &["20/1m", "300/10s"];
    const PATTERN: &'static str = <Rate as Written>::PATTERN;

    fn parse(text: &str) -> Result<Self, Wrong> {
        let rate = <Rate as Written>::parse(text)?;
        let number = u32::try_from(rate.calls).ok().filter(|_| (MIN..=MAX).contains(&rate.calls));
        let number = number.ok_or_else(|| {
            let (least, most) = (grouped(MIN), grouped(MAX));
            Wrong::new(format!("found the number {}, expected {least} to {most}", grouped(rate.calls)))
        })?;
        let time = format_duration(rate.per);
        let Whole(seconds) = Whole::<WEEK>::parse(&time)?;
        Ok(Self { number, seconds })
    }

    fn hint_for_number(number: &str) -> Option<String> {
        Some(format!("it has a time: \"{number}/1m\" is {number} in a minute"))
    }
}

/// Statuses that are alike: `4xx`, `500-503`.
#[derive(Debug, Clone, Copy)]
pub(crate) struct StatusRange {
    pub(crate) from: u16,
    pub(crate) to: u16,
}

impl StatusRange {
    /// `4xx`, `500-503` or `404`.
    pub(crate) fn of(text: &str) -> Option<Self> {
        let status = |digits: &str| {
            let three = digits.len() == 3 && digits.bytes().all(|byte| byte.is_ascii_digit());
            digits.parse::<u16>().ok().filter(|status| three && (100..=599).contains(status))
        };
        let (from, to) = if let Some(class) = text.strip_suffix("xx") {
            (status(&format!("{class}00"))?, status(&format!("{class}99"))?)
        } else if let Some((from, to)) = text.split_once('-') {
            (status(from)?, status(to)?)
        } else {
            (status(text)?, status(text)?)
        };
        (from <= to).then_some(Self { from, to })
    }
}

impl Written for StatusRange {
    const EXPECTED: &'static str = "statuses such as `5xx` or `500-503`";
    const EXAMPLES: &'static [&'static str] = &["4xx", "500-503"];
    const PATTERN: &'static str = "^[1-5](xx|[0-9]{2}|[0-9]{2}-[1-5][0-9]{2})$";

    fn parse(text: &str) -> Result<Self, Wrong> {
        Self::of(text).ok_or_else(|| {
            Wrong::new(format!("`{}` is not a status", short(text))).hint("404, \"4xx\" or \"500-503\"")
        })
    }
}

/// The form of a path, `*` standing for anything.
#[derive(Debug, Clone)]
pub(crate) struct PathPattern(pub(crate) String);

impl Written for PathPattern {
    const EXPECTED: &'static str = "a path, such as `/api/export/*`";
    const EXAMPLES: &'static [&'static str] = &["/api/export/*", "*/login", "/v1/jobs/"];
    const PATTERN: &'static str = r"^[/*][^?#\s\\]*$";

    fn parse(text: &str) -> Result<Self, Wrong> {
        let wrong = |why: &str| Wrong::new(format!("`{}` {why}", short(text)));
        if !text.starts_with(['/', '*']) {
            return Err(wrong("is not a path").hint(format!("write `/{0}` or `*/{0}`", short(text))));
        }
        if text.len() > 256 {
            return Err(Wrong::new(format!("found {} bytes, expected at most 256", text.len())));
        }
        if let Some(brace) = text.find('{') {
            let end =
                text.get(brace..).and_then(|rest| rest.find('}')).map_or(text.len(), |end| brace + end + 1);
            let (before, after) = (text.get(..brace).unwrap_or(""), text.get(end..).unwrap_or(""));
            let hint = format!("a part that differs is a star: `{}*{}`", short(before), short(after));
            return Err(wrong("has a brace").hint(hint));
        }
        if text.chars().any(|c| matches!(c, '?' | '#' | '\\' | '}') || c.is_whitespace() || c.is_control()) {
            return Err(wrong("is not a path").hint("only the path, without query and spaces"));
        }
        Ok(Self(text.to_owned()))
    }
}

/// Whom no detector bans.
#[derive(Debug, Clone)]
pub(crate) enum Exempt {
    Network(Network),
    Caller(String),
    User(String),
}

impl Written for Exempt {
    const EXPECTED: &'static str = "an address, a prefix, `caller:NAME` or `user:NAME`";
    const EXAMPLES: &'static [&'static str] = &["10.0.0.0/8", "2001:db8::1", "caller:ci", "user:ann"];

    fn parse(text: &str) -> Result<Self, Wrong> {
        let named = |name: &str| {
            let fits = !name.is_empty() && name.len() <= 256 && !name.chars().any(char::is_control);
            fits.then(|| name.to_owned())
                .ok_or_else(|| Wrong::new("a name has 1 to 256 bytes, none of them a control character"))
        };
        match text.split_once(':') {
            Some(("caller", name)) => return named(name).map(Self::Caller),
            Some(("user", name)) => return named(name).map(Self::User),
            _ => {}
        }
        <Network as Written>::parse(text).map(Self::Network).map_err(|wrong| {
            let word = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_');
            let is_name = text.starts_with(|c: char| c.is_ascii_alphabetic()) && text.chars().all(word);
            if is_name { wrong.hint(format!("a caller is written `caller:{}`", short(text))) } else { wrong }
        })
    }
}

/// Rules of findings: an id, or its beginning with a star.
#[derive(Debug, Clone)]
pub(crate) struct RulePattern(pub(crate) String);

impl RulePattern {
    /// Whether it is about this rule.
    pub(crate) fn fits(&self, rule: &str) -> bool {
        self.0.strip_suffix('*').map_or(self.0 == rule, |begin| rule.starts_with(begin))
    }
}

impl Written for RulePattern {
    const EXPECTED: &'static str = "a rule, such as `watch.flood` or `watch.*`";
    const EXAMPLES: &'static [&'static str] = &["watch.flood", "watch.*", "*"];
    const PATTERN: &'static str = r"^[a-z0-9.-]{0,79}[a-z0-9.*-]$";

    fn parse(text: &str) -> Result<Self, Wrong> {
        let fits = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || matches!(c, '.' | '-');
        let begin = text.strip_suffix('*').unwrap_or(text);
        if text.is_empty() || text.len() > 80 || !begin.chars().all(fits) {
            let wrong = Wrong::new(format!("`{}` is not a rule", short(text)));
            return Err(wrong.hint("`watch.flood`, or `watch.*` for all that begin so; the star is last"));
        }
        Ok(Self(text.to_owned()))
    }
}

/// A time to wait, or none.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Pause<const MAX: u64>(pub(crate) std::time::Duration);

impl<const MAX: u64> Written for Pause<MAX> {
    const EXPECTED: &'static str = "a duration, such as `30s`, or `none`";
    const EXAMPLES: &'static [&'static str] = &["30s", "10m", "none"];
    const PATTERN: &'static str = r"^(none|\s*[0-9]+(ms|s|m|h|d)\s*)$";

    fn parse(text: &str) -> Result<Self, Wrong> {
        if text == "none" {
            return Ok(Self(std::time::Duration::ZERO));
        }
        Lasting::<MAX>::parse(text).map(|lasting| Self(lasting.0)).map_err(|wrong| {
            let is_zero = wrong.message.ends_with("is zero");
            if is_zero { wrong.hint("write `none` for no waiting at all") } else { wrong }
        })
    }

    fn hint_for_number(number: &str) -> Option<String> {
        Lasting::<MAX>::hint_for_number(number)
    }
}

/// The name that a text which is no name of a new detector was most likely meant to be.
pub(crate) fn as_rule_name(text: &str) -> Option<String> {
    let mut name = String::new();
    for c in text.chars().map(|c| c.to_ascii_lowercase()) {
        match c {
            'a'..='z' | '0'..='9' => name.push(c),
            _ if name.is_empty() || name.ends_with('-') => {}
            _ => name.push('-'),
        }
    }
    let name = name.trim_end_matches('-');
    is_rule_name(name).then(|| name.to_owned())
}

/// Whether `watch.NAME` is a rule id: lower-case letters, digits and dashes, a letter first.
pub(crate) fn is_rule_name(name: &str) -> bool {
    let fits = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
    name.starts_with(|c: char| c.is_ascii_lowercase()) && !name.ends_with('-') && name.chars().all(fits)
}
