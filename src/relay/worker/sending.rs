//! From sequences to a request, and from the request to its answer in the worker's inbox.

use std::sync::Arc;
use std::sync::mpsc::Sender;
use std::time::{Duration, Instant};

use tokio::runtime::Handle;

use super::Message;
use super::bodies::Bodies;
use crate::call::time::Time;
use crate::clock::Clock;
use crate::journal::{ReadError, Sequence};
use crate::relay::client::Transport;
use crate::relay::format::{Request, Writer};
use crate::relay::ledger::Attempt;
use crate::relay::policy::{Answer, Failure};
use crate::relay::settings::Destination;

/// A request that is over.
pub(in crate::relay) struct Answered {
    /// The records that were in it, in order.
    pub(in crate::relay) sent: Vec<Sequence>,
    /// What came.
    pub(in crate::relay) attempt: Attempt,
    /// How long it took.
    pub(in crate::relay) took: Duration,
}

/// Writes one request with these records, in this order.
pub(super) fn write(bodies: &mut Bodies, to: &Destination, sent: &[Sequence], now: Time) -> Result<Request, ReadError> {
    let mut writer = Writer::new(to);
    for sequence in sent {
        let record = bodies.with(*sequence)?.record(*sequence);
        let missing = || ReadError::Damaged {
            sequence: *sequence,
            place: "the journal".to_owned(),
            detail: "the record is not there any more".to_owned(),
        };
        let record = record.ok_or_else(missing)??;
        if record.is_erased() {
            // It was offered before. The relay is about to be opened anew, and then it is not owed any more.
            return Err(ReadError::Store(format!("record {sequence} is being erased")));
        }
        writer.push(&record);
    }
    Ok(writer.finish(now))
}

/// Sends the request. Whatever happens to the task, an answer reaches the worker: a request that is never answered would
/// hold its lanes for ever.
pub(super) fn spawn(
    runtime: &Handle,
    transport: Arc<dyn Transport>,
    request: Request,
    sent: Vec<Sequence>,
    clock: Clock,
    inbox: Sender<Message>,
) {
    let reply = Reply { sent, at: clock.now(), begun: Instant::now(), clock, answer: None, inbox };
    runtime.spawn(async move {
        let answer = transport.send(request).await;
        reply.with(answer);
    });
}

struct Reply {
    sent: Vec<Sequence>,
    at: Time,
    begun: Instant,
    clock: Clock,
    answer: Option<Answer>,
    inbox: Sender<Message>,
}

impl Reply {
    fn with(mut self, answer: Answer) {
        self.answer = Some(answer);
    }

    fn took(&self) -> Duration {
        match self.clock {
            Clock::System => self.begun.elapsed(),
            Clock::Hand(_) => {
                let took = self.clock.now().as_millis().saturating_sub(self.at.as_millis());
                Duration::from_millis(u64::try_from(took).unwrap_or(0))
            }
        }
    }
}

impl Drop for Reply {
    fn drop(&mut self) {
        let cut = || Answer::Failed { failure: Failure::Reset, text: "the request was cut off on our side".to_owned() };
        let answer = self.answer.take().unwrap_or_else(cut);
        let took = self.took();
        let latency_ms = u32::try_from(took.as_millis()).unwrap_or(u32::MAX);
        let attempt = Attempt { at: self.at, latency_ms, answer };
        let sent = std::mem::take(&mut self.sent);
        // The worker may be gone already: then nobody needs to know.
        let _ = self.inbox.send(Message::Answered(Answered { sent, attempt, took }));
    }
}
