//! What a line says, field by field, and the Call that it makes. JSON and custom formats meet here, so that a field means
//! the same however it was found.

use ratewarden_model::{Call, CallCaller, Held, Resource};

use crate::date::{Dates, Stamp};
use crate::duration::{Unit, micros};
use crate::fault::Fault;
use crate::json::text::unescape;
use crate::text::address::{address_and_port, forwarded};
use crate::text::scan::{self, something};

/// What a value of a line means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Field {
    Time,
    Address,
    /// `X-Forwarded-For`: the client where nothing better says it.
    Forwarded,
    User,
    Credential,
    Method,
    Target,
    Query,
    Request,
    Status,
    Bytes,
    Duration,
    Agent,
    Referer,
    Key,
    GpuHeld,
    GpuTotal,
    CpuHeld,
    CpuTotal,
    /// What `Held` and `Total` are of.
    Resource,
    Held,
    Total,
    /// CloudTrail's `errorCode`, of which a status is made.
    Error,
    /// CloudTrail's outcome of a console login.
    Outcome,
    /// The id behind an entity (Anyscale); the hash that our gateway counts a caller by.
    Id,
    /// Our gateway's name of a caller.
    Caller,
    /// What our gateway's word on a caller rests on.
    Identity,
}

/// How many fields there are.
pub(crate) const FIELDS: usize = Field::Identity as usize + 1;

/// What kind of text a value is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) enum Kind {
    #[default]
    Absent,
    /// Text as it is.
    Text,
    /// Text with JSON escapes in it.
    Escaped,
    /// A JSON number, true or false.
    Bare,
}

/// A value as it stands in the line.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Value<'a> {
    pub(crate) text: &'a [u8],
    pub(crate) kind: Kind,
    /// Of several places for one field, the lowest rank counts.
    pub(crate) rank: u8,
}

/// The values of a line.
#[derive(Debug, Clone)]
pub(crate) struct Row<'a> {
    values: [Value<'a>; FIELDS],
    escaped: bool,
    pub(crate) unit: Unit,
}

impl<'a> Row<'a> {
    pub(crate) const fn new() -> Self {
        Self {
            values: [Value { text: b"", kind: Kind::Absent, rank: 0 }; FIELDS],
            escaped: false,
            unit: Unit::Auto,
        }
    }

    /// Sets a field, unless a better place for it was seen. Of two values in one place the last counts.
    #[inline]
    pub(crate) fn set(&mut self, field: Field, value: Value<'a>, unit: Unit) {
        if let Some(place) = self.values.get_mut(field as usize)
            && (place.kind == Kind::Absent || value.rank <= place.rank)
        {
            *place = value;
            self.escaped |= value.kind == Kind::Escaped;
            if field == Field::Duration {
                self.unit = unit;
            }
        }
    }

