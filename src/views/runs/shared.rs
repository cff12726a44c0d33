//! What committing, merging and reading share: the list of runs and the manifest.

use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};

use arc_swap::ArcSwap;

use super::Blocks;
use super::manifest::{Listed, Manifest};
use super::run::Run;
use super::{Checkpoint, Rules, RunsError, Settings};
use crate::store::Engine;

pub(super) struct Shared {
    pub(super) dir: PathBuf,
    pub(super) engine: Arc<dyn Engine>,
    pub(super) rules: Arc<dyn Rules>,
    pub(super) settings: Settings,
    pub(super) cache: Arc<Blocks>,
    pub(super) closing: AtomicBool,
    /// Held while the manifest is replaced, never while a run is written.
    pub(super) manifest: Mutex<Manifest>,
    /// Oldest first.
    pub(super) runs: ArcSwap<Vec<Arc<Run>>>,
    pub(super) next_number: AtomicU64,
    pub(super) damage: OnceLock<String>,
}

impl Shared {
    pub(super) fn manifest(&self) -> MutexGuard<'_, Manifest> {
        self.manifest.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Oldest first.
    pub(super) fn runs(&self) -> Arc<Vec<Arc<Run>>> {
        self.runs.load_full()
    }

    pub(super) fn new_number(&self) -> u64 {
        self.next_number.fetch_add(1, Ordering::Relaxed)
    }

    pub(super) fn open_run(&self, listed: &Listed) -> Result<Arc<Run>, RunsError> {
        Run::open(&*self.engine, &self.dir, listed).map(Arc::new)
    }

    /// Makes the checkpoint durable together with the new run, and shows the run to readers.
    pub(super) fn add(&self, checkpoint: &Checkpoint, run: Option<Arc<Run>>) -> Result<(), RunsError> {
        let mut current = self.manifest();
        let mut changed = current.clone();
        changed.next = checkpoint.next.get();
        changed.set_note(&checkpoint.note);
        let mut runs = Vec::clone(&self.runs.load());
        runs.extend(run);
        self.replace(&mut current, changed, runs)
    }

    /// Puts a merged run in the place of the old ones.
    pub(super) fn swap(&self, old: &[Arc<Run>], merged: Arc<Run>) -> Result<(), RunsError> {
        let mut current = self.manifest();
        let is_old = |run: &Arc<Run>| old.iter().any(|old| Arc::ptr_eq(old, run));
        let mut runs = Vec::clone(&self.runs.load());
        let at = runs.iter().position(is_old).unwrap_or(0);
        runs.retain(|run| !is_old(run));
        runs.insert(at, merged);
        let changed = current.clone();
        self.replace(&mut current, changed, runs)
    }

    fn replace(&self, current: &mut Manifest, mut changed: Manifest, runs: Vec<Arc<Run>>) -> Result<(), RunsError> {
        changed.runs = runs.iter().map(|run| run.listed.clone()).collect();
        changed.next_number = self.next_number.load(Ordering::Relaxed);
        changed.write(&self.dir)?;
        *current = changed;
        self.runs.store(Arc::new(runs));
        Ok(())
    }

    /// What merging found damaged.
    pub(super) fn damage(&self) -> Option<&str> {
        self.damage.get().map(String::as_str)
    }

    pub(super) fn note_damage(&self, error: &RunsError) {
        if matches!(error, RunsError::Damaged { .. }) {
            let _ = self.damage.set(error.to_string());
        }
    }
}
