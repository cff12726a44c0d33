//! What an operator orders: merge two people, or take a link away.

use super::change::{Change, Link, Rule};
use super::graph::{Graph, Order, OrderError, Shift};
use super::{IDS_MAX, NodeNo};
use crate::journal::Sequence;

impl Graph {
    /// Makes the order of a control record happen, and appends what it changed to `changes`.
    ///
    /// # Errors
    /// When it would change nothing; then nothing is appended.
    pub fn order(
        &mut self,
        sequence: Sequence,
        order: &Order,
        changes: &mut Vec<Change>,
    ) -> Result<Vec<Shift>, OrderError> {
        let found = match *order {
            Order::Merge { from, into } => {
                let (Some(from), Some(into)) = (self.by_key(&from), self.by_key(&into)) else {
                    return Err(OrderError::Unknown);
                };
                let (from, to) = self.merge(from, into)?;
                let rule = Rule::Operator;
                vec![Change::Linked(Link { from, to, rule, sequence, made_by: sequence, undone_by: None })]
            }
            Order::Undo(reason) => self.undo(reason, sequence)?,
        };
        let shifts = found.iter().flat_map(|change| self.replay(change)).collect();
        changes.extend(found);
        Ok(shifts)
    }

    /// Which nodes a merge of two would link, from and to: what a preview needs to know.
    ///
    /// # Errors
    /// When both are one person already, or would have too many ids.
    pub fn merge(&self, from: NodeNo, into: NodeNo) -> Result<(NodeNo, NodeNo), OrderError> {
        if self.root(from) == self.root(into) {
            return Err(OrderError::Same);
        }
        if self.size(from) + self.size(into) > IDS_MAX {
            return Err(OrderError::TooManyIds(IDS_MAX));
        }
        if self.has_user(from) && !self.has_user(into) {
            return Ok((into, from));
        }
        Ok((from, into))
    }

    fn undo(&self, sequence: Sequence, by: Sequence) -> Result<Vec<Change>, OrderError> {
        let link = self.links.active_by(sequence).map(|_| Change::Unlinked { sequence, by });
        let reservation = self.reservations.open_by(sequence).map(|_| Change::Released { sequence, by });
        let changes: Vec<Change> = link.into_iter().chain(reservation).collect();
        if changes.is_empty() { Err(OrderError::NothingToUndo) } else { Ok(changes) }
    }
}
