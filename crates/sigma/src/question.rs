//! What a rule asks of a call, ready to be asked.

use std::sync::Arc;

use ratewarden_detect::Predicate;
use ratewarden_model::Call;
use regex::bytes::Regex;

use crate::field::{Field, Room};
use crate::pattern::Pattern;

/// A question to a call.
#[derive(Debug, Clone)]
pub(crate) enum Question {
    /// The text of a field; `None`: any of the texts.
    Text(Option<Field>, Pattern),
    Regex(Option<Field>, Arc<Regex>),
    Number(Field, Sign, f64),
    /// The address lies in a network: its number, and the bits that count.
    Network(u128, u32),
    Exists(Field),
    All(Vec<Self>),
    Any(Vec<Self>),
    Not(Box<Self>),
    /// One that is used at several places.
    Shared(Arc<Self>),
}

/// How numbers are compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Sign {
    Equal,
    More,
    AtLeast,
    Less,
    AtMost,
}

impl Sign {
    pub(crate) fn holds(self, one: f64, other: f64) -> bool {
        match self {
            Self::Equal => one.total_cmp(&other).is_eq(),
            Self::More => one > other,
            Self::AtLeast => one >= other,
            Self::Less => one < other,
            Self::AtMost => one <= other,
        }
    }
}

/// The texts in which words without a field are looked for.
const TEXTS: [Field; 5] = [Field::Target, Field::Agent, Field::Referer, Field::User, Field::Method];

impl Question {
    /// All of several; those that are little work are asked first.
    pub(crate) fn all(questions: Vec<Self>) -> Self {
        Self::joined(questions, Self::All)
    }

    /// Any of several.
    pub(crate) fn any(questions: Vec<Self>) -> Self {
        Self::joined(questions, Self::Any)
    }

    fn joined(mut questions: Vec<Self>, join: fn(Vec<Self>) -> Self) -> Self {
        if let [_] = questions.as_slice()
            && let Some(one) = questions.pop()
        {
            return one;
        }
        questions.sort_by_cached_key(Self::cost);
        join(questions)
    }

    fn cost(&self) -> u32 {
        match self {
            Self::Number(..) | Self::Network(..) | Self::Exists(_) => 1,
            Self::Text(Some(_), pattern) => pattern.cost(),
            Self::Text(None, pattern) => 5 * pattern.cost(),
            Self::Regex(..) => 50,
            Self::All(all) | Self::Any(all) => all.iter().fold(0, |sum, one| sum.saturating_add(one.cost())),
            Self::Not(one) => one.cost(),
            Self::Shared(one) => one.cost(),
        }
    }
}

impl Predicate for Question {
    fn holds(&self, call: &Call<'_>, lower: &Call<'_>) -> bool {
        let mut room = Room::default();
        match self {
            Self::Text(Some(field), pattern) => {
                pattern.fits(field.text(if pattern.is_cased { call } else { lower }, &mut room))
            }
            Self::Text(None, pattern) => {
                let from = if pattern.is_cased { call } else { lower };
                TEXTS.iter().any(|field| pattern.fits(field.text(from, &mut Room::default())))
            }
            Self::Regex(Some(field), regex) => {
                let text = field.text(call, &mut room);
                !text.is_empty() && regex.is_match(text)
            }
            Self::Regex(None, regex) => {
                TEXTS.iter().any(|field| regex.is_match(field.text(call, &mut Room::default())))
            }
            Self::Number(field, sign, than) => {
                field.number(call).is_some_and(|number| sign.holds(number, *than))
            }
            Self::Network(network, bits) => call.address.is_some_and(|address| {
                (number_of(address) ^ network).checked_shr(128 - bits).unwrap_or(0) == 0
            }),
            Self::Exists(field) => !field.text(call, &mut room).is_empty(),
            Self::All(all) => all.iter().all(|one| one.holds(call, lower)),
            Self::Any(any) => any.iter().any(|one| one.holds(call, lower)),
            Self::Not(one) => !one.holds(call, lower),
            Self::Shared(one) => one.holds(call, lower),
        }
    }
}

/// An address as the number of its IPv6 form.
fn number_of(address: std::net::IpAddr) -> u128 {
    match address {
        std::net::IpAddr::V4(four) => four.to_ipv6_mapped().to_bits(),
        std::net::IpAddr::V6(six) => six.to_bits(),
    }
}

/// A network as it is written: `192.0.2.0/24`, or one address.
pub(crate) fn network(text: &str) -> Option<Question> {
    let (address, bits) = match text.split_once('/') {
        Some((address, bits)) => (address, Some(bits.parse::<u32>().ok()?)),
        None => (text, None),
    };
    let address: std::net::IpAddr = address.parse().ok()?;
    let most = if address.is_ipv4() { 32 } else { 128 };
    let bits = bits.unwrap_or(most);
    (bits <= most).then(|| Question::Network(number_of(address), bits + 128 - most))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_network_holds_its_addresses_and_no_others() {
        for (net, address, expected) in [
            ("192.0.2.0/24", "192.0.2.255", true),
            ("192.0.2.0/24", "192.0.3.0", false),
            ("192.0.2.7", "192.0.2.7", true),
            ("192.0.2.7", "192.0.2.6", false),
            ("0.0.0.0/0", "203.0.113.9", true),
            ("0.0.0.0/0", "2001:db8::1", false),
            ("::/0", "2001:db8::1", true),
            ("2001:db8::/32", "2001:db8:ffff::1", true),
            ("192.0.2.0/24", "::ffff:192.0.2.9", true),
        ] {
            let call = Call { address: address.parse().ok(), ..Call::at(0) };
            assert_eq!(network(net).unwrap().holds(&call, &call), expected, "{net} {address}");
        }
        assert!(network("192.0.2.0/33").is_none() && network("x").is_none());
    }
}
