//! The graph of identities.

use super::change::{Change, Link, RefusalCode};
use super::links::Links;
use super::nodes::Nodes;
use super::people::People;
use super::refusals::Refusals;
use super::reservations::{Reservation, Reservations};
use super::{IdKind, NodeKey, NodeNo};
use crate::journal::Sequence;

/// What a call says about who is who. Filtered calls are never shown to the graph.
#[derive(Clone, Copy, Debug)]
pub struct Naming<'a> {
    /// The record.
    pub sequence: Sequence,
    /// Its userId.
    pub user_id: Option<&'a str>,
    /// Its anonymousId.
    pub anonymous_id: Option<&'a str>,
    /// The `previousId` of an alias; such a call's own anonymousId claims nothing.
    pub previous_id: Option<&'a str>,
    /// Whether its source may merge known users by alias.
    pub may_merge_users: bool,
}

/// Whom people became or fell apart into: what is kept by person has to follow.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Shift {
    /// The person whose root was `from` now belongs to the one whose root is `into`.
    Joined {
        /// The former root.
        from: NodeNo,
        /// The surviving root.
        into: NodeNo,
    },
    /// The person with root `from` fell apart into these, by root, in order (`from` may be among them).
    Split {
        /// The former root.
        from: NodeNo,
        /// The roots of the parts.
        into: Vec<NodeNo>,
    },
}

/// What became of a call.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Verdict {
    /// The node that the call belongs to (R1). None for an alias into a blocked value that owns nothing (R4): such a
    /// call belongs to nobody.
    pub node: Option<NodeNo>,
    /// The node of its anonymousId, if that belongs to the same person: the call counts as carried by it too.
    pub carried: Option<NodeNo>,
    /// Why this very call linked nothing, also when the graph keeps an earlier call as the evidence.
    pub refused: Option<RefusalCode>,
    /// Who was joined, in order.
    pub shifts: Vec<Shift>,
    /// Nodes that appeared, with the id that each stands for.
    pub appeared: Vec<(NodeNo, String)>,
}

/// What an operator orders by a control record.
#[derive(Clone, Copy, Debug)]
pub enum Order {
    /// Merge the person of one node into the person of another.
    Merge {
        /// A node of the one that is joined.
        from: NodeKey,
        /// A node of the one that survives; if it is anonymous and the other is not, the other survives.
        into: NodeKey,
    },
    /// Remove the link (or reservation) that this record made.
    Undo(Sequence),
}

/// Why an order changes nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum OrderError {
    /// A node is unknown.
    #[error("there is no such person")]
    Unknown,
    /// Both are one person already.
    #[error("both are one person already")]
    Same,
    /// The record made no link, or its link was undone before.
    #[error("this record joined nobody, or that was undone before")]
    NothingToUndo,
    /// The person would have too many ids.
    #[error("one person cannot have more than {0} ids")]
    TooManyIds(u32),
}

/// Who is who.
#[derive(Clone, Debug, Default)]
pub struct Graph {
    pub(super) nodes: Nodes,
    pub(super) people: People,
    pub(super) links: Links,
    pub(super) refusals: Refusals,
    pub(super) reservations: Reservations,
}

impl Graph {
    /// Makes a change happen, and tells who was joined or fell apart. A change that does not fit this graph (its nodes
    /// are unknown, or are one person already) changes nothing.
    pub fn replay(&mut self, change: &Change) -> Vec<Shift> {
        match *change {
            Change::Node { kind, key, sequence } => {
                if self.nodes.add(kind, key, sequence) {
                    self.people.appear();
                }
                Vec::new()
            }
            Change::Linked(link) => self.join(&link).into_iter().collect(),
            Change::Unlinked { sequence, by } => self.split(sequence, by).into_iter().collect(),
            Change::Refused(refusal) => {
                self.refusals.note(refusal);
                Vec::new()
            }
            Change::Reserved { for_users, user, anonymous, to, sequence } => {
                let reservation = Reservation { for_users, user, anonymous, to, sequence, ended_by: None };
                self.reservations.open(reservation);
                Vec::new()
            }
            Change::Released { sequence, by } => {
                self.reservations.end(sequence, by);
                Vec::new()
            }
        }
    }

    fn join(&mut self, link: &Link) -> Option<Shift> {
        let (from, to) = (self.root(link.from), self.root(link.to));
        if from == to || link.from.0.max(link.to.0) >= self.len() {
            return None;
        }
        let into = survivor(from, to, |node| self.kind(node));
        let number = self.links.add(link);
        self.people.join(number, into, &mut self.links);
        Some(Shift::Joined { from: if into == from { to } else { from }, into })
    }

    fn split(&mut self, sequence: Sequence, by: Sequence) -> Option<Shift> {
        let number = self.links.active_by(sequence)?;
        let from = self.root(self.links.ends(number)?.0);
        let nodes = &self.nodes;
        let into = self.people.split(number, &mut self.links, |node| nodes.kind(node))?;
        self.links.undo(number, by);
        Some(Shift::Split { from, into })
    }
}

/// R5: whom a joined person goes by. The target survives; only that a person with a userId never goes by an anonymousId.
pub(super) fn survivor(from: NodeNo, to: NodeNo, kind: impl Fn(NodeNo) -> IdKind) -> NodeNo {
    if kind(from) == IdKind::User && kind(to) == IdKind::Anonymous { from } else { to }
}
