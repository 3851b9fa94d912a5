//! Reads a line of any JSON form.

use std::sync::{Arc, LazyLock};

use ratewarden_model::{Basis, Call, CallCaller};

use crate::date::{Dates, Stamp};
use crate::fault::Fault;
use crate::form::Form;
use crate::json::fields::Fields;
use crate::json::map::JsonFields;
use crate::json::presets::{self, RECORDS, form_of};
use crate::json::shape::Shape;
use crate::json::text::Place;
use crate::json::walk::walk;
use crate::row::{Field, Row};
use crate::text::address::address;

/// The keys of every form, made once: they take longer to make than some files to read.
static PRESETS: LazyLock<Vec<(Form, Arc<Fields>)>> = LazyLock::new(|| {
    let forms = Form::ALL.into_iter().filter(|form| form.is_json());
    forms.map(|form| (form, Arc::new(presets::fields(form)))).collect()
});

/// The keys of a form, and the shape that its lines have.
#[derive(Debug)]
struct Table {
    form: Form,
    fields: Arc<Fields>,
    shape: Shape,
}

impl Table {
    fn new(form: Form, fields: Arc<Fields>) -> Self {
        Self { form, fields, shape: Shape::default() }
    }
}

/// The tables of all forms, and room for text that does not stand in the line.
#[derive(Debug)]
pub(crate) struct Forms {
    tables: Vec<Table>,
    /// The user's own map, which goes before everything.
    map: Option<Table>,
    /// Which table the last line was of.
    last: usize,
    scratch: Vec<u8>,
    joined: Vec<u8>,
}

impl Forms {
    pub(crate) fn new(map: Option<&JsonFields>) -> Self {
        let map = map.map(|JsonFields(fields)| Table::new(Form::Json, Arc::clone(fields)));
        let tables = PRESETS.iter().map(|(form, fields)| Table::new(*form, Arc::clone(fields))).collect();
        Self { tables, map, last: 0, scratch: Vec::new(), joined: Vec::new() }
    }

    /// Whether the user said what the fields are.
    pub(crate) const fn has_map(&self) -> bool {
        self.map.is_some()
    }

    /// Reads an object of any form, or of the one that is wanted.
    pub(crate) fn read<F: FnMut(&Call<'_>)>(
        &mut self,
        line: &[u8],
        wanted: Option<Form>,
        context: &mut Context<'_>,
        each: &mut F,
    ) -> Result<Form, Fault> {
        if let Some(map) = self.map.as_mut().filter(|_| wanted.is_none_or(|form| form == Form::Json)) {
            let mut row = Row::new();
            whole(line, map, &mut row)?;
            hand_on(Form::Json, &mut row, &mut self.scratch, &mut self.joined, context, each)?;
            return Ok(Form::Json);
        }
        let mut row = Row::new();
        let table = self.tables.get_mut(self.last).ok_or(Fault::Form)?;
        let marks = whole(line, table, &mut row)?;
        let found = match wanted {
            Some(wanted) => wanted,
            None => form_of(marks).ok_or(Fault::Form)?,
        };
        if found != table.form {
            self.last = self.tables.iter().position(|table| table.form == found).ok_or(Fault::Form)?;
            row = Row::new();
            whole(line, self.tables.get_mut(self.last).ok_or(Fault::Form)?, &mut row)?;
        }
        if found == Form::Json && !is_request(&row) {
            return Err(Fault::Fields);
        }
        if marks & RECORDS != 0 && found == Form::JsonCloudtrail {
            self.records(line, context, each)?;
        } else {
            hand_on(found, &mut row, &mut self.scratch, &mut self.joined, context, each)?;
        }
        Ok(found)
    }

