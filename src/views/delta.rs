//! What changed since the last checkpoint, held in memory: readers add it to what is on disk, a checkpoint writes it.

use std::collections::{BTreeMap, BTreeSet};

use roaring::RoaringBitmap;

use super::codec;
use super::entry::{Entry, ListId};
use super::identity::{Change, NodeNo};
use super::keys;
use super::list;
use super::names::{GroupNo, NameNo, SourceNo};
use super::numbered::Numbered;
use super::snapshot::Minute;
use super::sorted::Sorted;
use super::state::{GroupState, NodeState, Stamp, Traits, join_traits};
use super::turnover::{self, Turnover};
use crate::call::time::Time;
use crate::journal::Sequence;

/// About what an entry of a list, a state without traits, and one trait beside its text take in memory, in bytes.
const ENTRY_BYTES: usize = 32;
const STATE_BYTES: usize = 160;
const TRAIT_BYTES: usize = 96;
/// The same of one hour of an audience, beside its key.
const TURNOVER_BYTES: usize = 64;

/// What changed of one node: found with one look.
#[derive(Debug, Default)]
struct NodeDelta {
    list: Sorted,
    state: NodeState,
}

/// Changes since a checkpoint.
#[derive(Debug, Default)]
pub(super) struct Delta {
    /// Lists of anything but nodes.
    lists: Numbered<ListId, Sorted>,
    nodes: Numbered<NodeNo, NodeDelta>,
    pub(super) groups: Numbered<GroupNo, GroupState>,
    pub(super) minutes: BTreeMap<i64, Minute>,
    /// Who came into audiences and left them, by key and hour.
    turnovers: BTreeMap<String, BTreeMap<i64, Turnover>>,
    /// Changes of the graph, and the number of the first.
    pub(super) changes: Vec<Change>,
    pub(super) changes_first: u64,
    /// Whose summary changed.
    pub(super) summaries: RoaringBitmap,
    /// Whose group changed.
    pub(super) memberships: RoaringBitmap,
    /// Which names changed, and who newly sent them.
    pub(super) names: BTreeSet<NameNo>,
    pub(super) name_nodes: Numbered<NameNo, RoaringBitmap>,
    /// Sources that are new, or that calls came from.
    pub(super) sources: BTreeSet<SourceNo>,
    /// Records that could not be folded, with the reason.
    pub(super) parked: BTreeMap<Sequence, String>,
    /// About how much memory all this takes, in bytes.
    pub(super) bytes: usize,
}

impl Delta {
    /// An empty one, after so many changes of the graph.
    pub(super) fn after(changes: u64) -> Self {
        Self { changes_first: changes, ..Self::default() }
    }

    /// Adds an entry to a list.
    pub(super) fn list(&mut self, id: ListId, entry: Entry) {
        let list = match id {
            ListId::Node(node) => &mut self.nodes.entry(node).or_default().list,
            id => self.lists.entry(id).or_default(),
        };
        list.insert(entry);
        self.bytes += ENTRY_BYTES;
    }

    /// What a list gained.
    pub(super) fn gained(&self, id: ListId) -> Option<&Sorted> {
        match id {
            ListId::Node(node) => self.nodes.get(&node).map(|node| &node.list),
            id => self.lists.get(&id),
        }
    }

    /// What a node's state gained.
    pub(super) fn state(&self, node: NodeNo) -> Option<&NodeState> {
        self.nodes.get(&node).map(|node| &node.state)
    }

    /// The state of a node, to change it.
    pub(super) fn node(&mut self, node: NodeNo) -> &mut NodeState {
        self.bytes += STATE_BYTES / 4;
        &mut self.nodes.entry(node).or_default().state
    }

    /// The state of a group, to change it.
    pub(super) fn group(&mut self, group: GroupNo) -> &mut GroupState {
        self.bytes += STATE_BYTES / 4;
        self.groups.entry(group).or_default()
    }

    /// Counts who came into audiences and left them, by the traits of one call of this hour.
    pub(super) fn count_turnover(&mut self, traits: &Traits, hour: i64) {
        for (key, more) in turnover::of_call(traits) {
            let hours = match self.turnovers.get_mut(key) {
                Some(hours) => hours,
                None => self.turnovers.entry(key.to_owned()).or_default(),
            };
            let known = hours.len();
            hours.entry(hour).or_default().add(more);
            if hours.len() > known {
                self.bytes += TURNOVER_BYTES + key.len();
            }
        }
    }

    /// Who came into one audience and left it, in hours of a range.
    pub(super) fn turnovers(&self, key: &str, hours: std::ops::Range<i64>) -> impl Iterator<Item = (i64, Turnover)> {
        let found = self.turnovers.get(key);
        found.into_iter().flat_map(move |all| all.range(hours.clone())).map(|(hour, one)| (*hour, *one))
    }

    /// Counts memory for traits that are about to be joined.
    pub(super) fn weigh(&mut self, traits: &Traits) {
        let text = |one: &super::state::Trait| one.value.as_ref().map_or(0, String::len);
        self.bytes += traits.iter().map(|(key, one)| TRAIT_BYTES + key.len() + text(one)).sum::<usize>();
    }

