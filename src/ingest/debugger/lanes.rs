//! How many calls of each source and verdict came while somebody watched, and how many more may be kept now.
//!
//! Each lane has its own allowance, so that a rejected call is seen beside a hundred thousand accepted ones, a quiet source
//! beside a loud one, and what is wrong with a whole batch beside what is wrong with each of its messages. What is beyond is counted, and told as skipped.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::glance::{Filter, Verdict};
use crate::call::time::Time;

/// Calls of one lane that are kept at once, and a second on end.
const LANE: Rate = Rate { burst: 200, per_second: 100 };
/// Of all lanes together.
const ALL: Rate = Rate { burst: 1_000, per_second: 500 };
/// Sources by name are as many as operators made; still, no map grows without end.
const LANES_MAX: usize = 10_000;
/// A thousandth of a call: allowances grow by the millisecond.
const MILLI: i64 = 1_000;

#[derive(Clone, Copy, Debug)]
struct Rate {
    burst: i64,
    per_second: i64,
}

/// An allowance that fills up as time passes.
#[derive(Clone, Copy, Debug)]
struct Bucket {
    millis: i64,
    at: Time,
}

impl Bucket {
    const fn full(rate: Rate, now: Time) -> Self {
        Self { millis: rate.burst * MILLI, at: now }
    }

    /// How many whole calls it allows now. A clock that was set back gives nothing and takes nothing.
    fn room(&mut self, rate: Rate, now: Time) -> i64 {
        let passed = now.as_millis().saturating_sub(self.at.as_millis()).max(0);
        self.at = now;
        self.millis = self.millis.saturating_add(passed.saturating_mul(rate.per_second)).min(rate.burst * MILLI);
        (self.millis / MILLI).max(0)
    }

    fn spend(&mut self, calls: i64) {
        self.millis -= calls.saturating_mul(MILLI);
    }
}

#[derive(Debug)]
struct Lane {
    /// All calls that came, kept or not.
    seen: u64,
    bucket: Bucket,
}

/// What a lane is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(in crate::ingest) enum Share {
    /// Calls that were taken.
    Accepted,
    /// Single calls that were not.
    Rejected,
    /// Requests of which nothing was taken, and remarks on all of one.
    Whole,
}

impl Share {
    pub(super) const ALL: [Self; 3] = [Self::Accepted, Self::Rejected, Self::Whole];

    const fn verdict(self) -> Verdict {
        match self {
            Self::Accepted => Verdict::Accepted,
            Self::Rejected | Self::Whole => Verdict::Rejected,
        }
    }
}

/// A source (or none) and a share.
type Key = (Option<Arc<str>>, Share);

/// All lanes.
#[derive(Debug)]
pub(super) struct Lanes {
    lanes: BTreeMap<Key, Lane>,
    all: Bucket,
}

impl Lanes {
    pub(super) const fn new(now: Time) -> Self {
        Self { lanes: BTreeMap::new(), all: Bucket::full(ALL, now) }
    }

    /// How many calls of this lane may be kept now.
    pub(super) fn room(&mut self, source: Option<&Arc<str>>, share: Share, now: Time) -> usize {
        let all = self.all.room(ALL, now);
        let lane = self.lane(source, share, now).map_or(0, |lane| lane.bucket.room(LANE, now));
        usize::try_from(all.min(lane)).unwrap_or(0)
    }

    /// Counts what came and what of it was kept.
    pub(super) fn count(&mut self, source: Option<&Arc<str>>, share: Share, seen: u64, kept: usize, now: Time) {
        let kept = i64::try_from(kept).unwrap_or(i64::MAX);
        if let Some(lane) = self.lane(source, share, now) {
            lane.seen += seen;
            lane.bucket.spend(kept);
        }
        self.all.spend(kept);
    }

    fn lane(&mut self, source: Option<&Arc<str>>, share: Share, now: Time) -> Option<&mut Lane> {
        let key = (source.cloned(), share);
        if self.lanes.len() >= LANES_MAX && !self.lanes.contains_key(&key) {
            return None;
        }
        Some(self.lanes.entry(key).or_insert_with(|| Lane { seen: 0, bucket: Bucket::full(LANE, now) }))
    }

    /// All calls that came and fit the filter.
    pub(super) fn seen(&self, filter: &Filter) -> u64 {
        let fitting = self.lanes.iter().filter(|((source, share), _)| filter.takes(source.as_deref(), share.verdict()));
        fitting.map(|(_, lane)| lane.seen).sum()
    }
}
