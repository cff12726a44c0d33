//! Writes one run, entry by entry, and makes it durable.
//!
//! Slots are made ahead, empty, and filled in order, as the journal does: a tree of sled that grows by large values
//! writes each of them two or three times, one whose keys are there already writes each once.

use std::path::{Path, PathBuf};

use super::block::{BLOCK_BYTES_MAX, Packer};
use super::filter::{Filter, KeyHash};
use super::index::{Footer, Index, Part};
use super::manifest::{self, Listed};
use super::run::{FOOTER_KEY, LEAF_SLOTS, VALUE_BYTES, piece_key, slot_key};
use super::{Rules, RunsError, varint};
use crate::journal::files;
use crate::store::{Engine, Store, StoreError};

const SLOTS_AHEAD: u32 = 256;
/// A leaf is split in two before the first slot of the second half is filled.
const SLOTS_LEFT_MIN: u32 = 32;
/// Bytes put between two flushes, so that sled's buffers stay small.
const FLUSH_BYTES: usize = 4 << 20;

/// A run that is being written. Its folder counts for nothing until the manifest names it.
pub(super) struct RunWriter<'a> {
    rules: &'a dyn Rules,
    block_bytes: usize,
    number: u64,
    dir: PathBuf,
    store: Box<dyn Store>,
    packer: Packer,
    raw: Vec<u8>,
    first_key: Vec<u8>,
    last_key: Vec<u8>,
    index: Index,
    hashes: Hashes,
    slots: u32,
    filled: u32,
    unflushed: usize,
    entries: u64,
    bytes: u64,
}

/// Keys that the filter has to hold: in the filter if their number was known before, else kept until it is.
enum Hashes {
    Kept(Vec<KeyHash>),
    Counted(Filter, u64),
}

impl Hashes {
    fn insert(&mut self, hash: KeyHash) {
        match self {
            Self::Kept(hashes) => hashes.push(hash),
            Self::Counted(filter, keys) => {
                filter.insert(hash);
                *keys += 1;
            }
        }
    }

    fn filter(self) -> (Filter, u64) {
        match self {
            Self::Kept(hashes) => {
                let keys = hashes.len() as u64;
                let mut filter = Filter::for_keys(keys);
                for hash in hashes {
                    filter.insert(hash);
                }
                (filter, keys)
            }
            Self::Counted(mut filter, keys) => {
                filter.fold(keys);
                (filter, keys)
            }
        }
    }
}

impl<'a> RunWriter<'a> {
    /// Makes the folder of a new run. `looked_up_max` is how many keys the filter will hold at most, if that is known.
    pub(super) fn create(
        engine: &dyn Engine,
        views: &Path,
        number: u64,
        rules: &'a dyn Rules,
        block_bytes: usize,
        looked_up_max: Option<u64>,
    ) -> Result<Self, RunsError> {
        let name = manifest::folder(number);
        let dir = views.join(&name);
        files::make_dir(&dir)?;
        let store = engine.open_small(&dir).map_err(|error| RunsError::of_store(&name, error))?;
        let hashes =
            looked_up_max.map_or_else(|| Hashes::Kept(Vec::new()), |keys| Hashes::Counted(Filter::for_keys(keys), 0));
        Ok(Self {
            rules,
            block_bytes,
            number,
            dir,
            store,
            packer: Packer::new()?,
            raw: Vec::with_capacity(block_bytes * 2),
            first_key: Vec::new(),
            last_key: Vec::new(),
            index: Index::default(),
            hashes,
            slots: 0,
            filled: 0,
            unflushed: 0,
            entries: 0,
            bytes: 0,
        })
    }

    fn fault(&self, error: StoreError) -> RunsError {
        RunsError::of_store(&manifest::folder(self.number), error)
    }

