//! Lists of calls: what an entry holds, and which lists there are.

use super::identity::NodeNo;
use super::names::{GroupNo, NameNo, SourceNo};
use crate::call::time::Time;
use crate::journal::Sequence;

/// Where an entry stands in every list: by time, then by sequence. Lists show the greatest first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Place {
    /// The earlier of the call's time and the time it was received.
    pub time: Time,
    /// The record.
    pub sequence: Sequence,
}

/// What kind of record an entry stands for. The numbers are stored and never change.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[expect(missing_docs, reason = "the six calls, and what an operator did")]
#[repr(u8)]
pub enum EntryKind {
    Identify = 1,
    Track = 2,
    Page = 3,
    Screen = 4,
    Group = 5,
    Alias = 6,
    /// A merge or undo by the operator.
    Control = 7,
}

impl EntryKind {
    /// The kind with this number.
    pub const fn of(number: u8) -> Option<Self> {
        Some(match number {
            1 => Self::Identify,
            2 => Self::Track,
            3 => Self::Page,
            4 => Self::Screen,
            5 => Self::Group,
            6 => Self::Alias,
            7 => Self::Control,
            _ => return None,
        })
    }

    /// Whether it counts as an event: track, page and screen.
    pub const fn is_event(self) -> bool {
        matches!(self, Self::Track | Self::Page | Self::Screen)
    }
}

/// What is known of a call without reading it: kind, source and name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Tag {
    /// What it is.
    pub kind: EntryKind,
    /// Who sent it.
    pub source: SourceNo,
    /// The event, page or screen; [`NameNo::NONE`] for other calls.
    pub name: NameNo,
}

/// One line of a list.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Entry {
    /// Where it stands.
    pub place: Place,
    /// What it is.
    pub tag: Tag,
}

/// The lists. Filtered calls are in none of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ListId {
    /// Every track, page and screen call, hidden names included.
    Feed,
    /// Every call that belongs to a node, of all types. A merge by alias stands in the list of the alias's userId, a
    /// merge by the operator in that of the surviving person's root.
    Node(NodeNo),
    /// The calls of one event, page or screen name.
    Name(NameNo),
    /// The track, page and screen calls that were filed under a group, and the group's own group calls.
    Group(GroupNo),
    /// The track, page and screen calls of one source.
    Source(SourceNo),
}