    /// Each record of `{"Records":[…]}`, which was seen to be JSON. One that is no call does not keep the others back.
    fn records<F: FnMut(&Call<'_>)>(
        &mut self,
        line: &[u8],
        context: &mut Context<'_>,
        each: &mut F,
    ) -> Result<(), Fault> {
        let Table { fields, shape, .. } = self.tables.get_mut(self.last).ok_or(Fault::Form)?;
        let mut place = Place { text: line, at: 0 };
        let mut all = true;
        enter_records(&mut place).ok_or(Fault::Json)?;
        while place.next().ok_or(Fault::Json)? != b']' {
            let mut row = Row::new();
            if place.next() == Some(b'{') {
                // A copy, whose lifetime may be as short as this turn's.
                let mut record = place;
                walk(&mut record, fields, shape, &mut row).ok_or(Fault::Json)?;
                place.at = record.at;
                all &= hand_on(
                    Form::JsonCloudtrail,
                    &mut row,
                    &mut self.scratch,
                    &mut self.joined,
                    context,
                    each,
                )
                .is_ok();
            } else {
                place.skip(2).ok_or(Fault::Json)?;
                all = false;
            }
            if place.next() == Some(b',') {
                place.at += 1;
            }
        }
        if all { Ok(()) } else { Err(Fault::Record) }
    }
}

/// Whether an object whose names mean what they often do is a request at all: programs log other things under the same
/// names (`time`, `user`, `status`), so a path must be there, and what was asked or answered.
fn is_request(row: &Row<'_>) -> bool {
    let has = |field| !row.text(field).is_empty();
    has(Field::Request) || (has(Field::Target) && (has(Field::Method) || has(Field::Status)))
}

/// What is known of a line besides its text.
#[derive(Debug)]
pub(crate) struct Context<'d> {
    pub(crate) dates: &'d mut Dates,
    /// When it was, as its envelope says.
    pub(crate) stamp: Stamp<'d>,
}

/// Walks over a line that must be one object.
#[inline]
fn whole<'a>(line: &'a [u8], table: &mut Table, row: &mut Row<'a>) -> Result<u32, Fault> {
    let mut place = Place { text: line, at: 0 };
    let marks = walk(&mut place, &table.fields, &mut table.shape, row).ok_or(Fault::Json)?;
    if place.is_end() { Ok(marks) } else { Err(Fault::Json) }
}

/// Goes to the first record.
fn enter_records(place: &mut Place<'_>) -> Option<()> {
    place.eat(b'{')?;
    loop {
        place.eat(b'"')?;
        let (name, _) = place.string()?;
        place.eat(b':')?;
        if name == b"Records" {
            return place.eat(b'[');
        }
        place.skip(1)?;
        place.eat(b',')?;
    }
}

/// Makes the call of a row and hands it on, then what the line says of resources held.
#[inline]
pub(crate) fn hand_on<'a, F: FnMut(&Call<'_>)>(
    form: Form,
    row: &mut Row<'a>,
    scratch: &'a mut Vec<u8>,
    joined: &'a mut Vec<u8>,
    context: &mut Context<'_>,
    each: &mut F,
) -> Result<(), Fault> {
    row.settle(scratch);
    let mut call = row.call(context.dates, context.stamp)?;
    match form {
        Form::Json | Form::Custom => {
            let query = row.text(Field::Query);
            if !query.is_empty() && !call.target.contains(&b'?') {
                call.target = join(joined, call.target, b"?", query.strip_prefix(b"?").unwrap_or(query));
            }
            let mut held = row.held();
            if let Some(first) = held.next() {
                call.held = Some(first);
                each(&call);
                for more in held {
                    each(&Call { held: Some(more), ..call });
                }
                return Ok(());
            }
        }
        // Caddy hides credentials so, unless it is told not to.
        Form::JsonCaddy if call.caller == CallCaller::Credential(b"REDACTED") => {
            call.caller = CallCaller::Nobody;
        }
        Form::JsonAnyscale => {
            let id = row.text(Field::Id);
            if !id.is_empty() {
                call.target = join(joined, call.target, b"/", id);
            }
        }
        Form::JsonCloudtrail => {
            call.status = cloudtrail_status(row.text(Field::Error), row.text(Field::Outcome));
        }
        Form::JsonRatewarden => guarded(row, &mut call),
        _ => {}
    }
    each(&call);
    Ok(())
}

