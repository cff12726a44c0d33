//! What the threads of a journal share.

use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak, mpsc};

use super::Accounts;
use super::dedup::Dedup;
use super::settings::Settings;
use super::shelf::Shelf;
use super::volume::{Volume, VolumeWriter};
use crate::clock::Clock;
use crate::store::StoreError;

/// What the writer shares with the rest of the journal.
pub(super) struct Shared {
    pub(super) instance: [u8; 16],
    pub(super) shelf: Shelf,
    pub(super) dedup: Dedup,
    pub(super) settings: Settings,
    pub(super) clock: Clock,
    pub(super) accounts: Accounts,
    pub(super) queued_bytes: AtomicUsize,
    pub(super) disk_free: AtomicU64,
    pub(super) commits: AtomicU64,
    pub(super) closing: AtomicBool,
    /// Set while a commit runs: milliseconds on the process' own clock; for the watchdog.
    pub(super) busy_since: AtomicU64,
    pub(super) started: std::time::Instant,
    /// Wakes the merger.
    pub(super) merge: mpsc::SyncSender<()>,
    /// The writer is to close the open volume as soon as it can.
    pub(super) roll: AtomicBool,
    /// Held while closed volumes are written again.
    pub(super) turn: Mutex<()>,
    /// Volumes that were written again because of an erasure, since the journal was opened.
    pub(super) erased: AtomicU64,
    /// Volumes that were replaced, and where they lay.
    pub(super) retired: Mutex<Vec<(Weak<Volume>, PathBuf)>>,
}

impl Shared {
    /// Milliseconds since the journal was opened; never 0.
    pub(super) fn uptime_ms(&self) -> u64 {
        u64::try_from(self.started.elapsed().as_millis()).unwrap_or(u64::MAX).max(1)
    }

    /// Makes an empty volume that no manifest names yet. Its number is taken for good before its folder is made.
    pub(super) fn new_volume(&self) -> Result<VolumeWriter, StoreError> {
        let current = self.shelf.manifest();
        let mut changed = current.clone();
        let number = changed.next_number;
        changed.next_number += 1;
        self.shelf.commit(current, changed, None).map_err(|error| StoreError::Failed(error.to_string()))?;
        VolumeWriter::create(&self.shelf.engine, &self.shelf.folder, number, self.instance)
    }

    /// The turn to rewrite closed volumes.
    pub(super) fn rewriting(&self) -> MutexGuard<'_, ()> {
        self.turn.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A volume was replaced; its folder goes with its last reader.
    pub(super) fn note_retired(&self, volume: &Arc<Volume>) {
        let mut retired = self.retired.lock().unwrap_or_else(PoisonError::into_inner);
        retired.retain(|(_, dir)| dir.exists());
        retired.push((Arc::downgrade(volume), volume.dir().to_path_buf()));
    }

    /// Removes folders of replaced volumes that nobody reads any more and that are still there. Returns how many are left.
    pub(super) fn remove_retired(&self) -> std::io::Result<usize> {
        let mut retired = self.retired.lock().unwrap_or_else(PoisonError::into_inner);
        for (volume, dir) in retired.iter() {
            // Whoever lets go of it last removes the folder; that may have failed, or may be happening now.
            if volume.strong_count() == 0
                && let Err(error) = std::fs::remove_dir_all(dir)
                && error.kind() != std::io::ErrorKind::NotFound
            {
                return Err(error);
            }
        }
        retired.retain(|(_, dir)| dir.exists());
        super::files::sync_dir(&self.shelf.folder)?;
        Ok(retired.len())
    }

    pub(super) fn poison(&self, reason: &str) {
        self.shelf.poison(reason);
    }

    pub(super) fn is_poisoned(&self) -> bool {
        *self.shelf.failed.borrow()
    }
}
