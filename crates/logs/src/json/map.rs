//! The user's field map: `time=ts,address=client.ip,status=response.code`.

use std::sync::Arc;

use crate::duration::{Unit, unit_of};
use crate::json::fields::Fields;
use crate::mistake::{Mistake, shown, suggestion};
use crate::row::Field;

/// Places that a map may have.
const MAX_PLACES: usize = 200;

/// How deep a path may go.
const MAX_DEPTH: usize = 16;

/// Which values of a JSON line are what.
#[derive(Debug, Clone)]
pub struct JsonFields(pub(crate) Arc<Fields>);

/// The names that users write.
const NAMES: [(&str, Field); 25] = [
    ("time", Field::Time),
    ("address", Field::Address),
    ("forwarded", Field::Forwarded),
    ("user", Field::User),
    ("credential", Field::Credential),
    ("method", Field::Method),
    ("target", Field::Target),
    ("path", Field::Target),
    ("query", Field::Query),
    ("request", Field::Request),
    ("status", Field::Status),
    ("bytes", Field::Bytes),
    ("duration", Field::Duration),
    ("agent", Field::Agent),
    ("referer", Field::Referer),
    ("key", Field::Key),
    ("gpu-held", Field::GpuHeld),
    ("gpu-total", Field::GpuTotal),
    ("cpu-held", Field::CpuHeld),
    ("cpu-total", Field::CpuTotal),
    ("resource", Field::Resource),
    ("held", Field::Held),
    ("total", Field::Total),
    ("user-agent", Field::Agent),
    ("referrer", Field::Referer),
];

impl JsonFields {
    /// Reads a map: `field=path`, separated by commas. A path is the keys from the outermost one inwards with points between
    /// them, or one key with points in its name. A field that is named twice is taken from the first of its places that is
    /// there. A duration may have its unit behind it: `duration=took:us` (`s`, `ms`, `us`, `ns`).
    ///
    /// # Errors
    /// When a field is not known, a path is empty, or no field says anything of a call.
    pub fn parse(text: &str) -> Result<Self, Mistake> {
        let mut fields = Fields::new();
        let mut column = 1;
        let mut says = false;
        for (number, part) in text.split(',').enumerate() {
            if number >= MAX_PLACES {
                return Err(Mistake::new(format!("more than {MAX_PLACES} fields"), column));
            }
            let (field, path, unit) = place(part, column)?;
            column += part.chars().count() + 1;
            says |= !matches!(
                field,
                Field::Time | Field::Bytes | Field::Duration | Field::Agent | Field::Referer
            );
            let rank = u8::try_from(number).unwrap_or(u8::MAX);
            let keys: Vec<&str> = path.split('.').collect();
            fields.field(&keys, field, rank, unit);
            fields.field(&[path], field, rank, unit);
        }
        if says {
            return Ok(Self(Arc::new(fields)));
        }
        Err(Mistake::new("no field says who called or what", 1)
            .hint("name at least one of address, user, credential, method, path, request, status and key"))
    }
}

fn place(part: &str, column: usize) -> Result<(Field, &str, Unit), Mistake> {
    let example = "a map is written time=ts,address=client.ip,path=request.uri";
    let Some((name, path)) = part.split_once('=') else {
        return Err(
            Mistake::new(format!("expected field=key, found \"{}\"", shown(part)), column).hint(example)
        );
    };
    let Some((_, field)) = NAMES.iter().find(|(known, _)| *known == name.trim()) else {
        let mistake = Mistake::new(format!("\"{}\" is no field", shown(name)), column);
        return Err(match suggestion(name.trim(), NAMES.map(|(known, _)| known)) {
            Some(known) => mistake.hint(format!("did you mean {known}?")),
            None => mistake.hint(format!("fields are {}", NAMES.map(|(known, _)| known).join(", "))),
        });
    };
    let path = path.trim();
    let (path, unit) = match (path.rsplit_once(':'), field) {
        (Some((before, unit)), Field::Duration) if unit_named(unit).is_some() => (before, unit_named(unit)),
        _ => (path, None),
    };
    let column = column + name.chars().count() + 1;
    if path.is_empty() || path.split('.').any(str::is_empty) || path.split('.').count() > MAX_DEPTH {
        return Err(Mistake::new(format!("\"{}\" is no path of keys", shown(path)), column).hint(example));
    }
    Ok((*field, path, unit.unwrap_or_else(|| unit_of(path))))
}

fn unit_named(name: &str) -> Option<Unit> {
    match name {
        "s" => Some(Unit::Secs),
        "ms" => Some(Unit::Millis),
        "us" => Some(Unit::Micros),
        "ns" => Some(Unit::Nanos),
        _ => None,
    }
}
