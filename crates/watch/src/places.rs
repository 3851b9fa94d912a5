//! The files of addresses, as detectors ask them.

use std::cell::RefCell;
use std::net::IpAddr;

use ratewarden_detect::{Geography, Location, Point, centre};

use crate::geo;

/// Files of addresses that detectors can ask. A file of countries knows no points: the middle of the country stands for
/// them, with a radius that says how little that is.
#[derive(Debug)]
pub struct Places(RefCell<geo::Geography>);

impl Places {
    /// Makes files askable.
    #[must_use]
    pub const fn new(files: geo::Geography) -> Self {
        Self(RefCell::new(files))
    }
}

impl Geography for Places {
    fn locate(&self, address: IpAddr) -> Option<Location> {
        let place = self.0.borrow_mut().place(address);
        let country: [u8; 2] = place.country?.as_str().as_bytes().try_into().ok()?;
        #[expect(clippy::cast_possible_truncation, reason = "degrees: seven digits are a metre")]
        let exact = place.point.map(|point| Point {
            latitude: point.latitude as f32,
            longitude: point.longitude as f32,
            // What a file does not say is taken to be a region.
            radius_km: point.radius_km.map_or(100.0, f32::from),
        });
        Some(Location { country, asn: place.asn, point: exact.or_else(|| centre(country)) })
    }
}
