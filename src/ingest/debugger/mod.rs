//! The debugger: the calls of the last minutes, taken and refused, for somebody who watches.
//!
//! While nobody watches nothing is kept: the way of a call costs one relaxed load. Who looks switches it on for
//! `LEASE_MS`; then each request takes a lock twice, copies what its lane may keep, and counts the rest. Bounded in
//! calls, bytes of each, and calls a second; write keys are masked before anything is kept.

mod glance;
mod lanes;
mod look;
mod notes;
#[cfg(test)]
mod tests;

use std::collections::VecDeque;
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::watch;

pub(super) use glance::short;
pub use glance::{Filter, Glance, Kept, Verdict};
use lanes::{Lanes, Share};
pub(super) use look::of_message;
pub(super) use notes::Notes;

use super::rejections::Rejection;
use crate::call::time::Time;
use crate::ingest::receipt::Status;

/// Calls that are kept.
const CALLS_MAX: usize = 200;
/// For how long calls are kept after somebody looked, in milliseconds.
const LEASE_MS: i64 = 10 * 60 * 1_000;
/// Nobody looks.
const OFF: i64 = i64::MIN;

/// The calls that are kept, and who is told of new ones.
#[derive(Debug)]
pub struct Debugger {
    /// Until when calls are kept, in milliseconds since 1970.
    until: AtomicI64,
    ring: Mutex<Ring>,
    moved: watch::Sender<u64>,
}

#[derive(Debug)]
struct Ring {
    calls: VecDeque<Arc<Kept>>,
    /// The number of the first call of this run, and of the next one.
    first: u64,
    next: u64,
    lanes: Lanes,
}

/// How far a reader got. Nothing else is kept for it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Place {
    /// The number of the next call.
    pub next: u64,
    /// Calls that fit its filter and that it was given, or told as skipped, or that came before it.
    pub told: u64,
}

/// What there is for a reader.
#[derive(Debug, Default)]
pub struct Page {
    /// Calls that fit, each with the place after it.
    pub calls: Vec<(Arc<Kept>, Place)>,
    /// Calls that fit and are not to be had, once the reader has all others.
    pub skipped: u64,
    /// Whether there is more right now.
    pub more: bool,
}

impl Debugger {
    /// Numbers begin at the time of the start, so that they rise over restarts: fewer calls are kept than milliseconds pass.
    pub fn new(now: Time) -> Self {
        let first = u64::try_from(now.as_millis()).unwrap_or(0).max(1);
        let ring = Ring { calls: VecDeque::new(), first, next: first, lanes: Lanes::new(now) };
        Self { until: AtomicI64::new(OFF), ring: Mutex::new(ring), moved: watch::Sender::new(first) }
    }

    fn ring(&self) -> MutexGuard<'_, Ring> {
        self.ring.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether calls are kept now. All that a call costs while nobody watches.
    pub fn is_watched(&self, now: Time) -> bool {
        let until = self.until.load(Ordering::Relaxed);
        if until == OFF {
            return false;
        }
        if now.as_millis() <= until {
            return true;
        }
        let switched = self.until.compare_exchange(until, OFF, Ordering::Relaxed, Ordering::Relaxed);
        if switched.is_ok() {
            self.ring().calls = VecDeque::new();
        }
        false
    }

    /// Somebody looks: calls are kept from now on. The first look begins with what was refused lately, oldest first,
    /// because that is remembered anyway.
    pub fn look(&self, now: Time, refused: impl FnOnce(usize) -> Vec<Arc<Rejection>>) {
        let until = self.until.swap(now.as_millis().saturating_add(LEASE_MS), Ordering::Relaxed);
        if until == OFF || until < now.as_millis() {
            let refused = refused(CALLS_MAX / 4);
            let mut ring = self.ring();
            ring.calls = VecDeque::new();
            for one in refused.iter().rev().map(|one| remembered(one)) {
                ring.lanes.count(one.source.as_ref(), Share::Whole, 1, 0, now);
                ring.push(one);
            }
        }
    }

    /// Keeps a request of which nothing was taken, if somebody watches and there is room.
    pub fn refused(&self, source: Option<Arc<str>>, at: Time, kind: &'static str, look: impl FnOnce(Glance) -> Glance) {
        if self.is_watched(at) {
            let mut notes = Notes::new(self, source, at);
            notes.add_whole(kind, look);
            notes.keep();
        }
    }

    /// For what becomes of the calls of one request of this source, if somebody watches.
    pub(super) fn notes(&self, source: &Arc<str>, at: Time) -> Notes<'_> {
        Notes::new(self, Some(Arc::clone(source)), at)
    }

    /// Forgets all calls: somebody in them is to be erased. Readers are told that they missed some.
    pub fn forget(&self) {
        self.ring().calls = VecDeque::new();
    }

    /// Changes whenever there is more.
    pub fn follow(&self) -> watch::Receiver<u64> {
        self.moved.subscribe()
    }

    /// Where a reader begins: where it was, if that is of this run, else with all that is kept.
    pub fn place(&self, filter: &Filter, last: Option<Place>) -> Place {
        let ring = self.ring();
        if let Some(last) = last.filter(|last| last.next >= ring.first && last.next <= ring.next) {
            return Place { told: last.told.min(ring.lanes.seen(filter)), ..last };
        }
        let kept = ring.fitting(filter, ring.first).count() as u64;
        Place { next: ring.first, told: ring.lanes.seen(filter).saturating_sub(kept) }
    }

    /// What there is from this place on, at most so many calls; moves the place behind them.
    pub fn take(&self, filter: &Filter, place: &mut Place, calls_max: usize) -> Page {
        let ring = self.ring();
        let mut page = Page::default();
        for one in ring.fitting(filter, place.next) {
            if page.calls.len() == calls_max {
                page.more = true;
                return page;
            }
            *place = Place { next: one.number + 1, told: place.told + 1 };
            page.calls.push((Arc::clone(one), *place));
        }
        place.next = ring.next;
        page.skipped = ring.lanes.seen(filter).saturating_sub(place.told);
        page
    }
}

impl Ring {
    fn push(&mut self, glance: Glance) {
        self.calls.push_back(Arc::new(Kept::new(self.next, glance)));
        self.next += 1;
        while self.calls.len() > CALLS_MAX {
            self.calls.pop_front();
        }
    }

    fn fitting<'a>(&'a self, filter: &'a Filter, from: u64) -> impl Iterator<Item = &'a Arc<Kept>> {
        let start = self.calls.partition_point(|one| one.number < from);
        self.calls
            .iter()
            .skip(start)
            .filter(|one| filter.takes(one.glance.source.as_deref(), Verdict::of(one.glance.status)))
    }
}

/// What the list of rejections knows of a call.
fn remembered(one: &Rejection) -> Glance {
    let glance = Glance::new(one.at, one.source.clone(), one.kind, Status::Rejected);
    let mut glance = glance.because(one.code, Some(one.message.clone())).with_body(one.body.as_bytes());
    glance.message_id = one.message_id.clone().map(short);
    glance
}
