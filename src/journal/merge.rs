//! Merging: closed volumes of small blocks, or many small volumes, are written again as one volume of large blocks.
//!
//! The new volume is complete, synced and checked before the manifest names it instead of the old ones, in one atomic
//! replacement; the old folders go when their last reader is done. A crash in between leaves a folder that no manifest
//! names, which the next start removes. Durability is never weaker than before, and the open volume is never touched.

use std::ops::Range;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::time::{Duration, Instant};

use super::block::{self, BLOCK_BYTES, Header, Sealer};
use super::codec;
use super::manifest::{Closed, hex};
use super::shared::Shared;
use super::volume::{LEAF_BLOCKS, VolumeWriter};
use super::{ReadError, Sequence};
use crate::store::StoreError;

/// Volumes of like size that are merged into one.
const MERGE_VOLUMES: usize = 8;
/// Blocks of at least this many bytes before compression are taken over as they are.
const KEEP_BYTES: u32 = 64 * 1024;
/// Blocks put between two flushes, so that sled's buffers stay small.
const FLUSH_BLOCKS: u64 = 64;
/// Merging next to senders costs them a sixth of their rate and twice their slowest answers (measured on two cores), so a
/// burst is let through first: as long as fewer volumes than this wait, merging takes one part of the time in
/// [`BURST_SHARE`]; then half of it; and from [`HURRY_VOLUMES`] on all of it.
const BURST_VOLUMES: usize = 16;
const BURST_SHARE: u32 = 32;
/// So many volumes are merged without regard for senders.
const HURRY_VOLUMES: usize = 64;
/// The longest pause for one part of merging's own time.
const PAUSE_MAX: Duration = Duration::from_millis(200);
/// How far merging and keeping ids stand back, as a nice value.
pub(super) const MERGE_PRIORITY: i32 = 10;
/// How soon a pause notices that the journal is closing.
const PAUSE_STEP: Duration = Duration::from_millis(100);
const RETRY: Duration = Duration::from_secs(30);

/// Why a merge was given up. The volumes stay as they were.
#[derive(Debug, thiserror::Error)]
pub(super) enum MergeError {
    #[error("{0}")]
    Read(#[from] ReadError),
    #[error("{0}")]
    Store(#[from] StoreError),
    #[error("{0}")]
    Io(#[from] std::io::Error),
    #[error("volume {0} does not lead to the digest that it was closed with")]
    Digest(u64),
    #[error("the journal is closing")]
    Closing,
}

impl MergeError {
    /// Whether the disk itself failed, other than by being full. What the kernel says once it may not say again.
    fn is_of_the_disk(&self) -> bool {
        match self {
            Self::Store(error) => matches!(error, StoreError::Failed(_)),
            Self::Io(error) => error.kind() != std::io::ErrorKind::StorageFull,
            Self::Read(error) => matches!(error, ReadError::Store(_)),
            Self::Digest(_) | Self::Closing => false,
        }
    }
}

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
    let Some(old) = plan(shared) else { return Ok(false) };
    let needed = old.iter().map(|volume| volume.bytes).sum::<u64>() + shared.settings.disk_free_bytes_min;
    if super::files::disk_free(&shared.shelf.folder)? < needed {
        tracing::warn!(needed, "not enough room on the disk to merge volumes");
        return Ok(false);
    }
    let writer = shared.new_volume()?;
    let folder = writer.volume.dir().to_path_buf();
    let merged = rewrite(shared, &old, writer).inspect_err(|_| {
        // What stays is removed by the next start.
        let _ = std::fs::remove_dir_all(folder);
    })?;
    swap(shared, &old, merged)?;
    Ok(true)
}

fn swap(shared: &Shared, old: &[Closed], merged: Closed) -> std::io::Result<()> {
    let before = shared.shelf.volumes();
    let current = shared.shelf.manifest();
    let mut changed = current.clone();
    let at = changed.closed.iter().position(|volume| old.first().is_some_and(|old| old.number == volume.number));
    changed.closed.retain(|volume| !old.contains(volume));
    changed.closed.insert(at.unwrap_or(0), merged);
    shared.shelf.commit(current, changed, None)?;
    for placed in before.iter().filter(|placed| old.iter().any(|old| old.number == placed.volume.number)) {
        shared.shelf.rest(&placed.volume);
        placed.volume.retire();
    }
    Ok(())
}

/// Fills a new volume from old ones.
struct Rewrite<'a> {
    shared: &'a Shared,
    writer: VolumeWriter,
    sealer: Sealer,
    payload: Vec<u8>,
    first: u64,
    count: u32,
    totals: (u64, u64),
    /// Commits of the writer at the last pause, and when that was.
    commits: u64,
    since: Instant,
}

fn rewrite(shared: &Shared, old: &[Closed], writer: VolumeWriter) -> Result<Closed, MergeError> {
    let number = writer.volume.number;
    let mut out = Rewrite {
        shared,
        writer,
        sealer: Sealer::new()?,
        payload: Vec::new(),
        first: 0,
        count: 0,
        totals: (0, 0),
        commits: 0,
        since: Instant::now(),
    };
    let volumes = shared.shelf.volumes();
    for closed in old {
        let placed = volumes.iter().find(|placed| placed.volume.number == closed.number);
        let placed = placed.ok_or(MergeError::Digest(closed.number))?;
        let mut chain = block::chain_start(shared.instance, closed.number);
        let mut result = Ok(());
        placed.volume.scan(0, &mut |number, bytes| {
            if number >= closed.blocks {
                return false;
            }
            result = out.take(&chain, bytes);
            chain = block::chain_after(&chain, bytes);
            result.is_ok()
        })?;
        result?;
        if hex(&chain) != closed.digest {
            return Err(MergeError::Digest(closed.number));
        }
        placed.volume.rest()?;
    }
    out.cut()?;
    let next = old.last().map_or(1, |last| last.next);
    let mut writer = out.writer;
    writer.sync()?;
    writer.publish(Sequence::new(next));
    writer.finish()?;
    check(&writer, number, shared.instance)?;
    Ok(Closed {
        number,
        first: old.first().map_or(1, |first| first.first),
        next,
        blocks: writer.filled(),
        bytes: writer.volume.bytes(),
        digest: hex(&writer.chain),
        packed: true,
    })
}

impl Rewrite<'_> {
    fn take(&mut self, chain: &block::Chain, bytes: &[u8]) -> Result<(), MergeError> {
        if self.shared.closing.load(Ordering::Acquire) {
            return Err(MergeError::Closing);
        }
        let sequence = Sequence::new(self.first);
        let damaged = |detail: String| {
            let place = "a volume that is being merged".to_owned();
            MergeError::Read(ReadError::Damaged { sequence, place, detail })
        };
        let (header, packed) = block::unframe(bytes).map_err(|fault| damaged(fault.to_string()))?;
        if header.previous != *chain {
            return Err(damaged(format!("the block at sequence {} does not continue the chain", header.first)));
        }
        self.totals = (header.duplicate, header.rejected);
        if header.payload_bytes >= KEEP_BYTES {
            self.cut()?;
            let kept = Header { previous: self.writer.chain, ..header };
            let framed = block::frame(&kept, packed).ok_or_else(|| damaged("the block is too large".to_owned()))?;
            return self.put(&kept, &framed);
        }
        let payload = block::unpack(&header, packed).map_err(|fault| damaged(fault.to_string()))?;
        if self.count == 0 {
            self.first = header.first;
        }
        self.payload.extend_from_slice(&payload);
        self.count += header.count;
        if self.payload.len() >= BLOCK_BYTES { self.cut() } else { Ok(()) }
    }

