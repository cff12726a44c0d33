//! When people come: by day rather than by night, to the shop in the evening and at weekends, to the desk at work.

use super::chance::Chance;
use super::sent::later;
use crate::call::time::Time;

pub(super) const SECOND_MS: i64 = 1_000;
pub(super) const HOUR_MS: i64 = 3_600 * SECOND_MS;
pub(super) const DAY_MS: i64 = 24 * HOUR_MS;

/// How lively each hour of a day is (UTC), of a hundred.
const SHOP: [u32; 24] = [18, 12, 9, 8, 9, 13, 22, 34, 44, 52, 58, 62, 66, 62, 58, 58, 64, 74, 88, 98, 100, 88, 62, 36];
const DESK: [u32; 24] = [4, 3, 3, 3, 4, 8, 24, 58, 88, 100, 96, 86, 62, 82, 94, 88, 72, 50, 30, 20, 14, 10, 7, 5];

/// Where somebody goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Place {
    Shop,
    Desk,
}

/// A time in the `days` before `now` at which somebody comes.
pub(super) fn some_time(chance: &mut Chance, now: Time, days: i64, place: Place) -> Time {
    let span_s = u32::try_from(days * DAY_MS / SECOND_MS).unwrap_or(u32::MAX);
    // A time that is refused is drawn again; the weights let at least every thirtieth through.
    for _ in 0..1_000 {
        let ago = i64::from(chance.between(1, span_s)) * SECOND_MS - i64::from(chance.between(0, 999));
        let at = later(now, -ago);
        if chance.percent(weight(at, place)) {
            return at;
        }
    }
    later(now, -HOUR_MS)
}

fn weight(at: Time, place: Place) -> u32 {
    let hour = usize::try_from(at.as_millis().rem_euclid(DAY_MS) / HOUR_MS).unwrap_or_default();
    // 1970 began on a Thursday: Saturday and Sunday are the days 2 and 3 after it.
    let is_weekend = matches!(at.as_millis().div_euclid(DAY_MS).rem_euclid(7), 2 | 3);
    let of_hour = |hours: &[u32; 24]| hours.get(hour).copied().unwrap_or_default();
    match (place, is_weekend) {
        (Place::Shop, true) => of_hour(&SHOP),
        (Place::Shop, false) => of_hour(&SHOP) * 4 / 5,
        (Place::Desk, true) => (of_hour(&DESK) / 6).max(3),
        (Place::Desk, false) => of_hour(&DESK),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_shop_is_full_in_the_evening_and_the_desk_on_working_days() {
        let now = Time::parse("2026-11-23T12:00:00Z").unwrap();
        let mut chance = Chance::new(7, 0);
        let mut count = |place, inside: &dyn Fn(i64) -> bool| {
            let times = (0..5_000).map(|_| some_time(&mut chance, now, 7, place).as_millis());
            times
                .inspect(|at| assert!((now.as_millis() - 7 * DAY_MS..=now.as_millis()).contains(at)))
                .filter(|at| inside(*at))
                .count()
        };
        let hour = |at: i64| at.rem_euclid(DAY_MS) / HOUR_MS;
        let evening = count(Place::Shop, &|at| (18..22).contains(&hour(at)));
        let night = count(Place::Shop, &|at| (1..5).contains(&hour(at)));
        assert!(evening > 5 * night && night > 20, "{evening} and {night}");
        let weekend = count(Place::Desk, &|at| matches!(at.div_euclid(DAY_MS).rem_euclid(7), 2 | 3));
        assert!((50..1_000).contains(&weekend), "{weekend}");
    }
}
