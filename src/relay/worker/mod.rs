//! The worker of one destination: a thread that reads ahead, asks the outbox what to send, and settles what came back.
//!
//! It turns in rounds: take what arrived, offer what there is room for, send what may be sent, then wait for an answer,
//! for the tail, or for the next time something is due. It never waits for the network: requests are tasks on the relay's
//! runtime that answer through its inbox. What cannot be entered into the ledger is not sent: a worker whose ledger or
//! journal fails stops, says why, and leaves everything pending.

pub(super) mod again;
pub(super) mod ahead;
mod bodies;
pub(super) mod lanes;
pub(super) mod meters;
mod sending;
mod settling;

use std::sync::Arc;
use std::sync::mpsc::{Receiver, Sender};
use std::time::Duration;

use tokio::runtime::Handle;

use self::again::Orders;
use self::ahead::Ahead;
use self::bodies::Bodies;
use self::lanes::Lanes;
use self::meters::Meters;
use self::sending::Answered;
use super::client::Transport;
use super::outbox::{Breaker, Next, Outbox, Pause};
use super::seat::Seat;
use crate::call::time::Time;
use crate::clock::Clock;
use crate::journal::{ReadError, Reader, Sequence};
use crate::store::StoreError;

/// How much of the journal is read at once, at most.
const SLICE_BYTES_MAX: usize = 1024 * 1024;
/// And at least: about one block.
const SLICE_BYTES_MIN: usize = 128 * 1024;
/// How many bytes of bodies all destinations together hold ready.
const BODIES_BYTES: usize = 64 * 1024 * 1024;
/// How many bytes of bodies one destination holds ready at most.
const BODIES_BYTES_MAX: usize = 4 * SLICE_BYTES_MAX;
/// A clock that was set is noticed after this long.
const SLEEP_MAX: Duration = Duration::from_secs(5);
/// Pause before a journal that could not be read, or a ledger that could not be written, is looked at again.
const LOOK_AGAIN_MS: i64 = 1_000;

fn later(now: Time, millis: i64) -> Time {
    Time::from_millis(now.as_millis().saturating_add(millis))
}

/// What a worker is told.
pub(super) enum Message {
    /// There is more to read.
    Tail,
    /// Time has moved, or there is a new order: look around.
    Look,
    /// A request is over.
    Answered(Answered),
    /// Stop sending, or go on.
    Pause(Option<Pause>),
    /// Finish.
    Close,
    /// Leave everything as it is, as a crash would.
    #[cfg(test)]
    Crash,
    /// Say when there is nothing left to be done until time moves or something arrives.
    #[cfg(test)]
    Quiet(Sender<()>),
}

