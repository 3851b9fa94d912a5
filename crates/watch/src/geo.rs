//! Where an address is: country, coordinates and network, from files in MaxMind's format.
//!
//! The names of databases differ from maker to maker, and so do their fields; what a file is for is judged by what
//! its first records say. Read are the fields of MaxMind (`country.iso_code`, `location.latitude`,
//! `autonomous_system_number`) and of ip-location-db and DB-IP's light files (`country_code`, `latitude`).
//!
//! Answers are remembered in a table of fixed size, since the same few addresses make most calls. An address finds
//! its place there by a hash; another one with the same place takes it. So memory is bounded whoever calls.

mod public;
mod record;
#[cfg(test)]
mod tests;

use std::net::IpAddr;
use std::path::Path;

use maxminddb::{Reader, WithinOptions};

use public::is_public;
use record::Record;

/// Answers that are remembered.
const REMEMBERED: usize = 1 << 16;
/// Records that are looked at to see what a file is for.
const SAMPLE: usize = 1_000;
/// A file is at most so long, in bytes: it is held in memory.
pub const MAX_FILE: u64 = 2 * 1024 * 1024 * 1024;

/// A country, ISO 3166-1 alpha-2: two upper-case letters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Country([u8; 2]);

impl Country {
    /// The country of a code; `None` where it is none (`-`, `ZZ` is one that nobody has, and passes).
    #[must_use]
    pub fn new(code: &str) -> Option<Self> {
        let code: [u8; 2] = code.as_bytes().try_into().ok()?;
        code.iter().all(u8::is_ascii_uppercase).then_some(Self(code))
    }

    /// Its two letters.
    #[must_use]
    pub const fn bytes(self) -> [u8; 2] {
        self.0
    }

    /// Its two letters.
    #[must_use]
    pub fn as_str(&self) -> &str {
        std::str::from_utf8(&self.0).unwrap_or_default()
    }
}

/// A point on Earth, as far as it is known.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Point {
    /// Degrees north, −90 to 90.
    pub latitude: f64,
    /// Degrees east, −180 to 180.
    pub longitude: f64,
    /// The address is within so many kilometres of it; `None` where the file does not say.
    pub radius_km: Option<u16>,
}

/// What is known of an address.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Place {
    /// The country it is in.
    pub country: Option<Country>,
    /// Where it is, from files that know cities.
    pub point: Option<Point>,
    /// The autonomous system that announces it.
    pub asn: Option<u32>,
}

/// Why a file cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum GeoError {
    /// It cannot be read, or is no such file.
    #[error("{file} could not be read as a database of addresses (.mmdb): {reason}")]
    Unreadable {
        /// Its name.
        file: String,
        /// Why.
        reason: String,
    },
    /// It is such a file, for something else.
    #[error("{file} is a database of the kind `{kind}`, whose records name no {wanted}")]
    WrongKind {
        /// Its name.
        file: String,
        /// What it calls itself.
        kind: String,
        /// What was wanted: `country` or `autonomous system`.
        wanted: &'static str,
    },
}

impl GeoError {
    /// What to do about it.
    #[must_use]
    pub const fn hint(&self) -> &'static str {
        match self {
            Self::Unreadable { .. } => {
                "it must be an unpacked file in MaxMind's format, such as GeoLite2-City.mmdb"
            }
            Self::WrongKind { .. } => {
                "countries and cities are one file, autonomous systems another; see whether the two are exchanged"
            }
        }
    }
}

/// Knows where addresses are.
#[derive(Debug)]
pub struct Geography {
    places: Database,
    systems: Option<Database>,
    remembered: Vec<Option<(IpAddr, Place)>>,
}

#[derive(Debug)]
struct Database {
    reader: Reader<Vec<u8>>,
    names_points: bool,
    names_systems: bool,
}

impl Geography {
    /// Opens a file of countries or cities, and one of autonomous systems if there is one. Both are read into memory.
    ///
    /// # Errors
    /// [`GeoError`] names the file, and what it is.
    pub fn open(places: &Path, systems: Option<&Path>) -> Result<Self, GeoError> {
        Ok(Self {
            places: Database::open(places, Wanted::Country)?,
            systems: systems.map(|file| Database::open(file, Wanted::System)).transpose()?,
            remembered: vec![None; REMEMBERED],
        })
    }

