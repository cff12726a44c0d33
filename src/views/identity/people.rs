//! Which person each node is, and what joins its nodes.
//!
//! A node without links is a person by itself and costs four bytes. Whoever has links has a slot with the list of them:
//! their ends are the nodes of the person, since links form a forest. Joining writes the smaller side only, so that the
//! nodes written by n joins are at most n log n, whatever the order.

use super::forest::Forest;
use super::lean::push;
use super::links::Links;
use super::{IdKind, NodeNo};

/// The person of a node without links.
const ALONE: u32 = u32::MAX;
/// After the last link of a person.
pub(super) const END: u32 = u32::MAX;

#[derive(Clone, Copy, Debug)]
struct Slot {
    root: NodeNo,
    size: u32,
    /// The first of its links.
    first: u32,
}

/// The people, by the slot that each node names.
#[derive(Clone, Debug, Default)]
pub(super) struct People {
    persons: Vec<u32>,
    slots: Vec<Slot>,
    free: Vec<u32>,
    /// How many nodes were written by joins.
    #[cfg(test)]
    pub(super) written: u64,
}

impl People {
    pub(super) fn appear(&mut self) {
        push(&mut self.persons, ALONE);
    }

    fn person(&self, node: NodeNo) -> u32 {
        self.persons.get(node.place()).copied().unwrap_or(ALONE)
    }

    fn slot(&self, node: NodeNo) -> Option<Slot> {
        self.slots.get(self.person(node) as usize).copied()
    }

    pub(super) fn root(&self, node: NodeNo) -> NodeNo {
        self.slot(node).map_or(node, |slot| slot.root)
    }

    pub(super) fn size(&self, node: NodeNo) -> u32 {
        self.slot(node).map_or(1, |slot| slot.size)
    }

    /// The active links of a node's person, in the order in which they were made.
    pub(super) fn links(&self, node: NodeNo, links: &Links) -> Vec<u32> {
        let mut next = self.slot(node).map(|slot| slot.first);
        let mut found = Vec::new();
        while let Some(number) = next {
            found.push(number);
            next = links.next(number);
        }
        found.sort_unstable();
        found
    }

    /// Joins the people at both ends of a new link.
    pub(super) fn join(&mut self, number: u32, root: NodeNo, links: &mut Links) {
        let Some((from, to)) = links.ends(number) else { return };
        let (small, big) = if self.size(from) > self.size(to) { (to, from) } else { (from, to) };
        let size = self.size(small) + self.size(big);
        let (theirs, ours) = (self.slot(small), self.slot(big));
        let person = if ours.is_some() { self.person(big) } else { self.take() };
        let rest = ours.map_or(END, |slot| slot.first);
        if theirs.is_some() {
            self.free.push(self.person(small));
        }
        self.place(big, person);
        self.place(small, person);
        let mut last = number;
        let mut next = theirs.map(|slot| slot.first);
        while let Some(moved) = next {
            if let Some((from, to)) = links.ends(moved) {
                self.place(from, person);
                self.place(to, person);
            }
            links.chain(last, moved);
            last = moved;
            next = links.next(moved);
        }
        links.chain(last, rest);
        self.set(person, Slot { root, size, first: number });
    }

    /// Takes a link away: the person at its ends falls into two, by root in order.
    pub(super) fn split(
        &mut self,
        number: u32,
        links: &mut Links,
        kind: impl Fn(NodeNo) -> IdKind,
    ) -> Option<Vec<NodeNo>> {
        let (from, to) = links.ends(number)?;
        let mut rest = self.links(from, links);
        rest.retain(|link| *link != number);
        let ends: Vec<_> = rest.iter().filter_map(|link| links.ends(*link)).collect();
        let forest = Forest::grow(&ends, kind);
        self.free.push(self.person(from));
        let mut roots = vec![forest.root(from), forest.root(to)];
        for node in [from, to] {
            let is_its = |link: &u32| links.ends(*link).is_some_and(|(end, _)| forest.is_same(end, node));
            let part: Vec<u32> = rest.iter().copied().filter(is_its).collect();
            self.settle(node, forest.root(node), &part, links);
        }
        roots.sort_unstable();
        Some(roots)
    }

    /// Makes a person of a node and these links.
    fn settle(&mut self, node: NodeNo, root: NodeNo, part: &[u32], links: &mut Links) {
        let Some(first) = part.first().copied() else { return self.place(node, ALONE) };
        let person = self.take();
        let followers = part.iter().copied().skip(1).chain([END]);
        let mut size = 1;
        for (number, next) in part.iter().copied().zip(followers) {
            if let Some((from, to)) = links.ends(number) {
                self.place(from, person);
                self.place(to, person);
            }
            links.chain(number, next);
            size += 1;
        }
        self.set(person, Slot { root, size, first });
    }

    fn place(&mut self, node: NodeNo, person: u32) {
        if let Some(place) = self.persons.get_mut(node.place()) {
            *place = person;
        }
        #[cfg(test)]
        {
            self.written += 1;
        }
    }

    /// A slot that is free.
    fn take(&mut self) -> u32 {
        self.free.pop().unwrap_or_else(|| {
            push(&mut self.slots, Slot { root: NodeNo(0), size: 0, first: END });
            u32::try_from(self.slots.len() - 1).unwrap_or(ALONE)
        })
    }

    fn set(&mut self, person: u32, slot: Slot) {
        if let Some(place) = self.slots.get_mut(person as usize) {
            *place = slot;
        }
    }
}

#[cfg(test)]
impl People {
    pub(super) const fn bytes(&self) -> usize {
        use super::lean::bytes;
        bytes(&self.persons) + bytes(&self.slots) + bytes(&self.free)
    }
}
