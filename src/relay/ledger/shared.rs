//! What the books, the committing thread and readers share, and how they wait for each other.
//!
//! Locks, always taken in this order: writer, list of books, content of a book, archive, gate.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use tokio::sync::watch;

use super::codec::Fault;
use super::content::Content;
use super::history::{self, Folder};
use super::pages::Source;
use super::state::StateStore;
use super::writer::Writer;
use super::{Attempt, Standing};
use crate::store::{Engine, StoreError};

/// Entries are written together at the latest so long after the first of them.
const GROUP_FOR: Duration = Duration::from_millis(20);
/// At once when so much is unwritten.
const GROUP_BYTES: usize = 64 << 10;
/// Nothing more is taken in while so much is unwritten.
pub(super) const UNWRITTEN_BYTES_MAX: usize = 4 << 20;
/// A full disk is tried again after so long.
const FULL_FOR: Duration = Duration::from_millis(500);

pub(super) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// One destination's part, as the ledger holds it.
pub(super) struct Held {
    pub(super) number: u16,
    pub(super) content: Mutex<Content>,
}

/// A destination that was ever seen.
pub(super) struct Known {
    pub(super) number: u16,
    pub(super) start: u64,
    /// Read when it is first asked for.
    pub(super) held: Option<Arc<Held>>,
}

/// Attempts: what is not packed yet, in the order of time, and the folders of those that are.
#[derive(Default)]
pub(super) struct Archive {
    pub(super) recent: Vec<(u16, Arc<[u8]>)>,
    pub(super) recent_bytes: usize,
    pub(super) folders: Vec<Arc<Folder>>,
}

#[derive(Default)]
struct Gate {
    /// How often something was entered, and up to which of these it is durable.
    entered: u64,
    durable: u64,
    unwritten: usize,
    /// How often writing failed for want of room.
    refused: u64,
    hurry: bool,
    closing: bool,
    halted: bool,
}

pub(super) struct Shared {
    pub(super) dir: PathBuf,
    pub(super) engine: Arc<dyn Engine>,
    pub(super) state: StateStore,
    pub(super) writer: Mutex<Writer>,
    pub(super) books: Mutex<BTreeMap<String, Known>>,
    pub(super) archive: Mutex<Archive>,
    gate: Mutex<Gate>,
    /// Rung for the committing thread.
    bell: Condvar,
    /// Rung when something became durable, or never will.
    moved: Condvar,
    standing: watch::Sender<Standing>,
}

/// What the committing thread is to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Work {
    /// Write what was entered.
    Commit,
    /// Write everything, and the tables, and end.
    Close,
    /// End as if killed.
    Halt,
}

impl Shared {
    pub(super) fn new(
        dir: PathBuf,
        engine: Arc<dyn Engine>,
        state: StateStore,
        writer: Writer,
        books: BTreeMap<String, Known>,
        archive: Archive,
    ) -> Self {
        Self {
            dir,
            engine,
            state,
            writer: Mutex::new(writer),
            books: Mutex::new(books),
            archive: Mutex::new(archive),
            gate: Mutex::default(),
            bell: Condvar::new(),
            moved: Condvar::new(),
            standing: watch::Sender::new(Standing::Writing),
        }
    }

