//! Reading lists: several as one, newest first, within a budget of rows and time.

use std::cell::Cell;
use std::collections::BinaryHeap;

use super::error::QueryError;
use crate::views::entry::{Entry, ListId, Place};
use crate::views::snapshot::{Snapshot, ViewError};

/// Rows between two looks at the time.
const ROWS_BETWEEN_LOOKS: u32 = 256;

/// Goes on while somebody waits for the answer.
///
/// # Errors
/// When nobody does.
pub(super) fn in_time(snapshot: &dyn Snapshot) -> Result<(), QueryError> {
    if snapshot.has_time() { Ok(()) } else { Err(QueryError::TooSlow) }
}

/// Looks at the time now and then: a look costs more than most rows.
pub(super) struct Watch<'a> {
    snapshot: &'a dyn Snapshot,
    rows: Cell<u32>,
}

impl<'a> Watch<'a> {
    pub(super) fn new(snapshot: &'a dyn Snapshot) -> Self {
        Self { snapshot, rows: Cell::new(0) }
    }

    /// Called for each row: whether to go on.
    pub(super) fn has_time(&self) -> bool {
        self.rows.set(self.rows.get().wrapping_add(1));
        !self.rows.get().is_multiple_of(ROWS_BETWEEN_LOOKS) || self.snapshot.has_time()
    }

    /// The same as an error.
    pub(super) fn in_time(&self) -> Result<(), QueryError> {
        if self.has_time() { Ok(()) } else { Err(QueryError::TooSlow) }
    }
}

/// How many rows one request may still look at, while somebody waits for it.
pub(super) struct Budget<'a> {
    rows: Cell<usize>,
    watch: Watch<'a>,
}

/// Rows that one request may look at.
pub(super) const ROWS_MAX: usize = 200_000;

impl<'a> Budget<'a> {
    pub(super) fn new(snapshot: &'a dyn Snapshot, rows: usize) -> Self {
        Self { rows: Cell::new(rows), watch: Watch::new(snapshot) }
    }

    /// Takes one row; whether there was one left.
    fn take(&self) -> bool {
        let left = if self.watch.has_time() { self.rows.get() } else { 0 };
        self.rows.set(left.saturating_sub(1));
        left > 0
    }

    pub(super) fn is_spent(&self) -> bool {
        self.rows.get() == 0
    }
}

type Rows<'a> = Box<dyn Iterator<Item = Result<Entry, ViewError>> + 'a>;

/// The newest entry of one list that was not taken yet.
struct Head<'a> {
    entry: Entry,
    rest: Rows<'a>,
}

impl PartialEq for Head<'_> {
    fn eq(&self, other: &Self) -> bool {
        self.entry.place == other.entry.place
    }
}

impl Eq for Head<'_> {}

impl PartialOrd for Head<'_> {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Head<'_> {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        self.entry.place.cmp(&other.entry.place)
    }
}

/// Several lists as one, newest first; what stands in two of them comes once. It ends when the budget is spent, too.
pub(super) struct Union<'a> {
    heads: BinaryHeap<Head<'a>>,
    budget: &'a Budget<'a>,
    last: Option<Place>,
}

impl<'a> Union<'a> {
    /// The entries from `before` (not included) on.
    pub(super) fn new(
        snapshot: &'a dyn Snapshot,
        lists: impl IntoIterator<Item = ListId>,
        before: Option<Place>,
        budget: &'a Budget<'a>,
    ) -> Result<Self, QueryError> {
        let (mut heads, watch) = (BinaryHeap::new(), Watch::new(snapshot));
        for list in lists {
            watch.in_time()?;
            let mut rest = snapshot.list(list, before);
            if let Some(entry) = rest.next().transpose()? {
                heads.push(Head { entry, rest });
            }
        }
        Ok(Self { heads, budget, last: None })
    }

    fn pop(&mut self) -> Result<Option<Entry>, ViewError> {
        let Some(mut head) = self.heads.peek_mut() else { return Ok(None) };
        let entry = head.entry;
        match head.rest.next().transpose()? {
            Some(next) => head.entry = next,
            None => drop(std::collections::binary_heap::PeekMut::pop(head)),
        }
        Ok(Some(entry))
    }

    /// The next entry; none at the end, or when the budget is spent.
    pub(super) fn next(&mut self) -> Result<Option<Entry>, ViewError> {
        while !self.heads.is_empty() && self.budget.take() {
            let Some(entry) = self.pop()? else { return Ok(None) };
            if self.last != Some(entry.place) {
                self.last = Some(entry.place);
                return Ok(Some(entry));
            }
        }
        Ok(None)
    }
}

/// What stands in one union, and in the other as well if there is one.
pub(super) struct Scan<'a> {
    rows: Union<'a>,
    also_in: Option<Union<'a>>,
}

impl<'a> Scan<'a> {
    pub(super) fn new(rows: Union<'a>, also_in: Option<Union<'a>>) -> Self {
        Self { rows, also_in }
    }

    /// The next entry; none at the end, or when the budget is spent.
    pub(super) fn next(&mut self) -> Result<Option<Entry>, ViewError> {
        let Some(mut row) = self.rows.next()? else { return Ok(None) };
        let Some(also_in) = &mut self.also_in else { return Ok(Some(row)) };
        let Some(mut other) = also_in.next()? else { return Ok(None) };
        while row.place != other.place {
            let behind = if row.place > other.place { (&mut self.rows, &mut row) } else { (&mut *also_in, &mut other) };
            match behind.0.next()? {
                Some(entry) => *behind.1 = entry,
                None => return Ok(None),
            }
        }
        Ok(Some(row))
    }

    /// Everything before this place has been looked at.
    pub(super) fn reached(&self) -> Option<Place> {
        let other = self.also_in.as_ref().and_then(|union| union.last);
        self.rows.last.max(other)
    }
}
