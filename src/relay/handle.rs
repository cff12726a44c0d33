//! The relay as the rest of the program holds it: open, start, ask, order, close.

use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use super::client::Transport;
use super::ledger::{Again, Attempt, Counts, Ledger, ORDERS_MAX, State};
use super::outbox::Pause;
use super::running::Running;
use super::seat::Seat;
use super::settings::Destination;
use super::status::{Delivery, Finding, Selection, Status};
use super::worker::Message;
use super::{places, worker};
use crate::clock::Clock;
use crate::journal::{ReadError, Reader, Sequence};
use crate::store::{Engine, StoreError};

/// Makes what sends the requests of a destination.
pub type Connect<'a> = &'a dyn Fn(&Destination) -> Result<Arc<dyn Transport>, String>;

/// Why the relay could not do what was asked.
#[derive(Debug, thiserror::Error)]
pub enum RelayError {
    /// The folder, its files or the disk.
    #[error("the relay's ledger in {path} cannot be used: {error}")]
    Ledger {
        /// The folder.
        path: String,
        /// Why.
        error: StoreError,
    },
    /// The ledger, while running.
    #[error("the relay's ledger: {0}")]
    Store(#[from] StoreError),
    /// The journal.
    #[error(transparent)]
    Journal(#[from] ReadError),
    /// A thread, a runtime or a client could not be made.
    #[error("the relay cannot start: {0}")]
    Start(String),
    /// No destination has this name.
    #[error("there is no destination `{name}`; the configuration has: {known}")]
    Unknown {
        /// The name asked for.
        name: String,
        /// The names there are.
        known: String,
    },
    /// The journal has no such record.
    #[error("there is no record {sequence} in the journal")]
    NoRecord {
        /// The sequence asked for.
        sequence: Sequence,
    },
    /// It is pending: it will be sent anyway.
    #[error("record {sequence} is still pending; it is sent as soon as it can be")]
    Pending {
        /// The record.
        sequence: Sequence,
    },
    /// It is filtered: the destination does not get it.
    #[error("record {sequence} is filtered for this destination; filtered records are never sent")]
    Filtered {
        /// The record.
        sequence: Sequence,
    },
    /// Too many orders to deliver again are open.
    #[error("{ORDERS_MAX} orders to deliver again are open already; order again when one of them is done")]
    Busy,
    /// A range that holds nothing.
    #[error("there is no record in that range")]
    EmptyRange,
}

impl RelayError {
    /// Whether there is no room on the disk: then it can be tried again.
    pub const fn is_full(&self) -> bool {
        matches!(self, Self::Store(StoreError::Full(_)) | Self::Ledger { error: StoreError::Full(_), .. })
    }

    /// Whether the ledger is damaged.
    pub const fn is_damage(&self) -> bool {
        matches!(self, Self::Store(StoreError::Damaged(_)) | Self::Ledger { error: StoreError::Damaged(_), .. })
    }
}

/// All destinations. Cheap to clone; one per data folder and process.
#[derive(Clone)]
pub struct Relay {
    inner: Arc<Inner>,
}

struct Inner {
    /// None while there is no destination: then there is nothing to remember.
    ledger: Option<Ledger>,
    reader: Arc<dyn Reader>,
    clock: Clock,
    seats: Vec<Arc<Seat>>,
    running: Mutex<Option<Running>>,
}

impl std::fmt::Debug for Relay {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.debug_struct("Relay").field("destinations", &self.inner.seats.len()).finish_non_exhaustive()
    }
}

impl Relay {
    /// Opens the ledger in `dir` (made if missing) for these destinations, without sending anything. What the ledger has
    /// of others stays as it is; without any destination the folder is not touched. Blocks.
    ///
    /// # Errors
    /// When the folder cannot be used.
    pub fn open(
        dir: &Path,
        engine: &Arc<dyn Engine>,
        reader: Arc<dyn Reader>,
        destinations: &[Destination],
        clock: &Clock,
    ) -> Result<Self, RelayError> {
        let ledger_error = |error| RelayError::Ledger { path: dir.display().to_string(), error };
        let (mut ledger, mut seats) = (None, Vec::with_capacity(destinations.len()));
        if !destinations.is_empty() {
            ledger = Some(Ledger::open(dir, engine).map_err(ledger_error)?);
        }
        for (to, ledger) in destinations.iter().zip(ledger.iter().cycle()) {
            let start = places::start(reader.as_ref(), to.from)?;
            let book = ledger.book(&to.name, &|| start).map_err(ledger_error)?;
            let tail = reader.tail().next();
            if book.forget_from(tail).map_err(ledger_error)? {
                let (destination, from) = (&to.name, tail.get());
                tracing::warn!(destination, from, "the journal lost its end; what became of those calls is forgotten");
            }
            seats.push(Arc::new(Seat::new(to.clone(), book)));
        }
        let (clock, running) = (clock.clone(), Mutex::default());
        Ok(Self { inner: Arc::new(Inner { ledger, reader, clock, seats, running }) })
    }

