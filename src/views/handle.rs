//! The views as the rest of the program holds them: open, ask, wait, look at their state, close.

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use tokio::sync::{Notify, watch};

use super::cards::Cards;
use super::checkpoint;
use super::feeder::Feeder;
use super::identity::NodeNo;
use super::patience::Patience;
use super::projector;
use super::reading::View;
use super::rules::Join;
use super::runs::{self, Runs};
use super::search::Search;
use super::settings::Settings;
use super::snapshot::{Snapshot, ViewError};
use super::world::World;
use crate::journal::{Reader, Sequence, files};
use crate::store::Engine;

/// Why the views could not be opened.
#[derive(Debug, thiserror::Error)]
pub enum ViewsError {
    /// The folder, the store or a thread.
    #[error("the views in {path} cannot be opened: {detail}")]
    Unusable {
        /// The folder.
        path: String,
        /// Why.
        detail: String,
    },
}

/// The state of the views, for `/status` and `/metrics`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Status {
    /// The next record to fold: the views are true for everything below.
    pub through: Sequence,
    /// Records that are durable and not folded yet.
    pub lag_events: u64,
    /// For how long the oldest of them has waited, in milliseconds: 0 when there is none.
    pub lag_ms: u64,
    /// The search index knows every change below.
    pub searched: Sequence,
    /// The next record to fold after a crash.
    pub checkpoint: Sequence,
    /// Records that could not be folded.
    pub parked: u64,
    /// Nodes: userIds and anonymousIds.
    pub ids: u64,
    /// Sorted runs on disk.
    pub runs: usize,
    /// Bytes on disk, cards and search included.
    pub disk_bytes: u64,
    /// About how much memory changes take that are not on disk yet, in bytes.
    pub memory_bytes: usize,
    /// Why the views stand still, if they do.
    pub stopped: Option<String>,
}

/// A record that could not be folded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Parked {
    /// The record.
    pub sequence: Sequence,
    /// Why.
    pub reason: String,
}

/// Everything the threads share.
pub(super) struct Shared {
    pub(super) dir: PathBuf,
    pub(super) world: RwLock<World>,
    pub(super) runs: Runs,
    pub(super) cards: Cards,
    pub(super) search: Search,
    pub(super) reader: Arc<dyn Reader>,
    pub(super) settings: Settings,
    pub(super) closing: AtomicBool,
    pub(super) feeder: Feeder,
    through: watch::Sender<u64>,
    /// When the views last had folded everything.
    level_at: Mutex<Instant>,
    stopped: Mutex<Option<String>>,
    /// Nothing is written at the end: tests want to know what a crash leaves.
    pub(super) crashed: AtomicBool,
    /// How many want everything folded so far on disk, and nothing folded until they have read it.
    pub(super) holds: AtomicUsize,
    /// Ends the sleep of the projector: it has something else to do than to wait for records.
    pub(super) woken: Notify,
}

impl Shared {
    pub(super) fn world(&self) -> RwLockReadGuard<'_, World> {
        self.world.read().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn world_mut(&self) -> RwLockWriteGuard<'_, World> {
        self.world.write().unwrap_or_else(PoisonError::into_inner)
    }

    /// The people whose search documents are out of date, and up to which record that is known.
    pub(super) fn take_stale(&self) -> (roaring::RoaringBitmap, Sequence) {
        let mut world = self.world_mut();
        let stale = std::mem::take(&mut world.stale);
        world.searching |= &stale;
        (stale, world.next)
    }

    /// The documents of those people are committed.
    pub(super) fn searched(&self) {
        self.world_mut().searching.clear();
    }

    /// The documents of those people could not be written.
    pub(super) fn give_back_searching(&self) {
        let mut world = self.world_mut();
        let people = std::mem::take(&mut world.searching);
        world.stale |= people;
    }

    /// Asks a question of the views as they are now.
    pub(super) fn ask<T>(&self, ask: impl FnOnce(&dyn Snapshot) -> T) -> T {
        self.ask_for(None, ask)
    }

    fn ask_for<T>(&self, patience: Option<&Patience>, ask: impl FnOnce(&dyn Snapshot) -> T) -> T {
        let (world, reader) = (self.world(), self.reader.as_ref());
        ask(&View { world: &world, runs: &self.runs, cards: &self.cards, reader, patience })
    }

    /// The views have folded everything below.
    pub(super) fn reached(&self, next: Sequence) {
        self.through.send_replace(next.get());
    }

    /// The views have folded everything there is.
    pub(super) fn level(&self) {
        *self.level_at.lock().unwrap_or_else(PoisonError::into_inner) = Instant::now();
    }

    /// How many durable records are not folded yet.
    pub(super) fn behind(&self) -> u64 {
        self.reader.tail().next().since(Sequence::new(*self.through.borrow()))
    }

    /// Why the views stand still, if they do.
    pub(super) fn stopped(&self) -> Option<String> {
        self.stopped.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// The views move again.
    pub(super) fn go_on(&self) {
        *self.stopped.lock().unwrap_or_else(PoisonError::into_inner) = None;
    }

    /// The views stand still.
    pub(super) fn stop(&self, reason: &str) {
        let mut stopped = self.stopped.lock().unwrap_or_else(PoisonError::into_inner);
        if stopped.as_deref() != Some(reason) {
            tracing::error!(reason, "the views stand still; ingest goes on");
        }
        *stopped = Some(reason.to_owned());
    }
}

