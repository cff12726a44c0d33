//! How much is sent at once: requests under way, calls and bytes in one. It grows while the receiver keeps up, and is halved
//! when it does not.

use std::time::Duration;

use super::steady::Moment;
use crate::relay::settings::{Destination, Format};

/// Requests under way at the start.
const CONCURRENCY_START: u32 = 4;
/// No smaller request is made to please a receiver that says 413: a call of the usual size has to fit.
const BYTES_MIN: usize = 4_096;

/// What the answers so far allow.
pub(super) struct Pace {
    /// In thousandths of a request.
    concurrency: u64,
    concurrency_max: u64,
    /// Doubles with every round until the first failure.
    is_start: bool,
    /// Requests begun before this one were begun at the old pace: their failures are no news.
    slowed_at: u64,
    calls: usize,
    calls_max: usize,
    bytes: usize,
    bytes_max: usize,
    /// An answer slower than this is no reason to send more at once.
    slow: Duration,
    hold: Option<Moment>,
}

impl Pace {
    /// The pace for a destination that was not asked yet.
    pub(super) fn new(to: &Destination) -> Self {
        let calls_max = match (to.batch_max, to.format) {
            // One call is one request there, whatever is set.
            (_, Format::Partner) => 1,
            (0, Format::Windsor) => 20,
            (0, Format::Segment) => 100,
            (calls, _) => calls,
        };
        let concurrency_max = u64::try_from(to.concurrency_max.max(1)).unwrap_or(u64::MAX).saturating_mul(1_000);
        Self {
            concurrency: concurrency_max.min(u64::from(CONCURRENCY_START) * 1_000),
            concurrency_max,
            is_start: true,
            slowed_at: 0,
            calls: calls_max,
            calls_max,
            bytes: to.body_bytes_max,
            bytes_max: to.body_bytes_max,
            slow: Duration::from_millis(to.timeout_ms / 2),
            hold: None,
        }
    }

    /// Requests that may be under way now.
    pub(super) fn concurrency(&self) -> usize {
        usize::try_from(self.concurrency / 1_000).unwrap_or(usize::MAX)
    }

    /// Calls in the next request at most.
    pub(super) fn calls(&self) -> usize {
        self.calls
    }

    /// Calls in a request at most, with one that failed so often: what makes the receiver fail is soon alone.
    pub(super) fn calls_with(&self, failures: u32) -> usize {
        self.calls_max.checked_shr(failures.saturating_mul(2)).unwrap_or(0).max(1)
    }

    /// Bytes in the next request at most.
    pub(super) fn bytes(&self) -> usize {
        self.bytes
    }

    /// Until when the receiver wants to be left alone.
    pub(super) fn hold(&self) -> Option<Moment> {
        self.hold
    }

    /// A request was accepted; `under_way` were, this one included.
    pub(super) fn delivered(&mut self, took: Duration, under_way: usize) {
        self.calls = self.calls.saturating_mul(2).min(self.calls_max);
        self.bytes = self.bytes.saturating_add(self.bytes / 64).min(self.bytes_max);
        if took <= self.slow && under_way >= self.concurrency() {
            let step = if self.is_start { 1_000 } else { 1_000_000 / self.concurrency.max(1_000) };
            self.concurrency = self.concurrency.saturating_add(step).min(self.concurrency_max);
        }
    }

    /// A request failed; `begun` is its number, `next` that of the next one.
    pub(super) fn failed(&mut self, begun: u64, next: u64) {
        if begun >= self.slowed_at {
            self.slowed_at = next;
            self.is_start = false;
            self.concurrency = (self.concurrency / 2).max(1_000);
            self.calls = (self.calls / 2).max(1);
        }
    }

    /// The receiver wants to be left alone until then.
    pub(super) fn hold_until(&mut self, moment: Moment) {
        self.hold = self.hold.max(Some(moment));
    }

    /// A request of several calls and so many bytes was too large.
    pub(super) fn too_large(&mut self, bytes: usize) {
        self.bytes = self.bytes.min((bytes / 2).max(BYTES_MIN)).min(self.bytes_max);
    }
}
