//! Who somebody is now, and why.

use super::change::{Link, Refusal};
use super::graph::Graph;
use super::{IdKind, NodeKey, NodeNo};
use crate::journal::Sequence;

impl Graph {
    /// How many nodes there are; their numbers are 0 up to this.
    pub fn len(&self) -> u32 {
        self.nodes.len()
    }

    /// Whether nobody has appeared yet.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The node of an id, if it has appeared.
    pub fn node(&self, kind: IdKind, id: &str) -> Option<NodeNo> {
        self.by_key(&NodeKey::of(kind, id))
    }

    /// The node with this key, if it has appeared. The key of an id that was merged away works, too: ask for its root.
    pub fn by_key(&self, key: &NodeKey) -> Option<NodeNo> {
        self.nodes.find(key)
    }

    /// What a node is known by.
    pub fn key(&self, node: NodeNo) -> NodeKey {
        self.nodes.key(node)
    }

    /// Which kind of id a node is.
    pub fn kind(&self, node: NodeNo) -> IdKind {
        self.nodes.kind(node)
    }

    /// The record in which a node appeared.
    pub fn appeared(&self, node: NodeNo) -> Sequence {
        self.nodes.appeared(node)
    }

    /// The node that the person of a node goes by. Two look-ups, whatever the size of the person.
    pub fn root(&self, node: NodeNo) -> NodeNo {
        self.people.root(node)
    }

    /// Whether a person goes by this node.
    pub fn is_root(&self, node: NodeNo) -> bool {
        node.0 < self.len() && self.root(node) == node
    }

    /// Whether the person has a userId. It goes by one then.
    pub fn has_user(&self, node: NodeNo) -> bool {
        self.kind(self.root(node)) == IdKind::User
    }

    /// The userId that the person goes by (R5).
    pub fn primary_user(&self, node: NodeNo) -> Option<NodeNo> {
        Some(self.root(node)).filter(|root| self.kind(*root) == IdKind::User)
    }

    /// How many ids the person of a node has.
    pub fn size(&self, node: NodeNo) -> u32 {
        self.people.size(node)
    }

    /// All ids of the person of a node, in order of their numbers.
    pub fn ids(&self, node: NodeNo) -> Vec<NodeNo> {
        let links = self.people.links(node, &self.links);
        let ends = links.into_iter().filter_map(|number| self.links.ends(number));
        let mut nodes: Vec<NodeNo> = ends.flat_map(|(from, to)| [from, to]).chain([node]).collect();
        nodes.sort_unstable();
        nodes.dedup();
        nodes
    }

    /// The active links of the person of a node, in the order in which they were made.
    pub fn links(&self, node: NodeNo) -> Vec<Link> {
        let numbers = self.people.links(node, &self.links);
        numbers.into_iter().filter_map(|number| self.links.get(number)).collect()
    }

    /// The links of its ids that were undone, in the order in which they were made.
    pub fn past_links(&self, node: NodeNo) -> Vec<Link> {
        if !self.links.is_any_undone() {
            return Vec::new();
        }
        let mut numbers: Vec<u32> =
            self.ids(node).into_iter().flat_map(|id| self.links.undone_of(id).iter().copied()).collect();
        numbers.sort_unstable();
        numbers.dedup();
        numbers.into_iter().filter_map(|number| self.links.get(number)).collect()
    }

    /// The link whose reason is this record, active or undone. There is one at most.
    pub fn link_by(&self, sequence: Sequence) -> Option<Link> {
        self.links.by(sequence).and_then(|number| self.links.get(number))
    }

    /// What was refused to any of its ids, in order.
    pub fn refusals(&self, node: NodeNo) -> Vec<Refusal> {
        self.refusals.of(&self.ids(node))
    }

    /// Whether more was refused than is kept.
    pub fn has_more_refusals(&self, node: NodeNo) -> bool {
        self.refusals.has_more(&self.ids(node))
    }

    /// The ids that are kept for the person and have not appeared: the key as a userId, the key as an anonymousId, the
    /// alias that named it. In the order of the aliases.
    pub fn reserved(&self, node: NodeNo) -> Vec<(NodeKey, NodeKey, Sequence)> {
        let open = self.reservations.at(&self.ids(node), Sequence::new(u64::MAX));
        open.into_iter().map(|kept| (kept.user, kept.anonymous, kept.sequence)).collect()
    }
}