    /// Whether it knows coordinates.
    #[must_use]
    pub const fn names_points(&self) -> bool {
        self.places.names_points
    }

    /// Whether it knows autonomous systems.
    #[must_use]
    pub const fn names_systems(&self) -> bool {
        self.places.names_systems || self.systems.is_some()
    }

    /// What is known of an address. Of those that are nowhere (private, loopback, reserved…) nothing is.
    pub fn place(&mut self, address: IpAddr) -> Place {
        let address = address.to_canonical();
        if !is_public(address) {
            return Place::default();
        }
        let at = slot(address);
        if let Some(Some((known, place))) = self.remembered.get(at)
            && *known == address
        {
            return *place;
        }
        let place = self.look_up(address);
        if let Some(entry) = self.remembered.get_mut(at) {
            *entry = Some((address, place));
        }
        place
    }

    /// Who runs the autonomous system of an address. It is not remembered: it is asked for findings, not for calls.
    #[must_use]
    pub fn organisation(&self, address: IpAddr) -> Option<String> {
        let address = address.to_canonical();
        let databases = [self.systems.as_ref(), Some(&self.places)];
        let name =
            |database: &Database| database.record(address)?.autonomous_system_organization.map(str::to_owned);
        databases.into_iter().flatten().filter(|_| is_public(address)).find_map(name)
    }

    fn look_up(&self, address: IpAddr) -> Place {
        let mut place = Place::default();
        if let Some(record) = self.places.record(address) {
            place = Place { country: record.country(), point: record.point(), asn: record.system() };
        }
        if let Some(record) = self.systems.as_ref().and_then(|systems| systems.record(address)) {
            place.asn = record.system();
        }
        place
    }
}

/// What a file must name.
#[derive(Clone, Copy, PartialEq)]
enum Wanted {
    Country,
    System,
}

impl Database {
    fn open(file: &Path, wanted: Wanted) -> Result<Self, GeoError> {
        let name = file.display().to_string();
        let unreadable = |reason: String| GeoError::Unreadable { file: name.clone(), reason };
        let length = std::fs::metadata(file).map_err(|error| unreadable(error.to_string()))?.len();
        if length > MAX_FILE {
            return Err(unreadable(format!("it is longer than {MAX_FILE} bytes")));
        }
        let reader = Reader::open_readfile(file).map_err(|error| unreadable(error.to_string()))?;
        let (mut names_countries, mut names_points, mut names_systems) = (false, false, false);
        let networks =
            reader.networks(WithinOptions::default()).map_err(|error| unreadable(error.to_string()))?;
        for found in networks.take(SAMPLE) {
            let found = found.map_err(|error| unreadable(error.to_string()))?;
            // A record of another shape names nothing that is wanted here.
            let Ok(Some(record)) = found.decode::<Record<'_>>() else { continue };
            names_countries |= record.country().is_some();
            names_points |= record.point().is_some();
            names_systems |= record.system().is_some();
        }
        let (named, wanted) = match wanted {
            Wanted::Country => (names_countries, "country"),
            Wanted::System => (names_systems, "autonomous system"),
        };
        if !named {
            let kind = reader.metadata().database_type.chars().take(80).collect();
            return Err(GeoError::WrongKind { file: name, kind, wanted });
        }
        Ok(Self { reader, names_points, names_systems })
    }

    /// What the file says of an address; `None` too where it is damaged there.
    fn record(&self, address: IpAddr) -> Option<Record<'_>> {
        self.reader.lookup(address).ok()?.decode().ok()?
    }
}

/// Where an address is remembered.
fn slot(address: IpAddr) -> usize {
    let bits = match address {
        IpAddr::V4(address) => u128::from(address.to_bits()),
        IpAddr::V6(address) => address.to_bits(),
    };
    // Multiplication by an odd constant near 2^64 over the golden ratio spreads neighbours (Knuth, 6.4).
    let folded = (bits ^ (bits >> 64)) as u64;
    let spread = folded.wrapping_mul(0x9e37_79b9_7f4a_7c15);
    usize::try_from(spread >> 48).unwrap_or(0) % REMEMBERED
}
