//! What operators order: pause and resume, deliver again, look.

use std::time::Duration;

use super::calls;
use super::world::{World, counts, destination, ok, status, status_of};
use crate::call::CallType;
use crate::journal::Sequence;
use crate::relay::ledger::{Counts, State};
use crate::relay::settings::Format;
use crate::relay::{Edge, RelayError, Selection, Span, Standing};

const SECOND: Duration = Duration::from_secs(1);

fn append(world: &World, names: &[&str]) {
    world.append(&names.iter().map(|name| calls::track(Some(name), None, name)).collect::<Vec<_>>());
}

#[test]
fn a_pause_survives_restarts_and_a_resume_too() {
    let world = World::new(vec![destination("a", Format::Segment)]);
    let receiver = world.receiver("a").clone();
    let relay = world.start();
    relay.pause("a").unwrap();
    append(&world, &["one"]);
    relay.settle();
    assert_eq!(receiver.requests(), 0);
    relay.close();
    let relay = world.start();
    relay.settle();
    let status = status_of(&relay, "a");
    assert_eq!((status.standing, status.counts.pending, receiver.requests()), (Standing::Paused, 1, 0));
    relay.resume("a").unwrap();
    relay.settle();
    assert_eq!(receiver.accepted(), ["one"]);
    relay.crash();
    let relay = world.start();
    append(&world, &["two"]);
    relay.settle();
    assert_eq!(status_of(&relay, "a").standing, Standing::Running);
    assert_eq!(receiver.set().len(), 2);
    relay.close();
    assert!(matches!(relay.pause("b"), Err(RelayError::Unknown { .. })));
}

#[test]
fn a_wrong_key_pauses_with_an_alarm_and_nothing_is_given_up() {
    let world = World::new(vec![destination("a", Format::Partner)]);
    let receiver = world.receiver("a").clone();
    receiver.answers(|_| status(401));
    let names: Vec<String> = (0..50).map(|number| format!("n{number}")).collect();
    append(&world, &names.iter().map(String::as_str).collect::<Vec<_>>());
    let relay = world.start();
    relay.settle();
    world.pass(&relay, 600 * SECOND, 10 * SECOND);
    assert_eq!(status_of(&relay, "a").standing, Standing::Alarm);
    assert_eq!(counts(&relay, "a"), Counts { pending: 50, ..Counts::default() });
    let requests = receiver.requests();
    relay.close();
    let relay = world.start();
    relay.settle();
    assert_eq!(receiver.requests(), requests, "the alarm survives a restart");
    receiver.answers(|_| ok());
    relay.resume("a").unwrap();
    world.pass(&relay, 60 * SECOND, SECOND);
    assert_eq!(counts(&relay, "a"), Counts { delivered: 50, ..Counts::default() });
    relay.close();
}

#[test]
fn a_bad_item_of_a_batch_is_singled_out_and_can_be_delivered_again() {
    let world = World::new(vec![destination("a", Format::Segment)]);
    let receiver = world.receiver("a").clone();
    receiver.answers(|ids| if ids.iter().any(|id| id.starts_with("bad")) { status(400) } else { ok() });
    append(&world, &["a", "b", "bad-1", "c", "d", "e", "bad-2", "f"]);
    let relay = world.start();
    world.pass(&relay, 60 * SECOND, SECOND);
    assert_eq!(counts(&relay, "a"), Counts { delivered: 6, dead: 2, ..Counts::default() });
    let dead = relay.deliveries("a", State::Dead, None, 10).unwrap();
    let names: Vec<_> = dead.iter().map(|letter| letter.message_id.as_deref().unwrap()).collect();
    assert_eq!(names, ["bad-2", "bad-1"]);
    assert_eq!(dead[0].code.as_deref(), Some("REFUSED"));
    assert_eq!(dead[0].last.as_ref().unwrap().answer, status(400));
    let of_record = relay.of_record(Sequence::new(3)).unwrap();
    assert_eq!((of_record[0].0.as_str(), of_record[0].1), ("a", State::Dead));
    assert!(!of_record[0].2.is_empty());

    relay.redeliver("a", &Selection::Dead).unwrap();
    world.pass(&relay, 60 * SECOND, SECOND);
    assert_eq!(counts(&relay, "a").dead, 2, "still refused");
    assert_eq!(status_of(&relay, "a").redeliveries, 0, "the order is done all the same");
    receiver.answers(|_| ok());
    relay.redeliver("a", &Selection::One(Sequence::new(3))).unwrap();
    relay.settle();
    assert_eq!(counts(&relay, "a"), Counts { delivered: 7, dead: 1, ..Counts::default() });
    relay.redeliver("a", &Selection::Dead).unwrap();
    relay.close();
    let relay = world.start();
    relay.settle();
    assert_eq!(counts(&relay, "a"), Counts { delivered: 8, ..Counts::default() });
    assert_eq!(receiver.accepted().len(), 8, "nothing twice");
    relay.close();
}

#[test]
fn a_range_is_delivered_again_by_type_and_event() {
    let world = World::new(vec![destination("a", Format::Segment)]);
    let receiver = world.receiver("a").clone();
    append(&world, &["one", "two", "three"]);
    world.append(&[calls::identify(Some("u"), None)]);
    world.clock.advance(1_000);
    append(&world, &["four"]);
    let relay = world.start();
    relay.settle();
    let ordered = |span: Span| {
        let before = receiver.accepted().len();
        relay.redeliver("a", &Selection::Span(span)).unwrap();
        relay.settle();
        assert_eq!(status_of(&relay, "a").redeliveries, 0);
        let mut names = receiver.accepted()[before..].to_vec();
        names.sort();
        names
    };
    let all = Span { delivered_too: true, ..Span::default() };
    assert!(ordered(Span::default()).is_empty(), "no dead letter is there");
    assert_eq!(ordered(Span { kind: Some(CallType::Identify), ..all.clone() }), ["identify-u-"]);
    assert_eq!(ordered(Span { event: Some("two".to_owned()), ..all.clone() }), ["two"]);
    let from = Some(Edge::Time(world.clock.now()));
    assert_eq!(ordered(Span { from, ..all.clone() }), ["four"]);
    let until = Some(Edge::Sequence(Sequence::new(3)));
    assert_eq!(ordered(Span { until, ..all.clone() }), ["one", "two"]);
    assert_eq!(ordered(all.clone()).len(), 5);
    assert_eq!(counts(&relay, "a"), Counts { delivered: 5, ..Counts::default() });
    let empty = Span { from: Some(Edge::Sequence(world.tail())), ..all };
    assert!(matches!(relay.redeliver("a", &Selection::Span(empty)), Err(RelayError::EmptyRange)));
    relay.close();
}

#[test]
fn what_cannot_be_delivered_again_is_said() {
    let world = World::new(vec![destination("a", Format::Segment)]);
    let mut control = calls::track(Some("u"), None, "control");
    control.marks = crate::call::Marks::CONTROL;
    world.append(&[control]);
    let relay = world.start();
    relay.settle();
    relay.pause("a").unwrap();
    append(&world, &["one"]);
    let order = |sequence| relay.redeliver("a", &Selection::One(Sequence::new(sequence)));
    assert!(matches!(order(1), Err(RelayError::Filtered { .. })));
    assert!(matches!(order(2), Err(RelayError::Pending { .. })));
    assert!(matches!(order(3), Err(RelayError::NoRecord { .. })));
    let pending = relay.deliveries("a", State::Pending, None, 10).unwrap();
    assert_eq!(pending.iter().map(|one| one.event.as_deref()).collect::<Vec<_>>(), [Some("one")]);
    relay.close();
}
