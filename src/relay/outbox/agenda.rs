//! Which free records may be sent now, oldest first, and which later.

use std::collections::BTreeSet;

use super::lanes::{Held, Key, Lanes};
use super::steady::Moment;

/// Free records only: one with others ahead of it, or under way, is in none of the lists.
#[derive(Default)]
pub(super) struct Agenda {
    /// Due, to be sent with any others.
    ready: BTreeSet<Key>,
    /// Due, to be sent with the rest of their piece only.
    pieces: BTreeSet<Key>,
    /// Not yet due.
    timers: BTreeSet<(Moment, Key)>,
    era: u64,
}

impl Agenda {
    /// Recoveries seen so far.
    pub(super) fn era(&self) -> u64 {
        self.era
    }

    /// Whether its time has come.
    pub(super) fn is_due(&self, held: &Held, now: Moment) -> bool {
        held.due <= now || held.era < self.era
    }

    /// Takes a record in if it is free.
    pub(super) fn enter(&mut self, key: Key, held: &Held, now: Moment) {
        if !held.is_free() {
        } else if !self.is_due(held, now) {
            self.timers.insert((held.due, key));
        } else if held.piece == 0 {
            self.ready.insert(key);
        } else {
            self.pieces.insert(key);
        }
    }

    /// Takes a record out, before anything about it changes.
    pub(super) fn leave(&mut self, key: Key, held: &Held) {
        if held.is_free() && !self.ready.remove(&key) && !self.pieces.remove(&key) {
            self.timers.remove(&(held.due, key));
        }
    }

    /// Makes ready what has become due.
    pub(super) fn wake(&mut self, lanes: &Lanes, now: Moment) {
        while let Some(&(due, key)) = self.timers.first().filter(|(due, _)| *due <= now) {
            self.timers.remove(&(due, key));
            if let Some(held) = lanes.get(key) {
                self.enter(key, held, now);
            }
        }
    }

    /// The receiver is back: nothing that was set to wait until now waits any more.
    pub(super) fn recover(&mut self, lanes: &Lanes, now: Moment) {
        self.era += 1;
        for (_, key) in std::mem::take(&mut self.timers) {
            if let Some(held) = lanes.get(key) {
                self.enter(key, held, now);
            }
        }
    }

    /// The oldest that may be sent now.
    pub(super) fn oldest(&self) -> Option<Key> {
        [self.ready.first(), self.pieces.first()].into_iter().flatten().min().copied()
    }

    /// The oldest that may be sent now with any others.
    pub(super) fn oldest_ready(&self) -> Option<Key> {
        self.ready.first().copied()
    }

    /// The newest that may be sent now with any others.
    pub(super) fn newest_ready(&self) -> Option<Key> {
        self.ready.last().copied()
    }

    /// Whether it may be sent now with the rest of its piece.
    pub(super) fn has_piece(&self, key: Key) -> bool {
        self.pieces.contains(&key)
    }

    #[cfg(test)]
    pub(super) fn is_empty(&self) -> bool {
        self.ready() == 0 && self.timers.is_empty()
    }

    /// How many may be sent now.
    pub(super) fn ready(&self) -> usize {
        self.ready.len() + self.pieces.len()
    }

    /// The one that becomes due next, and when.
    pub(super) fn next(&self) -> Option<(Moment, Key)> {
        self.timers.first().copied()
    }
}
