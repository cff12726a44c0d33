//! The store of cards: append-only, by sequence, eight to a packed chunk.
//!
//! Life of a card: it is encoded and waits in memory until the chunk of its sequence is full; then the chunk is packed
//! and put. [`Cards::flush`] makes all of it durable, the chunk that is not full included, and is called before the
//! checkpoint that relies on it. A crash loses cards that were not flushed; they are put again from the journal, and a
//! chunk that is written again holds the same.
//!
//! Refuses: to know lists, persons, or what a card means.

mod chunk;
mod codec;
mod dictionary;
mod drawer;
mod error;
mod list;
#[cfg(test)]
mod tests;

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock};

use super::card::Card;
use crate::journal::{Sequence, files};
use crate::store::Engine;
use chunk::{CHUNK_CARDS, Chunk, ChunkFault, PREFIX_BYTES};
use dictionary::{Packer, Unpackers};
use drawer::{Drawer, Drawers, drawer_of};

pub use error::CardsError;

/// Bytes put between two syncs: one large sync would hold up the journal's.
const SYNC_BYTES: usize = 8 << 20;

/// An unpacked chunk, and where it was.
type Found = (Arc<Drawer>, Vec<u8>);

/// The cards of one folder. At most one at a time may be open on it.
///
/// [`Cards::put`] and [`Cards::flush`] are for one thread; [`Cards::get`] for any, and never waits for the disk's syncs.
pub struct Cards {
    dir: PathBuf,
    drawers: Drawers,
    writer: Mutex<Writer>,
    /// The chunk that cards are put into; readers find it here.
    current: Mutex<Option<(u64, Chunk)>>,
    unpackers: RwLock<Arc<Unpackers>>,
}

struct Writer {
    packer: Packer,
    drawer: Option<Arc<Drawer>>,
    /// Everything below it was put.
    next: Sequence,
    /// What was stored when the cards were opened: chunks below it are completed, not replaced.
    stored: Sequence,
    /// After an error the store may lack what it was given: nothing more is written.
    has_failed: bool,
    /// Whether the current chunk holds cards that are not in the store.
    is_dirty: bool,
    unsynced: usize,
    raw: Vec<u8>,
    packed: Vec<u8>,
}

const fn place(sequence: Sequence) -> (u64, usize) {
    let place = sequence.get() % CHUNK_CARDS;
    (sequence.get() / CHUNK_CARDS, place as usize)
}

impl Cards {
    /// Opens the cards in `dir`, making it if it is not there. Also returns the next sequence to put: everything below was
    /// stored. Putting may begin lower; what is put again is replaced.
    ///
    /// # Errors
    /// When the folder cannot be used or is damaged.
    pub fn open(dir: &Path, engine: Arc<dyn Engine>) -> Result<(Self, Sequence), CardsError> {
        let (drawers, next) = Drawers::open(dir, engine)?;
        let dictionary = dictionary::read(dir)?;
        let writer = Writer {
            packer: Packer::new(dictionary.as_deref())?,
            drawer: None,
            next,
            stored: next,
            has_failed: false,
            is_dirty: false,
            unsynced: 0,
            raw: Vec::new(),
            packed: Vec::new(),
        };
        let cards = Self {
            dir: dir.to_path_buf(),
            drawers,
            writer: Mutex::new(writer),
            current: Mutex::new(None),
            unpackers: RwLock::new(Arc::new(Unpackers::new(dictionary))),
        };
        Ok((cards, next))
    }

    /// Removes all cards from a folder that is not open; other files in it stay.
    ///
    /// # Errors
    /// When they cannot be removed. Trying again removes the rest.
    pub fn wipe(dir: &Path) -> Result<(), CardsError> {
        drawer::wipe(dir)?;
        dictionary::remove(dir)?;
        Ok(())
    }

    /// Puts a card. In order of sequence; some may be left out.
    ///
    /// # Errors
    /// When the disk is full or fails. Then open the cards again, and put again from what was flushed.
    pub fn put(&self, card: &Card) -> Result<(), CardsError> {
        self.write(|writer| self.add(writer, card))
    }

    fn write<T>(&self, work: impl FnOnce(&mut Writer) -> Result<T, CardsError>) -> Result<T, CardsError> {
        let mut writer = self.writer.lock().unwrap_or_else(PoisonError::into_inner);
        if writer.has_failed {
            return Err(CardsError::Failed("an earlier write failed".to_owned()));
        }
        let result = work(&mut writer);
        writer.has_failed = result.is_err();
        result
    }

    fn add(&self, writer: &mut Writer, card: &Card) -> Result<(), CardsError> {
        let (number, at) = place(card.sequence);
        let known = self.current().as_ref().map(|(number, _)| *number);
        if known != Some(number) {
            self.seal(writer)?;
            let chunk = if number * CHUNK_CARDS < writer.stored.get() { self.stored_chunk(number)? } else { None };
            *self.current() = Some((number, chunk.unwrap_or_default()));
        }
        let mut bytes = Vec::with_capacity(card.payload.len() + card.context.len() + 256);
        codec::encode(card, &mut bytes);
        if let Some(dictionary) = writer.packer.learn(&bytes, &self.dir)? {
            let unpackers = Arc::new(Unpackers::new(Some(dictionary)));
            *self.unpackers.write().unwrap_or_else(PoisonError::into_inner) = unpackers;
        }
        if let Some((_, chunk)) = &mut *self.current() {
            chunk.set(at, bytes);
        }
        writer.is_dirty = true;
        writer.next = writer.next.max(card.sequence.plus(1));
        if at + 1 == 8 { self.seal(writer) } else { Ok(()) }
    }

