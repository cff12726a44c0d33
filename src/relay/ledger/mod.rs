//! The ledger: what became of each record at each destination, durably and in little room.
//!
//! Two bits a record and destination say its state, in chunks of many records; only exceptions (waiting, dead) and the
//! attempts themselves take more. It is truth: it cannot be computed from the journal, and no rebuild touches it.
//!
//! Life of an entry: it becomes **atoms**, which count in memory at once. The one committing thread takes those of all
//! destinations together, at the latest every 20 ms, and writes them as blocks of the **log**; then they are durable. Now
//! and then it writes the **tables** (states, dead letters, what waits) that were changed and packs the attempts into the
//! **history**; then the log counts for nothing. A start replays what is left of the log over the tables.
//!
//! Three kinds of folders: `state` (tables, never thrown away), `log-N` (thrown away when the tables hold it), `attempts-N`
//! (the oldest are dropped beyond [`ATTEMPTS_BYTES_MAX`]).
//!
//! Promises, each with a test in `tests`:
//! - what was entered before a [`Book::sync`] that returned `Ok` is there after a power cut; of what came after it, a
//!   beginning
//! - counts and table agree, wherever a cut falls
//! - after a failed write nothing is written any more; a full disk loses nothing and is tried again
//! - a changed byte is an error that names the folder, or changes nothing
//! - memory is bounded whatever the backlog and the history

mod atom;
mod book;
mod chunk;
mod codec;
mod commit;
mod content;
mod entry;
mod erase;
mod history;
mod keys;
mod letters;
mod log;
mod pack;
mod pages;
mod recovery;
mod root;
mod sections;
mod shared;
mod spans;
mod state;
mod table;
#[cfg(test)]
mod tests;
mod writer;

use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;

use tokio::sync::watch;

use super::outbox::{Change, Tried};
use super::policy::Answer;
use crate::call::time::Time;
use crate::journal::Sequence;
use crate::store::{Engine, StoreError};
use shared::{Shared, Work};

pub use book::{Book, ORDERS_MAX};

/// Attempts of all destinations together are kept in so many bytes; the oldest are dropped.
pub const ATTEMPTS_BYTES_MAX: u64 = 256 << 20;

/// What became of a record at a destination.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    /// Owed.
    Pending,
    /// Accepted by the receiver.
    Delivered,
    /// Not owed.
    Filtered,
    /// Given up.
    Dead,
}

impl State {
    /// All four, in the order in which a record can go through them.
    pub const ALL: [Self; 4] = [Self::Pending, Self::Delivered, Self::Filtered, Self::Dead];

    /// The word shown to operators.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Delivered => "delivered",
            Self::Filtered => "filtered",
            Self::Dead => "dead",
        }
    }
}

/// How many records are in each state. Together they are all records up to the tail the caller names.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Owed.
    pub pending: u64,
    /// Accepted.
    pub delivered: u64,
    /// Not owed.
    pub filtered: u64,
    /// Given up.
    pub dead: u64,
}

/// One attempt, as shown to operators.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Attempt {
    /// When it was begun.
    pub at: Time,
    /// How long it took, in milliseconds.
    pub latency_ms: u32,
    /// What came.
    pub answer: Answer,
}

/// A dead letter.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DeadLetter {
    /// Which record.
    pub sequence: Sequence,
    /// Why: see [`Change::Dead`].
    pub code: String,
    /// How often it was tried, first when; `due` is when it was given up.
    pub tried: Tried,
    /// The last answer.
    pub answer: Answer,
}

/// Records that are to be delivered once more: those in a range, of some state, that a filter of the worker lets through.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Again {
    /// The next record to look at.
    pub next: Sequence,
    /// Where it ends.
    pub end: Sequence,
    /// Dead letters only, otherwise delivered ones too. Filtered ones never.
    pub dead_only: bool,
    /// The type of call, if only one.
    pub kind: Option<String>,
    /// The event, if only one.
    pub event: Option<String>,
}