fn join<'a>(into: &'a mut Vec<u8>, first: &[u8], between: &[u8], second: &[u8]) -> &'a [u8] {
    into.clear();
    into.extend_from_slice(first);
    into.extend_from_slice(between);
    into.extend_from_slice(second);
    into
}

/// A status for CloudTrail, which has none: what the same outcome is over HTTP.
fn cloudtrail_status(error: &[u8], outcome: &[u8]) -> u16 {
    let says = |word: &[u8]| memchr::memmem::find(error, word).is_some();
    match (error, outcome) {
        (b"", b"Failure") => 401,
        (b"", _) => 200,
        _ if says(b"Thrott") || says(b"LimitExceeded") || says(b"TooManyRequests") || says(b"SlowDown") => {
            429
        }
        _ if says(b"InvalidClientTokenId") || says(b"ExpiredToken") || says(b"SignatureDoesNotMatch") => 401,
        _ if says(b"AccessDenied") || says(b"Unauthorized") || says(b"Forbidden") => 403,
        _ if says(b"NotFound") || says(b"NoSuch") => 404,
        _ if says(b"Internal") || says(b"Unavailable") => 500,
        _ => 400,
    }
}

/// Whose call it is by a line of our gateway, which says what its word rests on and the hash that it counts by: detectors
/// are told of the call what they are told within the gateway.
#[inline(never)]
fn guarded<'a>(row: &Row<'a>, call: &mut Call<'a>) {
    let name = row.text(Field::Caller);
    let basis = match row.text(Field::Identity) {
        b"proved" => Basis::Proved,
        b"claimed" => Basis::Claimed,
        b"unchecked" => Basis::Unchecked,
        b"refused" => Basis::Refused,
        _ => Basis::Unsaid,
    };
    let Some(id) = hash(row.text(Field::Id)).filter(|_| basis != Basis::Unsaid) else {
        return named(name, call);
    };
    call.basis = basis;
    match basis {
        Basis::Claimed => call.user = name,
        // A credential that is none has no name.
        Basis::Refused => call.caller = CallCaller::Hashed { id, name: b"" },
        _ => call.caller = CallCaller::Hashed { id, name },
    }
}

/// A hash of 128 bits in its 32 digits.
fn hash(digits: &[u8]) -> Option<u128> {
    let digits = std::str::from_utf8(digits).ok().filter(|digits| digits.len() == 32)?;
    u128::from_str_radix(digits, 16).ok()
}

/// The name of a caller in a line that says no more of it, as our gateway wrote them once: an address (which the line has
/// anyway), six digits of a keyed hash behind a kind (`key:1a2b3c`: a caller of that name, known by a hash of it), or a
/// name that the policy gave it, which is a user's.
fn named<'a>(name: &'a [u8], call: &mut Call<'a>) {
    if address(name).is_some() {
        return;
    }
    let hashed =
        memchr::memchr(b':', name).and_then(|at| name.split_at_checked(at)).is_some_and(|(kind, digits)| {
            !kind.is_empty() && digits.len() == 7 && digits.iter().skip(1).all(u8::is_ascii_hexdigit)
        });
    if hashed {
        (call.caller, call.basis) = (CallCaller::Hashed { id: fnv1a(name), name }, Basis::Unchecked);
    } else {
        call.user = name;
    }
}

/// FNV-1a with 128 bits (<https://datatracker.ietf.org/doc/html/draft-eastlake-fnv>): of something that is a hash itself.
fn fnv1a(text: &[u8]) -> u128 {
    text.iter().fold(0x6c62_272e_07bb_0142_62b8_2175_6295_c58d, |hash, &byte| {
        (hash ^ u128::from(byte)).wrapping_mul(0x0000_0000_0100_0000_0000_0000_0000_013b)
    })
}
