//! What the threads of the views share: memory, files, and how far each of them is.

use std::collections::HashSet;
use std::sync::atomic::{AtomicBool, AtomicUsize};
use std::sync::{Arc, Mutex, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};
use std::time::Instant;

use arc_swap::ArcSwap;
use roaring::RoaringBitmap;
use tokio::sync::{Notify, watch};

use super::cards::Cards;
use super::feeder::Feeder;
use super::identity::NodeKey;
use super::patience::Patience;
use super::reading::View;
use super::runs::Runs;
use super::search::Search;
use super::settings::Settings;
use super::snapshot::Snapshot;
use super::world::World;
use crate::journal::{Reader, Sequence};

/// Ids of people who are not shown; the same for all generations of the views.
pub(super) type Hidden = ArcSwap<HashSet<NodeKey>>;

/// Everything the threads share.
pub(super) struct Shared {
    /// Which generation of the views this is.
    pub(super) generation: u64,
    pub(super) world: RwLock<World>,
    pub(super) runs: Runs,
    pub(super) cards: Cards,
    pub(super) search: Search,
    pub(super) reader: Arc<dyn Reader>,
    pub(super) settings: Settings,
    pub(super) closing: AtomicBool,
    pub(super) feeder: Feeder,
    pub(super) through: watch::Sender<u64>,
    /// When the views last had folded everything.
    pub(super) level_at: Mutex<Instant>,
    pub(super) stopped: Mutex<Option<String>>,
    /// Nothing is written at the end: tests want to know what a crash leaves.
    pub(super) crashed: AtomicBool,
    /// How many want everything folded so far on disk, and nothing folded until they have read it.
    pub(super) holds: AtomicUsize,
    /// Ids of people whose erasure is under way: questions are answered as if they were not there.
    pub(super) hidden: Arc<Hidden>,
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
    pub(super) fn take_stale(&self) -> (RoaringBitmap, Sequence) {
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

    pub(super) fn ask_for<T>(&self, patience: Option<&Patience>, ask: impl FnOnce(&dyn Snapshot) -> T) -> T {
        let (world, reader) = (self.world(), self.reader.as_ref());
        let hidden = self.hidden.load();
        ask(&View { world: &world, runs: &self.runs, cards: &self.cards, reader, patience, hidden: &hidden })
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

    /// The views are not wanted.
    pub(super) fn switch_off(&self) {
        *self.stopped.lock().unwrap_or_else(PoisonError::into_inner) =
            Some("they are switched off by `views.enabled`".to_owned());
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
