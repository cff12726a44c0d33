//! The one writer: takes all that is queued, appends it, syncs once, answers everybody.
//!
//! There is no timer: a lone batch is written at once, and under load a group is what came in while the group before
//! was syncing. After one failure nothing is acked any more; what was in flight is answered "poisoned", and its senders
//! may send again after a restart, when duplicates are recognised.

use std::cell::RefCell;
use std::sync::atomic::Ordering;
use std::sync::{Arc, mpsc};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use tokio::sync::oneshot;

use super::block::{Chain, Sealer};
use super::codec::{self, MessageDigest};
use super::dedup::Hold;
use super::files;
use super::group::{Filling, Group};
use super::mark::{Mark, MarkFile};
use super::record::{Batch, Block, Slice};
use super::settings::Durability;
use super::shared::Shared;
use super::volume::VolumeWriter;
use super::{AppendError, Outcome, Sequence};
use crate::store::StoreError;

/// Bytes after which a group is closed: about where larger syncs stop paying and latency grows.
const GROUP_BYTES_MAX: usize = 1 << 20;
/// Idle time after which the mark is synced, and small blocks are given to the merger.
const IDLE: Duration = Duration::from_millis(500);
/// A volume of smaller blocks than this, on average, is worth writing again.
pub(super) const LOOSE_BLOCK_BYTES: u64 = 8 * 1024;
/// Less than this is not worth a volume of its own when the senders pause.
const IDLE_ROLL_BYTES: u64 = 1 << 20;

/// One batch and who waits for it.
pub(super) struct Job {
    pub(super) batch: Batch,
    pub(super) answer: oneshot::Sender<Result<Vec<Outcome>, AppendError>>,
}

/// The thread's own state.
pub(super) struct Writer {
    pub(super) shared: Arc<Shared>,
    pub(super) volume: VolumeWriter,
    pub(super) mark: MarkFile,
    pub(super) sealer: Sealer,
    pub(super) spare: Option<Spare>,
    /// The block that a possible duplicate was last compared with.
    pub(super) compared: RefCell<Option<Slice>>,
    /// Duplicates and refusals as last written into the mark.
    pub(super) noted: (u64, u64),
    pub(super) unflushed: bool,
    pub(super) flushed_at: Instant,
}

/// The next volume, made ahead by a thread of its own: opening one takes longer than many commits.
///
/// Dropping it waits for that thread and removes what it made, however the writer ends: nothing may appear in the folder
/// once the journal is closed, for the next start already looks at it.
pub(super) struct Spare(Option<JoinHandle<Result<VolumeWriter, StoreError>>>);

impl Spare {
    /// Nothing without a thread to spare; the volume is then made when it is needed.
    fn begin(make: impl FnOnce() -> Result<VolumeWriter, StoreError> + Send + 'static) -> Option<Self> {
        std::thread::Builder::new().name("volume".to_owned()).spawn(make).ok().map(|thread| Self(Some(thread)))
    }

    /// The volume, as soon as it is there. Nothing when the thread panicked.
    fn made(mut self) -> Option<Result<VolumeWriter, StoreError>> {
        self.0.take().and_then(|thread| thread.join().ok())
    }
}

impl Drop for Spare {
    fn drop(&mut self) {
        if let Some(Ok(unused)) = self.0.take().and_then(|thread| thread.join().ok()) {
            unused.volume.retire();
        }
    }
}

impl Writer {
    /// Runs until every sender is gone. Returns itself when it ended well, so that the close can be marked as clean.
    pub(super) fn run(mut self, jobs: &mpsc::Receiver<Job>) -> Option<Self> {
        loop {
            match jobs.recv_timeout(IDLE) {
                Ok(job) => {
                    let mut bytes = job.batch.bytes_len();
                    let mut group = vec![job];
                    while bytes < GROUP_BYTES_MAX
                        && let Ok(job) = jobs.try_recv()
                    {
                        bytes += job.batch.bytes_len();
                        group.push(job);
                    }
                    self.take(group, bytes);
                }
                Err(mpsc::RecvTimeoutError::Timeout) => self.guarded(Self::idle),
                Err(mpsc::RecvTimeoutError::Disconnected) => break,
            }
        }
        self.guarded(Self::finish);
        (!self.shared.is_poisoned()).then_some(self)
    }

