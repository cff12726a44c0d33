//! Merging: closed volumes of small blocks, or many small volumes, are written again as one volume of large blocks.
//!
//! What is merged, and when, is decided here; how volumes are replaced, in [`rewrite`].

use std::ops::Range;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::time::Duration;

use super::manifest::Closed;
use super::rewrite::{self, MergeError};
use super::shared::Shared;

/// Volumes of like size that are merged into one.
const MERGE_VOLUMES: usize = 8;
/// How far merging and keeping ids stand back, as a nice value.
pub(super) const MERGE_PRIORITY: i32 = 10;
const RETRY: Duration = Duration::from_secs(30);

/// Runs until the writer is gone.
pub(super) fn run(shared: &Arc<Shared>, wake: &Receiver<()>) {
    lower_priority(MERGE_PRIORITY);
    loop {
        let mut merged = Ok(true);
        while matches!(merged, Ok(true)) {
            merged = step(shared);
        }
        match merged {
            Ok(_) | Err(MergeError::Closing) => {}
            Err(error) if error.is_of_the_disk() => shared.poison(&format!("merging volumes: {error}")),
            Err(error) => tracing::error!(%error, "volumes could not be merged; they stay as they are"),
        }
        let pending = plan(shared).is_some();
        match wake.recv_timeout(if pending { RETRY } else { Duration::from_secs(3600) }) {
            Ok(()) | Err(RecvTimeoutError::Timeout) => {}
            Err(RecvTimeoutError::Disconnected) => return,
        }
        if shared.closing.load(Ordering::Acquire) || shared.is_poisoned() {
            return;
        }
    }
}

/// Ingest goes first: on Linux a nice value belongs to a thread.
pub(crate) fn lower_priority(by: i32) {
    let thread = rustix::thread::gettid();
    if let Err(error) = rustix::process::setpriority_process(Some(thread), by) {
        tracing::debug!(%error, "a background thread runs at normal priority");
    }
}

/// Which closed volumes are worth merging: adjacent, and together at most `bytes_max`. Loose ones first; then
/// [`MERGE_VOLUMES`] of like size, or as many as make a full volume.
fn choose(closed: &[Closed], unit: u64, bytes_max: u64) -> Option<Range<usize>> {
    if let Some(start) = closed.iter().position(|volume| !volume.packed) {
        let loose = closed.iter().skip(start).take_while(|volume| !volume.packed);
        let (range, _) = fitting(start, loose, bytes_max);
        return Some(range.start..range.end.max(start + 1));
    }
    let tier =
        |volume: &Closed| (volume.bytes / unit.max(1)).checked_ilog(MERGE_VOLUMES as u64).map_or(0, |log| log + 1);
    let highest = closed.iter().map(tier).max()?;
    (0..=highest).find_map(|limit| {
        (0..closed.len()).find_map(|start| {
            let like = closed.iter().skip(start).take_while(|volume| tier(volume) <= limit);
            let (range, full) = fitting(start, like, bytes_max);
            (range.len() >= MERGE_VOLUMES || full && range.len() >= 2).then_some(range)
        })
    })
}

/// How many of these volumes fit together, and whether there were more.
fn fitting<'a>(start: usize, volumes: impl Iterator<Item = &'a Closed>, bytes_max: u64) -> (Range<usize>, bool) {
    let (mut bytes, mut end) = (0, start);
    for volume in volumes {
        bytes += volume.bytes;
        if bytes > bytes_max {
            return (start..end, true);
        }
        end += 1;
    }
    (start..end, false)
}

fn plan(shared: &Shared) -> Option<Vec<Closed>> {
    let manifest = shared.shelf.manifest();
    let settings = &shared.settings;
    let range = choose(&manifest.closed, settings.open_volume_bytes_max / 2, settings.volume_bytes_max)?;
    manifest.closed.get(range).map(<[Closed]>::to_vec)
}

/// Merges once if something is worth it. Returns whether it did.
fn step(shared: &Arc<Shared>) -> Result<bool, MergeError> {
    let _turn = shared.rewriting();
    let Some(old) = plan(shared) else { return Ok(false) };
    match rewrite::replace(shared, &old, None) {
        Err(MergeError::NoRoom { needed }) => {
            tracing::warn!(needed, "not enough room on the disk to merge volumes");
            Ok(false)
        }
        replaced => replaced.map(|()| true),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn closed(bytes: u64, packed: bool) -> Closed {
        Closed { number: 0, first: 0, next: 0, blocks: 1, bytes, digest: String::new(), packed }
    }

    #[test]
    fn loose_volumes_are_merged_with_their_loose_neighbours() {
        let volumes = [closed(40, true), closed(3, false), closed(4, false), closed(40, true), closed(1, false)];
        assert_eq!(choose(&volumes, 32, 1000), Some(1..3));
        assert_eq!(choose(&volumes, 32, 3), Some(1..2));
        assert_eq!(choose(&[closed(5, false)], 32, 1), Some(0..1), "larger than the limit: alone");
    }

    #[test]
    fn eight_of_like_size_are_merged_and_the_limit_is_kept() {
        let eight: Vec<_> = (0..8).map(|_| closed(64, true)).collect();
        assert_eq!(choose(&eight, 32, 1000), Some(0..8));
        assert_eq!(choose(&eight[..7], 32, 1000), None);
        assert_eq!(choose(&eight, 32, 500), Some(0..7), "seven make a full volume");
        assert_eq!(choose(&[closed(300, true), closed(300, true)], 32, 500), None, "full ones stay");
        let mut mixed = vec![closed(512, true)];
        mixed.extend(eight);
        assert_eq!(choose(&mixed, 32, 10_000), Some(1..9), "a large one is left alone");
    }
}
