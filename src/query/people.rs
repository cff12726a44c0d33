//! The list of people: filtered and ordered in one pass over what memory holds; only the people of the page are read.

use roaring::RoaringBitmap;

use super::cursor::{Page, Row, TextRow};
use super::error::QueryError;
use super::face::face;
use super::json::Listing;
use super::order::First;
use super::person::{Person, person};
use super::scan::Watch;
use crate::call::time::Time;
use crate::views::identity::{NodeKey, NodeNo};
use crate::views::snapshot::Snapshot;
use crate::views::state::Summary;

/// People that are asked of the search at once when it orders them.
const SORTED_AT_ONCE: usize = 1_000;
/// How often it is asked for one page.
const ASKED_MAX: usize = 100;

/// What to do with people who have no userId.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Anonymous {
    /// Leave them out.
    #[default]
    Hide,
    /// Take them in.
    Include,
    /// Leave out all others.
    Only,
}

/// Which people are wanted. Text, traits and audiences are the search's.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PeopleFilter {
    /// Who is in this group.
    pub group: Option<String>,
    /// Who ever did this.
    pub event: Option<String>,
    /// Who was seen last at this time or later.
    pub seen_after: Option<Time>,
    /// Who was seen last before this time.
    pub seen_before: Option<Time>,
    /// Whether to show people without a userId.
    pub anonymous: Anonymous,
    /// Only who lacks a userId or an email.
    pub incomplete: bool,
}

/// What people are ordered by.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[expect(missing_docs, reason = "the names in the API")]
pub enum Sort {
    #[default]
    LastSeen,
    FirstSeen,
    Events,
}

/// A place in the order that the search knows: the text, and the person.
pub type TextPlace = (Option<String>, NodeNo);

/// One page of people by times or events. `found` are the roots that the search has found, if it was asked.
///
/// # Errors
/// When the cursor is not of this list, or the views cannot be read.
pub fn people(
    snapshot: &dyn Snapshot,
    filter: &PeopleFilter,
    found: Option<&RoaringBitmap>,
    (sort, is_descending): (Sort, bool),
    page: &Page<'_>,
) -> Result<Listing<Person>, QueryError> {
    let graph = snapshot.graph();
    let mut first = First::new(page.limit, is_descending, page.row()?);
    let Some(test) = Test::new(snapshot, filter) else {
        return Ok(Listing::new(Vec::new(), None, snapshot.through()));
    };
    let found_test = found.map(|found| Roots::of(snapshot, found));
    let mut failed = None;
    let watch = Watch::new(snapshot);
    let mut look = |root: NodeNo| {
        if failed.is_some() {
            return;
        }
        if !watch.has_time() {
            failed = Some(QueryError::TooSlow);
            return;
        }
        if !graph.is_root(root) || found_test.as_ref().is_some_and(|found| !found.has(root)) {
            return;
        }
        let summary = snapshot.summary(root);
        let rank = rank(sort, &summary);
        if first.may_take(rank) {
            match test.takes(root, &summary) {
                Ok(true) => first.offer(rank, graph.key(root).0, root),
                Ok(false) => {}
                Err(error) => failed = Some(error),
            }
        }
    };
    // Whoever appeared late was mostly seen late: the first rows come first, and most of the others cost one comparison.
    match (&test.members, &found_test) {
        (Some(roots), _) | (None, Some(roots)) => roots.each(is_descending, &mut look),
        (None, None) if is_descending => (0..graph.len()).rev().map(NodeNo).for_each(&mut look),
        (None, None) => (0..graph.len()).map(NodeNo).for_each(&mut look),
    }
    if let Some(error) = failed {
        return Err(error);
    }
    let (rows, last) = first.into_rows();
    let mut next = last.map(|row| page.after_row(&row));
    let mut items: Vec<Person> = Vec::with_capacity(rows.len());
    let mut previous = None;
    for root in rows {
        let Some(found) = person_in_time(snapshot, root, items.is_empty())? else {
            let row = |root| Row { rank: rank(sort, &snapshot.summary(root)), tie: graph.key(root).0 };
            next = previous.map(|root| page.after_row(&row(root)));
            break;
        };
        items.push(found);
        previous = Some(root);
    }
    Ok(Listing::new(items, next, snapshot.through()))
}

/// A person of a page; none when there is no time left for it. The first one is worth an error.
fn person_in_time(snapshot: &dyn Snapshot, root: NodeNo, is_first: bool) -> Result<Option<Person>, QueryError> {
    if !is_first && !snapshot.has_time() {
        return Ok(None);
    }
    match person(snapshot, root) {
        Err(QueryError::TooSlow) if !is_first => Ok(None),
        found => found.map(Some),
    }
}

fn rank(sort: Sort, summary: &Summary) -> Option<i64> {
    match sort {
        Sort::LastSeen => summary.last_seen.map(Time::as_millis),
        Sort::FirstSeen => summary.first_seen.map(Time::as_millis),
        Sort::Events => i64::try_from(summary.events).ok(),
    }
}

/// Gives the people of the search's filter after a place, at most so many, each with its text.
pub type Sorted<'a> = &'a dyn Fn(Option<TextPlace>, usize) -> Result<Vec<(NodeNo, Option<String>)>, QueryError>;

