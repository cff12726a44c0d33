//! Orders to deliver again: which records are offered once more, and how far each order is done.
//!
//! An order is done when all that it offered is settled. How far it got is entered with the answers, never ahead of them:
//! after a crash a record may be delivered again twice, and none is left out.

use std::collections::{BTreeSet, VecDeque};

use super::Stop;
use super::ahead::Ahead;
use super::bodies::Bodies;
use crate::call::time::Time;
use crate::journal::{Record, Sequence};
use crate::relay::ledger::{Again, Book, Entry, State};
use crate::relay::outbox::{Change, Outbox};

/// Records of an order that are held at the same time: new calls go on meanwhile.
const HELD_MAX: usize = 1_000;
/// Records looked at in one round.
const LOOKED_MAX: u64 = 20_000;

/// The orders of one destination.
pub(super) struct Orders {
    open: VecDeque<Again>,
    /// The next record to look at for the first order.
    next: Sequence,
    /// Offered for the first order, and not settled.
    held: BTreeSet<Sequence>,
}

impl Orders {
    /// Those that were not done.
    pub(super) fn new(orders: Vec<Again>) -> Self {
        let open = VecDeque::from(orders);
        let next = open.front().map_or(Sequence::FIRST, |order| order.next);
        Self { open, next, held: BTreeSet::new() }
    }

    /// Takes in what was ordered since.
    pub(super) fn refresh(&mut self, book: &Book) {
        let now = VecDeque::from(book.again());
        if self.open.is_empty() {
            self.next = now.front().map_or(Sequence::FIRST, |order| order.next);
        }
        self.open = now;
    }

    /// Offers records of the first order, as many as there is room for. Returns whether there is more to look at.
    pub(super) fn offer(
        &mut self,
        outbox: &mut Outbox,
        ahead: &Ahead,
        bodies: &mut Bodies,
        book: &Book,
        now: Time,
    ) -> Result<bool, Stop> {
        let Some(order) = self.open.front().cloned() else { return Ok(false) };
        let (mut looked, mut is_crowded) = (0, false);
        while self.next < order.end && looked < LOOKED_MAX && self.held.len() < HELD_MAX && outbox.room() > 0 {
            let sequence = self.next;
            let state = book.state(sequence)?;
            if state == State::Dead || state == State::Delivered && !order.dead_only {
                let record = bodies.with(sequence)?.record(sequence).transpose()?;
                if let Some(record) = record.filter(|record| is_meant(record, &order)) {
                    if !outbox.offer_again(ahead.again(&record, book), now) {
                        // Its person has too many before it: when some of them are settled, it is its turn.
                        is_crowded = true;
                        break;
                    }
                    self.held.insert(sequence);
                }
            }
            self.next = sequence.plus(1);
            looked += 1;
        }
        let is_more = !is_crowded && self.next < order.end && self.held.len() < HELD_MAX && outbox.room() > 0;
        if self.held.is_empty() && (looked > 0 || self.next >= order.end) {
            book.enter(Entry { again: Some(self.advance()), ..Entry::default() });
            return Ok(true);
        }
        Ok(is_more)
    }

    /// Takes settled records in. Returns how far the first order got, if that changed.
    #[expect(clippy::option_option, reason = "as an entry of the ledger says it")]
    pub(super) fn settle(&mut self, changes: &[Change]) -> Option<Option<Again>> {
        let before = self.held.len();
        for change in changes {
            if let Change::Delivered(sequence) | Change::Dead { sequence, .. } = change {
                self.held.remove(sequence);
            }
        }
        (self.held.len() < before && !self.open.is_empty()).then(|| self.advance())
    }

    /// How far the first order is done for good; `None` when it is done, and then the next one is the first.
    fn advance(&mut self) -> Option<Again> {
        let done = self.held.first().copied().unwrap_or(self.next);
        let order = self.open.front_mut()?;
        if done < order.end {
            order.next = done;
            return Some(order.clone());
        }
        self.open.pop_front();
        self.next = self.open.front().map_or(Sequence::FIRST, |order| order.next);
        None
    }
}

fn is_meant(record: &Record<'_>, order: &Again) -> bool {
    if record.is_erased() {
        return false;
    }
    let kind = order.kind.as_deref().is_none_or(|kind| kind == record.call.kind.as_str());
    kind && order.event.as_deref().is_none_or(|event| record.call.name.as_deref() == Some(event))
}
