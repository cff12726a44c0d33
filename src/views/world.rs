//! Everything that the views hold in memory: who is who, what is kept by person, the names, and what is not on disk yet.

use std::collections::HashMap;
use std::sync::Arc;

use roaring::RoaringBitmap;

use super::cache::Cache;
use super::delta::Delta;
use super::entry::EntryKind;
use super::identity::Graph;
use super::names::{GroupNo, Name, NameNo, Source, SourceNo};
use super::people::People;
use crate::call::time::Time;
use crate::journal::Sequence;

/// Names of events, pages and screens that are told apart. What comes beyond is counted and listed without its name.
const NAMES_MAX: usize = 65_536;

/// Memory for how people are named and reached, in bytes.
const CONTACT_BYTES: usize = 32 << 20;

/// The views in memory.
#[derive(Debug)]
pub(super) struct World {
    /// The next record to fold.
    pub(super) next: Sequence,
    pub(super) graph: Graph,
    pub(super) people: People,
    pub(super) names: Names,
    pub(super) sources: Vec<Source>,
    source_numbers: HashMap<String, SourceNo>,
    pub(super) groups: Vec<String>,
    group_numbers: HashMap<String, GroupNo>,
    /// What changed since the last cut.
    pub(super) fresh: Delta,
    /// What is being written.
    pub(super) frozen: Option<Arc<Delta>>,
    /// How nodes that were shown lately are named and reached, as stored: a page names as many people as it has lines.
    pub(super) contacts: Cache<u32, Arc<[u8]>>,
    /// People whose search document is out of date, by any node of theirs.
    pub(super) stale: RoaringBitmap,
    /// People whose documents are being written, and not committed yet.
    pub(super) searching: RoaringBitmap,
    /// Records that could not be folded, ever.
    pub(super) parked: u64,
    /// When the last folded record was received.
    pub(super) received_at: Option<Time>,
}

impl World {
    pub(super) fn new(next: Sequence) -> Self {
        Self {
            next,
            graph: Graph::default(),
            people: People::default(),
            names: Names::default(),
            sources: Vec::new(),
            source_numbers: HashMap::new(),
            groups: Vec::new(),
            group_numbers: HashMap::new(),
            fresh: Delta::default(),
            frozen: None,
            contacts: Cache::new(CONTACT_BYTES),
            stale: RoaringBitmap::new(),
            searching: RoaringBitmap::new(),
            parked: 0,
            received_at: None,
        }
    }

    /// The number of a source, given now if it is new.
    pub(super) fn source(&mut self, name: &str) -> SourceNo {
        if let Some(number) = self.source_numbers.get(name) {
            return *number;
        }
        let number = self.restore_source(Source { name: name.to_owned(), calls: 0, last_call_at: None });
        self.fresh.sources.insert(number);
        number
    }

    /// The next source, as stored.
    pub(super) fn restore_source(&mut self, source: Source) -> SourceNo {
        // Sources are made by operators: there are never that many.
        let number = SourceNo(u16::try_from(self.sources.len()).unwrap_or(u16::MAX));
        self.source_numbers.insert(source.name.clone(), number);
        self.sources.push(source);
        number
    }

    /// Counts a call of a source.
    pub(super) fn count_call(&mut self, source: SourceNo, received_at: Time) {
        if let Some(known) = self.sources.get_mut(usize::from(source.0)) {
            known.calls += 1;
            known.last_call_at = known.last_call_at.max(Some(received_at));
            self.fresh.sources.insert(source);
        }
    }

    /// The number of a known source.
    pub(super) fn source_no(&self, name: &str) -> Option<SourceNo> {
        self.source_numbers.get(name).copied()
    }

    /// The number of a group, given now if it is new.
    pub(super) fn group(&mut self, id: &str) -> GroupNo {
        if let Some(number) = self.group_numbers.get(id) {
            return *number;
        }
        let number = self.restore_group(id.to_owned());
        id.clone_into(&mut self.fresh.group(number).id);
        number
    }

