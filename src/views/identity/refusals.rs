//! What was not linked, and why. A device that a thousand people share must not fill the memory: of each node the first
//! [`REFUSALS_MAX`] are kept, and whether there were more.

use std::collections::BTreeMap;

use super::change::Refusal;
use super::{NodeNo, REFUSALS_MAX};

#[derive(Clone, Debug, Default)]
pub(super) struct Refusals {
    all: Vec<Refusal>,
    by_node: BTreeMap<NodeNo, Kept>,
}

/// What is kept of one node, on either side of a refusal.
#[derive(Clone, Debug, Default)]
struct Kept {
    places: Vec<u32>,
    has_more: bool,
}

fn sides(refusal: &Refusal) -> impl Iterator<Item = NodeNo> {
    refusal.from.into_iter().chain([refusal.to])
}

impl Refusals {
    /// Whether keeping it would change anything.
    pub(super) fn is_news(&self, refusal: &Refusal) -> bool {
        let is_same = |other: &Refusal| (other.from, other.to, other.code) == (refusal.from, refusal.to, refusal.code);
        let mut has_place = false;
        for node in sides(refusal) {
            let Some(kept) = self.by_node.get(&node) else {
                has_place = true;
                continue;
            };
            if kept.places.iter().filter_map(|place| self.all.get(*place as usize)).any(is_same) {
                return false;
            }
            has_place |= kept.places.len() < REFUSALS_MAX || !kept.has_more;
        }
        has_place
    }

    /// Keeps it for whichever of its sides still has room.
    pub(super) fn note(&mut self, refusal: Refusal) {
        if !self.is_news(&refusal) {
            return;
        }
        let place = u32::try_from(self.all.len()).unwrap_or(u32::MAX);
        let mut is_kept = false;
        for node in sides(&refusal) {
            let kept = self.by_node.entry(node).or_default();
            if kept.places.len() < REFUSALS_MAX {
                kept.places.push(place);
                is_kept = true;
            } else {
                kept.has_more = true;
            }
        }
        if is_kept {
            self.all.push(refusal);
        }
    }

    /// Those of some nodes, in the order of the journal.
    pub(super) fn of(&self, nodes: &[NodeNo]) -> Vec<Refusal> {
        let kept = nodes.iter().filter_map(|node| self.by_node.get(node));
        let mut places: Vec<u32> = kept.flat_map(|kept| kept.places.iter().copied()).collect();
        places.sort_unstable();
        places.dedup();
        places.into_iter().filter_map(|place| self.all.get(place as usize).copied()).collect()
    }

    /// Whether there were more than are kept.
    pub(super) fn has_more(&self, nodes: &[NodeNo]) -> bool {
        nodes.iter().any(|node| self.by_node.get(node).is_some_and(|kept| kept.has_more))
    }

    pub(super) fn all(&self) -> &[Refusal] {
        &self.all
    }

    /// The nodes of which there were more than are kept, in order.
    pub(super) fn cut(&self) -> impl Iterator<Item = NodeNo> {
        self.by_node.iter().filter(|(_, kept)| kept.has_more).map(|(node, _)| *node)
    }
}
