//! Numbers for what is named by its sender: events, groups, sources. Given in order of first appearance.

use crate::call::time::Time;
use crate::views::entry::EntryKind;

/// The number of an event, page or screen name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct NameNo(pub u32);

impl NameNo {
    /// The number of calls without a name of this kind: identify, group, alias, control.
    pub const NONE: Self = Self(0);
}

/// The number of a group.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct GroupNo(pub u32);

/// The number of a source.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SourceNo(pub u16);

/// A source, and what came from it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Source {
    /// Its name.
    pub name: String,
    /// Calls that were stored, filtered ones included.
    pub calls: u64,
    /// When the last of them was received.
    pub last_call_at: Option<Time>,
}

/// One entry of the event catalogue.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Name {
    /// Track, page or screen.
    pub kind: EntryKind,
    /// The event; for pages and screens the full name (category and name), or what a nameless one is called
    /// ("Loaded a Page", "Loaded a Screen").
    pub text: String,
    /// Calls so far.
    pub count: u64,
    /// When the first one happened (as [`super::entry::Place::time`] says).
    pub first_seen: Time,
    /// When the last one happened.
    pub last_seen: Time,
    /// Whether it is left out of the feed. Pages are by default.
    pub hidden: bool,
}
