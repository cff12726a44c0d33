//! The snapshot that readers get: memory and disk as one.

use std::collections::{BTreeSet, HashSet};
use std::sync::Arc;

use roaring::RoaringBitmap;

use super::card::Card;
use super::cards::Cards;
use super::codec;
use super::delta::{self, join_group, join_minute, join_node};
use super::entry::{Entry, EntryKind, ListId, Place};
use super::fold_parts::CONTACT_KEYS;
use super::identity::{Graph, IdKind, NodeKey, NodeNo};
use super::keys::{self, Family};
use super::list::{self, Merged};
use super::names::{GroupNo, Name, NameNo, Source, SourceNo};
use super::patience::Patience;
use super::people::BLOCK;
use super::runs::Runs;
use super::snapshot::{Minute, Snapshot, ViewError};
use super::state::{GroupState, NodeState, Summary, Traits};
use super::turnover::{self, Turnover};
use super::world::World;
use crate::call::time::Time;
use crate::journal::{Reader, Sequence};

/// The views as they are while the lock on `world` is held.
pub(super) struct View<'w> {
    pub(super) world: &'w World,
    pub(super) runs: &'w Runs,
    pub(super) cards: &'w Cards,
    pub(super) reader: &'w dyn Reader,
    pub(super) patience: Option<&'w Patience>,
    /// People whose erasure is under way.
    pub(super) hidden: &'w HashSet<NodeKey>,
}

fn unreadable(error: &dyn std::fmt::Display) -> ViewError {
    ViewError::Unreadable(error.to_string())
}

impl View<'_> {
    fn stored(&self, key: &[u8]) -> Result<Option<Vec<u8>>, ViewError> {
        self.runs.get(key).map_err(|error| unreadable(&error))
    }

    /// Whether a card names somebody who is hidden.
    fn hides(&self, card: &Card) -> bool {
        let graph = &self.world.graph;
        let is_hidden =
            |kind, id: Option<&String>| id.and_then(|id| graph.node(kind, id)).is_some_and(|node| self.is_hidden(node));
        !self.hidden.is_empty()
            && (is_hidden(IdKind::User, card.user_id.as_ref())
                || is_hidden(IdKind::Anonymous, card.anonymous_id.as_ref())
                || card.kind == EntryKind::Alias
                    && [IdKind::User, IdKind::Anonymous].into_iter().any(|kind| is_hidden(kind, card.target.as_ref())))
    }

    /// When the record at `sequence` was received; none if there is none.
    fn received_at(&self, sequence: Sequence) -> Result<Option<Time>, ViewError> {
        let slice = self.reader.read(sequence, 1).map_err(|error| unreadable(&error))?;
        let record = slice.records().next().transpose().map_err(|error| unreadable(&error))?;
        Ok(record.map(|record| record.received_at))
    }
}

