//! What the threads of a journal share.

use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize};
use std::sync::mpsc;

use super::Accounts;
use super::dedup::Dedup;
use super::settings::Settings;
use super::shelf::Shelf;
use super::volume::VolumeWriter;
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

    pub(super) fn poison(&self, reason: &str) {
        self.shelf.poison(reason);
    }

    pub(super) fn is_poisoned(&self) -> bool {
        *self.shelf.failed.borrow()
    }
}
