//! Samples of an hour, and one a minute of the day before: bounded, whatever the clock does.

use std::collections::VecDeque;
use std::sync::Arc;

use serde_json::{Value, json};

use crate::call::time::Time;

/// How often a sample is taken, in milliseconds.
pub(super) const INTERVAL_MS: i64 = 10_000;
const MINUTE_MS: i64 = 60_000;
const HOUR_MS: i64 = 60 * MINUTE_MS;
const DAY_MS: i64 = 24 * HOUR_MS;
/// As many as fit into an hour, both ends included; and into a day.
const FINE_MAX: usize = 361;
const COARSE_MAX: usize = 1_441;

/// Bytes on disk of each part of the data folder.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct DiskBytes {
    pub(super) journal: u64,
    pub(super) views: u64,
    pub(super) relay: u64,
}

/// One destination.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Relayed {
    pub(super) name: Arc<str>,
    pub(super) delivered: u64,
    /// Requests that failed since the start.
    pub(super) failed: u64,
    pub(super) dead: u64,
    pub(super) pending: u64,
    pub(super) lag_ms: u64,
}

/// The numbers of one moment.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Sample {
    pub(super) at: Time,
    pub(super) appended: u64,
    pub(super) duplicate: u64,
    pub(super) rejected: u64,
    pub(super) filtered: u64,
    pub(super) journal_queued_bytes: u64,
    pub(super) views_lag_events: u64,
    pub(super) views_lag_ms: u64,
    pub(super) disk_bytes: DiskBytes,
    pub(super) disk_free_bytes: u64,
    /// Resident memory, where the system tells it.
    pub(super) memory_bytes: Option<u64>,
    pub(super) relay: Vec<Relayed>,
}

impl DiskBytes {
    pub(super) fn shown(self) -> Value {
        json!({"journal": self.journal, "views": self.views, "relay": self.relay})
    }
}

impl Sample {
    pub(super) fn shown(&self) -> Value {
        let relayed = |one: &Relayed| {
            let numbers = json!({
                "delivered": one.delivered,
                "failed": one.failed,
                "dead": one.dead,
                "pending": one.pending,
                "lag_ms": one.lag_ms,
            });
            (one.name.to_string(), numbers)
        };
        json!({
            "at": self.at.to_string(),
            "appended": self.appended,
            "duplicate": self.duplicate,
            "rejected": self.rejected,
            "filtered": self.filtered,
            "journal_queued_bytes": self.journal_queued_bytes,
            "views_lag_events": self.views_lag_events,
            "views_lag_ms": self.views_lag_ms,
            "disk_bytes": self.disk_bytes.shown(),
            "disk_free_bytes": self.disk_free_bytes,
            "memory_bytes": self.memory_bytes,
            "relay": self.relay.iter().map(relayed).collect::<serde_json::Map<_, _>>(),
        })
    }
}

/// The samples, oldest first.
#[derive(Debug, Default)]
pub(super) struct Samples {
    coarse: VecDeque<Sample>,
    fine: VecDeque<Sample>,
}

impl Samples {
    /// Adds the newest one; older ones are thinned out and dropped.
    pub(super) fn add(&mut self, sample: Sample) {
        let now = sample.at.as_millis();
        let age = |one: &Sample| now.saturating_sub(one.at.as_millis());
        self.fine.push_back(sample);
        while self.fine.len() > FINE_MAX || self.fine.front().is_some_and(|one| age(one) > HOUR_MS) {
            let Some(old) = self.fine.pop_front() else { break };
            let minute = |one: &Sample| one.at.as_millis().div_euclid(MINUTE_MS);
            if self.coarse.back().is_none_or(|last| minute(last) != minute(&old)) {
                self.coarse.push_back(old);
            }
        }
        while self.coarse.len() > COARSE_MAX || self.coarse.front().is_some_and(|one| age(one) > DAY_MS) {
            self.coarse.pop_front();
        }
    }

    /// Those of this time and later, oldest first.
    pub(super) fn since(&self, since: Option<Time>) -> impl Iterator<Item = &Sample> {
        let all = self.coarse.iter().chain(&self.fine);
        all.filter(move |one| since.is_none_or(|since| one.at >= since))
    }

    pub(super) fn latest(&self) -> Option<&Sample> {
        self.fine.back()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::Clock;

    const START: &str = "2026-11-23T12:00:00.000Z";

    fn run(samples: &mut Samples, clock: &Clock, count: u64) {
        for number in 0..count {
            samples.add(Sample { at: clock.now(), appended: number, ..Sample::default() });
            clock.advance(INTERVAL_MS);
        }
    }

    fn times(samples: &Samples) -> Vec<i64> {
        samples.since(None).map(|one| one.at.as_millis()).collect()
    }

    #[test]
    fn an_hour_is_kept_whole_and_a_day_by_the_minute() {
        let clock = Clock::hand(Time::parse(START).unwrap());
        let mut samples = Samples::default();
        run(&mut samples, &clock, 361);
        assert_eq!(samples.since(None).count(), 361, "an hour, both ends");
        run(&mut samples, &clock, 361);
        assert_eq!((samples.coarse.len(), samples.fine.len()), (61, 361), "of the hour before one a minute");
        run(&mut samples, &clock, 3 * 8_640);
        assert_eq!(samples.fine.len(), 361);
        let all = times(&samples);
        assert!(all.len() <= FINE_MAX + COARSE_MAX && all.len() > 1_700, "{}", all.len());
        assert!(all.windows(2).all(|pair| matches!(pair, [a, b] if b - a == INTERVAL_MS || b - a == MINUTE_MS)));
        let newest = *all.last().unwrap();
        assert!((DAY_MS - MINUTE_MS..=DAY_MS).contains(&(newest - all.first().unwrap())));
        let since = Time::from_millis(newest - 25_000);
        assert_eq!(samples.since(Some(since)).count(), 3, "0, 10 and 20 seconds ago");
        assert_eq!(samples.latest().unwrap().at.as_millis(), newest);
    }

    #[test]
    fn a_clock_that_jumps_never_makes_it_grow() {
        let clock = Clock::hand(Time::parse(START).unwrap());
        let mut samples = Samples::default();
        for jump in [0, -DAY_MS * 3, DAY_MS, -1, HOUR_MS * 5, i64::from(i32::MAX)] {
            clock.advance(jump);
            run(&mut samples, &clock, 2_000);
            assert!(samples.fine.len() <= FINE_MAX && samples.coarse.len() <= COARSE_MAX, "after a jump of {jump} ms");
            assert!(samples.latest().is_some());
        }
    }
}
