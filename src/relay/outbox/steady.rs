//! Time that never goes back: a clock that is set back stands still here until it runs on, and no timer starves by it.

use std::time::Duration;

use crate::call::time::Time;

/// A point in steady time, in milliseconds. Only the distance between two of them means something.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Moment(i64);

impl Moment {
    /// The moment `pause` later.
    pub(super) fn plus(self, pause: Duration) -> Self {
        Self(self.0.saturating_add(i64::try_from(pause.as_millis()).unwrap_or(i64::MAX)))
    }

    /// Milliseconds since `earlier`, 0 if it is later.
    pub(super) fn since(self, earlier: Self) -> u64 {
        u64::try_from(self.0.saturating_sub(earlier.0)).unwrap_or_default()
    }
}

/// Turns the time of the clock into steady time and back.
#[derive(Default)]
pub(super) struct Steady {
    seen: Option<Time>,
    now: Moment,
}

impl Steady {
    /// Takes the time of the clock in.
    pub(super) fn at(&mut self, clock: Time) -> Moment {
        let passed =
            self.seen.map_or(clock.as_millis(), |seen| clock.as_millis().saturating_sub(seen.as_millis()).max(0));
        self.seen = Some(clock);
        self.now = Moment(self.now.0.saturating_add(passed));
        self.now
    }

    /// The moment it was last told.
    pub(super) fn now(&self) -> Moment {
        self.now
    }

    /// What the clock says at a moment, if it runs on as it is.
    pub(super) fn clock(&self, moment: Moment) -> Time {
        let seen = self.seen.unwrap_or_default().as_millis();
        Time::from_millis(seen.saturating_add(moment.0.saturating_sub(self.now.0)))
    }

    /// The moment at which the clock says `time`.
    pub(super) fn moment(&self, time: Time) -> Moment {
        let seen = self.seen.unwrap_or_default().as_millis();
        Moment(self.now.0.saturating_add(time.as_millis().saturating_sub(seen)))
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::{Moment, Steady};
    use crate::call::time::Time;

    #[test]
    fn a_clock_that_is_set_back_stands_still_and_runs_on() {
        let mut steady = Steady::default();
        let start = steady.at(Time::from_millis(1_000_000));
        assert_eq!(steady.clock(start), Time::from_millis(1_000_000));
        let due = start.plus(Duration::from_secs(10));
        assert_eq!(steady.at(Time::from_millis(0)), start, "set back");
        assert_eq!(steady.clock(due), Time::from_millis(10_000), "the pause stays as long as it was");
        assert_eq!(steady.moment(Time::from_millis(10_000)), due);
        assert_eq!(steady.at(Time::from_millis(10_000)), due);
    }

    #[test]
    fn the_ends_of_time_are_no_panic() {
        let mut steady = Steady::default();
        for clock in [i64::MIN, i64::MAX, 0, i64::MAX, i64::MIN] {
            let now = steady.at(Time::from_millis(clock));
            steady.clock(now.plus(Duration::MAX));
            steady.clock(Moment(i64::MIN));
            steady.moment(Time::from_millis(i64::MIN));
            steady.moment(Time::from_millis(i64::MAX));
            assert_eq!(now.since(now.plus(Duration::MAX)), 0);
        }
    }
}
