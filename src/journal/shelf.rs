//! All volumes in order, and the newest blocks in memory: what readers read from.
//!
//! Readers take the list as it is at that moment; merging replaces the list, and a replaced volume's folder goes when
//! its last reader lets go of it.

use std::collections::VecDeque;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock};

use arc_swap::ArcSwap;
use tokio::sync::watch;

use super::manifest::{Closed, Manifest};
use super::record::Block;
use super::volume::Volume;
use super::{ReadError, Sequence, Slice};
use crate::store::Engine;

/// Decompressed bytes of the newest blocks that stay in memory, so that followers read nothing twice.
const RECENT_BYTES_MAX: usize = 8 << 20;
/// Closed volumes whose store stays open.
const OPEN_STORES_MAX: usize = 4;

/// One volume and where it lies. `next` is `None` for the open one.
#[derive(Clone)]
pub(super) struct Placed {
    pub(super) first: Sequence,
    pub(super) next: Option<Sequence>,
    pub(super) volume: Arc<Volume>,
}

#[derive(Default)]
struct Recent {
    blocks: VecDeque<Arc<Block>>,
    bytes: usize,
}

/// The volumes of one journal.
pub(super) struct Shelf {
    pub(super) folder: PathBuf,
    pub(super) engine: Arc<dyn Engine>,
    manifest: Mutex<Manifest>,
    volumes: ArcSwap<Vec<Placed>>,
    recent: RwLock<Recent>,
    pub(super) tail: watch::Sender<u64>,
    /// True once a write or sync failed: see [`Shelf::poison`].
    pub(super) failed: watch::Sender<bool>,
    uses: AtomicU64,
}

impl Shelf {
    /// The volumes of a manifest; `open` is the open one.
    pub(super) fn new(
        folder: &Path,
        engine: Arc<dyn Engine>,
        manifest: Manifest,
        open: Arc<Volume>,
        tail: Sequence,
    ) -> Self {
        let closed = manifest.closed.iter().map(|closed| placed(folder, &engine, closed));
        let first = Sequence::new(manifest.open_first);
        let volumes = closed.chain([Placed { first, next: None, volume: open }]).collect();
        Self {
            folder: folder.to_path_buf(),
            engine,
            manifest: Mutex::new(manifest),
            volumes: ArcSwap::from_pointee(volumes),
            recent: RwLock::default(),
            tail: watch::Sender::new(tail.get()),
            failed: watch::Sender::new(false),
            uses: AtomicU64::new(0),
        }
    }

    /// Stops the journal: nothing is acked from now on, and the program is told to end. After a failed write or sync the
    /// kernel may have dropped bytes, and would not say so twice.
    pub(super) fn poison(&self, reason: &str) {
        if !self.failed.send_replace(true) {
            tracing::error!(reason, "the journal stopped: a write failed, nothing is acknowledged until a restart");
        }
    }

    /// Closes the store of a volume unless it is in use; a failure stops the journal.
    pub(super) fn rest(&self, volume: &Volume) {
        if let Err(error) = volume.rest() {
            self.poison(&error.to_string());
        }
    }

    /// The manifest, to look at or to change with [`Shelf::commit`].
    pub(super) fn manifest(&self) -> MutexGuard<'_, Manifest> {
        self.manifest.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Makes a changed manifest durable, then shows its volumes to readers. `open` is the open volume.
    pub(super) fn commit(
        &self,
        mut current: MutexGuard<'_, Manifest>,
        changed: Manifest,
        open: Option<Arc<Volume>>,
    ) -> std::io::Result<()> {
        changed.write(&self.folder.join("manifest.json"))?;
        let old = self.volumes.load_full();
        let known = |number: u64| old.iter().find(|placed| placed.volume.number == number);
        let mut volumes: Vec<Placed> = Vec::with_capacity(changed.closed.len() + 1);
        for closed in &changed.closed {
            let fresh = placed(&self.folder, &self.engine, closed);
            let volume = known(closed.number).map_or(fresh.volume, |placed| Arc::clone(&placed.volume));
            volumes.push(Placed { volume, ..fresh });
        }
        let open = open.or_else(|| old.last().map(|placed| Arc::clone(&placed.volume)));
        let first = Sequence::new(changed.open_first);
        volumes.extend(open.map(|volume| Placed { first, next: None, volume }));
        self.volumes.store(Arc::new(volumes));
        *current = changed;
        Ok(())
    }

    /// All volumes in order, the open one last.
    pub(super) fn volumes(&self) -> Arc<Vec<Placed>> {
        self.volumes.load_full()
    }

    pub(super) fn first(&self) -> Sequence {
        self.volumes.load().first().map_or(Sequence::FIRST, |placed| placed.first)
    }

    pub(super) fn next(&self) -> Sequence {
        Sequence::new(*self.tail.borrow())
    }