    /// Writes what was collected as blocks.
    fn cut(&mut self) -> Result<(), MergeError> {
        let mut waiting = vec![(self.first, std::mem::take(&mut self.count), std::mem::take(&mut self.payload))];
        while let Some((first, count, mut payload)) = waiting.pop() {
            if count == 0 {
                continue;
            }
            let payload_bytes = u32::try_from(payload.len()).unwrap_or(u32::MAX);
            let (duplicate, rejected) = self.totals;
            let header = Header { first, count, payload_bytes, duplicate, rejected, previous: self.writer.chain };
            if let Some(bytes) = self.sealer.seal(&header, &payload)? {
                self.put(&header, &bytes)?;
                continue;
            }
            let left = (count / 2).max(1);
            let right = payload.split_off(codec::offset_of(&payload, u64::from(left)));
            waiting.push((first + u64::from(left), count - left, right));
            waiting.push((first, left, payload));
        }
        Ok(())
    }

    /// Leaves time to senders while there are any: most of it at first, none when too much waits to be merged.
    fn pause(&mut self) {
        let commits = self.shared.commits.load(Ordering::Relaxed);
        let busy = commits != std::mem::replace(&mut self.commits, commits);
        let share = match self.shared.shelf.volumes().len() {
            _ if !busy => 0,
            ..BURST_VOLUMES => BURST_SHARE,
            BURST_VOLUMES..HURRY_VOLUMES => 1,
            _ => 0,
        };
        let end = Instant::now() + self.since.elapsed().min(PAUSE_MAX) * share;
        while !self.shared.closing.load(Ordering::Acquire) {
            let left = end.saturating_duration_since(Instant::now());
            if left.is_zero() {
                break;
            }
            std::thread::sleep(left.min(PAUSE_STEP));
        }
        self.since = Instant::now();
    }

    fn put(&mut self, header: &Header, bytes: &[u8]) -> Result<(), MergeError> {
        self.writer.put(header, bytes)?;
        if self.writer.filled().is_multiple_of(LEAF_BLOCKS) {
            self.writer.forget();
        }
        if self.writer.filled().is_multiple_of(FLUSH_BLOCKS) {
            self.writer.flush()?;
            self.pause();
        }
        Ok(())
    }
}

/// Reads the new volume back through the store: what was put has to be there before the old ones go.
fn check(writer: &VolumeWriter, number: u64, instance: [u8; 16]) -> Result<(), MergeError> {
    let mut chain = block::chain_start(instance, number);
    let mut sound = true;
    writer.volume.scan(0, &mut |_, bytes| {
        sound = block::unframe(bytes).is_ok_and(|(header, packed)| block::unpack(&header, packed).is_ok());
        chain = block::chain_after(&chain, bytes);
        sound
    })?;
    if sound && chain == writer.chain { Ok(()) } else { Err(MergeError::Digest(number)) }
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
