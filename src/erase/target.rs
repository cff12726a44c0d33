//! Who is to be erased, as the views know them.

use crate::journal::Sequence;
use crate::views::entry::ListId;
use crate::views::identity::{NodeKey, NodeNo};
use crate::views::snapshot::{Snapshot, ViewError};

/// A person, as it is when the order is given.
#[derive(Clone, Debug)]
pub struct Target {
    /// Its id.
    pub person: NodeKey,
    /// The digests of all its ids, also of those that are kept for it.
    pub keys: Vec<NodeKey>,
    /// The ids themselves, to forget what was refused of them.
    pub ids: Vec<String>,
    /// How many calls it has.
    pub calls: u64,
}

impl Target {
    /// The person with this root.
    ///
    /// # Errors
    /// When the views cannot be read.
    pub fn of(snapshot: &dyn Snapshot, root: NodeNo) -> Result<Self, ViewError> {
        let graph = snapshot.graph();
        let mut target = Self { person: graph.key(root), keys: Vec::new(), ids: Vec::new(), calls: 0 };
        for node in graph.ids(root) {
            target.keys.push(graph.key(node));
            target.ids.push(snapshot.node(node)?.id);
            for entry in snapshot.list(ListId::Node(node), None) {
                entry?;
                target.calls += 1;
            }
        }
        target.keys.extend(graph.reserved(root).into_iter().flat_map(|(user, anonymous, _)| [user, anonymous]));
        Ok(target)
    }
}

/// The digests of all ids that a person had as of the record before `end`; it went by `person` then or before.
pub(super) fn keys_at(snapshot: &dyn Snapshot, person: &NodeKey, end: Sequence) -> Vec<NodeKey> {
    let graph = snapshot.graph();
    let Some(node) = graph.by_key(person) else { return Vec::new() };
    let ids = graph.ids_at(node, end).1.into_iter().map(|node| graph.key(node));
    let reserved = graph.reserved_at(node, end).into_iter().flat_map(|(user, anonymous, _)| [user, anonymous]);
    ids.chain(reserved).collect()
}
