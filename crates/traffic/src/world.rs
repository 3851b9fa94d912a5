//! Where callers are and what they say they are.
//!
//! The networks are large ones of access providers, three of each country, and stood there in a public whois-based
//! country file of June 2026 with every address that was sampled. They are approximate: networks move. Nobody in
//! particular is meant by an address in them.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use crate::dice::Dice;

/// A country and some of its networks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Country {
    /// ISO 3166-1 alpha-2.
    pub code: &'static str,
    /// The first two octets of three /16 networks.
    pub networks: [[u8; 2]; 3],
}

impl Country {
    /// An address of one of its networks (`network` is taken modulo three).
    #[must_use]
    pub const fn address(&self, network: usize, third: u8, fourth: u8) -> IpAddr {
        let [first, second] = self.networks[network % 3];
        IpAddr::V4(Ipv4Addr::new(first, second, third, fourth))
    }

    pub(crate) fn any(&self, dice: &mut Dice) -> IpAddr {
        let network = dice.below(3);
        self.address(network, dice.octet(), dice.octet())
    }
}

/// The country of that code, where it is one of [`COUNTRIES`].
#[must_use]
pub fn country(code: &str) -> Option<&'static Country> {
    COUNTRIES.iter().find(|country| country.code == code)
}

/// Sixty countries, those with most addresses first.
pub const COUNTRIES: [Country; 60] = [
    Country { code: "US", networks: [[73, 40], [24, 16], [98, 200]] },
    Country { code: "CN", networks: [[36, 160], [39, 160], [59, 224]] },
    Country { code: "JP", networks: [[60, 96], [106, 160], [126, 96]] },
    Country { code: "DE", networks: [[84, 150], [79, 200], [91, 10]] },
    Country { code: "KR", networks: [[121, 160], [175, 224], [211, 224]] },
    Country { code: "FR", networks: [[90, 32], [92, 160], [176, 160]] },
    Country { code: "BR", networks: [[179, 144], [152, 248], [186, 232]] },
    Country { code: "CA", networks: [[99, 240], [70, 72], [142, 24]] },
    Country { code: "IT", networks: [[79, 32], [87, 16], [88, 48]] },
    Country { code: "NL", networks: [[77, 168], [83, 84], [84, 28]] },
    Country { code: "AU", networks: [[1, 144], [101, 176], [49, 184]] },
    Country { code: "IN", networks: [[117, 224], [106, 208], [49, 40]] },
    Country { code: "RU", networks: [[5, 140], [95, 28], [176, 212]] },
    Country { code: "ES", networks: [[83, 48], [88, 16], [79, 152]] },
    Country { code: "SE", networks: [[78, 72], [81, 232], [90, 232]] },
    Country { code: "MX", networks: [[189, 160], [187, 144], [201, 112]] },
    Country { code: "ZA", networks: [[41, 16], [197, 80], [105, 8]] },
    Country { code: "CH", networks: [[85, 4], [178, 196], [77, 58]] },
    Country { code: "EG", networks: [[156, 176], [196, 144], [197, 48]] },
    Country { code: "ID", networks: [[39, 224], [36, 80], [120, 176]] },
    Country { code: "PL", networks: [[83, 16], [89, 72], [79, 188]] },
    Country { code: "AR", networks: [[186, 136], [181, 28], [190, 228]] },
    Country { code: "CO", networks: [[181, 144], [191, 72], [186, 84]] },
    Country { code: "TR", networks: [[78, 176], [88, 240], [85, 104]] },
    Country { code: "BE", networks: [[109, 136], [81, 244], [84, 196]] },
    Country { code: "VN", networks: [[14, 176], [113, 176], [171, 240]] },
    Country { code: "NO", networks: [[84, 212], [88, 92], [139, 116]] },
    Country { code: "IE", networks: [[87, 40], [52, 212], [86, 44]] },
    Country { code: "FI", networks: [[91, 156], [80, 222], [84, 250]] },
    Country { code: "DK", networks: [[2, 108], [80, 164], [83, 92]] },
    Country { code: "MA", networks: [[105, 144], [196, 80], [160, 168]] },
    Country { code: "SA", networks: [[188, 52], [2, 90], [5, 110]] },
    Country { code: "AT", networks: [[77, 118], [80, 122], [84, 114]] },
    Country { code: "CL", networks: [[191, 116], [181, 74], [186, 106]] },
    Country { code: "TH", networks: [[171, 100], [49, 230], [58, 10]] },
    Country { code: "CZ", networks: [[85, 162], [88, 102], [90, 182]] },
    Country { code: "UA", networks: [[37, 54], [176, 38], [46, 119]] },
    Country { code: "IL", networks: [[79, 180], [132, 68], [2, 54]] },
    Country { code: "TN", networks: [[197, 16], [196, 232], [41, 228]] },
    Country { code: "MY", networks: [[175, 140], [42, 154], [60, 50]] },
    Country { code: "VE", networks: [[186, 92], [190, 76], [179, 22]] },
    Country { code: "RO", networks: [[92, 84], [109, 100], [5, 14]] },
    Country { code: "NZ", networks: [[122, 60], [49, 226], [121, 74]] },
    Country { code: "PT", networks: [[85, 244], [2, 82], [89, 154]] },
    Country { code: "PH", networks: [[49, 148], [112, 204], [119, 94]] },
    Country { code: "KE", networks: [[105, 56], [102, 4], [154, 156]] },
    Country { code: "HU", networks: [[89, 134], [80, 99], [81, 183]] },
    Country { code: "AE", networks: [[94, 204], [2, 50], [5, 194]] },
    Country { code: "GR", networks: [[94, 68], [2, 86], [79, 130]] },
    Country { code: "PK", networks: [[39, 48], [182, 184], [119, 156]] },
    Country { code: "DZ", networks: [[41, 104], [105, 104], [154, 248]] },
    Country { code: "BG", networks: [[95, 43], [46, 10], [77, 85]] },
    Country { code: "PE", networks: [[190, 236], [181, 66], [186, 162]] },
    Country { code: "KZ", networks: [[2, 76], [95, 58], [178, 90]] },
    Country { code: "LT", networks: [[78, 60], [5, 243], [88, 119]] },
    Country { code: "NG", networks: [[105, 120], [102, 92], [41, 58]] },
    Country { code: "EC", networks: [[181, 113], [186, 47], [190, 155]] },
    Country { code: "SK", networks: [[78, 99], [95, 103], [178, 41]] },
    Country { code: "SI", networks: [[188, 198], [46, 123], [89, 143]] },
    Country { code: "UY", networks: [[167, 60], [179, 28], [186, 52]] },
];

