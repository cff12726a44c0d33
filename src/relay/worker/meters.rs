//! What `/metrics` says about one destination.

use std::time::Duration;

use metrics::{Counter, Gauge, Histogram};

use crate::relay::outbox::{Breaker, Change};
use crate::relay::status::{Standing, Status};

/// The histogram of how long attempts take, in seconds. `telemetry` gives this name its buckets.
const ATTEMPT_SECONDS: &str = "roundtower_relay_attempt_seconds";

/// Counters of a worker.
pub(super) struct Meters {
    delivered: Counter,
    dead: Counter,
    retried: Counter,
    filtered: Counter,
    attempts: Histogram,
}

impl Meters {
    /// For the destination of this name.
    pub(super) fn new(name: &str) -> Self {
        let counter = |outcome: &'static str| metrics::counter!("roundtower_relay_deliveries_total", "destination" => name.to_owned(), "outcome" => outcome);
        Self {
            delivered: counter("delivered"),
            dead: counter("dead"),
            retried: counter("retried"),
            filtered: counter("filtered"),
            attempts: metrics::histogram!(ATTEMPT_SECONDS, "destination" => name.to_owned()),
        }
    }

    /// So many records are not owed.
    pub(super) fn filtered(&self, count: u64) {
        self.filtered.increment(count);
    }

    /// A request is over.
    pub(super) fn attempt(&self, took: Duration) {
        self.attempts.record(took.as_secs_f64());
    }

    /// Records changed.
    pub(super) fn changed(&self, changes: &[Change]) {
        for change in changes {
            match change {
                Change::Delivered(_) => self.delivered.increment(1),
                Change::Dead { .. } => self.dead.increment(1),
                Change::Waiting { .. } => self.retried.increment(1),
            }
        }
    }
}

/// Hands the state of a destination to the recorder.
pub(in crate::relay) fn publish(status: &Status) {
    let gauge = |name: &'static str| -> Gauge { metrics::gauge!(name, "destination" => status.name.clone()) };
    #[expect(clippy::cast_precision_loss, reason = "a gauge is a float; counts below 2^53 are exact")]
    {
        gauge("roundtower_relay_lag_events").set(status.lag_events as f64);
        gauge("roundtower_relay_lag_seconds").set(status.lag_ms as f64 / 1_000.0);
        gauge("roundtower_relay_in_flight").set(status.in_flight as f64);
    }
    gauge("roundtower_relay_breaker_open").set(if status.breaker == Breaker::Closed { 0.0 } else { 1.0 });
    gauge("roundtower_relay_stopped").set(if status.standing == Standing::Running { 0.0 } else { 1.0 });
    for (state, count) in [("pending", status.counts.pending), ("dead", status.counts.dead)] {
        let records =
            metrics::gauge!("roundtower_relay_records", "destination" => status.name.clone(), "state" => state);
        #[expect(clippy::cast_precision_loss, reason = "a gauge is a float; counts below 2^53 are exact")]
        records.set(count as f64);
    }
    for (outcome, count) in &status.outcomes {
        metrics::counter!("roundtower_relay_requests_total", "destination" => status.name.clone(), "outcome" => *outcome)
            .absolute(*count);
    }
}
