//! What everyday and a bad day look like: calls flow, the receiver fails and comes back, order per person holds.

use std::time::Duration;

use super::calls;
use super::world::{BEGIN, World, check_order, counts, destination, ok, refused, status, status_of};
use crate::call::Marks;
use crate::call::time::Time;
use crate::relay::ledger::Counts;
use crate::relay::settings::{Destination, Format, From};
use crate::relay::{Relay, Standing};

const SECOND: Duration = Duration::from_secs(1);
const FORMATS: [Format; 3] = [Format::Windsor, Format::Partner, Format::Segment];

/// `count` calls of each of `people`, one after the other; the first has this number.
fn append_calls(world: &World, people: usize, first: usize, count: usize) {
    for number in first..first + count {
        let names: Vec<String> = (0..people).map(|person| format!("p{person}-{number}")).collect();
        let one = |name: &String| calls::track(Some(name.rsplit_once('-').unwrap().0), None, name);
        world.append(&names.iter().map(one).collect::<Vec<_>>());
    }
}

#[test]
fn every_call_arrives_once_in_each_format() {
    for format in FORMATS {
        let world = World::new(vec![destination("a", format)]);
        append_calls(&world, 10, 1, 30);
        let relay = world.start();
        relay.settle();
        append_calls(&world, 10, 31, 30);
        relay.settle();
        let accepted = world.receiver("a").accepted();
        assert_eq!(accepted.len(), 600, "{format:?}");
        check_order(&accepted);
        assert_eq!(counts(&relay, "a"), Counts { delivered: 600, ..Counts::default() });
        let status = status_of(&relay, "a");
        assert_eq!((status.lag_events, status.lag_ms, status.in_flight), (0, 0, 0));
        assert_eq!(status.last_success_at, Some(BEGIN));
        relay.close();
    }
}

#[test]
fn what_is_not_owed_is_filtered_and_never_sent() {
    let world = World::new(vec![destination("a", Format::Segment)]);
    let mut control = calls::track(Some("u"), None, "control-1");
    control.marks = Marks::CONTROL;
    world.append(&[control, calls::track(Some("u"), None, "u-1")]);
    let relay = world.start();
    relay.settle();
    assert_eq!(world.receiver("a").accepted(), ["u-1"]);
    assert_eq!(counts(&relay, "a"), Counts { delivered: 1, filtered: 1, ..Counts::default() });
    relay.close();
}

#[test]
fn an_outage_of_two_hours_loses_nothing_and_keeps_order() {
    for format in FORMATS {
        let world = World::new(vec![destination("a", format)]);
        let receiver = world.receiver("a").clone();
        let relay = world.start();
        append_calls(&world, 20, 1, 5);
        relay.settle();
        receiver.answers(|_| refused());
        for round in 0..24 {
            append_calls(&world, 20, 6 + round * 5, 5);
            world.pass(&relay, Duration::from_secs(300), 10 * SECOND);
            let status = status_of(&relay, "a");
            assert_eq!(status.counts.pending, 100 * (round as u64 + 1), "{format:?}");
            assert!(status.lag_ms >= 300_000 * (round as u64 + 1), "{}", status.lag_ms);
        }
        let during = receiver.requests();
        assert!(during < 1_000, "{during} requests to a receiver that is down");
        receiver.answers(|_| ok());
        world.pass(&relay, Duration::from_secs(120), SECOND);
        assert_eq!(counts(&relay, "a"), Counts { delivered: 2_500, ..Counts::default() }, "{format:?}");
        let accepted = receiver.accepted();
        assert_eq!(accepted.len(), 2_500, "nothing twice");
        check_order(&accepted);
        relay.close();
    }
}

#[test]
fn a_failing_call_holds_back_its_own_person_only() {
    let world = World::new(vec![destination("a", Format::Partner)]);
    let receiver = world.receiver("a").clone();
    receiver.answers(|ids| if ids.contains(&"p3-2".to_owned()) { status(503) } else { ok() });
    append_calls(&world, 10, 1, 10);
    let relay = world.start();
    relay.settle();
    let accepted = receiver.set();
    assert_eq!(accepted.len(), 91, "all but the failing call and the eight after it");
    assert!(accepted.contains("p3-1") && !accepted.contains("p3-3"));
    receiver.answers(|_| ok());
    world.pass(&relay, Duration::from_secs(20), SECOND);
    check_order(&receiver.accepted());
    assert_eq!(counts(&relay, "a"), Counts { delivered: 100, ..Counts::default() });
    relay.close();
}

