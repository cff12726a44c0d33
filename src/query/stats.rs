//! Counts by interval.

use std::collections::{BTreeMap, BTreeSet};

use roaring::RoaringBitmap;
use serde::Serialize;

use super::error::QueryError;
use super::json::time;
use super::scan::in_time;
use crate::call::CallType;
use crate::call::time::Time;
use crate::views::identity::NodeNo;
use crate::views::snapshot::{Minute, Snapshot};

/// Buckets of one answer at most.
pub const BUCKETS_MAX: i64 = 2_000;
/// Minutes that one answer adds up at most: a year.
const MINUTES_MAX: i64 = 366 * 24 * 60;
const MINUTE_MS: i64 = 60_000;
/// Minutes that are read between two looks at the time.
const MINUTES_AT_ONCE: i64 = 24 * 60;

/// How long a bucket is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[expect(missing_docs, reason = "the names in the API")]
pub enum Interval {
    Minute,
    #[default]
    Hour,
    Day,
}

impl Interval {
    /// The name in the API.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Minute => "minute",
            Self::Hour => "hour",
            Self::Day => "day",
        }
    }

    /// In minutes.
    pub const fn minutes(self) -> i64 {
        match self {
            Self::Minute => 1,
            Self::Hour => 60,
            Self::Day => 24 * 60,
        }
    }
}

/// What ingest did that left no record, in one minute since 1970.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Unrecorded {
    /// Calls that were there already.
    pub duplicate: u64,
    /// Calls that were refused.
    pub rejected: u64,
}

/// What became of calls.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Verdicts {
    /// Stored and shown.
    pub appended: u64,
    /// There already.
    pub duplicate: u64,
    /// Refused.
    pub rejected: u64,
    /// Stored, and kept out of the views by their sender.
    pub filtered: u64,
}

/// One interval.
#[derive(Clone, Debug, Serialize)]
pub struct Bucket {
    /// When it begins.
    #[serde(serialize_with = "time")]
    pub at: Time,
    /// Stored calls by type, filtered ones included.
    pub types: BTreeMap<&'static str, u64>,
    /// Stored calls by source.
    pub sources: BTreeMap<String, u64>,
    /// All calls by what became of them.
    pub verdicts: Verdicts,
    /// People whom stored calls belonged to.
    pub active_people: u64,
}

/// Counts by interval, by the time of receipt.
#[derive(Clone, Debug, Serialize)]
pub struct Stats {
    /// `minute`, `hour` or `day`.
    pub interval: &'static str,
    /// In order, empty ones included.
    pub buckets: Vec<Bucket>,
    /// True for all records below this one.
    pub through: u64,
}

/// The counts from `since` to `until`, in whole intervals. `unrecorded` counts by minute what left no record.
///
/// # Errors
/// When there are too many intervals, `until` is not after `since`, or the views cannot be read.
pub fn stats(
    snapshot: &dyn Snapshot,
    interval: Interval,
    since: Time,
    until: Time,
    unrecorded: &BTreeMap<i64, Unrecorded>,
) -> Result<Stats, QueryError> {
    if until <= since {
        return Err(QueryError::parameter("until", "has to be after `since`"));
    }
    let length = interval.minutes();
    let first = since.as_millis().div_euclid(MINUTE_MS * length);
    let end = until.as_millis().saturating_sub(1).div_euclid(MINUTE_MS * length) + 1;
    let count = end - first;
    if count > BUCKETS_MAX || count * length > MINUTES_MAX {
        let longest = BUCKETS_MAX.min(MINUTES_MAX / length);
        let reason =
            format!("is too long before `until`: at most {longest} {}s fit into one answer", interval.as_str());
        return Err(QueryError::parameter("since", reason));
    }
    let mut sums: Vec<Sum> = (first..end).map(|_| Sum::default()).collect();
    let range = first * length..end * length;
    let place = |minute: i64| usize::try_from(minute.div_euclid(length) - first).ok();
    let mut read = range.start;
    while read < range.end {
        in_time(snapshot)?;
        let end = range.end.min(read + MINUTES_AT_ONCE);
        for (minute, counts) in snapshot.minutes(read..end)? {
            if let Some(sum) = place(minute).and_then(|place| sums.get_mut(place)) {
                sum.add(&counts);
            }
        }
        read = end;
    }
    for (minute, more) in unrecorded.range(range) {
        if let Some(sum) = place(*minute).and_then(|place| sums.get_mut(place)) {
            sum.unrecorded.duplicate += more.duplicate;
            sum.unrecorded.rejected += more.rejected;
        }
    }
    let buckets = sums
        .into_iter()
        .zip(first..)
        .map(|(sum, number)| {
            in_time(snapshot)?;
            Ok(sum.bucket(snapshot, Time::from_millis(number * length * MINUTE_MS)))
        })
        .collect::<Result<_, QueryError>>()?;
    Ok(Stats { interval: interval.as_str(), buckets, through: snapshot.through().get() })
}

#[derive(Default)]
struct Sum {
    counts: Minute,
    unrecorded: Unrecorded,
}

impl Sum {
    fn add(&mut self, minute: &Minute) {
        self.counts.types.iter_mut().zip(minute.types).for_each(|(sum, more)| *sum += more);
        for (source, more) in &minute.sources {
            *self.counts.sources.entry(*source).or_default() += more;
        }
        self.counts.filtered += minute.filtered;
        self.counts.active |= &minute.active;
    }

    fn bucket(self, snapshot: &dyn Snapshot, at: Time) -> Bucket {
        let Minute { types, sources, filtered, active } = self.counts;
        let stored: u64 = types.iter().sum();
        Bucket {
            at,
            types: CallType::ALL.iter().map(|kind| kind.as_str()).zip(types).collect(),
            sources: sources.into_iter().map(|(number, count)| (snapshot.source(number).to_owned(), count)).collect(),
            verdicts: Verdicts {
                appended: stored.saturating_sub(filtered),
                duplicate: self.unrecorded.duplicate,
                rejected: self.unrecorded.rejected,
                filtered,
            },
            active_people: people(snapshot, &active),
        }
    }
}

fn people(snapshot: &dyn Snapshot, nodes: &RoaringBitmap) -> u64 {
    let graph = snapshot.graph();
    let known = nodes.iter().filter(|node| *node < graph.len());
    let roots: BTreeSet<NodeNo> = known.map(|node| graph.root(NodeNo(node))).collect();
    roots.len() as u64
}
