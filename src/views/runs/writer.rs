//! Writes one run, entry by entry, and makes it durable.

use std::path::{Path, PathBuf};

use super::block::{BLOCK_BYTES_MAX, Packer};
use super::filter::{Filter, KeyHash};
use super::index::{Footer, Index, Part};
use super::manifest::{self, Listed};
use super::run::FILE;
use super::{Rules, RunsError, varint};
use crate::journal::files;
use crate::store::{Engine, Log, StoreError};

/// Bytes handed over together.
const WRITE_BYTES: usize = 256 << 10;
/// Bytes between two syncs: one sync of a whole run would hold up the journal's.
const SYNC_BYTES: usize = 4 << 20;

/// A run that is being written. Its folder counts for nothing until the manifest names it.
pub(super) struct RunWriter<'a> {
    rules: &'a dyn Rules,
    block_bytes: usize,
    number: u64,
    dir: PathBuf,
    log: Box<dyn Log>,
    unwritten: Vec<u8>,
    packer: Packer,
    raw: Vec<u8>,
    first_key: Vec<u8>,
    last_key: Vec<u8>,
    index: Index,
    hashes: Hashes,
    unsynced: usize,
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
        let log = engine.open_log(&dir.join(FILE)).map_err(|error| RunsError::of_store(&name, error))?;
        let hashes =
            looked_up_max.map_or_else(|| Hashes::Kept(Vec::new()), |keys| Hashes::Counted(Filter::for_keys(keys), 0));
        Ok(Self {
            rules,
            block_bytes,
            number,
            dir,
            log,
            unwritten: Vec::with_capacity(2 * WRITE_BYTES),
            packer: Packer::new()?,
            raw: Vec::with_capacity(block_bytes * 2),
            first_key: Vec::new(),
            last_key: Vec::new(),
            index: Index::default(),
            hashes,
            unsynced: 0,
            entries: 0,
            bytes: 0,
        })
    }

    fn fault(&self, error: StoreError) -> RunsError {
        RunsError::of_store(&manifest::folder(self.number), error)
    }

    /// Adds the next entry. True when a sync has just been made: a good moment to think of something else.
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
        if !self.index.push(&self.first_key, bytes.len()) {
            return Err(RunsError::TooLarge(usize::MAX));
        }
        self.bytes += bytes.len() as u64;
        self.unsynced += bytes.len();
        self.unwritten.extend_from_slice(&bytes);
        if self.unwritten.len() >= WRITE_BYTES {
            self.write()?;
        }
        if self.unsynced < SYNC_BYTES {
            return Ok(false);
        }
        self.unsynced = 0;
        self.log.sync().map_err(|error| self.fault(error))?;
        Ok(true)
    }

    fn write(&mut self) -> Result<(), RunsError> {
        let unwritten = std::mem::take(&mut self.unwritten);
        self.log.append(&unwritten).map_err(|error| self.fault(error))?;
        self.unwritten = unwritten;
        self.unwritten.clear();
        Ok(())
    }

    /// Writes index, filter and footer, and makes everything durable.
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
        let footer = footer.to_bytes();
        let length = u32::try_from(footer.len()).map_err(|_| RunsError::TooLarge(footer.len()))?;
        for part in [&index, &filter, &footer, &length.to_le_bytes()[..]] {
            self.unwritten.extend_from_slice(part);
        }
        self.write()?;
        self.log.sync().map_err(|error| self.fault(error))?;
        files::sync_dir(&self.dir)?;
        files::sync_dir(self.dir.parent().unwrap_or(Path::new(".")))?;
        Ok(Listed { number: self.number, entries, looked_up, bytes })
    }
}
