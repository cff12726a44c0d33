//! The list of people: filtered and ordered in one pass over what memory holds; only the people of the page are read.

use std::cell::RefCell;

use roaring::RoaringBitmap;

use super::cursor::{Page, Row, TextRow};
use super::error::QueryError;
use super::json::Listing;
use super::order::First;
use super::person::{Person, person};
use super::scan::Watch;
use crate::call::time::Time;
use crate::views::identity::{NodeKey, NodeNo};
use crate::views::snapshot::Snapshot;
use crate::views::state::Summary;
pub use count::{Count, count};
pub(super) use filter::Test;
pub use filter::{Anonymous, PeopleFilter};

mod count;
mod filter;

/// People that are asked of the search at once when it orders them.
const SORTED_AT_ONCE: usize = 1_000;
/// How often it is asked for one page.
const ASKED_MAX: usize = 100;

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
    let first = RefCell::new(First::new(page.limit, is_descending, page.row()?));
    let Some(test) = Test::of_some(snapshot, filter, found) else {
        return Ok(Listing::new(Vec::new(), None, snapshot.through()));
    };
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
        let summary = snapshot.summary(root);
        let rank = rank(sort, &summary);
        if first.borrow().may_take(rank) {
            match test.takes(root, &summary) {
                Ok(true) => first.borrow_mut().offer(rank, graph.key(root).0, root),
                Ok(false) => {}
                Err(error) => failed = Some(error),
            }
        }
    };
    if is_descending {
        test.each_first(|best| rank(sort, best), |best| first.borrow().may_come(best), &mut look);
    } else {
        test.each(&mut look);
    }
    if let Some(error) = failed {
        return Err(error);
    }
    let (rows, last) = first.into_inner().into_rows();
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

pub(super) fn rank(sort: Sort, summary: &Summary) -> Option<i64> {
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
    let Some(test) = Test::of_some(snapshot, filter, None) else {
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
