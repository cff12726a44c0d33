//! What a merge by the operator would make of two people, before it is made.

use serde::Serialize;
use serde_json::value::RawValue;

use super::as_of::newest_group;
use super::error::QueryError;
use super::face::{Face, GroupFace, group_face};
use super::json::{raw, time};
use super::person::{Parts, Person, parts};
use super::scan::{Budget, ROWS_MAX, Union};
use crate::call::time::Time;
use crate::views::entry::ListId;
use crate::views::identity::{NodeNo, OrderError};
use crate::views::snapshot::Snapshot;
use crate::views::state::{Summary, Trait, Traits, join_traits};

/// What one side says about a trait.
#[derive(Clone, Debug, Serialize)]
pub struct Side {
    /// Null if that side cleared it.
    pub value: Option<Box<RawValue>>,
    /// When it was set.
    #[serde(serialize_with = "time")]
    pub time: Time,
}

/// A trait that both have, with different values.
#[derive(Clone, Debug, Serialize)]
pub struct Conflict {
    /// Its name.
    pub key: String,
    /// What the one that is joined says.
    pub from: Side,
    /// What the surviving one says.
    pub into: Side,
    /// `from` or `into`: whose value was set last, and stays.
    pub winner: &'static str,
}

/// How many calls the timelines have.
#[derive(Clone, Debug, Serialize)]
pub struct Sizes {
    /// Of the one that is joined.
    pub from: u64,
    /// Of the surviving one.
    pub into: u64,
    /// Together, with the entry of the merge itself.
    pub after: u64,
    /// Whether they were not counted to the end: then there are at least so many.
    pub at_least: bool,
}

/// Which group each is in.
#[derive(Clone, Debug, Serialize)]
pub struct GroupChange {
    /// The one that is joined.
    pub from: Option<GroupFace>,
    /// The surviving one.
    pub into: Option<GroupFace>,
    /// Both, afterwards.
    pub after: Option<GroupFace>,
}

/// What a merge would make.
#[derive(Clone, Debug, Serialize)]
pub struct Preview {
    /// The one that would be joined.
    pub from: Face,
    /// The one that would survive: a known user, if only one is.
    pub into: Face,
    /// The person that would result.
    pub person: Person,
    /// Traits that both have, with different values.
    pub conflicts: Vec<Conflict>,
    /// How many calls the timelines have.
    pub timeline: Sizes,
    /// Which group each is in.
    pub group: GroupChange,
    /// True for all records below this one.
    pub through: u64,
}

/// What merging the person of `from` into that of `into` would make.
///
/// # Errors
/// When both are one person, would have too many ids, or the views cannot be read.
pub fn merge_preview(snapshot: &dyn Snapshot, from: NodeNo, into: NodeNo) -> Result<Preview, QueryError> {
    let graph = snapshot.graph();
    let (from, into) = graph.merge(graph.root(from), graph.root(into)).map_err(refused)?;
    let (gone, survivor) = (parts(snapshot, graph.root(from))?, parts(snapshot, graph.root(into))?);
    let conflicts = conflicts(&gone.traits, &survivor.traits);
    let timeline = sizes(snapshot, &gone, &survivor)?;
    let group = group_change(snapshot, &gone, &survivor)?;
    let (from, into) = (face_of(snapshot, &gone), face_of(snapshot, &survivor));
    let person = joined(gone, survivor, group.after.clone()).person(snapshot)?;
    Ok(Preview { from, into, person, conflicts, timeline, group, through: snapshot.through().get() })
}

fn refused(error: OrderError) -> QueryError {
    match error {
        OrderError::Unknown => QueryError::NotFound("person"),
        error => QueryError::parameter("into", error.to_string()),
    }
}

fn face_of(snapshot: &dyn Snapshot, parts: &Parts) -> Face {
    let contact = crate::views::fold_parts::Contact::of(&parts.traits);
    Face::new(snapshot.graph().key(parts.root).to_string(), contact)
}

fn conflicts(from: &Traits, into: &Traits) -> Vec<Conflict> {
    let side = |found: &Trait| Side { value: found.value.as_deref().and_then(raw), time: found.stamp.time };
    let both = from.iter().filter_map(|(key, theirs)| Some((key, theirs, into.get(key)?)));
    let differ = both.filter(|(_, theirs, ours)| theirs.value != ours.value);
    let row = differ.map(|(key, theirs, ours)| Conflict {
        key: key.clone(),
        from: side(theirs),
        into: side(ours),
        winner: if theirs.stamp > ours.stamp { "from" } else { "into" },
    });
    row.collect()
}

fn nodes(parts: &Parts) -> Vec<NodeNo> {
    parts.nodes.iter().map(|(node, _)| *node).collect()
}

fn sizes(snapshot: &dyn Snapshot, from: &Parts, into: &Parts) -> Result<Sizes, QueryError> {
    let count = |parts: &Parts| -> Result<(u64, bool), QueryError> {
        let budget = Budget::new(snapshot, ROWS_MAX);
        let mut rows = Union::new(snapshot, nodes(parts).into_iter().map(ListId::Node), None, &budget)?;
        let mut count = 0;
        while rows.next()?.is_some() {
            count += 1;
        }
        Ok((count, budget.is_spent()))
    };
    let ((from, from_is_cut), (into, into_is_cut)) = (count(from)?, count(into)?);
    Ok(Sizes { from, into, after: from + into + 1, at_least: from_is_cut || into_is_cut })
}

/// The newest group call of both decides (R7).
fn group_change(snapshot: &dyn Snapshot, from: &Parts, into: &Parts) -> Result<GroupChange, QueryError> {
    let after = if from.group.is_none() || into.group.is_none() || from.group == into.group {
        into.group.clone().or_else(|| from.group.clone())
    } else {
        let all = [nodes(from), nodes(into)].concat();
        let newest = newest_group(snapshot, &all)?.and_then(|(_, id)| snapshot.group_no(&id));
        newest.map(|number| group_face(snapshot, number, None)).transpose()?
    };
    Ok(GroupChange { from: from.group.clone(), into: into.group.clone(), after })
}

fn joined(from: Parts, into: Parts, group: Option<GroupFace>) -> Parts {
    let mut nodes = [from.nodes, into.nodes].concat();
    nodes.sort();
    let mut reserved = [from.reserved, into.reserved].concat();
    reserved.sort_unstable();
    let mut traits = into.traits;
    join_traits(&mut traits, from.traits);
    let earliest = [from.summary.first_seen, into.summary.first_seen].into_iter().flatten().min();
    let summary = Summary {
        first_seen: earliest,
        last_seen: from.summary.last_seen.max(into.summary.last_seen),
        events: from.summary.events + into.summary.events,
    };
    Parts { root: into.root, primary: into.primary, nodes, reserved, traits, group, summary }
}
