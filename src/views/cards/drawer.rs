//! Drawers: each holds the chunks of 2^20 sequences in a file that is only appended to.
//!
//! The newest is written, by one thread; it is read once when the cards are opened, to find its chunks. A drawer that is
//! left for the next one gets a list of its chunks at the end, so that opening it reads only that. Chunks that were
//! written again, after a crash or before they were full, leave their former bytes behind.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock};

use super::CardsError;
use super::chunk::{self, CHUNK_CARDS, ChunkFault, PREFIX_BYTES, Prefix};
use super::list::Places;
use crate::journal::{Sequence, files};
use crate::store::{Engine, Log, StoreError};

/// Sequences of one drawer.
const DRAWER_CARDS: u64 = 1 << 20;
pub(super) const DRAWER_CHUNKS: u64 = DRAWER_CARDS / CHUNK_CARDS;
/// Bytes read at a time when chunks are looked for.
const LOOK_BYTES: usize = 1 << 20;
const OPEN_DRAWERS_MAX: usize = 32;
const FILE: &str = "cards-";

/// The drawer of a chunk.
pub(super) const fn drawer_of(chunk: u64) -> u64 {
    chunk / DRAWER_CHUNKS
}

fn file_name(number: u64) -> String {
    format!("{FILE}{number:06}")
}

/// An open drawer.
pub(super) struct Drawer {
    pub(super) number: u64,
    log: Box<dyn Log>,
    places: RwLock<Places>,
    used: AtomicU64,
}

impl Drawer {
    fn open(engine: &dyn Engine, dir: &Path, number: u64) -> Result<Self, CardsError> {
        let name = file_name(number);
        let log = engine.open_log(&dir.join(&name)).map_err(|error| CardsError::of_store(&name, error))?;
        let list = Places::read(&*log).map_err(|error| CardsError::of_store(&name, error))?;
        let drawer = Self { number, log, places: RwLock::default(), used: AtomicU64::new(0) };
        let places = list.map_or_else(|| drawer.look(), Ok)?;
        *drawer.places.write().unwrap_or_else(PoisonError::into_inner) = places;
        Ok(drawer)
    }

    /// Whether nothing can be missing: damage to the newest drawer shows as an end that comes early, and what follows is
    /// put again; that of an older one has to be told.
    fn is_whole(&self) -> bool {
        let places = self.places();
        places.is_listed || places.next == (self.number + 1) * DRAWER_CARDS
    }

    /// Finds the chunks by reading all of the file. Ends where there is no whole chunk.
    fn look(&self) -> Result<Places, CardsError> {
        let (mut places, mut at) = (Places::default(), 0);
        let mut bytes = Vec::new();
        loop {
            let mut rest = bytes.as_slice();
            while let Some((prefix, after)) = whole_chunk(rest) {
                if drawer_of(prefix.number) != self.number {
                    break;
                }
                places.set(&prefix, at);
                at += prefix.bytes as u64;
                rest = after;
            }
            // What is left may be a chunk that is longer than what was read.
            let needed = chunk::prefix(rest).map_or(PREFIX_BYTES, |prefix| prefix.bytes);
            let more = self.log.read(at, needed.max(LOOK_BYTES)).map_err(|error| self.fault(error))?;
            if more.len() <= rest.len()
                || whole_chunk(&more).is_none_or(|(prefix, _)| drawer_of(prefix.number) != self.number)
            {
                places.end = at;
                return Ok(places);
            }
            bytes = more;
        }
    }

    fn fault(&self, error: StoreError) -> CardsError {
        CardsError::of_store(&file_name(self.number), error)
    }

    fn places(&self) -> std::sync::RwLockReadGuard<'_, Places> {
        self.places.read().unwrap_or_else(PoisonError::into_inner)
    }

    /// Everything below this sequence is there, as far as the drawer goes.
    fn next(&self) -> Sequence {
        Sequence::new(self.places().next.max(self.number * DRAWER_CARDS))
    }

    /// Makes the drawer ready for writing: forgets what follows the last whole chunk.
    fn settle(&self) -> Result<(), CardsError> {
        let end = self.places().end;
        if end < self.log.len() {
            self.log.cut(end).map_err(|error| self.fault(error))?;
        }
        Ok(())
    }

    /// Stores a packed chunk. Not durable yet.
    pub(super) fn put(&self, bytes: &[u8]) -> Result<(), CardsError> {
        let prefix = chunk::prefix(bytes).map_err(|fault| self.damaged(self.number, fault))?;
        let at = self.log.len();
        self.log.append(bytes).map_err(|error| self.fault(error))?;
        let mut places = self.places.write().unwrap_or_else(PoisonError::into_inner);
        places.set(&prefix, at);
        places.end = at + bytes.len() as u64;
        Ok(())
    }

    /// Makes everything that was put durable.
    pub(super) fn sync(&self) -> Result<(), CardsError> {
        self.log.sync().map_err(|error| self.fault(error))
    }

    /// Writes the list of chunks, and makes everything durable. Nothing more is expected.
    pub(super) fn finish(&self) -> Result<(), CardsError> {
        let list = self.places().to_bytes();
        self.log.append(&list).map_err(|error| self.fault(error))?;
        self.sync()
    }

    /// The stored bytes of a chunk, and what their front says; `None` if it is not there.
    pub(super) fn get(&self, number: u64) -> Result<Option<(Prefix, Vec<u8>)>, CardsError> {
        let Some((at, bytes)) = self.places().get(number) else { return Ok(None) };
        let bytes = self.log.read(at, bytes).map_err(|error| self.fault(error))?;
        let prefix = chunk::prefix(&bytes).map_err(|fault| self.damaged(number, fault))?;
        Ok(Some((prefix, bytes)))
    }

    /// Where a chunk is in the file.
    #[cfg(test)]
    pub(super) fn place(&self, chunk: u64) -> Option<(u64, usize)> {
        self.places().get(chunk)
    }

    pub(super) fn damaged(&self, chunk: u64, fault: ChunkFault) -> CardsError {
        CardsError::damaged(format!("{}, chunk {chunk},", file_name(self.number)), fault.to_string())
    }
}

