//! The journal on sled: the default backend. Opens it, owns its threads, and is what the other rooms hold.
//!
//! Three threads: the writer (`writer`), the merger (`merge`), and one that keeps the message ids and watches the
//! writer (`dedup`). They end when the journal is closed or its last handle goes.

mod measures;

use std::cell::RefCell;
use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError, mpsc};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use tokio::sync::{oneshot, watch};

use super::block::Sealer;
use super::codec::MessageDigest;
use super::dedup::Dedup;
use super::recovery::{self, Opened};
use super::settings::Settings;
use super::shared::Shared;
use super::shelf::Shelf;
pub use super::verify::{Finding, Verified};
use super::writer::{Job, Writer};
use super::{Accounts, Ack, AppendError, Appender, Batch, ReadError, Reader, Sequence, Slice, Tail};
use super::{files, merge, verify};
use crate::call::time::Time;
use crate::clock::Clock;
use crate::store::Engine;
use crate::store::sled::SledEngine;

/// A commit that takes longer than this will not end: sled has known deadlocks.
const STALL_LIMIT: Duration = Duration::from_secs(60);
/// How often the keeper of message ids looks around when nothing wakes it.
const KEEP_EVERY: Duration = Duration::from_secs(1);
/// Bytes read at a time when ids are made again from the journal.
const REFILL_BYTES: usize = 4 << 20;

/// Names one data folder for ever; a restored copy gets a new one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct InstanceId(pub [u8; 16]);

/// Why the journal could not be opened. Nothing was changed unless the text says so.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// The folder or a file in it cannot be used.
    #[error("cannot use {path}: {detail}")]
    Unusable {
        /// Which.
        path: String,
        /// Why.
        detail: String,
    },
    /// What was acknowledged is not all there, or not what it was.
    #[error("damaged journal: {0}")]
    Damaged(String),
    /// Written by a newer version.
    #[error("{path} has format {found}, this program reads up to {supported}; use a newer roundtower")]
    TooNew {
        /// Which file.
        path: String,
        /// Its format.
        found: u32,
        /// The newest format known here.
        supported: u32,
    },
}

/// What opening found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct OpenReport {
    /// The last stop was not clean; the open volume was copied, checked and closed.
    pub recovered: bool,
    /// Findings worth a line in the log, in words.
    pub notes: Vec<String>,
}

/// The journal's state, for `/status` and `/metrics`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Status {
    /// The oldest sequence.
    pub first: Sequence,
    /// The durable tail.
    pub next: Sequence,
    /// Volumes, the open one included.
    pub volumes: usize,
    /// Size of the journal folder, in bytes on disk.
    pub disk_bytes: u64,
    /// Bytes waiting for the writer.
    pub queued_bytes: usize,
    /// Bytes free on the disk, as of the last commit or the last idle moment.
    pub disk_free_bytes: u64,
    /// Commits since the start.
    pub commits: u64,
    /// Message ids remembered.
    pub dedup_ids: u64,
    /// A write or sync failed: nothing is acked until a restart.
    pub poisoned: bool,
    /// The disk is low: nothing is taken in until there is room.
    pub disk_low: bool,
}

/// The journal on disk. Cheap to clone; one per data folder and process.
#[derive(Clone)]
pub struct Journal {
    shared: Arc<Shared>,
    threads: Arc<Threads>,
}

struct Threads {
    jobs: Mutex<Option<mpsc::Sender<Job>>>,
    running: Mutex<Vec<JoinHandle<()>>>,
}

impl std::fmt::Debug for Journal {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.debug_struct("Journal").field("next", &self.shared.shelf.next()).finish_non_exhaustive()
    }
}

impl Journal {
    /// Opens the journal in `dir` (made if missing), recovers it, and starts its threads. Blocks.
    ///
    /// # Errors
    /// See [`OpenError`].
    pub fn open(
        dir: &Path,
        instance: InstanceId,
        settings: &Settings,
        clock: &Clock,
    ) -> Result<(Self, OpenReport), OpenError> {
        Self::open_on(Arc::new(SledEngine), dir, instance, settings, clock)
    }

