//! Intervals of the calendar, in UTC: whole hours, days, and weeks that begin on Monday.

use super::error::QueryError;
use crate::call::time::Time;

/// Milliseconds of an hour and of a day.
pub(super) const HOUR_MS: i64 = 3_600_000;
const DAY_MS: i64 = 24 * HOUR_MS;
/// The first Monday after the beginning of 1970.
const MONDAY_MS: i64 = 4 * DAY_MS;

/// How long an interval is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[expect(missing_docs, reason = "the names in the API")]
pub enum Every {
    Hour,
    #[default]
    Day,
    Week,
}

impl Every {
    /// The name in the API.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Hour => "hour",
            Self::Day => "day",
            Self::Week => "week",
        }
    }

    /// Its length in milliseconds.
    pub(super) const fn millis(self) -> i64 {
        match self {
            Self::Hour => HOUR_MS,
            Self::Day => DAY_MS,
            Self::Week => 7 * DAY_MS,
        }
    }

    /// When the interval begins that holds this time.
    pub(super) const fn start(self, time: Time) -> Time {
        let first = match self {
            Self::Week => MONDAY_MS,
            Self::Hour | Self::Day => 0,
        };
        let since = time.as_millis().saturating_sub(first);
        Time::from_millis(since.saturating_sub(since.rem_euclid(self.millis())).saturating_add(first))
    }

    /// When the interval ends whose last moment is before this time: the time itself, or later.
    pub(super) fn end(self, time: Time) -> Time {
        let start = self.start(time);
        if start == time { time } else { Time::from_millis(start.as_millis().saturating_add(self.millis())) }
    }

    /// The whole intervals that `since` and `until` lie in.
    pub(super) fn range(
        self,
        since: Option<Time>,
        until: Option<Time>,
    ) -> Result<(Option<Time>, Option<Time>), QueryError> {
        if since.zip(until).is_some_and(|(since, until)| until <= since) {
            return Err(QueryError::parameter("until", "has to be after `since`"));
        }
        Ok((since.map(|time| self.start(time)), until.map(|time| self.end(time))))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn time(text: &str) -> Time {
        Time::parse(text).unwrap()
    }

    #[test]
    fn intervals_begin_on_the_hour_at_midnight_and_on_monday() {
        for (moment, hour, day, week) in [
            ("2026-11-25T13:59:59.999Z", "2026-11-25T13:00:00Z", "2026-11-25", "2026-11-23"),
            ("2026-11-23T00:00:00Z", "2026-11-23T00:00:00Z", "2026-11-23", "2026-11-23"),
            ("2026-11-22T23:00:00Z", "2026-11-22T23:00:00Z", "2026-11-22", "2026-11-16"),
            ("1970-01-01T00:00:00Z", "1970-01-01T00:00:00Z", "1970-01-01", "1969-12-29"),
            ("1969-12-28T23:59:59.999Z", "1969-12-28T23:00:00Z", "1969-12-28", "1969-12-22"),
        ] {
            let starts = [Every::Hour, Every::Day, Every::Week].map(|every| every.start(time(moment)));
            assert_eq!(starts, [hour, day, week].map(time), "{moment}");
        }
        assert_eq!(Every::Day.end(time("2026-11-23")), time("2026-11-23"));
        assert_eq!(Every::Day.end(time("2026-11-23T00:00:00.001Z")), time("2026-11-24"));
    }

    proptest! {
        #[test]
        fn every_moment_lies_in_one_interval(millis in -100_000_000_000_000_i64..300_000_000_000_000) {
            let moment = Time::from_millis(millis);
            for every in [Every::Hour, Every::Day, Every::Week] {
                let (start, end) = (every.start(moment), every.end(Time::from_millis(millis + 1)));
                prop_assert!(start <= moment && moment < end);
                prop_assert_eq!(end.as_millis() - start.as_millis(), every.millis());
                prop_assert_eq!(every.start(start), start);
            }
        }
    }
}
