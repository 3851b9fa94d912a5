//! Quotas of a calendar period: so many calls each minute, hour, day, week, month or year, in a time zone.
//!
//! Periods begin when the zone's calendar says so: a day has 23 or 25 hours where the clocks change, a month 28
//! to 31 days. Hours and minutes are counted in elapsed time, so the hour that a change of clocks repeats is two
//! hours, not one.
//!
//! A wall clock that steps back never opens a period that has passed: the later period goes on, and a rejection's
//! retry time may then be one period short. Only a count from far ahead (more than [`AHEAD`] periods) is not
//! believed, else a clock that was once wrong by a year would block its callers for a year.

use std::num::NonZeroU64;
use std::time::Duration;

use jiff::civil::Date;
use jiff::tz::TimeZone;
use jiff::{Span, Timestamp};

use crate::algorithm::InvalidLimit;
use crate::rule::{Rejection, Retry, Standing};
use crate::time::Time;

/// Bits of a word that count calls; the 26 above them number the period. The top bit belongs to the store.
const USED_BITS: u32 = 37;
const USED: u64 = (1 << USED_BITS) - 1;
const INDICES: u64 = (1 << (63 - USED_BITS)) - 1;

/// Periods a count may lie ahead of the clock and still be believed (of hours, one): the clock was set back a
/// little, or another thread looked at it later.
const AHEAD: u64 = 2;

/// The unit of a calendar quota.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Each {
    /// 60 seconds, from a full minute.
    Minute,
    /// 60 minutes, from a full hour of the zone.
    Hour,
    /// From midnight.
    Day,
    /// From Monday's midnight (ISO 8601).
    Week,
    /// From the first's midnight.
    Month,
    /// From January first's midnight.
    Year,
}

/// Where periods begin.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Calendar {
    each: Each,
    zone: TimeZone,
}

/// One period of a calendar.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Period {
    /// Grows by at least one from period to period; below 2^26.
    pub index: u32,
    /// When the next one begins, on the store's clock.
    pub ends: Time,
}

/// So many calls in each period.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Quota {
    calls: u64,
    calendar: Calendar,
}

/// A [`Quota`] in the period that a call falls into.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct QuotaRule {
    /// Calls in a period.
    pub calls: u64,
    /// The period of now.
    pub period: Period,
}

impl Calendar {
    /// Periods of `each` in `zone`.
    #[must_use]
    pub const fn new(each: Each, zone: TimeZone) -> Self {
        Self { each, zone }
    }

    /// The unit.
    #[must_use]
    pub const fn each(&self) -> Each {
        self.each
    }

    /// What tells these periods from others.
    pub(crate) fn unit(&self) -> String {
        let zone = self.zone.iana_name().map_or_else(|| format!("{:?}", self.zone), str::to_owned);
        format!("{:?} {zone}", self.each)
    }

    /// Seconds of a usual period: of a day without a change of clocks, a month of 30 days, a year of 365.
    #[must_use]
    pub const fn nominal_seconds(&self) -> u64 {
        match self.each {
            Each::Minute => 60,
            Each::Hour => 3_600,
            Each::Day => 86_400,
            Each::Week => 7 * 86_400,
            Each::Month => 30 * 86_400,
            Each::Year => 365 * 86_400,
        }
    }

    /// The number of the period that `wall` falls into, and when the next one begins, always after `wall`. Beyond
    /// the years that can be told (9999), the period never ends.
    #[must_use]
    pub fn period(&self, wall: Timestamp) -> (u32, Timestamp) {
        match self.each {
            Each::Minute => self.even(wall, 60),
            Each::Hour => self.even(wall, 3_600),
            Each::Day | Each::Week | Each::Month | Each::Year => {
                let date = wall.to_zoned_datetime(self.zone.clone()).date();
                let index = self.date_index(date).unwrap_or(0);
                (index, self.next(date, wall).unwrap_or(Timestamp::MAX))
            }
        }
    }

    /// Minutes and hours: even stretches of elapsed time, shifted to the zone's full hour. Their number is that of
    /// the half length they begin in, because Lord Howe Island's clocks change by half an hour, which ends one
    /// hour early and begins the next within the same hour of elapsed time.
    fn even(&self, wall: Timestamp, length: i64) -> (u32, Timestamp) {
        let shift = i64::from(self.zone.to_offset(wall).seconds()).rem_euclid(length);
        let second = wall.as_nanosecond().div_euclid(1_000_000_000);
        let second = i64::try_from(second).unwrap_or(i64::MAX / 2);
        let start = (second + shift).div_euclid(length) * length - shift;
        let unit = if self.each == Each::Hour { length / 2 } else { length };
        let end = start + length;
        let end = self.transition_before(wall, end).unwrap_or(end);
        let end = Timestamp::from_second(end).unwrap_or(Timestamp::MAX);
        (u32::try_from(start.div_euclid(unit)).unwrap_or(0), end)
    }

