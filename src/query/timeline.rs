//! Pages of calls, newest first: a person's timeline, a group's, and what the feed shares with them.

use super::as_of::person_as_of;
use super::cursor::Page;
use super::error::QueryError;
use super::face::face;
use super::item::{Item, ItemType, Lines, heartbeat, link};
use super::json::Listing;
use super::scan::{Budget, ROWS_MAX, Scan, Union};
use crate::call::time::Time;
use crate::journal::Sequence;
use crate::views::entry::{Entry, EntryKind, ListId, Place};
use crate::views::identity::NodeNo;
use crate::views::names::{NameNo, SourceNo};
use crate::views::snapshot::Snapshot;

/// Cards that one page reads at most, when heartbeats are many.
const CARDS_MAX: usize = 5_000;

/// Which calls are wanted.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Filter {
    /// Of this type.
    pub kind: Option<ItemType>,
    /// Of one of these event, page or screen names, if any are given.
    pub events: Vec<String>,
    /// From this source.
    pub source: Option<String>,
    /// Not before.
    pub since: Option<Time>,
    /// Before.
    pub until: Option<Time>,
}

/// The timeline of the person that a node belongs to; with `before`, as it was before that record.
///
/// # Errors
/// When the cursor is not of this list, the node had not appeared, or the views cannot be read.
pub fn timeline(
    snapshot: &dyn Snapshot,
    node: NodeNo,
    before: Option<Sequence>,
    filter: &Filter,
    page: &Page<'_>,
) -> Result<Listing<Item>, QueryError> {
    let graph = snapshot.graph();
    let (nodes, person) = match before {
        None => {
            let root = graph.root(node);
            (graph.ids(root), face(snapshot, root)?)
        }
        Some(before) => (graph.ids_at(node, before).1, person_as_of(snapshot, node, before)?.face()),
    };
    let wanted = Wanted::new(snapshot, filter, before);
    let lists = nodes.into_iter().map(ListId::Node).collect();
    turn(snapshot, lists, None, wanted.as_ref(), Lines::of(snapshot, person, before), page)
}

/// A filter in the numbers that entries hold.
pub(super) struct Wanted {
    pub(super) names: Option<Vec<NameNo>>,
    source: Option<SourceNo>,
    kind: Option<ItemType>,
    since: Option<Time>,
    until: Option<Time>,
    before: Option<Sequence>,
    /// Only track, page and screen calls.
    pub(super) events_only: bool,
    /// Not those whose name is hidden.
    pub(super) visible_only: bool,
}

impl Wanted {
    /// None when the filter names something that never appeared: nothing matches then.
    pub(super) fn new(snapshot: &dyn Snapshot, filter: &Filter, before: Option<Sequence>) -> Option<Self> {
        let called = || filter.events.iter().flat_map(|event| snapshot.names_called(event)).collect::<Vec<_>>();
        let names = (!filter.events.is_empty()).then(called);
        if names.as_ref().is_some_and(Vec::is_empty) {
            return None;
        }
        let source = match &filter.source {
            Some(name) => Some(snapshot.source_no(name)?),
            None => None,
        };
        Some(Self {
            names,
            source,
            kind: filter.kind,
            since: filter.since,
            until: filter.until,
            before,
            events_only: false,
            visible_only: false,
        })
    }

    fn takes(&self, snapshot: &dyn Snapshot, entry: &Entry) -> bool {
        let tag = &entry.tag;
        let is_event = matches!(tag.kind, EntryKind::Track | EntryKind::Page | EntryKind::Screen);
        let is_kind = |kind: ItemType| {
            let joined = link(snapshot, tag.kind, entry.place.sequence, self.before).is_some();
            ItemType::of(tag.kind, joined) == kind
        };
        (is_event || !self.events_only)
            && self.before.is_none_or(|before| entry.place.sequence < before)
            && self.source.is_none_or(|source| source == tag.source)
            && self.names.as_ref().is_none_or(|names| is_event && names.contains(&tag.name))
            && self.kind.is_none_or(is_kind)
            && !(self.visible_only && snapshot.name(tag.name).is_some_and(|name| name.hidden))
    }