    /// The text of a field; `-` and nothing are empty.
    #[inline]
    pub(crate) fn text(&self, field: Field) -> &'a [u8] {
        self.values.get(field as usize).map_or(b"", |value| something(value.text))
    }

    /// Takes JSON's escapes off where there are any. The new text lies in `scratch`.
    #[inline]
    pub(crate) fn settle(&mut self, scratch: &'a mut Vec<u8>) {
        if self.escaped {
            self.settle_escaped(scratch);
        }
    }

    fn settle_escaped(&mut self, scratch: &'a mut Vec<u8>) {
        scratch.clear();
        let mut ends = [0; FIELDS];
        for (value, end) in self.values.iter().zip(&mut ends) {
            if value.kind == Kind::Escaped {
                unescape(value.text, scratch);
            }
            *end = scratch.len();
        }
        let scratch: &'a [u8] = scratch;
        let mut start = 0;
        for (value, end) in self.values.iter_mut().zip(ends) {
            if value.kind == Kind::Escaped {
                *value = Value {
                    text: scratch.get(start..end).unwrap_or_default(),
                    kind: Kind::Text,
                    rank: value.rank,
                };
            }
            start = end;
        }
        self.escaped = false;
    }

    /// The Call. `stamp` says when it was where the line itself does not say.
    ///
    /// # Errors
    /// Where a field that must be right is not: a date, a status, a number.
    #[inline]
    pub(crate) fn call(&self, dates: &mut Dates, stamp: Stamp<'_>) -> Result<Call<'a>, Fault> {
        let at_ms = match self.text(Field::Time) {
            b"" => dates.stamp(stamp)?,
            text => dates.any(text)?,
        };
        let (mut method, mut target) = (self.text(Field::Method), self.text(Field::Target));
        if !self.text(Field::Request).is_empty() {
            let (of_request, path) = scan::request(self.text(Field::Request));
            method = if method.is_empty() { of_request } else { method };
            target = if target.is_empty() { path } else { target };
        }
        let call = Call {
            address: self.address()?,
            caller: caller(self.text(Field::Credential)),
            user: self.text(Field::User),
            method,
            target,
            status: match self.text(Field::Status) {
                b"" => 0,
                text => scan::status(text)?,
            },
            bytes: match self.text(Field::Bytes) {
                b"" => 0,
                text => whole(text).ok_or(Fault::Number)?,
            },
            micros: match self.text(Field::Duration) {
                b"" => None,
                text => micros(text, self.unit).ok_or(Fault::Number)?,
            },
            agent: self.text(Field::Agent),
            referer: self.text(Field::Referer),
            key: self.text(Field::Key),
            ..Call::at(at_ms)
        };
        let says = call.address.is_some()
            || call.status != 0
            || call.caller != CallCaller::Nobody
            || [call.user, call.method, call.target, call.key].iter().any(|text| !text.is_empty())
            || self.held().next().is_some();
        if says { Ok(call) } else { Err(Fault::Fields) }
    }

    /// The levels that the line reads, beside the call.
    pub(crate) fn held(&self) -> impl Iterator<Item = Held> + '_ {
        let named = match self.text(Field::Resource) {
            b"gpu" | b"GPU" => Some(Resource::Gpu),
            b"cpu" | b"CPU" => Some(Resource::Cpu),
            b"cluster" | b"CLUSTER" | b"clusters" => Some(Resource::Cluster),
            _ => None,
        };
        let places = [
            (Some(Resource::Gpu), Field::GpuHeld, Field::GpuTotal),
            (Some(Resource::Cpu), Field::CpuHeld, Field::CpuTotal),
            (named, Field::Held, Field::Total),
        ];
        places.into_iter().filter_map(|(resource, held, total)| {
            let amount = float(self.text(held))?;
            Some(Held { resource: resource?, amount, total: float(self.text(total)) })
        })
    }

    #[inline]
    fn address(&self) -> Result<Option<std::net::IpAddr>, Fault> {
        match self.text(Field::Address) {
            b"" => Ok(match self.text(Field::Forwarded) {
                b"" => None,
                list => forwarded(list),
            }),
            // A socket of nginx's, a service of AWS: they are no clients with an address.
            text if text.starts_with(b"unix:") || text.iter().any(u8::is_ascii_uppercase) => {
                Ok(address_and_port(text))
            }
            text => match address_and_port(text).or_else(|| forwarded(text)) {
                Some(address) => Ok(Some(address)),
                None if text.contains(&b'.') && text.iter().any(u8::is_ascii_alphabetic) => Ok(None),
                None => Err(Fault::Address),
            },
        }
    }
}

/// A credential: `Bearer` is not part of it.
pub(crate) fn caller(text: &[u8]) -> CallCaller<'_> {
    let token = match text.split_at_checked(7) {
        Some((scheme, token)) if scheme.eq_ignore_ascii_case(b"bearer ") => token.trim_ascii(),
        _ => text,
    };
    if token.is_empty() { CallCaller::Nobody } else { CallCaller::Credential(token) }
}

/// A whole number, also where JSON wrote it with a fraction.
fn whole(text: &[u8]) -> Option<u64> {
    scan::number(text)
        .ok()
        .or_else(|| scan::scaled(text, 1))
        .or_else(|| float(text).map(|value| value as u64))
}

pub(crate) fn float(text: &[u8]) -> Option<f64> {
    if !text.first()?.is_ascii_digit() {
        return None;
    }
    let value: f64 = std::str::from_utf8(text).ok()?.parse().ok()?;
    value.is_finite().then_some(value)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bearer_token_is_the_token() {
        assert_eq!(caller(b"Bearer abc"), CallCaller::Credential(b"abc"));
        assert_eq!(caller(b"bearer abc"), CallCaller::Credential(b"abc"));
        assert_eq!(caller(b"Basic abc"), CallCaller::Credential(b"Basic abc"));
        assert_eq!(caller(b""), CallCaller::Nobody);
        assert_eq!(caller(b"Bearer "), CallCaller::Nobody);
    }
}
