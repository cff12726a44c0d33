//! The feed: what happened, of all people.

use super::cursor::Page;
use super::error::QueryError;
pub use super::item::Item as FeedItem;
use super::item::Lines;
use super::json::Listing;
use super::timeline::{Filter, Wanted, turn};
use crate::call::Marks;
use crate::journal::Sequence;
use crate::views::entry::{EntryKind, ListId};
use crate::views::identity::NodeNo;
use crate::views::names::NameNo;
use crate::views::snapshot::Snapshot;

/// Lists by name that are read as one instead of the whole feed, when little of it is visible.
const NAMES_MAX: usize = 32;
/// Little: less than one call in so many.
const RARE: u64 = 16;
/// Names that are looked at to find that out.
const CATALOGUE_MAX: usize = 10_000;

/// Which calls the feed shows.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct FeedFilter {
    /// What timelines are filtered by, too.
    pub calls: Filter,
    /// Only of the person of this node.
    pub person: Option<NodeNo>,
    /// Only those filed under this group.
    pub group: Option<String>,
    /// Also names that are hidden.
    pub hidden: bool,
}

/// One page of the feed, newest first.
///
/// # Errors
/// When the cursor is not of this list, or the views cannot be read.
pub fn feed(snapshot: &dyn Snapshot, filter: &FeedFilter, page: &Page<'_>) -> Result<Listing<FeedItem>, QueryError> {
    let group = match filter.group.as_deref().map(|id| snapshot.group_no(id)) {
        Some(None) => return turn(snapshot, Vec::new(), None, None, Lines::new(snapshot), page),
        group => group.flatten().map(ListId::Group),
    };
    let mut wanted = Wanted::new(snapshot, &filter.calls, None);
    if let Some(wanted) = &mut wanted {
        wanted.events_only = true;
        wanted.visible_only = !filter.hidden;
    }
    let names = wanted.as_ref().and_then(|wanted| wanted.names.clone());
    let (lists, also_in) = match (filter.person, group, names) {
        (Some(node), group, _) => (snapshot.graph().ids(node).into_iter().map(ListId::Node).collect(), group),
        (None, Some(group), _) => (vec![group], None),
        (None, None, Some(names)) => (names.into_iter().map(ListId::Name).collect(), None),
        (None, None, None) => (widest(snapshot, filter), None),
    };
    turn(snapshot, lists, also_in, wanted.as_ref(), Lines::new(snapshot), page)
}

/// The lists to read when neither person, group nor name narrows them.
fn widest(snapshot: &dyn Snapshot, filter: &FeedFilter) -> Vec<ListId> {
    if let Some(source) = filter.calls.source.as_deref().and_then(|name| snapshot.source_no(name)) {
        return vec![ListId::Source(source)];
    }
    match rare_names(snapshot) {
        Some(names) if !filter.hidden => names.into_iter().map(ListId::Name).collect(),
        _ => vec![ListId::Feed],
    }
}

/// The visible names, if they are few and so are their calls.
fn rare_names(snapshot: &dyn Snapshot) -> Option<Vec<NameNo>> {
    let (mut visible, mut visible_calls, mut calls) = (Vec::new(), 0, 0_u64);
    for (seen, (number, name)) in snapshot.names().enumerate() {
        calls += name.count;
        if !name.hidden {
            visible_calls += name.count;
            visible.push(number);
        }
        if visible.len() > NAMES_MAX || seen >= CATALOGUE_MAX {
            return None;
        }
    }
    (visible_calls < calls / RARE).then_some(visible)
}

/// The lines of those of these records that the feed has, hidden ones too, in the same order: what a live feed shows.
///
/// # Errors
/// When the views cannot be read.
pub fn items(snapshot: &dyn Snapshot, sequences: &[Sequence]) -> Result<Vec<FeedItem>, QueryError> {
    let mut lines = Lines::new(snapshot);
    let cards = snapshot.cards(sequences)?.into_iter().filter(|card| {
        let is_event = matches!(card.kind, EntryKind::Track | EntryKind::Page | EntryKind::Screen);
        is_event && !card.marks.has(Marks::FILTERED)
    });
    cards.map(|card| lines.line(card)).collect()
}
