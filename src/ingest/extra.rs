//! Every member of a message that has no place of its own in a call.

use std::borrow::Cow;
use std::collections::HashSet;

use super::times::Times;
use super::value::{Members, Value};
use super::wire::{Field, Member, unescape};
use crate::call::CallType;

/// What is done with a top-level member.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fate {
    /// It is in the call, or nobody's business.
    Left,
    /// It stays as sent.
    Kept,
    /// It stays under another key, since the key means something else in what this server exports.
    Renamed(&'static str),
}

/// The JSON text of an object with the remaining members, in the order sent. `restores` if the message is one that this
/// program exported (or any other archive): then no member is renamed.
pub(super) fn extra<'a>(members: Members<'a>, kind: CallType, times: &Times, restores: bool) -> Cow<'a, str> {
    let (text, all) = (members.document.text(), members.document.members(members.message));
    let mut out = String::new();
    let mut put = |key: &str, value: &str| {
        out.push_str(if out.is_empty() { "{" } else { "," });
        if value.is_empty() {
            out.push_str(key);
        } else {
            out.push('"');
            out.push_str(key);
            out.push_str("\":");
            out.push_str(value);
        }
    };
    let doubled = doubled(text, all);
    for (place, member) in all.iter().enumerate() {
        if member.field != Field::Other && members.message.get(member.field) != member.value {
            continue;
        }
        match fate(members, member.field, kind, times, restores) {
            Fate::Left => {}
            Fate::Kept if doubled.contains(&place) => {}
            Fate::Kept => put(member.key.through(member.value).of(text), ""),
            Fate::Renamed(key) => put(key, member.value.of(text)),
        }
    }
    if let Some(unreadable) = times.unreadable {
        put("invalidTimestamp", unreadable.of(text));
    }
    if out.is_empty() {
        return Cow::Borrowed("{}");
    }
    out.push('}');
    Cow::Owned(out)
}

/// Places of unknown members that come again later: the last one counts.
fn doubled(text: &str, all: &[Member]) -> HashSet<usize> {
    let mut doubled = HashSet::new();
    let mut others = all.iter().enumerate().filter(|(_, member)| member.field == Field::Other);
    if others.clone().nth(1).is_none() {
        return doubled;
    }
    let mut seen = HashSet::new();
    while let Some((place, member)) = others.next_back() {
        if !unescape(member.key.of(text)).is_some_and(|key| seen.insert(key)) {
            doubled.insert(place);
        }
    }
    doubled
}

fn fate(members: Members<'_>, field: Field, kind: CallType, times: &Times, restores: bool) -> Fate {
    let left = |condition: bool| if condition { Fate::Left } else { Fate::Kept };
    let absent = |field: Field| members.message.get(field).is_absent();
    let unused = |field: Field| match members.get(field) {
        Value::Absent => true,
        Value::Text(text) => text.trim().is_empty(),
        _ => false,
    };
    let viewed = matches!(kind, CallType::Page | CallType::Screen);
    match field {
        Field::Type
        | Field::MessageId
        | Field::UserId
        | Field::AnonymousId
        | Field::Context
        | Field::Integrations
        | Field::Timestamp
        | Field::OriginalTimestamp
        | Field::SentAt
        | Field::Channel
        | Field::Version
        | Field::ProjectId
        | Field::WriteKey => Fate::Left,
        Field::ReceivedAt | Field::Sequence if restores => Fate::Left,
        Field::ReceivedAt => Fate::Renamed("senderReceivedAt"),
        Field::Sequence => Fate::Renamed("senderSequence"),
        Field::SenderReceivedAt => left(!restores && !absent(Field::ReceivedAt)),
        Field::SenderSequence => left(!restores && !absent(Field::Sequence)),
        Field::InvalidTimestamp => left(times.unreadable.is_some()),
        Field::GroupId => left(kind == CallType::Group),
        Field::PreviousId => left(kind == CallType::Alias),
        Field::From => left(kind == CallType::Alias && unused(Field::PreviousId)),
        Field::To => left(kind == CallType::Alias && unused(Field::UserId)),
        Field::Event => left(kind == CallType::Track),
        Field::Name | Field::Category => left(viewed),
        Field::Traits => left(kind.has_traits()),
        Field::Properties if kind == CallType::Alias => {
            left(matches!(members.get(field), Value::Absent | Value::Object(_)))
        }
        Field::Properties => left(!kind.has_traits()),
        Field::Batch | Field::Other => Fate::Kept,
    }
}
