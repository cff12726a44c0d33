//! One volume: a store that holds consecutive blocks, numbered from 0.
//!
//! Slots are made ahead, empty, and filled in order. A tree of sled that grows by large values writes each of them
//! two or three times, when leaves are consolidated and split; a tree whose keys are there already writes each once.
//! Only the writer fills slots of the open volume; a closed volume is never written again.

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError, RwLock};

use super::block::{self, Chain, Header};
use super::files;
use super::record::Block;
use super::{ReadError, Sequence};
use crate::store::{Engine, Store, StoreError};

/// Slots made at a time, and how few may be left before more are made.
const SLOTS_AHEAD: u64 = 512;
const SLOTS_LEFT_MIN: u64 = 64;
/// About how many blocks share one leaf of sled's tree.
pub(super) const LEAF_BLOCKS: u64 = 8;
/// First sequences kept in one value of the index of a closed volume.
const INDEX_CHUNK: usize = 4096;

/// A volume as readers see it.
pub(super) struct Volume {
    pub(super) number: u64,
    dir: PathBuf,
    engine: Arc<dyn Engine>,
    store: Mutex<Option<Arc<dyn Store>>>,
    index: RwLock<Option<Index>>,
    bytes: AtomicU64,
    /// What the manifest says it holds: how many blocks, and the sequence after the last record.
    sealed: Option<(u64, u64)>,
    /// When the store was last used, on a clock of uses.
    used: AtomicU64,
    retired: AtomicBool,
}

/// The first sequence of each block, and the sequence after the last.
#[derive(Clone, Debug, Default)]
struct Index {
    firsts: Vec<u64>,
    next: u64,
}

impl Volume {
    /// A volume that is opened when it is first read. `sealed` is what the manifest says of a closed one.
    pub(super) fn new(
        engine: Arc<dyn Engine>,
        dir: PathBuf,
        number: u64,
        bytes: u64,
        sealed: Option<(u64, u64)>,
    ) -> Self {
        Self {
            number,
            dir,
            engine,
            store: Mutex::new(None),
            index: RwLock::new(None),
            bytes: AtomicU64::new(bytes),
            sealed,
            used: AtomicU64::new(0),
            retired: AtomicBool::new(false),
        }
    }

    pub(super) fn dir(&self) -> &Path {
        &self.dir
    }

    /// Bytes of its blocks.
    pub(super) fn bytes(&self) -> u64 {
        self.bytes.load(Ordering::Relaxed)
    }

