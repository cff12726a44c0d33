//! Drawers: each holds the chunks of 2^20 sequences in a sled database of its own, so that none grows old.
//!
//! The newest is written, by one thread; the others are opened when they are read, and the ones used last stay open.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::CardsError;
use super::chunk::{self, CHUNK_CARDS, ChunkFault, Prefix};
use crate::journal::{Sequence, files};
use crate::store::{Engine, SMALL_VALUE_BYTES_MAX, Store};

/// Sequences of one drawer.
const DRAWER_CARDS: u64 = 1 << 20;
const DRAWER_CHUNKS: u64 = DRAWER_CARDS / CHUNK_CARDS;
/// Bytes of one stored value.
const VALUE_BYTES: usize = SMALL_VALUE_BYTES_MAX;
/// Slots are made ahead, empty, and filled in order: then sled writes each value once.
const SLOTS_AHEAD: u64 = 512;
const SLOTS_LEFT_MIN: u64 = 32;
/// sled would keep each leaf that was ever read; every so many reads it is told to let go of some.
const READS_KEPT: u64 = 4;
const OPEN_DRAWERS_MAX: usize = 16;
const FOLDER: &str = "cards-";
const NEXT_KEY: &[u8] = b"next";

/// The drawer of a chunk.
pub(super) const fn drawer_of(chunk: u64) -> u64 {
    chunk / DRAWER_CHUNKS
}

fn folder(number: u64) -> String {
    format!("{FOLDER}{number:06}")
}

/// Where one piece of a chunk is stored. The first says how many there are.
pub(super) fn piece_key(chunk: u64, piece: u8) -> [u8; 10] {
    let mut key = [piece; 10];
    for (byte, value) in key.iter_mut().zip([b'c'].into_iter().chain(chunk.to_be_bytes())) {
        *byte = value;
    }
    key
}

/// An open drawer.
pub(super) struct Drawer {
    pub(super) number: u64,
    store: Box<dyn Store>,
    /// The chunk from which on no slots were made.
    slots: AtomicU64,
    reads: AtomicU64,
    used: AtomicU64,
}

impl Drawer {
    fn fault(&self, error: crate::store::StoreError) -> CardsError {
        CardsError::of_store(&folder(self.number), error)
    }

    /// Everything below this sequence was stored when the drawer was last synced.
    fn next(&self) -> Result<Sequence, CardsError> {
        let first = Sequence::new(self.number * DRAWER_CARDS);
        let Some(value) = self.store.get(NEXT_KEY).map_err(|error| self.fault(error))? else { return Ok(first) };
        let read = value
            .split_first_chunk::<8>()
            .filter(|(next, checksum)| crc32fast::hash(next.as_slice()).to_le_bytes().as_slice() == *checksum);
        let next = read.map(|(next, _)| Sequence::new(u64::from_le_bytes(*next)));
        next.ok_or_else(|| CardsError::damaged(folder(self.number), "its count is damaged"))
    }

    /// Stores a packed chunk. Not durable yet.
    pub(super) fn put(&self, number: u64, bytes: &[u8]) -> Result<(), CardsError> {
        let slots = self.slots.load(Ordering::Relaxed).max(number);
        if slots < number + SLOTS_LEFT_MIN {
            let end = (number + SLOTS_AHEAD).min((self.number + 1) * DRAWER_CHUNKS);
            for slot in slots..end {
                let key = piece_key(slot, 0);
                // What a crash left is not emptied: it may be of use until it is written again.
                if self.store.get(&key).map_err(|error| self.fault(error))?.is_none() {
                    self.store.put(&key, b"").map_err(|error| self.fault(error))?;
                }
            }
            self.slots.store(end, Ordering::Relaxed);
        }
        for (piece, value) in (0..).zip(bytes.chunks(VALUE_BYTES)) {
            self.store.put(&piece_key(number, piece), value).map_err(|error| self.fault(error))?;
        }
        if (number + 1).is_multiple_of(CHUNK_CARDS) {
            self.store.forget(&piece_key(number, 0));
        }
        Ok(())
    }

    /// Makes everything that was put durable, and says up to where that is all.
    pub(super) fn sync(&self, next: Sequence) -> Result<(), CardsError> {
        let next = next.get().to_le_bytes();
        let value = [next.as_slice(), &crc32fast::hash(&next).to_le_bytes()].concat();
        self.store.put(NEXT_KEY, &value).and_then(|()| self.store.sync()).map_err(|error| self.fault(error))
    }

    /// Hands what was put to the kernel, so that sled's buffers stay small.
    pub(super) fn flush(&self) -> Result<(), CardsError> {
        self.store.flush().map_err(|error| self.fault(error))
    }

    /// The stored bytes of a chunk, and what their front says; `None` if it is not there.
    pub(super) fn get(&self, number: u64) -> Result<Option<(Prefix, Vec<u8>)>, CardsError> {
        let stored = |piece| self.store.get(&piece_key(number, piece)).map_err(|error| self.fault(error));
        let Some(mut bytes) = stored(0)?.filter(|bytes| !bytes.is_empty()) else { return Ok(None) };
        if self.reads.fetch_add(1, Ordering::Relaxed).is_multiple_of(READS_KEPT) {
            self.store.forget(&piece_key(number, 0));
        }
        let prefix = chunk::prefix(&bytes).map_err(|fault| self.damaged(number, fault))?;
        for piece in 1.. {
            if bytes.len() >= prefix.bytes {
                break;
            }
            let more = stored(piece)?.filter(|bytes| !bytes.is_empty());
            bytes.extend_from_slice(&more.ok_or_else(|| self.damaged(number, ChunkFault::Cut))?);
        }
        Ok(Some((prefix, bytes)))
    }

