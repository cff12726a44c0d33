//! The clock: the only place that asks the system for the time.
//!
//! Time is data in Roundtower. Everything that needs "now" takes a [`Clock`], so tests move it by hand.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use crate::call::time::Time;

/// Where "now" comes from.
#[derive(Clone, Debug, Default)]
pub enum Clock {
    /// The system's wall clock.
    #[default]
    System,
    /// A clock that stands still until a test moves it; milliseconds since 1970.
    Hand(Arc<AtomicI64>),
}

impl Clock {
    /// A clock that stands at `time` until [`Clock::advance`] moves it.
    pub fn hand(time: Time) -> Self {
        Self::Hand(Arc::new(AtomicI64::new(time.as_millis())))
    }

    /// The time now, in whole milliseconds.
    #[expect(clippy::disallowed_methods, reason = "the one reader of the system clock")]
    pub fn now(&self) -> Time {
        match self {
            Self::System => {
                let now = std::time::SystemTime::now();
                let since = now.duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
                Time::from_millis(i64::try_from(since.as_millis()).unwrap_or(i64::MAX))
            }
            Self::Hand(at) => Time::from_millis(at.load(Ordering::SeqCst)),
        }
    }

    /// Moves a hand-moved clock by `millis` (backwards when negative). Does nothing to the system clock.
    pub fn advance(&self, millis: i64) {
        if let Self::Hand(at) = self {
            at.fetch_add(millis, Ordering::SeqCst);
        }
    }
}