    /// Lets go of the store unless somebody uses it; it is opened again when needed.
    ///
    /// # Errors
    /// When its last write fails: sled syncs once more when it is closed, and panics if it cannot.
    pub(super) fn rest(&self) -> Result<(), StoreError> {
        let mut open = self.store.lock().unwrap_or_else(PoisonError::into_inner);
        // Whoever is reading keeps it open; opening it a second time meanwhile would fail on sled's lock.
        let store = open.take_if(|store| Arc::strong_count(store) == 1);
        drop(open);
        std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| drop(store)))
            .map_err(|_| StoreError::Failed(format!("volume {} could not be closed", self.number)))
    }

    /// When the store was last used; `None` while it is not open.
    pub(super) fn last_used(&self) -> Option<u64> {
        let open = self.store.lock().unwrap_or_else(PoisonError::into_inner).is_some();
        open.then(|| self.used.load(Ordering::Relaxed))
    }

    /// Notes a use at this tick of the shelf's clock.
    pub(super) fn touch(&self, tick: u64) {
        self.used.store(tick, Ordering::Relaxed);
    }

    /// The folder is removed when the last reader lets go of the volume.
    pub(super) fn retire(&self) {
        self.retired.store(true, Ordering::Release);
    }

    fn store(&self) -> Result<Arc<dyn Store>, StoreError> {
        let mut store = self.store.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(store) = store.as_ref() {
            return Ok(Arc::clone(store));
        }
        let opened: Arc<dyn Store> = Arc::from(self.engine.open(&self.dir)?);
        *store = Some(Arc::clone(&opened));
        Ok(opened)
    }

    /// The block that holds `sequence`, decompressed, and its number.
    pub(super) fn block_with(&self, sequence: Sequence) -> Result<Option<(u64, Block)>, ReadError> {
        let Some(number) = self.position(sequence)? else { return Ok(None) };
        Ok(self.block(number)?.map(|block| (number, block)))
    }

    /// A block by its number, decompressed; `None` after the last.
    pub(super) fn block(&self, number: u64) -> Result<Option<Block>, ReadError> {
        let known =
            self.with_index(|index| index.firsts.get(usize::try_from(number).unwrap_or(usize::MAX)).copied())?;
        let Some(first) = known else { return Ok(None) };
        let place = self.place(number);
        let damaged =
            |detail: String| ReadError::Damaged { sequence: Sequence::new(first), place: place.clone(), detail };
        let store = self.store().map_err(read_error)?;
        let bytes = store.get(&block_key(number)).map_err(read_error)?;
        if number.is_multiple_of(LEAF_BLOCKS) {
            store.forget(&block_key(number));
        }
        let bytes = bytes.ok_or_else(|| damaged("the block is missing".to_owned()))?;
        let (header, packed) = block::unframe(&bytes).map_err(|fault| damaged(fault.to_string()))?;
        if header.first != first {
            return Err(damaged(format!("the block begins at sequence {} instead", header.first)));
        }
        let payload = block::unpack(&header, packed).map_err(|fault| damaged(fault.to_string()))?;
        Ok(Some(Block::new(header.first(), header.count, payload, place)))
    }

    /// Visits the stored bytes of its blocks in order, from block number `from`, until `visit` returns false.
    pub(super) fn scan(&self, from: u64, visit: &mut dyn FnMut(u64, &[u8]) -> bool) -> Result<(), ReadError> {
        let mut at = from;
        let store = self.store().map_err(read_error)?;
        store
            .scan(&block_key(from), &mut |key, value| {
                let expected = key == block_key(at);
                let go_on = expected && !value.is_empty() && visit(at, value);
                at += 1;
                go_on
            })
            .map_err(read_error)
    }

    /// How many blocks it has.
    pub(super) fn blocks(&self) -> Result<u64, ReadError> {
        self.with_index(|index| index.firsts.len() as u64)
    }

    /// Where in words, for messages.
    pub(super) fn place(&self, block: u64) -> String {
        format!("volume {}, block {block}", self.number)
    }

    fn position(&self, sequence: Sequence) -> Result<Option<u64>, ReadError> {
        self.with_index(|index| {
            let after = index.firsts.partition_point(|first| *first <= sequence.get());
            if sequence.get() >= index.next { None } else { after.checked_sub(1).map(|at| at as u64) }
        })
    }

    fn with_index<T>(&self, look: impl FnOnce(&Index) -> T) -> Result<T, ReadError> {
        let known = self.index.read().unwrap_or_else(PoisonError::into_inner);
        if let Some(index) = known.as_ref() {
            return Ok(look(index));
        }
        drop(known);
        let index = self.load_index()?;
        let answer = look(&index);
        *self.index.write().unwrap_or_else(PoisonError::into_inner) = Some(index);
        Ok(answer)
    }

    /// The index as stored when the volume was closed; a volume closed by a crash has none and is scanned.
    fn load_index(&self) -> Result<Index, ReadError> {
        let store = self.store().map_err(read_error)?;
        let mut index = Index::default();
        for chunk in 0.. {
            let Some(value) = store.get(&index_key(chunk)).map_err(read_error)? else { break };
            if !decode_chunk(&value, &mut index) {
                index = Index::default();
                break;
            }
        }
        let holds = |index: &Index| (index.firsts.len() as u64, index.next);
        if self.sealed.is_none_or(|sealed| sealed != holds(&index)) {
            index = Index::default();
            self.scan(0, &mut |_, bytes| {
                let header = block::unframe(bytes).map(|(header, _)| header);
                header.is_ok_and(|header| {
                    index.firsts.push(header.first);
                    index.next = header.next().get();
                    true
                })
            })?;
        }
        match self.sealed {
            Some(sealed) if sealed != holds(&index) => Err(ReadError::Damaged {
                sequence: Sequence::new(index.next),
                place: self.place(index.firsts.len() as u64),
                detail: format!("{} blocks can be read, it was closed with {}", index.firsts.len(), sealed.0),
            }),
            _ => Ok(index),
        }
    }
}

impl Drop for Volume {
    fn drop(&mut self) {
        if self.retired.load(Ordering::Acquire) {
            if let Err(error) = self.rest() {
                tracing::error!(%error, "the disk fails");
            }
            if let Err(error) = std::fs::remove_dir_all(&self.dir) {
                tracing::warn!(volume = self.number, %error, "cannot remove a merged volume; its folder can be deleted");
            }
        }
    }
}

/// Fills the slots of one volume.
pub(super) struct VolumeWriter {
    pub(super) volume: Arc<Volume>,
    store: Arc<dyn Store>,
    filled: u64,
    slots: u64,
    pub(super) chain: Chain,
    /// First sequences of blocks that are written but not published.
    unpublished: Vec<u64>,
    unpublished_bytes: u64,
}

