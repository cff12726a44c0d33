//! Who came into an audience or a step of a journey and who left it, by interval.

use serde::Serialize;

use super::calendar::{Every, HOUR_MS};
use super::error::QueryError;
use super::json::time;
use crate::call::time::Time;
use crate::views::snapshot::Snapshot;
use crate::views::turnover::Turnover;

/// Hours of one answer at most: ten years.
const HOURS_MAX: i64 = 3_660 * 24;
/// Days and hours without `since`.
const DAYS_USUAL: i64 = 90;
const HOURS_USUAL: i64 = 7 * 24;

/// One interval.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Change {
    /// When it begins.
    #[serde(serialize_with = "time")]
    pub at: Time,
    /// Calls that put somebody in.
    pub entered: u64,
    /// Calls that took somebody out.
    pub left: u64,
}

/// What calls did to one audience, by the time when they happened.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct History {
    /// The key of the trait.
    pub key: String,
    /// `hour` or `day`.
    pub interval: &'static str,
    /// In order, empty ones left out.
    pub items: Vec<Change>,
    /// True for all records below this one.
    pub through: u64,
}

/// The history of an audience from `since` (90 days or a week ago if not given) to `until`, in whole intervals.
///
/// # Errors
/// When the range is too long or empty, or the views cannot be read.
pub fn history(
    snapshot: &dyn Snapshot,
    key: &str,
    every: Every,
    since: Option<Time>,
    until: Time,
) -> Result<History, QueryError> {
    let usual = match every {
        Every::Hour => HOURS_USUAL,
        Every::Day | Every::Week => DAYS_USUAL * 24,
    };
    let since = since.unwrap_or_else(|| Time::from_millis(until.as_millis().saturating_sub(usual * HOUR_MS)));
    let (Some(first), Some(end)) = every.range(Some(since), Some(until))? else {
        return Err(QueryError::parameter("since", "has to be before `until`"));
    };
    let hours = first.as_millis().div_euclid(HOUR_MS)..end.as_millis().div_euclid(HOUR_MS);
    if hours.end.saturating_sub(hours.start) > HOURS_MAX {
        return Err(QueryError::parameter(
            "since",
            format!("is too long before `until`: at most {} days", HOURS_MAX / 24),
        ));
    }
    let mut sums: Vec<(Time, Turnover)> = Vec::new();
    for (hour, more) in snapshot.turnovers(key, hours)? {
        let at = every.start(Time::from_millis(hour * HOUR_MS));
        match sums.last_mut().filter(|(last, _)| *last == at) {
            Some((_, sum)) => sum.add(more),
            None => sums.push((at, more)),
        }
    }
    let items = sums.into_iter().map(|(at, sum)| Change { at, entered: sum.entered, left: sum.left });
    Ok(History {
        key: key.to_owned(),
        interval: every.as_str(),
        items: items.collect(),
        through: snapshot.through().get(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::query::tests::calls::{START_MS, identify, minute};
    use crate::query::tests::world::World;

    #[test]
    fn days_are_sums_of_hours() {
        let personas = r#"{"personas":{"computation_class":"audience"}}"#;
        let member = |number: i64| {
            let payload = if number % 3 == 0 { r#"{"vip":false}"# } else { r#"{"vip":true}"# };
            identify("u1", "-", payload).within(personas).at(-number * 10)
        };
        let world = World::of((0..2_000).map(member));
        let until = minute(5_000);
        let ask = |every, since| history(&world, "vip", every, since, until);
        let start = Some(Time::from_millis(START_MS - 30 * 24 * HOUR_MS));
        let (hours, days) = (ask(Every::Hour, start).unwrap(), ask(Every::Day, start).unwrap());
        let sum = |items: &[Change]| items.iter().fold((0, 0), |sum, one| (sum.0 + one.entered, sum.1 + one.left));
        assert_eq!((sum(&hours.items), sum(&days.items)), ((1_333, 667), (1_333, 667)));
        assert!(hours.items.len() > 300 && days.items.len() >= 14, "{} {}", hours.items.len(), days.items.len());
        assert!(hours.items.is_sorted_by(|one, other| one.at < other.at));
        for day in &days.items {
            let of_day: Vec<_> =
                hours.items.iter().filter(|hour| Every::Day.start(hour.at) == day.at).copied().collect();
            assert_eq!(sum(&of_day), (day.entered, day.left));
        }
        assert_eq!(ask(Every::Day, None).unwrap(), days, "90 days are usual");
        assert!(ask(Every::Hour, None).unwrap().items.len() < hours.items.len(), "a week of hours is usual");
        assert_eq!(history(&world, "none", Every::Day, start, until).unwrap().items, []);
    }

    #[test]
    fn the_range_has_an_end() {
        let world = World::default();
        let ask = |days: i64| {
            let since = Time::from_millis(START_MS - START_MS % (24 * HOUR_MS));
            history(&world, "k", Every::Hour, Some(since), Time::from_millis(since.as_millis() + days * 24 * HOUR_MS))
        };
        assert!(ask(3_660).is_ok());
        for wrong in [3_661, 0, -1, 100_000_000] {
            assert!(matches!(ask(wrong), Err(QueryError::BadParameter { .. })), "{wrong}");
        }
    }
}
