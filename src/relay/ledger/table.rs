//! The states of all records at one destination: chunks of two bits a record, totals of each chunk, sums of each group of
//! chunks. What lies before the start counts as filtered and takes no room.
//!
//! Chunks and totals are written apart, so after a cut some may be newer than others. Recovery trusts no total of a chunk
//! that the log speaks of: it counts that chunk anew. Of all other chunks both versions of the totals say the same.

use std::collections::BTreeSet;

use super::State;
use super::chunk::{CHUNK_RECORDS, Chunk, GROUP_CHUNKS, GROUP_RECORDS, Group, Totals};
use super::codec::{Fault, put, take};
use super::pages::{Page, Pages, Source};
use crate::store::StoreError;

/// Chunks kept in memory beside the changed ones.
const CHUNKS_KEPT: usize = 32;
/// Groups kept in memory beside the changed ones.
const GROUPS_KEPT: usize = 4;

pub(super) struct Table {
    pub(super) start: u64,
    chunks: Pages<Chunk>,
    groups: Pages<Group>,
    /// The group of the first sum.
    first_group: u64,
    sums: Vec<Totals>,
    /// All sums together.
    all: Totals,
    /// Every record below is settled.
    floor: u64,
    /// Every record from here on is pending.
    frontier: u64,
    /// While the log is replayed: chunks that were counted anew.
    recounted: Option<(BTreeSet<u64>, BTreeSet<u64>)>,
    /// While the log is replayed: from here on it says that all is forgotten, so newer pages may hold less than older ones.
    forgotten: u64,
}

impl Table {
    pub(super) fn new(start: u64) -> Self {
        Self {
            start,
            chunks: Pages::new(CHUNKS_KEPT),
            groups: Pages::new(GROUPS_KEPT),
            first_group: start / GROUP_RECORDS,
            sums: Vec::new(),
            all: Totals::default(),
            floor: start,
            frontier: start,
            recounted: None,
            forgotten: u64::MAX,
        }
    }

    /// What [`Table::read`] needs to know, beside the pages.
    pub(super) fn put(&self, out: &mut Vec<u8>) {
        for number in [self.floor, self.frontier, self.sums.len() as u64] {
            put(number, out);
        }
        self.sums.iter().for_each(|sum| sum.put(out));
    }

    /// Undoes [`Table::put`].
    pub(super) fn take(start: u64, bytes: &mut &[u8]) -> Option<Self> {
        let mut table = Self::new(start);
        (table.floor, table.frontier) = (take(bytes)?, take(bytes)?);
        for _ in 0..take(bytes)? {
            let sum = Totals::take(bytes)?;
            table.all = table.all.plus(sum);
            table.sums.push(sum);
        }
        Some(table)
    }

    /// From now on the log is replayed, in which all from `forgotten` on is forgotten at some time.
    pub(super) fn begin_recovery(&mut self, forgotten: u64) {
        self.recounted = Some(Default::default());
        self.forgotten = forgotten;
    }

    /// The log is replayed.
    pub(super) fn end_recovery(&mut self) {
        self.recounted = None;
        self.forgotten = u64::MAX;
    }

    /// Settled records, those before the start left out.
    pub(super) fn all(&self) -> Totals {
        self.all
    }

    pub(super) fn frontier(&self) -> u64 {
        self.frontier
    }

    /// Pages that wait to be written.
    pub(super) fn dirty(&self) -> usize {
        self.chunks.dirty()
    }

    /// Pages in memory.
    #[cfg(test)]
    pub(super) fn pages(&self) -> usize {
        self.chunks.len() + self.groups.len()
    }

    /// The places of the records of a chunk that count, from, to (not included).
    fn places(&self, chunk: u64) -> (u64, u64) {
        (self.start.saturating_sub(chunk * CHUNK_RECORDS).min(CHUNK_RECORDS), CHUNK_RECORDS)
    }

