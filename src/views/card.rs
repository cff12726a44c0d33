//! A card: what a page shows of one call, kept beside the views so that a page does not read the journal.

use crate::call::time::Time;
use crate::call::{CallType, Marks, Target};
use crate::journal::{Record, Sequence};
use crate::views::entry::EntryKind;

/// One call, as lists show it. JSON parts are the text that came in, already checked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Card {
    /// The record.
    pub sequence: Sequence,
    /// What it is.
    pub kind: EntryKind,
    /// Its source.
    pub source: String,
    /// Its message id.
    pub message_id: String,
    /// Its userId.
    pub user_id: Option<String>,
    /// Its anonymousId.
    pub anonymous_id: Option<String>,
    /// The group of a group call, the previousId of an alias.
    pub target: Option<String>,
    /// The event of a track call; the name of a page or screen; what the operator did (`merge`, `undo`, ...).
    pub name: Option<String>,
    /// The category of a page or screen.
    pub category: Option<String>,
    /// When it happened, corrected for the sender's clock.
    pub timestamp: Time,
    /// When it was received.
    pub received_at: Time,
    /// Traits or properties: JSON text of an object.
    pub payload: String,
    /// JSON text of an object.
    pub context: String,
    /// How it was read.
    pub marks: Marks,
}

impl Card {
    /// The card of a record.
    pub fn from_record(record: &Record<'_>) -> Self {
        let call = &record.call;
        Self {
            sequence: record.sequence,
            kind: kind_of(call.kind, call.marks),
            source: record.source.to_owned(),
            message_id: call.message_id.as_str().to_owned(),
            user_id: call.user_id.as_ref().map(|id| id.as_str().to_owned()),
            anonymous_id: call.anonymous_id.as_ref().map(|id| id.as_str().to_owned()),
            target: match &call.target {
                Target::None => None,
                Target::Group(id) => Some(id.as_str().to_owned()),
                Target::Previous(id) => Some(id.as_str().to_owned()),
            },
            name: call.name.as_deref().map(str::to_owned),
            category: call.category.as_deref().map(str::to_owned),
            timestamp: call.timestamp,
            received_at: record.received_at,
            payload: call.payload.clone().into_owned(),
            context: call.context.clone().into_owned(),
            marks: call.marks,
        }
    }
}

/// What kind of entry a call is.
pub(super) const fn kind_of(kind: CallType, marks: Marks) -> EntryKind {
    if marks.has(Marks::CONTROL) {
        return EntryKind::Control;
    }
    match kind {
        CallType::Identify => EntryKind::Identify,
        CallType::Track => EntryKind::Track,
        CallType::Page => EntryKind::Page,
        CallType::Screen => EntryKind::Screen,
        CallType::Group => EntryKind::Group,
        CallType::Alias => EntryKind::Alias,
    }
}
