//! One destination as the handle and its worker share it: settings, ledger, and what is going on.

use std::collections::{BTreeMap, VecDeque};
use std::sync::mpsc::Sender;
use std::sync::{Mutex, MutexGuard, PoisonError};

use super::ledger::{Book, State};
use super::outbox::{Breaker, Change, Numbers, Pause};
use super::policy::Answer;
use super::settings::Destination;
use super::status::{Delivery, Finding, Standing, Status, shown_url};
use super::worker::Message;
use super::{RelayError, filter};
use crate::call::time::Time;
use crate::journal::{Reader, Sequence};

/// Over how many seconds the rate is taken.
const RATE_S: i64 = 10;

/// One destination.
pub(super) struct Seat {
    pub(super) to: Destination,
    pub(super) book: Book,
    live: Mutex<Live>,
    inbox: Mutex<Option<Sender<Message>>>,
    /// When the oldest pending record was received: it is looked up once, not at every question.
    oldest: Mutex<Option<(Sequence, Time)>>,
}

impl Seat {
    pub(super) fn new(to: Destination, book: Book) -> Self {
        let (live, inbox, oldest) = (Mutex::default(), Mutex::default(), Mutex::default());
        Self { to, book, live, inbox, oldest }
    }

    pub(super) fn live(&self) -> MutexGuard<'_, Live> {
        self.live.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Its worker listens there.
    pub(super) fn listen(&self, inbox: Sender<Message>) {
        *self.inbox.lock().unwrap_or_else(PoisonError::into_inner) = Some(inbox);
    }

    /// Tells the worker, if there is one. Without one nothing is lost: a worker begins with what the ledger says.
    pub(super) fn tell(&self, message: Message) {
        if let Some(inbox) = self.inbox.lock().unwrap_or_else(PoisonError::into_inner).as_ref() {
            let _ = inbox.send(message);
        }
    }

    /// Waits until its worker is at rest, or has ended.
    #[cfg(test)]
    pub(super) fn settle(&self) {
        let (send, receive) = std::sync::mpsc::channel();
        self.tell(Message::Look);
        self.tell(Message::Quiet(send));
        let _ = receive.recv();
    }

    #[cfg(test)]
    pub(super) fn stands(&self) -> Standing {
        self.standing(&self.live(), self.book.pause().as_ref()).0
    }

    /// The state now. Blocks for a moment: the oldest pending record may have to be read.
    pub(super) fn status(&self, reader: &dyn Reader, now: Time) -> Status {
        let counts = self.book.counts(reader.tail().next());
        let waited = if counts.pending == 0 { None } else { self.oldest(reader) };
        let waited = waited.map_or(0, |at| now.as_millis().saturating_sub(at.as_millis()));
        let pause = self.book.pause();
        let redeliveries = self.book.again().len();
        let live = self.live();
        let (standing, reason) = self.standing(&live, pause.as_ref());
        let numbers = live.numbers.as_ref();
        Status {
            name: self.to.name.clone(),
            format: self.to.format,
            url: shown_url(&self.to),
            standing,
            reason,
            counts,
            lag_events: counts.pending,
            lag_ms: u64::try_from(waited).unwrap_or(0),
            rate_per_second: live.rate(now),
            outcomes: live.outcomes.clone(),
            breaker: numbers.map_or(Breaker::Closed, |numbers| numbers.breaker),
            in_flight: numbers.map_or(0, |numbers| numbers.in_flight),
            waiting: numbers.map_or(0, |numbers| numbers.waiting),
            concurrency: numbers.map_or(0, |numbers| numbers.concurrency),
            last_success_at: live.last_success_at,
            last_failure_at: live.last_failure_at,
            last_failure: live.last_failure.clone(),
            redeliveries,
        }
    }

    /// One record as operators see it. Blocks.
    pub(super) fn delivery(
        &self,
        reader: &dyn Reader,
        sequence: Sequence,
        state: State,
    ) -> Result<Delivery, RelayError> {
        let slice = reader.read(sequence, 1)?;
        let record = slice.record(sequence).transpose()?;
        let told = record.as_ref().filter(|record| !record.is_erased());
        let mut attempts = self.book.attempts(sequence)?;
        let letter = if state == State::Dead { self.book.dead_letter(sequence)? } else { None };
        let waits = self.book.tried(sequence);
        let tried = waits.or(letter.as_ref().map(|letter| letter.tried)).map_or(0, |tried| tried.attempts);
        let kept = u32::try_from(attempts.len()).unwrap_or(u32::MAX);
        Ok(Delivery {
            sequence,
            message_id: told.map(|record| record.call.message_id.as_str().to_owned()),
            kind: told.map(|record| record.call.kind),
            event: told.and_then(|record| record.call.name.as_deref().map(str::to_owned)),
            received_at: record.as_ref().map(|record| record.received_at),
            state,
            attempts: tried.max(kept),
            last: attempts.pop(),
            due: waits.map(|tried| tried.due),
            code: match state {
                State::Dead => letter.map(|letter| letter.code),
                State::Filtered if sequence < self.book.start() => Some("BEFORE_START".to_owned()),
                State::Filtered => {
                    record.and_then(|one| filter::skip(&one, &self.to)).map(|why| why.as_str().to_owned())
                }
                State::Pending | State::Delivered => None,
            },
        })
    }

