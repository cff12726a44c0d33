//! What comes back: messages, answers, and the end.

use std::sync::mpsc::RecvTimeoutError;
use std::time::{Duration, Instant};

use super::sending::Answered;
use super::{Message, Stop, Worker};
use crate::call::time::Time;
use crate::journal::Sequence;
use crate::relay::ledger::{Attempt, Entry};
use crate::relay::outbox::Change;
use crate::relay::policy::judge;

/// How long requests under way may still take when the relay is closed.
const CLOSE_DEADLINE: Duration = Duration::from_secs(5);

impl Worker {
    /// Takes a message in.
    pub(super) fn take(&mut self, message: Message) -> Result<(), Stop> {
        match message {
            Message::Tail => self.watching = false,
            Message::Look => self.orders.refresh(&self.seat.book),
            // A full disk must not stop the thread: it has to hear that it is to close.
            Message::Answered(answered) if self.is_full() => self.late.push(answered),
            Message::Answered(answered) => self.answered(answered)?,
            Message::Pause(pause) => self.outbox.pause(pause),
            Message::Close => self.closing = true,
            #[cfg(test)]
            Message::Crash => (self.closing, self.crashed) = (true, true),
            #[cfg(test)]
            Message::Quiet(sender) => self.quiet.push(sender),
        }
        Ok(())
    }

    /// Whether to enter something would mean to wait until somebody makes room on the disk.
    fn is_full(&self) -> bool {
        !self.seat.book.writable() && !self.seat.book.has_room()
    }

    /// A request is over: what that means goes into the outbox, the ledger and the numbers.
    pub(super) fn answered(&mut self, answered: Answered) -> Result<(), Stop> {
        let now = self.now();
        self.under_way = self.under_way.saturating_sub(1);
        let Answered { sent, attempt, took } = answered;
        let verdict = judge(&attempt.answer, &self.seat.to);
        let changes = self.outbox.answered(&sent, verdict, took, now);
        self.meters.attempt(took);
        self.seat.live().answered(&attempt.answer, now);
        self.enter(Some((sent, attempt)), changes, now);
        if let Some(pause) = self.outbox.pause_wanted() {
            let destination = &self.seat.to.name;
            tracing::error!(destination, "the receiver does not accept the key; nothing is sent until `relay resume`");
            self.seat.book.set_pause(Some(pause))?;
        }
        Ok(())
    }

    /// What changed goes into the ledger, and into all that counts.
    pub(super) fn enter(&mut self, attempt: Option<(Vec<Sequence>, Attempt)>, changes: Vec<Change>, now: Time) {
        for change in &changes {
            match change {
                Change::Delivered(sequence) | Change::Dead { sequence, .. } | Change::Waiting { sequence, .. } => {
                    self.bodies.done(*sequence);
                }
            }
        }
        let again = self.orders.settle(&changes);
        self.meters.changed(&changes);
        self.seat.live().changed(&changes, now);
        self.seat.book.enter(Entry { attempt, changes, filtered: Vec::new(), again });
    }

    /// Requests under way may finish for a while; what is known then is made durable.
    pub(super) fn finish(&mut self) -> Result<(), Stop> {
        let begun = Instant::now();
        while self.under_way > 0 && !self.is_full() {
            match self.inbox.recv_timeout(CLOSE_DEADLINE.saturating_sub(begun.elapsed())) {
                Ok(Message::Answered(answered)) => self.answered(answered)?,
                Ok(_) => {}
                Err(RecvTimeoutError::Timeout | RecvTimeoutError::Disconnected) => break,
            }
        }
        self.seat.book.sync()?;
        Ok(())
    }
}
