//! The walk over one JSON object.

use crate::json::fields::{Fields, Leaf};
use crate::json::shape::Shape;
use crate::json::text::{Place, unescape};
use crate::row::{Kind, Row, Value};

/// Walks over the object at `place` and notes in `row` what `fields` names; gives the marks of the keys that were seen.
/// `None` where it is no JSON. What follows the object is not looked at.
#[inline]
pub(crate) fn walk<'a>(
    place: &mut Place<'a>,
    fields: &Fields,
    shape: &mut Shape,
    row: &mut Row<'a>,
) -> Option<u32> {
    let mut walk = Walk { fields, shape, row, keys: 0, marks: 0 };
    place.eat(b'{')?;
    walk.object(place, 0, 1)?;
    Some(walk.marks)
}

struct Walk<'w, 'a> {
    fields: &'w Fields,
    shape: &'w mut Shape,
    row: &'w mut Row<'a>,
    /// How far in the shape the line is.
    keys: usize,
    marks: u32,
}

impl<'a> Walk<'_, 'a> {
    /// An object whose opening brace was passed over. It recurses as deep as the fields' own paths go.
    fn object(&mut self, place: &mut Place<'a>, node: u16, depth: u32) -> Option<()> {
        if place.next()? == b'}' {
            place.at += 1;
            return Some(());
        }
        loop {
            place.next()?;
            let leaf = match self.shape.expect(&mut self.keys, node, place) {
                Some(leaf) => leaf,
                None => self.key(place, node)?,
            };
            match leaf {
                Some(leaf) => self.value(place, &leaf, depth)?,
                None => place.skip(depth)?,
            }
            match place.next()? {
                b',' => place.at += 1,
                b'}' => {
                    place.at += 1;
                    return Some(());
                }
                _ => return None,
            }
        }
    }

    /// A key that was not expected, and its colon.
    fn key(&mut self, place: &mut Place<'a>, node: u16) -> Option<Option<Leaf>> {
        place.eat(b'"')?;
        let start = place.at - 1;
        let (name, escaped) = place.string()?;
        place.eat(b':')?;
        let known = self.fields.node(node)?;
        let leaf = if escaped { known.get(&unescaped(name)) } else { known.get(name) }.copied();
        self.shape.learn(&mut self.keys, node, place.text.get(start..place.at)?, leaf);
        Some(leaf)
    }

    #[inline]
    fn value(&mut self, place: &mut Place<'a>, leaf: &Leaf, depth: u32) -> Option<()> {
        self.marks |= leaf.marks;
        match (place.next()?, leaf.inside) {
            (b'"', _) => {
                place.at += 1;
                let (text, escaped) = place.string()?;
                self.set(leaf, text, if escaped { Kind::Escaped } else { Kind::Text });
                Some(())
            }
            (b'{', Some(node)) => {
                place.at += 1;
                self.object(place, node, depth + 1)
            }
            (b'[', _) if leaf.field.is_some() => self.array(place, leaf, depth),
            (b'{' | b'[', _) => place.skip(depth),
            _ => {
                let text = place.bare()?;
                if text == b"null" {
                    self.set(leaf, b"", Kind::Text);
                } else {
                    self.set(leaf, text, Kind::Bare);
                }
                Some(())
            }
        }
    }

    /// The first element stands for an array (headers are written so).
    fn array(&mut self, place: &mut Place<'a>, leaf: &Leaf, depth: u32) -> Option<()> {
        let mut first = Place { text: place.text, at: place.at + 1 };
        place.skip(depth)?;
        match first.next()? {
            b'"' => {
                first.at += 1;
                let (text, escaped) = first.string()?;
                self.set(leaf, text, if escaped { Kind::Escaped } else { Kind::Text });
            }
            b'-' | b'0'..=b'9' => {
                let text = first.bare()?;
                self.set(leaf, text, Kind::Bare);
            }
            _ => {}
        }
        Some(())
    }

    #[inline]
    fn set(&mut self, leaf: &Leaf, text: &'a [u8], kind: Kind) {
        if let Some(field) = leaf.field {
            self.row.set(field, Value { text, kind, rank: leaf.rank }, leaf.unit);
        }
    }
}

/// A key that is written with escapes, which hardly any is.
#[cold]
fn unescaped(name: &[u8]) -> Vec<u8> {
    let mut text = Vec::new();
    unescape(name, &mut text);
    text
}
