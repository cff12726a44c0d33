//! Feeds the search index with people who changed: whole documents, at its own pace, never on the way of a call.
//!
//! People whose document is not committed yet are part of every checkpoint, so a crash forgets none.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::time::{Duration, Instant};

use roaring::RoaringBitmap;

use super::fold_parts::Contact;
use super::identity::NodeNo;
use super::search::{Computed, Doc, SearchError};
use super::shared::Shared;
use super::snapshot::{Snapshot, ViewError};
use super::state::{Class, Trait, Traits, join_traits};
use crate::journal::{Sequence, lower_priority};

/// People read while the projector waits.
const PEOPLE_AT_ONCE: usize = 32;
/// Ids of one person that are searched.
const IDS_MAX: usize = 1_000;
/// While the views are behind by more than this many records, or have just been, the index gets one part of the time in
/// [`BUSY_SHARE`]: people who change again meanwhile are then written once.
const BUSY_RECORDS: u64 = 2_000;
const BUSY_SHARE: u32 = 5;
/// The longest such rest.
const REST_MAX: Duration = Duration::from_secs(30);
/// While the views are behind by more than this many records (a bulk import, a rebuild), the index rests until they are
/// not, so that nearly everybody is written once instead of once in every round.
const FAR_RECORDS: u64 = 100_000;
/// The longest such rest.
const FAR_MAX: Duration = Duration::from_secs(300);
/// How often it looks whether that is over.
const FAR_LOOK: Duration = Duration::from_secs(1);
/// How far search stands back, as a nice value.
const PRIORITY: i32 = 10;
/// How long it rests after the index failed.
const RETRY: Duration = Duration::from_secs(10);

/// What the feeding thread and those who wait for it share.
#[derive(Debug)]
pub(super) struct Feeder {
    state: Mutex<State>,
    changed: Condvar,
    closing: AtomicBool,
    /// People read for the index since the start.
    fed: AtomicU64,
}

#[derive(Debug)]
struct State {
    /// Search knows everything below.
    through: Sequence,
    /// Somebody waits for this record.
    wanted: Option<Sequence>,
}

impl State {
    fn is_wanted(&self) -> bool {
        self.wanted.is_some_and(|wanted| wanted >= self.through)
    }
}

