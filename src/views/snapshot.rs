//! What readers see: memory and disk as one, at one sequence.

use std::collections::BTreeSet;

use roaring::RoaringBitmap;

use super::card::Card;
use super::entry::{Entry, ListId, Place};
use super::fold_parts::CONTACT_KEYS;
use super::identity::{Graph, NodeNo};
use super::names::{GroupNo, Name, NameNo, Source, SourceNo};
use super::state::{GroupState, NodeState, Summary, Traits};
use super::turnover::Turnover;
use crate::journal::Sequence;

/// Why the views could not be read.
#[derive(Debug, thiserror::Error)]
pub enum ViewError {
    /// The disk failed or its bytes are damaged; a rebuild mends it.
    #[error("the views cannot be read: {0}; `roundtower rebuild` makes them anew")]
    Unreadable(String),
}

/// Counts of one minute, by the time of receipt.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Minute {
    /// Calls by type, in the order identify, track, page, screen, group, alias; filtered ones included.
    pub types: [u64; 6],
    /// Calls by source.
    pub sources: std::collections::BTreeMap<SourceNo, u64>,
    /// Calls that the sender's `integrations` kept out of the views.
    pub filtered: u64,
    /// The nodes that calls belonged to.
    pub active: RoaringBitmap,
}

/// All views at one sequence. It holds a lock that the projector waits for: keep it for one question only.
pub trait Snapshot {
    /// Whether somebody still waits for what is read from it. Long questions ask now and then.
    fn has_time(&self) -> bool {
        true
    }

    /// Whether the person of a node is to be answered as if it was not there: its erasure is under way.
    fn is_hidden(&self, _node: NodeNo) -> bool {
        false
    }

    /// Everything below this sequence is in it.
    fn through(&self) -> Sequence;

    /// Who is who.
    fn graph(&self) -> &Graph;

    /// First and last seen and events of a person, by its root.
    fn summary(&self, root: NodeNo) -> Summary;

    /// Roots in blocks: `(first, one after the last, what none of them exceeds)`. A bound may be too high, never too low.
    fn bounds(&self) -> Vec<(u32, u32, Summary)>;

    /// The group that a person is in, by its root.
    fn group_of(&self, root: NodeNo) -> Option<GroupNo>;

    /// One node's own state.
    ///
    /// # Errors
    /// When the disk fails.
    fn node(&self, node: NodeNo) -> Result<NodeState, ViewError>;

    /// One node's own traits that say how to name and to reach it.
    ///
    /// # Errors
    /// When the disk fails.
    fn contact_traits(&self, node: NodeNo) -> Result<Traits, ViewError> {
        let mut traits = self.node(node)?.traits;
        traits.retain(|key, _| CONTACT_KEYS.contains(&key.as_str()));
        Ok(traits)
    }

    /// The entries of a list from `before` (not included) on, newest first; all of it without `before`.
    fn list<'a>(
        &'a self,
        list: ListId,
        before: Option<Place>,
    ) -> Box<dyn Iterator<Item = Result<Entry, ViewError>> + 'a>;

    /// The cards of these records, in the same order. A record that is not there is left out.
    ///
    /// # Errors
    /// When the disk fails.
    fn cards(&self, sequences: &[Sequence]) -> Result<Vec<Card>, ViewError>;

    /// The event catalogue in order of first appearance; its numbers start at 1.
    fn names(&self) -> Box<dyn Iterator<Item = (NameNo, &Name)> + '_>;

    /// One entry of the catalogue.
    fn name(&self, number: NameNo) -> Option<&Name>;

    /// The entries with exactly this text: at most one each for track, page and screen.
    fn names_called(&self, text: &str) -> Vec<NameNo>;

    /// The nodes that ever sent it.
    fn name_nodes(&self, number: NameNo) -> RoaringBitmap;

    /// The name of a source.
    fn source(&self, number: SourceNo) -> &str;

    /// A source, and what came from it.
    fn sender(&self, number: SourceNo) -> Option<&Source>;

    /// The number of a source.
    fn source_no(&self, name: &str) -> Option<SourceNo>;

    /// The number of a group.
    fn group_no(&self, id: &str) -> Option<GroupNo>;

    /// How many groups there are; their numbers are 0 up to this.
    fn groups(&self) -> u32;

    /// One group's state.
    ///
    /// # Errors
    /// When the disk fails.
    fn group(&self, number: GroupNo) -> Result<GroupState, ViewError>;

    /// The roots of the people who are in a group now.
    fn members(&self, number: GroupNo) -> BTreeSet<NodeNo>;

    /// How many people are in a group now.
    fn member_count(&self, number: GroupNo) -> u64 {
        self.members(number).len() as u64
    }

    /// Counts of the minutes (since 1970) in this range that have any, in order.
    ///
    /// # Errors
    /// When the disk fails.
    fn minutes(&self, range: std::ops::Range<i64>) -> Result<Vec<(i64, Minute)>, ViewError>;

    /// Who came into an audience and left it, in the hours (since 1970) of this range that have any, in order.
    ///
    /// # Errors
    /// When the disk fails.
    fn turnovers(&self, key: &str, hours: std::ops::Range<i64>) -> Result<Vec<(i64, Turnover)>, ViewError>;

    /// People of whom the search index may not know the newest, by any of their nodes.
    fn unsearched(&self) -> RoaringBitmap;

    /// The first record whose time of receipt is after `time`: what a snapshot as of `time` leaves out begins there.
    ///
    /// # Errors
    /// When the disk fails.
    fn sequence_after(&self, time: crate::call::time::Time) -> Result<Sequence, ViewError>;
}