    /// Runs work that writes; any failure, a panic of the store included, poisons.
    fn guarded(&mut self, work: fn(&mut Self) -> Result<(), StoreError>) {
        if self.shared.is_poisoned() {
            return;
        }
        match std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| work(self))) {
            Ok(Ok(())) => {}
            Ok(Err(error)) => self.shared.poison(&error.to_string()),
            Err(_) => self.shared.poison("the writer panicked"),
        }
    }

    fn take(&mut self, group: Vec<Job>, bytes: usize) {
        let shared = Arc::clone(&self.shared);
        shared.busy_since.store(shared.uptime_ms(), Ordering::Release);
        let outcome = self.refusal().map_or_else(
            || {
                let attempt = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| self.commit(&group)));
                attempt.unwrap_or_else(|_| Err(StoreError::Failed("the writer panicked".to_owned()))).map_err(|error| {
                    shared.poison(&error.to_string());
                    AppendError::Poisoned
                })
            },
            Err,
        );
        shared.busy_since.store(0, Ordering::Release);
        shared.queued_bytes.fetch_sub(bytes, Ordering::AcqRel);
        match outcome {
            Ok(outcomes) => {
                for (job, outcomes) in group.into_iter().zip(outcomes) {
                    let _ = job.answer.send(Ok(outcomes));
                }
                self.guarded(Self::roll_if_full);
            }
            Err(error) => {
                for job in group {
                    let _ = job.answer.send(Err(error.clone()));
                }
            }
        }
    }

    /// Why nothing can be written now.
    fn refusal(&self) -> Option<AppendError> {
        if self.shared.is_poisoned() {
            return Some(AppendError::Poisoned);
        }
        let free_bytes = files::disk_free(&self.shared.shelf.folder).unwrap_or(u64::MAX);
        self.shared.disk_free.store(free_bytes, Ordering::Relaxed);
        let needed_bytes = self.shared.settings.disk_free_bytes_min;
        (free_bytes < needed_bytes).then_some(AppendError::DiskLow { free_bytes, needed_bytes })
    }

    /// Appends a group and makes it durable. Nothing of it is visible before.
    fn commit(&mut self, jobs: &[Job]) -> Result<Vec<Vec<Outcome>>, StoreError> {
        let shared = Arc::clone(&self.shared);
        let mut group = Group::new(shared.shelf.next());
        let mut hold = shared.dedup.hold();
        let outcomes: Vec<_> =
            jobs.iter().map(|job| self.build(&mut group, &mut hold, &job.batch)).collect::<Result<_, _>>()?;
        drop(hold);
        let Group { next, mut full, filling, duplicates } = group;
        let duplicate = shared.accounts.duplicate.fetch_add(duplicates, Ordering::AcqRel) + duplicates;
        if filling.count > 0 {
            full.push(filling);
        }
        if !full.is_empty() {
            let rejected = shared.accounts.rejected.load(Ordering::Acquire);
            let blocks = self.put_blocks(full, duplicate, rejected)?;
            self.make_durable()?;
            self.write_mark(next, duplicate, rejected, false)?;
            self.volume.publish(next);
            let appended = next.since(shared.shelf.next());
            shared.accounts.appended.fetch_add(appended, Ordering::AcqRel);
            shared.commits.fetch_add(1, Ordering::Relaxed);
            shared.shelf.publish(blocks.into_iter(), next);
            shared.dedup.settle(false);
        } else if duplicates > 0 {
            self.note_accounts()?;
        }
        Ok(outcomes)
    }

    fn build(&self, group: &mut Group, hold: &mut Hold<'_>, batch: &Batch) -> Result<Vec<Outcome>, StoreError> {
        let mut outcomes = Vec::with_capacity(batch.len());
        let mut candidates = Vec::new();
        for (digest, bytes) in batch.entries() {
            hold.find(digest, &mut candidates).map_err(|error| StoreError::Failed(error.to_string()))?;
            if let Some(earlier) = self.same_message(group, &candidates, digest, bytes)? {
                group.duplicates += 1;
                outcomes.push(Outcome::Duplicate(earlier));
                continue;
            }
            hold.insert(digest, group.next.get(), batch.received_at());
            group.push(bytes);
            outcomes.push(Outcome::Appended(Sequence::new(group.next.get() - 1)));
        }
        Ok(outcomes)
    }

    /// Which of the candidates really has the same source and message id. The digest does not decide: it is looked up.
    fn same_message(
        &self,
        group: &Group,
        candidates: &[u64],
        digest: MessageDigest,
        bytes: &[u8],
    ) -> Result<Option<Sequence>, StoreError> {
        for candidate in candidates {
            let sequence = Sequence::new(*candidate);
            let same = match group.find(sequence) {
                Some(pending) => codec::same_message(pending, bytes),
                // A record that a retention rule deleted can only be known by its digest.
                None if sequence < self.shared.shelf.first() => true,
                None => self.same_as_stored(sequence, bytes)?,
            };
            if same {
                return Ok(Some(sequence));
            }
            tracing::debug!(%sequence, digest = %digest.get(), "two messages share a digest");
        }
        Ok(None)
    }

    fn same_as_stored(&self, sequence: Sequence, bytes: &[u8]) -> Result<bool, StoreError> {
        let mut compared = self.compared.borrow_mut();
        // A batch that is sent again lies in one block, or in two: they are not unpacked for each of its messages.
        if let Some(stored) = compared.as_ref().and_then(|slice| slice.stored(sequence)) {
            return Ok(codec::same_message(stored, bytes));
        }
        match self.shared.shelf.read(sequence, 1) {
            Ok(slice) => {
                let slice = compared.insert(slice);
                Ok(slice.stored(sequence).is_some_and(|stored| codec::same_message(stored, bytes)))
            }
            // Damage far back must not stop ingest: 80 equal bits are then all there is to go by.
            Err(error) if !error.retryable() => {
                tracing::error!(%error, %sequence, "a possible duplicate cannot be compared with its first copy");
                Ok(true)
            }
            Err(error) => Err(StoreError::Failed(error.to_string())),
        }
    }

    fn put_blocks(&mut self, full: Vec<Filling>, duplicate: u64, rejected: u64) -> Result<Vec<Arc<Block>>, StoreError> {
        let mut blocks = Vec::with_capacity(full.len());
        let mut waiting: Vec<Filling> = full.into_iter().rev().collect();
        while let Some(filling) = waiting.pop() {
            let header = filling.header(self.volume.chain, duplicate, rejected);
            let sealed = self.sealer.seal(&header, &filling.payload).map_err(|e| StoreError::Failed(e.to_string()))?;
            match sealed {
                Some(bytes) => {
                    self.volume.put(&header, &bytes)?;
                    let place = self.volume.volume.place(self.volume.filled() - 1);
                    blocks.push(Arc::new(Block::new(header.first(), filling.count, filling.payload, place)));
                }
                None if filling.count > 1 => {
                    let (left, right) = filling.cut();
                    waiting.push(right);
                    waiting.push(left);
                }
                None => return Err(StoreError::Failed("one record does not fit into a block".to_owned())),
            }
        }
        Ok(blocks)
    }

    fn make_durable(&mut self) -> Result<(), StoreError> {
        match self.shared.settings.durability {
            Durability::Synced => self.volume.sync(),
            Durability::Written => self.volume.flush(),
            Durability::Memory if self.flushed_at.elapsed() >= IDLE => {
                self.unflushed = false;
                self.flushed_at = Instant::now();
                self.volume.flush()
            }
            Durability::Memory => {
                self.unflushed = true;
                Ok(())
            }
        }
    }

    fn write_mark(&mut self, next: Sequence, duplicate: u64, rejected: u64, clean: bool) -> Result<(), StoreError> {
        if self.unflushed {
            return Ok(()); // the mark must not run ahead of what is written
        }
        self.noted = (duplicate, rejected);
        let (volume, blocks, chain): (u64, u64, Chain) =
            (self.volume.volume.number, self.volume.filled(), self.volume.chain);
        let mark = Mark { instance: self.shared.instance, volume, blocks, next, chain, duplicate, rejected, clean };
        let written = self.mark.write(&mark).and_then(|()| {
            if self.shared.settings.durability == Durability::Synced { self.mark.sync_if_due() } else { Ok(()) }
        });
        written.map_err(|error| StoreError::Failed(format!("cannot write the mark: {error}")))
    }

    /// Writes the totals into the mark if they changed without a block to carry them.
    fn note_accounts(&mut self) -> Result<(), StoreError> {
        let duplicate = self.shared.accounts.duplicate.load(Ordering::Acquire);
        let rejected = self.shared.accounts.rejected.load(Ordering::Acquire);
        if self.noted == (duplicate, rejected) {
            return Ok(());
        }
        self.write_mark(self.shared.shelf.next(), duplicate, rejected, false)
    }

    fn mark_now(&mut self, clean: bool) -> Result<(), StoreError> {
        let duplicate = self.shared.accounts.duplicate.load(Ordering::Acquire);
        let rejected = self.shared.accounts.rejected.load(Ordering::Acquire);
        self.write_mark(self.shared.shelf.next(), duplicate, rejected, clean)?;
        self.mark.sync().map_err(|error| StoreError::Failed(format!("cannot sync the mark: {error}")))
    }

    /// Between groups, when nobody sends.
    fn idle(&mut self) -> Result<(), StoreError> {
        let free_bytes = files::disk_free(&self.shared.shelf.folder).unwrap_or(u64::MAX);
        self.shared.disk_free.store(free_bytes, Ordering::Relaxed);
        if std::mem::take(&mut self.unflushed) {
            self.flushed_at = Instant::now();
            self.volume.flush()?;
            self.mark_now(false)?;
        }
        self.note_accounts()?;
        self.mark.sync_if_due().map_err(|error| StoreError::Failed(error.to_string()))?;
        self.volume.forget();
        let (bytes, blocks) = (self.volume.volume.bytes(), self.volume.filled());
        if bytes >= IDLE_ROLL_BYTES && bytes < blocks.saturating_mul(LOOSE_BLOCK_BYTES) {
            self.roll()?;
        }
        Ok(())
    }

    fn roll_if_full(&mut self) -> Result<(), StoreError> {
        let (bytes, bytes_max) = (self.volume.volume.bytes(), self.shared.settings.open_volume_bytes_max);
        let is_wanted = self.shared.roll.swap(false, Ordering::AcqRel);
        if bytes >= bytes_max || is_wanted && self.volume.filled() > 0 {
            return self.roll();
        }
        if bytes >= bytes_max / 2 && self.spare.is_none() {
            let shared = Arc::clone(&self.shared);
            self.spare = Spare::begin(move || shared.new_volume());
        }
        Ok(())
    }

    /// Closes the open volume and begins another. The old one is durable before the manifest names the new one.
    fn roll(&mut self) -> Result<(), StoreError> {
        self.volume.finish()?;
        self.unflushed = false;
        let shared = Arc::clone(&self.shared);
        let Shared { shelf, .. } = shared.as_ref();
        let made = self.spare.take().and_then(Spare::made);
        let fresh = made.unwrap_or_else(|| shared.new_volume())?;
        let current = shelf.manifest();
        let mut changed = current.clone();
        changed.close_as(self.volume.filled(), self.volume.volume.bytes(), shelf.next(), &self.volume.chain);
        changed.open = fresh.volume.number;
        changed.open_first = shelf.next().get();
        let open = Some(Arc::clone(&fresh.volume));
        shelf.commit(current, changed, open).map_err(|error| StoreError::Failed(error.to_string()))?;
        let old = std::mem::replace(&mut self.volume, fresh);
        drop(old);
        self.mark_now(false)?;
        let _ = self.shared.merge.try_send(());
        Ok(())
    }

    fn finish(&mut self) -> Result<(), StoreError> {
        self.spare = None;
        self.volume.sync()?;
        self.unflushed = false;
        self.mark_now(true)
    }
}