impl VolumeWriter {
    /// Makes a new, empty volume and its first slots. The folder is durable when this returns.
    pub(super) fn create(
        engine: &Arc<dyn Engine>,
        journal: &Path,
        number: u64,
        instance: [u8; 16],
    ) -> Result<Self, StoreError> {
        let dir = journal.join(super::manifest::folder(number));
        files::make_dir(&dir).map_err(|error| StoreError::Failed(error.to_string()))?;
        let store: Arc<dyn Store> = Arc::from(engine.open(&dir)?);
        let volume = Volume::new(Arc::clone(engine), dir, number, 0, None);
        *volume.store.lock().unwrap_or_else(PoisonError::into_inner) = Some(Arc::clone(&store));
        *volume.index.write().unwrap_or_else(PoisonError::into_inner) = Some(Index::default());
        let mut writer = Self {
            volume: Arc::new(volume),
            store,
            filled: 0,
            slots: 0,
            chain: block::chain_start(instance, number),
            unpublished: Vec::new(),
            unpublished_bytes: 0,
        };
        writer.make_slots()?;
        writer.store.sync()?;
        for folder in [writer.volume.dir(), journal] {
            files::sync_dir(folder).map_err(|error| StoreError::Failed(error.to_string()))?;
        }
        Ok(writer)
    }

    fn make_slots(&mut self) -> Result<(), StoreError> {
        for slot in self.slots..self.slots + SLOTS_AHEAD {
            self.store.put(&block_key(slot), b"")?;
        }
        self.slots += SLOTS_AHEAD;
        Ok(())
    }

    /// Blocks written so far.
    pub(super) fn filled(&self) -> u64 {
        self.filled
    }

    /// Puts the next block. Its header must name [`VolumeWriter::chain`] as the previous one.
    pub(super) fn put(&mut self, header: &Header, bytes: &[u8]) -> Result<(), StoreError> {
        debug_assert_eq!(header.previous, self.chain, "a block continues the chain");
        if self.slots - self.filled < SLOTS_LEFT_MIN {
            self.make_slots()?;
        }
        self.store.put(&block_key(self.filled), bytes)?;
        self.filled += 1;
        self.chain = block::chain_after(&self.chain, bytes);
        self.unpublished.push(header.first);
        self.unpublished_bytes += bytes.len() as u64;
        Ok(())
    }

    /// Lets go of the memory that the newest blocks take.
    pub(super) fn forget(&self) {
        self.store.forget(&block_key(self.filled.saturating_sub(1)));
    }

    pub(super) fn flush(&self) -> Result<(), StoreError> {
        self.store.flush()
    }

    pub(super) fn sync(&self) -> Result<(), StoreError> {
        self.store.sync()
    }

    /// Shows readers what was put; to be called once it is durable. `next` is the sequence after the last record.
    pub(super) fn publish(&mut self, next: Sequence) {
        let mut index = self.volume.index.write().unwrap_or_else(PoisonError::into_inner);
        let index = index.get_or_insert_default();
        index.firsts.append(&mut self.unpublished);
        index.next = next.get();
        self.volume.bytes.fetch_add(std::mem::take(&mut self.unpublished_bytes), Ordering::Relaxed);
    }

    /// Writes the index and syncs everything: the last write to this volume.
    pub(super) fn finish(&mut self) -> Result<(), StoreError> {
        let index = self.volume.index.read().unwrap_or_else(PoisonError::into_inner).clone().unwrap_or_default();
        for (number, chunk) in index.firsts.chunks(INDEX_CHUNK).enumerate() {
            self.store.put(&index_key(number as u64), &encode_chunk(chunk, index.next))?;
        }
        self.store.sync()
    }
}

fn block_key(number: u64) -> [u8; 9] {
    numbered_key(b'b', number)
}

fn index_key(number: u64) -> [u8; 9] {
    numbered_key(b'i', number)
}

fn numbered_key(family: u8, number: u64) -> [u8; 9] {
    let mut key = [family; 9];
    for (place, byte) in key.iter_mut().skip(1).zip(number.to_be_bytes()) {
        *place = byte;
    }
    key
}

/// `crc32, next, then each first sequence`, little-endian.
fn encode_chunk(firsts: &[u64], next: u64) -> Vec<u8> {
    let numbers: Vec<u8> = std::iter::once(&next).chain(firsts).flat_map(|number| number.to_le_bytes()).collect();
    [crc32fast::hash(&numbers).to_le_bytes().as_slice(), &numbers].concat()
}

fn decode_chunk(value: &[u8], index: &mut Index) -> bool {
    let Some((checksum, numbers)) = value.split_first_chunk::<4>() else { return false };
    if crc32fast::hash(numbers) != u32::from_le_bytes(*checksum) || numbers.len() % 8 != 0 {
        return false;
    }
    let mut numbers = numbers.chunks_exact(8).map(|bytes| u64::from_le_bytes(bytes.try_into().unwrap_or_default()));
    index.next = numbers.next().unwrap_or_default();
    index.firsts.extend(numbers);
    true
}

pub(super) fn read_error(error: StoreError) -> ReadError {
    match error {
        StoreError::Failed(detail) => ReadError::Store(detail),
        StoreError::Full(_) => ReadError::Full(error.to_string()),
        StoreError::Damaged(detail) => {
            ReadError::Damaged { sequence: Sequence::FIRST, place: "the store".to_owned(), detail }
        }
    }
}
