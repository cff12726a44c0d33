//! Faults on our side: a crash, a failing ledger, a bug in one worker, receivers that never answer.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use super::calls;
use super::world::{World, counts, destination, ok, status_of};
use crate::journal::{ReadError, Reader, Sequence, Slice, Tail};
use crate::relay::Standing;
use crate::relay::client::Transport;
use crate::relay::format::Request;
use crate::relay::ledger::Counts;
use crate::relay::policy::Answer;
use crate::relay::settings::{Destination, Format, From};

fn append(world: &World, first: usize, count: usize) {
    let names: Vec<String> = (first..first + count).map(|number| format!("n-{number}")).collect();
    world.append(&names.iter().map(|name| calls::track(Some(name), None, name)).collect::<Vec<_>>());
}

#[test]
fn a_crash_loses_nothing() {
    let world = World::new(vec![destination("a", Format::Partner)]);
    let receiver = world.receiver("a").clone();
    for round in 0..10 {
        append(&world, round * 20, 20);
        let relay = world.start();
        if round % 2 == 0 {
            relay.settle();
        }
        relay.crash();
    }
    let relay = world.start();
    relay.settle();
    assert_eq!(counts(&relay, "a"), Counts { delivered: 200, ..Counts::default() });
    assert_eq!(receiver.set().len(), 200);
    relay.close();
}

#[test]
fn a_power_cut_loses_nothing() {
    let world = World::new(vec![destination("a", Format::Segment)]);
    for round in 0..10 {
        append(&world, round * 20, 20);
        let relay = world.start();
        relay.settle();
        relay.crash();
        drop(relay);
        world.engine.cut_power();
    }
    let relay = world.start();
    relay.settle();
    assert_eq!(counts(&relay, "a"), Counts { delivered: 200, ..Counts::default() });
    assert_eq!(world.receiver("a").set().len(), 200);
    relay.close();
}

#[test]
fn nothing_is_sent_when_it_cannot_be_entered() {
    let world = World::new(vec![destination("a", Format::Partner)]);
    append(&world, 0, 5);
    let relay = world.start();
    relay.settle();
    world.engine.fail_sync(world.engine.syncs() + 1);
    assert!(relay.pause("a").is_err(), "what cannot be made durable is not promised");
    append(&world, 5, 5);
    relay.settle();
    let status = status_of(&relay, "a");
    assert_eq!(status.standing, Standing::Failed);
    assert!(status.reason.unwrap().contains("ledger"));
    assert_eq!(world.receiver("a").accepted().len(), 5);
    relay.close();
    world.engine.cut_power();
    let relay = world.start();
    relay.settle();
    assert_eq!(counts(&relay, "a").delivered, 10);
    relay.close();
}

/// A journal that panics when the first record is read, as a bug would.
struct Buggy(Arc<dyn Reader>);

impl Reader for Buggy {
    fn first(&self) -> Sequence {
        self.0.first()
    }
    fn tail(&self) -> Tail {
        self.0.tail()
    }
    fn read(&self, from: Sequence, bytes_max: usize) -> Result<Slice, ReadError> {
        assert!(from > Sequence::FIRST, "a bug");
        self.0.read(from, bytes_max)
    }
    fn find(&self, source: &str, message_id: &str) -> Result<Option<Sequence>, ReadError> {
        self.0.find(source, message_id)
    }
}

#[test]
fn a_bug_in_one_worker_is_told_and_leaves_the_others_alone() {
    let mut world = World::new(vec![
        destination("broken", Format::Partner),
        Destination { from: From::Now, ..destination("fine", Format::Partner) },
    ]);
    append(&world, 0, 1);
    world.reader = Arc::new(Buggy(Arc::clone(&world.reader)));
    let relay = world.start();
    append(&world, 1, 10);
    relay.settle();
    let failed = status_of_unread(&relay, "broken");
    assert_eq!(failed, Standing::Failed);
    assert_eq!(world.receiver("fine").accepted().len(), 10);
    assert_eq!(world.receiver("broken").requests(), 0);
    relay.close();
}

/// The standing, where the oldest record cannot be read without a panic.
fn status_of_unread(relay: &crate::relay::Relay, name: &str) -> Standing {
    relay.standing(name).unwrap()
}

/// A receiver whose connection dies in a bug of ours.
struct Panics(AtomicU64);

impl Transport for Panics {
    fn send(&self, _: Request) -> std::pin::Pin<Box<dyn Future<Output = Answer> + Send + '_>> {
        assert!(self.0.fetch_add(1, Ordering::SeqCst) > 0, "a bug");
        Box::pin(async { ok() })
    }
}

#[test]
fn a_bug_while_sending_is_a_failed_attempt() {
    let world = World::new(vec![destination("a", Format::Partner)]);
    append(&world, 0, 1);
    let relay = world.open();
    relay.start(&|_| Ok(Arc::new(Panics(AtomicU64::new(0))) as Arc<dyn Transport>)).unwrap();
    relay.settle();
    assert_eq!(counts(&relay, "a").pending, 1);
    world.pass(&relay, Duration::from_secs(30), Duration::from_secs(1));
    assert_eq!(counts(&relay, "a").delivered, 1);
    relay.close();
}

/// A receiver that never answers.
struct Hangs;

impl Transport for Hangs {
    fn send(&self, _: Request) -> std::pin::Pin<Box<dyn Future<Output = Answer> + Send + '_>> {
        Box::pin(std::future::pending())
    }
}

#[test]
fn receivers_that_never_answer_do_not_hold_up_the_living_one() {
    let mut destinations: Vec<_> =
        (0..30).map(|number| destination(&format!("dead{number}"), Format::Partner)).collect();
    destinations.push(destination("living", Format::Partner));
    let world = World::new(destinations);
    append(&world, 0, 1_000);
    let relay = world.open();
    let living = world.receiver("living").clone();
    let connect =
        |to: &Destination| Ok(if to.name == "living" { living.clone() as Arc<dyn Transport> } else { Arc::new(Hangs) });
    relay.start(&connect).unwrap();
    relay.settle_one("living");
    assert_eq!(counts(&relay, "living"), Counts { delivered: 1_000, ..Counts::default() });
    assert_eq!(counts(&relay, "dead7"), Counts { pending: 1_000, ..Counts::default() });
    relay.crash();
}
