//! Pages of one table of one destination in memory: those that were changed until they are written, and a few others.

use std::collections::BTreeMap;

use super::codec::Fault;
use super::keys;
use super::state::StateStore;
use crate::store::StoreError;

/// What a page is.
pub(super) trait Page: Default {
    /// The first byte of its keys.
    const FAMILY: u8;
    /// What it is called in errors.
    const NAME: &'static str;
    fn encode(&self) -> Vec<u8>;
    fn decode(bytes: &[u8]) -> Option<Self>;
}

/// Where pages come from: the store, and the destination's number.
#[derive(Clone, Copy)]
pub(super) struct Source<'a> {
    pub(super) state: &'a StateStore,
    pub(super) book: u16,
}

impl Source<'_> {
    /// Reads a page; an empty one if it was never written.
    pub(super) fn page<T: Page>(&self, number: u64) -> Result<T, StoreError> {
        let Some(bytes) = self.state.get(&keys::page(T::FAMILY, self.book, number), T::NAME)? else {
            return Ok(T::default());
        };
        T::decode(&bytes).ok_or_else(|| self.state.damaged(T::NAME, Fault::Meaning))
    }
}

struct Slot<T> {
    page: T,
    /// Changed since it was last handed out to be written.
    dirty: bool,
    /// Handed out to be written, which is not done yet: the store still has an older one.
    flushing: bool,
    used: u64,
}

pub(super) struct Pages<T> {
    slots: BTreeMap<u64, Slot<T>>,
    turn: u64,
    /// Pages kept beside the changed ones.
    keep: usize,
}

impl<T: Page> Pages<T> {
    pub(super) fn new(keep: usize) -> Self {
        Self { slots: BTreeMap::new(), turn: 0, keep }
    }

    /// Whether a page is in memory.
    pub(super) fn holds(&self, number: u64) -> bool {
        self.slots.contains_key(&number)
    }

    /// Puts a page that was read into memory; others that were not used for long make room.
    pub(super) fn insert(&mut self, number: u64, page: T) {
        let clean = |slot: &Slot<T>| !slot.dirty && !slot.flushing;
        if self.slots.len() >= self.keep && self.slots.values().filter(|slot| clean(slot)).count() >= self.keep {
            let oldest = self.slots.iter().filter(|(_, slot)| clean(slot)).min_by_key(|(_, slot)| slot.used);
            if let Some(number) = oldest.map(|(number, _)| *number) {
                self.slots.remove(&number);
            }
        }
        self.turn += 1;
        self.slots.insert(number, Slot { page, dirty: false, flushing: false, used: self.turn });
    }

    /// A page, to be read.
    pub(super) fn get(&mut self, source: Source<'_>, number: u64) -> Result<&T, StoreError> {
        self.slot(source, number).map(|slot| &slot.page)
    }

    /// A page, to be changed.
    pub(super) fn change(&mut self, source: Source<'_>, number: u64) -> Result<&mut T, StoreError> {
        let slot = self.slot(source, number)?;
        slot.dirty = true;
        Ok(&mut slot.page)
    }

    fn slot(&mut self, source: Source<'_>, number: u64) -> Result<&mut Slot<T>, StoreError> {
        if !self.holds(number) {
            self.insert(number, source.page(number)?);
        }
        self.turn += 1;
        let turn = self.turn;
        let slot = self.slots.get_mut(&number).ok_or_else(|| source.state.damaged(T::NAME, Fault::Missing))?;
        slot.used = turn;
        Ok(slot)
    }

    /// How many pages are in memory.
    #[cfg(test)]
    pub(super) fn len(&self) -> usize {
        self.slots.len()
    }

    /// How many pages wait to be written.
    pub(super) fn dirty(&self) -> usize {
        self.slots.values().filter(|slot| slot.dirty).count()
    }

    /// Pages that are newer than the store's, by number.
    pub(super) fn unwritten(&self) -> impl Iterator<Item = (u64, &T)> {
        self.slots.iter().filter(|(_, slot)| slot.dirty || slot.flushing).map(|(number, slot)| (*number, &slot.page))
    }

    /// Hands out the changed pages to be written.
    pub(super) fn flush(&mut self, book: u16, puts: &mut Vec<(Vec<u8>, Vec<u8>)>) {
        for (number, slot) in self.slots.iter_mut().filter(|(_, slot)| slot.dirty) {
            slot.dirty = false;
            slot.flushing = true;
            puts.push((keys::page(T::FAMILY, book, *number), slot.page.encode()));
        }
    }

    /// What was handed out is durable.
    pub(super) fn flushed(&mut self) {
        let mut clean = 0;
        let keep = self.keep;
        for slot in self.slots.values_mut() {
            slot.flushing = false;
        }
        self.slots.retain(|_, slot| {
            clean += usize::from(!slot.dirty);
            slot.dirty || clean <= keep
        });
    }
}
