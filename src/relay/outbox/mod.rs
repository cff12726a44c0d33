//! What may be sent now: the pure rules of order, batches, retries, breaker and pace of one destination. No clock, no
//! I/O: time comes in, decisions come out.
//!
//! A **lane** is the calls of one person in order. A call that waits for its next attempt holds back its lane only: a call
//! is sent when all earlier ones held that share an id with it, also by way of others, are settled or in the same request
//! (`lanes`). Among those that may be sent, the one offered first is first.
//!
//! What is held is bounded, in all ([`Outbox::room`]) and for each id (`crowd`), and every step takes the time of a
//! search tree's, whatever was offered.

mod agenda;
mod answer;
mod batch;
mod circuit;
mod crowd;
mod lanes;
mod pace;
mod pieces;
mod rate;
mod retry;
mod steady;
mod suspects;
mod terms;
#[cfg(test)]
mod tests;
mod turn;

use std::collections::HashMap;
use std::time::Duration;

use agenda::Agenda;
use circuit::{Circuit, Gate};
use crowd::Crowd;
use lanes::{Held, Key, Lanes};
use pace::Pace;
use pieces::Pieces;
use rate::Rate;
use retry::Dice;
use steady::{Moment, Steady};
use suspects::Suspects;
pub use terms::{Breaker, Change, Next, Numbers, Offer, Pause, Tried};

use super::policy::Verdict;
use super::settings::Destination;
use crate::call::time::Time;
use crate::journal::Sequence;

/// Records held at most.
const HELD_MAX: usize = 20_000;
/// Records taken in while the receiver is away, if there is none left to see with whether it is back: without them a
/// single call that makes it fail would decide for all others.
const PROBES_MAX: usize = 64;
/// The rules of one destination, and what is owed and known to it.
pub struct Outbox {
    to: Destination,
    steady: Steady,
    dice: Dice,
    lanes: Lanes,
    crowd: Crowd,
    agenda: Agenda,
    pieces: Pieces,
    suspects: Suspects,
    circuit: Circuit,
    pace: Pace,
    rate: Rate,
    pause: Option<Pause>,
    pause_wanted: bool,
    flights: HashMap<u64, Flight>,
    flights_made: u64,
    /// Records in flights, and records tried in vain that are in none.
    under_way: usize,
    waiting: usize,
}

/// A request under way.
#[derive(Clone, Copy)]
struct Flight {
    begun: Moment,
    left: usize,
    is_probe: bool,
}

impl Outbox {
    /// An empty one. `seed` spreads the pauses between attempts.
    pub fn new(to: &Destination, seed: u64, pause: Option<Pause>) -> Self {
        Self {
            to: to.clone(),
            steady: Steady::default(),
            dice: Dice::new(seed),
            lanes: Lanes::default(),
            crowd: Crowd::default(),
            agenda: Agenda::default(),
            pieces: Pieces::default(),
            suspects: Suspects::new(to.unauthorized_max),
            circuit: Circuit::new(to.retry_initial_ms, to.retry_max_ms),
            pace: Pace::new(to),
            rate: Rate::new(to.rate_per_second),
            pause,
            pause_wanted: false,
            flights: HashMap::new(),
            flights_made: 0,
            under_way: 0,
            waiting: 0,
        }
    }

    /// How many more records may be offered now; 0 while enough is held, or nothing can be sent anyway.
    pub fn room(&self) -> usize {
        let free = HELD_MAX.saturating_sub(self.lanes.len());
        match self.circuit.gate() {
            _ if self.pause.is_some() || self.crowd.is_too_large() => 0,
            Gate::Closed => free,
            Gate::Open(_) if self.agenda.ready() == 0 => free.min(PROBES_MAX),
            Gate::Open(_) | Gate::HalfOpen => 0,
        }
    }

    /// Takes a record in, behind all others of its lane. Records come in the order of their sequences, except those that
    /// are delivered again. One that is held already stays where it is.
    ///
    /// False: too many of its lane are held, so it was left behind. It has to be offered again: see
    /// [`Self::left_behind`].
    #[must_use = "a record that is left behind has to be offered again"]
    pub fn offer(&mut self, offer: Offer, now: Time) -> bool {
        if self.lanes.find(offer.sequence).is_some() {
            return true;
        }
        if self.crowd.is_closed(&self.lanes, &offer.ids) {
            self.crowd.leave(&self.lanes, offer.sequence, &offer.ids);
            return false;
        }
        self.hold(offer, now);
        true
    }

    /// Takes a settled record in that is to be delivered again. False: too many of its lane are held; it is for the
    /// caller to offer it again later.
    #[must_use = "a record that is left behind has to be offered again"]
    pub fn offer_again(&mut self, offer: Offer, now: Time) -> bool {
        let is_held = self.lanes.find(offer.sequence).is_some();
        let is_taken = is_held || !self.crowd.is_closed(&self.lanes, &offer.ids);
        if is_taken && !is_held {
            self.hold(offer, now);
        }
        is_taken
    }

