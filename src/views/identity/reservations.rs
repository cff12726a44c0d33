//! Ids that an alias named before they appeared (R4e), and those that have appeared since.

use std::collections::BTreeMap;

use super::change::Change;
use super::{NodeKey, NodeNo};
use crate::journal::Sequence;

/// An id that is kept for a node.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Reservation {
    pub(super) for_users: bool,
    pub(super) user: NodeKey,
    pub(super) anonymous: NodeKey,
    pub(super) to: NodeNo,
    /// The alias.
    pub(super) sequence: Sequence,
    /// The record in which the id appeared, or that undid the alias.
    pub(super) ended_by: Option<Sequence>,
}

impl Reservation {
    /// The change that makes it.
    pub(super) const fn change(&self) -> Change {
        let Self { for_users, user, anonymous, to, sequence, ended_by: _ } = *self;
        Change::Reserved { for_users, user, anonymous, to, sequence }
    }
}

#[derive(Clone, Debug, Default)]
pub(super) struct Reservations {
    by_alias: BTreeMap<Sequence, Reservation>,
    /// Open ones, by both keys.
    open: BTreeMap<NodeKey, Sequence>,
    by_node: BTreeMap<NodeNo, Vec<Sequence>>,
}

impl Reservations {
    pub(super) fn open(&mut self, reservation: Reservation) {
        if self.by_alias.insert(reservation.sequence, reservation).is_none() {
            self.by_node.entry(reservation.to).or_default().push(reservation.sequence);
        }
        self.open.insert(reservation.user, reservation.sequence);
        self.open.insert(reservation.anonymous, reservation.sequence);
    }

    pub(super) fn end(&mut self, sequence: Sequence, by: Sequence) {
        let Some(reservation) = self.by_alias.get_mut(&sequence) else { return };
        reservation.ended_by = Some(by);
        self.open.remove(&reservation.user);
        self.open.remove(&reservation.anonymous);
    }

    /// The open one of an id, in either namespace.
    pub(super) fn of_id(&self, key: &NodeKey) -> Option<Reservation> {
        self.open.get(key).and_then(|sequence| self.by_alias.get(sequence)).copied()
    }

    /// The one that an alias made, if it is open.
    pub(super) fn open_by(&self, sequence: Sequence) -> Option<Reservation> {
        self.by_alias.get(&sequence).copied().filter(|reservation| reservation.ended_by.is_none())
    }

    /// How many were ever made for a node.
    pub(super) fn count(&self, node: NodeNo) -> usize {
        self.by_node.get(&node).map_or(0, Vec::len)
    }

    /// Those that were made for these nodes below `before` and had not ended by then, in order.
    pub(super) fn at(&self, nodes: &[NodeNo], before: Sequence) -> Vec<Reservation> {
        let made = nodes.iter().filter_map(|node| self.by_node.get(node)).flatten();
        let mut found: Vec<Reservation> = made
            .filter(|sequence| **sequence < before)
            .filter_map(|sequence| self.by_alias.get(sequence))
            .filter(|reservation| reservation.ended_by.is_none_or(|by| by >= before))
            .copied()
            .collect();
        found.sort_unstable_by_key(|reservation| reservation.sequence);
        found
    }

    pub(super) fn all(&self) -> impl Iterator<Item = &Reservation> {
        self.by_alias.values()
    }
}
