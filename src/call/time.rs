//! Points in time: milliseconds since 1970 UTC.

use std::fmt;

use jiff::civil::Time as TimeOfDay;
use jiff::fmt::temporal::Pieces;
use jiff::tz::Offset;

use super::limits::YEARS;

/// Numbers from here on are milliseconds since 1970, smaller ones seconds: the line lies in 1973 and in 5138.
const MILLIS_FROM: f64 = 1e11;

const DAY_MS: i64 = 86_400_000;

/// A point in time, in whole milliseconds since 1970-01-01T00:00:00Z.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Time(i64);

impl Time {
    /// From milliseconds since 1970.
    pub const fn from_millis(millis: i64) -> Self {
        Self(millis)
    }

    /// Milliseconds since 1970.
    pub const fn as_millis(self) -> i64 {
        self.0
    }

    /// Reads a date, or a date and time, as ISO 8601 and RFC 3339 write it: `T` or a space between, any fraction of a
    /// second (cut to milliseconds), `Z` or an offset; without one it is UTC. A text of digits is read as a number.
    pub fn parse(text: &str) -> Option<Self> {
        if let Some(time) = usual(text.as_bytes()) {
            return Some(time);
        }
        let text = text.trim();
        if let Ok(pieces) = Pieces::parse(text) {
            let offset = match pieces.to_numeric_offset() {
                Some(offset) => offset,
                None if pieces.time_zone_annotation().is_some() => return None,
                None => Offset::UTC,
            };
            let local = pieces.date().to_datetime(pieces.time().unwrap_or(TimeOfDay::midnight()));
            return offset.to_timestamp(local).ok().map(|time| Self(time.as_millisecond()));
        }
        if text.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.') { Self::from_number(text) } else { None }
    }

    /// Reads a number: milliseconds since 1970 if it is large enough, else seconds. Negative ones are no time.
    #[expect(clippy::cast_possible_truncation, reason = "the range was checked")]
    pub fn from_number(text: &str) -> Option<Self> {
        let number: f64 = text.parse().ok()?;
        let millis = if number >= MILLIS_FROM { number } else { number * 1_000.0 };
        // Below 2^53 every whole number is exact, and the last time that has a date lies below.
        (0.0..9.0e15).contains(&millis).then_some(Self(millis.round() as i64)).filter(|time| time.year().is_some())
    }

    /// The year in UTC; none beyond the years -9999 to 9999.
    pub fn year(self) -> Option<i16> {
        jiff::Timestamp::from_millisecond(self.0).ok().map(|time| Offset::UTC.to_datetime(time).year())
    }

    /// Whether it lies in the [`YEARS`] that are believed.
    pub fn is_plausible(self) -> bool {
        const FIRST: i64 = days(*YEARS.start() as i64, 1, 1) * DAY_MS;
        const NEXT: i64 = days(*YEARS.end() as i64 + 1, 1, 1) * DAY_MS;
        (FIRST..NEXT).contains(&self.0)
    }

    /// `self - (sent - original)`: when it happened, by the clock that says `self`.
    #[must_use]
    pub const fn corrected(self, original: Self, sent: Self) -> Self {
        Self(self.0.saturating_sub(sent.0.saturating_sub(original.0)))
    }
}

impl fmt::Display for Time {
    /// RFC 3339 in UTC with milliseconds: `2026-11-23T12:00:00.000Z`.
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match jiff::Timestamp::from_millisecond(self.0) {
            Ok(time) => write!(out, "{time:.3}"),
            Err(_) => write!(out, "{}", self.0),
        }
    }
}

/// Nearly all senders write times as `2026-11-23T12:00:00.000Z`: reading this form takes a tenth of reading any.
fn usual(text: &[u8]) -> Option<Time> {
    let text: &[u8; 24] = text.try_into().ok()?;
    let number = |digits: &[u8]| {
        digits.iter().try_fold(0, |number, digit| digit.is_ascii_digit().then(|| number * 10 + i64::from(digit - b'0')))
    };
    let [y @ .., b'-', m1, m2, b'-', d1, d2, b'T', h1, h2, b':', n1, n2, b':', s1, s2, b'.', f1, f2, f3, b'Z'] = text
    else {
        return None;
    };
    let (year, month, day) = (number(y)?, number(&[*m1, *m2])?, number(&[*d1, *d2])?);
    let (hour, minute, second) = (number(&[*h1, *h2])?, number(&[*n1, *n2])?, number(&[*s1, *s2])?);
    let millis = number(&[*f1, *f2, *f3])?;
    // Days that not every month has, and leap seconds, are left to the slow way.
    if !(1..=12).contains(&month) || !(1..=28).contains(&day) || hour > 23 || minute > 59 || second > 59 {
        return None;
    }
    Some(Time(days(year, month, day) * DAY_MS + ((hour * 60 + minute) * 60 + second) * 1_000 + millis))
}

/// Days from 1970-01-01 to a date of the Gregorian calendar in the years 0 to 9999. The year is taken to begin in March,
/// so that the leap day is its last.
const fn days(year: i64, month: i64, day: i64) -> i64 {
    let (year, month) = if month > 2 { (year, month - 3) } else { (year - 1, month + 9) };
    let leap_days = year.div_euclid(4) - year.div_euclid(100) + year.div_euclid(400);
    year * 365 + leap_days + (month * 153 + 2) / 5 + day - 1 - 719_468
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::{Time, usual};

    proptest! {
        #[test]
        fn the_usual_form_is_read_like_any_other(millis in -62_135_596_800_000_i64..253_402_207_200_000) {
            let time = Time::from_millis(millis);
            let text = time.to_string();
            prop_assert!(usual(text.as_bytes()).is_none_or(|read| read == time), "{}", text);
            prop_assert_eq!(Time::parse(&text), Some(time));
            prop_assert_eq!(Time::parse(&text.replace('Z', "+00:00")), Some(time));
            let plausible = time.year().is_some_and(|year| super::YEARS.contains(&year));
            prop_assert_eq!(time.is_plausible(), plausible);
        }
    }

    #[test]
    fn the_first_and_last_plausible_moments() {
        for (text, plausible) in [
            ("1969-12-31T23:59:59.999Z", false),
            ("1970-01-01T00:00:00.000Z", true),
            ("2200-12-31T23:59:59.999Z", true),
            ("2201-01-01T00:00:00.000Z", false),
        ] {
            assert_eq!(Time::parse(text).unwrap().is_plausible(), plausible, "{text}");
        }
        assert!(usual(b"2026-11-23T12:00:00.000Z").is_some(), "the fast way is taken");
        assert_eq!(Time::parse("2023-02-29T12:00:00.000Z"), None);
        assert!(Time::parse("2024-02-29T12:00:00.000Z").is_some());
    }
}
