//! Making the views anew beside those that are asked meanwhile, then replacing them: for a journal that holds less than
//! it did.
//!
//! The new ones are folded from the journal into a folder of their own. When they know as much as the old ones, the file
//! that says which folder counts is replaced, then whoever asks gets the new ones, and the old folder is removed when the
//! last question of it is answered. A crash leaves one of the two, whole; the next start removes the other.

use std::sync::atomic::Ordering;
use std::sync::{Arc, PoisonError};
use std::time::{Duration, Instant};

use super::handle::{REPLACED, Views, ViewsError};
use super::opening::{Running, wipe};
use super::shared::Shared;
use crate::journal::{Sequence, files};

/// How often it looks how far the new ones are.
const LOOK: Duration = Duration::from_millis(20);
/// How long search may stand still.
const SEARCH_PART: Duration = Duration::from_millis(500);
const SEARCH_LIMIT: Duration = Duration::from_secs(600);
/// Room that has to be left on the disk beside both, in bytes: ingest goes first.
const ROOM_BYTES: u64 = 192 << 20;
/// Questions have a few seconds; one of the whole views, such as a digest, takes longer.
const READERS_LIMIT: Duration = Duration::from_secs(60);

/// Why the views were not made anew. Those that are there stay, and it can be tried again.
#[derive(Debug, thiserror::Error)]
pub enum RenewError {
    /// They could not be opened.
    #[error(transparent)]
    Views(#[from] ViewsError),
    /// They stand still.
    #[error("the views could not be made anew: {0}")]
    Stopped(String),
    /// A file could not be written or removed.
    #[error("the views could not be replaced: {0}")]
    Io(#[from] std::io::Error),
    /// There is not enough room for both.
    #[error("there is no room to make the views anew: {0} bytes have to be free")]
    NoRoom(u64),
    /// The old ones are being read for too long.
    #[error("the former views are still being read")]
    InUse,
    /// It is to end.
    #[error("the server is stopping")]
    Closing,
}

impl Views {
    /// Makes the views anew from the journal and replaces these by them. When it returns `Ok`, nothing is left of what the
    /// journal does not say. Blocks for as long as a rebuild takes; one thread at a time. `goes_on` is asked now and then.
    ///
    /// # Errors
    /// See [`RenewError`].
    pub fn renew(&self, goes_on: &dyn Fn() -> bool) -> Result<(), RenewError> {
        let (slot, number) = (&self.slot, self.slot.origin.generation());
        // What an earlier try has left.
        slot.origin.remove_others(number)?;
        let needed = files::disk_bytes(&slot.origin.dir) + ROOM_BYTES;
        if files::disk_free(&slot.origin.dir)? < needed {
            return Err(RenewError::NoRoom(needed));
        }
        let fresh = slot.origin.start(number + 1, &slot.hidden)?;
        if let Err(error) = self.replace(&fresh.shared, number + 1, goes_on) {
            fresh.shared.crashed.store(true, Ordering::Release);
            fresh.close();
            wipe(&slot.origin.place(number + 1))?;
            return Err(error);
        }
        let threads =
            std::mem::replace(&mut *slot.threads.lock().unwrap_or_else(PoisonError::into_inner), fresh.threads);
        let old = slot.current.swap(fresh.shared);
        old.crashed.store(true, Ordering::Release);
        old.holds.fetch_sub(1, Ordering::AcqRel);
        old.reached(Sequence::new(REPLACED));
        Running { shared: Arc::clone(&old), threads }.close();
        // The projector may have said once more how far it was.
        old.reached(Sequence::new(REPLACED));
        let until = Instant::now() + READERS_LIMIT;
        while Arc::strong_count(&old) > 1 {
            if Instant::now() > until {
                return Err(RenewError::InUse);
            }
            std::thread::sleep(LOOK);
        }
        drop(old);
        Ok(slot.origin.remove_others(number + 1)?)
    }

    /// Waits until the new ones know what the old ones know, and lets them count on the disk. The old ones stand still when
    /// it returns `Ok`.
    fn replace(&self, fresh: &Shared, number: u64, goes_on: &dyn Fn() -> bool) -> Result<(), RenewError> {
        let old = self.shared();
        if fresh.settings.enabled {
            let tail = fresh.reader.tail().next();
            follow(fresh, tail, goes_on)?;
            search(fresh, tail, goes_on)?;
        }
        old.holds.fetch_add(1, Ordering::AcqRel);
        old.woken.notify_one();
        let ended = catch_up(&old, fresh, goes_on).and_then(|()| Ok(self.slot.origin.set_generation(number)?));
        if ended.is_err() {
            old.holds.fetch_sub(1, Ordering::AcqRel);
        }
        ended
    }
}

/// Waits until the new ones know what the old ones know, which stand still or will in a moment.
fn catch_up(old: &Shared, fresh: &Shared, goes_on: &dyn Fn() -> bool) -> Result<(), RenewError> {
    if !fresh.settings.enabled {
        return Ok(());
    }
    // A slice that is being folded is folded to its end.
    loop {
        let known = old.world().next;
        follow(fresh, known, goes_on)?;
        search(fresh, known, goes_on)?;
        if old.world().next == known {
            return Ok(());
        }
    }
}

/// Waits until everything below `next` is folded.
fn follow(fresh: &Shared, next: Sequence, goes_on: &dyn Fn() -> bool) -> Result<(), RenewError> {
    while fresh.world().next < next {
        check(fresh, goes_on)?;
        std::thread::sleep(LOOK);
    }
    Ok(())
}

/// Waits until search knows everything below `next`, as long as it gets on.
fn search(fresh: &Shared, next: Sequence, goes_on: &dyn Fn() -> bool) -> Result<(), RenewError> {
    let Some(last) = next.get().checked_sub(1).filter(|last| *last > 0).map(Sequence::new) else { return Ok(()) };
    let (mut fed, mut until) = (fresh.feeder.fed(), Instant::now() + SEARCH_LIMIT);
    while !fresh.feeder.wait(last, SEARCH_PART) {
        check(fresh, goes_on)?;
        if fresh.feeder.fed() != fed {
            (fed, until) = (fresh.feeder.fed(), Instant::now() + SEARCH_LIMIT);
        }
        if Instant::now() > until {
            return Err(RenewError::Stopped("the search index was not finished in time".to_owned()));
        }
    }
    Ok(())
}

fn check(fresh: &Shared, goes_on: &dyn Fn() -> bool) -> Result<(), RenewError> {
    if !goes_on() {
        return Err(RenewError::Closing);
    }
    fresh.stopped().map_or(Ok(()), |reason| Err(RenewError::Stopped(reason)))
}
