//! Rewriting: closed volumes are written again as one new volume, and replaced by it.
//!
//! The new volume is complete, synced and checked before the manifest names it instead of the old ones, in one atomic
//! replacement; the old folders go when their last reader is done. A crash in between leaves a folder that no manifest
//! names, which the next start removes. Durability is never weaker than before, and the open volume is never touched.
//!
//! One thread at a time rewrites: whoever does holds [`Shared::rewriting`].

use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use super::block::{self, BLOCK_BYTES, Header, Sealer};
use super::codec;
use super::manifest::{Closed, hex};
use super::record::Block;
use super::shared::Shared;
use super::volume::{LEAF_BLOCKS, VolumeWriter};
use super::{ReadError, Sequence};
use crate::store::StoreError;

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
/// How soon a pause notices that the journal is closing.
const PAUSE_STEP: Duration = Duration::from_millis(100);

/// Why volumes were not replaced. They stay as they were.
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
    #[error("not enough room on the disk: {needed} bytes have to be free")]
    NoRoom { needed: u64 },
    #[error("the journal is closing")]
    Closing,
}

impl MergeError {
    /// Whether the disk itself failed, other than by being full. What the kernel says once it may not say again.
    pub(super) fn is_of_the_disk(&self) -> bool {
        match self {
            Self::Store(error) => matches!(error, StoreError::Failed(_)),
            Self::Io(error) => error.kind() != std::io::ErrorKind::StorageFull,
            Self::Read(error) => matches!(error, ReadError::Store(_)),
            Self::Digest(_) | Self::NoRoom { .. } | Self::Closing => false,
        }
    }
}

/// Looks at a block's records; returns other bytes for all of them together, or none if they stay as they are.
pub(super) type Edit<'a> = &'a dyn Fn(&Block) -> Result<Option<Vec<u8>>, MergeError>;

/// Replaces these adjacent closed volumes by one, each block as `edit` wants it. Only for whoever holds
/// [`Shared::rewriting`].
pub(super) fn replace(shared: &Shared, old: &[Closed], edit: Option<Edit<'_>>) -> Result<(), MergeError> {
    let needed = old.iter().map(|volume| volume.bytes).sum::<u64>() + shared.settings.disk_free_bytes_min;
    if super::files::disk_free(&shared.shelf.folder)? < needed {
        return Err(MergeError::NoRoom { needed });
    }
    let writer = shared.new_volume()?;
    let folder = writer.volume.dir().to_path_buf();
    let merged = rewrite(shared, old, writer, edit).inspect_err(|_| {
        // What stays is removed by the next start.
        let _ = std::fs::remove_dir_all(folder);
    })?;
    swap(shared, old, merged)?;
    Ok(())
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
        shared.note_retired(&placed.volume);
    }
    Ok(())
}

/// Fills a new volume from old ones.
struct Rewrite<'a> {
    shared: &'a Shared,
    edit: Option<Edit<'a>>,
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

fn rewrite(
    shared: &Shared,
    old: &[Closed],
    writer: VolumeWriter,
    edit: Option<Edit<'_>>,
) -> Result<Closed, MergeError> {
    let number = writer.volume.number;
    let mut out = Rewrite {
        shared,
        edit,
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
        let keeps = header.payload_bytes >= KEEP_BYTES;
        if keeps && self.edit.is_none() {
            return self.keep(header, packed);
        }
        let payload = block::unpack(&header, packed).map_err(|fault| damaged(fault.to_string()))?;
        let payload = match self.edit {
            None => payload,
            Some(edit) => {
                let place = format!("a volume that is being rewritten, at sequence {}", header.first);
                let block = Block::new(header.first(), header.count, payload, place);
                match edit(&block)? {
                    None if keeps => return self.keep(header, packed),
                    None => block.into_payload(),
                    Some(edited) => edited,
                }
            }
        };
        self.add(header.first, header.count, &payload)
    }

    /// Takes a block over as it is.
    fn keep(&mut self, header: Header, packed: &[u8]) -> Result<(), MergeError> {
        self.cut()?;
        let kept = Header { previous: self.writer.chain, ..header };
        let too_large = || MergeError::Store(StoreError::Failed(format!("the block at {} is too large", header.first)));
        let framed = block::frame(&kept, packed).ok_or_else(too_large)?;
        self.put(&kept, &framed)
    }

    /// Adds the records of a block to what is collected.
    fn add(&mut self, first: u64, count: u32, payload: &[u8]) -> Result<(), MergeError> {
        if self.payload.len() + payload.len() >= 2 * BLOCK_BYTES {
            self.cut()?;
        }
        if self.count == 0 {
            self.first = first;
        }
        self.payload.extend_from_slice(payload);
        self.count += count;
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