    /// Shows durable blocks to readers and moves the tail.
    pub(super) fn publish(&self, blocks: impl Iterator<Item = Arc<Block>>, next: Sequence) {
        let mut recent = self.recent.write().unwrap_or_else(PoisonError::into_inner);
        for block in blocks {
            recent.bytes += block.bytes_len();
            recent.blocks.push_back(block);
        }
        while recent.bytes > RECENT_BYTES_MAX
            && let Some(oldest) = recent.blocks.pop_front()
        {
            recent.bytes -= oldest.bytes_len();
        }
        drop(recent);
        self.tail.send_replace(next.get());
    }

    /// Lets go of the blocks in memory that begin before `before`: the volumes hold something else by now.
    pub(super) fn forget_recent(&self, before: Sequence) {
        let mut recent = self.recent.write().unwrap_or_else(PoisonError::into_inner);
        recent.blocks.retain(|block| block.first() >= before);
        recent.bytes = recent.blocks.iter().map(|block| block.bytes_len()).sum();
    }

    /// See [`super::Reader::read`].
    pub(super) fn read(&self, from: Sequence, bytes_max: usize) -> Result<Slice, ReadError> {
        let tail = self.next();
        let volumes = self.volumes.load_full();
        // Sequences that were lost for good lie between two volumes: go on with the next one.
        let placed = volumes.iter().find(|placed| placed.next.is_none_or(|next| next > from));
        let from = placed.map_or(from, |placed| from.max(placed.first));
        let Some(placed) = placed.filter(|_| from < tail) else { return Ok(Slice::new(from, from, Vec::new())) };
        let blocks = if let Some(blocks) = self.read_recent(from, bytes_max) {
            blocks
        } else {
            self.note_use(placed, &volumes);
            read_volume(&placed.volume, from, bytes_max)?
        };
        let next = blocks.last().map_or(from, |block| block.next().min(tail));
        Ok(Slice::new(from, next, blocks))
    }

    fn read_recent(&self, from: Sequence, bytes_max: usize) -> Option<Vec<Arc<Block>>> {
        let recent = self.recent.read().unwrap_or_else(PoisonError::into_inner);
        let start = recent.blocks.partition_point(|block| block.next() <= from);
        recent.blocks.get(start).filter(|block| block.first() <= from)?;
        let mut bytes = 0;
        let fits = |block: &&Arc<Block>| {
            let fits = bytes == 0 || bytes + block.bytes_len() <= bytes_max;
            bytes += block.bytes_len();
            fits
        };
        Some(recent.blocks.range(start..).take_while(fits).cloned().collect())
    }

    /// Closes the stores of closed volumes that nobody read. sled keeps most of what was written to a store in memory,
    /// whatever its cache is set to, until it is closed.
    pub(super) fn rest_unread(&self) {
        for placed in self.volumes.load_full().iter().filter(|placed| placed.next.is_some()) {
            if placed.volume.last_used() == Some(0) {
                self.rest(&placed.volume);
            }
        }
    }

    /// Keeps few closed volumes open: the ones used last.
    fn note_use(&self, used: &Placed, volumes: &[Placed]) {
        used.volume.touch(self.uses.fetch_add(1, Ordering::Relaxed) + 1);
        if used.next.is_none() || used.volume.last_used().is_some() {
            return;
        }
        let closed = volumes.iter().filter(|placed| placed.next.is_some());
        let mut open: Vec<_> = closed.filter_map(|placed| Some((placed.volume.last_used()?, placed))).collect();
        open.sort_by_key(|(tick, _)| *tick);
        for (_, placed) in open.iter().rev().skip(OPEN_STORES_MAX - 1) {
            self.rest(&placed.volume);
        }
    }
}

fn read_volume(volume: &Volume, from: Sequence, bytes_max: usize) -> Result<Vec<Arc<Block>>, ReadError> {
    let missing = |sequence: Sequence, place: String| ReadError::Damaged {
        sequence,
        place,
        detail: "no block holds this sequence".to_owned(),
    };
    let (mut number, block) = volume.block_with(from)?.ok_or_else(|| missing(from, volume.place(0)))?;
    if block.next() <= from || block.first() > from {
        return Err(missing(from, volume.place(number)));
    }
    let (mut bytes, mut next) = (block.bytes_len(), block.next());
    let mut blocks = vec![Arc::new(block)];
    while bytes < bytes_max {
        number += 1;
        let Some(block) = volume.block(number)? else { break };
        if block.first() != next {
            return Err(missing(next, volume.place(number)));
        }
        bytes += block.bytes_len();
        next = block.next();
        blocks.push(Arc::new(block));
    }
    Ok(blocks)
}

fn placed(folder: &Path, engine: &Arc<dyn Engine>, closed: &Closed) -> Placed {
    let dir = folder.join(super::manifest::folder(closed.number));
    let sealed = Some((closed.blocks, closed.next));
    Placed {
        first: Sequence::new(closed.first),
        next: Some(Sequence::new(closed.next)),
        volume: Arc::new(Volume::new(Arc::clone(engine), dir, closed.number, closed.bytes, sealed)),
    }
}
