//! The relay as the rest of the program holds it: open, start, ask, order, close.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use arc_swap::ArcSwap;

use super::client::Transport;
use super::error::RelayError;
use super::ledger::{Again, Attempt, Counts, Ledger, ORDERS_MAX, State};
use super::outbox::Pause;
use super::running::Running;
use super::seat::Seat;
use super::settings::Destination;
use super::status::{Delivery, Finding, Selection, Status};
use super::worker::Message;
use super::{places, worker};
use crate::clock::Clock;
use crate::journal::{Reader, Sequence};
use crate::store::Engine;

/// Makes what sends the requests of a destination.
pub type Connect<'a> = &'a dyn Fn(&Destination) -> Result<Arc<dyn Transport>, String>;

/// All destinations. Cheap to clone; one per data folder and process.
#[derive(Clone)]
pub struct Relay {
    pub(super) slot: Arc<Slot>,
}

/// What is open now; it is opened anew when the ledger was written again.
pub(super) struct Slot {
    pub(super) origin: Origin,
    pub(super) inner: ArcSwap<Inner>,
    /// What sends to each destination, once it was started.
    pub(super) transports: Mutex<Option<HashMap<String, Arc<dyn Transport>>>>,
}

/// What a relay is opened from.
pub(super) struct Origin {
    pub(super) dir: PathBuf,
    pub(super) engine: Arc<dyn Engine>,
    pub(super) reader: Arc<dyn Reader>,
    pub(super) destinations: Vec<Destination>,
    pub(super) clock: Clock,
}

pub(super) struct Inner {
    /// None while there is no destination: then there is nothing to remember.
    ledger: Option<Ledger>,
    reader: Arc<dyn Reader>,
    clock: Clock,
    seats: Vec<Arc<Seat>>,
    running: Mutex<Option<Running>>,
}