    pub(super) fn damaged(&self, chunk: u64, fault: ChunkFault) -> CardsError {
        CardsError::damaged(format!("{}, chunk {chunk},", folder(self.number)), fault.to_string())
    }
}

/// All drawers of one folder.
pub(super) struct Drawers {
    dir: PathBuf,
    engine: Arc<dyn Engine>,
    /// Which there are, and the open ones.
    known: Mutex<BTreeMap<u64, Option<Arc<Drawer>>>>,
    uses: AtomicU64,
}

impl Drawers {
    /// Finds the drawers, and up to where they are filled.
    pub(super) fn open(dir: &Path, engine: Arc<dyn Engine>) -> Result<(Self, Sequence), CardsError> {
        files::make_dir(dir)?;
        let known = numbers(dir)?.into_iter().map(|number| (number, None)).collect::<BTreeMap<_, _>>();
        let last = known.keys().next_back().copied();
        let drawers = Self { dir: dir.to_path_buf(), engine, known: Mutex::new(known), uses: AtomicU64::new(0) };
        let next = match last {
            Some(last) => drawers.get(last)?.map_or(Ok(Sequence::FIRST), |drawer| drawer.next())?,
            None => Sequence::FIRST,
        };
        Ok((drawers, next))
    }

    fn known(&self) -> MutexGuard<'_, BTreeMap<u64, Option<Arc<Drawer>>>> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A drawer that is there, opened if it was not.
    pub(super) fn get(&self, number: u64) -> Result<Option<Arc<Drawer>>, CardsError> {
        let mut known = self.known();
        let Some(place) = known.get_mut(&number) else { return Ok(None) };
        let tick = self.uses.fetch_add(1, Ordering::Relaxed) + 1;
        if let Some(drawer) = place {
            drawer.used.store(tick, Ordering::Relaxed);
            return Ok(Some(Arc::clone(drawer)));
        }
        let name = folder(number);
        let store =
            self.engine.open_small(&self.dir.join(&name)).map_err(|error| CardsError::of_store(&name, error))?;
        let zero = || AtomicU64::new(0);
        let drawer = Arc::new(Drawer { number, store, slots: zero(), reads: zero(), used: AtomicU64::new(tick) });
        *place = Some(Arc::clone(&drawer));
        rest(&mut known, OPEN_DRAWERS_MAX);
        Ok(Some(drawer))
    }

    /// A drawer to write to, made if it is not there. Its folder is durable when this returns.
    pub(super) fn make(&self, number: u64) -> Result<Arc<Drawer>, CardsError> {
        let mut known = self.known();
        if let Entry::Vacant(free) = known.entry(number) {
            files::make_dir(&self.dir.join(folder(number)))?;
            files::sync_dir(&self.dir)?;
            free.insert(None);
        }
        drop(known);
        self.get(number)?.ok_or_else(|| CardsError::Failed(format!("{} has gone", folder(number))))
    }

    /// Closes all but the ones used last. sled keeps much of what was written to a store in memory until it is closed.
    pub(super) fn rest(&self, open_max: usize) {
        rest(&mut self.known(), open_max);
    }

    pub(super) fn disk_bytes(&self) -> u64 {
        let numbers: Vec<u64> = self.known().keys().copied().collect();
        numbers.into_iter().map(|number| files::disk_bytes(&self.dir.join(folder(number)))).sum()
    }
}

fn rest(known: &mut BTreeMap<u64, Option<Arc<Drawer>>>, open_max: usize) {
    let mut open: Vec<_> = known.values_mut().filter(|place| place.is_some()).collect();
    open.sort_by_key(|place| place.as_ref().map_or(0, |drawer| drawer.used.load(Ordering::Relaxed)));
    let surplus = open.len().saturating_sub(open_max);
    for place in open.into_iter().take(surplus) {
        // Whoever uses it keeps it open; opening it a second time meanwhile would fail on sled's lock.
        let idle = place.take_if(|drawer| Arc::strong_count(drawer) == 1);
        if std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| drop(idle))).is_err() {
            tracing::warn!("cards of the views could not be closed in order");
        }
    }
}

/// The numbers of the drawers in a folder.
fn numbers(dir: &Path) -> std::io::Result<Vec<u64>> {
    let mut numbers = Vec::new();
    for entry in std::fs::read_dir(dir)? {
        let name = entry?.file_name();
        numbers.extend(name.to_str().and_then(|name| name.strip_prefix(FOLDER)?.parse::<u64>().ok()));
    }
    numbers.sort_unstable();
    Ok(numbers)
}

/// Removes all drawers, the newest first: what is left after a crash never claims more than is there.
pub(super) fn wipe(dir: &Path) -> std::io::Result<()> {
    if dir.is_dir() {
        for number in numbers(dir)?.into_iter().rev() {
            std::fs::remove_dir_all(dir.join(folder(number)))?;
            files::sync_dir(dir)?;
        }
    }
    Ok(())
}
