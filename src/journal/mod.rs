//! The journal: the append log that everything else is computed from.
//!
//! Life of a batch: [`Appender::append`] queues it, the one writer takes all that is queued, drops duplicates, gives
//! sequences, packs the records into compressed blocks, writes them, syncs once, moves the tail and answers everybody.
//! A crash in between leaves whole blocks or nothing: what was answered is there, what was not may or may not be.
//!
//! Promises, each with a test of the same name in `tests/contract.rs`, on every backend that can keep it:
//! - **J1** `append` answers `Ok` only after every record of the batch is durable at the configured level.
//! - **J2** After one failed write or sync nothing is ever acked again by this process.
//! - **J3** Sequences rise by one, are never reused, and keep the order of the batch.
//! - **J4** A second record with the source and message id of one inside the window is not appended; the answer names
//!   the first one's sequence, and comes only after that one is durable.
//! - **J5** A reader sees exactly the records below the tail, as they were appended, also after reopening.
//! - **J6** A full queue refuses at once with a retryable error; nothing grows without bound.
//! - **J7** Damage is reported as damage: a read never returns a record that was not appended.
//! - **J8** What was erased is in no file of the journal any more; its sequence and what duplicates are found by stay.

mod block;
pub mod codec;
mod dedup;
pub mod embedded;
pub mod erase;
pub mod error;
pub(crate) mod files;
mod group;
mod manifest;
mod mark;
pub mod memory;
mod merge;
pub mod record;
mod recovery;
mod rewrite;
pub mod sequence;
pub mod settings;
mod shared;
mod shelf;
mod verify;
mod volume;
mod writer;

use std::future::Future;
use std::pin::Pin;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::{Context, Poll};

use tokio::sync::{oneshot, watch};

pub use error::{AppendError, ReadError};
pub(crate) use merge::lower_priority;
pub use record::{Batch, Block, Record, Slice, TooLarge};
pub use sequence::Sequence;

/// What became of one record of a batch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// Appended, and durable.
    Appended(Sequence),
    /// The same source and message id is already there, durable, at this sequence.
    Duplicate(Sequence),
}

/// What was received since this data folder began. `received = appended + duplicate + rejected` always.
#[derive(Debug, Default)]
pub struct Accounts {
    /// Records appended.
    pub appended: AtomicU64,
    /// Messages that were already there.
    pub duplicate: AtomicU64,
    /// Messages refused one by one (not whole requests).
    pub rejected: AtomicU64,
}

impl Accounts {
    /// Counts `count` refused messages.
    pub fn reject(&self, count: u64) {
        self.rejected.fetch_add(count, Ordering::Relaxed);
    }

    /// `(received, appended, duplicate, rejected)`.
    pub fn totals(&self) -> (u64, u64, u64, u64) {
        let appended = self.appended.load(Ordering::Relaxed);
        let duplicate = self.duplicate.load(Ordering::Relaxed);
        let rejected = self.rejected.load(Ordering::Relaxed);
        (appended + duplicate + rejected, appended, duplicate, rejected)
    }
}

/// The answer to an append: resolves once the batch is durable or refused. Outcomes are in batch order.
#[derive(Debug)]
pub struct Ack(oneshot::Receiver<Result<Vec<Outcome>, AppendError>>);

impl Future for Ack {
    type Output = Result<Vec<Outcome>, AppendError>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        Pin::new(&mut self.0).poll(cx).map(|answer| answer.unwrap_or(Err(AppendError::Closed)))
    }
}

impl Ack {
    /// Blocks the calling thread until the answer is there. Never call it on an async worker.
    ///
    /// # Errors
    /// As the append itself.
    pub fn wait(self) -> Result<Vec<Outcome>, AppendError> {
        self.0.blocking_recv().unwrap_or(Err(AppendError::Closed))
    }
}

/// The writing side; all that ingest sees.
pub trait Appender: Send + Sync {
    /// Queues a batch. Returns at once; the returned future answers.
    ///
    /// # Errors
    /// Retryable: the queue is full or the disk is low. Final: the journal failed or is closing.
    fn append(&self, batch: Batch) -> Result<Ack, AppendError>;

    /// The running totals; rejected messages are counted here by ingest.
    fn accounts(&self) -> &Accounts;
}

/// Follows the durable tail: the first sequence that is not yet durable.
#[derive(Clone, Debug)]
pub struct Tail(watch::Receiver<u64>);

impl Tail {
    /// The first sequence that is not yet durable.
    pub fn next(&self) -> Sequence {
        Sequence::new(*self.0.borrow())
    }

    /// Waits until the record at `sequence` is durable. Returns false if the journal closes before.
    pub async fn passed(&mut self, sequence: Sequence) -> bool {
        self.0.wait_for(|next| *next > sequence.get()).await.is_ok()
    }
}

/// The reading side; all that views and relay see. Reads block: call them from a thread that may.
pub trait Reader: Send + Sync {
    /// The oldest sequence still there; equal to the tail when the journal is empty.
    fn first(&self) -> Sequence;

    /// The durable tail, to look at or to wait for.
    fn tail(&self) -> Tail;

    /// Records from `from` on, up to the tail or about `bytes_max` bytes, at least one if there is one.
    /// A `from` below [`Reader::first`] starts there; at the tail the slice is empty.
    ///
    /// # Errors
    /// Damage, or the disk failing.
    fn read(&self, from: Sequence, bytes_max: usize) -> Result<Slice, ReadError>;

    /// Where the record with this source and message id is, if it is inside the window of duplicates.
    ///
    /// # Errors
    /// As [`Reader::read`].
    fn find(&self, source: &str, message_id: &str) -> Result<Option<Sequence>, ReadError>;
}
