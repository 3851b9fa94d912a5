//! Honest traffic, deliberately loud: whatever is found in it is a false finding.
//!
//! Each function takes a seed, the start in milliseconds since 1970 and how long it goes on, and never makes a call
//! outside that time. What depends on the hour (nights, mornings, working days) follows UTC, and no weekday is a
//! holiday. Half of what a public server logs has no credential, and so it is here: visitors, crawlers, feed readers
//! and probes show none.

mod app;
pub(crate) mod cassandra;
mod crowd;
mod eager;
mod machines;
mod office;
mod old;
mod ray;
mod web;

use std::time::Duration;

pub use app::{mobile_app, single_page_app};
pub use cassandra::cassandra_clients;
pub use crowd::{behind_balancer, carrier_nat, ci_fleet, cloud_fleet, ipv6_visitors, two_regions};
pub use eager::{link_prefetching, map_viewers};
pub use machines::{
    BATCH_KEY, ci_runner, health_checks, monitoring_probe, nightly_batch, paginating_client, search_crawler,
};
pub use office::{company_office, company_vpn, travellers};
pub use old::{dav_clients, password_queries};
pub use ray::{GPUS, clusters, ray_users};
pub use web::{
    feed_readers, image_gallery, marketing_peak, reloading_owner, slide_deck, unauthorized_style_sheet,
    website,
};

use crate::call::{OwnedCall, Traffic};
use crate::date;

/// A background by its name.
pub type Background = fn(u64, i64, Duration) -> Traffic;

/// Every background.
pub const ALL: [(&str, Background); 31] = [
    ("website", website),
    ("marketing-peak", marketing_peak),
    ("reloading-owner", reloading_owner),
    ("slide-deck", slide_deck),
    ("unauthorized-style-sheet", unauthorized_style_sheet),
    ("image-gallery", image_gallery),
    ("feed-readers", feed_readers),
    ("single-page-app", single_page_app),
    ("mobile-app", mobile_app),
    ("company-office", company_office),
    ("company-vpn", company_vpn),
    ("travellers", travellers),
    ("nightly-batch", nightly_batch),
    ("ci-runner", ci_runner),
    ("monitoring-probe", monitoring_probe),
    ("search-crawler", search_crawler),
    ("health-checks", health_checks),
    ("paginating-client", paginating_client),
    ("ray-users", ray_users),
    ("clusters", clusters),
    ("cassandra-clients", cassandra_clients),
    ("carrier-nat", carrier_nat),
    ("cloud-fleet", cloud_fleet),
    ("behind-balancer", behind_balancer),
    ("two-regions", two_regions),
    ("ipv6-visitors", ipv6_visitors),
    ("ci-fleet", ci_fleet),
    ("map-viewers", map_viewers),
    ("link-prefetching", link_prefetching),
    ("dav-clients", dav_clients),
    ("password-queries", password_queries),
];

/// All of [`ALL`] at once, each from a seed of its own.
#[must_use]
pub fn everything(seed: u64, start_ms: i64, duration: Duration) -> Traffic {
    let mut calls = Vec::new();
    for (part, (_, make)) in (0..).zip(ALL) {
        calls.extend(make(seed.wrapping_add(part), start_ms, duration));
    }
    Traffic::new(calls)
}

/// When a background begins and ends.
#[derive(Debug, Clone, Copy)]
struct Span {
    start_ms: i64,
    end_ms: i64,
}

impl Span {
    fn new(start_ms: i64, duration: Duration) -> Self {
        Self { start_ms, end_ms: start_ms + i64::try_from(duration.as_millis()).unwrap_or(0) }
    }

    /// The calls that fall into it, by time.
    fn traffic(self, mut calls: Vec<OwnedCall>) -> Traffic {
        calls.retain(|call| (self.start_ms..self.end_ms).contains(&call.at_ms));
        Traffic::new(calls)
    }

    /// The midnights (UTC) of the days that it touches.
    fn days(self) -> impl Iterator<Item = i64> {
        const DAY_MS: i64 = 86_400_000;
        let first = self.start_ms.div_euclid(DAY_MS) * DAY_MS;
        (0..).map(move |day| first + day * DAY_MS).take_while(move |&day| day < self.end_ms)
    }

    /// Times at a fixed distance.
    fn every(self, step_ms: i64) -> impl Iterator<Item = i64> {
        (0..).map(move |step| self.start_ms + step * step_ms).take_while(move |&at| at < self.end_ms)
    }
}

/// How busy a public server is at that hour: 0.1 at night up to 1 at 15:00 UTC.
pub(crate) fn daily_curve(at_ms: i64) -> f64 {
    let turn = (date::hour(at_ms) - 3.0) / 24.0 * std::f64::consts::TAU;
    0.55 - 0.45 * turn.cos()
}