impl std::fmt::Debug for Relay {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.debug_struct("Relay").field("destinations", &self.inner().seats.len()).finish_non_exhaustive()
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
        let origin = Origin {
            dir: dir.to_path_buf(),
            engine: Arc::clone(engine),
            reader,
            destinations: destinations.to_vec(),
            clock: clock.clone(),
        };
        let inner = ArcSwap::from_pointee(origin.open()?);
        Ok(Self { slot: Arc::new(Slot { origin, inner, transports: Mutex::default() }) })
    }

    pub(super) fn inner(&self) -> Arc<Inner> {
        self.slot.inner.load_full()
    }

    /// Starts to send to every destination that is enabled. Starting twice is fine.
    ///
    /// # Errors
    /// When a thread or a client cannot be made; then nothing runs.
    pub fn start(&self, connect: Connect<'_>) -> Result<(), RelayError> {
        let made = Mutex::new(HashMap::new());
        let keep = |to: &Destination| {
            let transport = connect(to)?;
            made.lock().unwrap_or_else(PoisonError::into_inner).insert(to.name.clone(), Arc::clone(&transport));
            Ok(transport)
        };
        if self.inner().start(&keep)? {
            let made = made.into_inner().unwrap_or_else(PoisonError::into_inner);
            *self.slot.transports.lock().unwrap_or_else(PoisonError::into_inner) = Some(made);
        }
        Ok(())
    }

    /// Begins to stop, without waiting: nothing new is sent. [`Relay::close`] has to follow.
    pub fn stop(&self) {
        for seat in &self.inner().seats {
            seat.tell(Message::Close);
        }
    }

    /// Stops: requests under way get a few seconds to finish, then everything known is made durable. Blocks. Closing
    /// twice is fine.
    pub fn close(&self) {
        *self.slot.transports.lock().unwrap_or_else(PoisonError::into_inner) = None;
        self.inner().close();
    }

    /// Bytes on disk. Measures the folder, so it blocks for a moment.
    pub fn disk_bytes(&self) -> u64 {
        crate::journal::files::disk_bytes(&self.slot.origin.dir)
    }

    /// Whether there is no destination at all.
    pub fn is_empty(&self) -> bool {
        self.inner().seats.is_empty()
    }

    /// Every destination, in the order of the configuration. Blocks for a moment.
    pub fn list(&self) -> Vec<Status> {
        let inner = self.inner();
        inner.seats.iter().map(|seat| inner.status(seat)).collect()
    }

    /// One destination. Blocks for a moment.
    ///
    /// # Errors
    /// When there is none of that name.
    pub fn status(&self, name: &str) -> Result<Status, RelayError> {
        let seat = self.seat(name)?;
        Ok(self.inner().status(&seat))
    }

    /// The records by state, summed over all destinations. Never blocks on a disk.
    pub fn totals(&self) -> Counts {
        let inner = self.inner();
        let tail = inner.reader.tail().next();
        let mut totals = Counts::default();
        for counts in inner.seats.iter().map(|seat| seat.book.counts(tail)) {
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
        let inner = self.inner();
        let reader = inner.reader.as_ref();
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
        let inner = self.inner();
        let reader = inner.reader.as_ref();
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
        let inner = self.inner();
        let reader = inner.reader.as_ref();
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
        self.inner().seats.iter().map(of).collect()
    }

    /// Whether the accounts of every destination close: what is stored, counted anew, agrees with the running counts, and
    /// appended = delivered + filtered + pending + dead. Empty when all is well. Blocks, and reads the whole ledger.
    ///
    /// # Errors
    /// When a disk fails.
    pub fn reconcile(&self) -> Result<Vec<Finding>, RelayError> {
        let mut findings = Vec::new();
        let inner = self.inner();
        for seat in &inner.seats {
            findings.extend(seat.reconcile(inner.reader.as_ref())?);
        }
        Ok(findings)
    }

    fn seat(&self, name: &str) -> Result<Arc<Seat>, RelayError> {
        let inner = self.inner();
        let unknown = || {
            let known: Vec<&str> = inner.seats.iter().map(|seat| seat.to.name.as_str()).collect();
            RelayError::Unknown { name: name.to_owned(), known: known.join(", ") }
        };
        inner.seats.iter().find(|seat| seat.to.name == name).cloned().ok_or_else(unknown)
    }

    /// Stops without writing anything, as a crash would.
    #[cfg(test)]
    pub(super) fn crash(&self) {
        let inner = self.inner();
        if let Some(running) = inner.running.lock().unwrap_or_else(PoisonError::into_inner).take() {
            running.crash(&inner.seats);
        }
        if let Some(ledger) = &inner.ledger {
            ledger.halt();
        }
    }

    /// Lets every worker look around, and waits until nothing is left to be done at this time. Tests move the clock, then
    /// ask this.
    #[cfg(test)]
    pub(super) fn settle(&self) {
        for seat in self.inner().seats.iter().filter(|seat| seat.to.enabled) {
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

impl Origin {
    /// Opens the ledger and the part of each destination.
    pub(super) fn open(&self) -> Result<Inner, RelayError> {
        let ledger_error = |error| RelayError::Ledger { path: self.dir.display().to_string(), error };
        Ledger::settle(&self.dir).map_err(ledger_error)?;
        let (mut ledger, mut seats) = (None, Vec::with_capacity(self.destinations.len()));
        if !self.destinations.is_empty() {
            ledger = Some(Ledger::open(&self.dir, &self.engine).map_err(ledger_error)?);
        }
        for (to, ledger) in self.destinations.iter().zip(ledger.iter().cycle()) {
            let start = places::start(self.reader.as_ref(), to.from)?;
            let book = ledger.book(&to.name, &|| start).map_err(ledger_error)?;
            let tail = self.reader.tail().next();
            if book.forget_from(tail).map_err(ledger_error)? {
                let (destination, from) = (&to.name, tail.get());
                tracing::warn!(destination, from, "the journal lost its end; what became of those calls is forgotten");
            }
            seats.push(Arc::new(Seat::new(to.clone(), book)));
        }
        let (clock, running) = (self.clock.clone(), Mutex::default());
        Ok(Inner { ledger, reader: Arc::clone(&self.reader), clock, seats, running })
    }
}

impl Inner {
    /// Starts the workers unless they run. Returns whether it did.
    pub(super) fn start(&self, connect: Connect<'_>) -> Result<bool, RelayError> {
        let mut running = self.running.lock().unwrap_or_else(PoisonError::into_inner);
        if running.is_some() || self.seats.is_empty() {
            return Ok(false);
        }
        *running = Some(Running::start(&self.seats, &self.reader, &self.clock, connect)?);
        Ok(true)
    }

    /// Ends the workers and closes the ledger.
    pub(super) fn close(&self) {
        let close_ledger = || {
            if let Some(ledger) = &self.ledger {
                ledger.close();
            }
        };
        let running = self.running.lock().unwrap_or_else(PoisonError::into_inner).take();
        match running {
            Some(running) => running.close(&self.seats, close_ledger),
            None => close_ledger(),
        }
    }

    fn status(&self, seat: &Seat) -> Status {
        seat.status(self.reader.as_ref(), self.clock.now())
    }
}
