//! Erasing people: everywhere, for good, and so that it can be shown.
//!
//! Promise: when an erasure is done, nothing of the person is in any file of the data folder: no id, trait, property or
//! body, whatever it was compressed into. Everybody else is as before. An order that was answered is carried out, whatever
//! happens meanwhile: a kill, a full disk, a restart.
//!
//! Life of an order ([`Eraser::order`]): it is written into `erase.json` with the digests of the person's ids, hidden from
//! everybody who asks, and entered into the journal as a record of the operator's, which says nothing but that somebody was
//! erased. Its sequence divides time: calls before it are erased, later ones are of a new person (or are dropped, if the
//! order says so). The answer is given then. One thread does the rest (`work`) for all open orders together, and does it
//! again from the beginning when it was cut: which ids the person had at that sequence, the journal, the relay's ledger, the
//! views. At last the digests are removed from the file, which keeps when it was and how many calls there were.
//!
//! Whose a call is follows from its own ids, as the rules of identity say (R1): that of its userId, else that of its
//! anonymousId. A call of somebody else's that names one of the erased anonymousIds stays without it. An alias that names one
//! of the ids, and a merge by an operator, is erased.

mod book;
mod error;
mod fates;
mod order;
mod target;
#[cfg(test)]
mod tests;
mod work;

use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

use book::{Book, Running};
pub use book::{Erasure, State};
pub use error::EraseError;
pub use target::Target;

use crate::clock::Clock;
use crate::ingest::rejections::Rejections;
use crate::ingest::suppress::Suppressed;
use crate::journal::embedded::Journal;
use crate::journal::lower_priority;
use crate::relay::Relay;
use crate::views::Views;

/// The name of the file in the data folder.
pub const FILE_NAME: &str = "erase.json";
/// An erasure that could not go on is tried again after this long.
const RETRY: Duration = Duration::from_secs(10);
/// How far it stands back behind ingest, as a nice value.
const PRIORITY: i32 = 10;

/// What people are erased from.
#[derive(Clone)]
pub struct Parts {
    /// The truth.
    pub journal: Journal,
    /// What is computed from it.
    pub views: Views,
    /// What receivers answered.
    pub relay: Relay,
    /// What was refused.
    pub rejections: Arc<Rejections>,
    /// The time.
    pub clock: Clock,
}

impl Parts {
    /// Of one data folder.
    pub fn new(journal: &Journal, views: &Views, relay: &Relay, rejections: &Arc<Rejections>, clock: &Clock) -> Self {
        let (journal, views, relay) = (journal.clone(), views.clone(), relay.clone());
        Self { journal, views, relay, rejections: Arc::clone(rejections), clock: clock.clone() }
    }
}

/// Erases people. Cheap to clone; one per data folder and process.
#[derive(Clone)]
pub struct Eraser {
    inner: Arc<Inner>,
}

struct Inner {
    parts: Parts,
    suppressed: Arc<Suppressed>,
    book: Mutex<Book>,
    /// There is something to do.
    bell: (Mutex<bool>, Condvar),
    closing: AtomicBool,
    thread: Mutex<Option<JoinHandle<()>>>,
}

impl std::fmt::Debug for Eraser {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.debug_struct("Eraser").finish_non_exhaustive()
    }
}

/// Whose calls are dropped, as the file in `folder` says.
///
/// # Errors
/// When the file cannot be read.
pub fn suppressed(folder: &Path) -> Result<Arc<Suppressed>, EraseError> {
    let suppressed = Arc::default();
    Book::open(&folder.join(FILE_NAME))?.publish(&suppressed);
    Ok(suppressed)
}

impl Eraser {
    /// Reads the file in `folder` and hides who is being erased. Nothing is erased before [`Eraser::start`].
    ///
    /// # Errors
    /// When the file cannot be read.
    pub fn open(folder: &Path, parts: Parts) -> Result<Self, EraseError> {
        let book = Book::open(&folder.join(FILE_NAME))?;
        let suppressed = Arc::default();
        book.publish(&suppressed);
        let inner = Inner {
            parts,
            suppressed,
            book: Mutex::new(book),
            bell: (Mutex::new(true), Condvar::new()),
            closing: AtomicBool::new(false),
            thread: Mutex::default(),
        };
        inner.hide();
        Ok(Self { inner: Arc::new(inner) })
    }

    /// Whose calls are dropped; follows every order.
    pub fn suppressed(&self) -> Arc<Suppressed> {
        Arc::clone(&self.inner.suppressed)
    }

    /// Starts the thread that carries out what was ordered, also before a restart.
    ///
    /// # Errors
    /// When there is no thread to be had.
    pub fn start(&self) -> Result<(), EraseError> {
        let inner = Arc::clone(&self.inner);
        let thread = std::thread::Builder::new().name("erase".to_owned()).spawn(move || inner.run());
        let thread = thread.map_err(|error| EraseError::Failed(format!("cannot start a thread: {error}")))?;
        *self.inner.thread.lock().unwrap_or_else(PoisonError::into_inner) = Some(thread);
        Ok(())
    }

    /// All erasures, the newest first; nothing in them says whose.
    pub fn list(&self) -> Vec<Erasure> {
        self.inner.book().erasures().rev().cloned().collect()
    }

    /// Carries out here and now what was ordered, instead of a thread. Blocks.
    ///
    /// # Errors
    /// When something has to happen first; it can be called again.
    pub fn finish(&self) -> Result<(), EraseError> {
        while self.inner.work()? {}
        Ok(())
    }

    /// Ends the thread; what is not done is done after the next start. Blocks for a moment.
    pub fn close(&self) {
        self.inner.closing.store(true, Ordering::Release);
        self.inner.ring();
        let thread = self.inner.thread.lock().unwrap_or_else(PoisonError::into_inner).take();
        if thread.is_some_and(|thread| thread.join().is_err()) {
            tracing::error!("the thread that erases people ended by a bug; it goes on after the next start");
        }
    }
}

impl Inner {
    fn book(&self) -> MutexGuard<'_, Book> {
        self.book.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn goes_on(&self) -> bool {
        !self.closing.load(Ordering::Acquire)
    }

    fn ring(&self) {
        *self.bell.0.lock().unwrap_or_else(PoisonError::into_inner) = true;
        self.bell.1.notify_all();
    }

    /// Nobody is shown who is being erased.
    fn hide(&self) {
        let keys: Vec<_> = self.book().running().iter().flat_map(Running::keys).collect();
        self.parts.views.hide(keys);
    }

    fn run(&self) {
        lower_priority(PRIORITY);
        while self.goes_on() {
            let worked = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| self.work()));
            match worked.unwrap_or_else(|_| Err(EraseError::Failed("a bug ended it; see the log".to_owned()))) {
                Ok(true) => continue,
                Ok(false) => {}
                Err(EraseError::Closing) => break,
                Err(error) => {
                    tracing::warn!(%error, "an erasure cannot go on; it is tried again");
                    self.book().note(&error.to_string());
                }
            }
            let is_open = !self.book().running().is_empty();
            let rung = self.bell.0.lock().unwrap_or_else(PoisonError::into_inner);
            let pause = if is_open { RETRY } else { Duration::from_secs(3_600) };
            let waits = |rung: &mut bool| !std::mem::take(rung);
            let _rung = self.bell.1.wait_timeout_while(rung, pause, waits).unwrap_or_else(PoisonError::into_inner);
        }
    }
}
