//! Calls a second: a bucket that holds one second's worth.

use std::time::Duration;

use super::steady::Moment;

/// The bucket of one destination; without a rate it is never empty.
pub(super) struct Rate {
    per_second: u64,
    /// In thousandths of a call.
    filled: u64,
    at: Option<Moment>,
}

impl Rate {
    /// A full one. 0 is no limit.
    pub(super) fn new(per_second: u32) -> Self {
        Self { per_second: per_second.into(), filled: u64::from(per_second) * 1_000, at: None }
    }

    /// Lets in what came since it was last looked at.
    pub(super) fn fill(&mut self, now: Moment) {
        let passed_ms = self.at.map_or(0, |at| now.since(at));
        self.at = Some(now);
        let full = self.per_second * 1_000;
        self.filled = self.filled.saturating_add(passed_ms.saturating_mul(self.per_second)).min(full);
    }

    /// Calls that may be sent now.
    pub(super) fn calls(&self) -> usize {
        if self.per_second == 0 { usize::MAX } else { usize::try_from(self.filled / 1_000).unwrap_or(usize::MAX) }
    }

    /// How long until so many calls, or a full bucket, may be sent at once; none is now.
    pub(super) fn pause(&self, calls: usize) -> Option<Duration> {
        let wanted = u64::try_from(calls).unwrap_or(u64::MAX).min(self.per_second) * 1_000;
        let missing = wanted.saturating_sub(self.filled);
        (missing > 0).then(|| Duration::from_millis(missing.div_ceil(self.per_second.max(1))))
    }

    /// So many are sent.
    pub(super) fn take(&mut self, calls: usize) {
        let calls = u64::try_from(calls).unwrap_or(u64::MAX).saturating_mul(1_000);
        self.filled = self.filled.saturating_sub(calls);
    }
}
