//! Whose turn it is: what is sent next, given up, or waited for.

use super::circuit::Gate;
use super::lanes::Key;
use super::steady::Moment;
use super::{Change, Next, Outbox};
use crate::call::time::Time;

/// Records given up in one decision at most.
const EXPIRED_MAX: usize = 256;

impl Outbox {
    /// What to do now. To be asked again until it says `Wait`.
    pub fn next(&mut self, now: Time) -> Next {
        let now = self.steady.at(now);
        self.agenda.wake(&self.lanes, now);
        self.rate.fill(now);
        let gate = self.circuit.gate();
        let is_watching = gate == Gate::HalfOpen || self.suspects.is_asked();
        if self.pause.is_some() || is_watching || self.flights.len() >= self.pace.concurrency() {
            return Next::Wait(None);
        }
        let opens = if let Gate::Open(until) = gate { Some(until) } else { None };
        if let Some(until) = opens.max(self.pace.hold()).filter(|until| *until > now) {
            return self.wait(until);
        }
        let settled = self.expire(now);
        if !settled.is_empty() {
            return Next::Settle(settled);
        }
        // To see whether the receiver is back, one that waits for its time is better than none.
        let probe = self.agenda.next().filter(|_| opens.is_some()).map(|(_, key)| key);
        let is_doubted = self.suspects.speak_against_key();
        let stranger = self.stranger().filter(|_| is_doubted);
        if is_doubted && stranger.is_none() && !self.flights.is_empty() {
            return Next::Wait(None);
        }
        let Some(seed) = stranger.or(self.agenda.oldest()).or(probe) else { return self.wait(now) };
        let calls_max = if opens.or(stranger.map(|_| now)).is_some() { 1 } else { self.pace.calls() };
        if let Some(pause) = self.rate.pause(calls_max.min(self.agenda.ready()).max(1)) {
            return self.wait(now.plus(pause));
        }
        if opens.is_some() {
            self.circuit.probe();
        }
        if stranger.is_some() {
            self.suspects.ask(self.flights_made + 1);
        }
        Next::Send(self.fill(seed, calls_max.min(self.rate.calls().max(1)), opens.is_some(), now))
    }

    /// One that may be sent now and has nothing to do with those that were answered 401 or 403.
    pub(super) fn stranger(&self) -> Option<Key> {
        self.agenda.newest_ready().filter(|key| self.lanes.get(*key).is_some_and(|held| held.suspicion == 0))
    }

    /// Nothing before this moment, nor before there is something to send.
    fn wait(&self, until: Moment) -> Next {
        let next = self.agenda.next().map(|(due, _)| due);
        let moment = match self.circuit.gate() {
            _ if self.agenda.ready() > 0 => Some(until),
            Gate::Closed => next.map(|due| due.max(until)),
            Gate::Open(_) | Gate::HalfOpen => next.map(|_| until),
        };
        Next::Wait(moment.map(|moment| self.steady.clock(moment)))
    }

    /// Gives up the oldest ones whose time has run out.
    fn expire(&mut self, now: Moment) -> Vec<Change> {
        let mut changes = Vec::new();
        while changes.len() < EXPIRED_MAX {
            let expired = |key: &Key| self.lanes.get(*key).is_some_and(|held| self.is_expired(held, now));
            let Some(key) = self.agenda.oldest().filter(expired) else { break };
            changes.extend(self.give_up(key, "EXPIRED", now));
        }
        changes
    }
}
