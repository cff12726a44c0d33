//! What an answer means for the calls of its request, and for all others.

use std::time::Duration;

use super::lanes::Key;
use super::retry::{pause_after, spread};
use super::steady::Moment;
use super::{Change, Flight, Outbox, Pause, Tried};
use crate::journal::Sequence;
use crate::relay::policy::Verdict;

/// A request that came back.
pub(super) struct Landed {
    calls: Vec<Key>,
    number: u64,
    flight: Flight,
}

impl Outbox {
    /// The calls of these that are under way in one request; they count as back, but are not yet free.
    pub(super) fn land(&mut self, sent: &[Sequence]) -> Option<Landed> {
        let mut number = 0;
        let mut calls = Vec::with_capacity(sent.len());
        for &sequence in sent {
            let Some(key) = self.lanes.find(sequence) else { continue };
            let flight = self.lanes.get(key).map_or(0, |held| held.flight);
            if flight != 0 && (number == 0 || flight == number) {
                number = flight;
                calls.push(key);
            }
        }
        let flight = self.flights.get_mut(&number)?;
        flight.left = flight.left.saturating_sub(calls.len());
        self.under_way = self.under_way.saturating_sub(calls.len());
        let flight = *flight;
        if flight.left == 0 {
            self.flights.remove(&number);
        }
        Some(Landed { calls, number, flight })
    }

    /// They were not sent after all.
    pub(super) fn take_back(&mut self, landed: &Landed, now: Moment) {
        for &key in &landed.calls {
            self.change(key, now, |held| held.flight = 0);
        }
        self.suspects.hear(landed.number);
        if landed.flight.is_probe {
            self.circuit.probe_again(now);
        }
    }

    /// Decides by the verdict.
    pub(super) fn decide(&mut self, landed: &Landed, verdict: Verdict, took: Duration, now: Moment) -> Vec<Change> {
        if !matches!(verdict, Verdict::Retry { .. }) && self.circuit.answered() {
            self.agenda.recover(&self.lanes, now);
        }
        let was_stranger = self.suspects.hear(landed.number);
        match verdict {
            Verdict::Delivered => self.delivered(landed, took, now),
            Verdict::Retry { after } => self.failed(landed, after, now),
            Verdict::Refused => self.refused(landed, "REFUSED", now),
            Verdict::Unsupported => self.refused(landed, "UNSUPPORTED_EVENT_TYPE", now),
            Verdict::TooLarge => {
                if let [_, _, ..] = landed.calls.as_slice() {
                    let bytes = |key: &Key| self.lanes.get(*key).map_or(0, |held| held.bytes);
                    self.pace.too_large(landed.calls.iter().map(bytes).fold(0, usize::saturating_add));
                }
                self.refused(landed, "TOO_LARGE", now)
            }
            Verdict::Unauthorized => self.unauthorized(landed, was_stranger, now),
        }
    }

    fn delivered(&mut self, landed: &Landed, took: Duration, now: Moment) -> Vec<Change> {
        self.pace.delivered(took, self.flights.len() + 1);
        let mut changes = Vec::with_capacity(landed.calls.len());
        for &key in &landed.calls {
            changes.extend(self.settle(key, now).map(|held| Change::Delivered(held.sequence)));
        }
        self.suspects.forget_row();
        for (was_alone, calls) in self.suspects.take(&self.lanes) {
            if was_alone {
                changes.extend(calls.iter().filter_map(|&key| self.give_up(key, "UNAUTHORIZED", now)));
                continue;
            }
            // Some of them may be innocent: their halves are sent at once.
            for key in calls {
                self.change(key, now, |held| (held.suspicion, held.due) = (0, now));
            }
        }
        changes
    }