/// Why a worker stops by itself.
#[derive(Debug, thiserror::Error)]
pub(super) enum Stop {
    #[error("its ledger cannot be used: {0}; look at the disk, then start again")]
    Ledger(#[from] StoreError),
    #[error("{0}; run `roundtower verify`")]
    Journal(#[from] ReadError),
}

/// What all workers share.
#[derive(Clone)]
pub(super) struct Surroundings {
    pub(super) reader: Arc<dyn Reader>,
    pub(super) clock: Clock,
    pub(super) lanes: Arc<Lanes>,
    pub(super) runtime: Handle,
    /// How many workers there are.
    pub(super) workers: usize,
}

/// When a worker has something to do again.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Round {
    Again,
    Until(Option<Time>),
}

/// One worker.
pub(super) struct Worker {
    seat: Arc<Seat>,
    around: Surroundings,
    transport: Arc<dyn Transport>,
    inbox: Receiver<Message>,
    own: Sender<Message>,
    outbox: Outbox,
    ahead: Ahead,
    bodies: Bodies,
    orders: Orders,
    meters: Meters,
    /// Requests under way.
    under_way: usize,
    /// What came back while the ledger had no room.
    late: Vec<Answered>,
    /// The journal is left alone until then.
    read_again: Option<Time>,
    /// Somebody watches the tail for us.
    watching: bool,
    closing: bool,
    #[cfg(test)]
    crashed: bool,
    #[cfg(test)]
    quiet: Vec<Sender<()>>,
}

impl Worker {
    /// A worker that goes on where the ledger says.
    pub(super) fn new(
        seat: &Arc<Seat>,
        around: &Surroundings,
        transport: Arc<dyn Transport>,
        (own, inbox): (Sender<Message>, Receiver<Message>),
    ) -> Self {
        let bytes = (BODIES_BYTES / around.workers.max(1)).clamp(SLICE_BYTES_MIN, BODIES_BYTES_MAX);
        let slice_bytes = (bytes / 4).max(SLICE_BYTES_MIN);
        let reader = &around.reader;
        let seed = match around.clock {
            Clock::System => around.lanes.seed(&seat.to.name),
            Clock::Hand(_) => 1,
        };
        Self {
            outbox: Outbox::new(&seat.to, seed, seat.book.pause()),
            ahead: Ahead::new(Arc::clone(reader), Arc::clone(&around.lanes), slice_bytes, seat.book.floor()),
            bodies: Bodies::new(Arc::clone(reader), bytes),
            orders: Orders::new(seat.book.again()),
            meters: Meters::new(&seat.to.name),
            seat: Arc::clone(seat),
            around: around.clone(),
            transport,
            inbox,
            own,
            under_way: 0,
            late: Vec::new(),
            read_again: None,
            watching: false,
            closing: false,
            #[cfg(test)]
            crashed: false,
            #[cfg(test)]
            quiet: Vec::new(),
        }
    }

    /// Works until it is told to close.
    ///
    /// # Errors
    /// When it cannot go on.
    pub(super) fn run(&mut self) -> Result<(), Stop> {
        while !self.closing {
            let round = self.round()?;
            self.seat.live().numbers = Some(self.outbox.numbers());
            #[cfg(test)]
            self.say_quiet(round);
            if let Round::Until(due) = round
                && let Some(message) = self.wait(due)
            {
                self.take(message)?;
            }
            while let Ok(message) = self.inbox.try_recv() {
                self.take(message)?;
            }
        }
        #[cfg(test)]
        if self.crashed {
            return Ok(());
        }
        self.finish()
    }

    fn now(&self) -> Time {
        self.around.clock.now()
    }

    /// Offers and sends as much as may be.
    fn round(&mut self) -> Result<Round, Stop> {
        if let Some(error) = self.seat.book.failed() {
            return Err(Stop::Ledger(StoreError::Failed(error)));
        }
        let now = self.now();
        if !self.seat.book.writable() {
            // Nothing is sent while what comes of it could not be kept.
            self.seat.live().trouble = Some("the ledger waits for the disk; nothing is sent meanwhile".to_owned());
            return Ok(Round::Until(Some(later(now, LOOK_AGAIN_MS))));
        }
        for answered in std::mem::take(&mut self.late) {
            self.answered(answered)?;
        }
        if self.read_again.is_none() {
            self.seat.live().trouble = None;
        }
        let is_read = match self.fill(now) {
            Err(Stop::Journal(error)) if error.retryable() => {
                self.leave_journal(&error, now);
                false
            }
            read => read?,
        };
        let due = self.pump(now)?;
        if is_read {
            return Ok(Round::Again);
        }
        let numbers = self.outbox.numbers();
        if matches!(numbers.breaker, Breaker::Open(_)) || numbers.pause.is_some() {
            self.bodies.clear();
        } else if self.is_stuck(numbers.concurrency) {
            self.bodies.shed();
            return Ok(Round::Again);
        }
        self.watch_tail();
        Ok(Round::Until(due.into_iter().chain(self.read_again).min()))
    }

