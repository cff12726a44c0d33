//! Calls, each in a few words.

use crate::call::Marks;
use crate::call::time::Time;
use crate::journal::Sequence;
use crate::views::card::Card;
use crate::views::entry::EntryKind;

/// Records are received one minute after the other, from this time on.
pub(in crate::query) const START_MS: i64 = 1_700_000_040_000;
pub(in crate::query) const MINUTE_MS: i64 = 60_000;

/// When the record with this number was received.
pub(in crate::query) fn minute(number: i64) -> Time {
    Time::from_millis(START_MS + number * MINUTE_MS)
}

/// A call by a known user, a visitor, or both; `-` stands for none.
pub(in crate::query) fn call(kind: EntryKind, user: &str, anonymous: &str) -> Card {
    let id = |id: &str| Some(id.to_owned()).filter(|id| id != "-");
    Card {
        sequence: Sequence::FIRST,
        kind,
        source: "web".to_owned(),
        message_id: String::new(),
        user_id: id(user),
        anonymous_id: id(anonymous),
        target: None,
        name: None,
        category: None,
        timestamp: Time::default(),
        received_at: Time::default(),
        payload: "{}".to_owned(),
        context: "{}".to_owned(),
        marks: Marks::default(),
    }
}

pub(in crate::query) fn identify(user: &str, anonymous: &str, traits: &str) -> Card {
    Card { payload: traits.to_owned(), ..call(EntryKind::Identify, user, anonymous) }
}

pub(in crate::query) fn track(user: &str, anonymous: &str, event: &str) -> Card {
    Card { name: Some(event.to_owned()), ..call(EntryKind::Track, user, anonymous) }
}

pub(in crate::query) fn page(user: &str, anonymous: &str, name: &str) -> Card {
    Card { name: Some(name.to_owned()), ..call(EntryKind::Page, user, anonymous) }
}

pub(in crate::query) fn group(user: &str, anonymous: &str, group: &str, traits: &str) -> Card {
    let target = Some(group.to_owned());
    Card { target, payload: traits.to_owned(), ..call(EntryKind::Group, user, anonymous) }
}

pub(in crate::query) fn alias(from: &str, into: &str) -> Card {
    Card { target: Some(from.to_owned()), ..call(EntryKind::Alias, into, "-") }
}

impl Card {
    pub(in crate::query) fn of(self, payload: &str) -> Self {
        Self { payload: payload.to_owned(), ..self }
    }

    pub(in crate::query) fn within(self, context: &str) -> Self {
        Self { context: context.to_owned(), ..self }
    }

    pub(in crate::query) fn by(self, source: &str) -> Self {
        Self { source: source.to_owned(), ..self }
    }

    /// It happened when the record with this number was received.
    pub(in crate::query) fn at(self, number: i64) -> Self {
        Self { timestamp: minute(number), ..self }
    }
}