    /// Starts to send to every destination that is enabled. Starting twice is fine.
    ///
    /// # Errors
    /// When a thread or a client cannot be made; then nothing runs.
    pub fn start(&self, connect: Connect<'_>) -> Result<(), RelayError> {
        let mut running = self.inner.running.lock().unwrap_or_else(PoisonError::into_inner);
        if running.is_none() && !self.is_empty() {
            let inner = &self.inner;
            *running = Some(Running::start(&inner.seats, &inner.reader, &inner.clock, connect)?);
        }
        Ok(())
    }

    /// Begins to stop, without waiting: nothing new is sent. [`Relay::close`] has to follow.
    pub fn stop(&self) {
        for seat in &self.inner.seats {
            seat.tell(Message::Close);
        }
    }

    /// Stops: requests under way get a few seconds to finish, then everything known is made durable. Blocks. Closing
    /// twice is fine.
    pub fn close(&self) {
        let close_ledger = || {
            if let Some(ledger) = &self.inner.ledger {
                ledger.close();
            }
        };
        let running = self.inner.running.lock().unwrap_or_else(PoisonError::into_inner).take();
        match running {
            Some(running) => running.close(&self.inner.seats, close_ledger),
            None => close_ledger(),
        }
    }

    /// Whether there is no destination at all.
    pub fn is_empty(&self) -> bool {
        self.inner.seats.is_empty()
    }

    /// Every destination, in the order of the configuration. Blocks for a moment.
    pub fn list(&self) -> Vec<Status> {
        self.inner.seats.iter().map(|seat| self.inner.status(seat)).collect()
    }

    /// One destination. Blocks for a moment.
    ///
    /// # Errors
    /// When there is none of that name.
    pub fn status(&self, name: &str) -> Result<Status, RelayError> {
        Ok(self.inner.status(self.seat(name)?))
    }

    /// The records by state, summed over all destinations. Never blocks on a disk.
    pub fn totals(&self) -> Counts {
        let tail = self.inner.reader.tail().next();
        let mut totals = Counts::default();
        for counts in self.inner.seats.iter().map(|seat| seat.book.counts(tail)) {
            totals.pending += counts.pending;
            totals.delivered += counts.delivered;
            totals.filtered += counts.filtered;
            totals.dead += counts.dead;
        }
        totals
    }

    /// Hands lag, breakers and requests under way to the recorder of metrics. Blocks for a moment.
    pub fn publish(&self) {
        for status in self.list() {
            worker::meters::publish(&status);
        }
    }

    /// Pauses a destination until it is resumed, restarts included; durable when this returns. Requests under way are
    /// finished. Blocks.
    ///
    /// # Errors
    /// When there is none of that name, or the disk fails.
    pub fn pause(&self, name: &str) -> Result<(), RelayError> {
        self.set_pause(name, Some(Pause::Operator))
    }

    /// Lets a paused destination (by an operator or by itself) go on; durable when this returns. Blocks.
    ///
    /// # Errors
    /// When there is none of that name, or the disk fails.
    pub fn resume(&self, name: &str) -> Result<(), RelayError> {
        self.set_pause(name, None)
    }

    fn set_pause(&self, name: &str, pause: Option<Pause>) -> Result<(), RelayError> {
        let seat = self.seat(name)?;
        seat.book.set_pause(pause.clone())?;
        seat.tell(Message::Pause(pause));
        Ok(())
    }

    /// Orders records to be delivered again; durable when this returns, done by the worker in its time. A record keeps
    /// its state until the new attempt settles it. The answer is the order as it was taken. Blocks.
    ///
    /// # Errors
    /// When there is no such destination or record, the record is pending or filtered, or a disk fails.
    pub fn redeliver(&self, name: &str, what: &Selection) -> Result<Again, RelayError> {
        let seat = self.seat(name)?;
        if seat.book.again().len() >= ORDERS_MAX {
            return Err(RelayError::Busy);
        }
        let reader = self.inner.reader.as_ref();
        let order = match what {
            Selection::One(sequence) => {
                let sequence = *sequence;
                if sequence < reader.first() || sequence >= reader.tail().next() {
                    return Err(RelayError::NoRecord { sequence });
                }
                match seat.book.state(sequence)? {
                    State::Pending => return Err(RelayError::Pending { sequence }),
                    State::Filtered => return Err(RelayError::Filtered { sequence }),
                    State::Delivered | State::Dead => {}
                }
                Again { next: sequence, end: sequence.plus(1), dead_only: false, kind: None, event: None }
            }
            Selection::Dead => match places::order(reader, &super::Span::default()) {
                // Nothing was ever received: that there are no dead letters is no mistake of the asker.
                Err(RelayError::EmptyRange) => {
                    let tail = reader.tail().next();
                    return Ok(Again { next: tail, end: tail, dead_only: true, kind: None, event: None });
                }
                order => order?,
            },
            Selection::Span(span) => places::order(reader, span)?,
        };
        seat.book.order_again(order.clone())?;
        seat.tell(Message::Look);
        Ok(order)
    }

