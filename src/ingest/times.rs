//! When a message happened: the sender's clock, corrected by how wrong it was when it sent.

use super::value::{Members, Value};
use super::wire::{Field, Span};
use crate::call::time::Time;

/// How a message's `timestamp` is meant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Rule {
    /// By the sender's clock.
    BySender,
    /// Already corrected by another server, which also sent `originalTimestamp`.
    Corrected,
    /// Out of a file: it was sent and received long ago, nobody knows when, so nothing can be corrected.
    Archived,
}

/// The times of one message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Times {
    pub(super) timestamp: Time,
    pub(super) original: Time,
    pub(super) sent_at: Option<Time>,
    /// The time of receipt stands in for the sender's.
    pub(super) replaced: bool,
    /// What was sent as time and could not be read.
    pub(super) unreadable: Option<Span>,
}

impl Times {
    /// Reads them. `shared` says when all of a batch was sent; the message's own word counts more.
    pub(super) fn read(members: Members<'_>, shared: Option<Time>, received_at: Time, rule: Rule) -> Self {
        let sent_at = sent_at(members).or(shared);
        let (first, second) = (members.get(Field::OriginalTimestamp).time(), members.get(Field::Timestamp).time());
        if let (Rule::Corrected | Rule::Archived, Ok(Some(timestamp))) = (rule, second) {
            let original = first.ok().flatten().unwrap_or(timestamp);
            return Self { timestamp, original, sent_at, replaced: false, unreadable: None }.plausible(received_at);
        }
        let Some(original) = first.ok().flatten().or(second.ok().flatten()) else {
            let field = if first.is_err() { Field::OriginalTimestamp } else { Field::Timestamp };
            let unreadable = (first.is_err() || second.is_err()).then(|| members.message.get(field));
            let original = sent_at.unwrap_or(received_at);
            let timestamp = if rule == Rule::Archived { original } else { received_at };
            return Self { timestamp, original, sent_at, replaced: true, unreadable }.plausible(received_at);
        };
        let timestamp = match (rule, sent_at) {
            (Rule::BySender | Rule::Corrected, Some(sent_at)) => received_at.corrected(original, sent_at),
            (Rule::Archived, _) | (_, None) => original,
        };
        Self { timestamp, original, sent_at, replaced: false, unreadable: None }.plausible(received_at)
    }

    fn plausible(mut self, received_at: Time) -> Self {
        if !self.timestamp.is_plausible() {
            (self.timestamp, self.replaced) = (received_at, true);
        }
        self
    }
}

/// The time at which a message, or all of a batch, says it was sent.
pub(super) fn sent_at(members: Members<'_>) -> Option<Time> {
    members.get(Field::SentAt).time().ok().flatten()
}

/// The time at which a message says it was received.
pub(super) fn received_at(members: Members<'_>) -> Option<Time> {
    match members.get(Field::ReceivedAt) {
        Value::Absent => None,
        value => value.time().ok().flatten(),
    }
}
