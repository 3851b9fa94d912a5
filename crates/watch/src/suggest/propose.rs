//! From rates to limits.
//!
//! A limit is made of the peaks that nearly all callers stay under (the 99.9th percentile), with head-room. With a head-room
//! of 2 nobody who stays under both peaks can be rejected, whatever the moment a bucket is looked at: the bucket gives `2 ·
//! P60` a minute and holds `3 · P10`. Any stretch touches at most two ten-second windows and one more for each ten seconds
//! of its length, and as many minutes and two more; of the calls that fit in both, the bucket has more in every length
//! (below 10 s `3 · P10`; to 60 s at most `k · P10` in `k` windows, of which half are in one minute; beyond, `2 · P60` a
//! minute). The windows of the clock that peaks are measured in are no stretch of the bucket, and that is what the factor is
//! for.
//!
//! Callers far above all others are not what a limit should be made of: from ten callers on, those whose minute is over ten
//! times the 95th percentile are left out, and the limit says how many.

use std::num::NonZeroU64;
use std::time::Duration;

use ratewarden_model::Rate;

use crate::replay::number;

use super::rates::Rates;
use super::report::{GroupRates, Quantiles};
use super::{Group, Options};

/// Callers from which on some can be left out.
const FEW: u64 = 10;

/// How far above the 95th percentile of a minute a caller is left out.
const FAR: u64 = 10;

/// Calls a limit admits at least, so that nobody is limited to what was a quiet day.
const LEAST: u64 = 10;

/// Calls of a route from which on something is known of it.
const KNOWN: u64 = 20;

/// A limit that is proposed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Proposal {
    pub(crate) name: String,
    /// Method and path template; `None` is every call.
    pub(crate) route: Option<(String, String)>,
    pub(crate) rate: Rate,
    pub(crate) burst: u64,
    /// What it is made of.
    pub(crate) evidence: String,
}

/// Peaks that a limit is made of.
#[derive(Debug, Clone, Copy)]
struct Peaks {
    ten: u64,
    minute: u64,
    hour: u64,
    callers: u64,
    left_out: u64,
    /// The minute from which on callers are left out.
    far: u64,
}

/// The limits for these groups; the first group is that of all calls.
pub(crate) fn limits(groups: &[Group], options: &Options, span_ms: i64) -> Vec<Proposal> {
    let mut all = Vec::new();
    let Some(total) = groups.first().and_then(|group| of_group(group, options, span_ms)) else { return all };
    let most = total.first().map_or(u64::MAX, |limit| limit.rate.calls);
    let mut routes: Vec<&Group> = groups.iter().skip(1).filter(|group| group.rates.calls >= KNOWN).collect();
    routes.sort_by_key(|group| (std::cmp::Reverse(group.rates.calls), group.name()));
    for group in routes {
        let Some(limits) = of_group(group, options, span_ms) else { continue };
        // A limit that the one of all calls nearly is adds nothing.
        let is_tighter = limits.first().is_some_and(|limit| limit.rate.calls <= most / 2);
        if is_tighter && all.len() < options.routes {
            all.extend(limits.into_iter().take(1));
        }
    }
    all.extend(total);
    all
}

/// What is said of a group.
pub(crate) fn said(group: &Group) -> GroupRates {
    let Rates { calls, rates, peaks, failing, closed, .. } = &group.rates;
    let quantiles = |histogram: &super::histogram::Histogram| Quantiles {
        p50: histogram.quantile(500),
        p90: histogram.quantile(900),
        p99: histogram.quantile(990),
        p999: histogram.quantile(999),
        max: histogram.max(),
    };
    let [second, ten, minute, hour] = rates.each_ref().map(quantiles);
    let [peak_second, peak_ten, peak_minute, peak_hour] = peaks.each_ref().map(quantiles);
    GroupRates {
        group: group.name(),
        calls: *calls,
        callers: group.rates.callers(),
        callers_failing: *failing,
        callers_closed: *closed,
        rates: super::report::Windows { second, ten_seconds: ten, minute, hour },
        peaks: super::report::Windows {
            second: peak_second,
            ten_seconds: peak_ten,
            minute: peak_minute,
            hour: peak_hour,
        },
    }
}

