//! The history: attempts in packed blocks, in folders of which the oldest is dropped as a whole.
//!
//! Beside each block stands which records it speaks of; these spans are kept in memory from the first question on, so that
//! asking for a record reads the few blocks that may speak of it.

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::Attempt;
use super::atom::{Atom, Atoms};
use super::codec::{self, Fault, Sealer};
use super::keys;
use super::log;
use super::pack::Packed;
use super::root::Listed;
use super::sections::sections;
use super::spans;
use crate::journal::files;
use crate::store::{Engine, Store, StoreError};

pub(super) const FOLDER: &str = "attempts-";
/// A folder is full when it has this part of what all may have.
const FOLDERS: u64 = 16;
/// What sled adds to a value, about.
const VALUE_OVERHEAD: u64 = 32;
/// Slots are made ahead, empty: a tree of sled that grows by large values writes each of them two or three times.
const SLOTS_AHEAD: u32 = 64;
const SLOTS_LEFT_MIN: u32 = 24;
/// Values read between two looks at what sled holds in memory.
const FORGET_EVERY: u32 = 16;

/// One folder. Its store is opened when it is needed.
pub(super) struct Folder {
    pub(super) number: u64,
    dir: PathBuf,
    engine: Arc<dyn Engine>,
    /// Blocks that count.
    slots: AtomicU32,
    bytes: AtomicU64,
    /// Slots that were made ahead since the folder was opened.
    made: AtomicU32,
    store: Mutex<Option<Arc<dyn Store>>>,
    /// The spans of the first blocks, as far as they were asked for.
    spans: Mutex<Vec<Box<[u8]>>>,
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Folder {
    pub(super) fn new(engine: &Arc<dyn Engine>, dir: &Path, listed: Listed) -> Self {
        Self {
            number: listed.number,
            dir: dir.join(format!("{FOLDER}{:06}", listed.number)),
            engine: Arc::clone(engine),
            slots: AtomicU32::new(listed.slots),
            bytes: AtomicU64::new(listed.bytes),
            made: AtomicU32::new(0),
            store: Mutex::new(None),
            spans: Mutex::new(Vec::new()),
        }
    }

    /// What it is called in the folder of the ledger.
    pub(super) fn name(&self) -> String {
        format!("{FOLDER}{:06}", self.number)
    }

    pub(super) fn listed(&self) -> Listed {
        let (slots, bytes) = (self.slots.load(Ordering::Acquire), self.bytes.load(Ordering::Acquire));
        Listed { number: self.number, slots, bytes }
    }

    /// The store, opened if it is not, and made if it is not there.
    pub(super) fn store(&self) -> Result<Arc<dyn Store>, StoreError> {
        let mut store = lock(&self.store);
        if let Some(store) = &*store {
            return Ok(Arc::clone(store));
        }
        let opened =
            if self.dir.is_dir() { self.engine.open_small(&self.dir)? } else { log::make(&*self.engine, &self.dir)? };
        let opened: Arc<dyn Store> = Arc::from(opened);
        *store = Some(Arc::clone(&opened));
        Ok(opened)
    }

    /// Lets go of the store; it is opened again when it is needed.
    pub(super) fn rest(&self) {
        // If somebody reads it, whoever is last closes it. sled may panic where others return errors.
        let store = lock(&self.store).take();
        if std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| drop(store))).is_err() {
            tracing::warn!(folder = %self.dir.display(), "attempts could not be closed in order");
        }
    }

    pub(super) fn fault(&self, fault: Fault) -> StoreError {
        codec::damaged(&self.dir, "a block of attempts", fault)
    }

    pub(super) fn payload(&self, store: &dyn Store, key: &[u8]) -> Result<Vec<u8>, StoreError> {
        let bytes = store.get(key)?.filter(|bytes| !bytes.is_empty()).ok_or_else(|| self.fault(Fault::Missing))?;
        codec::unseal(key, &bytes).map_err(|fault| self.fault(fault))
    }

    /// The attempts of a record in the first blocks, oldest first.
    pub(super) fn attempts(
        &self,
        book: u16,
        sequence: u64,
        slots: u32,
        found: &mut Vec<Attempt>,
    ) -> Result<(), StoreError> {
        let blocks = self.blocks(slots, book, sequence)?;
        if blocks.is_empty() {
            return Ok(());
        }
        let store = self.store()?;
        for slot in blocks {
            let key = keys::slot(slot);
            let payload = self.payload(&*store, &key)?;
            store.forget(&key);
            let sections = sections(&payload).ok_or_else(|| self.fault(Fault::Meaning))?;
            for (_, fragment) in sections.into_iter().filter(|(number, _)| *number == book) {
                attempts_in(fragment, sequence, found).ok_or_else(|| self.fault(Fault::Meaning))?;
            }
        }
        Ok(())
    }

    /// The blocks that may speak of a record.
    fn blocks(&self, slots: u32, book: u16, sequence: u64) -> Result<Vec<u32>, StoreError> {
        let mut spans = lock(&self.spans);
        let known = u32::try_from(spans.len()).unwrap_or(u32::MAX);
        if known < slots {
            let store = self.store()?;
            for slot in known..slots {
                let key = keys::index(slot);
                spans.push(self.payload(&*store, &key)?.into_boxed_slice());
                if slot.is_multiple_of(FORGET_EVERY) {
                    store.forget(&key);
                }
            }
        }
        let mut found = Vec::new();
        for (slot, bytes) in (0..slots).zip(spans.iter()) {
            if spans::may_hold(bytes, book, sequence).ok_or_else(|| self.fault(Fault::Meaning))? {
                found.push(slot);
            }
        }
        Ok(found)
    }

    /// Writes blocks after those that count; makes them durable. They count once the root says so.
    fn write(&self, sealer: &mut Sealer, from: u32, packed: &[Packed]) -> Result<u64, StoreError> {
        let store = self.store()?;
        let mut bytes = 0;
        for (slot, block) in (from..).zip(packed) {
            let made = self.made.load(Ordering::Acquire);
            if made < slot + SLOTS_LEFT_MIN {
                let mut slots = made.max(slot)..slot + SLOTS_AHEAD;
                slots.try_for_each(|slot| store.put(&keys::slot(slot), b""))?;
                self.made.store(slot + SLOTS_AHEAD, Ordering::Release);
            }
            for (key, payload) in [(keys::slot(slot), &block.payload), (keys::index(slot), &block.spans)] {
                let value = sealer.seal(&key, payload);
                bytes += value.len() as u64 + VALUE_OVERHEAD;
                store.put(&key, &value)?;
            }
        }
        store.sync()?;
        if let Some(slot) = from.checked_add(u32::try_from(packed.len()).unwrap_or(0)) {
            store.forget(&keys::slot(slot));
        }
        Ok(bytes)
    }

    /// The folder is full: what it really takes counts from now on.
    fn seal(&self) {
        self.rest();
        self.bytes.fetch_max(files::disk_bytes(&self.dir), Ordering::AcqRel);
    }

    /// Removes the folder. Whoever reads it can read on.
    pub(super) fn remove(&self) {
        self.rest();
        log::remove(&self.dir);
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        self.rest();
    }
}