    fn sum(&self, group: u64) -> Totals {
        let index = group.checked_sub(self.first_group).and_then(|index| usize::try_from(index).ok());
        index.and_then(|index| self.sums.get(index)).copied().unwrap_or_default()
    }

    fn add_to_sum(&mut self, group: u64, old: Totals, new: Totals) {
        let index = usize::try_from(group.saturating_sub(self.first_group)).unwrap_or(0);
        if self.sums.len() <= index {
            self.sums.resize(index + 1, Totals::default());
        }
        if let Some(sum) = self.sums.get_mut(index) {
            sum.exchange(old, new);
        }
        self.all.exchange(old, new);
    }

    /// Has a group in memory, checked against its sum.
    fn load_group(&mut self, source: Source<'_>, group: u64) -> Result<(), StoreError> {
        if !self.groups.holds(group) {
            let page: Group = source.page(group)?;
            let (found, listed) = (page.sum(), self.sum(group));
            // What is settled stays settled, and totals are written before sums.
            let is_older = found.settled() < listed.settled() && (group + 1) * GROUP_RECORDS <= self.forgotten;
            if is_older || found != listed && self.recounted.is_none() {
                return Err(source.state.damaged(Group::NAME, Fault::Totals));
            }
            self.groups.insert(group, page);
        }
        if let Some((groups, _)) = &mut self.recounted
            && groups.insert(group)
        {
            let (old, new) = (self.sum(group), self.groups.get(source, group)?.sum());
            self.add_to_sum(group, old, new);
        }
        Ok(())
    }

    fn totals(&mut self, source: Source<'_>, chunk: u64) -> Result<Totals, StoreError> {
        let group = chunk / GROUP_CHUNKS;
        self.load_group(source, group)?;
        Ok(self.groups.get(source, group)?.chunk(chunk))
    }

    /// Has a chunk in memory, checked against its totals, or its totals set by it while the log is replayed.
    fn load(&mut self, source: Source<'_>, chunk: u64) -> Result<(), StoreError> {
        let totals = self.totals(source, chunk)?;
        if !self.chunks.holds(chunk) {
            let page: Chunk = source.page(chunk)?;
            let found = page.totals();
            // What is settled stays settled, and chunks are written before totals.
            let is_older = found.settled() < totals.settled() && (chunk + 1) * CHUNK_RECORDS <= self.forgotten;
            if is_older || found != totals && self.recounted.is_none() {
                return Err(source.state.damaged(Chunk::NAME, Fault::Totals));
            }
            self.chunks.insert(chunk, page);
        }
        if let Some((_, chunks)) = &mut self.recounted
            && chunks.insert(chunk)
        {
            let counted = self.chunks.get(source, chunk)?.totals();
            let group = chunk / GROUP_CHUNKS;
            self.groups.change(source, group)?.set(chunk, counted);
            self.add_to_sum(group, totals, counted);
        }
        Ok(())
    }

    /// The state of a record.
    pub(super) fn state(&mut self, source: Source<'_>, sequence: u64) -> Result<State, StoreError> {
        if sequence < self.start {
            return Ok(State::Filtered);
        }
        if sequence >= self.frontier && self.recounted.is_none() {
            return Ok(State::Pending);
        }
        let chunk = sequence / CHUNK_RECORDS;
        self.load(source, chunk)?;
        Ok(self.chunks.get(source, chunk)?.state(sequence % CHUNK_RECORDS))
    }

