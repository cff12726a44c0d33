//! What became visible lately, written once for all who follow the live feed.
//!
//! One task reads new records from the views while anybody follows; readers take from the ring at their own pace. So a
//! slow reader costs nothing but its place, and a hundred readers cost the views as much as one.

use std::collections::VecDeque;
use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use tokio::sync::watch;

use super::{Site, reads, stream};
use crate::journal::Sequence;
use crate::query::QueryError;
use crate::query::feed;
use crate::query::item::Item;
use crate::views::Views;

/// Items kept, and their bytes.
const ITEMS_MAX: usize = 4_096;
const BYTES_MAX: usize = 16 << 20;
/// Records read in one go.
const RECORDS_AT_ONCE: u64 = 500;
/// Longest wait for something new before looking whether anybody still follows.
const PAUSE: Duration = Duration::from_secs(1);

/// One item as all readers get it, and what their filters ask about.
#[derive(Debug)]
pub(super) struct Shown {
    /// Its record.
    pub(super) sequence: Sequence,
    /// What it is, as the feed lists it.
    pub(super) item: Item,
    /// The same as one event of the stream.
    pub(super) text: Bytes,
}

/// What there is from a place on.
#[derive(Debug)]
pub(super) enum Taken {
    /// The ring begins later; this is the next record that it wants.
    Behind(Sequence),
    /// These items, and where to go on.
    Items(Vec<Arc<Shown>>, Sequence),
}

#[derive(Debug)]
struct Ring {
    items: VecDeque<Arc<Shown>>,
    bytes: usize,
    /// Everything from here on is in the ring.
    from: Sequence,
    next: Sequence,
    followers: usize,
    is_filled: bool,
}

impl Ring {
    const fn new(next: Sequence, followers: usize, is_filled: bool) -> Self {
        Self { items: VecDeque::new(), bytes: 0, from: next, next, followers, is_filled }
    }
}

/// The ring and who follows it.
#[derive(Debug)]
pub(super) struct Hub {
    ring: Mutex<Ring>,
    moved: watch::Sender<u64>,
}

/// Somebody who follows, until dropped.
pub(super) struct Follower {
    site: Arc<Site>,
    /// Changes when there is something new.
    pub(super) moved: watch::Receiver<u64>,
}

impl Drop for Follower {
    fn drop(&mut self) {
        self.site.hub.ring().followers -= 1;
    }
}

impl Default for Hub {
    fn default() -> Self {
        Self { ring: Mutex::new(Ring::new(Sequence::FIRST, 0, false)), moved: watch::Sender::new(0) }
    }
}

impl Hub {
    fn ring(&self) -> MutexGuard<'_, Ring> {
        self.ring.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Begins to follow. The first reader starts the task that fills the ring.
    pub(super) fn follow(site: &Arc<Site>) -> Follower {
        let hub = &site.hub;
        let mut ring = hub.ring();
        ring.followers += 1;
        if !ring.is_filled {
            let next = site.views.through();
            *ring = Ring::new(next, ring.followers, true);
            actix_web::rt::spawn(fill(Arc::clone(site)));
        }
        Follower { site: Arc::clone(site), moved: hub.moved.subscribe() }
    }

    /// What became visible from `next` on, at most so many items.
    pub(super) fn take(&self, next: Sequence, items_max: usize) -> Taken {
        let ring = self.ring();
        if next < ring.from {
            return Taken::Behind(ring.next);
        }
        let start = ring.items.partition_point(|one| one.sequence < next);
        let items: Vec<_> = ring.items.iter().skip(start).take(items_max).cloned().collect();
        let next = match items.last() {
            Some(last) if items.len() == items_max => last.sequence.plus(1),
            _ => ring.next.max(next),
        };
        Taken::Items(items, next)
    }

    fn add(&self, new: Vec<Shown>, next: Sequence) {
        let mut ring = self.ring();
        for one in new {
            ring.bytes += one.text.len();
            ring.items.push_back(Arc::new(one));
        }
        ring.next = next;
        while ring.items.len() > ITEMS_MAX || ring.bytes > BYTES_MAX {
            let Some(oldest) = ring.items.pop_front() else { break };
            ring.bytes -= oldest.text.len();
            ring.from = oldest.sequence.plus(1);
        }
        drop(ring);
        self.moved.send_replace(next.get());
    }

    /// Forgets what it holds: somebody in it is to be erased. Who follows goes on with what comes.
    pub(super) fn forget(&self) {
        let mut ring = self.ring();
        ring.items.clear();
        (ring.bytes, ring.from) = (0, ring.next);
    }

    /// Where the ring goes on; none when nobody follows any more, and then it is no longer filled.
    fn wanted(&self, stopping: bool) -> Option<Sequence> {
        let mut ring = self.ring();
        if ring.followers > 0 && !stopping {
            return Some(ring.next);
        }
        *ring = Ring::new(Sequence::FIRST, ring.followers, false);
        None
    }
}

/// Fills the ring until nobody follows.
async fn fill(site: Arc<Site>) {
    while let Some(next) = site.hub.wanted(site.stopping.load(Ordering::Relaxed)) {
        if !site.views.wait(next, PAUSE).await {
            continue;
        }
        match reads::ask(&site, move |views| read(views, next)).await {
            Ok((items, next)) => site.hub.add(items, next),
            Err(problem) => {
                tracing::warn!(%problem, "the live feed cannot read the views; it tries again");
                tokio::time::sleep(PAUSE).await;
            }
        }
    }
}

/// The items of the next records, and where to go on.
///
/// # Errors
/// When the views cannot be read.
pub(super) fn read(views: &Views, next: Sequence) -> Result<(Vec<Shown>, Sequence), QueryError> {
    views.read(|snapshot| {
        let end = snapshot.through().get().min(next.get() + RECORDS_AT_ONCE);
        let sequences: Vec<Sequence> = (next.get()..end).map(Sequence::new).collect();
        let items = feed::items(snapshot, &sequences)?;
        Ok((items.into_iter().map(shown).collect(), Sequence::new(end.max(next.get()))))
    })
}

fn shown(item: Item) -> Shown {
    let sequence = Sequence::new(item.sequence);
    let data = serde_json::to_vec(&item).expect("these shapes always become JSON");
    // Free JSON is text as it was sent, line breaks between its members included.
    let text = stream::framed(&sequence.get().to_string(), &data);
    Shown { sequence, item, text: Bytes::from(text) }
}