/// Adds the attempts of a record that a fragment speaks of; none if it does not decode.
pub(super) fn attempts_in(fragment: &[u8], sequence: u64, found: &mut Vec<Attempt>) -> Option<()> {
    for atom in Atoms::of(fragment) {
        if let Atom::Request { records, attempt, .. } = atom?
            && records.contains(&sequence)
        {
            found.push(attempt);
        }
    }
    Some(())
}

/// What the history is after blocks were added: the folders that count, each with what of it counts.
pub(super) struct Added {
    pub(super) listed: Vec<Listed>,
    pub(super) fresh: Option<Arc<Folder>>,
    pub(super) next_folder: u64,
}

/// Where blocks may be added.
#[derive(Clone, Copy)]
pub(super) struct Place {
    /// The number of the next new folder.
    pub(super) next_folder: u64,
    /// The last folder could not be written to its end.
    pub(super) spoiled: bool,
    /// Bytes of all folders together.
    pub(super) bytes_max: u64,
}

/// Adds blocks to the last folder, or to a new one when that is full or a write of it failed. Nothing counts until
/// [`count`] is called, after the root has named it.
pub(super) fn add(
    engine: &Arc<dyn Engine>,
    dir: &Path,
    sealer: &mut Sealer,
    folders: &[Arc<Folder>],
    Place { next_folder, spoiled, bytes_max }: Place,
    packed: &[Packed],
) -> Result<Added, StoreError> {
    let mut added = Added { listed: folders.iter().map(|folder| folder.listed()).collect(), fresh: None, next_folder };
    if packed.is_empty() {
        return Ok(added);
    }
    let open = folders.last().filter(|folder| !spoiled && folder.listed().bytes < bytes_max / FOLDERS);
    let folder = if let Some(folder) = open {
        Arc::clone(folder)
    } else {
        {
            if let (Some(last), Some(listed)) = (folders.last(), added.listed.last_mut()) {
                last.seal();
                *listed = last.listed();
            }
            let listed = Listed { number: next_folder, slots: 0, bytes: 0 };
            added.next_folder += 1;
            added.listed.push(listed);
            Arc::clone(added.fresh.insert(Arc::new(Folder::new(engine, dir, listed))))
        }
    };
    let from = folder.listed().slots;
    let bytes = folder.write(sealer, from, packed)?;
    if let Some(listed) = added.listed.last_mut() {
        listed.slots = from + u32::try_from(packed.len()).unwrap_or(0);
        listed.bytes += bytes;
    }
    while added.listed.len() > 1 && added.listed.iter().map(|listed| listed.bytes).sum::<u64>() > bytes_max {
        added.listed.remove(0);
    }
    Ok(added)
}

/// Lets what was added count; returns the folders that do not any more.
pub(super) fn count(folders: &mut Vec<Arc<Folder>>, added: &Added) -> Vec<Arc<Folder>> {
    folders.extend(added.fresh.clone());
    let (kept, gone): (Vec<_>, Vec<_>) =
        folders.drain(..).partition(|folder| added.listed.iter().any(|listed| listed.number == folder.number));
    *folders = kept;
    for (folder, listed) in folders.iter().zip(&added.listed) {
        folder.slots.store(listed.slots, Ordering::Release);
        folder.bytes.store(listed.bytes, Ordering::Release);
    }
    gone
}

/// Lets go of the stores of all folders.
pub(super) fn rest_all(folders: &[Arc<Folder>]) {
    for folder in folders {
        folder.rest();
    }
}