    /// Where reading begins: after the page before, and before `until`.
    fn start(&self, page: &Page<'_>) -> Result<Option<Place>, QueryError> {
        let until = self.until.map(|time| Place { time, sequence: Sequence::FIRST });
        Ok(match (page.place()?, until) {
            (Some(cursor), Some(until)) => Some(cursor.min(until)),
            (cursor, until) => cursor.or(until),
        })
    }
}

/// One page of what stands in any of `lists`, and in `also_in` as well.
pub(super) fn turn(
    snapshot: &dyn Snapshot,
    lists: Vec<ListId>,
    also_in: Option<ListId>,
    wanted: Option<&Wanted>,
    mut lines: Lines<'_>,
    page: &Page<'_>,
) -> Result<Listing<Item>, QueryError> {
    let Some(wanted) = wanted else {
        page.place()?;
        return Ok(Listing::new(Vec::new(), None, snapshot.through()));
    };
    let start = wanted.start(page)?;
    let budget = Budget::new(snapshot, ROWS_MAX);
    let rows = Union::new(snapshot, lists, start, &budget)?;
    let also_in = also_in.map(|list| Union::new(snapshot, [list], start, &budget)).transpose()?;
    let mut rows =
        Rows { snapshot, wanted, scan: Scan::new(rows, also_in), budget: &budget, peeked: None, ended: false };
    let mut items: Vec<Item> = Vec::new();
    let (mut beat, mut last, mut cards_read) = (None, None, 0);
    // Every page gets on, however little time there is.
    while items.len() < page.limit && cards_read < CARDS_MAX && (cards_read == 0 || snapshot.has_time()) {
        let entries = rows.take(page.limit - items.len())?;
        let Some(final_entry) = entries.last() else { break };
        last = Some(final_entry.place);
        cards_read += entries.len();
        let sequences: Vec<Sequence> = entries.iter().map(|entry| entry.place.sequence).collect();
        for card in snapshot.cards(&sequences)? {
            let this = heartbeat(&card);
            match items.last_mut() {
                Some(line) if this.is_some() && this == beat => line.collapsed = Some(line.collapsed.unwrap_or(1) + 1),
                _ => items.push(lines.line(card)?),
            }
            beat = this;
        }
    }
    let next = rows.resume(last)?.map(|place| page.after_place(place));
    let through = wanted.before.unwrap_or(snapshot.through());
    Ok(Listing::new(items, next, through))
}

/// The entries that are wanted.
struct Rows<'a> {
    snapshot: &'a dyn Snapshot,
    wanted: &'a Wanted,
    scan: Scan<'a>,
    budget: &'a Budget<'a>,
    peeked: Option<Entry>,
    ended: bool,
}

impl Rows<'_> {
    fn next(&mut self) -> Result<Option<Entry>, QueryError> {
        if let Some(entry) = self.peeked.take() {
            return Ok(Some(entry));
        }
        while !self.ended {
            let Some(entry) = self.scan.next()? else { break };
            if self.wanted.since.is_some_and(|since| entry.place.time < since) {
                self.ended = true;
                return Ok(None);
            }
            if self.wanted.takes(self.snapshot, &entry) {
                return Ok(Some(entry));
            }
        }
        Ok(None)
    }

    fn take(&mut self, count: usize) -> Result<Vec<Entry>, QueryError> {
        let mut entries = Vec::with_capacity(count.min(CARDS_MAX));
        while entries.len() < count {
            let Some(entry) = self.next()? else { break };
            entries.push(entry);
        }
        Ok(entries)
    }

    /// Where the next page begins: none if there is nothing more. After a spent budget it begins where reading ended.
    fn resume(&mut self, last: Option<Place>) -> Result<Option<Place>, QueryError> {
        self.peeked = self.next()?;
        if self.peeked.is_some() {
            return Ok(last);
        }
        Ok(if self.budget.is_spent() && !self.ended { self.scan.reached() } else { None })
    }
}