    /// Everything that needs no more than this delta, as stored: keys with values, unsorted.
    pub(super) fn entries(&self) -> Vec<(Vec<u8>, Vec<u8>)> {
        let mut out = Vec::with_capacity(self.lists.len() + 2 * self.nodes.len() + 64);
        for (id, entries) in &self.lists {
            list::parts(*id, entries, &mut out);
        }
        for (node, NodeDelta { list, state }) in &self.nodes {
            list::parts(ListId::Node(*node), list, &mut out);
            if *state != NodeState::default() {
                out.push((keys::node(*node), codec::write_node(state)));
            }
        }
        out.extend(self.groups.iter().map(|(group, state)| (keys::group(*group), codec::write_group(state))));
        out.extend(self.minutes.iter().map(|(at, minute)| (keys::minute(*at), write_minute(minute))));
        for (key, hours) in &self.turnovers {
            out.extend(hours.iter().map(|(hour, one)| (keys::turnover(key, *hour), turnover::write(*one))));
        }
        out.extend(self.name_nodes.iter().map(|(name, nodes)| (keys::name_nodes(*name), write_nodes(nodes))));
        out.extend(self.parked.iter().map(|(at, reason)| (keys::parked(*at), codec::write_plain(reason.clone()))));
        let mut first = self.changes_first;
        for some in self.changes.chunks(CHANGES_A_VALUE) {
            let mut value = Vec::with_capacity(some.len() * 24);
            for change in some {
                change.encode(&mut value);
            }
            out.push((keys::changes(first), value));
            first += some.len() as u64;
        }
        out
    }
}

/// Changes of the graph that share a value.
const CHANGES_A_VALUE: usize = 256;

pub(super) fn write_nodes(nodes: &RoaringBitmap) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(nodes.serialized_size());
    nodes.serialize_into(&mut bytes).expect("writing to memory cannot fail");
    bytes
}

pub(super) fn read_nodes(bytes: &[u8]) -> Option<RoaringBitmap> {
    RoaringBitmap::deserialize_from(bytes).ok()
}

type StoredMinute = ([u64; 6], BTreeMap<u16, u64>, u64, Vec<u8>);

pub(super) fn write_minute(minute: &Minute) -> Vec<u8> {
    let sources: BTreeMap<u16, u64> = minute.sources.iter().map(|(source, count)| (source.0, *count)).collect();
    let stored: StoredMinute = (minute.types, sources, minute.filtered, write_nodes(&minute.active));
    codec::write_plain(stored)
}

pub(super) fn read_minute(bytes: &[u8]) -> Option<Minute> {
    let (types, sources, filtered, active): StoredMinute = codec::read_plain(bytes).ok()?;
    let sources = sources.into_iter().map(|(source, count)| (SourceNo(source), count)).collect();
    Some(Minute { types, sources, filtered, active: read_nodes(&active)? })
}

/// Adds one minute's counts to another's.
pub(super) fn join_minute(into: &mut Minute, from: &Minute) {
    into.types.iter_mut().zip(from.types).for_each(|(ours, theirs)| *ours += theirs);
    for (source, count) in &from.sources {
        *into.sources.entry(*source).or_default() += count;
    }
    into.filtered += from.filtered;
    into.active |= &from.active;
}

/// Joins two states of one node.
pub(super) fn join_node(into: &mut NodeState, from: NodeState) {
    if into.id.is_empty() {
        into.id = from.id;
    }
    join_traits(&mut into.traits, from.traits);
    into.calls += from.calls;
    into.first_seen = earliest(into.first_seen, from.first_seen);
    into.last_seen = into.last_seen.max(from.last_seen);
}

/// Joins two states of one group.
pub(super) fn join_group(into: &mut GroupState, from: GroupState) {
    if into.id.is_empty() {
        into.id = from.id;
    }
    join_traits(&mut into.traits, from.traits);
    into.first_seen = earliest(into.first_seen, from.first_seen);
    into.last_seen = into.last_seen.max(from.last_seen);
}

/// The earlier of two times, where there are two.
pub(super) fn earliest(one: Option<Time>, other: Option<Time>) -> Option<Time> {
    match (one, other) {
        (Some(one), Some(other)) => Some(one.min(other)),
        (one, other) => one.or(other),
    }
}

/// A group and the call that says so, as stored.
pub(super) fn write_membership(group: GroupNo, stamp: Stamp) -> Vec<u8> {
    codec::write_plain((group.0, stamp.time.as_millis(), stamp.sequence.get()))
}

pub(super) fn read_membership(bytes: &[u8]) -> Option<(GroupNo, Stamp)> {
    let (group, time, sequence): (u32, i64, u64) = codec::read_plain(bytes).ok()?;
    Some((GroupNo(group), Stamp { time: Time::from_millis(time), sequence: Sequence::new(sequence) }))
}
