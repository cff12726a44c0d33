//! The circuit breaker: after many failures in a row the receiver is left alone, and one call now and then sees whether it
//! is back.

use std::time::Duration;

use super::steady::Moment;

/// Failed requests in a row, no other answer between, that open it.
pub(super) const FAILURES_MAX: u32 = 5;
/// The longest pause between two probes, however long the receiver is away: this is how late its return may be noticed.
const PAUSE_MAX: Duration = Duration::from_secs(60);

/// What it lets through.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Gate {
    /// Everything.
    Closed,
    /// Nothing before this, then one call.
    Open(Moment),
    /// Nothing: the probe is under way.
    HalfOpen,
}

/// The breaker of one destination.
pub(super) struct Circuit {
    gate: Gate,
    failures: u32,
    pause_min: Duration,
    pause_max: Duration,
    pause: Duration,
}

impl Circuit {
    /// A closed one, with pauses that grow from the first number to the second, at most to a minute.
    pub(super) fn new(initial_ms: u64, max_ms: u64) -> Self {
        let pause_max = Duration::from_millis(max_ms.max(1)).min(PAUSE_MAX);
        let pause_min = Duration::from_millis(initial_ms.max(1)).min(pause_max);
        Self { gate: Gate::Closed, failures: 0, pause_min, pause_max, pause: pause_min }
    }

    /// What it lets through.
    pub(super) fn gate(&self) -> Gate {
        self.gate
    }

    /// The one call that it let through is under way.
    pub(super) fn probe(&mut self) {
        self.gate = Gate::HalfOpen;
    }

    /// The one call was not sent after all, or the operator wants to see at once.
    pub(super) fn probe_again(&mut self, now: Moment) {
        if self.gate != Gate::Closed {
            self.gate = Gate::Open(now);
        }
    }

    /// A request failed. What was under way before it opened says nothing new.
    pub(super) fn failed(&mut self, is_probe: bool, now: Moment, spread: impl FnOnce(Duration) -> Duration) {
        self.failures = self.failures.saturating_add(1);
        let opens = self.gate == Gate::Closed && self.failures >= FAILURES_MAX;
        if opens || is_probe && self.gate == Gate::HalfOpen {
            self.gate = Gate::Open(now.plus(spread(self.pause)));
            self.pause = (self.pause * 2).min(self.pause_max);
        }
    }

    /// The receiver answered, whatever it said. True if it was away.
    pub(super) fn answered(&mut self) -> bool {
        self.failures = 0;
        self.pause = self.pause_min;
        std::mem::replace(&mut self.gate, Gate::Closed) != Gate::Closed
    }
}