    /// Adds the next entry. True when a flush has just been made: a good moment to think of something else.
    pub(super) fn push(&mut self, key: &[u8], value: &[u8]) -> Result<bool, RunsError> {
        if self.entries > 0 && key <= self.last_key.as_slice() {
            return Err(RunsError::Unsorted(self.entries));
        }
        let bytes = key.len() + value.len();
        if bytes > BLOCK_BYTES_MAX / 2 {
            return Err(RunsError::TooLarge(bytes));
        }
        // A large entry gets a block of its own, so that its neighbours stay cheap to read.
        if !self.raw.is_empty() && bytes > self.block_bytes {
            self.cut()?;
        }
        if self.raw.is_empty() {
            self.first_key.clear();
            self.first_key.extend_from_slice(key);
        }
        varint::put_bytes(key, &mut self.raw);
        varint::put_bytes(value, &mut self.raw);
        self.last_key.clear();
        self.last_key.extend_from_slice(key);
        self.entries += 1;
        if key.first().is_some_and(|family| self.rules.looked_up(*family)) {
            self.hashes.insert(KeyHash::of(key));
        }
        if self.raw.len() >= self.block_bytes { self.cut() } else { Ok(false) }
    }

    /// Writes the entries collected so far as a block.
    fn cut(&mut self) -> Result<bool, RunsError> {
        let number = u32::try_from(self.index.blocks()).map_err(|_| RunsError::TooLarge(usize::MAX))?;
        let bytes = self.packer.pack(number, &self.raw)?;
        self.raw.clear();
        let values = bytes.len().div_ceil(VALUE_BYTES);
        if !self.index.push(&self.first_key, values) {
            return Err(RunsError::TooLarge(usize::MAX));
        }
        for value in bytes.chunks(VALUE_BYTES) {
            self.put(value).map_err(|error| self.fault(error))?;
        }
        self.bytes += bytes.len() as u64;
        self.unflushed += bytes.len();
        if self.unflushed < FLUSH_BYTES {
            return Ok(false);
        }
        self.unflushed = 0;
        self.store.flush().map_err(|error| self.fault(error))?;
        Ok(true)
    }

    fn put(&mut self, value: &[u8]) -> Result<(), StoreError> {
        if self.slots - self.filled < SLOTS_LEFT_MIN {
            for slot in self.slots..self.slots + SLOTS_AHEAD {
                self.store.put(&slot_key(slot), b"")?;
            }
            self.slots += SLOTS_AHEAD;
        }
        let key = slot_key(self.filled);
        self.store.put(&key, value)?;
        self.filled += 1;
        if self.filled.is_multiple_of(LEAF_SLOTS) {
            self.store.forget(&key);
        }
        Ok(())
    }

    /// Writes index, filter and footer, and makes everything durable. The store is closed: sled keeps most of what was
    /// written to a store in memory until then.
    pub(super) fn finish(mut self) -> Result<Listed, RunsError> {
        if !self.raw.is_empty() {
            self.cut()?;
        }
        self.index.close(&self.last_key);
        let index = self.index.to_bytes()?;
        let (filter, looked_up) = std::mem::replace(&mut self.hashes, Hashes::Kept(Vec::new())).filter();
        let filter = if looked_up > 0 { filter.to_bytes() } else { Vec::new() };
        let (entries, bytes) = (self.entries, self.bytes);
        let footer = Footer { entries, looked_up, bytes, index: Part::of(&index), filter: Part::of(&filter) };
        self.put_pieces(b'i', &index).map_err(|error| self.fault(error))?;
        self.put_pieces(b'f', &filter).map_err(|error| self.fault(error))?;
        self.store.put(FOOTER_KEY, &footer.to_bytes()).map_err(|error| self.fault(error))?;
        self.store.sync().map_err(|error| self.fault(error))?;
        files::sync_dir(&self.dir)?;
        files::sync_dir(self.dir.parent().unwrap_or(Path::new(".")))?;
        let store = self.store;
        std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| drop(store)))
            .map_err(|_| RunsError::Failed(format!("{} could not be closed", manifest::folder(self.number))))?;
        Ok(Listed { number: self.number, entries, looked_up, bytes })
    }

    fn put_pieces(&self, family: u8, bytes: &[u8]) -> Result<(), StoreError> {
        for (number, piece) in (0..).zip(bytes.chunks(VALUE_BYTES)) {
            self.store.put(&piece_key(family, number), piece)?;
        }
        Ok(())
    }
}
