//! Who somebody was when the journal ended at another record: the same links, but only those that were there then.

use std::collections::BTreeSet;

use super::change::Link;
use super::forest::Forest;
use super::graph::Graph;
use super::{NodeKey, NodeNo};
use crate::journal::Sequence;

impl Graph {
    /// Whom the person of a node went by, and all its ids, as the records below `before` tell. No ids if the node had not
    /// appeared.
    pub fn ids_at(&self, node: NodeNo, before: Sequence) -> (NodeNo, Vec<NodeNo>) {
        if self.appeared(node) >= before {
            return (node, Vec::new());
        }
        let (_, forest) = self.forest_at(node, before);
        (forest.root(node), forest.members(node))
    }

    /// The links that were active then, in the order in which they were made.
    pub fn links_at(&self, node: NodeNo, before: Sequence) -> Vec<Link> {
        let (numbers, forest) = self.forest_at(node, before);
        let links = numbers.into_iter().filter_map(|number| self.links.get(number));
        links.filter(|link| forest.is_same(link.from, node)).map(|link| Link { undone_by: None, ..link }).collect()
    }

    /// The ids that were kept for the person then, as [`Graph::reserved`] tells them.
    pub fn reserved_at(&self, node: NodeNo, before: Sequence) -> Vec<(NodeKey, NodeKey, Sequence)> {
        let open = self.reservations.at(&self.ids_at(node, before).1, before);
        open.into_iter().map(|kept| (kept.user, kept.anonymous, kept.sequence)).collect()
    }

    /// The links then of everybody who may have been one person with `node` then: those who are one with it now, and
    /// whoever has been separated from them since.
    fn forest_at(&self, node: NodeNo, before: Sequence) -> (Vec<u32>, Forest) {
        let (mut numbers, mut seen, mut waiting) = (Vec::new(), BTreeSet::new(), vec![self.root(node)]);
        while let Some(root) = waiting.pop() {
            if !seen.insert(root) {
                continue;
            }
            numbers.extend(self.people.links(root, &self.links));
            if self.links.is_any_undone() {
                for undone in self.ids(root).into_iter().flat_map(|id| self.links.undone_of(id)) {
                    numbers.push(*undone);
                    if let Some((from, to)) = self.links.ends(*undone) {
                        waiting.extend([self.root(from), self.root(to)]);
                    }
                }
            }
        }
        numbers.retain(|number| self.links.is_active_at(*number, before));
        numbers.sort_unstable();
        numbers.dedup();
        let ends: Vec<_> = numbers.iter().filter_map(|number| self.links.ends(*number)).collect();
        let forest = Forest::grow(&ends, |node| self.kind(node));
        (numbers, forest)
    }
}
