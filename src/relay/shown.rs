//! The relay in JSON, as the API and the commands show it.

use serde_json::{Value, json};

use super::Relay;
use super::ledger::{Again, Attempt, Counts, State};
use super::outbox::Breaker;
use super::policy::Answer;
use super::settings::Format;
use super::status::{Delivery, Finding, Status};
use crate::call::CallType;
use crate::call::time::Time;

/// A destination.
pub fn destination(status: &Status) -> Value {
    let failure = status.last_failure_at.map(|at| json!({"at": at.to_string(), "text": status.last_failure}));
    json!({
        "name": status.name,
        "format": format(status.format),
        "url": status.url,
        "state": status.standing.as_str(),
        "reason": status.reason,
        "counts": counts(&status.counts),
        "lag_events": status.lag_events,
        "lag_ms": status.lag_ms,
        "rate_per_second": status.rate_per_second,
        "breaker": breaker(status.breaker),
        "in_flight": status.in_flight,
        "waiting": status.waiting,
        "concurrency": status.concurrency,
        "outcomes": status.outcomes,
        "last_success": shown(status.last_success_at),
        "last_failure": failure,
        "redelivering": status.redeliveries,
    })
}

/// What a destination lags, in short.
pub fn lag(status: &Status) -> Value {
    json!({
        "destination": status.name,
        "state": status.standing.as_str(),
        "lag_events": status.lag_events,
        "lag_ms": status.lag_ms,
        "dead": status.counts.dead,
    })
}

/// The accounts of every destination, and what `verify` has to say about them: an account that does not close and a
/// damaged ledger are damage, anything else is a remark.
pub fn audit(relay: &Relay) -> (Value, Vec<Value>) {
    let findings = match relay.reconcile() {
        Ok(findings) => findings,
        Err(error) => {
            let text = format!("the relay's accounts cannot be counted: {error}");
            return (Value::Null, vec![json!({"damage": error.is_damage(), "text": text})]);
        }
    };
    let of = |status: &Status| {
        let Counts { pending, delivered, filtered, dead } = status.counts;
        json!({
            "destination": status.name,
            "appended": pending + delivered + filtered + dead,
            "delivered": delivered,
            "filtered": filtered,
            "pending": pending,
            "dead": dead,
            "equal": findings.iter().all(|finding| finding.destination != status.name),
        })
    };
    let told = |finding: &Finding| json!({"damage": true, "text": format!("relay to `{}`: {}", finding.destination, finding.text)});
    (relay.list().iter().map(of).collect(), findings.iter().map(told).collect())
}

/// Records by state.
fn counts(counts: &Counts) -> Value {
    json!({
        "pending": counts.pending,
        "delivered": counts.delivered,
        "filtered": counts.filtered,
        "dead": counts.dead,
    })
}

/// One record at one destination.
pub fn delivery(one: &Delivery) -> Value {
    let (mut status, mut failure, mut said) = (None, None, None);
    if let Some(last) = &one.last {
        let (number, word, text) = answer(&last.answer);
        (status, failure, said) = (number, word, Some(text));
    }
    json!({
        "sequence": one.sequence.get(),
        "message_id": one.message_id,
        "type": one.kind.map(CallType::as_str),
        "event": one.event,
        "received_at": shown(one.received_at),
        "state": one.state.as_str(),
        "code": one.code,
        "attempts": one.attempts,
        "attempted_at": one.last.as_ref().map(|last| last.at.to_string()),
        "due": shown(one.due),
        "status": status,
        "failure": failure,
        "answer": said,
        "latency_ms": one.last.as_ref().map(|last| last.latency_ms),
    })
}

/// What became of one record at one destination.
pub fn tried(destination: &str, state: State, attempts: &[Attempt]) -> Value {
    let attempts: Vec<Value> = attempts.iter().map(attempt).collect();
    json!({"destination": destination, "state": state.as_str(), "attempts": attempts})
}

/// An order to deliver again, as it was taken.
pub fn order(destination: &str, order: &Again) -> Value {
    json!({
        "destination": destination,
        "from": order.next.get(),
        "to": order.end.get(),
        "state": if order.dead_only { "dead" } else { "all" },
        "type": order.kind,
        "event": order.event,
        "records": order.end.since(order.next),
    })
}

fn attempt(one: &Attempt) -> Value {
    let (status, failure, answer) = answer(&one.answer);
    json!({
        "at": one.at.to_string(),
        "status": status,
        "failure": failure,
        "latency_ms": one.latency_ms,
        "answer": answer,
    })
}

/// The status, or in a word why there was none; and what was said.
fn answer(answer: &Answer) -> (Option<u16>, Option<&'static str>, &str) {
    match answer {
        // A dead letter whose attempts are not kept any more says so by a status that there is not.
        Answer::Status { status, text, .. } => (Some(*status).filter(|status| *status > 0), None, text),
        Answer::Failed { failure, text } => (None, Some(failure.as_str()), text),
    }
}

const fn format(format: Format) -> &'static str {
    match format {
        Format::Windsor => "windsor",
        Format::Partner => "partner",
        Format::Segment => "segment",
    }
}

const fn breaker(breaker: Breaker) -> &'static str {
    match breaker {
        Breaker::Closed => "closed",
        Breaker::Open(_) => "open",
        Breaker::HalfOpen => "half_open",
    }
}

fn shown(time: Option<Time>) -> Option<String> {
    time.map(|time| time.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::journal::Sequence;
    use crate::relay::policy::Failure;

    #[test]
    fn an_attempt_has_a_status_or_a_failure() {
        let at = Time::from_millis(0);
        let of = |answer| attempt(&Attempt { at, latency_ms: 7, answer });
        let refused = of(Answer::Status { status: 400, retry_after: None, text: "no".to_owned() });
        let time = "1970-01-01T00:00:00.000Z";
        assert_eq!(refused, json!({"at": time, "status": 400, "failure": null, "latency_ms": 7, "answer": "no"}));
        let late = of(Answer::Failed { failure: Failure::Timeout, text: "late".to_owned() });
        assert_eq!(late, json!({"at": time, "status": null, "failure": "timeout", "latency_ms": 7, "answer": "late"}));
        let forgotten = of(Answer::Status { status: 0, retry_after: None, text: String::new() });
        assert_eq!(forgotten["status"], Value::Null);
    }

    #[test]
    fn a_record_that_was_not_tried_has_no_answer() {
        let one = Delivery {
            sequence: Sequence::new(5),
            message_id: None,
            kind: None,
            event: None,
            received_at: None,
            state: State::Pending,
            attempts: 0,
            last: None,
            due: None,
            code: None,
        };
        let shown = delivery(&one);
        for name in ["message_id", "type", "attempted_at", "due", "status", "failure", "answer", "latency_ms", "code"] {
            assert_eq!(shown[name], Value::Null, "{name}");
        }
        assert_eq!((&shown["sequence"], &shown["state"]), (&json!(5), &json!("pending")));
    }
}
