//! docker's `{"log":"text\n","stream":"stdout","time":"2026-11-28T01:02:03.123Z"}` (its `json-file` driver).
//!
//! It cuts lines after 16 KiB: such a piece has no line end in it. A short text without one is a whole line, the last one
//! before the program ended.

use std::sync::LazyLock;

use crate::date::Stamp;
use crate::duration::Unit;
use crate::envelope::pieces::Stream;
use crate::envelope::{Buffers, Peeled};
use crate::fault::Fault;
use crate::json::fields::Fields;
use crate::json::text::Place;
use crate::json::walk::walk;
use crate::row::{Field, Row};

/// How long a piece is at least.
const PIECE: usize = 16 * 1024;

/// The three keys, in fields that mean something else elsewhere.
static FIELDS: LazyLock<Fields> = LazyLock::new(|| {
    let mut fields = Fields::new();
    fields.field(&["log"], Field::Target, 0, Unit::Auto);
    fields.field(&["stream"], Field::Resource, 0, Unit::Auto);
    fields.field(&["time"], Field::Time, 0, Unit::Auto);
    fields
});

pub(super) fn peel<'a>(line: &'a [u8], buffers: &'a mut Buffers) -> Result<Option<Peeled<'a>>, Fault> {
    let mut place = Place { text: line, at: 0 };
    let mut row = Row::new();
    if walk(&mut place, &FIELDS, &mut buffers.shape, &mut row).is_none() || !place.is_end() {
        return Ok(None);
    }
    let Buffers { unwrapped, pieces, .. } = buffers;
    row.settle(unwrapped);
    let stream = match row.text(Field::Resource) {
        b"stdout" => Stream::Out,
        b"stderr" => Stream::Err,
        _ => return Ok(None),
    };
    let text = row.text(Field::Target);
    let last = text.last() == Some(&b'\n') || text.len() < PIECE;
    let text = pieces.add(stream, text, last)?;
    Ok(Some(Peeled { text: text.trim_ascii(), stamp: Stamp::Iso(row.text(Field::Time)) }))
}
