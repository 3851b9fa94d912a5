//! Which keys of an object are which fields, compiled so that a key is found in about one comparison.

use crate::duration::Unit;
use crate::json::shape::same;
use crate::row::Field;

/// What is known of a key.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Leaf {
    /// Which field its value is.
    pub(crate) field: Option<Field>,
    /// Of several keys for one field the lowest rank counts.
    pub(crate) rank: u8,
    pub(crate) unit: Unit,
    /// Bits of what the key's being there says of the form.
    pub(crate) marks: u32,
    /// The keys inside, where the value is an object.
    pub(crate) inside: Option<u16>,
}

/// An object's keys.
#[derive(Debug, Clone)]
pub(crate) struct Node {
    /// For each hash, 1 + the first key of that hash; 0 where there is none.
    first: [u16; 64],
    keys: Vec<Key>,
}

#[derive(Debug, Clone)]
struct Key {
    name: Box<[u8]>,
    leaf: Leaf,
    /// 1 + the next key of the same hash.
    next: u16,
}

impl Node {
    const fn new() -> Self {
        Self { first: [0; 64], keys: Vec::new() }
    }

    /// What is known of a key.
    #[inline]
    pub(crate) fn get(&self, name: &[u8]) -> Option<&Leaf> {
        let mut at = *self.first.get(hash(name))?;
        loop {
            let key = self.keys.get(usize::from(at).wrapping_sub(1))?;
            if same(&key.name, name) {
                return Some(&key.leaf);
            }
            at = key.next;
        }
    }

    fn get_or_insert(&mut self, name: &[u8]) -> Option<&mut Leaf> {
        let at = match self.keys.iter().position(|key| *key.name == *name) {
            Some(at) => at,
            None => {
                let first = self.first.get_mut(hash(name))?;
                let key = Key { name: name.into(), leaf: Leaf::default(), next: *first };
                self.keys.push(key);
                *first = u16::try_from(self.keys.len()).ok()?;
                self.keys.len() - 1
            }
        };
        self.keys.get_mut(at).map(|key| &mut key.leaf)
    }
}

/// Length and three bytes tell the keys of one object apart well enough.
#[inline]
fn hash(name: &[u8]) -> usize {
    let (Some(&first), Some(&last)) = (name.first(), name.last()) else { return 0 };
    let middle = name.get(name.len() / 2).copied().unwrap_or(0);
    let mixed = name.len() ^ (usize::from(first) * 5) ^ (usize::from(last) * 3) ^ (usize::from(middle) << 1);
    (mixed ^ mixed >> 6) & 63
}

/// The keys of a form, and of the objects inside it.
#[derive(Debug, Clone)]
pub(crate) struct Fields {
    nodes: Vec<Node>,
}

impl Fields {
    pub(crate) fn new() -> Self {
        Self { nodes: vec![Node::new()] }
    }

    #[inline]
    pub(crate) fn node(&self, at: u16) -> Option<&Node> {
        self.nodes.get(usize::from(at))
    }

    /// Says that the value at a path of keys is a field.
    pub(crate) fn field(&mut self, path: &[&str], field: Field, rank: u8, unit: Unit) {
        if let Some(leaf) = self.leaf(path) {
            (leaf.field, leaf.rank, leaf.unit) = (Some(field), rank, unit);
        }
    }

    /// Says that a path of keys marks a form.
    pub(crate) fn mark(&mut self, path: &[&str], marks: u32) {
        if let Some(leaf) = self.leaf(path) {
            leaf.marks |= marks;
        }
    }

    fn leaf(&mut self, path: &[&str]) -> Option<&mut Leaf> {
        let (last, objects) = path.split_last()?;
        let mut at = 0;
        for name in objects {
            let next = u16::try_from(self.nodes.len()).ok()?;
            let leaf = self.nodes.get_mut(at)?.get_or_insert(name.as_bytes())?;
            let inside = *leaf.inside.get_or_insert(next);
            if inside == next {
                self.nodes.push(Node::new());
            }
            at = usize::from(inside);
        }
        self.nodes.get_mut(at)?.get_or_insert(last.as_bytes())
    }
}
