//! The calls of the feed, newest first.

use super::csv::Line;
use super::{Rows, Sheet};
use crate::query::cursor::{CursorKey, Page};
use crate::query::error::QueryError;
use crate::query::feed::{FeedFilter, feed};
use crate::query::item::Item;
use crate::views::snapshot::Snapshot;

const COLUMNS: &[&str] = &[
    "sequence",
    "message_id",
    "type",
    "event",
    "title",
    "category",
    "timestamp",
    "received_at",
    "person_id",
    "person_name",
    "person_email",
    "group_id",
    "group_name",
    "source",
    "hidden",
    "properties",
    "context",
];
/// Calls of one page of the feed.
const PAGE_ITEMS: usize = 50;

/// The calls that the feed shows with this filter, one row each.
#[derive(Debug)]
pub struct FeedRows {
    filter: FeedFilter,
    key: CursorKey,
    cursor: Option<String>,
}

impl FeedRows {
    /// From the newest one on.
    pub fn new(filter: FeedFilter) -> Self {
        // Its cursors never leave it, so anything will do for a secret.
        Self { filter, key: CursorKey::new(b"rows of the feed"), cursor: None }
    }
}

impl Rows for FeedRows {
    fn columns(&self) -> &'static [&'static str] {
        COLUMNS
    }

    fn write(&mut self, snapshot: &dyn Snapshot, sheet: &mut Sheet) -> Result<bool, QueryError> {
        loop {
            let page =
                Page { limit: PAGE_ITEMS, cursor: self.cursor.as_deref(), key: &self.key, route: "", filter: "" };
            let found = feed(snapshot, &self.filter, &page)?;
            for one in &found.items {
                sheet.row(one, |line| cells(one, line))?;
            }
            self.cursor = found.next;
            if self.cursor.is_none() || sheet.is_full() || !snapshot.has_time() {
                return Ok(self.cursor.is_some());
            }
        }
    }
}

fn cells(one: &Item, line: &mut Line<'_>) {
    line.number(one.sequence);
    line.text(&one.message_id);
    line.text(one.kind);
    line.maybe(one.event.as_deref());
    line.text(&one.title);
    line.maybe(one.category);
    line.time(Some(one.timestamp));
    line.time(Some(one.received_at));
    line.maybe(one.person.as_ref().map(|person| person.id.as_str()));
    line.maybe(one.person.as_ref().and_then(|person| person.name.as_deref()));
    line.maybe(one.person.as_ref().and_then(|person| person.email.as_deref()));
    line.maybe(one.group.as_ref().map(|group| group.id.as_str()));
    line.maybe(one.group.as_ref().and_then(|group| group.name.as_deref()));
    line.text(&one.source);
    line.flag(one.hidden);
    line.text(one.properties.get());
    line.text(one.context.get());
}