    /// Sets records from, to (not included): all of them, or only those that are pending. Those before the start stay
    /// filtered.
    pub(super) fn set(
        &mut self,
        source: Source<'_>,
        (from, to): (u64, u64),
        state: State,
        pending_only: bool,
    ) -> Result<(), StoreError> {
        let mut at = from.max(self.start);
        while at < to {
            let chunk = at / CHUNK_RECORDS;
            let end = to.min((chunk + 1) * CHUNK_RECORDS);
            self.load(source, chunk)?;
            let old = self.totals(source, chunk)?;
            let page = self.chunks.change(source, chunk)?;
            let mut new = old;
            for place in at % CHUNK_RECORDS..=(end - 1) % CHUNK_RECORDS {
                let before = page.state(place);
                if before == state || pending_only && before != State::Pending {
                    continue;
                }
                page.set(place, state);
                let (mut out, mut into) = (Totals::default(), Totals::default());
                out.add(before, 1);
                into.add(state, 1);
                new.exchange(out, into);
            }
            let group = chunk / GROUP_CHUNKS;
            self.groups.change(source, group)?.set(chunk, new);
            self.add_to_sum(group, old, new);
            at = end;
            self.frontier = self.frontier.max(end);
        }
        Ok(())
    }

    /// All records from here on are pending, whatever they were, also those before the start.
    pub(super) fn forget(&mut self, source: Source<'_>, from: u64) -> Result<(), StoreError> {
        let mut at = from.max(self.start);
        while at < self.frontier {
            let (chunk, group) = (at / CHUNK_RECORDS, at / GROUP_RECORDS);
            let first = at % CHUNK_RECORDS;
            at = (chunk + 1) * CHUNK_RECORDS;
            if self.totals(source, chunk)?.settled() == 0 {
                continue;
            }
            self.load(source, chunk)?;
            let old = self.totals(source, chunk)?;
            let page = self.chunks.change(source, chunk)?;
            (first..CHUNK_RECORDS).for_each(|place| page.set(place, State::Pending));
            let new = page.totals();
            self.groups.change(source, group)?.set(chunk, new);
            self.add_to_sum(group, old, new);
        }
        if from < self.start {
            // Nothing is settled any more.
            (self.start, self.first_group) = (from, from / GROUP_RECORDS);
            self.sums.clear();
        }
        self.frontier = self.frontier.min(from);
        self.floor = self.floor.min(from);
        Ok(())
    }

    /// The first pending record: moves on from where it was before.
    pub(super) fn floor(&mut self, source: Source<'_>) -> Result<u64, StoreError> {
        while self.floor < self.frontier {
            let chunk = self.floor / CHUNK_RECORDS;
            let group = self.floor / GROUP_RECORDS;
            let group_places = GROUP_RECORDS - self.start.saturating_sub(group * GROUP_RECORDS).min(GROUP_RECORDS);
            if self.sum(group).settled() == group_places {
                self.floor = (group + 1) * GROUP_RECORDS;
                continue;
            }
            let (first, last) = self.places(chunk);
            if self.totals(source, chunk)?.settled() < last - first {
                self.load(source, chunk)?;
                let page = self.chunks.get(source, chunk)?;
                let mut places = self.floor % CHUNK_RECORDS..CHUNK_RECORDS;
                if let Some(place) = places.find(|place| page.state(*place) == State::Pending) {
                    self.floor = chunk * CHUNK_RECORDS + place;
                    return Ok(self.floor);
                }
            }
            self.floor = (chunk + 1) * CHUNK_RECORDS;
        }
        Ok(self.floor)
    }

    /// Settled records from `from` on.
    pub(super) fn settled_from(&mut self, source: Source<'_>, from: u64) -> Result<Totals, StoreError> {
        let mut found = Totals::default();
        let mut at = from.max(self.start);
        while at < self.frontier {
            let (chunk, group) = (at / CHUNK_RECORDS, at / GROUP_RECORDS);
            if at.is_multiple_of(GROUP_RECORDS) {
                found = found.plus(self.sum(group));
                at += GROUP_RECORDS;
                continue;
            }
            if at.is_multiple_of(CHUNK_RECORDS) {
                found = found.plus(self.totals(source, chunk)?);
            } else {
                self.load(source, chunk)?;
                let page = self.chunks.get(source, chunk)?;
                found = found.plus(page.totals_of(at % CHUNK_RECORDS, CHUNK_RECORDS));
            }
            at = (chunk + 1) * CHUNK_RECORDS;
        }
        Ok(found)
    }

