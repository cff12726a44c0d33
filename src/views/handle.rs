//! The views as the rest of the program holds them: open, ask, wait, look at their state, close.

use std::path::Path;
use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use arc_swap::ArcSwap;

use super::identity::NodeKey;
use super::opening::{Origin, Running};
use super::patience::Patience;
use super::search::Search;
use super::settings::Settings;
use super::shared::{Hidden, Shared};
use super::snapshot::{Snapshot, ViewError};
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

/// The views. Cheap to clone; one per data folder and process.
#[derive(Clone)]
pub struct Views {
    pub(super) slot: Arc<Slot>,
    /// The views of one question, which stay the same until it is answered.
    pinned: Option<Arc<Shared>>,
    patience: Option<Patience>,
}

/// Which views count now. They are replaced as a whole by others that were made anew.
pub(super) struct Slot {
    pub(super) origin: Origin,
    pub(super) current: ArcSwap<Shared>,
    pub(super) threads: Mutex<Vec<JoinHandle<()>>>,
    pub(super) hidden: Arc<Hidden>,
}

/// What [`Shared::reached`] says of views that were replaced: whoever waits has to look at the new ones.
pub(super) const REPLACED: u64 = u64::MAX;

/// The search index of the views that count now, or of one question.
pub struct SearchOf(Arc<Shared>);

impl std::ops::Deref for SearchOf {
    type Target = Search;

    fn deref(&self) -> &Search {
        &self.0.search
    }
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
        let origin = Origin {
            dir: dir.to_path_buf(),
            engine: Arc::clone(engine),
            reader: Arc::clone(reader),
            settings: settings.clone(),
        };
        let number = origin.generation();
        origin
            .remove_others(number)
            .map_err(|error| ViewsError::Unusable { path: dir.display().to_string(), detail: error.to_string() })?;
        let hidden: Arc<Hidden> = Arc::default();
        let Running { shared, threads } = origin.start(number, &hidden)?;
        let (current, threads) = (ArcSwap::new(shared), Mutex::new(threads));
        let slot = Slot { origin, current, threads, hidden };
        Ok(Self { slot: Arc::new(slot), pinned: None, patience: None })
    }

    pub(super) fn shared(&self) -> Arc<Shared> {
        self.pinned.clone().unwrap_or_else(|| self.slot.current.load_full())
    }

    /// The next record to fold.
    pub fn through(&self) -> Sequence {
        Sequence::new(*self.shared().through.borrow())
    }

    /// Waits until the record at `sequence` is folded. Returns whether it was, within `limit`.
    pub async fn wait(&self, sequence: Sequence, limit: Duration) -> bool {
        let reached = async {
            loop {
                // Whoever waits must not keep views that are to be removed.
                let mut through = self.shared().through.subscribe();
                match through.wait_for(|next| *next > sequence.get()).await {
                    Ok(next) if *next == REPLACED => {}
                    reached => return reached.is_ok(),
                }
            }
        };
        tokio::time::timeout(limit, reached).await.unwrap_or(false)
    }

    /// Asks a question of the views as they are now. Blocks, and keeps the projector waiting meanwhile.
    pub fn read<T>(&self, ask: impl FnOnce(&dyn Snapshot) -> T) -> T {
        self.shared().ask_for(self.patience.as_ref(), ask)
    }

    /// The same views for somebody who does not wait forever. They stay the same for as long as this is held.
    #[must_use]
    pub fn within(&self, patience: Patience) -> Self {
        Self { patience: Some(patience), pinned: Some(self.shared()), ..self.clone() }
    }

    /// Changes when the views are replaced by others that were made anew: numbers of nodes, names and groups that were read
    /// before mean nothing from then on.
    pub fn generation(&self) -> u64 {
        self.shared().generation
    }

    /// Whether they follow the journal: a server that only buffers has them switched off.
    pub fn is_enabled(&self) -> bool {
        self.shared().settings.enabled
    }

    /// The search index.
    pub fn search(&self) -> SearchOf {
        SearchOf(self.shared())
    }

    /// Waits until search knows every change up to the record at `sequence`. Returns whether it does, within `limit`.
    /// Blocks.
    pub fn wait_search(&self, sequence: Sequence, limit: Duration) -> bool {
        let end = Instant::now() + limit;
        loop {
            let shared = self.shared();
            let found = shared.feeder.wait(sequence, end.saturating_duration_since(Instant::now()));
            if found || *shared.through.borrow() != REPLACED {
                return found;
            }
        }
    }

    /// From now on people with these ids are not there for anybody who asks, and nobody else is hidden.
    pub fn hide(&self, keys: impl IntoIterator<Item = NodeKey>) {
        self.slot.hidden.store(Arc::new(keys.into_iter().collect()));
    }

    /// How many people were read for the search index since the start.
    pub(super) fn fed(&self) -> u64 {
        self.shared().feeder.fed()
    }

    /// Records that are durable and not folded yet, and for how long the oldest of them has waited, in milliseconds.
    pub fn lag(&self) -> (u64, u64) {
        let shared = self.shared();
        let lag_events = shared.reader.tail().next().since(Sequence::new(*shared.through.borrow()));
        let level_at = *shared.level_at.lock().unwrap_or_else(PoisonError::into_inner);
        let waited = u64::try_from(level_at.elapsed().as_millis()).unwrap_or(u64::MAX);
        (lag_events, if lag_events == 0 { 0 } else { waited })
    }

    /// Bytes on disk, cards and search included. Measures folders, so it blocks for a moment.
    pub fn disk_bytes(&self) -> u64 {
        files::disk_bytes(&self.slot.origin.dir)
    }

    /// The state now. Measures folders, so it blocks for a moment.
    pub fn status(&self) -> Status {
        let shared = self.shared();
        let through = self.through();
        let (lag_events, lag_ms) = self.lag();
        let world = shared.world();
        Status {
            through,
            lag_events,
            lag_ms,
            searched: shared.search.through(),
            checkpoint: shared.runs.checkpoint().next,
            parked: world.parked,
            ids: u64::from(world.graph.len()),
            runs: shared.runs.runs(),
            disk_bytes: self.disk_bytes(),
            memory_bytes: world.deltas().map(|delta| delta.bytes).sum(),
            stopped: shared.stopped(),
        }
    }

    /// Records that could not be folded, the oldest first.
    ///
    /// # Errors
    /// When the disk fails.
    pub fn parked(&self) -> Result<Vec<Parked>, ViewError> {
        super::digest::parked(&self.shared())
    }

    /// A digest of everything the views say, and the sequence it holds for. Writes a checkpoint first. Blocks.
    ///
    /// # Errors
    /// When the disk fails.
    pub fn digest(&self) -> Result<(Sequence, [u8; 32]), ViewError> {
        super::digest::digest(&self.shared())
    }

    /// Stops without writing anything, as a crash would.
    #[cfg(test)]
    pub(super) fn crash(&self) {
        self.shared().crashed.store(true, Ordering::Release);
        self.close();
    }

    /// Writes everything, and stops. Blocks. Closing twice is fine.
    pub fn close(&self) {
        let threads = std::mem::take(&mut *self.slot.threads.lock().unwrap_or_else(PoisonError::into_inner));
        Running { shared: self.slot.current.load_full(), threads }.close();
    }
}

impl Running {
    /// Ends the threads and closes the files.
    pub(super) fn close(self) {
        self.shared.closing.store(true, Ordering::Release);
        self.shared.woken.notify_one();
        self.shared.feeder.close();
        for thread in self.threads {
            let _ = thread.join();
        }
        self.shared.runs.close();
    }
}
