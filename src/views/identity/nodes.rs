//! All nodes, by number and by key.

use hashbrown::HashTable;

use super::lean::{Rising, push};
use super::{IdKind, NodeKey, NodeNo};
use crate::journal::Sequence;

/// Every node in order of first appearance.
#[derive(Clone, Debug, Default)]
pub(super) struct Nodes {
    /// Numbers, found by the key that they stand for: the keys are not kept twice.
    table: HashTable<u32>,
    keys: Vec<NodeKey>,
    kinds: Vec<IdKind>,
    appeared: Rising,
}

/// A key is a hash already; half of it is enough to find a place by.
fn hash(key: &NodeKey) -> u64 {
    key.0.first_chunk().map_or(0, |half| u64::from_le_bytes(*half))
}

impl Nodes {
    pub(super) fn len(&self) -> u32 {
        self.appeared.len()
    }

    /// Whether the node is new.
    pub(super) fn add(&mut self, kind: IdKind, key: NodeKey, sequence: Sequence) -> bool {
        if self.find(&key).is_some() {
            return false;
        }
        let number = self.len();
        push(&mut self.keys, key);
        push(&mut self.kinds, kind);
        self.appeared.push(sequence);
        let keys = &self.keys;
        self.table.insert_unique(hash(&key), number, |number| keys.get(*number as usize).map_or(0, hash));
        true
    }

    pub(super) fn find(&self, key: &NodeKey) -> Option<NodeNo> {
        self.table.find(hash(key), |number| self.keys.get(*number as usize) == Some(key)).copied().map(NodeNo)
    }

    /// A node that does not exist has the key of zeros.
    pub(super) fn key(&self, node: NodeNo) -> NodeKey {
        self.keys.get(node.place()).copied().unwrap_or(NodeKey([0; 16]))
    }

    pub(super) fn kind(&self, node: NodeNo) -> IdKind {
        self.kinds.get(node.place()).copied().unwrap_or(IdKind::Anonymous)
    }

    /// A node that does not exist never appears.
    pub(super) fn appeared(&self, node: NodeNo) -> Sequence {
        self.appeared.get(node.0).unwrap_or(Sequence::new(u64::MAX))
    }
}

#[cfg(test)]
impl Nodes {
    pub(super) fn bytes(&self) -> usize {
        use super::lean::bytes;
        self.table.allocation_size() + bytes(&self.keys) + bytes(&self.kinds) + self.appeared.bytes()
    }
}