fn of_group(group: &Group, options: &Options, span_ms: i64) -> Option<Vec<Proposal>> {
    let peaks = peaks(&group.rates)?;
    let calls = round_up(scaled(peaks.minute, options.headroom).max(LEAST));
    let burst = round_up(scaled(peaks.ten, options.headroom * 1.5)).clamp(1, calls);
    let minute = Rate { calls, per: Duration::from_secs(60) };
    let [_, ten, busiest, _] = &group.rates.peaks;
    let evidence = format!(
        "{}\nA caller's busiest minute: median {}, 99.9 % {}; its busiest 10 s: median {}, 99.9 % {}. Head-room {}.{}",
        basis(group, &peaks),
        number(busiest.quantile(500)),
        number(peaks.minute),
        number(ten.quantile(500)),
        number(peaks.ten),
        options.headroom,
        left_out(&peaks),
    );
    let name = group.name();
    let route = group.route.clone();
    let mut limits =
        vec![Proposal { name: name.clone(), route: route.clone(), rate: minute, burst, evidence }];
    let hourly = round_up(scaled(peaks.hour, options.headroom).max(LEAST));
    // Where a caller's hour is far below sixty busy minutes, and hours were seen.
    if span_ms >= 2 * 3_600_000 && hourly <= calls.saturating_mul(60) / 4 {
        let evidence = format!(
            "{}\nA caller's busiest hour: 99.9 % {}. Head-room {}.",
            basis(group, &peaks),
            number(peaks.hour),
            options.headroom
        );
        let rate = Rate { calls: hourly, per: Duration::from_secs(3_600) };
        limits.push(Proposal { name: format!("{name}, an hour"), route, rate, burst: hourly, evidence });
    }
    Some(limits)
}

fn peaks(rates: &Rates) -> Option<Peaks> {
    let [_, ten, minute, hour] = &rates.peaks;
    let callers = minute.total();
    NonZeroU64::new(callers)?;
    let far = if callers < FEW { u64::MAX } else { minute.quantile(950).saturating_mul(FAR) };
    let left_out = minute.above(far);
    // The same callers stand at the top of the other windows as far as can be told: as many are left out there.
    let among = |histogram: &super::histogram::Histogram| {
        let kept = callers - left_out;
        let thousandths = u128::from(kept) * 999 / u128::from(callers);
        histogram.quantile(u64::try_from(thousandths).unwrap_or(999).max(1))
    };
    let minute_kept = minute.quantile_up_to(far, 999);
    Some(Peaks {
        ten: if left_out == 0 { ten.quantile(999) } else { among(ten).min(minute_kept) },
        minute: minute_kept,
        hour: if left_out == 0 { hour.quantile(999) } else { among(hour) },
        callers,
        left_out,
        far,
    })
}

fn basis(group: &Group, peaks: &Peaks) -> String {
    let failing = match group.rates.failing {
        0 => String::new(),
        callers => format!("; {callers} more that mostly failed say nothing"),
    };
    format!("Seen: {} calls of {} callers{failing}.", number(group.rates.calls), number(peaks.callers))
}

fn left_out(peaks: &Peaks) -> String {
    match peaks.left_out {
        0 => String::new(),
        callers => {
            format!(
                "\nLeft out: {callers} far above all others, over {} calls in a minute.",
                number(peaks.far)
            )
        }
    }
}

#[expect(
    clippy::cast_precision_loss,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "counts of calls, far below 2^52, times a small positive factor"
)]
fn scaled(calls: u64, factor: f64) -> u64 {
    (calls as f64 * factor).ceil() as u64
}

/// Up to two digits that count, as somebody would have written it: 1,234 is 1,300.
fn round_up(calls: u64) -> u64 {
    let mut unit = 1;
    while calls / unit >= 100 {
        unit *= 10;
    }
    calls.div_ceil(unit).saturating_mul(unit)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_is_rounded_up_to_two_digits() {
        for (calls, round) in
            [(0, 0), (7, 7), (99, 99), (100, 100), (101, 110), (1_234, 1_300), (999_001, 1_000_000)]
        {
            assert_eq!(round_up(calls), round);
        }
    }
}
