//! All links, active and undone, in the order in which they were made.

use std::collections::BTreeMap;

use super::change::{Link, Rule};
use super::lean::{Rising, push};
use super::{NodeNo, people};
use crate::journal::Sequence;

/// Every link. What is rare (another reason than the record that made it, being undone) is kept aside.
#[derive(Clone, Debug, Default)]
pub(super) struct Links {
    ends: Vec<(NodeNo, NodeNo)>,
    rules: Vec<Rule>,
    made_by: Rising,
    /// The next link of the same person, for active ones.
    next: Vec<u32>,
    /// The aliases behind R4e, by link and the other way round.
    reasons: BTreeMap<u32, Sequence>,
    by_reason: BTreeMap<Sequence, u32>,
    undone_by: BTreeMap<u32, Sequence>,
    undone_of: BTreeMap<NodeNo, Vec<u32>>,
}

impl Links {
    pub(super) fn len(&self) -> u32 {
        self.made_by.len()
    }

    pub(super) fn add(&mut self, link: &Link) -> u32 {
        let number = self.len();
        push(&mut self.ends, (link.from, link.to));
        push(&mut self.rules, link.rule);
        self.made_by.push(link.made_by);
        push(&mut self.next, people::END);
        if link.sequence != link.made_by {
            self.reasons.insert(number, link.sequence);
            self.by_reason.insert(link.sequence, number);
        }
        number
    }

    pub(super) fn ends(&self, number: u32) -> Option<(NodeNo, NodeNo)> {
        self.ends.get(number as usize).copied()
    }

    pub(super) fn next(&self, number: u32) -> Option<u32> {
        self.next.get(number as usize).copied().filter(|next| *next != people::END)
    }

    pub(super) fn chain(&mut self, number: u32, next: u32) {
        if let Some(place) = self.next.get_mut(number as usize) {
            *place = next;
        }
    }

    pub(super) fn get(&self, number: u32) -> Option<Link> {
        let (from, to) = self.ends(number)?;
        let made_by = self.made_by.get(number)?;
        let sequence = self.reasons.get(&number).copied().unwrap_or(made_by);
        let rule = *self.rules.get(number as usize)?;
        Some(Link { from, to, rule, sequence, made_by, undone_by: self.undone_by.get(&number).copied() })
    }

    /// The link whose reason is this record: there is one at most.
    pub(super) fn by(&self, sequence: Sequence) -> Option<u32> {
        if let Some(number) = self.by_reason.get(&sequence) {
            return Some(*number);
        }
        // One record makes a few links at most: one for each id that had been reserved, and its own.
        let made = self.made_by.below(sequence)..self.made_by.below(sequence.plus(1));
        made.into_iter().find(|number| !self.reasons.contains_key(number))
    }

    pub(super) fn active_by(&self, sequence: Sequence) -> Option<u32> {
        self.by(sequence).filter(|number| !self.undone_by.contains_key(number))
    }

    /// The first half of what undoing takes; the person is split by [`people::People::split`].
    pub(super) fn undo(&mut self, number: u32, by: Sequence) {
        self.undone_by.insert(number, by);
        if let Some((from, to)) = self.ends(number) {
            self.undone_of.entry(from).or_default().push(number);
            self.undone_of.entry(to).or_default().push(number);
        }
    }

    /// The links of a node that were undone.
    pub(super) fn undone_of(&self, node: NodeNo) -> &[u32] {
        self.undone_of.get(&node).map_or(&[], Vec::as_slice)
    }

    pub(super) fn is_any_undone(&self) -> bool {
        !self.undone_by.is_empty()
    }

    /// Whether the link was there for whoever saw all records below `before`.
    pub(super) fn is_active_at(&self, number: u32, before: Sequence) -> bool {
        self.made_by.get(number).is_some_and(|made_by| made_by < before)
            && self.undone_by.get(&number).is_none_or(|by| *by >= before)
    }
}

#[cfg(test)]
impl Links {
    pub(super) fn bytes(&self) -> usize {
        use super::lean::bytes;
        bytes(&self.ends) + bytes(&self.rules) + bytes(&self.next) + self.made_by.bytes()
    }
}
