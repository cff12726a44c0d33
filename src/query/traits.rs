//! The traits of a person one by one: where each value comes from and what it was before.

use std::collections::BTreeMap;

use serde::Serialize;
use serde_json::value::RawValue;

use super::error::QueryError;
use super::json::{raw, time};
use super::person::parts;
use super::scan::{Budget, ROWS_MAX, Union};
use crate::call::time::Time;
use crate::journal::Sequence;
use crate::views::card::Card;
use crate::views::entry::{EntryKind, ListId};
use crate::views::fold_parts::traits_of;
use crate::views::identity::NodeNo;
use crate::views::snapshot::Snapshot;
use crate::views::state::{Class, Stamp, Trait};

/// Identify calls, from the newest on, that former values are read from.
const CALLS_MAX: usize = 10_000;
/// Cards read at once.
const CARDS_AT_ONCE: usize = 500;
/// Former values of one trait that are shown, from the newest on.
const FORMER_MAX: usize = 100;

/// A value, and the call that set it.
#[derive(Clone, Debug, Serialize)]
pub struct Setting {
    /// Null when a null cleared it.
    pub value: Option<Box<RawValue>>,
    /// When the call happened.
    #[serde(serialize_with = "time")]
    pub time: Time,
    /// Its message id.
    pub message_id: Option<String>,
    /// The call.
    pub sequence: u64,
}

/// One trait.
#[derive(Clone, Debug, Serialize)]
pub struct TraitRow {
    /// Its name.
    pub key: String,
    /// `audience`, `computed`, `journey_step`; null for an ordinary one.
    pub class: Option<&'static str>,
    /// What it is now.
    #[serde(flatten)]
    pub now: Setting,
    /// What it was before, newest first; a value that was only repeated counts once.
    pub former: Vec<Setting>,
}

/// The traits of a person.
#[derive(Clone, Debug, Serialize)]
pub struct TraitList {
    /// By key, cleared ones too.
    pub items: Vec<TraitRow>,
    /// There are no pages.
    pub next: Option<String>,
    /// True for all records below this one.
    pub through: u64,
    /// Whether there are older values than could be read.
    pub cut: bool,
}

/// The traits of the person with this root.
///
/// # Errors
/// When the views cannot be read.
pub fn traits(snapshot: &dyn Snapshot, root: NodeNo) -> Result<TraitList, QueryError> {
    let parts = parts(snapshot, root)?;
    let nodes: Vec<NodeNo> = parts.nodes.iter().map(|(node, _)| *node).collect();
    let (calls, mut cut) = identify_calls(snapshot, &nodes)?;
    let mut ids = message_ids(snapshot, parts.traits.values().map(|found| found.stamp.sequence))?;
    let mut history: BTreeMap<String, Vec<Trait>> = BTreeMap::new();
    for chunk in calls.chunks(CARDS_AT_ONCE) {
        if !snapshot.has_time() {
            cut = true;
            break;
        }
        for card in snapshot.cards(chunk)? {
            let stamp = Stamp { time: card.timestamp, sequence: card.sequence };
            for (key, value) in traits_of(&card.payload, &card.context, stamp) {
                history.entry(key).or_default().push(value);
            }
            ids.insert(card.sequence, card.message_id);
        }
    }
    let setting = |found: &Trait| Setting {
        value: found.value.as_deref().and_then(raw),
        time: found.stamp.time,
        message_id: ids.get(&found.stamp.sequence).cloned(),
        sequence: found.stamp.sequence.get(),
    };
    let rows = parts.traits.iter().map(|(key, now)| TraitRow {
        key: key.clone(),
        class: class_name(now.class),
        now: setting(now),
        former: former(now, history.remove(key).unwrap_or_default()).iter().map(setting).collect(),
    });
    Ok(TraitList { items: rows.collect(), next: None, through: snapshot.through().get(), cut })
}

/// The name of a class in the API.
pub const fn class_name(class: Class) -> Option<&'static str> {
    match class {
        Class::Plain => None,
        Class::Audience => Some("audience"),
        Class::Computed => Some("computed"),
        Class::JourneyStep => Some("journey_step"),
    }
}

/// What a trait was before: from the newest on, each value that differs from the one after it.
fn former(now: &Trait, mut history: Vec<Trait>) -> Vec<Trait> {
    history.retain(|found| found.stamp < now.stamp);
    history.sort_by_key(|found| std::cmp::Reverse(found.stamp));
    let mut values: Vec<Trait> = Vec::new();
    for found in history {
        let after = values.last().unwrap_or(now);
        if after.value != found.value {
            values.push(found);
        }
    }
    values.truncate(FORMER_MAX);
    values
}

/// The newest identify calls of these nodes, and whether there are more.
fn identify_calls(snapshot: &dyn Snapshot, nodes: &[NodeNo]) -> Result<(Vec<Sequence>, bool), QueryError> {
    let budget = Budget::new(snapshot, ROWS_MAX);
    let mut rows = Union::new(snapshot, nodes.iter().copied().map(ListId::Node), None, &budget)?;
    let mut calls = Vec::new();
    while let Some(entry) = rows.next()? {
        if entry.tag.kind == EntryKind::Identify {
            if calls.len() == CALLS_MAX {
                return Ok((calls, true));
            }
            calls.push(entry.place.sequence);
        }
    }
    Ok((calls, budget.is_spent()))
}

fn message_ids(
    snapshot: &dyn Snapshot,
    sequences: impl Iterator<Item = Sequence>,
) -> Result<BTreeMap<Sequence, String>, QueryError> {
    let mut sequences: Vec<Sequence> = sequences.collect();
    sequences.sort_unstable();
    sequences.dedup();
    let id = |card: Card| (card.sequence, card.message_id);
    Ok(snapshot.cards(&sequences)?.into_iter().map(id).collect())
}
