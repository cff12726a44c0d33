//! Calls of a person in the shape of the Profile API.

use std::collections::BTreeMap;

use serde::Serialize;
use serde_json::value::RawValue;

use super::{Cursor, List};
use crate::call::time::Time;
use crate::query::cursor::Page;
use crate::query::error::QueryError;
use crate::query::feed::{FeedFilter, feed};
use crate::query::json::time;
use crate::views::card::Card;
use crate::views::identity::{IdKind, NodeNo};
use crate::views::snapshot::Snapshot;

/// An id that a call carried.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Related {
    /// `users`.
    pub collection: &'static str,
    /// `user_id` or `anonymous_id`.
    pub r#type: &'static str,
    /// As sent.
    pub id: String,
    /// `none`: nothing is hashed.
    pub encoding: &'static str,
}

/// One call.
#[derive(Clone, Debug, Serialize)]
pub struct Call {
    /// The ids that it carried.
    pub external_ids: Vec<Related>,
    /// As sent.
    pub context: Box<RawValue>,
    /// `track`, `page` or `screen`.
    pub r#type: &'static str,
    /// Its message id.
    pub message_id: String,
    /// Name of its source.
    pub source_id: String,
    /// When it happened.
    #[serde(serialize_with = "time")]
    pub timestamp: Time,
    /// As sent.
    pub properties: Box<RawValue>,
    /// The event, or the full name of a page or screen.
    pub event: Option<String>,
    /// Whose it is: the person's id, under `users`.
    pub related: BTreeMap<&'static str, String>,
}

/// One page of what the person with this root did, newest first; only these events, if any are named.
///
/// # Errors
/// When the cursor is not of this list, or the views cannot be read.
pub fn events(
    snapshot: &dyn Snapshot,
    root: NodeNo,
    include: &[String],
    page: &Page<'_>,
) -> Result<List<Call>, QueryError> {
    let mut filter = FeedFilter { person: Some(root), hidden: true, ..FeedFilter::default() };
    filter.calls.events = include.to_vec();
    let found = feed(snapshot, &filter, page)?;
    let sequences: Vec<_> = found.items.iter().map(|item| crate::journal::Sequence::new(item.sequence)).collect();
    let mut carried: BTreeMap<u64, Vec<Related>> =
        snapshot.cards(&sequences)?.iter().map(|card| (card.sequence.get(), ids(card))).collect();
    let calls = found.items.into_iter().map(|item| Call {
        external_ids: carried.remove(&item.sequence).unwrap_or_default(),
        context: item.context,
        r#type: item.kind,
        message_id: item.message_id,
        source_id: item.source,
        timestamp: item.timestamp,
        properties: item.properties,
        event: item.event,
        related: item.person.into_iter().map(|person| ("users", person.id)).collect(),
    });
    Ok(List { data: calls.collect(), cursor: Cursor::of(page, found.next) })
}

fn ids(card: &Card) -> Vec<Related> {
    let both = [(IdKind::User, &card.user_id), (IdKind::Anonymous, &card.anonymous_id)];
    let related = |kind: IdKind, id: &String| Related {
        collection: "users",
        r#type: kind.as_str(),
        id: id.clone(),
        encoding: "none",
    };
    both.into_iter().filter_map(|(kind, id)| Some(related(kind, id.as_ref()?))).collect()
}
