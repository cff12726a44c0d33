//! The people that a list of links makes, and whom they go by: what a person was at another time, or is after an undo.

use super::graph::survivor;
use super::{IdKind, NodeNo};

/// The nodes at the ends of some links, in parts that are joined.
pub(super) struct Forest {
    /// In order of their numbers; the rest is by place in this list.
    nodes: Vec<NodeNo>,
    parents: Vec<usize>,
    sizes: Vec<u32>,
    roots: Vec<NodeNo>,
}

impl Forest {
    /// Joins the ends of each link, in the order of the links, as R5 says.
    pub(super) fn grow(links: &[(NodeNo, NodeNo)], kind: impl Fn(NodeNo) -> IdKind) -> Self {
        let mut nodes: Vec<NodeNo> = links.iter().flat_map(|(from, to)| [*from, *to]).collect();
        nodes.sort_unstable();
        nodes.dedup();
        let count = nodes.len();
        let mut forest = Self { parents: (0..count).collect(), sizes: vec![1; count], roots: nodes.clone(), nodes };
        for (from, to) in links {
            if let (Some(from), Some(to)) = (forest.part(*from), forest.part(*to)) {
                forest.join(from, to, &kind);
            }
        }
        forest
    }

    fn join(&mut self, from: usize, to: usize, kind: impl Fn(NodeNo) -> IdKind) {
        let root = match (self.roots.get(from), self.roots.get(to)) {
            (Some(from), Some(to)) => survivor(*from, *to, kind),
            _ => return,
        };
        let size = |part: usize| self.sizes.get(part).copied().unwrap_or(0);
        let sum = size(from) + size(to);
        let (small, big) = if size(from) < size(to) { (from, to) } else { (to, from) };
        if let Some(parent) = self.parents.get_mut(small) {
            *parent = big;
        }
        if let (Some(size), Some(place)) = (self.sizes.get_mut(big), self.roots.get_mut(big)) {
            (*size, *place) = (sum, root);
        }
    }

    /// Which part a node is in. Small parts hang below big ones, so the way up is short.
    fn part(&self, node: NodeNo) -> Option<usize> {
        self.nodes.binary_search(&node).ok().map(|place| self.top(place))
    }

    fn top(&self, mut place: usize) -> usize {
        while let Some(parent) = self.parents.get(place).filter(|parent| **parent != place) {
            place = *parent;
        }
        place
    }

    pub(super) fn is_same(&self, one: NodeNo, other: NodeNo) -> bool {
        one == other || self.part(one).is_some_and(|part| Some(part) == self.part(other))
    }

    /// Whom the part of a node goes by; a node that no link names is alone.
    pub(super) fn root(&self, node: NodeNo) -> NodeNo {
        self.part(node).and_then(|part| self.roots.get(part)).copied().unwrap_or(node)
    }

    /// All nodes of the part of a node, in order.
    pub(super) fn members(&self, node: NodeNo) -> Vec<NodeNo> {
        match self.part(node) {
            Some(part) => {
                let places = self.nodes.iter().enumerate().filter(|(place, _)| self.top(*place) == part);
                places.map(|(_, member)| *member).collect()
            }
            None => vec![node],
        }
    }
}