/// The chunk that these bytes begin with, and what follows it.
fn whole_chunk(bytes: &[u8]) -> Option<(Prefix, &[u8])> {
    let prefix = chunk::prefix(bytes).ok()?;
    let (chunk, rest) = bytes.split_at_checked(prefix.bytes)?;
    chunk::unframe(&prefix, prefix.number, chunk).ok()?;
    Some((prefix, rest))
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
            Some(last) => drawers.get(last)?.map_or(Sequence::FIRST, |drawer| drawer.next()),
            None => Sequence::FIRST,
        };
        Ok((drawers, next.max(Sequence::FIRST)))
    }

    fn known(&self) -> MutexGuard<'_, BTreeMap<u64, Option<Arc<Drawer>>>> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A drawer that is there, opened if it was not.
    pub(super) fn get(&self, number: u64) -> Result<Option<Arc<Drawer>>, CardsError> {
        let mut known = self.known();
        let is_newest = known.keys().next_back() == Some(&number);
        let Some(place) = known.get_mut(&number) else { return Ok(None) };
        let tick = self.uses.fetch_add(1, Ordering::Relaxed) + 1;
        if let Some(drawer) = place {
            drawer.used.store(tick, Ordering::Relaxed);
            return Ok(Some(Arc::clone(drawer)));
        }
        let drawer = Arc::new(Drawer::open(&*self.engine, &self.dir, number)?);
        if !is_newest && !drawer.is_whole() {
            return Err(CardsError::damaged(file_name(number), "it has no list of its chunks, and ends early"));
        }
        drawer.used.store(tick, Ordering::Relaxed);
        *place = Some(Arc::clone(&drawer));
        rest(&mut known, OPEN_DRAWERS_MAX);
        Ok(Some(drawer))
    }

    /// A drawer to write to, made if it is not there. Its name is durable when this returns.
    pub(super) fn make(&self, number: u64) -> Result<Arc<Drawer>, CardsError> {
        let is_new = matches!(self.known().entry(number), Entry::Vacant(_));
        if is_new {
            drop(Drawer::open(&*self.engine, &self.dir, number)?);
            files::sync_dir(&self.dir)?;
            self.known().insert(number, None);
        }
        let drawer = self.get(number)?.ok_or_else(|| CardsError::Failed(format!("{} has gone", file_name(number))))?;
        drawer.settle()?;
        Ok(drawer)
    }

    pub(super) fn disk_bytes(&self) -> u64 {
        let numbers: Vec<u64> = self.known().keys().copied().collect();
        numbers.into_iter().map(|number| files::disk_bytes(&self.dir.join(file_name(number)))).sum()
    }
}

fn rest(known: &mut BTreeMap<u64, Option<Arc<Drawer>>>, open_max: usize) {
    let mut open: Vec<_> = known.values_mut().filter(|place| place.is_some()).collect();
    open.sort_by_key(|place| place.as_ref().map_or(0, |drawer| drawer.used.load(Ordering::Relaxed)));
    let surplus = open.len().saturating_sub(open_max);
    // What is written to has to be known as it is: whoever writes or reads holds on to it.
    open.into_iter().take(surplus).for_each(|place| drop(place.take_if(|drawer| Arc::strong_count(drawer) == 1)));
}

/// The numbers of the drawers in a folder.
fn numbers(dir: &Path) -> std::io::Result<Vec<u64>> {
    let mut numbers = Vec::new();
    for entry in std::fs::read_dir(dir)? {
        let name = entry?.file_name();
        numbers.extend(name.to_str().and_then(|name| name.strip_prefix(FILE)?.parse::<u64>().ok()));
    }
    numbers.sort_unstable();
    Ok(numbers)
}

/// Removes all drawers, the newest first: what is left after a crash never claims more than is there.
pub(super) fn wipe(dir: &Path) -> std::io::Result<()> {
    if dir.is_dir() {
        for number in numbers(dir)?.into_iter().rev() {
            std::fs::remove_file(dir.join(file_name(number)))?;
            files::sync_dir(dir)?;
        }
    }
    Ok(())
}