    fn current(&self) -> MutexGuard<'_, Option<(u64, Chunk)>> {
        self.current.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Stores the current chunk as it is. It stays current.
    fn seal(&self, writer: &mut Writer) -> Result<(), CardsError> {
        let Writer { packer, raw, packed, .. } = writer;
        if !std::mem::take(&mut writer.is_dirty) {
            return Ok(());
        }
        let current = self.current();
        let Some((number, chunk)) = &*current else { return Ok(()) };
        let number = *number;
        chunk.to_raw(raw);
        drop(current);
        packed.clear();
        packed.resize(PREFIX_BYTES, 0);
        let dictionary = packer.pack(raw, packed)?;
        chunk::frame(packed, number, dictionary, raw);
        let drawer = self.drawer(writer, drawer_of(number))?;
        drawer.put(&writer.packed)?;
        writer.unsynced += writer.packed.len();
        if writer.unsynced >= SYNC_BYTES {
            writer.unsynced = 0;
            drawer.sync()?;
        }
        Ok(())
    }

    /// The drawer to write to. The one before is durable before a new one is made.
    fn drawer(&self, writer: &mut Writer, number: u64) -> Result<Arc<Drawer>, CardsError> {
        if let Some(drawer) = writer.drawer.as_ref().filter(|drawer| drawer.number == number) {
            return Ok(Arc::clone(drawer));
        }
        if let Some(left) = writer.drawer.take() {
            left.finish()?;
        }
        let drawer = self.drawers.make(number)?;
        writer.drawer = Some(Arc::clone(&drawer));
        Ok(drawer)
    }

    /// Makes everything that was put durable. Everything below the sequence that is returned is on the disk.
    ///
    /// # Errors
    /// When the disk is full or fails. Then open the cards again, and put again from what was flushed.
    pub fn flush(&self) -> Result<Sequence, CardsError> {
        self.write(|writer| {
            self.seal(writer)?;
            if let Some(drawer) = &writer.drawer {
                drawer.sync()?;
            }
            Ok(writer.next)
        })
    }

    /// The cards of these sequences, in the same order; none where there is no card. Each chunk is read once.
    ///
    /// # Errors
    /// When the disk fails or the bytes are damaged.
    pub fn get(&self, sequences: &[Sequence]) -> Result<Vec<Option<Card>>, CardsError> {
        let mut found = vec![None; sequences.len()];
        let mut wanted: Vec<_> = sequences.iter().copied().zip(0..).collect();
        wanted.sort_unstable();
        for wanted in wanted.chunk_by(|(left, _), (right, _)| place(*left).0 == place(*right).0) {
            let Some((first, _)) = wanted.first() else { continue };
            self.read(place(*first).0, wanted, &mut found)?;
        }
        Ok(found)
    }

    /// Fills in the wanted cards of one chunk.
    fn read(&self, number: u64, wanted: &[(Sequence, usize)], found: &mut [Option<Card>]) -> Result<(), CardsError> {
        let mut decode = |cards: &[(usize, &[u8])]| {
            wanted.iter().all(|(sequence, index)| {
                let bytes = cards.iter().find(|(at, _)| *at == place(*sequence).1).map(|(_, bytes)| *bytes);
                let card = bytes.map(|bytes| codec::decode(*sequence, bytes));
                let is_sound = card != Some(None);
                if let Some(free) = found.get_mut(*index) {
                    *free = card.flatten();
                }
                is_sound
            })
        };
        let current = self.current();
        if let Some((_, chunk)) = current.as_ref().filter(|(current, _)| *current == number) {
            let chunk = chunk.clone();
            drop(current);
            let cards: Vec<_> = (0..8).filter_map(|at| chunk.get(at).map(|bytes| (at, bytes))).collect();
            decode(&cards);
            return Ok(());
        }
        drop(current);
        let Some((drawer, raw)) = self.raw(number)? else { return Ok(()) };
        let cards = chunk::cards(&raw).ok_or_else(|| drawer.damaged(number, ChunkFault::Payload))?;
        if decode(&cards) { Ok(()) } else { Err(drawer.damaged(number, ChunkFault::Card)) }
    }

    /// An unpacked chunk from the store, and where it was.
    fn raw(&self, number: u64) -> Result<Option<Found>, CardsError> {
        let Some(drawer) = self.drawers.get(drawer_of(number))? else { return Ok(None) };
        let Some((prefix, bytes)) = drawer.get(number)? else { return Ok(None) };
        let packed = chunk::unframe(&prefix, number, &bytes).map_err(|fault| drawer.damaged(number, fault))?;
        let unpackers = Arc::clone(&self.unpackers.read().unwrap_or_else(PoisonError::into_inner));
        let raw = unpackers.unpack(prefix.dictionary, packed, prefix.raw_bytes);
        let raw = raw.ok_or_else(|| drawer.damaged(number, ChunkFault::Payload))?;
        Ok(Some((drawer, raw)))
    }

    fn stored_chunk(&self, number: u64) -> Result<Option<Chunk>, CardsError> {
        let Some((drawer, raw)) = self.raw(number)? else { return Ok(None) };
        Chunk::from_raw(&raw).map(Some).ok_or_else(|| drawer.damaged(number, ChunkFault::Payload))
    }

    /// Bytes that all cards take on the disk.
    pub fn disk_bytes(&self) -> u64 {
        self.drawers.disk_bytes() + files::disk_bytes(&self.dir.join(dictionary::FILE))
    }
}