    /// Records in one state below `before` (`None`: all), newest first, at most `limit`. Blocks.
    ///
    /// # Errors
    /// When there is no such destination, or a disk fails.
    pub fn deliveries(
        &self,
        name: &str,
        state: State,
        before: Option<Sequence>,
        limit: usize,
    ) -> Result<Vec<Delivery>, RelayError> {
        let seat = self.seat(name)?;
        let reader = self.inner.reader.as_ref();
        let tail = reader.tail().next();
        let before = before.map_or(tail, |before| before.min(tail));
        let sequences = seat.book.list(state, before, limit)?;
        sequences.into_iter().map(|sequence| seat.delivery(reader, sequence, state)).collect()
    }

    /// The same of all states.
    ///
    /// # Errors
    /// As [`Relay::deliveries`].
    pub fn recent(&self, name: &str, before: Option<Sequence>, limit: usize) -> Result<Vec<Delivery>, RelayError> {
        let seat = self.seat(name)?;
        let reader = self.inner.reader.as_ref();
        let tail = reader.tail().next();
        let before = before.map_or(tail, |before| before.min(tail)).get();
        let first = before.saturating_sub(u64::try_from(limit).unwrap_or(u64::MAX)).max(reader.first().get());
        let sequences = (first..before).rev().map(Sequence::new);
        sequences.map(|sequence| seat.delivery(reader, sequence, seat.book.state(sequence)?)).collect()
    }

    /// What became of one record at each destination. Blocks.
    ///
    /// # Errors
    /// When a disk fails.
    pub fn of_record(&self, sequence: Sequence) -> Result<Vec<(String, State, Vec<Attempt>)>, RelayError> {
        let of =
            |seat: &Arc<Seat>| Ok((seat.to.name.clone(), seat.book.state(sequence)?, seat.book.attempts(sequence)?));
        self.inner.seats.iter().map(of).collect()
    }

    /// Whether the accounts of every destination close: what is stored, counted anew, agrees with the running counts, and
    /// appended = delivered + filtered + pending + dead. Empty when all is well. Blocks, and reads the whole ledger.
    ///
    /// # Errors
    /// When a disk fails.
    pub fn reconcile(&self) -> Result<Vec<Finding>, RelayError> {
        let mut findings = Vec::new();
        for seat in &self.inner.seats {
            findings.extend(seat.reconcile(self.inner.reader.as_ref())?);
        }
        Ok(findings)
    }

    fn seat(&self, name: &str) -> Result<&Arc<Seat>, RelayError> {
        let unknown = || {
            let known: Vec<&str> = self.inner.seats.iter().map(|seat| seat.to.name.as_str()).collect();
            RelayError::Unknown { name: name.to_owned(), known: known.join(", ") }
        };
        self.inner.seats.iter().find(|seat| seat.to.name == name).ok_or_else(unknown)
    }

    /// Stops without writing anything, as a crash would.
    #[cfg(test)]
    pub(super) fn crash(&self) {
        if let Some(running) = self.inner.running.lock().unwrap_or_else(PoisonError::into_inner).take() {
            running.crash(&self.inner.seats);
        }
        if let Some(ledger) = &self.inner.ledger {
            ledger.halt();
        }
    }

    /// Lets every worker look around, and waits until nothing is left to be done at this time. Tests move the clock, then
    /// ask this.
    #[cfg(test)]
    pub(super) fn settle(&self) {
        for seat in self.inner.seats.iter().filter(|seat| seat.to.enabled) {
            seat.settle();
        }
    }

    /// The same for one worker.
    #[cfg(test)]
    pub(super) fn settle_one(&self, name: &str) {
        self.seat(name).unwrap().settle();
    }

    /// How a destination stands, without a look into the journal.
    #[cfg(test)]
    pub(super) fn standing(&self, name: &str) -> Result<super::Standing, RelayError> {
        Ok(self.seat(name)?.stands())
    }
}

impl Inner {
    fn status(&self, seat: &Seat) -> Status {
        seat.status(self.reader.as_ref(), self.clock.now())
    }
}