/// The views. Cheap to clone; one per data folder and process.
#[derive(Clone)]
pub struct Views {
    shared: Arc<Shared>,
    threads: Arc<Mutex<Vec<JoinHandle<()>>>>,
    patience: Option<Patience>,
}

impl std::fmt::Debug for Views {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.debug_struct("Views").field("through", &self.through()).finish_non_exhaustive()
    }
}

impl Views {
    /// Opens the views in `dir` (made if missing) and starts to follow the journal. Views that cannot be read are
    /// thrown away and made anew: the journal has everything. Blocks.
    ///
    /// # Errors
    /// When the folder cannot be used.
    pub fn open(
        dir: &Path,
        engine: &Arc<dyn Engine>,
        reader: &Arc<dyn Reader>,
        settings: &Settings,
    ) -> Result<Self, ViewsError> {
        let unusable = |detail: String| ViewsError::Unusable { path: dir.display().to_string(), detail };
        let opened = match Opened::open(dir, engine, reader.as_ref(), settings) {
            Ok(opened) => opened,
            Err(reason) => {
                tracing::warn!(reason, "the views cannot be read; they are made anew from the journal");
                wipe(dir).map_err(|error| unusable(error.to_string()))?;
                Opened::open(dir, engine, reader.as_ref(), settings).map_err(unusable)?
            }
        };
        let Opened { world, runs, cards, cards_next, search } = opened;
        let (through, _) = watch::channel(world.next.get());
        let shared = Arc::new(Shared {
            dir: dir.to_path_buf(),
            world: RwLock::new(world),
            runs,
            cards,
            feeder: Feeder::new(search.through()),
            search,
            reader: Arc::clone(reader),
            settings: settings.clone(),
            closing: AtomicBool::new(false),
            through,
            level_at: Mutex::new(Instant::now()),
            stopped: Mutex::new(None),
            crashed: AtomicBool::new(false),
            holds: AtomicUsize::new(0),
            woken: Notify::new(),
        });
        let threads = if settings.enabled {
            projector::start(&shared, cards_next).map_err(|error| unusable(error.to_string()))?
        } else {
            tracing::info!("the views are switched off");
            *shared.stopped.lock().unwrap_or_else(PoisonError::into_inner) =
                Some("they are switched off by `views.enabled`".to_owned());
            Vec::new()
        };
        Ok(Self { shared, threads: Arc::new(Mutex::new(threads)), patience: None })
    }

    /// The next record to fold.
    pub fn through(&self) -> Sequence {
        Sequence::new(*self.shared.through.borrow())
    }

    /// Waits until the record at `sequence` is folded. Returns whether it was, within `limit`.
    pub async fn wait(&self, sequence: Sequence, limit: Duration) -> bool {
        let mut through = self.shared.through.subscribe();
        let passed = through.wait_for(|next| *next > sequence.get());
        tokio::time::timeout(limit, passed).await.is_ok_and(|passed| passed.is_ok())
    }

    /// Follows what is folded: changes whenever there is more to read.
    pub fn follow(&self) -> watch::Receiver<u64> {
        self.shared.through.subscribe()
    }

    /// Asks a question of the views as they are now. Blocks, and keeps the projector waiting meanwhile.
    pub fn read<T>(&self, ask: impl FnOnce(&dyn Snapshot) -> T) -> T {
        self.shared.ask_for(self.patience.as_ref(), ask)
    }