    /// Where the journal has to be read again, because records were left behind and there is room for them now: what is
    /// owed from there on has to be offered in order, whether it was offered before or not. Told once.
    pub fn left_behind(&mut self) -> Option<Sequence> {
        self.crowd.take()
    }

    fn hold(&mut self, offer: Offer, now: Time) {
        let now = self.steady.at(now);
        let Offer { sequence, ids, bytes, tried } = offer;
        let mut held = Held::new(sequence, bytes, now);
        held.era = self.agenda.era();
        if let Some(tried) = tried.filter(|tried| tried.attempts > 0) {
            // A clock that was set back since must not make them wait longer than any pause is.
            let longest = retry::spread(Duration::from_millis(self.to.retry_max_ms), retry::JITTER_MAX);
            held.attempts = tried.attempts;
            held.failures = tried.attempts;
            held.first_at = Some(self.steady.moment(tried.first_at).min(now));
            held.due = self.steady.moment(tried.due).min(now.plus(longest));
            held.due = self.expiry(&held).map_or(held.due, |expiry| held.due.min(expiry));
            self.waiting += 1;
        }
        let key = self.lanes.insert(held, &ids);
        if let Some(held) = self.lanes.get(key) {
            self.agenda.enter(key, held, now);
        }
    }

    /// Takes what came of a request in, and says what that means: for each of its records, and for others that were
    /// waiting for such an answer.
    pub fn answered(&mut self, sent: &[Sequence], verdict: Verdict, took: Duration, now: Time) -> Vec<Change> {
        let now = self.steady.at(now);
        self.land(sent).map_or_else(Vec::new, |landed| self.decide(&landed, verdict, took, now))
    }

    /// Takes records of a request back that were not sent after all, or of which nobody knows: they are owed as before.
    pub fn unsent(&mut self, sent: &[Sequence], now: Time) {
        let now = self.steady.at(now);
        if let Some(landed) = self.land(sent) {
            self.take_back(&landed, now);
        }
    }

    /// Stops sending, or goes on.
    pub fn pause(&mut self, pause: Option<Pause>) {
        self.pause = pause;
        self.pause_wanted = false;
        if self.pause.is_none() {
            // Whoever resumes it has seen to it, and wants to see what happens.
            self.suspects.forget_row();
            self.circuit.probe_again(self.steady.now());
        }
    }

    /// The pause it put on itself since this was last asked: to be stored, and an operator to be told.
    pub fn pause_wanted(&mut self) -> Option<Pause> {
        std::mem::take(&mut self.pause_wanted).then(|| self.pause.clone()).flatten()
    }

    /// The state in numbers.
    pub fn numbers(&self) -> Numbers {
        Numbers {
            held: self.lanes.len(),
            in_flight: self.under_way,
            waiting: self.waiting,
            concurrency: self.pace.concurrency(),
            breaker: match self.circuit.gate() {
                Gate::Closed => Breaker::Closed,
                Gate::Open(until) => Breaker::Open(self.steady.clock(until)),
                Gate::HalfOpen => Breaker::HalfOpen,
            },
            pause: self.pause.clone(),
        }
    }

    /// When it is given up; none as long as it was not tried.
    fn expiry(&self, held: &Held) -> Option<Moment> {
        held.first_at.map(|first_at| first_at.plus(Duration::from_secs(self.to.expire_after_s)))
    }

    fn is_expired(&self, held: &Held, now: Moment) -> bool {
        self.expiry(held).is_some_and(|expiry| expiry <= now)
    }

    /// Settles a record as dead.
    fn give_up(&mut self, key: Key, code: &'static str, now: Moment) -> Option<Change> {
        let held = self.settle(key, now)?;
        let first_at = self.steady.clock(held.first_at.unwrap_or(now));
        let tried = Tried { attempts: held.attempts, first_at, due: self.steady.clock(now) };
        Some(Change::Dead { sequence: held.sequence, code, tried })
    }

    /// Lets go of a record, and lets those behind it move up.
    fn settle(&mut self, key: Key, now: Moment) -> Option<Held> {
        self.pieces.leave(&mut self.lanes, key);
        let held = self.lanes.get(key)?;
        self.agenda.leave(key, held);
        self.waiting -= usize::from(held.is_waiting());
        let (held, freed) = self.lanes.remove(key)?;
        for id in held.ids() {
            self.crowd.settled(&self.lanes, id);
        }
        for key in freed {
            if let Some(held) = self.lanes.get(key) {
                self.agenda.enter(key, held, now);
            }
        }
        Some(held)
    }

    /// Changes what is known of a record, and with it its place on the agenda.
    fn change(&mut self, key: Key, now: Moment, alter: impl FnOnce(&mut Held)) {
        let Some(held) = self.lanes.get_mut(key) else { return };
        self.agenda.leave(key, held);
        self.waiting -= usize::from(held.is_waiting());
        alter(held);
        self.waiting += usize::from(held.is_waiting());
        self.agenda.enter(key, held, now);
    }
}