    /// The next group, as stored.
    pub(super) fn restore_group(&mut self, id: String) -> GroupNo {
        let number = GroupNo(u32::try_from(self.groups.len()).unwrap_or(u32::MAX));
        self.group_numbers.insert(id.clone(), number);
        self.groups.push(id);
        number
    }

    /// The number of a known group.
    pub(super) fn group_no(&self, id: &str) -> Option<GroupNo> {
        self.group_numbers.get(id).copied()
    }

    /// What is not on disk yet, newest first.
    pub(super) fn deltas(&self) -> impl Iterator<Item = &Delta> {
        std::iter::once(&self.fresh).chain(self.frozen.as_deref())
    }
}

/// The event catalogue.
#[derive(Debug, Default)]
pub(super) struct Names {
    table: Vec<Name>,
    numbers: HashMap<String, [Option<NameNo>; 3]>,
    nodes: Vec<RoaringBitmap>,
}

/// Where a kind's number is kept beside those of the same text.
const fn slot(kind: EntryKind) -> usize {
    match kind {
        EntryKind::Page => 1,
        EntryKind::Screen => 2,
        _ => 0,
    }
}

impl Names {
    /// The number of a name, given now if it is new; [`NameNo::NONE`] if there are too many.
    pub(super) fn number(&mut self, kind: EntryKind, text: &str, at: Time) -> NameNo {
        if let Some(number) = self.numbers.get(text).and_then(|all| all.get(slot(kind)).copied().flatten()) {
            return number;
        }
        if self.table.len() >= NAMES_MAX {
            return NameNo::NONE;
        }
        let hidden = kind == EntryKind::Page;
        self.restore(Name { kind, text: text.to_owned(), count: 0, first_seen: at, last_seen: at, hidden })
    }

    /// The next name, as stored.
    pub(super) fn restore(&mut self, name: Name) -> NameNo {
        let number = NameNo(u32::try_from(self.table.len() + 1).unwrap_or(u32::MAX));
        let all = self.numbers.entry(name.text.clone()).or_default();
        if let Some(free) = all.get_mut(slot(name.kind)) {
            *free = Some(number);
        }
        self.table.push(name);
        self.nodes.push(RoaringBitmap::new());
        number
    }

    fn place(number: NameNo) -> Option<usize> {
        (number.0 as usize).checked_sub(1)
    }

    pub(super) fn get(&self, number: NameNo) -> Option<&Name> {
        self.table.get(Self::place(number)?)
    }

    pub(super) fn get_mut(&mut self, number: NameNo) -> Option<&mut Name> {
        self.table.get_mut(Self::place(number)?)
    }

    /// Notes that a node sent it. Returns whether that is new.
    pub(super) fn sent_by(&mut self, number: NameNo, node: u32) -> bool {
        Self::place(number).and_then(|at| self.nodes.get_mut(at)).is_some_and(|nodes| nodes.insert(node))
    }

    /// Sets who sent it, as stored.
    pub(super) fn restore_nodes(&mut self, number: NameNo, nodes: RoaringBitmap) {
        if let Some(place) = Self::place(number).and_then(|at| self.nodes.get_mut(at)) {
            *place = nodes;
        }
    }

    /// Who ever sent it.
    pub(super) fn nodes(&self, number: NameNo) -> Option<&RoaringBitmap> {
        self.nodes.get(Self::place(number)?)
    }

    /// The entries with this text.
    pub(super) fn called(&self, text: &str) -> Vec<NameNo> {
        self.numbers.get(text).map(|all| all.iter().flatten().copied().collect()).unwrap_or_default()
    }

    /// All of them, in order of first appearance.
    pub(super) fn all(&self) -> impl Iterator<Item = (NameNo, &Name)> {
        (1..).map(NameNo).zip(&self.table)
    }
}
