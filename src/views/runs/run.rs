//! One run: entries in key order that never change, in a file of their own.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use super::Blocks;
use super::RunsError;
use super::block::{Block, BlockFault};
use super::filter::{Filter, KeyHash};
use super::index::{Footer, Index, Part};
use super::manifest::{self, Listed};
use crate::store::{Engine, Log, StoreError};

/// The file of a run, in its folder: blocks, then index, filter and footer, then the footer's length (u32,
/// little-endian).
pub(super) const FILE: &str = "run";
const FOOTER_BYTES_MAX: usize = 256;

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
    log: Box<dyn Log>,
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
        let fault = |error| RunsError::of_store(&name, error);
        let log = engine.open_log(&dir.join(FILE)).map_err(fault)?;
        let footer = read_footer(&*log).map_err(fault)?;
        let footer = footer.ok_or_else(|| RunsError::damaged(&name, "its footer is missing or damaged"))?;
        if (footer.entries, footer.bytes) != (listed.entries, listed.bytes) {
            return Err(RunsError::damaged(name, "it is not the run that the manifest names"));
        }
        let part = |at: u64, part: Part, what: &str| {
            let bytes = log.read(at, usize::try_from(part.bytes).unwrap_or(usize::MAX)).map_err(fault)?;
            let is_sound = Part::of(&bytes) == part;
            is_sound.then_some(bytes).ok_or_else(|| RunsError::damaged(&name, format!("its {what} is damaged")))
        };
        let index = Index::from_bytes(&part(footer.bytes, footer.index, "index")?);
        let index = index.ok_or_else(|| RunsError::damaged(&name, "its index does not decode"))?;
        let filter = match footer.filter.bytes {
            0 => None,
            _ => Filter::from_bytes(&part(footer.bytes + footer.index.bytes, footer.filter, "filter")?),
        };
        Ok(Self { listed: listed.clone(), dir, log, index, filter, retired: AtomicBool::new(false) })
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
    pub(super) fn get(&self, cache: &Blocks, key: &[u8], hash: Option<KeyHash>) -> Result<Option<Vec<u8>>, RunsError> {
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
    pub(super) fn block(&self, cache: &Blocks, number: usize, reading: Reading) -> Result<Arc<Block>, RunsError> {
        let stored_number = u32::try_from(number).unwrap_or(u32::MAX);
        let place = (self.listed.number, stored_number);
        if let Some(block) = cache.get(place) {
            return Ok(block);
        }
        let (at, bytes) = self.index.place(number).unwrap_or_default();
        let bytes = self.log.read(at, bytes).map_err(|error| RunsError::of_store(&self.name(), error))?;
        let block = Block::unpack(stored_number, &bytes).map_err(|fault| self.damaged(number, fault))?;
        let block = Arc::new(block);
        if reading == Reading::Cached {
            cache.put(place, Arc::clone(&block), block.bytes_len());
        }
        Ok(block)
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
        if self.retired.load(Ordering::Acquire)
            && let Err(error) = std::fs::remove_dir_all(&self.dir)
        {
            tracing::warn!(run = self.listed.number, %error, "cannot remove a merged run; the next start does");
        }
    }
}

/// The last words of a run; `None` if they are not as they were written.
fn read_footer(log: &dyn Log) -> Result<Option<Footer>, StoreError> {
    let Some(end) = log.len().checked_sub(4) else { return Ok(None) };
    let length = log.read(end, 4)?;
    let length = length.first_chunk().map_or(0, |length| u32::from_le_bytes(*length));
    let bytes = usize::try_from(length).unwrap_or(usize::MAX);
    match end.checked_sub(u64::from(length)) {
        Some(at) if bytes <= FOOTER_BYTES_MAX => Ok(Footer::from_bytes(&log.read(at, bytes)?)),
        _ => Ok(None),
    }
}
