//! The place of a record: from 1, rising, never reused. A position is always *the next one to read*.

use std::fmt;

/// The place of one record in the journal.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Sequence(u64);

impl Sequence {
    /// The first record's place.
    pub const FIRST: Self = Self(1);

    /// The place with this number. 0 is read as 1.
    pub const fn new(number: u64) -> Self {
        Self(if number == 0 { 1 } else { number })
    }

    /// The number, from 1.
    pub const fn get(self) -> u64 {
        self.0
    }

    /// The place `count` records later.
    #[must_use]
    pub const fn plus(self, count: u64) -> Self {
        Self(self.0.saturating_add(count))
    }

    /// How many records lie from `earlier` up to, but not including, this one.
    pub const fn since(self, earlier: Self) -> u64 {
        self.0.saturating_sub(earlier.0)
    }
}

impl fmt::Display for Sequence {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(out)
    }
}