    fn failed(&mut self, landed: &Landed, after: Option<Duration>, now: Moment) -> Vec<Change> {
        let jitter = self.dice.jitter();
        self.circuit.failed(landed.flight.is_probe, now, |pause| spread(pause, jitter));
        self.pace.failed(landed.number, self.flights_made + 1);
        if let Some(after) = after {
            self.pace.hold_until(now.plus(after));
        }
        let mut changes = Vec::with_capacity(landed.calls.len());
        for &key in &landed.calls {
            self.count(key, landed);
            let Some(held) = self.lanes.get(key) else { continue };
            if self.is_expired(held, now) {
                changes.extend(self.give_up(key, "EXPIRED", now));
                continue;
            }
            let pause = pause_after(held.attempts, &self.to, jitter).max(after.unwrap_or_default());
            let due = self.expiry(held).map_or(now.plus(pause), |expiry| expiry.min(now.plus(pause)));
            // A receiver that names a time is not made to fail by one of these calls.
            let failures = u32::from(after.is_none());
            changes.extend(self.owe(key, due, now, |held| held.failures = held.failures.saturating_add(failures)));
        }
        changes
    }

    fn refused(&mut self, landed: &Landed, code: &'static str, now: Moment) -> Vec<Change> {
        for &key in &landed.calls {
            self.count(key, landed);
        }
        if let &[alone] = landed.calls.as_slice() {
            return self.give_up(alone, code, now).into_iter().collect();
        }
        self.pieces.halve(&mut self.lanes, &landed.calls);
        landed.calls.iter().filter_map(|&key| self.owe(key, now, now, |_| {})).collect()
    }

    fn unauthorized(&mut self, landed: &Landed, was_stranger: bool, now: Moment) -> Vec<Change> {
        let name = self.suspects.add(&landed.calls);
        let jitter = self.dice.jitter();
        if landed.calls.len() > 1 {
            // If one of them is at fault, the half without it shows that the key is good.
            self.pieces.halve(&mut self.lanes, &landed.calls);
        }
        let mut changes = Vec::with_capacity(landed.calls.len());
        for &key in &landed.calls {
            self.count(key, landed);
            let attempts = self.lanes.get(key).map_or(0, |held| held.attempts);
            let due = now.plus(pause_after(attempts, &self.to, jitter));
            changes.extend(self.owe(key, due, now, |held| held.suspicion = name));
        }
        let is_key =
            self.suspects.speak_against_key() && (was_stranger || self.flights.is_empty() && self.stranger().is_none());
        if self.pause.is_none() && !is_key {
            return changes;
        }
        if self.pause.is_none() {
            self.pause = Some(Pause::Unauthorized);
            self.pause_wanted = true;
        }
        // It is the key, or nobody will find out while it is paused: they are owed as if they were never tried.
        let suspects = self.suspects.take(&self.lanes);
        changes.clear();
        for key in suspects.into_iter().flat_map(|(_, calls)| calls) {
            self.change(key, now, |held| {
                (held.suspicion, held.attempts, held.first_at, held.due) = (0, 0, None, now);
            });
            let Some(held) = self.lanes.get(key) else { continue };
            let at = self.steady.clock(now);
            let tried = Tried { attempts: 0, first_at: at, due: at };
            changes.push(Change::Waiting { sequence: held.sequence, tried });
        }
        changes
    }

    /// Counts an attempt.
    fn count(&mut self, key: Key, landed: &Landed) {
        if let Some(held) = self.lanes.get_mut(key) {
            held.attempts = held.attempts.saturating_add(1);
            held.first_at.get_or_insert(landed.flight.begun);
            held.suspicion = 0;
        }
    }

    /// It is back, and still owed.
    fn owe(&mut self, key: Key, due: Moment, now: Moment, alter: impl FnOnce(&mut super::Held)) -> Option<Change> {
        let era = self.agenda.era();
        self.change(key, now, |held| {
            (held.flight, held.due, held.era) = (0, due, era);
            alter(held);
        });
        let held = self.lanes.get(key)?;
        let first_at = self.steady.clock(held.first_at.unwrap_or(now));
        let tried = Tried { attempts: held.attempts, first_at, due: self.steady.clock(due) };
        Some(Change::Waiting { sequence: held.sequence, tried })
    }
}
