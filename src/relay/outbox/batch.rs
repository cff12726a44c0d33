//! Which calls go into the next request.

use std::collections::{BTreeSet, HashMap};

use super::lanes::Key;
use super::steady::Moment;
use super::{Flight, Outbox};
use crate::journal::Sequence;

impl Outbox {
    /// Takes the seed and what may go with it, oldest first, and counts them as under way.
    ///
    /// A call may follow the ones ahead of it into the same request if all of them are in it.
    pub(super) fn fill(&mut self, seed: Key, calls_max: usize, is_probe: bool, now: Moment) -> Vec<Sequence> {
        let piece = self.lanes.get(seed).map_or(0, |held| held.piece);
        let mut waiting = BTreeSet::from([seed]);
        if piece != 0 {
            waiting.extend(self.pieces.members(piece).filter(|&key| self.agenda.has_piece(key)));
        }
        let number = self.flights_made + 1;
        let mut reached: HashMap<Key, usize> = HashMap::new();
        let (mut sent, mut bytes, mut calls_max) = (Vec::new(), 0_usize, calls_max);
        loop {
            let is_open = piece == 0 && !sent.is_empty();
            let ready = self.agenda.oldest_ready().filter(|_| is_open && sent.len() < calls_max);
            let Some(key) = [waiting.first().copied(), ready].into_iter().flatten().min() else { break };
            let Some(held) = self.lanes.get(key) else { break };
            calls_max = calls_max.min(self.pace.calls_with(held.failures));
            bytes = bytes.saturating_add(held.bytes);
            let is_over = sent.len() >= calls_max || bytes > self.pace.bytes();
            if !sent.is_empty() && (is_over || self.is_expired(held, now)) {
                break;
            }
            sent.push(held.sequence);
            waiting.remove(&key);
            self.change(key, now, |held| (held.flight, held.suspicion) = (number, 0));
            for next in self.lanes.behind(key) {
                let Some(held) = self.lanes.get(next) else { continue };
                let count = reached.entry(next).or_default();
                *count += 1;
                if *count == held.ahead() && held.piece == piece && self.agenda.is_due(held, now) {
                    waiting.insert(next);
                }
            }
        }
        self.flights_made = number;
        self.rate.take(sent.len());
        self.under_way += sent.len();
        self.flights.insert(number, Flight { begun: now, left: sent.len(), is_probe });
        sent
    }
}
