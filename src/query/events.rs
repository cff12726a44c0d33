//! The event catalogue: every event, page and screen name that ever came.

use serde::Serialize;

use super::category;
use super::cursor::Page;
use super::error::QueryError;
use super::item::ItemType;
use super::json::{Listing, time};
use super::order::First;
use super::scan::Watch;
use crate::call::time::Time;
use crate::views::entry::EntryKind;
use crate::views::names::Name;
use crate::views::snapshot::Snapshot;

/// One name of the catalogue.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct EventName {
    /// The event, or the full name of a page or screen.
    pub name: String,
    /// `track`, `page` or `screen`.
    pub r#type: &'static str,
    /// The chapter of the specification that it is from.
    pub category: Option<&'static str>,
    /// Calls so far.
    pub count: u64,
    /// When the first one happened.
    #[serde(serialize_with = "time")]
    pub first_seen: Time,
    /// When the last one happened.
    #[serde(serialize_with = "time")]
    pub last_seen: Time,
    /// Whether the feed leaves it out.
    pub hidden: bool,
}

impl EventName {
    fn of(name: &Name) -> Self {
        Self {
            name: name.text.clone(),
            r#type: ItemType::of(name.kind, false).as_str(),
            category: category::of(&name.text).filter(|_| name.kind == EntryKind::Track),
            count: name.count,
            first_seen: name.first_seen,
            last_seen: name.last_seen,
            hidden: name.hidden,
        }
    }
}

/// One page of the names that contain `search`, letter case aside: those with most calls first.
///
/// # Errors
/// When the cursor is not of this list.
pub fn events(
    snapshot: &dyn Snapshot,
    search: Option<&str>,
    page: &Page<'_>,
) -> Result<Listing<EventName>, QueryError> {
    let search = search.map(str::to_lowercase);
    let mut first = First::new(page.limit, true, page.row()?);
    let watch = Watch::new(snapshot);
    for (number, name) in snapshot.names() {
        watch.in_time()?;
        let rank = i64::try_from(name.count).ok();
        if first.may_take(rank) && search.as_ref().is_none_or(|search| name.text.to_lowercase().contains(search)) {
            first.offer(rank, u128::from(number.0).to_be_bytes(), name);
        }
    }
    let (rows, last) = first.into_rows();
    let items = rows.into_iter().map(EventName::of).collect();
    Ok(Listing::new(items, last.map(|row| page.after_row(&row)), snapshot.through()))
}

/// The entries with exactly this text: at most one each for track, page and screen.
///
/// # Errors
/// When there is none.
pub fn event(snapshot: &dyn Snapshot, text: &str) -> Result<Vec<EventName>, QueryError> {
    let numbers = snapshot.names_called(text);
    let found: Vec<EventName> =
        numbers.into_iter().filter_map(|number| snapshot.name(number)).map(EventName::of).collect();
    if found.is_empty() { Err(QueryError::NotFound("event")) } else { Ok(found) }
}
