//! One run: entries in key order that never change, in a store of their own.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use super::RunsError;
use super::block::{Block, BlockFault};
use super::cache::Cache;
use super::filter::{Filter, KeyHash};
use super::index::{Footer, Index, Part};
use super::manifest::{self, Listed};
use crate::store::{Engine, SMALL_VALUE_BYTES_MAX, Store, StoreError};

/// About how many slots share one leaf of sled's tree.
pub(super) const LEAF_SLOTS: u32 = 8;
/// Bytes of one stored value.
pub(super) const VALUE_BYTES: usize = SMALL_VALUE_BYTES_MAX;
pub(super) const FOOTER_KEY: &[u8] = b"z";

/// Where one piece of a block is stored.
pub(super) fn slot_key(slot: u32) -> [u8; 5] {
    piece_key(b'b', slot)
}

/// Where one piece of the index (`i`) or the filter (`f`) is stored.
pub(super) fn piece_key(family: u8, number: u32) -> [u8; 5] {
    let [a, b, c, d] = number.to_be_bytes();
    [family, a, b, c, d]
}

/// What kind of reading: what is read once in order is not worth a place in the cache.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Reading {
    Cached,
    Once,
}

/// An open run.
pub(super) struct Run {
    pub(super) listed: Listed,
    dir: PathBuf,
    store: Option<Box<dyn Store>>,
    index: Index,
    filter: Option<Filter>,
    retired: AtomicBool,
}

impl Run {
    /// Opens a run that the manifest names: reads its footer, index and filter.
    pub(super) fn open(engine: &dyn Engine, views: &Path, listed: &Listed) -> Result<Self, RunsError> {
        let name = manifest::folder(listed.number);
        let dir = views.join(&name);
        if !dir.is_dir() {
            return Err(RunsError::damaged(name, "its folder is missing"));
        }
        let store = engine.open_small(&dir).map_err(|error| RunsError::of_store(&name, error))?;
        let stored = store.get(FOOTER_KEY).map_err(|error| RunsError::of_store(&name, error))?;
        let footer = stored.as_deref().and_then(Footer::from_bytes);
        let footer = footer.ok_or_else(|| RunsError::damaged(&name, "its footer is missing or damaged"))?;
        if (footer.entries, footer.bytes) != (listed.entries, listed.bytes) {
            return Err(RunsError::damaged(name, "it is not the run that the manifest names"));
        }
        let part = |family: u8, part: Part, what: &str| {
            let bytes = read_part(&*store, family, part).map_err(|error| RunsError::of_store(&name, error))?;
            bytes.ok_or_else(|| RunsError::damaged(&name, format!("its {what} is damaged")))
        };
        let index = Index::from_bytes(&part(b'i', footer.index, "index")?);
        let index = index.ok_or_else(|| RunsError::damaged(&name, "its index does not decode"))?;
        let filter = match footer.filter.bytes {
            0 => None,
            _ => Filter::from_bytes(&part(b'f', footer.filter, "filter")?),
        };
        Ok(Self { listed: listed.clone(), dir, store: Some(store), index, filter, retired: AtomicBool::new(false) })
    }

    pub(super) fn dir(&self) -> &Path {
        &self.dir
    }

    pub(super) fn index(&self) -> &Index {
        &self.index
    }

    /// The folder is removed when the last reader lets go of the run.
    pub(super) fn retire(&self) {
        self.retired.store(true, Ordering::Release);
    }

    /// The value of a key in this run. `hash` is the key's if its family is looked up.
    pub(super) fn get(&self, cache: &Cache, key: &[u8], hash: Option<KeyHash>) -> Result<Option<Vec<u8>>, RunsError> {
        if key > self.index.last_key() {
            return Ok(None);
        }
        if let (Some(filter), Some(hash)) = (&self.filter, hash)
            && !filter.may_hold(hash)
        {
            return Ok(None);
        }
        let Some(number) = self.index.find(key) else { return Ok(None) };
        let block = self.block(cache, number, Reading::Cached)?;
        Ok(block.get(key).map(<[u8]>::to_vec))
    }

    /// A block by its number, unpacked.
    pub(super) fn block(&self, cache: &Cache, number: usize, reading: Reading) -> Result<Arc<Block>, RunsError> {
        let stored_number = u32::try_from(number).unwrap_or(u32::MAX);
        let place = (self.listed.number, stored_number);
        if let Some(block) = cache.get(place) {
            return Ok(block);
        }
        let bytes = self.stored(number, reading).map_err(|error| RunsError::of_store(&self.name(), error))?;
        let block = Block::unpack(stored_number, &bytes).map_err(|fault| self.damaged(number, fault))?;
        let block = Arc::new(block);
        if reading == Reading::Cached {
            cache.put(place, &block);
        }
        Ok(block)
    }

    fn stored(&self, number: usize, reading: Reading) -> Result<Vec<u8>, StoreError> {
        let (Some(store), Some(slots)) = (&self.store, self.index.slots(number)) else { return Ok(Vec::new()) };
        let mut bytes = Vec::new();
        for slot in slots {
            let value = store.get(&slot_key(slot))?.unwrap_or_default();
            if bytes.is_empty() {
                bytes = value;
            } else {
                bytes.extend_from_slice(&value);
            }
            // sled would keep each leaf that was ever read. What is read in order is in the same leaf as the next.
            if reading == Reading::Cached || (slot + 1).is_multiple_of(LEAF_SLOTS) {
                store.forget(&slot_key(slot));
            }
        }
        Ok(bytes)
    }

    fn name(&self) -> String {
        manifest::folder(self.listed.number)
    }

    fn damaged(&self, number: usize, fault: BlockFault) -> RunsError {
        RunsError::damaged(format!("{}, block {number},", self.name()), fault.to_string())
    }
}

impl Drop for Run {
    fn drop(&mut self) {
        let store = self.store.take();
        if std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| drop(store))).is_err() {
            tracing::warn!(run = self.listed.number, "a run of the views could not be closed in order");
        }
        if self.retired.load(Ordering::Acquire)
            && let Err(error) = std::fs::remove_dir_all(&self.dir)
        {
            tracing::warn!(run = self.listed.number, %error, "cannot remove a merged run; the next start does");
        }
    }
}

/// Reads what [`super::writer`] stored in pieces; `None` if it is not as it was written.
fn read_part(store: &dyn Store, family: u8, part: Part) -> Result<Option<Vec<u8>>, StoreError> {
    let mut bytes = Vec::new();
    for number in 0.. {
        if bytes.len() as u64 >= part.bytes {
            break;
        }
        let Some(piece) = store.get(&piece_key(family, number))? else { return Ok(None) };
        if piece.is_empty() {
            return Ok(None);
        }
        bytes.extend_from_slice(&piece);
        store.forget(&piece_key(family, number));
    }
    Ok((Part::of(&bytes) == part).then_some(bytes))
}