/// What one request changed; written together.
#[derive(Clone, Debug, Default)]
pub struct Entry {
    /// The attempt, and the records that were in it. None for changes without a request.
    pub attempt: Option<(Vec<Sequence>, Attempt)>,
    /// What it changed.
    pub changes: Vec<Change>,
    /// Records found not to be owed, as ranges from, to (not included).
    pub filtered: Vec<(Sequence, Sequence)>,
    /// How far an order to deliver again got; `Some(None)` when it is done.
    pub again: Option<Option<Again>>,
}

/// Whether the ledger can write.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Standing {
    /// All is well.
    Writing,
    /// There is no room on the disk, in these words. Nothing is lost; it is tried again by itself. Send nothing meanwhile.
    Full(String),
    /// A write failed, or a bug: nothing is written any more until a restart. What is in memory can be read.
    Failed(String),
}

/// The open ledger of all destinations. Cheap to clone; the last one to go closes it.
#[derive(Clone)]
pub struct Ledger(Arc<Open>);

struct Open {
    shared: Arc<Shared>,
    committing: Mutex<Option<JoinHandle<()>>>,
}

impl Ledger {
    /// Opens the ledger in `dir`, making it if it is not there. Blocks.
    ///
    /// # Errors
    /// When the folder cannot be used, is damaged, or was written by a newer program.
    pub fn open(dir: &Path, engine: &Arc<dyn Engine>) -> Result<Self, StoreError> {
        Self::open_with(dir, engine, ATTEMPTS_BYTES_MAX)
    }

    fn open_with(dir: &Path, engine: &Arc<dyn Engine>, attempts_bytes_max: u64) -> Result<Self, StoreError> {
        let shared = Arc::new(recovery::open(dir, engine, attempts_bytes_max)?);
        let committing = Mutex::new(Some(commit::start(Arc::clone(&shared))?));
        Ok(Self(Arc::new(Open { shared, committing })))
    }

    /// Finishes or undoes what a crash left of [`Ledger::erase`]; to be called before a ledger in `dir` is opened. Blocks.
    ///
    /// # Errors
    /// When a folder cannot be moved or removed.
    pub fn settle(dir: &Path) -> Result<(), StoreError> {
        erase::settle(dir)
    }

    /// Removes what was answered about some records from every file of the ledger in `dir`, which must not be open. Blocks.
    ///
    /// # Errors
    /// When the disk is full or fails, or the ledger is damaged; it stays as it was.
    pub fn erase(dir: &Path, engine: &Arc<dyn Engine>, is_touched: &dyn Fn(u64) -> bool) -> Result<(), StoreError> {
        erase::erase(dir, engine, is_touched)
    }

    /// The part of one destination. A new one begins at `start`: what is before counts as filtered. Blocks.
    ///
    /// # Errors
    /// When the disk is full or fails, or the destination's part is damaged.
    pub fn book(&self, name: &str, start: &dyn Fn() -> Sequence) -> Result<Book, StoreError> {
        let held = recovery::book(&self.0.shared, name, &|| start().get())?;
        Ok(Book::new(Arc::clone(&self.0.shared), held))
    }

    /// The names of all destinations there ever were.
    pub fn names(&self) -> Vec<String> {
        shared::lock(&self.0.shared.books).keys().cloned().collect()
    }

    /// Whether it can write: to look at, or to wait for a change of.
    pub fn standing(&self) -> watch::Receiver<Standing> {
        self.0.shared.watch()
    }

    /// Writes everything and stops. Blocks. Closing twice is fine.
    pub fn close(&self) {
        self.0.end(Work::Close);
    }

    /// Stops without writing anything, as if killed.
    #[cfg(test)]
    pub(super) fn halt(&self) {
        self.0.end(Work::Halt);
    }
}

impl Open {
    fn end(&self, work: Work) {
        self.shared.end(work);
        let committing = self.committing.lock().unwrap_or_else(PoisonError::into_inner).take();
        if committing.is_some_and(|committing| committing.join().is_err()) {
            tracing::error!("the thread that writes the relay's ledger has panicked");
        }
        self.shared.state.close();
    }
}

impl Drop for Open {
    fn drop(&mut self) {
        self.end(Work::Close);
    }
}