#[test]
fn a_visitor_and_the_user_it_became_stay_in_order_when_the_identify_is_settled() {
    let world = World::new(vec![destination("a", Format::Partner)]);
    let receiver = world.receiver("a").clone();
    let relay = world.start();
    world.append(&[calls::identify(Some("u"), Some("v"))]);
    relay.settle();
    receiver.answers(|ids| if ids == ["v-2"] { status(503) } else { ok() });
    world.append(&[calls::track(None, Some("v"), "v-2"), calls::track(Some("u"), None, "v-3")]);
    relay.settle();
    assert_eq!(receiver.accepted().len(), 1, "the user's call waits for the visitor's");
    receiver.answers(|_| ok());
    world.pass(&relay, Duration::from_secs(20), SECOND);
    assert_eq!(receiver.accepted()[1..], ["v-2", "v-3"]);
    relay.close();
}

#[test]
fn random_failures_keep_order_and_lose_nothing() {
    for seed in 1..=4_u64 {
        let world = World::new(FORMATS.map(|format| destination(&format!("{format:?}"), format)).to_vec());
        for receiver in world.receivers.values() {
            let mut random = seed.wrapping_mul(0x9E37_79B9_7F4A_7C15);
            receiver.answers(move |_| {
                random ^= random << 13;
                random ^= random >> 7;
                random ^= random << 17;
                match random % 10 {
                    0 => status(503),
                    1 => status(429),
                    2 => refused(),
                    _ => ok(),
                }
            });
        }
        append_calls(&world, 15, 1, 20);
        let mut relay = world.start();
        for round in 0..60 {
            world.pass(&relay, 10 * SECOND, 5 * SECOND);
            if round % 20 == 10 {
                relay.crash();
                relay = world.start();
            }
        }
        world.receivers.values().for_each(|receiver| receiver.answers(|_| ok()));
        world.pass(&relay, Duration::from_secs(7_200), 30 * SECOND);
        for to in &world.destinations {
            assert_eq!(counts(&relay, &to.name).delivered, 300, "seed {seed}, {}", to.name);
            let receiver = world.receiver(&to.name);
            assert_eq!(receiver.set().len(), 300, "seed {seed}");
            check_order(&receiver.accepted());
        }
        relay.close();
    }
}

#[test]
fn a_new_destination_begins_where_it_is_told() {
    let to = |name: &str, from| Destination { from, ..destination(name, Format::Segment) };
    let at = |seconds: i64| From::Time(Time::from_millis(BEGIN.as_millis() + seconds * 1_000));
    let world = World::new(vec![
        to("now", From::Now),
        to("start", From::Start),
        to("third", at(2)),
        to("between", at(3)),
        to("early", at(-100)),
        to("late", at(100_000)),
    ]);
    for number in 1..=6 {
        append_calls(&world, 1, number, 1);
        world.clock.advance(1_000);
        if number == 3 {
            world.clock.advance(1_000);
        }
    }
    let relay = world.start();
    append_calls(&world, 1, 7, 1);
    relay.settle();
    for (name, first) in [("now", 7), ("start", 1), ("third", 3), ("between", 4), ("early", 1), ("late", 7)] {
        let wanted: Vec<String> = (first..=7).map(|number| format!("p0-{number}")).collect();
        assert_eq!(world.receiver(name).accepted(), wanted, "{name}");
        let delivered = wanted.len() as u64;
        assert_eq!(counts(&relay, name), Counts { delivered, filtered: 7 - delivered, ..Counts::default() }, "{name}");
    }
    relay.close();
}

#[test]
fn a_disabled_destination_gets_its_calls_when_it_is_enabled() {
    let mut world = World::new(vec![Destination { enabled: false, ..destination("a", Format::Segment) }]);
    append_calls(&world, 2, 1, 5);
    let relay = world.start();
    assert_eq!(status_of(&relay, "a").standing, Standing::Disabled);
    assert_eq!(counts(&relay, "a").pending, 10);
    relay.close();
    world.destinations[0].enabled = true;
    let relay: Relay = world.start();
    relay.settle();
    assert_eq!(counts(&relay, "a").delivered, 10);
    relay.close();
}

#[test]
fn a_person_whose_calls_fail_leaves_room_for_everybody_else() {
    let world = World::new(vec![destination("a", Format::Segment)]);
    let receiver = world.receiver("a").clone();
    receiver.answers(|ids| if ids.iter().any(|id| id.starts_with("bad-")) { status(503) } else { ok() });
    for block in 0..30 {
        let names: Vec<String> = (1..=1_000).map(|number| format!("bad-{}", block * 1_000 + number)).collect();
        world.append(&names.iter().map(|name| calls::track(Some("bad"), None, name)).collect::<Vec<_>>());
    }
    append_calls(&world, 5, 1, 20);
    let relay = world.start();
    world.pass(&relay, Duration::from_secs(600), 10 * SECOND);
    assert_eq!(receiver.set().len(), 100, "everybody else's");
    receiver.answers(|_| ok());
    world.pass(&relay, Duration::from_secs(7_200), 60 * SECOND);
    assert_eq!(counts(&relay, "a"), Counts { delivered: 30_100, ..Counts::default() });
    let accepted = receiver.accepted();
    assert_eq!(accepted.len(), 30_100, "nothing twice");
    check_order(&accepted);
    relay.close();
}