impl Snapshot for View<'_> {
    fn has_time(&self) -> bool {
        self.patience.is_none_or(|patience| !patience.is_over())
    }

    fn is_hidden(&self, node: NodeNo) -> bool {
        let graph = &self.world.graph;
        let hides = |node| self.hidden.contains(&graph.key(node));
        !self.hidden.is_empty() && (hides(node) || hides(graph.root(node)))
    }

    fn through(&self) -> Sequence {
        self.world.next
    }

    fn graph(&self) -> &Graph {
        &self.world.graph
    }

    fn summary(&self, root: NodeNo) -> Summary {
        self.world.people.summary(root)
    }

    fn bounds(&self) -> Vec<(u32, u32, Summary)> {
        let end = self.world.graph.len();
        let block = |first: u32| (first, (first + BLOCK).min(end), self.world.people.bound(first / BLOCK));
        (0..end).step_by(BLOCK as usize).map(block).collect()
    }

    fn group_of(&self, root: NodeNo) -> Option<GroupNo> {
        self.world.people.group(root)
    }

    fn node(&self, node: NodeNo) -> Result<NodeState, ViewError> {
        let stored = self.stored(&keys::node(node))?;
        let mut state = match stored {
            Some(bytes) => codec::read_node(&bytes).map_err(|error| unreadable(&error))?,
            None => NodeState::default(),
        };
        for newer in self.world.deltas().filter_map(|delta| delta.state(node)) {
            join_node(&mut state, newer.clone());
        }
        Ok(state)
    }

    fn contact_traits(&self, node: NodeNo) -> Result<Traits, ViewError> {
        if let Some(known) = self.world.contacts.get(node.0) {
            return codec::read_node(&known).map(|known| known.traits).map_err(|error| unreadable(&error));
        }
        let mut traits = self.node(node)?.traits;
        traits.retain(|key, _| CONTACT_KEYS.contains(&key.as_str()));
        let state = NodeState { traits, ..NodeState::default() };
        let kept = codec::write_node(&state);
        self.world.contacts.put(node.0, Arc::from(kept.as_slice()), kept.len());
        Ok(state.traits)
    }

    fn list<'a>(
        &'a self,
        list: ListId,
        before: Option<Place>,
    ) -> Box<dyn Iterator<Item = Result<Entry, ViewError>> + 'a> {
        let (from, to) = list::range(list, before);
        let parts = self.runs.scan(&from, &to).map(|item| item.map_err(|error| unreadable(&error)));
        let memory = self.world.deltas().filter_map(|delta| delta.gained(list));
        Box::new(Merged::new(before, memory, parts))
    }

    fn cards(&self, sequences: &[Sequence]) -> Result<Vec<Card>, ViewError> {
        let found = self.cards.get(sequences).map_err(|error| unreadable(&error))?;
        Ok(found.into_iter().flatten().filter(|card| !self.hides(card)).collect())
    }

    fn names(&self) -> Box<dyn Iterator<Item = (NameNo, &Name)> + '_> {
        Box::new(self.world.names.all())
    }

    fn name(&self, number: NameNo) -> Option<&Name> {
        self.world.names.get(number)
    }

    fn names_called(&self, text: &str) -> Vec<NameNo> {
        self.world.names.called(text)
    }

    fn name_nodes(&self, number: NameNo) -> RoaringBitmap {
        self.world.names.nodes(number).cloned().unwrap_or_default()
    }

    fn source(&self, number: SourceNo) -> &str {
        self.world.sources.get(usize::from(number.0)).map_or("", |source| source.name.as_str())
    }

    fn sender(&self, number: SourceNo) -> Option<&Source> {
        self.world.sources.get(usize::from(number.0))
    }

    fn source_no(&self, name: &str) -> Option<SourceNo> {
        self.world.source_no(name)
    }

    fn group_no(&self, id: &str) -> Option<GroupNo> {
        self.world.group_no(id)
    }

    fn groups(&self) -> u32 {
        u32::try_from(self.world.groups.len()).unwrap_or(u32::MAX)
    }

    fn group(&self, number: GroupNo) -> Result<GroupState, ViewError> {
        let stored = self.stored(&keys::group(number))?;
        let mut state = match stored {
            Some(bytes) => codec::read_group(&bytes).map_err(|error| unreadable(&error))?,
            None => GroupState::default(),
        };
        for newer in self.world.deltas().filter_map(|delta| delta.groups.get(&number)) {
            join_group(&mut state, newer.clone());
        }
        Ok(state)
    }

    fn members(&self, number: GroupNo) -> BTreeSet<NodeNo> {
        self.world.people.members(number)
    }

    fn member_count(&self, number: GroupNo) -> u64 {
        self.world.people.member_count(number)
    }

    fn minutes(&self, range: std::ops::Range<i64>) -> Result<Vec<(i64, Minute)>, ViewError> {
        let mut found = std::collections::BTreeMap::<i64, Minute>::new();
        if range.is_empty() {
            return Ok(Vec::new());
        }
        for item in self.runs.scan(&keys::minute(range.start), &keys::minute(range.end)) {
            let (key, value) = item.map_err(|error| unreadable(&error))?;
            let minute = keys::minute_of(&key).zip(delta::read_minute(&value));
            let (at, minute) = minute.ok_or_else(|| unreadable(&codec::Undecodable))?;
            found.insert(at, minute);
        }
        for (at, minute) in self.world.deltas().flat_map(|delta| delta.minutes.range(range.clone())) {
            join_minute(found.entry(*at).or_default(), minute);
        }
        Ok(found.into_iter().collect())
    }

    fn turnovers(&self, key: &str, hours: std::ops::Range<i64>) -> Result<Vec<(i64, Turnover)>, ViewError> {
        let mut found = std::collections::BTreeMap::<i64, Turnover>::new();
        if hours.is_empty() {
            return Ok(Vec::new());
        }
        for item in self.runs.scan(&keys::turnover(key, hours.start), &keys::turnover(key, hours.end)) {
            let (key, value) = item.map_err(|error| unreadable(&error))?;
            let turnover = keys::hour_of(&key).zip(turnover::read(&value));
            let (hour, turnover) = turnover.ok_or_else(|| unreadable(&codec::Undecodable))?;
            found.insert(hour, turnover);
        }
        for (hour, more) in self.world.deltas().flat_map(|delta| delta.turnovers(key, hours.clone())) {
            found.entry(hour).or_default().add(more);
        }
        Ok(found.into_iter().collect())
    }

    fn unsearched(&self) -> RoaringBitmap {
        &self.world.stale | &self.world.searching
    }

    fn sequence_after(&self, time: Time) -> Result<Sequence, ViewError> {
        // Records were received in the order of the journal, but for moments; where two disagree, either is right.
        let (mut low, mut high) = (self.reader.first(), self.world.next);
        while low < high {
            let middle = low.plus(high.since(low) / 2);
            match self.received_at(middle)? {
                Some(at) if at <= time => low = middle.plus(1),
                _ => high = middle,
            }
        }
        Ok(low)
    }
}

/// What is stored of a family, for a dump.
pub(super) const fn is_dumped(family: Family) -> bool {
    // Changes are cut into values wherever a checkpoint fell; the graph is dumped instead.
    !matches!(family, Family::Change | Family::List)
}
