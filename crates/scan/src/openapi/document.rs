//! The tree with its references: what a `$ref` points to, within bounds.

use serde_json::{Map, Value};

/// References that point to references are followed so often. A circle ends here.
const MAX_HOPS: usize = 16;

/// A description as a tree.
pub(super) struct Document {
    root: Value,
}

impl Document {
    pub(super) const fn new(root: Value) -> Self {
        Self { root }
    }

    pub(super) fn get(&self, key: &str) -> Option<&Value> {
        self.root.get(key)
    }

    /// What a node stands for: itself, or what its `$ref` points to. None for a circle, for a reference to
    /// another document, and for one that points nowhere.
    pub(super) fn resolve<'a>(&'a self, mut node: &'a Value) -> Option<&'a Value> {
        for _ in 0..MAX_HOPS {
            let Some(reference) = node.get("$ref").and_then(Value::as_str) else { return Some(node) };
            node = self.root.pointer(&decode(reference.strip_prefix('#')?))?;
        }
        None
    }

    /// A node as an object, after its references.
    pub(super) fn object<'a>(&'a self, node: &'a Value) -> Option<&'a Map<String, Value>> {
        self.resolve(node)?.as_object()
    }

    /// A member of a node, after the references of both.
    pub(super) fn member<'a>(&'a self, node: &'a Value, key: &str) -> Option<&'a Value> {
        self.resolve(self.resolve(node)?.get(key)?)
    }
}

/// The fragment of a reference is percent-encoded (RFC 6901 section 6).
fn decode(fragment: &str) -> String {
    let mut bytes = Vec::with_capacity(fragment.len());
    let mut rest = fragment.as_bytes();
    while let Some((first, tail)) = rest.split_first() {
        let hex = tail.get(..2).filter(|_| *first == b'%').and_then(|hex| std::str::from_utf8(hex).ok());
        if let Some(byte) = hex.and_then(|hex| u8::from_str_radix(hex, 16).ok()) {
            bytes.push(byte);
            rest = &tail[2..];
        } else {
            bytes.push(*first);
            rest = tail;
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}
