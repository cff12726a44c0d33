//! People as they were: the same fold over the records before a moment.
//!
//! Who belonged together comes from the graph, which remembers when each link was made and removed; traits, group and
//! times are folded again from the cards of the nodes' own records.

use super::error::QueryError;
use super::face::{GroupFace, group_face};
use super::person::{Parts, Person};
use super::scan::{Budget, Union, in_time};
use crate::call::time::Time;
use crate::journal::Sequence;
use crate::views::card::Card;
use crate::views::entry::{Entry, EntryKind, ListId};
use crate::views::fold_parts::{is_inactive, traits_of};
use crate::views::identity::{IdKind, NodeNo};
use crate::views::names::GroupNo;
use crate::views::snapshot::Snapshot;
use crate::views::state::{Stamp, Summary, Traits, join_traits};

/// Records of one person, from the newest on, that are folded again.
const ROWS_MAX: usize = 2_000_000;
/// Cards that are read for that.
const CARDS_MAX: usize = 50_000;
/// Cards read at once.
const CARDS_AT_ONCE: usize = 500;

/// The person that this node belonged to before the record `before`.
///
/// # Errors
/// When the node had not appeared, or the views cannot be read.
pub fn person_as_of(snapshot: &dyn Snapshot, node: NodeNo, before: Sequence) -> Result<Person, QueryError> {
    if snapshot.graph().appeared(node) >= before {
        return Err(QueryError::NotFound("person at that time"));
    }
    parts(snapshot, node, before)?.person(snapshot)
}

fn parts(snapshot: &dyn Snapshot, node: NodeNo, before: Sequence) -> Result<Parts, QueryError> {
    let graph = snapshot.graph();
    let (root, mut nodes) = graph.ids_at(node, before);
    nodes.sort_unstable();
    let past = Past::read(snapshot, nodes.iter().copied().map(ListId::Node), before)?;
    let mut named = Vec::with_capacity(nodes.len());
    for node in &nodes {
        named.push((*node, snapshot.node(*node)?.id));
    }
    Ok(Parts {
        root,
        primary: (graph.kind(root) == IdKind::User).then_some(root),
        reserved: graph.reserved_at(node, before).into_iter().map(|(_, _, sequence)| sequence).collect(),
        nodes: named,
        traits: traits(snapshot, &nodes, &past, before)?,
        group: past.group(snapshot, before)?,
        summary: past.summary(snapshot)?,
    })
}

/// The traits of nodes as they were. What was set before that record and has not been set since was the newest then as
/// well; only when something was set since the calls are folded again.
fn traits(snapshot: &dyn Snapshot, nodes: &[NodeNo], past: &Past, before: Sequence) -> Result<Traits, QueryError> {
    let mut traits = Traits::new();
    for node in nodes {
        let theirs = snapshot.node(*node)?.traits;
        if theirs.values().any(|found| found.stamp.sequence >= before) {
            return past.traits(snapshot, EntryKind::Identify);
        }
        join_traits(&mut traits, theirs);
    }
    Ok(traits)
}

/// What a group's traits were before the record `before`.
pub(super) fn group_traits(snapshot: &dyn Snapshot, number: GroupNo, before: Sequence) -> Result<Traits, QueryError> {
    let traits = snapshot.group(number)?.traits;
    if traits.values().all(|found| found.stamp.sequence < before) {
        return Ok(traits);
    }
    Past::read(snapshot, [ListId::Group(number)], before)?.traits(snapshot, EntryKind::Group)
}

/// The newest group that calls of these nodes named, with the call that decides.
pub(super) fn newest_group(snapshot: &dyn Snapshot, nodes: &[NodeNo]) -> Result<Option<(Stamp, String)>, QueryError> {
    Past::read(snapshot, nodes.iter().copied().map(ListId::Node), snapshot.through())?.newest_group(snapshot)
}

/// The records of some lists before a moment, newest first.
struct Past {
    rows: Vec<Entry>,
}

impl Past {
    fn read(
        snapshot: &dyn Snapshot,
        lists: impl IntoIterator<Item = ListId>,
        before: Sequence,
    ) -> Result<Self, QueryError> {
        let budget = Budget::new(snapshot, ROWS_MAX);
        let mut union = Union::new(snapshot, lists, None, &budget)?;
        let mut rows = Vec::new();
        while let Some(entry) = union.next()? {
            if entry.place.sequence < before {
                rows.push(entry);
            }
        }
        in_time(snapshot)?;
        Ok(Self { rows })
    }

    /// Shows the cards of the rows of one kind, newest first, until told to stop.
    fn each(&self, snapshot: &dyn Snapshot, kind: EntryKind, mut see: impl FnMut(Card)) -> Result<(), QueryError> {
        let rows = self.rows.iter().filter(|row| row.tag.kind == kind).take(CARDS_MAX);
        let sequences: Vec<Sequence> = rows.map(|row| row.place.sequence).collect();
        for chunk in sequences.chunks(CARDS_AT_ONCE) {
            in_time(snapshot)?;
            snapshot.cards(chunk)?.into_iter().for_each(&mut see);
        }
        Ok(())
    }

    fn traits(&self, snapshot: &dyn Snapshot, kind: EntryKind) -> Result<Traits, QueryError> {
        let mut traits = Traits::new();
        self.each(snapshot, kind, |card| {
            let stamp = Stamp { time: card.timestamp, sequence: card.sequence };
            join_traits(&mut traits, traits_of(&card.payload, &card.context, stamp));
        })?;
        Ok(traits)
    }

    fn newest_group(&self, snapshot: &dyn Snapshot) -> Result<Option<(Stamp, String)>, QueryError> {
        let mut newest: Option<(Stamp, String)> = None;
        self.each(snapshot, EntryKind::Group, |card| {
            let stamp = Stamp { time: card.timestamp, sequence: card.sequence };
            if let Some(id) = card.target.filter(|_| newest.as_ref().is_none_or(|(known, _)| *known < stamp)) {
                newest = Some((stamp, id));
            }
        })?;
        Ok(newest)
    }

    fn group(&self, snapshot: &dyn Snapshot, before: Sequence) -> Result<Option<GroupFace>, QueryError> {
        let Some((_, id)) = self.newest_group(snapshot)? else { return Ok(None) };
        match snapshot.group_no(&id) {
            Some(number) => group_face(snapshot, number, Some(before)).map(Some),
            None => Ok(Some(GroupFace { id, name: None })),
        }
    }

    fn summary(&self, snapshot: &dyn Snapshot) -> Result<Summary, QueryError> {
        let is_event = |row: &&Entry| matches!(row.tag.kind, EntryKind::Track | EntryKind::Page | EntryKind::Screen);
        Ok(Summary {
            first_seen: first_active(snapshot, self.rows.iter().rev())?,
            last_seen: first_active(snapshot, self.rows.iter())?,
            events: self.rows.iter().filter(is_event).count() as u64,
        })
    }
}

/// When the first of these happened that counts as being seen.
fn first_active<'a>(
    snapshot: &dyn Snapshot,
    rows: impl Iterator<Item = &'a Entry>,
) -> Result<Option<Time>, QueryError> {
    let counts = |row: &&Entry| !matches!(row.tag.kind, EntryKind::Alias | EntryKind::Control);
    for row in rows.filter(counts).take(CARDS_MAX) {
        in_time(snapshot)?;
        let cards = snapshot.cards(&[row.place.sequence])?;
        if cards.iter().any(|card| !is_inactive(&card.context)) {
            return Ok(Some(row.place.time));
        }
    }
    Ok(None)
}