    /// Offers what there is room for, and reads one more slice if that was all. Returns whether there is more to do.
    fn fill(&mut self, now: Time) -> Result<bool, Stop> {
        if self.read_again.is_some_and(|again| now < again) {
            return Ok(false);
        }
        self.read_again = None;
        if let Some(from) = self.outbox.left_behind() {
            self.ahead.go_back(from);
        }
        let ordered = self.orders.offer(&mut self.outbox, &self.ahead, &mut self.bodies, &self.seat.book, now)?;
        while self.outbox.room() > 0
            && let Some(offer) = self.ahead.pop()
        {
            let sequence = offer.sequence;
            if !self.outbox.offer(offer, now) {
                // It stays in the journal until its person has fewer before it.
                self.bodies.done(sequence);
            }
        }
        let is_wanted = self.ahead.is_empty() && self.outbox.room() > 0 && self.bodies.has_room();
        if !is_wanted || self.ahead.is_level() {
            return Ok(ordered);
        }
        let skipped = self.ahead.read(&self.seat.to, &self.seat.book, &mut self.bodies)?;
        self.seat.live().settled(skipped, now);
        self.meters.filtered(skipped);
        Ok(true)
    }

    /// Sends until the outbox says wait.
    fn pump(&mut self, now: Time) -> Result<Option<Time>, Stop> {
        if self.read_again.is_some() {
            return Ok(None);
        }
        loop {
            match self.outbox.next(now) {
                Next::Send(sent) => {
                    if !self.send(sent, now)? {
                        return Ok(None);
                    }
                }
                Next::Settle(changes) => self.enter(None, changes, now),
                Next::Wait(due) => return Ok(due),
            }
        }
    }

    /// Whether records that wait hold all the room for bodies, while there is more to read and nobody is asked.
    fn is_stuck(&self, concurrency: usize) -> bool {
        let is_free = self.under_way < concurrency && self.outbox.room() > 0;
        is_free && !self.bodies.has_room() && self.ahead.is_empty() && !self.ahead.is_level()
    }

    /// Sends one request. False: it was put back, because its bodies cannot be read just now.
    fn send(&mut self, sent: Vec<Sequence>, now: Time) -> Result<bool, Stop> {
        match sending::write(&mut self.bodies, &self.seat.to, &sent, now) {
            Ok(request) => {
                self.under_way += 1;
                let (clock, own) = (self.around.clock.clone(), self.own.clone());
                sending::spawn(&self.around.runtime, Arc::clone(&self.transport), request, sent, clock, own);
                Ok(true)
            }
            Err(error) if error.retryable() => {
                self.leave_journal(&error, now);
                self.outbox.unsent(&sent, now);
                Ok(false)
            }
            Err(error) => Err(error.into()),
        }
    }

    fn leave_journal(&mut self, error: &ReadError, now: Time) {
        if self.read_again.is_none() {
            tracing::warn!(destination = self.seat.to.name, %error, "the relay cannot read; it tries again");
        }
        self.seat.live().trouble = Some(error.to_string());
        self.read_again = Some(later(now, LOOK_AGAIN_MS));
    }

    /// Asks to be woken when there is more to read, if there is room for it.
    fn watch_tail(&mut self) {
        if self.watching || !self.ahead.is_level() || self.outbox.room() == 0 {
            return;
        }
        self.watching = true;
        let (mut tail, own, position) = (self.around.reader.tail(), self.own.clone(), self.ahead.position);
        self.around.runtime.spawn(async move {
            if tail.passed(position).await {
                let _ = own.send(Message::Tail);
            }
        });
    }

    fn wait(&self, due: Option<Time>) -> Option<Message> {
        let Some(due) = due.filter(|_| matches!(self.around.clock, Clock::System)) else {
            return self.inbox.recv().ok();
        };
        let left = due.as_millis().saturating_sub(self.now().as_millis());
        let left = Duration::from_millis(u64::try_from(left).unwrap_or(0)).min(SLEEP_MAX);
        self.inbox.recv_timeout(left).ok()
    }

    /// Nothing is under way, and nothing is left to be read or sent at this time.
    #[cfg(test)]
    fn say_quiet(&mut self, round: Round) {
        let is_quiet = round != Round::Again && self.under_way == 0;
        if is_quiet && (self.ahead.is_level() || self.outbox.room() == 0) {
            for sender in self.quiet.drain(..) {
                let _ = sender.send(());
            }
        }
    }
}
