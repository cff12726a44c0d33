//! What is known of one node or group beside its calls. States join: whatever the order, the same comes out.

use std::collections::BTreeMap;

use crate::call::time::Time;
use crate::journal::Sequence;

/// Which call decides between two values: the newest by time, then by sequence (R6, R7).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Stamp {
    /// The call's `timestamp`.
    pub time: Time,
    /// The record.
    pub sequence: Sequence,
}

/// What a trait is besides a trait: set by a message with `context.personas` (section 6 of the protocol).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u8)]
pub enum Class {
    /// An ordinary trait.
    #[default]
    Plain = 0,
    /// Membership of an audience.
    Audience = 1,
    /// A computed trait.
    Computed = 2,
    /// A step of a journey; shown with the audiences.
    JourneyStep = 3,
}

/// One trait.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Trait {
    /// JSON text of the value as sent; none when a null cleared it.
    pub value: Option<String>,
    /// The call that set it.
    pub stamp: Stamp,
    /// What it is.
    pub class: Class,
}

/// Traits by key. Iterates in the order of keys.
pub type Traits = BTreeMap<String, Trait>;

/// What is known of one node.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct NodeState {
    /// The id as sent.
    pub id: String,
    /// Traits that its own identify calls set.
    pub traits: Traits,
    /// Calls that carried the id, aliases excepted; and when, the first and the last.
    pub calls: u64,
    /// When the first of them happened; the latest possible time when there was none.
    pub first_seen: Option<Time>,
    /// When the last of them happened.
    pub last_seen: Option<Time>,
}

/// What is known of one group.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct GroupState {
    /// The id as sent.
    pub id: String,
    /// Traits that group calls set.
    pub traits: Traits,
    /// When the first call that named it happened.
    pub first_seen: Option<Time>,
    /// When the last one happened.
    pub last_seen: Option<Time>,
}

/// What is known of a person without looking at traits.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Summary {
    /// When its first call happened: aliases and calls with `context.active = false` do not count.
    pub first_seen: Option<Time>,
    /// When its last one happened.
    pub last_seen: Option<Time>,
    /// Track, page and screen calls.
    pub events: u64,
}

/// Adds newer traits: per key the greater stamp stays.
pub fn join_traits(into: &mut Traits, from: Traits) {
    for (key, theirs) in from {
        match into.entry(key) {
            std::collections::btree_map::Entry::Vacant(free) => {
                free.insert(theirs);
            }
            std::collections::btree_map::Entry::Occupied(mut ours) => {
                if ours.get().stamp < theirs.stamp {
                    ours.insert(theirs);
                }
            }
        }
    }
}