    /// Records of one state below `before`, newest first.
    pub(super) fn list(
        &mut self,
        source: Source<'_>,
        state: State,
        before: u64,
        limit: usize,
    ) -> Result<Vec<u64>, StoreError> {
        let mut found = Vec::new();
        let mut end = before;
        while end > self.start && found.len() < limit {
            let (chunk, group) = ((end - 1) / CHUNK_RECORDS, (end - 1) / GROUP_RECORDS);
            let begin = self.start.max(chunk * CHUNK_RECORDS);
            if !may_hold(self.sum(group), self.start.max(group * GROUP_RECORDS), GROUP_RECORDS, state) {
                end = group * GROUP_RECORDS;
                continue;
            }
            let totals = self.totals(source, chunk)?;
            if may_hold(totals, begin, CHUNK_RECORDS, state) {
                self.load(source, chunk)?;
                let page = self.chunks.get(source, chunk)?;
                let matching = (begin..end).rev().filter(|at| page.state(at % CHUNK_RECORDS) == state);
                found.extend(matching.take(limit - found.len()));
            }
            end = begin;
        }
        if state == State::Filtered && found.len() < limit {
            found.extend((1..self.start.min(before)).rev().take(limit - found.len()));
        }
        Ok(found)
    }

    /// Counts all states anew below `tail` from every stored chunk, those not yet written taken from memory, and compares
    /// with the totals.
    pub(super) fn recount(&mut self, source: Source<'_>, tail: u64) -> Result<Totals, StoreError> {
        let fresh: std::collections::BTreeMap<u64, &Chunk> = self.chunks.unwritten().collect();
        let mut counted: Vec<(u64, Totals)> = Vec::new();
        let mut below = Totals::default();
        let mut count = |number: u64, chunk: &Chunk| {
            let first = self.start.saturating_sub(number * CHUNK_RECORDS).min(CHUNK_RECORDS);
            let end = tail.saturating_sub(number * CHUNK_RECORDS).min(CHUNK_RECORDS);
            counted.push((number, chunk.totals()));
            below = below.plus(chunk.totals_of(first, end));
        };
        let from = super::keys::page(Chunk::FAMILY, source.book, 0);
        source.state.scan(&from, Chunk::NAME, &mut |key, payload| {
            let Some(number) = super::keys::page_number(key, Chunk::FAMILY, source.book) else { return Ok(false) };
            if !fresh.contains_key(&number) {
                let chunk = Chunk::decode(payload).ok_or_else(|| source.state.damaged(Chunk::NAME, Fault::Meaning))?;
                count(number, &chunk);
            }
            Ok(true)
        })?;
        for (number, chunk) in &fresh {
            count(*number, chunk);
        }
        let mut all = Totals::default();
        for (number, totals) in counted {
            all = all.plus(totals);
            if self.totals(source, number)? != totals {
                return Err(source.state.damaged(Chunk::NAME, Fault::Totals));
            }
        }
        if all == self.all { Ok(below) } else { Err(source.state.damaged(Chunk::NAME, Fault::Missing)) }
    }

    /// Hands out the changed pages to be written.
    pub(super) fn flush(&mut self, book: u16, puts: &mut Vec<(Vec<u8>, Vec<u8>)>) {
        self.chunks.flush(book, puts);
        self.groups.flush(book, puts);
    }

    /// What was handed out is durable.
    pub(super) fn flushed(&mut self) {
        self.chunks.flushed();
        self.groups.flushed();
    }
}

/// Whether a part of the table with these totals, whose records that count begin at `begin`, can hold one of this state.
fn may_hold(totals: Totals, begin: u64, records: u64, state: State) -> bool {
    match state {
        State::Pending => totals.settled() < records - begin % records,
        other => totals.of(other) > 0,
    }
}
