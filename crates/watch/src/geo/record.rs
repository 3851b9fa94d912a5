//! A record of a database of addresses, with the fields of every maker.

use serde::Deserialize;

use super::{Country, Point};

/// The fields of every maker.
#[derive(Deserialize)]
pub(super) struct Record<'a> {
    #[serde(borrow)]
    country: Option<RecordCountry<'a>>,
    #[serde(borrow)]
    registered_country: Option<RecordCountry<'a>>,
    country_code: Option<&'a str>,
    location: Option<RecordPoint>,
    latitude: Option<Figure>,
    longitude: Option<Figure>,
    autonomous_system_number: Option<Figure>,
    pub(super) autonomous_system_organization: Option<&'a str>,
}

#[derive(Deserialize)]
struct RecordCountry<'a> {
    iso_code: Option<&'a str>,
}

#[derive(Deserialize)]
struct RecordPoint {
    latitude: Option<Figure>,
    longitude: Option<Figure>,
    accuracy_radius: Option<Figure>,
}

/// A number: makers write them in every width, and the reader is strict about widths. All that is read here is exact
/// in an `f64`.
#[derive(Clone, Copy)]
struct Figure(f64);

impl<'de> Deserialize<'de> for Figure {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Any;
        impl serde::de::Visitor<'_> for Any {
            type Value = Figure;

            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("a number")
            }
            fn visit_f64<E>(self, number: f64) -> Result<Figure, E> {
                Ok(Figure(number))
            }
            fn visit_i64<E>(self, number: i64) -> Result<Figure, E> {
                Ok(Figure(number as f64))
            }
            fn visit_u64<E>(self, number: u64) -> Result<Figure, E> {
                Ok(Figure(number as f64))
            }
        }
        deserializer.deserialize_any(Any)
    }
}

impl Record<'_> {
    pub(super) fn country(&self) -> Option<Country> {
        let named = |country: &Option<RecordCountry<'_>>| Country::new(country.as_ref()?.iso_code?);
        self.country_code
            .and_then(Country::new)
            .or_else(|| named(&self.country))
            .or_else(|| named(&self.registered_country))
    }

    pub(super) fn point(&self) -> Option<Point> {
        let located = self.location.as_ref();
        let Figure(latitude) = located.and_then(|point| point.latitude).or(self.latitude)?;
        let Figure(longitude) = located.and_then(|point| point.longitude).or(self.longitude)?;
        // Half the way round Earth is 20 000 km, so the conversion cuts nothing off that means something.
        let radius_km = located.and_then(|point| point.accuracy_radius).map(|Figure(radius)| radius as u16);
        let is_on_earth = latitude.abs() <= 90.0 && longitude.abs() <= 180.0;
        is_on_earth.then_some(Point { latitude, longitude, radius_km })
    }

    /// Zero is reserved (RFC 7607): nobody's.
    pub(super) fn system(&self) -> Option<u32> {
        self.autonomous_system_number.map(|Figure(number)| number as u32).filter(|&number| number != 0)
    }
}
