//! The week that is over: everybody's visits, in the order in which they happened.

use super::cast::Cast;
use super::chance::Chance;
use super::engage::Engage;
use super::rhythm::{DAY_MS, HOUR_MS, Place, some_time};
use super::scene::Scene;
use super::sent::{Sent, later};
use super::{desk, mail, shop, stories};
use crate::call::time::Time;

/// How many bad calls are in the debugger when somebody looks for the first time.
const REFUSED: usize = 24;
/// How often audiences are told.
const SYNC_MS: i64 = 3 * HOUR_MS;

/// A week of calls.
#[derive(Clone, Debug)]
pub struct Week {
    /// What was sent, oldest first.
    pub calls: Vec<Sent>,
    /// Calls that are to be refused.
    pub refused: Vec<Sent>,
    pub(super) cast: Cast,
    pub(super) engage: Engage,
}

impl Week {
    /// The week before `now`.
    pub fn play(seed: u64, now: Time) -> Self {
        let chance = &mut Chance::new(seed, 1);
        let mut cast = Cast::gather(chance, now);
        let mut calls = Vec::new();
        stories::tell(chance, &mut cast, now, &mut calls);
        desk::upgrades(chance, &mut cast, now, &mut calls);
        mail::letters(chance, &cast, now, &mut calls);
        for (at, place) in visits(chance, &cast, now) {
            play(chance, &mut cast, place, at, &mut calls);
        }
        calls.retain(|sent| (later(now, -7 * DAY_MS)..now).contains(&sent.at));
        calls.sort_by_key(|sent| sent.at);
        let engage = watch(chance, &mut calls, now);
        let refused = (0..REFUSED).map(|number| stories::refused(now, number, chance)).collect();
        Self { calls, refused, cast, engage }
    }
}

/// Who comes when, in order of time.
fn visits(chance: &mut Chance, cast: &Cast, now: Time) -> Vec<(Time, usize)> {
    let mut visits = Vec::new();
    for (place, person) in cast.people.iter().enumerate() {
        let (to, most) = match (person.work, &person.user_id) {
            (Some(_), _) => (Place::Desk, 10),
            (None, Some(_)) => (Place::Shop, 7),
            (None, None) => (Place::Shop, 2),
        };
        for _ in 0..chance.between(1, most) {
            let at = some_time(chance, now, 7, to);
            // Nobody works at the desk before they were hired.
            if to == Place::Shop || at >= person.joins {
                visits.push((at, place));
            }
        }
    }
    visits.sort_unstable();
    visits
}

/// One visit of one person, at one of their devices.
pub(super) fn play(chance: &mut Chance, cast: &mut Cast, place: usize, at: Time, out: &mut Vec<Sent>) {
    let Some(person) = cast.people.get_mut(place) else { return };
    let is_settled = person.joins < later(at, -7 * DAY_MS);
    if is_settled && person.user_id.is_some() {
        person.is_known = true;
    }
    let device_no = chance.place(person.devices.len());
    let Some(device) = person.devices.get(device_no).cloned() else { return };
    let is_work = person.work.is_some();
    let path = "/".to_owned();
    let mut scene = Scene { chance, out, companies: &cast.companies, person, device, at, path, campaign: None };
    if is_work {
        desk::turn(&mut scene);
    } else {
        shop::visit(&mut scene);
    }
    if let Some(device) = person.devices.get_mut(device_no) {
        device.is_used = true;
    }
}

/// Lets the audiences be told along the way.
fn watch(chance: &mut Chance, calls: &mut Vec<Sent>, now: Time) -> Engage {
    let mut engage = Engage::default();
    let mut told = Vec::new();
    let mut next = later(now, -7 * DAY_MS + SYNC_MS);
    for sent in calls.iter() {
        while sent.at >= next {
            engage.sync(next, chance, &mut told);
            next = later(next, SYNC_MS);
        }
        engage.see(sent);
    }
    calls.append(&mut told);
    calls.sort_by_key(|sent| sent.at);
    engage
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::demo::{Live, Source};

    fn noon() -> Time {
        Time::parse("2026-11-23T12:00:00Z").unwrap()
    }

    /// Every byte of a week and of ten minutes after it, looked at every `step` milliseconds.
    fn story(seed: u64, step: i64) -> String {
        let week = Week::play(seed, noon());
        let mut lines: Vec<String> = week.calls.iter().map(|sent| sent.archived().to_string()).collect();
        lines.extend(week.refused.iter().map(|sent| sent.live().to_string()));
        let mut live = Live::after(week, seed, noon());
        for at in (0..=600_000).step_by(usize::try_from(step).unwrap()) {
            let sent = live.until(later(noon(), at));
            lines.extend(sent.iter().map(|sent| format!("{} {}", sent.source.name(), sent.live())));
        }
        lines.join("\n")
    }

    #[test]
    fn the_same_seed_and_time_give_the_same_bytes() {
        let one = story(7, 250);
        assert!(one == story(7, 250));
        assert!(one == story(7, 3_000), "how often somebody looks changes nothing");
        assert!(one != story(8, 250));
    }

    #[test]
    fn a_week_is_full_in_order_and_in_the_past() {
        for seed in [1, 7, u64::MAX] {
            let week = Week::play(seed, noon());
            assert!((15_000..27_000).contains(&week.calls.len()), "seed {seed}: {} calls", week.calls.len());
            assert!(week.calls.is_sorted_by_key(|sent| sent.at));
            let inside = later(noon(), -7 * DAY_MS)..noon();
            assert!(week.calls.iter().all(|sent| inside.contains(&sent.at)));
            let ids: BTreeSet<&str> = week.calls.iter().map(|sent| sent.text("messageId")).collect();
            assert_eq!(ids.len(), week.calls.len(), "each call has an id of its own");
            for source in Source::ALL {
                assert!(week.calls.iter().any(|sent| sent.source == source), "seed {seed}: {source:?} is silent");
            }
        }
    }

    #[test]
    fn traffic_goes_on_and_forgets_the_hours_that_the_machine_slept() {
        let week = Week::play(7, noon());
        let mut live = Live::after(week, 7, noon());
        let counts: Vec<usize> = (1..=30).map(|minute| live.until(later(noon(), minute * 20_000)).len()).collect();
        assert!(counts.iter().all(|count| (5..400).contains(count)), "{counts:?}");
        let after = live.until(later(noon(), 12 * HOUR_MS)).len();
        assert!(after < 200, "{after} calls at once");
        let woken = live.until(later(noon(), 12 * HOUR_MS + 30_000));
        assert!(!woken.is_empty());
    }

    #[test]
    fn every_address_is_of_a_domain_for_examples() {
        let week = Week::play(7, noon());
        let text: String = week.calls.iter().map(|sent| sent.live().to_string()).collect();
        let end = |rest: &str| {
            rest.split(|letter: char| !(letter.is_alphanumeric() || ".-".contains(letter)))
                .next()
                .unwrap_or_default()
                .to_owned()
        };
        let domains: BTreeSet<String> =
            ["@", "://"].iter().flat_map(|mark| text.split(mark).skip(1).map(end)).collect();
        assert!(domains.len() > 20, "{domains:?}");
        for domain in domains {
            let kept = [".example", ".test", "example.com", "example.org"];
            assert!(kept.iter().any(|kept| domain.ends_with(kept)), "{domain}");
        }
    }
}
