//! Where addresses are: asked of whoever has the data.

use std::fmt::Debug;
use std::net::IpAddr;

/// Tells where an address is. Asked often for the same addresses, so it should remember.
pub trait Geography: Debug + Send {
    /// Where it is; `None` where nobody knows, as of private addresses.
    fn locate(&self, address: IpAddr) -> Option<Location>;
}

/// Where an address is.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Location {
    /// ISO 3166-1 alpha-2, upper case.
    pub country: [u8; 2],
    /// The number of the autonomous system.
    pub asn: Option<u32>,
    /// Where on earth, if that is known better than by country.
    pub point: Option<Point>,
}

/// A place on earth.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Point {
    /// Degrees north.
    pub latitude: f32,
    /// Degrees east.
    pub longitude: f32,
    /// It is most likely within so many kilometres.
    pub radius_km: f32,
}

impl Point {
    /// Kilometres between two places along the surface (haversine; a sphere of 6371 km), with what is uncertain of both
    /// taken off.
    #[must_use]
    pub fn apart(&self, other: &Self) -> f64 {
        let radians = |degrees: f32| f64::from(degrees).to_radians();
        let (from, to) = (radians(self.latitude), radians(other.latitude));
        let north = (to - from) / 2.0;
        let east = (radians(other.longitude) - radians(self.longitude)) / 2.0;
        let chord = north.sin().powi(2) + from.cos() * to.cos() * east.sin().powi(2);
        let distance = 2.0 * 6371.0 * chord.clamp(0.0, 1.0).sqrt().asin();
        (distance - f64::from(self.radius_km) - f64::from(other.radius_km)).max(0.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn distances_are_those_of_the_globe() {
        let berlin = Point { latitude: 52.52, longitude: 13.405, radius_km: 0.0 };
        let sydney = Point { latitude: -33.869, longitude: 151.209, radius_km: 0.0 };
        assert!((berlin.apart(&sydney) - 16_090.0).abs() < 50.0, "{}", berlin.apart(&sydney));
        let vague = Point { radius_km: 20_000.0, ..sydney };
        assert!(berlin.apart(&vague).abs() < f64::EPSILON);
    }
}