    /// The same views for somebody who does not wait forever.
    #[must_use]
    pub fn within(&self, patience: Patience) -> Self {
        Self { patience: Some(patience), ..self.clone() }
    }

    /// The search index.
    pub fn search(&self) -> &Search {
        &self.shared.search
    }

    /// Waits until search knows every change up to the record at `sequence`. Returns whether it does, within `limit`.
    /// Blocks.
    pub fn wait_search(&self, sequence: Sequence, limit: Duration) -> bool {
        self.shared.feeder.wait(sequence, limit)
    }

    /// How many people were read for the search index since the start.
    pub(super) fn fed(&self) -> u64 {
        self.shared.feeder.fed()
    }

    /// The state now. Measures folders, so it blocks for a moment.
    pub fn status(&self) -> Status {
        let shared = &self.shared;
        let through = self.through();
        let lag_events = shared.reader.tail().next().since(through);
        let level_at = *shared.level_at.lock().unwrap_or_else(PoisonError::into_inner);
        let waited = u64::try_from(level_at.elapsed().as_millis()).unwrap_or(u64::MAX);
        let world = shared.world();
        Status {
            through,
            lag_events,
            lag_ms: if lag_events == 0 { 0 } else { waited },
            searched: shared.search.through(),
            checkpoint: shared.runs.checkpoint().next,
            parked: world.parked,
            ids: u64::from(world.graph.len()),
            runs: shared.runs.runs(),
            disk_bytes: files::disk_bytes(&shared.dir),
            memory_bytes: world.deltas().map(|delta| delta.bytes).sum(),
            stopped: shared.stopped(),
        }
    }

    /// Records that could not be folded, the oldest first.
    ///
    /// # Errors
    /// When the disk fails.
    pub fn parked(&self) -> Result<Vec<Parked>, ViewError> {
        super::digest::parked(&self.shared)
    }

    /// A digest of everything the views say, and the sequence it holds for. Writes a checkpoint first. Blocks.
    ///
    /// # Errors
    /// When the disk fails.
    pub fn digest(&self) -> Result<(Sequence, [u8; 32]), ViewError> {
        super::digest::digest(&self.shared)
    }

    /// Stops without writing anything, as a crash would.
    #[cfg(test)]
    pub(super) fn crash(&self) {
        self.shared.crashed.store(true, Ordering::Release);
        self.close();
    }

    /// Writes everything, and stops. Blocks. Closing twice is fine.
    pub fn close(&self) {
        self.shared.closing.store(true, Ordering::Release);
        self.shared.woken.notify_one();
        self.shared.feeder.close();
        let threads = std::mem::take(&mut *self.threads.lock().unwrap_or_else(PoisonError::into_inner));
        for thread in threads {
            let _ = thread.join();
        }
        self.shared.runs.close();
    }
}

/// Removes everything of the views.
///
/// # Errors
/// When the folder cannot be emptied.
pub fn wipe(dir: &Path) -> std::io::Result<()> {
    match std::fs::remove_dir_all(dir) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

/// What is there before the threads start.
struct Opened {
    world: World,
    runs: Runs,
    cards: Cards,
    cards_next: Sequence,
    search: Search,
}

impl Opened {
    fn open(dir: &Path, engine: &Arc<dyn Engine>, reader: &dyn Reader, settings: &Settings) -> Result<Self, String> {
        std::fs::create_dir_all(dir).map_err(|error| error.to_string())?;
        let run_settings = runs::Settings { cache_bytes: settings.cache_bytes, ..runs::Settings::default() };
        let runs = Runs::open(&dir.join("runs"), Arc::clone(engine), Arc::new(Join), run_settings)
            .map_err(|error| error.to_string())?;
        let mut world = checkpoint::load(&runs).map_err(|error| error.to_string())?;
        if world.next > reader.tail().next() {
            return Err(format!("they are ahead of the journal, at {}", world.next));
        }
        let (cards, cards_next) =
            Cards::open(&dir.join("cards"), Arc::clone(engine)).map_err(|error| error.to_string())?;
        let (search, searched) =
            Search::open(&dir.join("search"), settings.search_memory_bytes).map_err(|error| error.to_string())?;
        if searched.is_none() {
            world.stale = (0..world.graph.len()).filter(|node| world.graph.is_root(NodeNo(*node))).collect();
        }
        Ok(Self { world, runs, cards, cards_next, search })
    }
}