/// One page of people in an order that the search knows, by name or email.
///
/// # Errors
/// When the cursor is not of this list, or the views or the search cannot be read.
pub fn people_by_text(
    snapshot: &dyn Snapshot,
    filter: &PeopleFilter,
    sorted: Sorted<'_>,
    page: &Page<'_>,
) -> Result<Listing<Person>, QueryError> {
    let graph = snapshot.graph();
    let mut after = match page.text_row()? {
        Some(row) => Some((row.text, graph.by_key(&NodeKey(row.tie)).ok_or(QueryError::BadCursor)?)),
        None => None,
    };
    let Some(test) = Test::new(snapshot, filter) else {
        return Ok(Listing::new(Vec::new(), None, snapshot.through()));
    };
    let cursor_after = |place: &TextPlace| {
        let (known, node) = place;
        Some(page.after_text(&TextRow { text: known.clone(), tie: graph.key(*node).0 }))
    };
    let mut items = Vec::new();
    for round in 0..ASKED_MAX {
        if round > 0 && !snapshot.has_time() {
            break;
        }
        let batch = sorted(after.clone(), SORTED_AT_ONCE)?;
        let is_last = batch.len() < SORTED_AT_ONCE;
        for (node, text) in batch {
            if graph.is_root(node) && test.takes(node, &snapshot.summary(node))? {
                if items.len() == page.limit {
                    let cursor = after.as_ref().and_then(cursor_after);
                    return Ok(Listing::new(items, cursor, snapshot.through()));
                }
                let Some(found) = person_in_time(snapshot, node, items.is_empty())? else {
                    let cursor = after.as_ref().and_then(cursor_after);
                    return Ok(Listing::new(items, cursor, snapshot.through()));
                };
                items.push(found);
            }
            after = Some((text, node));
        }
        if is_last {
            return Ok(Listing::new(items, None, snapshot.through()));
        }
    }
    let cursor = after.as_ref().and_then(cursor_after);
    Ok(Listing::new(items, cursor, snapshot.through()))
}

/// A filter, ready to be asked of many.
struct Test<'a> {
    snapshot: &'a dyn Snapshot,
    filter: &'a PeopleFilter,
    members: Option<Roots>,
    did: Option<Roots>,
}

impl<'a> Test<'a> {
    /// None when nobody can pass.
    fn new(snapshot: &'a dyn Snapshot, filter: &'a PeopleFilter) -> Option<Self> {
        let members = match &filter.group {
            Some(id) => {
                let number = snapshot.group_no(id)?;
                let members = snapshot.members(number);
                Some(Roots::of(snapshot, members.into_iter().map(|root| root.0)))
            }
            None => None,
        };
        let did = filter.event.as_deref().map(|event| {
            let nodes = snapshot.names_called(event).into_iter().map(|number| snapshot.name_nodes(number));
            Roots::of(snapshot, nodes.fold(RoaringBitmap::new(), |all, nodes| all | nodes))
        });
        Some(Self { snapshot, filter, members, did })
    }

    fn takes(&self, root: NodeNo, summary: &Summary) -> Result<bool, QueryError> {
        let (graph, filter) = (self.snapshot.graph(), self.filter);
        let seen = summary.last_seen;
        let passes = match filter.anonymous {
            Anonymous::Hide => graph.has_user(root),
            Anonymous::Include => true,
            Anonymous::Only => !graph.has_user(root),
        } && filter.seen_after.is_none_or(|time| seen.is_some_and(|seen| seen >= time))
            && filter.seen_before.is_none_or(|time| seen.is_some_and(|seen| seen < time))
            && self.members.as_ref().is_none_or(|members| members.has(root))
            && self.did.as_ref().is_none_or(|did| did.has(root));
        if !passes || !filter.incomplete || !graph.has_user(root) {
            return Ok(passes);
        }
        Ok(face(self.snapshot, root)?.email.is_none())
    }
}

/// A set of people: one bit for each node there is.
struct Roots(Vec<u64>);

impl Roots {
    /// The people that these nodes belong to now.
    fn of(snapshot: &dyn Snapshot, nodes: impl IntoIterator<Item = u32>) -> Self {
        let graph = snapshot.graph();
        let mut bits = vec![0; graph.len() as usize / 64 + 1];
        for node in nodes.into_iter().filter(|node| *node < graph.len()) {
            let root = graph.root(NodeNo(node)).0;
            if let Some(word) = bits.get_mut(root as usize / 64) {
                *word |= 1 << (root % 64);
            }
        }
        Self(bits)
    }

    fn has(&self, root: NodeNo) -> bool {
        self.0.get(root.0 as usize / 64).is_some_and(|word| word >> (root.0 % 64) & 1 == 1)
    }

    /// Shows them in the order of their numbers, or in the opposite one.
    fn each(&self, backwards: bool, look: &mut dyn FnMut(NodeNo)) {
        let words = self.0.iter().copied().zip((0_u32..).step_by(64));
        if backwards {
            let words: Vec<(u64, u32)> = words.collect();
            for (mut left, first) in words.into_iter().rev() {
                while left != 0 {
                    let bit = left.ilog2();
                    look(NodeNo(first + bit));
                    left &= !(1 << bit);
                }
            }
        } else {
            for (mut left, first) in words {
                while left != 0 {
                    look(NodeNo(first + left.trailing_zeros()));
                    left &= left - 1;
                }
            }
        }
    }
}