    /// Where a change of clocks by less than an hour ends an hour early.
    fn transition_before(&self, wall: Timestamp, end: i64) -> Option<i64> {
        if self.each != Each::Hour {
            return None;
        }
        let next = self.zone.following(wall).next()?;
        let changed = next.offset().seconds() - self.zone.to_offset(wall).seconds();
        let at = next.timestamp().as_second();
        (at < end && changed.rem_euclid(3_600) != 0).then_some(at)
    }

    fn date_index(&self, date: Date) -> Option<u32> {
        let days = i64::from(date.since(jiff::civil::date(1970, 1, 1)).ok()?.get_days());
        let number = match self.each {
            Each::Year => i64::from(date.year()),
            Each::Month => i64::from(date.year()) * 12 + i64::from(date.month()),
            // 1970-01-01 was a Thursday: three days after the Monday that week 0 begins with.
            Each::Week => (days + 3).div_euclid(7),
            Each::Day | Each::Hour | Each::Minute => days,
        };
        u32::try_from(number).ok()
    }

    /// When the period after that of `date` begins. Midnight comes twice where the clocks are set back over it
    /// (St. John's until 2011): then the one that lies ahead.
    fn next(&self, date: Date, wall: Timestamp) -> Option<Timestamp> {
        let start = match self.each {
            Each::Year => Date::new(date.year(), 1, 1).ok()?.checked_add(Span::new().years(1)),
            Each::Month => date.first_of_month().checked_add(Span::new().months(1)),
            Each::Week => {
                let past = i64::from(date.weekday().to_monday_zero_offset());
                date.checked_add(Span::new().days(7 - past))
            }
            Each::Day | Each::Hour | Each::Minute => date.tomorrow(),
        };
        let midnight = self.zone.to_ambiguous_zoned_datetime(start.ok()?.at(0, 0, 0, 0));
        let first = midnight.clone().compatible().ok()?.timestamp();
        if first > wall { Some(first) } else { Some(midnight.later().ok()?.timestamp()) }
    }
}

impl Quota {
    /// `calls` in each period of `calendar`.
    ///
    /// # Errors
    /// Over 137 438 953 471 calls (2^37 − 1).
    pub fn new(calls: NonZeroU64, calendar: Calendar) -> Result<Self, InvalidLimit> {
        if calls.get() > USED {
            return Err(InvalidLimit::TooMany { most: USED });
        }
        Ok(Self { calls: calls.get(), calendar })
    }

    /// Calls in a period.
    #[must_use]
    pub const fn calls(&self) -> u64 {
        self.calls
    }

    /// Where the periods begin.
    #[must_use]
    pub const fn calendar(&self) -> &Calendar {
        &self.calendar
    }

    /// The rule in `period`.
    #[must_use]
    pub const fn in_period(&self, period: Period) -> QuotaRule {
        QuotaRule { calls: self.calls, period }
    }
}

impl QuotaRule {
    /// Admits `cost` calls, returning the new word.
    ///
    /// # Errors
    /// With the start of the next period when too few are left; [`Retry::Never`] when a period never has that
    /// many.
    #[inline]
    pub fn step(&self, word: u64, cost: u64, now: Time) -> Result<u64, Rejection> {
        if cost > self.calls {
            return Err(Rejection { retry: Retry::Never });
        }
        let (index, used) = self.read(word);
        if used + cost <= self.calls {
            return Ok(pack(index, used + cost));
        }
        Err(Rejection { retry: Retry::After(self.period.ends.since(now)) })
    }

    /// Charges `cost` after the fact, up to the largest count a word holds.
    #[must_use]
    #[inline]
    pub fn settle(&self, word: u64, cost: u64) -> u64 {
        let (index, used) = self.read(word);
        pack(index, used.saturating_add(cost).min(USED))
    }

    /// Gives back `cost`, if the period it was charged in (this rule's) has not passed.
    #[must_use]
    #[inline]
    pub fn refund(&self, word: u64, cost: u64) -> u64 {
        if word >> USED_BITS != u64::from(self.period.index) {
            return word;
        }
        pack(word >> USED_BITS, (word & USED).saturating_sub(cost))
    }

    /// What is left of the period.
    #[must_use]
    pub fn standing(&self, word: u64, now: Time) -> Standing {
        let (_, used) = self.read(word);
        let reset = if used == 0 { Duration::ZERO } else { self.period.ends.since(now) };
        Standing { limit: self.calls, remaining: self.calls.saturating_sub(used), reset }
    }

    /// When the period ends and the word can be forgotten without loss, unless it was kept for longer already: the
    /// rule of a call that began before the period did must not shorten it.
    #[must_use]
    #[inline]
    pub const fn idle_at(&self) -> Time {
        self.period.ends
    }

    #[inline]
    fn read(&self, word: u64) -> (u64, u64) {
        let stored = word >> USED_BITS;
        let current = u64::from(self.period.index).min(INDICES);
        if (current..=current + AHEAD).contains(&stored) { (stored, word & USED) } else { (current, 0) }
    }
}

#[inline]
const fn pack(index: u64, used: u64) -> u64 {
    (index << USED_BITS) | used
}