    /// What does not agree in the accounts. Blocks. Both counts are of one moment, whatever is settled meanwhile.
    pub(super) fn reconcile(&self, reader: &dyn Reader) -> Result<Vec<Finding>, RelayError> {
        let tail = reader.tail().next();
        let (running, stored) = self.book.audit(tail)?;
        let appended = tail.since(Sequence::FIRST);
        let sum = stored.delivered + stored.filtered + stored.pending + stored.dead;
        let mut findings = Vec::new();
        let mut found = |text: String| findings.push(Finding { destination: self.to.name.clone(), text });
        if running != stored {
            found(format!("the running counts {running:?} are not what the ledger holds, {stored:?}"));
        }
        if sum != appended {
            found(format!("{sum} records have a state, but {appended} are in the journal"));
        }
        Ok(findings)
    }

    fn standing(&self, live: &Live, pause: Option<&Pause>) -> (Standing, Option<String>) {
        if let Some(reason) = &live.failed {
            return (Standing::Failed, Some(reason.clone()));
        }
        if !self.to.enabled {
            return (Standing::Disabled, Some("the configuration says `enabled = false`".to_owned()));
        }
        match pause {
            Some(Pause::Operator) => (Standing::Paused, Some("an operator paused it".to_owned())),
            Some(Pause::Unauthorized) => {
                let reason = "the receiver does not accept the key: set `api_key`, restart, then `relay resume`";
                (Standing::Alarm, Some(reason.to_owned()))
            }
            None => (Standing::Running, live.trouble.clone()),
        }
    }

    fn oldest(&self, reader: &dyn Reader) -> Option<Time> {
        let floor = self.book.floor();
        let mut oldest = self.oldest.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((sequence, at)) = *oldest
            && sequence == floor
        {
            return Some(at);
        }
        let slice = reader.read(floor, 1).ok()?;
        let at = slice.records().next()?.ok()?.received_at;
        *oldest = Some((floor, at));
        Some(at)
    }
}

/// What a worker says about itself.
#[derive(Default)]
pub(super) struct Live {
    /// Why it ended, if it did.
    pub(super) failed: Option<String>,
    /// Why it does not get on at this moment.
    pub(super) trouble: Option<String>,
    pub(super) numbers: Option<Numbers>,
    outcomes: BTreeMap<&'static str, u64>,
    last_success_at: Option<Time>,
    last_failure_at: Option<Time>,
    last_failure: Option<String>,
    /// Records settled, by second.
    settled: VecDeque<(i64, u64)>,
}

impl Live {
    /// So many records were settled now.
    pub(super) fn settled(&mut self, count: u64, now: Time) {
        if count == 0 {
            return;
        }
        let second = now.as_millis().div_euclid(1_000);
        match self.settled.back_mut() {
            Some((last, sum)) if *last == second => *sum += count,
            _ => self.settled.push_back((second, count)),
        }
        while self.settled.len() > usize::try_from(RATE_S).unwrap_or(usize::MAX) + 1 {
            self.settled.pop_front();
        }
    }

    /// Records changed.
    pub(super) fn changed(&mut self, changes: &[Change], now: Time) {
        let settled = changes.iter().filter(|change| !matches!(change, Change::Waiting { .. })).count();
        self.settled(u64::try_from(settled).unwrap_or(u64::MAX), now);
    }

    /// A request is over.
    pub(super) fn answered(&mut self, answer: &Answer, now: Time) {
        *self.outcomes.entry(outcome(answer)).or_default() += 1;
        match answer {
            Answer::Status { status: 200..=299, .. } => {
                self.last_success_at = Some(now);
                self.trouble = None;
            }
            Answer::Status { status, text, .. } => {
                self.last_failure_at = Some(now);
                let text =
                    if text.is_empty() { format!("status {status}") } else { format!("status {status}: {text}") };
                self.last_failure = Some(text);
            }
            Answer::Failed { text, .. } => {
                self.last_failure_at = Some(now);
                self.last_failure = Some(text.clone());
            }
        }
    }

    /// Records settled a second, over the whole seconds before this one.
    fn rate(&self, now: Time) -> f64 {
        let second = now.as_millis().div_euclid(1_000);
        let recent = self.settled.iter().filter(|(at, _)| (second - RATE_S..second).contains(at));
        let sum = recent.map(|(_, count)| u32::try_from(*count).unwrap_or(u32::MAX)).map(f64::from).sum::<f64>();
        // The sum of nothing is a negative zero.
        (sum + 0.0) / f64::from(i32::try_from(RATE_S).unwrap_or(i32::MAX))
    }
}

fn outcome(answer: &Answer) -> &'static str {
    match answer {
        Answer::Status { status, .. } => match status / 100 {
            1 => "1xx",
            2 => "2xx",
            3 => "3xx",
            4 => "4xx",
            _ => "5xx",
        },
        Answer::Failed { failure, .. } => failure.as_str(),
    }
}