/// Why people could not be fed.
#[derive(Debug, thiserror::Error)]
enum FeedError {
    #[error(transparent)]
    View(#[from] ViewError),
    #[error(transparent)]
    Search(#[from] SearchError),
}

impl Feeder {
    pub(super) fn new(through: Sequence) -> Self {
        Self {
            state: Mutex::new(State { through, wanted: None }),
            changed: Condvar::new(),
            closing: AtomicBool::new(false),
            fed: AtomicU64::new(0),
        }
    }

    /// How many people were read for the index since the start: while it grows, the index gets on.
    pub(super) fn fed(&self) -> u64 {
        self.fed.load(Ordering::Relaxed)
    }

    pub(super) fn close(&self) {
        // Under the lock: who has looked and does not wait yet would miss it.
        let _state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        self.closing.store(true, Ordering::Release);
        self.changed.notify_all();
    }

    /// Waits until search knows the record at `sequence`.
    pub(super) fn wait(&self, sequence: Sequence, limit: Duration) -> bool {
        let end = Instant::now() + limit;
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        while state.through <= sequence && !self.closing.load(Ordering::Acquire) {
            // Only news are told: two who wait would wake each other for ever.
            if state.wanted < Some(sequence) {
                state.wanted = Some(sequence);
                self.changed.notify_all();
            }
            let left = end.saturating_duration_since(Instant::now());
            if left.is_zero() {
                state.wanted = None; // who waits still says so again
                self.changed.notify_all();
                break;
            }
            state = self.changed.wait_timeout(state, left).unwrap_or_else(PoisonError::into_inner).0;
        }
        state.through > sequence
    }

    /// Waits while the views are far behind, unless somebody wants more.
    fn rest_while_far(&self, mut behind: impl FnMut() -> u64) {
        let began = Instant::now();
        let is_wanted = || self.state.lock().unwrap_or_else(PoisonError::into_inner).is_wanted();
        while behind() > FAR_RECORDS
            && began.elapsed() < FAR_MAX
            && !is_wanted()
            && !self.closing.load(Ordering::Acquire)
        {
            self.rest(FAR_LOOK);
        }
    }

    /// Waits until it is time for the next round.
    fn rest(&self, delay: Duration) {
        let end = Instant::now() + delay;
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        while !state.is_wanted() && !self.closing.load(Ordering::Acquire) {
            let left = end.saturating_duration_since(Instant::now());
            if left.is_zero() {
                break;
            }
            state = self.changed.wait_timeout(state, left).unwrap_or_else(PoisonError::into_inner).0;
        }
    }

    /// Waits whoever wants what, but not once it is closed.
    fn pause(&self, delay: Duration) {
        let state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let is_open = |_: &mut State| !self.closing.load(Ordering::Acquire);
        let _waited = self.changed.wait_timeout_while(state, delay, is_open).unwrap_or_else(PoisonError::into_inner);
    }

    fn reached(&self, through: Sequence) {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        state.through = through;
        if state.wanted.is_some_and(|wanted| wanted < through) {
            state.wanted = None;
        }
        self.changed.notify_all();
    }
}

/// The thread.
pub(super) fn run(shared: &Arc<Shared>) {
    lower_priority(PRIORITY);
    let delay = Duration::from_millis(shared.settings.search_delay_ms);
    while !shared.feeder.closing.load(Ordering::Acquire) {
        shared.feeder.rest_while_far(|| shared.behind());
        let (began, behind) = (Instant::now(), shared.behind());
        match round(shared) {
            Ok(()) if behind.max(shared.behind()) > BUSY_RECORDS => {
                shared.feeder.rest(delay.max((began.elapsed() * (BUSY_SHARE - 1)).min(REST_MAX)));
            }
            Ok(()) => shared.feeder.rest(delay),
            Err(error) => {
                tracing::error!(%error, "people cannot be put into the search index; trying again");
                shared.give_back_searching();
                shared.feeder.pause(RETRY.min(delay * 10));
            }
        }
    }
}

/// Brings the index up to what the views know now.
fn round(shared: &Shared) -> Result<(), FeedError> {
    let (people, next) = shared.take_stale();
    if people.is_empty() && next == shared.search.through() {
        shared.feeder.reached(next);
        return Ok(());
    }
    let nodes: Vec<_> = people.iter().map(NodeNo).collect();
    let mut done = RoaringBitmap::new();
    for some in nodes.chunks(PEOPLE_AT_ONCE) {
        let docs = shared.ask(|snapshot| docs(snapshot, some, &mut done))?;
        shared.feeder.fed.fetch_add(some.len() as u64, Ordering::Relaxed);
        for doc in docs {
            match doc {
                Ok(doc) => shared.search.put(doc),
                Err(gone) => shared.search.remove(gone),
            }
        }
        if shared.closing.load(Ordering::Acquire) {
            // What was put is put again after the next start.
            return Ok(());
        }
    }
    shared.search.commit(next)?;
    shared.searched();
    shared.feeder.reached(next);
    Ok(())
}

/// The documents of the people that these nodes belong to; a node that is no root any more loses its own.
fn docs(
    snapshot: &dyn Snapshot,
    nodes: &[NodeNo],
    done: &mut RoaringBitmap,
) -> Result<Vec<Result<Doc, NodeNo>>, ViewError> {
    let mut docs = Vec::with_capacity(nodes.len());
    for node in nodes {
        let root = snapshot.graph().root(*node);
        if root != *node {
            docs.push(Err(*node));
        }
        if done.insert(root.0) {
            docs.push(Ok(doc(snapshot, root)?));
        }
    }
    Ok(docs)
}

fn doc(snapshot: &dyn Snapshot, root: NodeNo) -> Result<Doc, ViewError> {
    let graph = snapshot.graph();
    let (mut traits, mut ids) = (Traits::new(), Vec::new());
    for node in graph.ids(root) {
        let state = snapshot.node(node)?;
        join_traits(&mut traits, state.traits);
        if ids.len() < IDS_MAX {
            ids.push(state.id);
        }
    }
    let contact = Contact::of(&traits);
    let known = graph.has_user(root);
    let is_member = |one: &Trait| match one.class {
        Class::Plain => false,
        Class::Audience | Class::JourneyStep => matches!(one.value.as_deref(), Some("true" | "\"true\"")),
        Class::Computed => one.value.is_some(),
    };
    let computed = traits.iter().filter(|(_, one)| one.class != Class::Plain);
    let computed =
        computed.map(|(key, one)| Computed { key: key.clone(), class: one.class, is_member: is_member(one) }).collect();
    Ok(Doc {
        root,
        complete: known && contact.email.is_some(),
        name: contact.name,
        email: contact.email,
        phone: contact.phone,
        ids,
        computed,
        traits: traits.into_iter().filter_map(|(key, one)| Some((key, one.value?))).collect(),
        known,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// How often it was asked how far the views are behind. Each answer but the last one here would take a rest.
    fn looks(feeder: &Feeder, behind: u64) -> u32 {
        let mut looks = 0;
        feeder.rest_while_far(|| {
            looks += 1;
            behind
        });
        looks
    }

    #[test]
    fn far_behind_it_rests_unless_somebody_waits() {
        let feeder = Feeder::new(Sequence::new(10));
        assert_eq!(looks(&feeder, FAR_RECORDS), 1);
        let mut behind = [FAR_RECORDS, FAR_RECORDS + 1].into_iter();
        feeder.rest_while_far(|| behind.next_back().unwrap_or_default());
        assert_eq!(behind.len(), 0, "one rest, then it is near");

        std::thread::scope(|scope| {
            let waits = scope.spawn(|| feeder.wait(Sequence::new(10), Duration::from_secs(3_600)));
            while !feeder.state.lock().unwrap().is_wanted() {
                std::thread::yield_now();
            }
            assert_eq!(looks(&feeder, u64::MAX), 1, "wanted");
            // Who gives up does not take it from those who still wait.
            assert!(!feeder.wait(Sequence::new(10), Duration::ZERO));
            while !feeder.state.lock().unwrap().is_wanted() {
                std::thread::yield_now();
            }
            feeder.reached(Sequence::new(11));
            assert!(waits.join().unwrap());
        });
        assert!(!feeder.wait(Sequence::new(11), Duration::ZERO));
        assert!(!feeder.state.lock().unwrap().is_wanted(), "nobody waits any more");
        feeder.close();
        assert_eq!(looks(&feeder, u64::MAX), 1, "closed");
    }
}