    /// As [`Journal::open`], on another engine than sled.
    ///
    /// # Errors
    /// See [`OpenError`].
    pub fn open_on(
        engine: Arc<dyn Engine>,
        dir: &Path,
        instance: InstanceId,
        settings: &Settings,
        clock: &Clock,
    ) -> Result<(Self, OpenReport), OpenError> {
        let unusable = |error: &dyn std::fmt::Display| OpenError::Unusable {
            path: dir.display().to_string(),
            detail: error.to_string(),
        };
        let Opened { manifest, writer, mark, next, duplicate, rejected, report } =
            recovery::open(dir, instance, &engine, settings.accept_loss)?;
        let shelf = Shelf::new(dir, engine, manifest, Arc::clone(&writer.volume), next);
        let first = shelf.first();
        let (dedup, gaps) =
            Dedup::open(&dir.join("ids"), settings, first.get(), next.get()).map_err(|error| unusable(&error))?;
        refill(&dedup, &shelf, &gaps, clock.now()).map_err(|error| match error {
            ReadError::Damaged { .. } => OpenError::Damaged(error.to_string()),
            ReadError::Store(_) | ReadError::Full(_) => unusable(&error),
        })?;
        if *shelf.failed.borrow() {
            return Err(unusable(&"a write failed while the journal was opened"));
        }
        let accounts = accounts(next, duplicate, rejected);
        let (merge, wake) = mpsc::sync_channel(1);
        let shared = Arc::new(Shared {
            instance: instance.0,
            shelf,
            dedup,
            settings: settings.clone(),
            clock: clock.clone(),
            accounts,
            queued_bytes: AtomicUsize::new(0),
            disk_free: AtomicU64::new(files::disk_free(dir).unwrap_or(u64::MAX)),
            commits: AtomicU64::new(0),
            closing: AtomicBool::new(false),
            busy_since: AtomicU64::new(0),
            started: Instant::now(),
            merge,
            roll: AtomicBool::new(false),
            turn: Mutex::default(),
            erased: AtomicU64::new(0),
            retired: Mutex::default(),
        });
        let sealer = Sealer::new().map_err(|error| unusable(&error))?;
        let writer = Writer {
            shared: Arc::clone(&shared),
            volume: writer,
            mark,
            sealer,
            spare: None,
            compared: RefCell::default(),
            noted: (0, 0),
            unflushed: false,
            flushed_at: Instant::now(),
        };
        let threads = start(&shared, writer, wake).map_err(|error| unusable(&error))?;
        Ok((Self { shared, threads: Arc::new(threads) }, report))
    }

    /// Becomes true when a write or sync failed; the program should then stop with a non-zero status.
    pub fn failed(&self) -> watch::Receiver<bool> {
        self.shared.shelf.failed.subscribe()
    }

    pub(super) fn shared(&self) -> &Shared {
        &self.shared
    }

    /// Reads everything and checks it. Blocks; ingest goes on meanwhile. `progress` gets (records done, records in all).
    pub fn verify(&self, progress: &mut dyn FnMut(u64, u64)) -> Verified {
        verify::verify(&self.shared.shelf, self.shared.instance, progress)
    }

    /// Takes nothing more, finishes what is queued, syncs, and marks the stop as clean. Blocks. Closing twice is fine.
    pub fn close(&self) {
        self.threads.stop(&self.shared);
    }
}

impl Threads {
    fn stop(&self, shared: &Shared) {
        shared.closing.store(true, Ordering::Release);
        self.jobs.lock().unwrap_or_else(PoisonError::into_inner).take();
        let _ = shared.merge.try_send(());
        shared.dedup.wake();
        let running = std::mem::take(&mut *self.running.lock().unwrap_or_else(PoisonError::into_inner));
        for thread in running {
            let _ = thread.join();
        }
        // The files are free for another process, even while a handle for reading is still held here.
        shared.shelf.volumes().iter().for_each(|placed| shared.shelf.rest(&placed.volume));
    }
}

fn accounts(next: Sequence, duplicate: u64, rejected: u64) -> Accounts {
    Accounts {
        appended: AtomicU64::new(next.since(Sequence::FIRST)),
        duplicate: AtomicU64::new(duplicate),
        rejected: AtomicU64::new(rejected),
    }
}

fn start(shared: &Arc<Shared>, writer: Writer, wake: mpsc::Receiver<()>) -> std::io::Result<Threads> {
    let (jobs, queue) = mpsc::channel();
    // A thread that is gone would leave its work undone for ever: that is a failure like any other.
    let spawn = |name: &'static str, work: Box<dyn FnOnce() + Send>| {
        let watched = Arc::clone(shared);
        std::thread::Builder::new().name(name.to_owned()).spawn(move || {
            if std::panic::catch_unwind(std::panic::AssertUnwindSafe(work)).is_err() {
                watched.poison(&format!("the thread \"{name}\" panicked"));
            }
        })
    };
    let (merger, keeper) = (Arc::clone(shared), Arc::clone(shared));
    let running = vec![
        spawn("journal", Box::new(move || drop(writer.run(&queue))))?,
        spawn("merge", Box::new(move || merge::run(&merger, &wake)))?,
        spawn("ids", Box::new(move || keep(&keeper)))?,
    ];
    Ok(Threads { jobs: Mutex::new(Some(jobs)), running: Mutex::new(running) })
}