pub(crate) const US: &Country = &COUNTRIES[0];
pub(crate) const GERMANY: &Country = &COUNTRIES[3];
pub(crate) const FRANCE: &Country = &COUNTRIES[5];
pub(crate) const AUSTRALIA: &Country = &COUNTRIES[10];
pub(crate) const AUSTRIA: &Country = &COUNTRIES[32];

/// What browsers of people say they are.
pub const BROWSERS: [&str; 12] = [
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/145.0.0.0 Safari/537.36",
    "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/145.0.0.0 Safari/537.36",
    "Mozilla/5.0 (iPhone; CPU iPhone OS 18_6 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.6 Mobile/15E148 Safari/604.1",
    "Mozilla/5.0 (Linux; Android 10; K) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/145.0.0.0 Mobile Safari/537.36",
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:147.0) Gecko/20100101 Firefox/147.0",
    "Mozilla/5.0 (X11; Linux x86_64; rv:147.0) Gecko/20100101 Firefox/147.0",
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/144.0.0.0 Safari/537.36 Edg/144.0.0.0",
    "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.6 Safari/605.1.15",
    "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/143.0.0.0 Safari/537.36",
    "Mozilla/5.0 (Linux; Android 10; K) AppleWebKit/537.36 (KHTML, like Gecko) SamsungBrowser/29.0 Chrome/136.0.0.0 Mobile Safari/537.36",
    "Mozilla/5.0 (iPad; CPU OS 18_6 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.6 Mobile/15E148 Safari/604.1",
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/143.0.0.0 Safari/537.36 OPR/127.0.0.0",
];

/// What programs say they are.
pub const PROGRAMS: [&str; 8] = [
    "curl/8.17.0",
    "python-requests/2.32.5",
    "Go-http-client/2.0",
    "okhttp/5.3.0",
    "axios/1.13.2",
    "Java-http-client/21.0.9",
    "GuzzleHttp/7",
    "python-httpx/0.28.1",
];

/// Where somebody at home is: an address of a country, or now and then an IPv6 address of a documentation network.
pub(crate) fn home(dice: &mut Dice) -> IpAddr {
    if dice.chance(0.2) {
        let [high, low] = [dice.bits(), dice.bits()];
        let network = 0x2001_0db8_0000_0000 | (high & 0x0fff_ff00) | 0x1000_0000;
        return IpAddr::V6(Ipv6Addr::from((u128::from(network) << 64) | u128::from(low)));
    }
    // The first countries have most people on line.
    let most = dice.below(COUNTRIES.len());
    let country = &COUNTRIES[dice.below(most + 1)];
    country.any(dice)
}

/// Where attackers are: a network that documentation may use (RFC 5737), so that nobody is named.
pub(crate) const fn attacker(fourth: u8) -> IpAddr {
    IpAddr::V4(Ipv4Addr::new(203, 0, 113, fourth))
}

/// A second such network, for attackers that are many in it.
pub(crate) const fn prefix_attacker(fourth: u8) -> IpAddr {
    IpAddr::V4(Ipv4Addr::new(192, 0, 2, fourth))
}

/// One that has an IPv6 /64 of its own, of a network that documentation may use (RFC 3849).
pub(crate) fn network_attacker(low: u64) -> IpAddr {
    IpAddr::V6(Ipv6Addr::from((0x2001_0db8_0bad_0001_u128 << 64) | u128::from(low)))
}
