//! The event catalogue: every event, page and screen name that ever came.

use serde::Serialize;

use super::category;
use super::cursor::{Page, TextRow};
use super::error::QueryError;
use super::item::ItemType;
use super::json::{Listing, time};
use super::order::First;
use super::scan::Watch;
use crate::call::time::Time;
use crate::views::entry::EntryKind;
use crate::views::names::{Name, NameNo};
use crate::views::snapshot::Snapshot;

/// Letters and bytes of a name that order; longer ones that begin alike are in the order of appearance.
const NAME_LETTERS_MAX: usize = 256;
const NAME_BYTES_MAX: usize = 256;

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

/// What names are ordered by.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[expect(missing_docs, reason = "the names in the API")]
pub enum EventSort {
    #[default]
    Count,
    LastSeen,
    Name,
}

/// One page of the names that contain `search`, letter case aside, in this order.
///
/// # Errors
/// When the cursor is not of this list.
pub fn events(
    snapshot: &dyn Snapshot,
    search: Option<&str>,
    (sort, is_descending): (EventSort, bool),
    page: &Page<'_>,
) -> Result<Listing<EventName>, QueryError> {
    let search = search.map(str::to_lowercase);
    let is_wanted = |name: &Name| search.as_ref().is_none_or(|search| name.text.to_lowercase().contains(search));
    if sort == EventSort::Name {
        return by_name(snapshot, &is_wanted, is_descending, page);
    }
    let mut first = First::new(page.limit, is_descending, page.row()?);
    let watch = Watch::new(snapshot);
    for (number, name) in snapshot.names() {
        watch.in_time()?;
        let rank = match sort {
            EventSort::LastSeen => Some(name.last_seen.as_millis()),
            EventSort::Count | EventSort::Name => i64::try_from(name.count).ok(),
        };
        if first.may_take(rank) && is_wanted(name) {
            first.offer(rank, tie(number), name);
        }
    }
    let (rows, last) = first.into_rows();
    let items = rows.into_iter().map(EventName::of).collect();
    Ok(Listing::new(items, last.map(|row| page.after_row(&row)), snapshot.through()))
}

fn tie(number: NameNo) -> [u8; 16] {
    u128::from(number.0).to_be_bytes()
}

/// By the text, letter case aside.
fn by_name(
    snapshot: &dyn Snapshot,
    is_wanted: &dyn Fn(&Name) -> bool,
    is_descending: bool,
    page: &Page<'_>,
) -> Result<Listing<EventName>, QueryError> {
    let (after, watch) = (page.text_row()?, Watch::new(snapshot));
    let order = |one: &TextRow, other: &TextRow| {
        let by_text = one.text.cmp(&other.text);
        (if is_descending { by_text.reverse() } else { by_text }).then(one.tie.cmp(&other.tie))
    };
    let mut rows = Vec::new();
    for (number, name) in snapshot.names() {
        watch.in_time()?;
        let row = TextRow { text: Some(folded(&name.text)), tie: tie(number) };
        if after.as_ref().is_none_or(|after| order(&row, after).is_gt()) && is_wanted(name) {
            rows.push((row, name));
        }
    }
    rows.sort_unstable_by(|(one, _), (other, _)| order(one, other));
    let has_more = rows.len() > page.limit;
    rows.truncate(page.limit);
    let next = rows.last().filter(|_| has_more).map(|(row, _)| page.after_text(row));
    let items = rows.into_iter().map(|(_, name)| EventName::of(name)).collect();
    Ok(Listing::new(items, next, snapshot.through()))
}

/// What of a name its order looks at, so that a cursor stays small.
fn folded(text: &str) -> String {
    let mut text: String = text.chars().take(NAME_LETTERS_MAX).collect::<String>().to_lowercase();
    let end = (0..=NAME_BYTES_MAX.min(text.len())).rev().find(|at| text.is_char_boundary(*at));
    text.truncate(end.unwrap_or_default());
    text
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