/// Keeps the message ids, closes what nobody reads, and watches that commits end.
fn keep(shared: &Shared) {
    merge::lower_priority(merge::MERGE_PRIORITY);
    while !shared.closing.load(Ordering::Acquire) {
        shared.dedup.wait(KEEP_EVERY);
        match shared.dedup.tidy(shared.clock.now()) {
            Ok(()) => {}
            Err(error) if error.kind() == std::io::ErrorKind::StorageFull => {
                tracing::warn!(%error, "message ids could not be written to disk; they stay in memory for now");
            }
            Err(error) => shared.poison(&format!("writing message ids: {error}")),
        }
        shared.shelf.rest_unread();
        let busy_since = shared.busy_since.load(Ordering::Acquire);
        let limit_ms = u64::try_from(STALL_LIMIT.as_millis()).unwrap_or(u64::MAX);
        if busy_since > 0 && shared.uptime_ms().saturating_sub(busy_since) > limit_ms {
            shared.poison("a commit did not end within its time limit");
        }
    }
}

/// Reads the ids of records that no run covers.
fn refill(dedup: &Dedup, shelf: &Shelf, gaps: &[(u64, u64)], now: Time) -> Result<(), ReadError> {
    for (from, to) in gaps {
        let mut at = Sequence::new(*from);
        while at.get() < *to {
            let slice = shelf.read(at, REFILL_BYTES)?;
            if slice.is_empty() {
                break;
            }
            let mut hold = dedup.hold();
            for record in slice.records() {
                let record = record?;
                if record.sequence.get() < *to {
                    hold.insert(record.digest(), record.sequence.get(), record.received_at);
                }
            }
            drop(hold);
            at = slice.next;
            // Runs cover consecutive sequences, so the end of a gap ends a run.
            dedup.settle(at.get() >= *to && gaps.len() > 1);
            if let Err(error) = dedup.tidy(now) {
                tracing::warn!(%error, "message ids could not be written to disk; they stay in memory for now");
            }
        }
    }
    Ok(())
}

impl Appender for Journal {
    fn append(&self, batch: Batch) -> Result<Ack, AppendError> {
        let shared = &self.shared;
        if shared.is_poisoned() {
            return Err(AppendError::Poisoned);
        }
        let bytes = batch.bytes_len();
        let queued_bytes = shared.queued_bytes.fetch_add(bytes, Ordering::AcqRel);
        let refused = |error| {
            shared.queued_bytes.fetch_sub(bytes, Ordering::AcqRel);
            Err(error)
        };
        // A batch larger than the whole queue still gets through when nothing else waits.
        if queued_bytes > 0 && queued_bytes + bytes > shared.settings.queue_bytes_max {
            return refused(AppendError::QueueFull { queued_bytes });
        }
        let (answer, ack) = oneshot::channel();
        let sent = match self.threads.jobs.lock().unwrap_or_else(PoisonError::into_inner).as_ref() {
            Some(jobs) => jobs.send(Job { batch, answer }).is_ok(),
            None => false,
        };
        if sent { Ok(Ack(ack)) } else { refused(AppendError::Closed) }
    }

    fn accounts(&self) -> &Accounts {
        &self.shared.accounts
    }
}

impl Reader for Journal {
    fn first(&self) -> Sequence {
        self.shared.shelf.first()
    }

    fn tail(&self) -> Tail {
        Tail(self.shared.shelf.tail.subscribe())
    }

    fn read(&self, from: Sequence, bytes_max: usize) -> Result<Slice, ReadError> {
        self.shared.shelf.read(from, bytes_max)
    }

    fn find(&self, source: &str, message_id: &str) -> Result<Option<Sequence>, ReadError> {
        let mut candidates = Vec::new();
        let found = self.shared.dedup.hold().find(MessageDigest::of(source, message_id), &mut candidates);
        found.map_err(|error| ReadError::Store(error.to_string()))?;
        for candidate in candidates {
            let slice = self.shared.shelf.read(Sequence::new(candidate), 1)?;
            let record = slice.records().next().transpose()?;
            let same = |record: &super::Record<'_>| {
                record.source == source && record.call.message_id.as_str() == message_id && !record.is_erased()
            };
            if record.as_ref().is_some_and(same) {
                return Ok(Some(Sequence::new(candidate)));
            }
        }
        Ok(None)
    }
}