    pub(super) fn source(&self, book: u16) -> Source<'_> {
        Source { state: &self.state, book }
    }

    pub(super) fn held(&self) -> Vec<Arc<Held>> {
        lock(&self.books).values().filter_map(|known| known.held.clone()).collect()
    }

    pub(super) fn watch(&self) -> watch::Receiver<Standing> {
        self.standing.subscribe()
    }

    pub(super) fn standing(&self) -> Standing {
        self.standing.borrow().clone()
    }

    pub(super) fn has_failed(&self) -> bool {
        matches!(*self.standing.borrow(), Standing::Failed(_))
    }

    /// Nothing is written from now on.
    pub(super) fn fail(&self, error: &StoreError) {
        let first = self.standing.send_if_modified(|standing| {
            let is_new = !matches!(standing, Standing::Failed(_));
            if is_new {
                *standing = Standing::Failed(error.to_string());
            }
            is_new
        });
        if first {
            tracing::error!(%error, "the relay's ledger stopped: nothing is sent until a restart");
        }
        // Whoever looks at the standing holds the gate: taken here, so that nobody falls asleep after having looked.
        drop(lock(&self.gate));
        self.moved.notify_all();
        self.bell.notify_all();
    }

    /// Writing failed. True if that was for want of room, which may pass.
    pub(super) fn refuse(&self, error: &StoreError) -> bool {
        let StoreError::Full(detail) = error else {
            self.fail(error);
            return false;
        };
        let first = self.standing.send_if_modified(|standing| {
            let is_new = *standing == Standing::Writing;
            if is_new {
                *standing = Standing::Full(detail.clone());
            }
            is_new
        });
        if first {
            tracing::error!(%error, "no room for the relay's ledger: nothing is sent until there is");
        }
        lock(&self.gate).refused += 1;
        self.moved.notify_all();
        true
    }

    /// Writing succeeded.
    pub(super) fn recovered(&self) {
        let was_full = self.standing.send_if_modified(|standing| {
            let is_full = matches!(standing, Standing::Full(_));
            if is_full {
                *standing = Standing::Writing;
            }
            is_full
        });
        if was_full {
            tracing::info!("there is room for the relay's ledger again");
        }
    }

    /// Whether something can be entered without waiting.
    pub(super) fn has_room(&self) -> bool {
        lock(&self.gate).unwritten < UNWRITTEN_BYTES_MAX
    }

    /// Waits while too much is unwritten. An error if nothing will be written any more.
    pub(super) fn wait_for_room(&self) -> Result<(), StoreError> {
        let mut gate = lock(&self.gate);
        loop {
            if let Standing::Failed(detail) = self.standing() {
                return Err(StoreError::Failed(detail));
            }
            if gate.closing {
                return Err(StoreError::Failed("the ledger is closed".to_owned()));
            }
            if gate.unwritten < UNWRITTEN_BYTES_MAX {
                return Ok(());
            }
            gate = self.moved.wait(gate).unwrap_or_else(PoisonError::into_inner);
        }
    }

    /// Something of this weight was entered, and is in its book already.
    pub(super) fn entered(&self, weight: usize) {
        let mut gate = lock(&self.gate);
        gate.entered += 1;
        gate.unwritten = gate.unwritten.saturating_add(weight);
        self.bell.notify_one();
    }

    /// Waits until everything entered so far is durable.
    pub(super) fn sync(&self) -> Result<(), StoreError> {
        let mut gate = lock(&self.gate);
        let (ticket, refused) = (gate.entered, gate.refused);
        if let Standing::Failed(detail) = self.standing() {
            return Err(StoreError::Failed(detail));
        }
        while gate.durable < ticket {
            match self.standing() {
                Standing::Failed(detail) => return Err(StoreError::Failed(detail)),
                Standing::Full(detail) if gate.refused > refused => return Err(StoreError::Full(detail)),
                _ if gate.halted => return Err(StoreError::Failed("the ledger is closed".to_owned())),
                _ => {}
            }
            gate.hurry = true;
            self.bell.notify_one();
            gate = self.moved.wait(gate).unwrap_or_else(PoisonError::into_inner);
        }
        Ok(())
    }

    /// The committing thread waits for something to do. `retry` is true after the disk was full.
    pub(super) fn wait_for_work(&self, retry: bool) -> Work {
        let mut gate = lock(&self.gate);
        // Counted from the first entry on: those after it must not put it off.
        let mut until: Option<Instant> = None;
        loop {
            if gate.halted {
                return Work::Halt;
            }
            if gate.closing {
                return Work::Close;
            }
            let waited = until.is_some_and(|until| Instant::now() >= until);
            let is_due = gate.hurry || waited || !retry && gate.unwritten >= GROUP_BYTES;
            let is_owed = retry || gate.entered > gate.durable;
            if is_owed && is_due {
                return Work::Commit;
            }
            if is_owed {
                let pause = if retry { FULL_FOR } else { GROUP_FOR };
                let left =
                    until.get_or_insert_with(|| Instant::now() + pause).saturating_duration_since(Instant::now());
                gate = self.bell.wait_timeout(gate, left).unwrap_or_else(PoisonError::into_inner).0;
            } else {
                gate.hurry = false;
                gate = self.bell.wait(gate).unwrap_or_else(PoisonError::into_inner);
            }
        }
    }

    /// What is entered so far: its count, and what it weighs. To be asked for before the books are emptied.
    pub(super) fn ticket(&self) -> (u64, usize) {
        let mut gate = lock(&self.gate);
        gate.hurry = false;
        (gate.entered, gate.unwritten)
    }

    /// Everything up to this ticket is durable.
    pub(super) fn durable(&self, (ticket, weight): (u64, usize)) {
        let mut gate = lock(&self.gate);
        gate.durable = gate.durable.max(ticket);
        gate.unwritten = gate.unwritten.saturating_sub(weight);
        drop(gate);
        self.moved.notify_all();
    }

    /// Tells the committing thread to end.
    pub(super) fn end(&self, work: Work) {
        let mut gate = lock(&self.gate);
        gate.closing = true;
        gate.halted |= work == Work::Halt;
        drop(gate);
        self.bell.notify_all();
        self.moved.notify_all();
    }

    /// The committing thread has ended: nobody waits for it any more.
    pub(super) fn ended(&self) {
        lock(&self.gate).halted = true;
        self.moved.notify_all();
    }

    /// The attempts of a record, oldest first.
    pub(super) fn attempts(&self, held: &Held, sequence: u64) -> Result<Vec<Attempt>, StoreError> {
        // Taken while the book is held: what leaves it is in the archive before anybody else can look.
        let (unpacked, folders) = {
            let content = lock(&held.content);
            let archive = lock(&self.archive);
            let recent = archive.recent.iter().filter(|(number, _)| *number == held.number);
            let mut unpacked: Vec<Arc<[u8]>> = recent.map(|(_, bytes)| Arc::clone(bytes)).collect();
            unpacked.extend(content.fragments.iter().map(|fragment| Arc::from(fragment.bytes.as_slice())));
            // With what counts of each now: what is counted later is among the unpacked.
            let folders = archive.folders.iter().map(|folder| (Arc::clone(folder), folder.listed().slots));
            (unpacked, folders.collect::<Vec<_>>())
        };
        let mut found = Vec::new();
        for (folder, slots) in &folders {
            folder.attempts(held.number, sequence, *slots, &mut found)?;
        }
        folders.iter().rev().skip(1).for_each(|(folder, _)| folder.rest());
        for fragment in unpacked {
            let decoded = history::attempts_in(&fragment, sequence, &mut found);
            decoded.ok_or_else(|| self.state.damaged("an attempt in memory", Fault::Meaning))?;
        }
        Ok(found)
    }
}
