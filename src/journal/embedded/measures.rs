//! What the journal says about itself: its state, and single numbers for who asks often.

use std::sync::atomic::Ordering;

use super::{Journal, Status, files};

impl Journal {
    /// Bytes on disk. Measures the folder, so it blocks for a moment.
    pub fn disk_bytes(&self) -> u64 {
        files::disk_bytes(&self.shared.shelf.folder)
    }

    /// Bytes that may still be written to this disk, as of a moment ago.
    pub fn disk_free_bytes(&self) -> u64 {
        self.shared.disk_free.load(Ordering::Relaxed)
    }

    /// Bytes that wait to be written.
    pub fn queued_bytes(&self) -> usize {
        self.shared.queued_bytes.load(Ordering::Acquire)
    }

    /// The state now. Measures the folder, so it blocks for a moment.
    pub fn status(&self) -> Status {
        let shared = &self.shared;
        let disk_free_bytes = self.disk_free_bytes();
        Status {
            first: shared.shelf.first(),
            next: shared.shelf.next(),
            volumes: shared.shelf.volumes().len(),
            disk_bytes: self.disk_bytes(),
            queued_bytes: self.queued_bytes(),
            disk_free_bytes,
            commits: shared.commits.load(Ordering::Relaxed),
            dedup_ids: shared.dedup.ids(),
            poisoned: shared.is_poisoned(),
            disk_low: disk_free_bytes < shared.settings.disk_free_bytes_min,
        }
    }
}
