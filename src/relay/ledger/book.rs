//! One destination's part of the ledger, for its worker and for whoever asks.

use std::collections::BTreeMap;
use std::sync::{Arc, MutexGuard};

use super::atom::Atom;
use super::content::Content;
use super::entry::{self, UNKNOWN};
use super::letters::place;
use super::pages::Source;
use super::recovery;
use super::shared::{Held, Shared, lock};
use super::{Again, Attempt, Counts, DeadLetter, Entry, Standing, State, Tried};
use crate::journal::Sequence;
use crate::relay::outbox::Pause;
use crate::relay::policy::Answer;
use crate::store::StoreError;

/// Orders to deliver again that may be open at the same time.
pub const ORDERS_MAX: usize = 64;
/// Bytes of the type and the event of such an order.
const ORDER_BYTES_MAX: usize = 4096;

/// One destination's part. Cheap to clone. All of it may read from the disk, so call it from a thread that may block.
#[derive(Clone)]
pub struct Book {
    shared: Arc<Shared>,
    held: Arc<Held>,
}

impl Book {
    pub(super) fn new(shared: Arc<Shared>, held: Arc<Held>) -> Self {
        Self { shared, held }
    }

    fn content(&self) -> MutexGuard<'_, Content> {
        lock(&self.held.content)
    }

    fn source(&self) -> Source<'_> {
        self.shared.source(self.held.number)
    }

    /// Takes an entry in; it counts at once and is durable within a moment. Blocks only while too much is unwritten, which
    /// lasts as long as a full disk does: ask [`Book::has_room`] before, where that must not be. After the ledger failed
    /// nothing is taken in any more.
    pub fn enter(&self, entry: Entry) {
        if self.shared.wait_for_room().is_err() {
            return;
        }
        let again = entry.again.clone();
        let answers = self.last_answers(&entry);
        let entered = entry::atoms(entry, &answers).iter().try_for_each(|atom| self.enter_atom(atom));
        if let (Ok(()), Some(again)) = (entered, again) {
            // Like all of the above it is refused only when nothing is written any more, which the standing says.
            let _ = self.advance_again(again);
        }
    }

    pub(super) fn enter_atom(&self, atom: &Atom) -> Result<(), StoreError> {
        self.shared.wait_for_room()?;
        let entered = self.content().enter(self.source(), atom);
        // A page that cannot be read: what is in memory may be half of what was entered.
        let weight = entered.inspect_err(|error| self.shared.fail(error))?;
        self.shared.entered(weight);
        Ok(())
    }

    /// The last answers to records that are given up by the answer to others.
    fn last_answers(&self, entry: &Entry) -> BTreeMap<u64, Answer> {
        let apart = entry::given_up_apart(entry);
        let answers = apart.into_iter().map(|sequence| {
            let attempts = self.shared.attempts(&self.held, sequence).inspect_err(|error| {
                tracing::warn!(sequence, %error, "the last answer to a call that is given up cannot be read");
            });
            let last = attempts.ok().and_then(|mut attempts| attempts.pop());
            (sequence, last.map_or(UNKNOWN.clone(), |last| last.answer))
        });
        answers.collect()
    }

    fn advance_again(&self, again: Option<Again>) -> Result<(), StoreError> {
        let number = self.content().orders.keys().next().copied();
        number.map_or(Ok(()), |number| self.enter_atom(&Atom::Again(number, again)))
    }

    /// The journal ends at `tail`: what is known of records from there on is of records that were lost, whose sequences
    /// will be given to others, and is forgotten, durably when this returns. True if there was something. Only before
    /// anything is entered.
    ///
    /// # Errors
    /// When the disk is full or fails.
    pub fn forget_from(&self, tail: Sequence) -> Result<bool, StoreError> {
        if !self.content().knows_from(tail.get()) {
            return Ok(false);
        }
        recovery::begin_earlier(&self.shared, self.held.number, tail.get())?;
        self.enter_atom(&Atom::Forget(tail.get()))?;
        self.sync()?;
        Ok(true)
    }

    /// Everything entered so far is durable when this returns.
    ///
    /// # Errors
    /// When a write failed: nothing is written any more until a restart. When the disk is full: it is tried again by
    /// itself.
    pub fn sync(&self) -> Result<(), StoreError> {
        self.shared.sync()
    }

    /// Whether the ledger can write. While it can not, nothing should be sent: what comes of it could not be kept.
    pub fn writable(&self) -> bool {
        self.shared.standing() == Standing::Writing
    }

    /// Why nothing is written any more until a restart.
    pub fn failed(&self) -> Option<String> {
        match self.shared.standing() {
            Standing::Failed(why) => Some(why),
            _ => None,
        }
    }

    /// Whether [`Book::enter`] would take an entry in without waiting for others to be written. Never blocks for long.
    pub fn has_room(&self) -> bool {
        self.shared.has_room()
    }

    /// The first record that is pending. After an error it may be too low, which is harmless.
    pub fn floor(&self) -> Sequence {
        let mut content = self.content();
        let floor = content.table.floor(self.source());
        let floor = floor.inspect_err(|error| tracing::warn!(%error, "the first pending call is not known"));
        Sequence::new(floor.unwrap_or(content.table.start))
    }

    /// Where it began: what is before counts as filtered.
    pub fn start(&self) -> Sequence {
        Sequence::new(self.content().table.start)
    }

    /// The state of a record.
    ///
    /// # Errors
    /// When the disk fails or the table is damaged.
    pub fn state(&self, sequence: Sequence) -> Result<State, StoreError> {
        self.content().table.state(self.source(), sequence.get())
    }

    /// How many of the records below `tail` are in each state. Exact; only for a tail below records that are settled
    /// already it may have to read, and if that fails, those are counted as well.
    pub fn counts(&self, tail: Sequence) -> Counts {
        self.running(&mut self.content(), tail)
    }

    fn running(&self, content: &mut Content, tail: Sequence) -> Counts {
        let table = &mut content.table;
        let mut below = table.all();
        if tail.get() < table.frontier() {
            match table.settled_from(self.source(), tail.get()) {
                Ok(above) => below.exchange(above, super::chunk::Totals::default()),
                Err(error) => tracing::error!(%error, "the states of calls cannot be counted exactly"),
            }
        }
        below.filtered += table.start.min(tail.get()) - 1;
        below.counts(tail.get() - 1)
    }

    /// Records of one state below `before`, newest first, at most `limit`.
    ///
    /// # Errors
    /// When the disk fails or the table is damaged.
    pub fn list(&self, state: State, before: Sequence, limit: usize) -> Result<Vec<Sequence>, StoreError> {
        let found = self.content().table.list(self.source(), state, before.get(), limit)?;
        Ok(found.into_iter().map(Sequence::new).collect())
    }

    /// What was tried of a record that waits.
    pub fn tried(&self, sequence: Sequence) -> Option<Tried> {
        self.content().waiting.get(&sequence.get()).copied()
    }

    /// The attempts of a record, oldest first, as far as they are kept.
    ///
    /// # Errors
    /// When the disk fails or the attempts are damaged.
    pub fn attempts(&self, sequence: Sequence) -> Result<Vec<Attempt>, StoreError> {
        self.shared.attempts(&self.held, sequence.get())
    }

    /// A dead letter; none of a record that is not dead. An answer with status 0 is not known any more.
    ///
    /// # Errors
    /// When the disk fails or the letters are damaged.
    pub fn dead_letter(&self, sequence: Sequence) -> Result<Option<DeadLetter>, StoreError> {
        let mut content = self.content();
        if content.table.state(self.source(), sequence.get())? != State::Dead {
            return Ok(None);
        }
        let (page, place) = place(sequence.get());
        let letter = content.letters.get(self.source(), page)?.0.get(&place).cloned();
        let letter =
            letter.ok_or_else(|| self.shared.state.damaged("a page of dead letters", super::codec::Fault::Missing))?;
        Ok(Some(DeadLetter { sequence, code: letter.code, tried: letter.tried, answer: letter.answer }))
    }

    /// Whether it is paused, durably.
    pub fn pause(&self) -> Option<Pause> {
        self.content().pause.clone()
    }

    /// Pauses or resumes, durably when this returns.
    ///
    /// # Errors
    /// When the disk is full or fails.
    pub fn set_pause(&self, pause: Option<Pause>) -> Result<(), StoreError> {
        self.enter_atom(&Atom::Pause(pause))?;
        self.sync()
    }

    /// The orders to deliver again that are not done, oldest first.
    pub fn again(&self) -> Vec<Again> {
        self.content().orders.values().cloned().collect()
    }

    /// Adds such an order, durably when this returns.
    ///
    /// # Errors
    /// When the disk is full or fails, too many orders are open, or the event's name is far too long.
    pub fn order_again(&self, again: Again) -> Result<(), StoreError> {
        let texts = [&again.kind, &again.event];
        if texts.into_iter().flatten().map(String::len).sum::<usize>() > ORDER_BYTES_MAX {
            return Err(StoreError::Failed(format!("type and event together have at most {ORDER_BYTES_MAX} bytes")));
        }
        self.shared.wait_for_room()?;
        let weight = {
            let mut content = self.content();
            if content.orders.len() >= ORDERS_MAX {
                return Err(StoreError::Failed(format!("{ORDERS_MAX} orders to deliver again are open; wait for one")));
            }
            let number = content.orders.keys().next_back().map_or(0, |number| number + 1);
            content.enter(self.source(), &Atom::Again(number, Some(again)))?
        };
        self.shared.entered(weight);
        self.sync()
    }

    /// The running counts below `tail`, and the states counted anew from what is stored and what is not yet, at the same
    /// moment: for `verify`. Nothing is taken in meanwhile.
    ///
    /// # Errors
    /// When the disk fails, or the table is damaged: then also if it only disagrees with its totals.
    pub fn audit(&self, tail: Sequence) -> Result<(Counts, Counts), StoreError> {
        let mut content = self.content();
        let running = self.running(&mut content, tail);
        let mut below = content.table.recount(self.source(), tail.get())?;
        below.filtered += content.table.start.min(tail.get()) - 1;
        Ok((running, below.counts(tail.get() - 1)))
    }

    /// The second of these alone.
    ///
    /// # Errors
    /// As [`Book::audit`].
    pub fn recount(&self, tail: Sequence) -> Result<Counts, StoreError> {
        Ok(self.audit(tail)?.1)
    }

    /// All that wait.
    #[cfg(test)]
    pub(super) fn waiting(&self) -> std::sync::Arc<BTreeMap<u64, Tried>> {
        Arc::new(self.content().waiting.clone())
    }

    /// Pages in memory.
    #[cfg(test)]
    pub(super) fn pages(&self) -> usize {
        self.content().pages()
    }
}
